"""The threats of this product to registration (reference/security.md D.2) that no other test is about.

docs/threats.md says which test holds which row.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event, make_registration
from tests.guards.world import contents
from tests.registration.conftest import Desk
from tests.registration.conftest import desk as desk  # noqa: PLC0414 the fixture
from workshops.config import PROJECT
from workshops.core.tokens import new_token, token_hash
from workshops.feeds.models import StaffCalendar
from workshops.feeds.rules import STAFF_PURPOSE
from workshops.messages.models import OutboxMessage
from workshops.registration.models import CalendarToken, DatePoll, DatePollAnswer, PlacePass, PlaceToken, Registration
from workshops.registration.views.public import FIND_PER_ADDRESS, REGISTER_PER_ADDRESS, REGISTER_PER_CLIENT

SAME = {"name": "Example Person", "if_full": "wait"}


def mails(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


# --- 1: find out who is registered ----------------------------------------------------------------------------


@pytest.mark.full
@pytest.mark.parametrize("page", ["find", "register"])
def test_row_1_a_known_and_an_unknown_address_take_the_same_time(
    client: FormClient, session: Session, page: str, clock: FakeClock
) -> None:
    event = make_event(session, slug="table", capacity_in_person=2_000)
    for number in range(3):
        other = make_event(session, slug=f"other-{number}")
        make_registration(session, other, email="known@example.org")
    make_registration(session, event, email="known@example.org")
    session.commit()
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    for number in range(200):
        for who, taken in times.items():
            clock.advance(hours=2)  # so that "registered already" is told each time, which costs what a newcomer costs
            clock.now -= timedelta(hours=1, minutes=59)
            email = "known@example.org" if who == "known" else f"nobody{number}@example.org"
            path = "/find-my-place" if page == "find" else "/events/table/register"
            begun = time.perf_counter()
            answer = client.send(path, {**SAME, "email": email})
            taken.append(time.perf_counter() - begun)
            assert answer.status_code == 303
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert abs(known - unknown) < 0.010, (known, unknown)


# --- 2: links that open what they should not --------------------------------------------------------------------


def test_row_2_a_link_opens_its_own_purpose_alone(
    app: Flask, client: FormClient, session: Session, clock: FakeClock
) -> None:
    event, draft = make_event(session), make_event(session, state="draft")
    person = make_registration(session, event)
    other = make_registration(session, event)
    made = {kind: new_token() for kind in ("place", "other", "revoked", "calendar", "pass", "date_poll", "staff")}
    poll = DatePoll(event_id=event.id, draft_id=draft.id, days=["2030-05-04"], created_at=clock.now)
    session.add(poll)
    session.flush()
    session.add_all([
        PlaceToken(registration_id=person.id, token_hash=token_hash("place", made["place"]), created_at=clock.now),
        PlaceToken(registration_id=other.id, token_hash=token_hash("place", made["other"]), created_at=clock.now),
        PlaceToken(registration_id=person.id, token_hash=token_hash("place", made["revoked"]), created_at=clock.now,
                   revoked_at=clock.now),
        CalendarToken(email_key=person.email_key, token_hash=token_hash("calendar", made["calendar"]),
                      created_at=clock.now),
        PlacePass(registration_id=person.id, name="A Colleague", email="colleague@example.org",
                  token_hash=token_hash("pass", made["pass"]), created_at=clock.now,
                  expires_at=clock.now + timedelta(days=1)),
        DatePollAnswer(poll_id=poll.id, registration_id=person.id,
                       token_hash=token_hash("date_poll", made["date_poll"])),
        StaffCalendar(account_id=make_account(session).id, whose="mine", created_at=clock.now,
                      token_hash=token_hash(STAFF_PURPOSE, made["staff"])),
    ])  # fmt: skip
    session.commit()
    opened: dict[str, set[str]] = {kind: set() for kind in made}
    before = contents(session)
    for rule in app.url_map.iter_rules():
        if rule.arguments != {"token"} or not rule.endpoint.startswith(("registration.", "feeds.")):
            continue
        for kind, token in made.items():
            path = rule.rule.replace("<token>", token)
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                if method == "POST" and kind != "revoked":
                    continue  # what these change is what they are for
                answer = client.get(path) if method == "GET" else client.send(path)
                if answer.status_code not in (404, 410) and method == "GET":
                    opened[kind].add(rule.endpoint)
                if kind == "revoked":
                    assert answer.status_code == 404, (method, path)
    assert contents(session) == before
    assert opened["revoked"] == set()
    assert opened["place"] == opened["other"] >= {"registration.place", "registration.cancel_place"}
    assert opened["calendar"] == {"feeds.my_calendar_ics"} and opened["staff"] == {"feeds.staff_calendar_ics"}
    assert opened["pass"] == {"registration.take_over"} and opened["date_poll"] == {"registration.date_poll"}
    # neither the number nor the reference of a registration opens anything, and tokens are not kept as they are
    for value in (person.id, person.id + 1, person.reference, made["place"][:-1], made["place"].lower() + "x"):
        assert client.get(f"/places/{value}").status_code == 404
    page = client.get(f"/places/{made['place']}").text
    assert other.name not in page and other.reference not in page
    session.rollback()
    kept = {str(value) for rows in contents(session).values() for row in rows for value in row.values()}
    assert not any(token in value for token in made.values() for value in kept)


# --- 7: headers of mail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "email",
    ["a@example.org\r\nBcc: x@example.org", "a@example.org, b@example.org", '"x,y"@z', "a@example.org;b@example.org",
     "=?utf-8?q?a=40example=2Eorg?= <b@example.org>", "Ann <ann@example.org>", "x" * 320 + "@example.org",
     "a@" + "b" * 310 + ".org", "a@exаmple.org\u0000"],
)  # fmt: skip
def test_row_7_an_address_is_one_address_or_refused_in_words(
    client: FormClient, session: Session, email: str
) -> None:
    event = make_event(session, slug="table")
    answer = client.send(f"/events/{event.slug}/register", {**SAME, "email": email})
    if answer.status_code == 422:
        assert "There is a problem" in answer.text and "Example Person" in answer.text and mails(session) == 0
    else:
        assert answer.status_code == 303 and mails(session) == 1
        (kept,) = session.scalars(select(OutboxMessage.to_email)).all()
        assert len(kept) <= 254 and not re.search(r"[\s,;<>\x00-\x1f]", kept)


@pytest.mark.parametrize("name", ["Màiri NicDhòmhnaill", "👩🏽‍🚀 Ann", "A" * 80, "Ciorstaidh\u0301"])
def test_names_in_gaelic_emoji_and_80_characters_are_kept_as_typed(
    client: FormClient, session: Session, desk: Desk, name: str
) -> None:
    event = make_event(session, slug="table")
    answer = client.send(f"/events/{event.slug}/register", {**SAME, "name": name, "email": "ann@example.org"})
    assert answer.status_code == 303
    import unicodedata

    assert desk.person().name == unicodedata.normalize("NFC", name)


# --- 11: filling somebody's mailbox -------------------------------------------------------------------------------


def test_row_11_500_sends_write_no_more_mail_than_the_limits(
    app: Flask, client: FormClient, session: Session, change_settings: Callable[..., Any]
) -> None:
    change_settings(rate_limits=True)
    make_event(session, slug="table", capacity_in_person=1_000)
    for number in range(500):
        # one mailbox, by whatever spelling
        email = ("victim@example.org", "Victim@Example.org ", "VICTIM@EXAMPLE.ORG")[number % 3]
        answer = client.send("/events/table/register", {**SAME, "email": email})
        assert answer.status_code in (303, 429)
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0
    # the confirmation, and "you are registered already" once an hour
    assert mails(session) == 2 <= REGISTER_PER_ADDRESS.count
    session.query(OutboxMessage).delete()
    session.commit()
    for _ in range(30):
        client.send("/find-my-place", {"email": "victim@example.org"})
    assert mails(session) <= FIND_PER_ADDRESS.count


def test_row_11_one_client_cannot_write_to_hundreds(
    client: FormClient, session: Session, change_settings: Callable[..., Any]
) -> None:
    change_settings(rate_limits=True)
    make_event(session, slug="table", capacity_in_person=1_000)
    statuses = [
        client.send("/events/table/register", {**SAME, "email": f"person{number}@example.org"}).status_code
        for number in range(REGISTER_PER_CLIENT.count + 30)
    ]
    assert statuses == [303] * REGISTER_PER_CLIENT.count + [429] * 30
    assert mails(session) == REGISTER_PER_CLIENT.count


# --- 12: a Host that somebody else chose --------------------------------------------------------------------------


def test_row_12_links_in_mail_come_from_the_settings_alone(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session, slug="table", capacity_in_person=1)
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    sends = (("/events/table/register", {**SAME, "email": "ann@example.org"}),
             ("/find-my-place", {"email": "ann@example.org"}))  # fmt: skip
    for path, fields in sends:
        assert client.send(path, fields, headers=evil).status_code == 400
    assert mails(session) == 0
    del evil["Host"]
    for path, fields in sends:
        assert client.send(path, fields, headers=evil).status_code == 303
    place = next(desk.links(mail)["place"] for mail in desk.mails() if "place" in desk.links(mail))
    assert client.send(place + "/cancel", headers=evil).status_code == 303
    for mail in desk.mails():
        words = mail.body_text + mail.body_html + mail.subject + str(mail.calendar) + str(desk.links(mail))
        assert "evil" not in words and event.title in words


# --- 24: spam in public text --------------------------------------------------------------------------------------


def test_row_24_what_others_see_of_a_person_is_short_and_reads_left_to_right(
    client: FormClient, session: Session, desk: Desk, staff: Callable[..., FormClient]
) -> None:
    event = make_event(session, slug="table")
    hostile = {"name": "\u202eAnn\u2066 Example\x07", "organisation": "\u2067evil\u2069\r\nBcc: x", "job_title": "\0"}
    assert client.send("/events/table/register", {**SAME, **hostile, "email": "ann@example.org"}).status_code == 303
    person = desk.person()
    for value in (person.name, person.organisation, person.job_title):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x1f\x7f]", value)
    sheet = staff("organiser").get(f"/staff/events/{event.slug}/register-sheet").text
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", sheet) and "Ann" in sheet
    long = client.send("/events/table/register", {**SAME, "organisation": "x" * 121, "email": "b@example.org"})
    assert long.status_code == 422 and "120 characters or fewer" in long.text


# --- the page that says all this ----------------------------------------------------------------------------------


def test_every_test_that_the_threats_page_names_is_there() -> None:
    page = Path(PROJECT / "docs" / "threats.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) >= 10
    texts = {file: (PROJECT / file).read_text("utf-8") for file, _ in named}
    missing = [f"{file}::{test}" for file, test in named if f"def {test}(" not in texts[file]]
    assert missing == []


def test_the_registrations_of_an_erased_person_open_nothing(
    client: FormClient, session: Session, desk: Desk, clock: FakeClock
) -> None:
    event = make_event(session, slug="table")
    desk.register(event)
    link = desk.link()
    registration = session.scalars(select(Registration)).one()
    registration.erased_at = clock.now
    session.commit()
    assert client.get(link).status_code == 404

"""Who holds which version of an event, on both engines, and what holds now sent to them again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_account, make_event, sign_in
from tests.registration.conftest import Desk
from tests.registration.conftest import desk as desk  # noqa: PLC0414 the fixture
from workshops.audit.rules import COMMAND
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.messages.models import OutboxMessage
from workshops.registration.rules.ledger import (
    CURRENT,
    HELD,
    NOT_SENT,
    NOTHING,
    OLD,
    ON_ITS_WAY,
    RETURNED,
    WORDS,
    LastMail,
    headline,
    standing_of,
)
from workshops.registration.rules.news import News
from workshops.registration.service import ledger_of, send_again
from workshops.schedule.models import Event
from workshops.schedule.rules.when import When
from workshops.schedule.service import cancel_event, change_event, details_of


def moved(desk: Desk, event: Event, *, tell: bool) -> None:
    """An hour later than it was, as its form saves it; a minute passes before."""
    desk.clock.advance(minutes=1)
    hour = timedelta(hours=1)
    with transaction() as session:
        found = session.get(Event, event.id)
        assert found is not None and found.starts_at is not None and found.ends_at is not None
        details = replace(details_of(session, found), when=When(found.starts_at + hour, found.ends_at + hour))
        change_event(
            session, event_id=event.id, details=details, tell=tell, now=desk.clock.now, settings=desk.settings,
            actor=COMMAND,
        )  # fmt: skip


def outcome(desk: Desk, email: str, **values: Any) -> None:
    """What became of the newest mail to an address."""
    message = desk.mails(email)[-1]
    for name, value in {"state": "sent", "sent_at": desk.clock.now, **values}.items():
        setattr(message, name, value)
    desk.session.commit()


def standings(desk: Desk, event: Event) -> dict[str, str]:
    desk.session.rollback()
    found = desk.session.get(Event, event.id)
    assert found is not None
    return {line.registration.email.split("@")[0]: line.standing for line in ledger_of(desk.session, found)}


def again(desk: Desk, event: Event, who: int | None = None) -> int:
    desk.session.rollback()
    with transaction() as session:
        return send_again(
            session, event_id=event.id, registration_id=who, now=desk.clock.now, settings=desk.settings, actor=COMMAND
        )


@pytest.fixture
def full(session: Session, desk: Desk) -> Event:
    """An event with three people, to each of whom their place was sent."""
    event = make_event(session)
    for name in ("ann", "ben", "cat"):
        desk.register(event, f"{name}@example.org", name=f"{name.capitalize()} Example")
        outcome(desk, f"{name}@example.org")
    return event


# --- rules ------------------------------------------------------------------------------------------------------


def test_how_things_stand_by_the_newest_mail() -> None:
    def of(state: str, bounced: str = "", is_held: bool = False) -> str:
        return standing_of(None, LastMail(1, state, bounced, is_held, ""))

    assert of("sent") == of("sent", "delayed") == CURRENT
    assert of("sent", "permanent") == of("failed") == RETURNED
    assert of("due") == of("retry") == of("sending") == ON_ITS_WAY and of("due", is_held=True) == HELD
    assert of("cancelled") == NOT_SENT and standing_of(None, None) == NOTHING
    assert standing_of(News("event_changed"), LastMail(1, "sent", "", False, "")) == OLD


def test_the_headline_counts_in_words() -> None:
    assert headline([CURRENT]) == "The one person with a place has what holds now."
    assert headline([CURRENT] * 31) == "All 31 people have what holds now."
    assert headline([CURRENT] * 26 + [RETURNED] * 2 + [OLD] * 3) == (
        "26 of 31 people have what holds now. 3 people still have something older. 2 emails did not arrive."
    )
    assert headline([OLD, ON_ITS_WAY, HELD, NOTHING, NOT_SENT, RETURNED]) == (
        "0 of 6 people have what holds now. 1 person still has something older. 1 email did not arrive. "
        "1 email was taken back before it went out. 1 person was sent nothing. 1 email is held back by staff. "
        "1 email is on its way."
    )
    assert set(WORDS) == {OLD, RETURNED, NOT_SENT, NOTHING, HELD, ON_ITS_WAY, CURRENT}


# --- what each person holds -------------------------------------------------------------------------------------


def test_everybody_has_what_holds_until_it_changes_without_telling(desk: Desk, full: Event) -> None:
    assert set(standings(desk, full).values()) == {CURRENT}
    moved(desk, full, tell=False)
    assert set(standings(desk, full).values()) == {OLD}
    desk.session.rollback()
    found = desk.session.get(Event, full.id)
    assert found is not None
    news = ledger_of(desk.session, found)[0].news
    assert news is not None and [label for label, _, _ in news.changes] == ["Date and time"]


def test_each_result_of_the_news_shows(desk: Desk, full: Event) -> None:
    moved(desk, full, tell=True)
    assert set(standings(desk, full).values()) == {ON_ITS_WAY}
    outcome(desk, "ann@example.org")
    outcome(desk, "ben@example.org", bounced="permanent", last_error="550 no such user")
    outcome(desk, "cat@example.org", state="cancelled", sent_at=None)
    assert standings(desk, full) == {"ann": CURRENT, "ben": RETURNED, "cat": NOT_SENT}
    desk.session.rollback()
    found = desk.session.get(Event, full.id)
    assert found is not None
    ben = ledger_of(desk.session, found)[1]
    assert ben.news is not None and ben.mail is not None and ben.mail.why == "550 no such user"


def test_who_waits_or_left_is_not_in_it(desk: Desk, session: Session) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "ben@example.org", if_full="wait")
    assert list(standings(desk, event)) == ["ann"]


# --- sending again ----------------------------------------------------------------------------------------------


def test_sent_again_it_goes_once_to_those_who_do_not_have_it(desk: Desk, full: Event) -> None:
    moved(desk, full, tell=True)
    outcome(desk, "ann@example.org")
    outcome(desk, "ben@example.org", bounced="permanent")
    outcome(desk, "cat@example.org", state="failed", sent_at=None)
    before = {name: len(desk.mails(f"{name}@example.org")) for name in ("ann", "ben", "cat")}
    sequences = {name: desk.person(f"{name}@example.org").invite_sequence or 0 for name in before}
    assert again(desk, full) == 2
    assert again(desk, full) == 0
    after = {name: len(desk.mails(f"{name}@example.org")) for name in before}
    assert after == {"ann": before["ann"], "ben": before["ben"] + 1, "cat": before["cat"] + 1}
    assert standings(desk, full) == {"ann": CURRENT, "ben": ON_ITS_WAY, "cat": ON_ITS_WAY}
    newest = desk.mails("ben@example.org")[-1]
    assert newest.kind == "registration/event_changed" and newest.calendar_method == "REQUEST"
    assert (desk.person("ben@example.org").invite_sequence or 0) > sequences["ben"]


def test_one_person_alone_can_be_sent_it(desk: Desk, full: Event) -> None:
    moved(desk, full, tell=False)
    assert again(desk, full, desk.person("ben@example.org").id) == 1
    assert standings(desk, full) == {"ann": OLD, "ben": ON_ITS_WAY, "cat": OLD}


def test_who_was_sent_nothing_gets_their_place(desk: Desk, full: Event, session: Session) -> None:
    session.query(OutboxMessage).delete()
    session.commit()
    assert set(standings(desk, full).values()) == {NOTHING}
    assert again(desk, full) == 3
    assert desk.mails("cat@example.org")[-1].kind == "registration/place_confirmed"


def test_a_cancellation_that_did_not_arrive_is_sent_again_as_one(desk: Desk, full: Event) -> None:
    desk.clock.advance(minutes=1)
    with transaction() as session:
        cancel_event(session, event_id=full.id, reason="The room is flooded", tell=True, now=desk.clock.now,
                     settings=desk.settings, actor=COMMAND)  # fmt: skip
    outcome(desk, "ann@example.org", bounced="permanent")
    for name in ("ben", "cat"):
        outcome(desk, f"{name}@example.org")
    assert again(desk, full) == 1
    newest = desk.mails("ann@example.org")[-1]
    assert newest.kind == "registration/event_cancelled" and newest.calendar_method == "CANCEL"


def test_after_the_event_nothing_is_sent(desk: Desk, full: Event) -> None:
    desk.clock.advance(days=60)
    with pytest.raises(DomainError, match="over"):
        again(desk, full)


# --- pages ------------------------------------------------------------------------------------------------------


def test_the_pages_say_who_does_not_have_it_and_send_it_again(
    client: FormClient, session: Session, desk: Desk, full: Event
) -> None:
    sign_in(session, client, make_account(session, role="admin"), now=desk.clock.now)
    path = f"/staff/events/{full.slug}/calendars"
    assert "All 3 people have what holds now." in client.get(path).get_data(as_text=True)
    moved(desk, full, tell=False)
    html = client.get(path).get_data(as_text=True)
    assert "3 people still have something older." in html and "Send it again to 3 people" in html
    assert "Date and time they have: " in html
    paper = client.get(f"/staff/events/{full.slug}/to-reach").get_data(as_text=True)
    assert "Reach these another way" in paper and "Everybody else" not in paper and "ann@example.org" in paper
    assert "3 people still have something older." in client.get(f"/staff/events/{full.slug}/messages").text
    assert client.send(f"{path}/send").status_code == 303
    html = client.get(path).get_data(as_text=True)
    assert "3 emails will go out now." in html and "Send it again" not in html


def test_who_was_not_told_stands_among_what_needs_attention(
    client: FormClient, session: Session, desk: Desk, full: Event
) -> None:
    sign_in(session, client, make_account(session, role="admin"), now=desk.clock.now)
    assert "not told what changed" not in client.get("/staff/").text
    moved(desk, full, tell=False)
    assert f"3 people were not told what changed at {full.title}" in client.get("/staff/").text
    again(desk, full)
    assert "not told what changed" not in client.get("/staff/").text


def test_an_event_without_people_says_so(client: FormClient, session: Session, desk: Desk) -> None:
    sign_in(session, client, make_account(session, role="admin"), now=desk.clock.now)
    event = make_event(session)
    assert "Nobody has a place" in client.get(f"/staff/events/{event.slug}/calendars").get_data(as_text=True)
    assert client.get(f"/staff/events/{event.slug}/to-reach").status_code == 200
    assert "Who has what holds now" not in client.get(f"/staff/events/{event.slug}/messages").text


def test_it_costs_the_same_selects_however_many_people(app: Flask, session: Session, desk: Desk, full: Event) -> None:
    def cost() -> int:
        session.rollback()
        event = session.get(Event, full.id)
        assert event is not None
        said: list[str] = []
        listener = lambda *arguments: said.append(arguments[2])  # noqa: E731
        sqlalchemy_event.listen(db.engine, "before_cursor_execute", listener)
        ledger_of(session, event)
        sqlalchemy_event.remove(db.engine, "before_cursor_execute", listener)
        return len(said)

    few = cost()
    for number in range(7):
        desk.register(full, f"more{number}@example.org", name="More Example")
    assert cost() == few

"""The pages of registration: status, headings, access, error text, and what they must never show."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event, make_registration
from tests.registration.conftest import Desk
from workshops.audit.models import AuditEntry
from workshops.config import Settings
from workshops.registration import queries, service
from workshops.registration.models import Needs, Registration
from workshops.schedule.models import Event, Series

ANN = {"name": "Ann Example", "email": "ann@example.org"}


def form_key(client: FormClient, event: Event) -> str:
    page = client.get(f"/events/{event.slug}/register").text
    found = re.search(r'name="form_key" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]+>", "", found[1]).strip()


def test_the_form_asks_what_design_promises(client: FormClient, session: Session) -> None:
    event = make_event(session, mode="hybrid", capacity_online=5, questions=["What brings you?", "Anything else?"])
    answer = client.get(f"/events/{event.slug}/register")
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
    names = set(re.findall(r'name="([a-z_0-9]+)"', answer.text)) - {"description", "viewport", "robots"}
    assert names >= {
        "name", "email", "attending", "organisation", "job_title", "sector", "access_needs", "dietary_needs",
        "question", "answer_1", "answer_2", "if_full", "form_key", "csrf_token",
    }
    assert "answer_3" not in names
    assert "What brings you?" in answer.text
    for autocomplete in ("name", "email", "organization", "organization-title"):
        assert f'autocomplete="{autocomplete}"' in answer.text


def test_a_kept_form_is_fresh_for_each_browser(app: Flask, client: FormClient, session: Session) -> None:
    event = make_event(session)
    keys = {form_key(client, event), form_key(client, event), form_key(app.test_client(), event)}  # type: ignore[arg-type]
    assert len(keys) == 3
    page = client.get(f"/events/{event.slug}/register").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    answer = client.post(
        f"/events/{event.slug}/register", data={**ANN, "csrf_token": token[1], "form_key": keys.pop()}
    )
    assert answer.status_code == 303
    # Another browser cannot use that token.
    other = app.test_client().post(f"/events/{event.slug}/register", data={**ANN, "csrf_token": token[1]})
    assert other.status_code == 422 and "open for too long" in other.text and "ann@example.org" in other.text


def test_registering_ends_at_a_receipt_without_anything_personal(
    client: FormClient, session: Session, desk: Desk
) -> None:
    event = make_event(session)
    fields = {**ANN, "sector": "council", "form_key": form_key(client, event), "role": "admin", "state": "cancelled"}
    answer = client.send(f"/events/{event.slug}/register", fields)
    assert (answer.status_code, answer.location) == (303, f"/events/{event.slug}/registered/place")
    person = desk.person()
    assert (person.state, person.sector) == ("confirmed", "council")
    page = client.get(answer.location).text
    assert heading(page) == "You have a place"
    for personal in ("ann@", "Ann", person.reference, "/places/"):
        assert personal not in page
    again = client.send(f"/events/{event.slug}/register", fields)
    assert again.location == answer.location and len(desk.mails()) == 1


def test_known_and_unknown_addresses_get_the_same_answer(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session)
    make_registration(session, event, email="known@example.org")
    answers = []
    for email in ("known@example.org", "new@example.org"):
        sent = client.send(f"/events/{event.slug}/register", {"name": "A", "email": email})
        answers.append((sent.status_code, sent.location, sent.data, sorted(sent.headers.keys())))
    assert answers[0] == answers[1]
    assert desk.kinds("known@example.org") == ["already_registered"]


def test_every_mistake_keeps_what_was_typed(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session, questions=["What brings you?"])
    fields = {
        "name": "", "email": "ann@@example.org", "organisation": "Example Council", "sector": "moon",
        "access_needs": "A space <b>near</b> the door", "answer_1": "The tea", "question": "Q" * 1001,
        "form_key": "kept-key",
    }
    answer = client.send(f"/events/{event.slug}/register", fields)
    assert answer.status_code == 422
    page = answer.text
    assert "<title>Error: " in page and "There is a problem" in page
    for words in ("Enter your name", "Enter an email address in the correct format", "1,000 characters or fewer"):
        assert words in page
    for anchor in ('href="#name"', 'href="#email"', 'href="#sector"', 'href="#question"'):
        assert anchor in page
    for typed in ("ann@@example.org", "Example Council", "A space &lt;b&gt;near&lt;/b&gt; the door", "The tea"):
        assert typed in page
    assert "kept-key" in page
    assert desk.states(event) == {}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ann\r\nBcc: x@example.org", "Ann Bcc: x@example.org"),
        ("A\x00nn", "Ann"),
        ("\u202eAnn\u2066", "Ann"),
        ("=cmd|'/c calc'!A0", "=cmd|'/c calc'!A0"),
        ("{{7*7}} {0.__class__}", "{{7*7}} {0.__class__}"),
        ("Màiri NicDhòmhnaill", "Màiri NicDhòmhnaill"),
    ],
)
def test_hostile_names_are_cleaned_and_never_break_a_mail(
    client: FormClient, session: Session, desk: Desk, typed: str, kept: str
) -> None:
    event = make_event(session, title="Example workshop")
    answer = client.send(f"/events/{event.slug}/register", {"name": typed, "email": "ann@example.org"})
    assert answer.status_code == 303
    assert desk.person().name == kept
    (mail,) = desk.mails()
    assert "49" not in mail.subject and "\n" not in mail.subject and typed not in mail.subject


@pytest.mark.parametrize(
    "email", ["a@b\r\nBcc:x@example.org", "a@example.org,b@example.org", '"x,y"@z', "a@@b", "a" * 255]
)
def test_addresses_that_are_none_are_refused(client: FormClient, session: Session, desk: Desk, email: str) -> None:
    event = make_event(session)
    answer = client.send(f"/events/{event.slug}/register", {"name": "Ann", "email": email})
    assert answer.status_code == 422 and desk.states(event) == {}


def test_a_full_event_shows_the_choice_and_keeps_the_rest(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session, capacity_in_person=1)
    make_registration(session, event)
    assert heading(client.get(f"/events/{event.slug}/register").text) == f"Join the waiting list for {event.title}"
    answer = client.send(f"/events/{event.slug}/register", {**ANN, "organisation": "Example Council"})
    assert answer.status_code == 422
    assert "Choose whether to join the waiting list" in answer.text and 'href="#if_full-0"' in answer.text
    assert "Example Council" in answer.text
    waiting = client.send(f"/events/{event.slug}/register", {**ANN, "if_full": "wait"})
    assert waiting.location == f"/events/{event.slug}/registered/waiting"
    assert heading(client.get(waiting.location).text) == "You are on the waiting list"


@pytest.mark.parametrize(
    ("values", "got", "sent", "words"),
    [
        ({"state": "cancelled"}, 410, 410, "cancelled"),
        ({"state": "postponed"}, 200, 422, "postponed"),
        ({"booking": "closed"}, 200, 422, "closed"),
        ({"booking": "elsewhere", "booking_url": "https://book.example.org/x"}, 200, 422, "another website"),
        ({"booking": "none"}, 200, 422, "do not need to register"),
        ({"capacity_in_person": 0, "has_waiting_list": False}, 200, 422, "All places are taken"),
        ({"state": "draft"}, 404, 404, "Page not found"),
    ],
)
def test_an_event_that_takes_nobody_says_so(
    client: FormClient, session: Session, desk: Desk, values: dict[str, Any], got: int, sent: int, words: str
) -> None:
    event = make_event(session, **values)
    page = client.get(f"/events/{event.slug}/register")
    assert page.status_code == got and words in page.text and 'name="email"' not in page.text
    answer = client.send(f"/events/{event.slug}/register", ANN)
    assert answer.status_code == sent and words in answer.text
    assert desk.states(event) == {}


def test_the_form_changes_by_the_clock(client: FormClient, session: Session, clock: FakeClock) -> None:
    event = make_event(session, opens_at=clock.now + timedelta(hours=1))
    assert "Registration opens" in client.get(f"/events/{event.slug}/register").text
    clock.advance(hours=1)
    assert 'name="email"' in client.get(f"/events/{event.slug}/register").text
    clock.now = event.starts_at
    assert client.get(f"/events/{event.slug}/register").status_code == 410


def test_too_many_registrations_give_the_form_back(
    client: FormClient, session: Session, desk: Desk, change_settings: Callable[..., Settings]
) -> None:
    change_settings(rate_limits=True)
    event = make_event(session)
    for _ in range(10):
        assert client.send(f"/events/{event.slug}/register", ANN).status_code == 303
    answer = client.send(f"/events/{event.slug}/register", {**ANN, "organisation": "Example Council"})
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert "Example Council" in answer.text
    assert client.send(f"/events/{event.slug}/register", {"name": "B", "email": "b@example.org"}).status_code == 303


def test_receipts_are_three_and_need_an_event(client: FormClient, session: Session) -> None:
    event = make_event(session)
    assert heading(client.get(f"/events/{event.slug}/registered/requested").text) == "You have asked for a place"
    assert client.get(f"/events/{event.slug}/registered/admin").status_code == 404
    assert client.get("/events/no-such/registered/place").status_code == 404
    first = client.get(f"/events/{event.slug}/registered/place")
    again = client.get(f"/events/{event.slug}/registered/place", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


# --- my place ------------------------------------------------------------------------------------------------


def everything(session: Session) -> dict[str, list[Any]]:
    """All rows of all tables."""
    session.rollback()
    names = inspect(session.get_bind()).get_table_names()
    return {name: [tuple(row) for row in session.execute(text(f'SELECT * FROM "{name}"'))] for name in names}


def test_opening_links_changes_nothing_however_often(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "bea@example.org", if_full="wait")
    desk.do(service.cancel_place, desk.person())
    links = [desk.link(), desk.link("bea@example.org")]
    before = everything(session)
    for link in links:
        for below in ("", "/change", "/cancel", "/move", "/take", "/decline", "/calendar"):
            for _ in range(3):
                assert client.get(link + below).status_code in (200, 303, 405)
                client.head(link + below)
                client.options(link + below)
    assert everything(session) == before


def test_my_place_shows_what_was_told_and_keeps_to_itself(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session, mode="online", capacity_online=5, joining_link="https://meet.example.org/room")
    desk.register(event, access_needs="Captions")
    answer = client.get(desk.link())
    assert answer.status_code == 200
    assert heading(answer.text) == "You have a place"
    for shown in ("Captions", "https://meet.example.org/room", desk.person().reference):
        assert shown in answer.text
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_links_that_open_nothing_get_one_and_the_same_page(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session)
    desk.register(event)
    right = desk.link().rpartition("/")[2]
    calendar = desk.do(service.make_calendar, desk.person()).rpartition("/")[2].removesuffix(".ics")
    revoked = right
    session.execute(text("UPDATE place_tokens SET revoked_at = created_at"))
    session.commit()
    reference = desk.person().reference
    pages = set()
    assert client.get("/places/%00").status_code == 404  # no address at all, see web.converters
    for token in ("x", "a" * 43, right[:-1], calendar, revoked, reference, "1", "é"):
        answer = client.get(f"/places/{token}")
        assert answer.status_code == 404
        pages.add(re.sub(r"/places/[^\"<]*", "", answer.text))
        assert client.send(f"/places/{token}/cancel").status_code == 404
        assert client.send(f"/places/{token}/take").status_code == 404
    (page,) = pages
    assert heading(page) == "This link no longer works" and 'href="/find-my-place"' in page
    assert desk.states(event) == {"ann": "confirmed"}


def test_cancelling_asks_first_and_can_be_pressed_twice(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session)
    desk.register(event)
    link = desk.link()
    assert heading(client.get(f"{link}/cancel").text) == "Do you want to cancel your place?"
    answer = client.send(f"{link}/cancel", {"reason": "A clash"})
    assert (answer.status_code, answer.location) == (303, link)
    assert heading(client.get(link).text) == "You have cancelled your place"
    assert client.send(f"{link}/cancel").status_code == 303
    assert desk.person().cancel_reason == "A clash"
    assert desk.kinds() == ["place_confirmed", "place_cancelled"]


def test_an_old_form_token_cancels_nothing(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session)
    desk.register(event)
    answer = client.post(f"{desk.link()}/cancel", data={"csrf_token": "old", "reason": "A clash"})
    assert answer.status_code == 422 and "A clash" in answer.text
    assert desk.states(event) == {"ann": "confirmed"}


def test_an_offer_is_answered_by_a_button_until_its_deadline(
    client: FormClient, session: Session, desk: Desk, clock: FakeClock
) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "bea@example.org", if_full="wait")
    desk.register(event, "cal@example.org", if_full="wait")
    desk.do(service.cancel_place, desk.person())
    link = desk.link("bea@example.org")
    page = client.get(link).text
    assert heading(page) == "We are holding a place for you until 5pm on Tuesday 2 March 2027"
    assert "Take the place" in page and "I no longer need it" in page
    assert client.send(f"{link}/take").location == link
    assert client.send(f"{link}/take").location == link, "pressed twice: it is done"
    assert heading(client.get(link).text) == "You have a place"
    desk.do(service.cancel_place, desk.person("bea@example.org"))
    late = desk.link("cal@example.org")
    clock.advance(hours=48)
    assert heading(client.get(late).text) == "The time to answer has passed"
    answer = client.send(f"{late}/take")
    assert answer.status_code == 422 and "has gone to the next person" in answer.text


def test_details_are_changed_and_mistakes_kept(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session, mode="hybrid", capacity_in_person=2, capacity_online=0)
    desk.register(event, attending="in_person", dietary_needs="Vegan")
    link = desk.link()
    assert "Vegan" in client.get(f"{link}/change").text
    fields = {"name": "Ann B Example", "attending": "in_person", "dietary_needs": "", "job_title": "Baker"}
    assert client.send(f"{link}/change", fields).location == f"{link}?saved=details"
    assert "Your changes are saved" in client.get(f"{link}?saved=details").text
    person = desk.person()
    assert (person.name, person.job_title) == ("Ann B Example", "Baker")
    assert session.get(Needs, person.id) is None
    answer = client.send(f"{link}/change", {**fields, "attending": "online", "job_title": "Chef"})
    assert answer.status_code == 422 and "All places online are taken" in answer.text and "Chef" in answer.text
    assert client.send(f"{link}/change", {**fields, "name": ""}).status_code == 422
    assert desk.person().job_title == "Baker"


def test_moving_shows_the_dates_with_room(client: FormClient, session: Session, desk: Desk, clock: FakeClock) -> None:
    series = Series(title="Example", created_at=clock.now)
    session.add(series)
    session.commit()
    old = make_event(session, series_id=series.id)
    new = make_event(session, series_id=series.id, starts_at=clock.now + timedelta(days=50), capacity_in_person=3)
    make_event(session, series_id=series.id, starts_at=clock.now + timedelta(days=60), booking="closed")
    desk.register(old)
    link = desk.link()
    assert "Move to another date" in client.get(link).text
    page = client.get(f"{link}/move").text
    assert "3 places left" in page and page.count('name="to"') == 1
    assert client.send(f"{link}/move", {}).status_code == 422
    assert client.send(f"{link}/move", {"to": "999"}).status_code == 422
    answer = client.send(f"{link}/move", {"to": str(new.id)})
    assert answer.location == f"/events/{new.slug}/registered/place"
    assert desk.states(old) == {"ann": "cancelled"} and desk.states(new) == {"ann": "confirmed"}


def test_the_calendar_address_is_shown_once(client: FormClient, session: Session, desk: Desk) -> None:
    desk.register(make_event(session))
    link = desk.link()
    assert client.send(f"{link}/calendar").status_code == 303
    shown = re.search(r'value="(http://localhost/calendars/[^"]+\.ics)"', client.get(link).text)
    assert shown is not None
    again = client.get(link).text
    assert "/calendars/" not in again.replace('href="/calendars"', "") and "Making a new one ends the old one" in again


def test_after_the_start_a_place_cannot_be_changed(
    client: FormClient, session: Session, desk: Desk, clock: FakeClock
) -> None:
    event = make_event(session)
    desk.register(event)
    link, starts = desk.link(), event.starts_at
    assert starts is not None
    clock.now = starts
    assert "can no longer be changed or cancelled" in client.get(link).text
    assert client.send(f"{link}/cancel").status_code == 303
    assert desk.states(event) == {"ann": "confirmed"}
    clock.advance(days=1)
    assert "This event is over" in client.get(link).text


def test_finding_a_place_answers_alike(client: FormClient, session: Session, desk: Desk) -> None:
    desk.register(make_event(session))
    answers = []
    for email in ("ann@example.org", "nobody@example.org"):
        sent = client.send("/find-my-place", {"email": email})
        answers.append((sent.status_code, sent.location, sent.data))
    assert answers[0] == answers[1]
    page = client.get(answers[0][1]).text
    assert "If there is a booking for that address, we have sent a link." in page
    assert desk.kinds() == ["place_confirmed", "find_my_place"]
    wrong = client.send("/find-my-place", {"email": "ann@"})
    assert wrong.status_code == 422 and "ann@" in wrong.text


def test_finding_is_limited_by_address_without_a_word_and_by_client_with_one(
    client: FormClient, session: Session, desk: Desk, change_settings: Callable[..., Settings]
) -> None:
    desk.register(make_event(session))
    change_settings(rate_limits=True)
    answers = {client.send("/find-my-place", {"email": "ann@example.org"}).data for _ in range(5)}
    assert len(answers) == 1 and desk.kinds().count("find_my_place") == 3
    for number in range(15):
        client.send("/find-my-place", {"email": f"n{number}@example.org"})
    assert client.send("/find-my-place", {"email": "n@example.org"}).status_code == 429


# --- staff ---------------------------------------------------------------------------------------------------

STAFF_PAGES = ("people", "people/add", "needs", "messages")


def test_names_are_for_those_who_run_the_event(
    staff: Callable[..., FormClient], session: Session, desk: Desk
) -> None:
    owner = staff("facilitator")
    event = make_event(session, owner_id=owner.account_id)  # type: ignore[attr-defined]
    desk.register(event)
    person = desk.person()
    message = desk.mails()[0]
    pages = [*STAFF_PAGES, f"people/{person.id}", f"messages/{message.id}"]
    expected = {"viewer": 403, "facilitator": 403, "organiser": 200, "admin": 200}
    for browser, status in [(owner, 200), *((staff(role), status) for role, status in expected.items())]:
        for page in pages:
            answer = browser.get(f"/staff/events/{event.slug}/{page}")
            assert answer.status_code == status, page
            assert ("Ann Example" in answer.text) <= (status == 200)
        if status == 403:
            answer = browser.send(f"/staff/events/{event.slug}/people/{person.id}/cancel")
            assert answer.status_code == 403
            assert browser.send(f"/staff/events/{event.slug}/needs").status_code == 403
    assert desk.states(event) == {"ann": "confirmed"}


def test_a_person_is_found_at_their_own_event_only(
    staff: Callable[..., FormClient], session: Session, desk: Desk
) -> None:
    browser = staff("facilitator")
    mine = make_event(session, owner_id=browser.account_id)  # type: ignore[attr-defined]
    others = make_event(session)
    desk.register(others)
    person, message = desk.person(), desk.mails()[0]
    assert browser.get(f"/staff/events/{mine.slug}/people/{person.id}").status_code == 404
    assert browser.get(f"/staff/events/{mine.slug}/messages/{message.id}").status_code == 404
    assert browser.send(f"/staff/events/{mine.slug}/people/{person.id}/cancel").status_code == 404
    assert desk.states(others) == {"ann": "confirmed"}


def test_the_table_of_people_names_states_and_positions(
    staff: Callable[..., FormClient], session: Session, desk: Desk
) -> None:
    event = make_event(session, capacity_in_person=1)
    for name in ("ann", "bea", "cal"):
        desk.register(event, f"{name}@example.org", if_full="wait", name=f"{name.title()} Example")
    browser = staff("organiser")
    page = browser.get(f"/staff/events/{event.slug}/people").text
    assert "1 of 1" in page and page.index("Bea Example") < page.index("number 1") < page.index("number 2")
    only = browser.get(f"/staff/events/{event.slug}/people?state=waiting").text
    assert "Ann Example" not in only and "Cal Example" in only
    assert browser.get(f"/staff/events/{event.slug}/people?state=moon&page=999").status_code == 200
    assert browser.get(f"/staff/events/{event.slug}/people?page=x").status_code == 200


def test_staff_approve_decline_add_cancel_and_send_links(
    staff: Callable[..., FormClient], session: Session, desk: Desk
) -> None:
    event = make_event(session, booking="by_approval")
    desk.register(event)
    browser = staff("organiser")
    base = f"/staff/events/{event.slug}/people"
    person = f"{base}/{desk.person().id}"
    assert "Approve the request" in browser.get(person).text
    assert browser.send(f"{person}/approve").location == person
    assert "The request is approved" in browser.get(person).text
    browser.send(f"{person}/approve")
    assert "not asking for a place any more" in browser.get(person).text
    browser.send(f"{person}/resend-link")
    browser.send(f"{person}/cancel")
    assert desk.kinds("ann@example.org") == ["request_received", "place_confirmed", "your_link", "place_cancelled"]
    page = browser.get(person).text
    for words in ("Registered", "Request approved", "Link sent again", "Declined or cancelled by staff"):
        assert words in page
    added = browser.send(f"{base}/add", {"name": "Bea Example", "email": "bea@example.org"})
    assert added.status_code == 303 and desk.states(event)["bea"] == "confirmed"
    twice = browser.send(f"{base}/add", {"name": "Bea Example", "email": "BEA@example.org"})
    assert twice.status_code == 422 and "registered for this event already" in twice.text
    entries = session.scalars(select(AuditEntry).where(AuditEntry.actor_kind == "staff")).all()
    assert {entry.actor_id for entry in entries} == {browser.account_id}  # type: ignore[attr-defined]


def test_messages_show_who_what_and_why_not_but_never_a_link(
    staff: Callable[..., FormClient], session: Session, desk: Desk
) -> None:
    event = make_event(session)
    desk.register(event)
    message = desk.mails()[0]
    message.state, message.last_error = "failed", "The address does not exist"
    session.commit()
    browser = staff("organiser")
    page = browser.get(f"/staff/events/{event.slug}/messages").text
    for words in ("Ann Example", "You have a place", "Could not be sent", "The address does not exist", "Invitation"):
        assert words in page
    body = browser.get(f"/staff/events/{event.slug}/messages/{message.id}").text
    assert "(their personal link)" in body and "/places/" not in body and "[[link" not in body


def test_audit_rows_hold_no_personal_value(client: FormClient, session: Session, desk: Desk) -> None:
    event = make_event(session)
    client.send(f"/events/{event.slug}/register", {**ANN, "access_needs": "Planted", "organisation": "Planted"})
    desk.do(service.cancel_place, desk.person(), reason="Planted")
    rows = session.scalars(select(AuditEntry)).all()
    told = json.dumps([[str(value) for value in vars(row).values()] for row in rows])
    for personal in ("Planted", "ann", "Ann Example"):
        assert personal not in told
    assert queries.people_counts(session, event.id) == {"cancelled": 1}
    assert session.scalar(select(func.count()).select_from(Registration)) == 1

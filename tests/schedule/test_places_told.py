"""A venue or room that is changed in the catalogue: who has to learn of it is shown first, and told once."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event, make_host, make_programme, make_registration, make_venue
from tests.journeys.person import Reader
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration
from workshops.schedule import service
from workshops.schedule.models import Event, EventFacilitator, Room, Venue
from workshops.schedule.rules.catalogue import HostDetails
from workshops.schedule.rules.events import Place
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.service import VenueDetails

Staff = Callable[..., FormClient]


def sent_form(page: TestResponse) -> dict[str, str]:
    """The form of the page, the one with most fields, as a browser would send it."""
    form = max(Reader(page.get_data(as_text=True)).forms, key=lambda form: len(form.fields))
    return {name: values[-1] for name, values in form.values.items() if name != "csrf_token"}


def text(answer: TestResponse) -> str:
    main = answer.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def mails(session: Session, kind: str = "") -> list[OutboxMessage]:
    session.rollback()
    found = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
    return [mail for mail in found if kind in mail.kind]


@pytest.fixture
def hall(session: Session, clock: FakeClock) -> dict[str, Any]:
    """A hall with a room, two events with people, one without, one that is over, one that is cancelled, a draft."""
    venue = make_venue(session, "Old Hall")
    room = Room(venue_id=venue.id, name="Attic", name_key="attic")
    session.add(room)
    session.commit()
    first = make_event(session, title="First", venue_id=venue.id, room_id=room.id, capacity_in_person=2)
    second = make_event(session, title="Second", venue_id=venue.id, starts_at=clock.now + timedelta(days=40))
    for title, more in {"Nobody": {}, "Draft": {"state": "draft"}}.items():
        make_event(session, title=title, venue_id=venue.id, starts_at=clock.now + timedelta(days=50), **more)
    over = make_event(session, title="Over", venue_id=venue.id, starts_at=clock.now - timedelta(days=9))
    off = make_event(session, title="Off", venue_id=venue.id, state="cancelled")
    for event, states in ((first, ("confirmed", "confirmed", "waiting")), (second, ("confirmed",)),
                          (over, ("confirmed",)), (off, ("confirmed",))):  # fmt: skip
        for state in states:
            make_registration(session, event, state=state)
    known = {"venue": venue.id, "room": room.id, "first": first.id, "second": second.id, "off": off.id}
    session.rollback()
    return known


@pytest.fixture
def by(settings: Settings, clock: FakeClock) -> dict[str, Any]:
    return {"now": clock.now, "actor": COMMAND, "settings": settings}


def test_a_renamed_venue_is_shown_first_and_told_once(
    staff: Staff, session: Session, hall: dict[str, Any]
) -> None:
    browser = staff("organiser")
    path = f"/staff/venues/{hall['venue']}/edit"
    typed = sent_form(browser.get(path)) | {"name": "New Hall"}
    shown = browser.send(path, typed)
    assert shown.status_code == 200
    said = text(shown)
    for words in (
        "Nothing is saved yet.", "Old Hall",
        "Before: Attic, Old Hall, 1 Example Street, Glasgow, G1 1AA After: Attic, New Hall",
        "Before: Old Hall, 1 Example Street", "3 events", "First", "Second",
        "People with a place: 2 People on the waiting list: 1", "Nobody", "People with a place (3)",
        "Subject: Changed: First", "As it reads for First", "(3 people at 2 events)", "now: Attic, New Hall",
        "Tell everyone now", "Save without telling", "for each of their events: 4 emails",
    ):
        assert words in said, words
    assert said.count("Subject: Changed") == 2, "one message for people with a place, one for those who wait"
    for words in ("Draft", "Over", "Off"):
        assert words not in said, words
    again = sent_form(shown)
    assert "tell" not in again, "no preset"
    assert session.get_one(Venue, hall["venue"]).name == "Old Hall" and mails(session) == []
    unsaid = browser.send(path, again)
    assert unsaid.status_code == 422 and "Choose whether to tell the 4 people it concerns" in text(unsaid)
    done = browser.send(path, again | {"tell": "now"})
    assert done.status_code == 303
    assert "4 people are being emailed." in text(browser.get(done.location))
    told = mails(session)
    assert [mail.kind for mail in told] == ["registration/event_changed"] * 4
    assert len({mail.to_email for mail in told}) == 4
    assert all("New Hall" in mail.body_text and "Old Hall" in mail.body_text for mail in told)
    for mail in told:
        event = session.get_one(Event, mail.event_id)
        assert event.sequence == 1
        if mail.calendar is None:
            assert session.get_one(Registration, mail.about_id).state == "waiting"
            continue
        (vevent,) = Calendar.from_ical(mail.calendar).walk("VEVENT")
        assert "New Hall" in vevent["LOCATION"] and vevent["SEQUENCE"] >= event.sequence
    # the same once more changes nothing and tells nobody
    browser.send(path, again | {"tell": "now"})
    assert len(mails(session)) == 4


def test_the_mails_shown_are_those_that_go_out(staff: Staff, session: Session, hall: dict[str, Any]) -> None:
    browser = staff("organiser")
    path = f"/staff/venues/{hall['venue']}/edit"
    shown = browser.send(path, sent_form(browser.get(path)) | {"postcode": "G2 2BB"})
    body = shown.get_data(as_text=True)
    texts = [html.unescape(found) for found in re.findall(r'site-preview">(.*?)</p>', body, re.S)]
    assert len(texts) == 2
    browser.send(path, sent_form(shown) | {"tell": "now"})
    sent = {re.sub(r"Hello [^,]+,", "Hello,", mail.body_text) for mail in mails(session)}
    reference = re.compile(r"Reference: \S+")
    plain = {reference.sub("", re.sub(r"\[\[link:place\]\]", "", words)).strip() for words in sent}
    for words in texts:
        words = reference.sub("", re.sub(r"\(a link to My place[^)]*\)", "", re.sub(r"Hello [^,]+,", "Hello,", words)))
        assert words.strip() in plain


def test_access_facts_and_spelling_are_saved_at_once(staff: Staff, session: Session, hall: dict[str, Any]) -> None:
    browser = staff("facilitator")
    path = f"/staff/venues/{hall['venue']}/edit"
    typed = sent_form(browser.get(path)) | {"how_to_get_there": "By bus", "step_free": "yes", "name": "OLD HALL"}
    assert browser.send(path, typed).status_code == 303
    assert mails(session) == []
    assert session.get_one(Venue, hall["venue"], populate_existing=True).step_free == "yes"


def test_saved_without_telling_is_said_with_the_next_news(
    staff: Staff, session: Session, hall: dict[str, Any], by: dict[str, Any]
) -> None:
    browser = staff("organiser")
    path = f"/staff/venues/{hall['venue']}/edit"
    typed = sent_form(browser.get(path)) | {"name": "New Hall", "tell": "no"}
    assert browser.send(path, typed).status_code == 303
    assert mails(session) == []
    event = session.get_one(Event, hall["second"])
    details = service.details_of(session, event)
    with transaction() as writing:
        service.change_event(writing, event_id=hall["second"], tell=True, **by,
                             details=_an_hour_later(details))  # fmt: skip
    (mail,) = mails(session)
    assert "before: Old Hall" in mail.body_text and "now: New Hall" in mail.body_text
    assert "Date and time" in mail.body_text


def _an_hour_later(details: Any) -> Any:
    from dataclasses import replace

    hour = timedelta(hours=1)
    when = replace(details.when, starts_at=details.when.starts_at + hour, ends_at=details.when.ends_at + hour)
    return replace(details, when=when)


def test_a_renamed_room_concerns_the_events_in_it(staff: Staff, session: Session, hall: dict[str, Any]) -> None:
    browser = staff("organiser")
    path = f"/staff/venues/{hall['venue']}/rooms/{hall['room']}/edit"
    assert browser.send(path, {"name": "Attic", "capacity": "9"}).status_code == 303, "how many fit moves nobody"
    shown = browser.send(path, {"name": "Loft", "capacity": "9"})
    assert shown.status_code == 200 and "After: Loft, Old Hall" in text(shown) and "Second" not in text(shown)
    back = browser.send(path, sent_form(shown) | {"back": "1"})
    assert back.status_code == 200 and 'value="Loft"' in back.get_data(as_text=True)
    assert browser.send(path, sent_form(shown) | {"tell": "now"}).status_code == 303
    assert {mail.event_id for mail in mails(session)} == {hall["first"]} and len(mails(session)) == 3


def test_merged_venues_are_told_where_the_place_reads_otherwise(
    staff: Staff, session: Session, hall: dict[str, Any], clock: FakeClock
) -> None:
    kept = make_venue(session, "Kept Hall", address="2 Example Street, Glasgow").id
    there = make_event(session, title="There", venue_id=kept, starts_at=clock.now + timedelta(days=40))
    make_registration(session, there)
    there_id, path = there.id, f"/staff/venues/{hall['venue']}/merge"
    browser = staff("organiser")
    shown = browser.send(path, {"into": str(kept)})
    said = text(shown)
    assert shown.status_code == 200 and "After: Attic, Kept Hall" in said and "Merge the venues" in said
    assert "Kept Hall is taken by “There”" in said, "two events at once in what is one hall now"
    assert session.get(Venue, hall["venue"]) is not None and mails(session) == []
    back = browser.send(path, sent_form(shown) | {"back": "1"})
    assert back.status_code == 200 and "What is kept" in text(back)
    assert browser.send(path, sent_form(shown) | {"tell": "now"}).location == f"/staff/venues/{kept}"
    assert {mail.event_id for mail in mails(session)} == {hall["first"], hall["second"]}
    session.rollback()
    assert session.get_one(Event, there_id, populate_existing=True).sequence == 0


def test_what_is_off_is_told_when_it_takes_place_again(
    session: Session, hall: dict[str, Any], by: dict[str, Any]
) -> None:
    news = service.PlaceNews(tell=True, **by)
    with transaction() as writing:
        details = VenueDetails(place=Place("New Hall", "1 Example Street, Glasgow", "G1 1AA"))
        service.save_venue(writing, venue_id=hall["venue"], heed=news, details=details, **by)
    assert news.people == 4
    assert hall["off"] not in {mail.event_id for mail in mails(session)}
    with transaction() as writing:
        service.reinstate_event(writing, event_id=hall["off"], tell=True, **by)
    mail = mails(session)[-1]
    assert mail.kind == "registration/event_reinstated" and "New Hall" in mail.body_text


def test_nobody_chose_is_refused_by_the_use_case(session: Session, hall: dict[str, Any], by: dict[str, Any]) -> None:
    with pytest.raises(DetailsDoNotFit, match="Choose whether"), transaction() as writing:
        service.save_venue(writing, venue_id=hall["venue"], details=VenueDetails(place=Place("New Hall")), **by)
    session.rollback()
    assert session.get_one(Venue, hall["venue"]).name == "Old Hall"


def test_those_who_run_an_event_have_the_new_place_in_their_calendar(
    session: Session, hall: dict[str, Any], by: dict[str, Any]
) -> None:
    account = make_account(session, role="facilitator")
    event = session.get_one(Event, hall["second"])
    event.owner_id = account.id
    session.commit()
    with transaction() as writing:
        service.tell_team(writing, writing.get_one(Event, hall["second"]), now=by["now"], settings=by["settings"])
    with transaction() as writing:
        service.save_venue(writing, venue_id=hall["venue"], heed=service.PlaceNews(tell=False, **by), **by,
                           details=VenueDetails(place=Place("New Hall")))  # fmt: skip
    mail = mails(session)[-1]
    assert mail.about_kind == "team" and mail.calendar is not None
    (vevent,) = Calendar.from_ical(mail.calendar).walk("VEVENT")
    assert "New Hall" in vevent["LOCATION"] and vevent["SEQUENCE"] >= 1
    assert [one.kind for one in mails(session, "registration/")] == []


def test_a_facilitator_moves_only_people_of_their_own_events(
    staff: Staff, session: Session, hall: dict[str, Any]
) -> None:
    browser = staff("facilitator")
    path = f"/staff/venues/{hall['venue']}/edit"
    typed = sent_form(browser.get(path)) | {"name": "New Hall"}
    for more in ({}, {"tell": "now"}, {"tell": "no"}):
        answer = browser.send(path, typed | more)
        assert answer.status_code == 422 and "2 events that you do not run" in text(answer)
    session.rollback()
    for event_id in (hall["first"], hall["second"]):
        session.get_one(Event, event_id).owner_id = browser.account_id  # type: ignore[attr-defined]
    session.commit()
    assert "for each of their events: 4 emails" in text(browser.send(path, typed))


def test_a_change_in_between_is_noticed(staff: Staff, session: Session, hall: dict[str, Any]) -> None:
    browser = staff("organiser")
    path = f"/staff/venues/{hall['venue']}/edit"
    shown = browser.send(path, sent_form(browser.get(path)) | {"name": "New Hall"})
    session.rollback()
    session.get_one(Event, hall["second"]).state = "cancelled"
    session.commit()
    answer = browser.send(path, sent_form(shown) | {"tell": "now"})
    assert answer.status_code == 422 and "Someone else changed this in between" in text(answer)
    assert mails(session) == []


@pytest.mark.parametrize(("number", "invited"), [(10, 10), (11, 0)])
def test_who_publishes_many_of_their_own_at_once_gets_no_mail_for_each(
    staff: Staff, session: Session, number: int, invited: int
) -> None:
    browser, programme = staff("organiser"), make_programme(session)
    mine = browser.account_id  # type: ignore[attr-defined]
    other = make_account(session, role="facilitator")
    for one in range(number):
        event = make_event(session, state="draft", programme_id=programme.id, owner_id=mine)
        if one == 0:
            session.add(EventFacilitator(event_id=event.id, account_id=other.id))
            session.commit()
    path, other_id, event_id = f"/staff/programmes/{programme.slug}/publish", other.id, event.id
    page = browser.get(path)
    assert ("so you get none" in text(page)) == (not invited)
    assert browser.send(path, sent_form(page)).status_code == 303
    told = [mail.about_id for mail in mails(session, "schedule/run_invited")]
    assert told.count(mine) == invited and told.count(other_id) == 1, "somebody else who runs one is invited"
    assert session.get_one(Event, event_id, populate_existing=True).state == "published"


def test_a_host_that_is_renamed_is_wording(session: Session, hall: dict[str, Any], by: dict[str, Any]) -> None:
    event = session.get_one(Event, hall["first"])
    assert event.host_id == make_host(session).id
    host_id, sequence = event.host_id, event.sequence
    assert host_id is not None
    with transaction() as writing:
        service.save_host(writing, host_id=host_id, details=HostDetails(name="Another Network"), **by)
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    session.rollback()
    assert session.get_one(Event, hall["first"], populate_existing=True).sequence == sequence

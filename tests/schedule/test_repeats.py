"""Copies, further dates and repeats: what is taken over, what is not, UIDs, and the same form sent twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import BEGINNING, make_account, make_event, make_programme, make_registration, make_venue
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.core.london_time import to_london
from workshops.schedule import service
from workshops.schedule.models import Event, EventFacilitator, Room, Series
from workshops.schedule.rules.when import When

Staff = Callable[..., FormClient]


def at(month: int, day: int, hour: int = 10) -> When:
    starts = datetime(2027, month, day, hour, tzinfo=UTC)
    return When(starts, starts + timedelta(hours=2))


@pytest.fixture
def by(app: Flask, clock: FakeClock) -> dict[str, Any]:
    return {"now": clock.now, "actor": COMMAND, "settings": app.extensions["workshops.settings"]}


def events(session: Session, title: str) -> list[Event]:
    session.rollback()
    return list(session.scalars(select(Event).where(Event.title == title).order_by(Event.sort_at, Event.id)))


def text(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


# --- the use cases --------------------------------------------------------------------------------------------------


def test_a_repeat_makes_each_date_an_event_of_its_own(session: Session, by: dict[str, Any]) -> None:
    venue = make_venue(session)
    room = Room(venue_id=venue.id, name="Room 2", name_key="room 2")
    session.add(room)
    session.commit()
    opens, closes = BEGINNING + timedelta(days=10), BEGINNING + timedelta(days=28)
    source = make_event(session, title="Talk", venue_id=venue.id, room_id=room.id, sequence=7, audience="policy",
                        opens_at=opens, closes_at=closes, reported_attended=9)  # fmt: skip
    make_registration(session, source)
    source_id, uid = source.id, source.uid
    with transaction() as writing:
        done = service.repeat_event(writing, event_id=source_id, whens=[at(4, 7), at(4, 14)],
                                    rhythm="Every week on Wednesday", publish=False, **by)  # fmt: skip
        assert len(done.events) == 2
    all_dates = events(session, "Talk")
    assert len({event.uid for event in all_dates}) == len({event.slug for event in all_dates}) == 3
    assert {event.series_id for event in all_dates} == {all_dates[0].series_id} != {None}
    assert session.scalars(select(Series.rhythm)).one() == "Every week on Wednesday"
    for number, event in enumerate(all_dates[1:], start=1):
        assert (event.state, event.sequence, event.taken_in_person, event.reported_attended) == ("draft", 0, 0, None)
        assert (event.room_id, event.audience, event.capacity_in_person) == (room.id, "policy", 10)
        assert event.uid != uid and b"SEQUENCE:0" in (event.vevent or b"SEQUENCE:0")
        # Registration opens as long before each date, by the clock on the wall.
        assert event.opens_at == opens + timedelta(weeks=number)
        assert event.closes_at is not None and to_london(event.closes_at).hour == to_london(closes).hour


def test_a_repeat_may_be_published_at_once_and_tells_nobody(session: Session, by: dict[str, Any]) -> None:
    source = make_event(session, title="Talk")
    make_registration(session, source)
    source_id = source.id
    with transaction() as writing:
        service.repeat_event(writing, event_id=source_id, whens=[at(4, 7)], rhythm="", publish=True, **by)
    assert [event.state for event in events(session, "Talk")] == ["published", "published"]
    from workshops.messages.models import OutboxMessage

    assert session.scalars(select(OutboxMessage)).all() == []


def test_all_dates_of_a_repeat_are_made_or_none(session: Session, by: dict[str, Any]) -> None:
    source_id = make_event(session, title="Talk", opens_at=None, booking="elsewhere",
                           booking_url="https://example.org/").id  # fmt: skip
    whens = [at(4, 7), When(datetime(2027, 4, 14, 10, tzinfo=UTC), datetime(2027, 4, 14, 11, tzinfo=UTC))]
    event = session.get(Event, source_id)
    assert event is not None
    event.title = ""  # what no rule would have let through
    session.commit()
    with pytest.raises(Exception, match="title"), transaction() as writing:
        service.repeat_event(writing, event_id=source_id, whens=whens, rhythm="", publish=False, **by)
    session.rollback()
    assert len(session.scalars(select(Event)).all()) == 1


def test_a_time_that_the_series_has_already_is_not_made_again(session: Session, by: dict[str, Any]) -> None:
    source = make_event(session, title="Talk")
    source_id, same = source.id, When(source.starts_at, source.ends_at)
    with transaction() as writing:
        done = service.repeat_event(writing, event_id=source_id, whens=[same, at(4, 7)], rhythm="", publish=False, **by)
        assert (len(done.events), done.there_already) == (1, 1)
    with transaction() as writing:
        done = service.repeat_event(writing, event_id=source_id, whens=[at(4, 7)], rhythm="", publish=False, **by)
        assert (len(done.events), done.there_already) == (0, 1)
    assert len(events(session, "Talk")) == 2


def test_a_copy_takes_the_content_and_leaves_the_people(session: Session, by: dict[str, Any]) -> None:
    programme, owner = make_programme(session), make_account(session)
    past = make_event(session, title="Talk", starts_at=BEGINNING - timedelta(days=400), state="cancelled",
                      state_reason="Snow", description="Words", programme_id=programme.id, owner_id=owner.id,
                      joining_link="https://example.org/join", reported_attended=30, sequence=4,
                      questions=["Why?"], changed_from="Monday")  # fmt: skip
    session.add(EventFacilitator(event_id=past.id, account_id=make_account(session, role="facilitator").id))
    make_registration(session, past)
    past_id, past_uid = past.id, past.uid
    with transaction() as writing:
        service.copy_event(writing, event_id=past_id, title="Talk again", when=at(4, 7), **by)
    (copy,) = events(session, "Talk again")
    assert (copy.description, copy.programme_id, copy.owner_id) == ("Words", programme.id, owner.id)
    assert copy.joining_link == "https://example.org/join" and len(copy.questions) == 1
    assert (copy.state, copy.state_reason, copy.changed_from, copy.sequence) == ("draft", "", "", 0)
    assert (copy.taken_in_person, copy.reported_attended, copy.series_id) == (0, None, None)
    assert copy.uid != past_uid
    assert service.details_of(session, copy).facilitators != ()


def test_somebody_who_does_not_run_an_event_copies_it_without_what_only_its_people_see(
    session: Session, by: dict[str, Any]
) -> None:
    me = make_account(session, role="facilitator")
    source = make_event(session, title="Talk", owner_id=make_account(session).id, description="Words",
                        joining_link="https://example.org/join")  # fmt: skip
    source_id, my_id = source.id, me.id
    with transaction() as writing:
        service.copy_event(writing, event_id=source_id, title="Mine", when=at(4, 7), keeps_all=False, owner_id=my_id,
                           **by)  # fmt: skip
    (copy,) = events(session, "Mine")
    assert (copy.owner_id, copy.joining_link, copy.description) == (my_id, "", "Words")


def test_history_of_a_month_and_a_lost_booking_page_is_copied_to_a_real_date(
    session: Session, by: dict[str, Any]
) -> None:
    source_id = make_event(session, title="Old", starts_at=None, ends_at=None, month="2016-11", booking="elsewhere",
                           source_url="https://example.org/page").id  # fmt: skip
    with transaction() as writing:
        saved = service.copy_event(writing, event_id=source_id, title="New", when=at(4, 7), **by)
        assert saved.notes and "Choose how people register" in saved.notes[0]
    (copy,) = events(session, "New")
    assert (copy.month, copy.starts_at, copy.booking, copy.source_url) == (None, at(4, 7).starts_at, "closed", "")


@pytest.mark.parametrize("what", ["copy", "date", "repeat"])
def test_the_same_form_sent_twice_makes_its_events_once(session: Session, by: dict[str, Any], what: str) -> None:
    source_id = make_event(session, title="Talk").id

    def send(_: int = 0) -> None:
        with transaction() as writing:
            if what == "copy":
                service.copy_event(writing, event_id=source_id, title="Talk", when=at(4, 7), form_key="k", **by)
            elif what == "date":
                service.add_date(writing, event_id=source_id, when=at(4, 7), form_key="k", **by)
            else:
                service.repeat_event(writing, event_id=source_id, whens=[at(4, 7), at(4, 14)], rhythm="",
                                     publish=False, form_key="k", **by)  # fmt: skip

    send()
    made = len(events(session, "Talk"))
    send()
    assert len(events(session, "Talk")) == made


@pytest.mark.parametrize("what", ["copy", "repeat"])
def test_two_sends_at_the_same_moment_make_the_events_once(session: Session, what: str, staff: Staff) -> None:
    slug = make_event(session, title="Talk").slug
    browser = staff("organiser")
    path = f"/staff/events/{slug}/{what}"
    fields: dict[str, Any] = {"form_key": "one-form"}
    if what == "copy":
        fields |= {"title": "Talk", "starts_on": "7 4 2027", "start_time": "10am", "end_time": "12 noon"}
    else:
        fields |= {"rhythm": "weekly", "times": "2", "shown": "yes", "action": "save",
                   "make": ["2027-04-07", "2027-04-14"]}  # fmt: skip
    browser.get(path)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: browser.send(path, fields).status_code, range(2)))
    assert answers == [303, 303]
    assert len(events(session, "Talk")) == (2 if what == "copy" else 3)


# --- the pages ------------------------------------------------------------------------------------------------------


def test_the_dates_are_shown_with_holidays_and_clashes_before_anything_is_saved(
    staff: Staff, session: Session
) -> None:
    venue = make_venue(session)
    source = make_event(session, title="Talk", venue_id=venue.id, starts_at=datetime(2027, 4, 26, 9, tzinfo=UTC))
    make_event(session, title="Other", venue_id=venue.id, starts_at=datetime(2027, 5, 10, 9, tzinfo=UTC))
    path = f"/staff/events/{source.slug}/repeat"
    session.rollback()
    browser = staff("organiser")
    assert "Repeat this event" in text(browser.get(path))
    fields = {"rhythm": "weekly", "times": "3", "form_key": "k"}
    # Even a button that saves shows the dates first when they were not shown yet.
    for action in ("check", "save", "publish"):
        page = text(browser.send(path, fields | {"action": action}))
        assert "Nothing is saved yet" in page and "3 dates: every week on Monday" in page
    assert "Monday 3 May 2027 is a bank holiday in Scotland: Early May bank holiday" in page
    assert "Example Hall is taken by “Other”, 10am to 12 noon" in page
    assert page.count('name="make"') == 3 and "2 dates have something to look at" in page
    assert len(events(session, "Talk")) == 1
    shown = fields | {"shown": "yes", "action": "save"}
    nothing = browser.send(path, shown)
    assert nothing.status_code == 422 and "Tick at least one date" in text(nothing)
    answer = browser.send(path, shown | {"make": ["2027-05-10", "2027-05-17", "2099-01-01"]}, follow_redirects=True)
    assert "2 dates are saved as drafts" in text(answer) and "Every week on Monday." in text(answer)
    assert [str(event.starts_at.date()) for event in events(session, "Talk") if event.starts_at] == [
        "2027-04-26", "2027-05-10", "2027-05-17"]  # fmt: skip
    again = text(browser.send(path, fields | {"action": "check"}))
    assert again.count("This date is there already") == 2 and again.count('name="make"') == 1


def test_going_back_keeps_what_was_typed(staff: Staff, session: Session) -> None:
    path = f"/staff/events/{make_event(session).slug}/repeat"
    browser = staff("organiser")
    fields = {"rhythm": "chosen", "dates": "14 Nov 2027\n15 Nov 2027", "times": "4", "action": "back"}
    page = text(browser.send(path, fields))
    assert "14 Nov 2027\n15 Nov 2027" in page and 'value="4"' in page
    assert re.search(r'value="chosen" checked', page)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Choose how often it repeats"),
        ({"rhythm": "weekly"}, "Enter the last date, or how many more dates"),
        ({"rhythm": "weekly", "times": "10,000"}, "That would be 10,000 dates. Make 60 or fewer at a time"),
        ({"rhythm": "weekly", "until": "1 1 2099"}, "dates. Make 60 or fewer at a time"),
        ({"rhythm": "weeks", "weeks": "", "times": "3"}, "Enter how many weeks apart"),
        ({"rhythm": "weeks", "weeks": "900", "times": "3"}, "How many weeks apart must be 52 or fewer"),
        ({"rhythm": "chosen", "dates": "14 Nov 2027\nsome day"}, "Line 2: "),
        ({"rhythm": "fortnightly"}, "Choose one of the answers"),
    ],
)
def test_a_repeat_that_cannot_be_is_refused_in_words(
    staff: Staff, session: Session, fields: dict[str, str], words: str
) -> None:
    path = f"/staff/events/{make_event(session).slug}/repeat"
    answer = staff("organiser").send(path, fields)
    assert answer.status_code == 422 and words in text(answer)


def test_history_of_a_month_is_copied_and_not_repeated(staff: Staff, session: Session) -> None:
    event = make_event(session, title="Old", starts_at=None, ends_at=None, month="2016-11")
    path = f"/staff/events/{event.slug}"
    session.rollback()
    browser = staff("organiser")
    refused = browser.get(f"{path}/repeat")
    assert refused.status_code == 422 and "Copy it, and give the copy a date" in text(refused)
    day = {"starts_on": "7 April 2027", "start_time": "10am", "end_time": "noon", "title": "New"}
    answer = browser.send(f"{path}/copy", day, follow_redirects=True)
    assert "The copy is saved as a draft" in text(answer)
    assert [str(event.starts_at) for event in events(session, "New")] == ["2027-04-07 09:00:00+00:00"]


def test_a_copy_says_what_stands_in_its_way_and_keeps_typing_on_errors(staff: Staff, session: Session) -> None:
    path = f"/staff/events/{make_event(session, title='Talk').slug}/copy"
    browser = staff("facilitator")
    fields = {"title": "Mine", "starts_on": "3 May 2027", "start_time": "10am", "end_time": "9am"}
    wrong = browser.send(path, fields)
    assert wrong.status_code == 422 and 'value="Mine"' in text(wrong) and "must end after it starts" in text(wrong)
    answer = browser.send(path, fields | {"end_time": "11am"}, follow_redirects=True)
    assert "Monday 3 May 2027 is a bank holiday in Scotland" in text(answer)
    (copy,) = events(session, "Mine")
    assert copy.owner_id == browser.account_id  # type: ignore[attr-defined]


def test_a_copy_of_an_event_with_times_for_each_day_asks_for_its_first_day_alone(
    staff: Staff, session: Session
) -> None:
    pairs = [[f"2027-04-0{day}T09:00:00+00:00", f"2027-04-0{day}T11:00:00+00:00"] for day in (6, 8)]
    event = make_event(session, title="Days", days=pairs, starts_at=datetime(2027, 4, 6, 9, tzinfo=UTC),
                       ends_at=datetime(2027, 4, 8, 11, tzinfo=UTC))  # fmt: skip
    path = f"/staff/events/{event.slug}/copy"
    session.rollback()
    browser = staff("organiser")
    assert "start_time" not in text(browser.get(path))
    assert browser.send(path, {"title": "Days again", "starts_on": "4 May 2027"}).status_code == 303
    (copy,) = events(session, "Days again")
    assert [starts[:10] for starts, _ in copy.days] == ["2027-05-04", "2027-05-06"]


def test_all_dates_of_a_series_are_on_one_page(staff: Staff, session: Session) -> None:
    series = Series(title="Talk", created_at=BEGINNING, rhythm="Every week on Monday")
    session.add(series)
    session.flush()
    first = make_event(session, title="Talk", series_id=series.id, starts_at=BEGINNING - timedelta(days=7))
    make_event(session, title="Talk", series_id=series.id, starts_at=datetime(2027, 5, 3, 9, tzinfo=UTC))
    make_event(session, title="Talk", series_id=series.id, state="cancelled", state_reason="Snow")
    path = f"/staff/events/{first.slug}/dates"
    session.rollback()
    page = text(staff("viewer").get(path))
    assert "3 dates" in page and "Every week on Monday." in page and "The date you came from" in page
    assert "Monday 3 May 2027 is a bank holiday in Scotland" in page and "Cancelled" in page
    assert "Repeat this event" not in page, "a viewer reads"


def test_only_those_who_run_an_event_repeat_it(staff: Staff, session: Session) -> None:
    event = make_event(session, owner_id=make_account(session).id)
    path = f"/staff/events/{event.slug}"
    session.rollback()
    browser = staff("facilitator")
    assert browser.get(f"{path}/repeat").status_code == 403
    assert browser.get(f"{path}/add-date").status_code == 403
    assert browser.get(f"{path}/copy").status_code == 200

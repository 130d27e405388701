"""An event moves, or does not take place: everybody is told once, and every calendar follows (RFC 5546)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from icalendar import Calendar
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event, make_registration, make_venue
from tests.journeys.conftest import Mail
from tests.journeys.person import Person

Register = Callable[..., Person]
PEOPLE = ("anna", "ben", "cara")


@pytest.fixture
def full_table(session: Session, register: Register, clock: FakeClock, mail: Mail) -> str:
    """An event with two places: Anna and Ben have one, Cara waits; their mail is read."""
    make_event(session, slug="full-table", title="Full table", capacity_in_person=2)
    for who in PEOPLE:
        clock.advance(minutes=1)
        register("full-table", who, if_full="wait")
    assert len(mail()) == 3
    clock.advance(minutes=1)
    return "full-table"


def entry_in_feed(someone: Callable[[], Person], slug: str) -> Calendar:
    answer = someone().open(f"/events/{slug}.ics").answer
    (entry,) = Calendar.from_ical(answer.data).walk("VEVENT")
    return entry


def test_a_moved_event_tells_everybody_once_under_the_same_uid(
    full_table: str, organiser: Person, someone: Callable[[], Person], mail: Mail
) -> None:
    before = {who: mail(to=f"{who}@example.org")[-1] for who in PEOPLE}
    feed_before = entry_in_feed(someone, full_table)
    edit = organiser.open(f"/staff/events/{full_table}/edit")
    edit.fill(start_time="2pm", end_time="4pm").press("Save", 200)
    assert edit.heading == "Check before you save"
    edit.press("Save", 422)
    assert "There is a problem" in edit.words and "tell" in edit.words  # to tell or not is a choice of its own
    edit.fill(tell="now").press("Save")

    for who in PEOPLE:
        (news,) = mail(to=f"{who}@example.org", kind="event_changed")
        assert "Wednesday 31 March 2027, 11am to 1pm" in news.text
        assert "Wednesday 31 March 2027, 2pm to 4pm" in news.text
        if who == "cara":
            assert news.calendar_part is None
            continue
        assert news.method == "REQUEST"
        assert news.entry["UID"] == before[who].entry["UID"] == feed_before["UID"]
        assert int(news.entry["SEQUENCE"]) > int(before[who].entry["SEQUENCE"])
        assert news.entry["DTSTART"].dt.hour == 14
        assert news.entry["ATTENDEE"].lower() == f"mailto:{who}@example.org"
    now = entry_in_feed(someone, full_table)
    assert now["UID"] == feed_before["UID"] and int(now["SEQUENCE"]) > int(feed_before["SEQUENCE"])
    # nothing more goes out when the same is saved again
    organiser.open(f"/staff/events/{full_table}/edit").press("Save")
    assert len(mail(kind="event_changed")) == 3


def test_a_small_change_tells_nobody_and_keeps_the_sequence(
    full_table: str, organiser: Person, someone: Callable[[], Person], mail: Mail
) -> None:
    before = entry_in_feed(someone, full_table)
    organiser.open(f"/staff/events/{full_table}/edit").fill(summary="Said in other words.").press("Save")
    assert not mail(kind="event_changed")
    after = entry_in_feed(someone, full_table)
    assert after["SEQUENCE"] == before["SEQUENCE"] and after["UID"] == before["UID"]
    assert "Said in other words." in someone().open(f"/events/{full_table}").words


def test_a_cancelled_event_leaves_every_calendar(
    full_table: str, organiser: Person, someone: Callable[[], Person], mail: Mail
) -> None:
    before = {who: mail(to=f"{who}@example.org")[-1] for who in PEOPLE}
    cancel = organiser.open(f"/staff/events/{full_table}/cancel")
    cancel.fill(reason="The heating has failed.", tell="now").press("Cancel")

    for who in PEOPLE:
        (news,) = mail(to=f"{who}@example.org", kind="event_cancelled")
        assert "The heating has failed." in news.text
        if who == "cara":
            assert news.calendar_part is None
            continue
        assert news.method == "CANCEL"
        assert news.entry["UID"] == before[who].entry["UID"]
        assert int(news.entry["SEQUENCE"]) > int(before[who].entry["SEQUENCE"])
        assert news.entry["STATUS"] == "CANCELLED"
    page = someone().open(f"/events/{full_table}")
    assert "Cancelled" in page.words and "The heating has failed." in page.words
    assert not any(words.startswith("Register") for words, _ in page.seen.links)
    assert entry_in_feed(someone, full_table)["STATUS"] == "CANCELLED"
    someone().open(f"/events/{full_table}/register", 410)


def test_a_postponed_event_comes_back_with_a_new_date(
    full_table: str, organiser: Person, someone: Callable[[], Person], mail: Mail, clock: FakeClock
) -> None:
    organiser.open(f"/staff/events/{full_table}/postpone")
    organiser.fill(reason="A day that suits more people is looked for.", tell="now").press("Postpone")
    (gone,) = mail(to="anna@example.org", kind="event_postponed")
    assert gone.method == "CANCEL"
    feed = entry_in_feed(someone, full_table)
    assert feed["STATUS"] == "CANCELLED" and str(feed["SUMMARY"]).startswith("Postponed: ")

    clock.advance(hours=1)
    edit = organiser.open(f"/staff/events/{full_table}/edit")
    dated = {"starts_on-day": "14", "starts_on-month": "4", "starts_on-year": "2027"}
    edit.fill(**dated).press("Save").fill(tell="now").press("Save")
    back = mail(to="anna@example.org")[-1]
    assert back.method == "REQUEST"
    assert back.entry["UID"] == gone.entry["UID"]
    assert int(back.entry["SEQUENCE"]) > int(gone.entry["SEQUENCE"])
    assert "Wednesday 14 April 2027" in back.text
    assert entry_in_feed(someone, full_table)["STATUS"] == "CONFIRMED"


def test_many_things_changed_twice_are_one_mail_for_each_of_31_people(
    session: Session, organiser: Person, mail: Mail, clock: FakeClock
) -> None:
    """Time, place, link and places change, and then the time again, before the worker runs: still one mail each."""
    event = make_event(session, slug="big-day", title="Big day", mode="hybrid", capacity_in_person=12,
                       capacity_online=6, joining_link="https://meet.example.org/old",
                       venue_id=make_venue(session, "Old Hall").id)  # fmt: skip
    states = {("confirmed", "in_person"): 10, ("confirmed", "online"): 6, ("waiting", "in_person"): 4,
              ("waiting", "online"): 2, ("offered", "in_person"): 2, ("requested", "in_person"): 2,
              ("cancelled", "in_person"): 2, ("lapsed", "in_person"): 1, ("declined", "online"): 2}  # fmt: skip
    for (state, attending), number in states.items():
        for _ in range(number):
            more = {"offer_expires_at": event.sort_at} if state == "offered" else {}
            make_registration(session, event, state=state, attending=attending, **more)
    session.rollback()

    edit = organiser.open("/staff/events/big-day/edit")
    edit.fill(start_time="2pm", end_time="4pm", joining_link="https://meet.example.org/new", venue_name="New Hall",
              capacity_online="5").press("Save", 200)  # fmt: skip
    assert edit.heading == "Check before you save"
    assert "“Tell everyone now” emails 26 people." in edit.words
    assert "To people with a place in person (10 people)" in edit.words
    edit.fill(tell="now").press("Save")
    assert "26 people are being emailed." in edit.words

    clock.advance(minutes=1)
    edit = organiser.open("/staff/events/big-day/edit")
    edit.fill(start_time="5pm", end_time="7pm").press("Save", 200)
    assert "26 emails about an earlier change did not go out yet." in edit.words
    edit.fill(tell="now").press("Save")

    news = mail(kind="event_changed")
    assert len(news) == 26 and len({letter.to for letter in news}) == 26
    assert len(mail()) == 26, "and nothing else"
    for letter in news:
        assert "before: Wednesday 31 March 2027, 11am to 1pm" in letter.text
        assert "now: Wednesday 31 March 2027, 5pm to 7pm" in letter.text
        assert "2pm to 4pm" not in letter.text and "New Hall" in letter.text
    invited = [letter for letter in news if letter.calendar_part is not None]
    assert len(invited) == 18, "people with a place, and people who asked for one"
    for letter in invited:
        assert letter.method == "REQUEST" and letter.entry["DTSTART"].dt.hour == 17
        assert int(letter.entry["SEQUENCE"]) >= 2
    assert sum("https://meet.example.org/new" in letter.text for letter in news) == 6

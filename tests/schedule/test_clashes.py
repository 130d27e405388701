"""Clashes: what counts and what does not, the sentences, and the same answer for one and for many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as sql_event
from sqlalchemy.orm import Session

from tests.factories import make_account, make_event, make_programme, make_venue
from workshops.schedule.models import EventFacilitator, Room
from workshops.schedule.queries.clashes import Candidate, clashes_among, clashes_of, clashes_of_events
from workshops.schedule.rules.clashes import Slot, find_clashes, spans_of
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.when import When
from workshops.schedule.service import details_of

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def at(day: int, start: int, end: int) -> When:
    """A span on a day of March 2027, which is winter time until the 28th."""
    return When(datetime(2027, 3, day, start, tzinfo=UTC), datetime(2027, 3, day, end, tzinfo=UTC))


def slot(**more: Any) -> Slot:
    values = {"when": at(9, 10, 12), "title": "Mine", "place": 1, "place_name": "Example Hall", **more}
    return Slot(**values)


def words(mine: Slot, other: Slot) -> list[str]:
    return [clash.words for clash in find_clashes([mine], [other], now=NOW)[0]]


ROOM = {"room": 2, "room_name": "Room 2"}
PEOPLE = {"people": {7: "Anna Example"}, "place": None}


@pytest.mark.parametrize(
    ("mine", "other", "said"),
    [
        (slot(**ROOM), slot(title="Other", state="published", **ROOM),
         ["Room 2 at Example Hall is taken by “Other”, 10am to 12 noon"]),
        (slot(**ROOM), slot(title="Other", **ROOM),
         ["Room 2 at Example Hall is taken by “Other” (draft), 10am to 12 noon"]),
        (slot(**ROOM), slot(title="Other", room=3, room_name="Room 3"), []),
        (slot(), slot(title="Other", state="published"), ["Example Hall is taken by “Other”, 10am to 12 noon"]),
        (slot(), slot(title="Other", **ROOM), []),
        (slot(place=None), slot(place=None), []),
        (slot(**PEOPLE), slot(title="Other", state="published", **PEOPLE),
         ["Anna Example also runs “Other”, 10am to 12 noon"]),
        (slot(place=None, programme=3), slot(title="Other", state="published", place=None, programme=3),
         ["“Other” of the same programme is for the same people and is on at the same time, 10am to 12 noon"]),
        (slot(place=None, programme=3, audience="policy"),
         slot(title="Other", state="published", place=None, programme=3, audience="policy"),
         ["“Other” of the same programme is for policy makers too and is on at the same time, 10am to 12 noon"]),
        (slot(place=None, programme=3, audience="policy"),
         slot(title="Other", state="published", place=None, programme=3, audience="everyone"),
         ["“Other” of the same programme is for everyone and is on at the same time, 10am to 12 noon"]),
        (slot(place=None, programme=3, audience="policy"),
         slot(place=None, programme=3, audience="practitioners"), []),
        (slot(place=None, programme=3), slot(place=None, programme=4), []),
        (slot(), slot(title="Other", state="cancelled"), []),
        (slot(), slot(title="Other", state="postponed"), []),
        (slot(), slot(title="Next", when=at(9, 12, 13)), []),
        (slot(), slot(title="Before", when=at(9, 9, 10)), []),
        (slot(state="cancelled"), slot(title="Other"), []),
    ],
)  # fmt: skip
def test_what_clashes_and_what_is_said(mine: Slot, other: Slot, said: list[str]) -> None:
    assert words(mine, other) == said


def test_past_events_clash_with_nothing() -> None:
    gone = When(NOW - timedelta(days=2), NOW - timedelta(days=2) + timedelta(hours=1))
    assert words(slot(when=gone), slot(when=gone)) == []


def test_with_times_for_each_day_only_these_times_count() -> None:
    days = When(days=((at(9, 10, 12).starts_at, at(9, 10, 12).ends_at), (at(10, 10, 12).starts_at,
                                                                       at(10, 10, 12).ends_at)))  # type: ignore[arg-type]
    assert words(slot(when=days), slot(title="Evening", when=at(9, 18, 20))) == []
    assert words(slot(when=days), slot(title="Second", state="published", when=at(10, 11, 13))) == [
        "Example Hall is taken by “Second”, Wednesday 10 March 2027, 11am to 1pm"
    ]


def test_an_event_over_whole_days_takes_the_room_it_names_and_nothing_else() -> None:
    bar = When(starts_on=date(2027, 3, 8), ends_on=date(2027, 3, 12))
    busy = {"programme": 3, "people": {7: "Anna Example"}}
    assert words(slot(**busy), slot(when=bar, title="Week", **busy)) == []
    assert words(slot(**busy, **ROOM), slot(when=bar, title="Week", state="published", **busy, **ROOM)) == [
        "Room 2 at Example Hall is taken by “Week”, Monday 8 March to Friday 12 March 2027"
    ]
    one_day = When(starts_on=date(2027, 3, 9))
    assert words(slot(**ROOM), slot(when=one_day, title="Day", state="published", **ROOM)) == [
        "Room 2 at Example Hall is taken by “Day”, the whole day"
    ]


def test_an_event_of_unknown_end_counts_an_hour_and_a_month_not_at_all() -> None:
    open_end = When(starts_at=at(9, 9, 10).starts_at)
    assert words(slot(), slot(when=open_end)) == []
    assert words(slot(when=at(9, 9, 10)), slot(when=open_end, title="Open", state="published")) == [
        "Example Hall is taken by “Open”, 9am"
    ]
    assert spans_of(When(month="2016-11")) == ()


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (When(datetime(2027, 8, 2, 9, tzinfo=UTC), datetime(2027, 8, 2, 11, tzinfo=UTC)),
         ["Monday 2 August 2027 is a bank holiday in Scotland: Summer bank holiday"]),
        (When(datetime(2027, 8, 30, 9, tzinfo=UTC), datetime(2027, 8, 30, 11, tzinfo=UTC)), []),
        (When(starts_on=date(2027, 11, 29), ends_on=date(2027, 12, 3)),
         ["Tuesday 30 November 2027 is a bank holiday in Scotland: St Andrew's Day"]),
        (When(days=tuple((datetime(2027, 11, day, 9, tzinfo=UTC), datetime(2027, 11, day, 11, tzinfo=UTC))
                         for day in (29, 30))),
         ["Tuesday 30 November 2027 is a bank holiday in Scotland: St Andrew's Day"]),
        (When(month="2016-11"), []),
    ],
)  # fmt: skip
def test_bank_holidays_are_said(when: When, said: list[str]) -> None:
    assert [clash.words for clash in find_clashes([slot(when=when)], [], now=NOW)[0]] == said


def test_an_event_that_does_not_take_place_clashes_with_no_holiday() -> None:
    monday = When(datetime(2027, 8, 2, 9, tzinfo=UTC), datetime(2027, 8, 2, 11, tzinfo=UTC))
    assert find_clashes([slot(when=monday, state="cancelled")], [], now=NOW) == [[]]


hours = st.tuples(st.integers(9, 20), st.integers(0, 3), st.integers(0, 4)).map(
    lambda three: at(9, three[0], min(23, three[0] + 1 + three[1]))
)
slots = st.builds(
    Slot,
    when=hours,
    place=st.sampled_from([None, 1, 2]),
    room=st.sampled_from([None, None, 5]),
    people=st.sampled_from([{}, {7: "Anna"}, {7: "Anna", 8: "Bo"}]),
    programme=st.sampled_from([None, 3]),
    audience=st.sampled_from(["", "policy", "practitioners", "everyone"]),
    state=st.sampled_from(["draft", "published", "cancelled"]),
)


@given(slots, slots)
def test_a_clash_is_one_from_both_sides(one: Slot, other: Slot) -> None:
    there, back = find_clashes([one, other], [], now=NOW)
    assert [clash.kind for clash in there] == [clash.kind for clash in back]


@given(st.lists(slots, max_size=6), st.lists(slots, max_size=6))
def test_many_at_once_is_the_same_as_one_by_one(mine: list[Slot], theirs: list[Slot]) -> None:
    together = find_clashes(mine, theirs, now=NOW)
    for number, one in enumerate(mine):
        rest = [other for place, other in enumerate(mine) if place != number]
        alone = find_clashes([one], [*rest, *theirs], now=NOW)[0]
        assert sorted(clash.words for clash in together[number]) == sorted(clash.words for clash in alone)


# --- in the database -------------------------------------------------------------------------------------------------


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    engine = session.get_bind()
    sql_event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sql_event.remove(engine, "before_cursor_execute", note)


def room_of(session: Session, venue_id: int, name: str = "Room 2") -> Room:
    room = Room(venue_id=venue_id, name=name, name_key=name.lower())
    session.add(room)
    session.commit()
    return room


def test_a_new_event_learns_who_has_its_room_its_people_and_its_readers(app: Flask, session: Session) -> None:
    venue, programme = make_venue(session), make_programme(session)
    anna = make_account(session, name="Anna Example")
    bo = make_account(session, role="facilitator", name="Bo Example")
    there = make_event(session, title="There", venue_id=venue.id, room_id=room_of(session, venue.id).id)
    hers = make_event(session, title="Hers", owner_id=anna.id)
    beside = make_event(session, title="Beside", state="draft")
    session.add(EventFacilitator(event_id=beside.id, account_id=bo.id))
    same = make_event(session, title="Same", programme_id=programme.id, audience="policy")
    make_event(session, title="Called off", owner_id=anna.id, state="cancelled")
    make_event(session, title="Elsewhere")
    session.commit()
    details = EventDetails(
        title="New", kind="workshop", when=When(there.starts_at, there.ends_at),
        venue=Place("EXAMPLE hall", venue.address, "g11aa"), room="room 2", owner_id=anna.id, facilitators=(bo.id,),
        programme=programme.title, audience="everyone",
    )  # fmt: skip
    with counted(session) as seen:
        found = clashes_of(session, details=details, event_id=None, now=NOW)
    assert [(clash.kind, clash.title, clash.slug, clash.state) for clash in found] == [
        ("room", "There", there.slug, "published"),
        ("facilitator", "Hers", hers.slug, "published"),
        ("facilitator", "Beside", beside.slug, "draft"),
        ("programme", "Same", same.slug, "published"),
    ]
    # 31 March 2027 is summer time.
    assert found[0].words == "Room 2 at Example Hall is taken by “There”, 11am to 1pm"
    assert found[0].when == "Wednesday 31 March 2027, 11am to 1pm"
    assert found[2].words == "Bo Example also runs “Beside” (draft), 11am to 1pm"
    assert len(seen) <= 6
    online = clashes_of(session, details=replace(details, mode="online"), event_id=None, now=NOW)
    assert "room" not in {clash.kind for clash in online}, "nobody needs the room of an event that is online"


def test_an_event_does_not_clash_with_itself(app: Flask, session: Session) -> None:
    anna = make_account(session, name="Anna Example")
    event = make_event(session, owner_id=anna.id, venue_id=make_venue(session).id)
    assert clashes_of(session, details=details_of(session, event), event_id=event.id, now=NOW) == []
    assert clashes_of_events(session, [event.id], now=NOW) == {event.id: []}


def test_ninety_events_cost_as_many_selects_as_one(app: Flask, session: Session) -> None:
    programme, venue = make_programme(session), make_venue(session)
    events = [
        make_event(session, title=f"Event {number}", programme_id=programme.id, venue_id=venue.id,
                   starts_at=datetime(2027, 6, 7 + number % 10, 9, tzinfo=UTC))
        for number in range(90)
    ]  # fmt: skip
    ids = [event.id for event in events]
    with counted(session) as seen:
        found = clashes_of_events(session, ids, now=NOW)
    assert len(seen) <= 5
    assert all(len(clashes) == 16 for clashes in found.values()), "8 others on the same day, as venue and programme"
    candidates = [Candidate(details_of(session, event), event.id, "published") for event in events]
    with counted(session) as seen:
        among = clashes_among(session, candidates, now=NOW)
    assert len(seen) <= 6
    assert [[clash.words for clash in clashes] for clashes in among] == [
        [clash.words for clash in found[event_id]] for event_id in ids
    ]


def test_dates_that_are_not_saved_yet_clash_with_each_other(app: Flask, session: Session) -> None:
    one = EventDetails(title="One", kind="workshop", when=at(9, 10, 12), venue=Place("New Hall", "", ""))
    lists = clashes_among(session, [Candidate(one), Candidate(replace(one, when=at(9, 11, 13)))], now=NOW)
    assert [len(clashes) for clashes in lists] == [1, 1]

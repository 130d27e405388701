"""What a change of one date does to the other dates of its series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.london_time import from_london, to_london
from workshops.schedule.rules.events import EventDetails, Place, changed_fields
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.repeats import moved_to
from workshops.schedule.rules.series import adapt, followers
from workshops.schedule.rules.when import When

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def wall(day: date, start: time = time(10), end: time = time(12)) -> When:
    return When(from_london(day, start), from_london(day, end))


def details(day: date = date(2027, 3, 23), **more: Any) -> EventDetails:
    values: dict[str, Any] = {"title": "Talk", "kind": "workshop", "when": wall(day), "venue": Place("Hall"),
                              "room": "Room 1", **more}  # fmt: skip
    return EventDetails(**values)


BEFORE = details()
OTHER = details(date(2027, 3, 30))


def test_only_what_was_changed_is_carried() -> None:
    after = replace(BEFORE, title="Talk and tea", capacity_in_person=20)
    other = replace(OTHER, summary="A word of its own", owner_id=5)
    carried = adapt(BEFORE, after, other)
    assert carried.details == replace(other, title="Talk and tea", capacity_in_person=20)
    assert carried.kept == ()


def test_what_was_made_different_on_another_date_stays_and_is_named() -> None:
    other = replace(OTHER, room="Room 9", capacity_in_person=5)
    carried = adapt(BEFORE, replace(BEFORE, room="Room 2", capacity_in_person=20, title="New"), other)
    assert (carried.details.room, carried.details.capacity_in_person, carried.details.title) == ("Room 9", 5, "New")
    assert carried.kept == ("room", "places in person")


def test_a_date_that_is_already_as_it_is_to_be_is_not_named() -> None:
    carried = adapt(BEFORE, replace(BEFORE, room="Room 2"), replace(OTHER, room="Room 2"))
    assert (carried.details.room, carried.kept) == ("Room 2", ())


def test_a_room_does_not_move_into_a_place_that_stays_another_one() -> None:
    other = replace(OTHER, venue=Place("Library"), room="Room 1")
    carried = adapt(BEFORE, replace(BEFORE, venue=Place("Castle"), room="Room 7"), other)
    assert (carried.details.venue, carried.details.room) == (Place("Library"), "Room 1")
    assert "place" in carried.kept


def test_another_time_of_day_moves_each_date_by_the_clock_on_the_wall() -> None:
    after = replace(BEFORE, when=wall(date(2027, 3, 23), time(14), time(16)))
    carried = adapt(BEFORE, after, OTHER)
    # the clocks go forward between the two
    assert carried.details.when == wall(date(2027, 3, 30), time(14), time(16))
    assert carried.details.when.starts_at == datetime(2027, 3, 30, 13, tzinfo=UTC)


def test_another_day_moves_each_date_by_as_many_days_and_keeps_a_time_of_its_own() -> None:
    after = replace(BEFORE, when=wall(date(2027, 3, 25), time(14), time(16)))
    alike = adapt(BEFORE, after, OTHER)
    assert alike.details.when == wall(date(2027, 4, 1), time(14), time(16))
    own = replace(OTHER, when=wall(date(2027, 3, 30), time(18), time(20)))
    carried = adapt(BEFORE, after, own)
    assert carried.details.when == wall(date(2027, 4, 1), time(18), time(20))
    assert carried.kept == ("times of day",)


def test_registration_opens_and_closes_as_long_before_each_date() -> None:
    opens = from_london(date(2027, 3, 9), time(9))
    other = replace(OTHER, opens_at=from_london(date(2027, 3, 16), time(9)))
    before = replace(BEFORE, opens_at=opens)
    later = replace(before, opens_at=from_london(date(2027, 3, 10), time(12)))
    assert adapt(before, later, other).details.opens_at == from_london(date(2027, 3, 17), time(12))
    assert adapt(before, replace(before, opens_at=None), other).details.opens_at is None
    shifted = replace(before, when=wall(date(2027, 3, 24)))
    assert adapt(before, shifted, other).details.opens_at == from_london(date(2027, 3, 17), time(9))
    special = replace(OTHER, opens_at=from_london(date(2027, 3, 1), time(9)))
    carried = adapt(before, later, special)
    assert (carried.details.opens_at, carried.kept) == (special.opens_at, ("opening time",))


def test_people_and_topics_are_added_and_taken_one_by_one() -> None:
    before = replace(BEFORE, facilitators=(1, 2), topics=("power",))
    after = replace(before, facilitators=(2, 3), topics=("power", "health"))
    other = replace(OTHER, facilitators=(1, 2, 9), topics=("power", "housing"))
    carried = adapt(before, after, other).details
    assert carried.facilitators == (2, 9, 3)
    assert carried.topics == ("power", "housing", "health")


def test_a_date_that_the_clock_change_makes_impossible_is_refused_by_name() -> None:
    before = details(date(2027, 3, 21))
    after = replace(before, when=wall(date(2027, 3, 21), time(1, 30), time(3)))
    with pytest.raises(DetailsDoNotFit, match="Sunday 28 March 2027 cannot follow"):
        adapt(before, after, details(date(2027, 3, 28)))


def test_history_of_a_month_is_left_alone() -> None:
    other = replace(OTHER, when=When(month="2016-11"))
    assert adapt(BEFORE, replace(BEFORE, when=wall(date(2027, 3, 25))), other).details.when == other.when


@given(st.integers(-30, 300), st.integers(8, 18), st.integers(1, 4), st.integers(7, 700))
def test_dates_that_were_alike_stay_alike(shift: int, hour: int, length: int, apart: int) -> None:
    after = replace(BEFORE, when=wall(date(2027, 3, 23) + timedelta(days=shift), time(hour), time(hour + length)))
    other = replace(BEFORE, when=moved_to(BEFORE.when, date(2027, 3, 23) + timedelta(days=apart)))
    carried = adapt(BEFORE, after, other)
    assert carried.kept == ()
    assert (carried.details.when.first_day - after.when.first_day).days == apart
    assert carried.details.when.starts_at is not None
    assert to_london(carried.details.when.starts_at).time() == time(hour)
    # and carried back again, nothing is different from before
    back = adapt(after, BEFORE, carried.details)
    assert changed_fields(back.details, other) == ()


@dataclass(frozen=True)
class Row:
    id: int
    sort_at: datetime
    over_at: datetime
    state: str = "published"


def row(number: int, days: int, state: str = "published") -> Row:
    starts = NOW + timedelta(days=days)
    return Row(number, starts, starts + timedelta(hours=2), state)


def test_past_and_cancelled_dates_are_left_alone_and_locks_are_in_order() -> None:
    this = row(5, 10)
    others = [row(9, 3), row(8, 24), row(7, 17, "draft"), row(6, 17, "cancelled"), row(2, -5), row(3, 31, "postponed")]
    assert followers(this, [this, *others], "all", now=NOW) == [3, 7, 8, 9]
    assert followers(this, [this, *others], "following", now=NOW) == [3, 7, 8]
    assert followers(this, [this, *others], "this", now=NOW) == []
    assert followers(this, [this, *others], "nonsense", now=NOW) == []

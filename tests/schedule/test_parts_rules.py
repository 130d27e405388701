"""The task list of a new event: pure, no application."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.schedule.rules.days import at_the_same_time
from workshops.schedule.rules.events import BOOKINGS, MODES, EventDetails, Place
from workshops.schedule.rules.parts import (
    CANNOT_START,
    COMPLETED,
    PART_WORDS,
    PARTS,
    missing_of,
    next_part,
    progress_words,
    room_words,
    tasks_of,
)
from workshops.schedule.rules.public_state import EventView
from workshops.schedule.rules.when import When

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
PLAIN = EventDetails(
    title="Example", kind="workshop",
    when=When(datetime(2027, 4, 6, 9, tzinfo=UTC), datetime(2027, 4, 6, 11, tzinfo=UTC)),
)  # fmt: skip


@given(
    st.sets(st.sampled_from([*PARTS, "gone"])), st.sampled_from(sorted(BOOKINGS)), st.sampled_from(sorted(MODES)),
    st.booleans(),
)  # fmt: skip
def test_the_list_always_has_its_seven_parts_and_counts_those_that_are_completed(
    done: set[str], booking: str, mode: str, has_capacity: bool
) -> None:
    details = replace(PLAIN, booking=booking, mode=mode, capacity_in_person=5 if has_capacity else None)
    tasks = tasks_of(details, done, now=NOW)
    assert [task.key for task in tasks] == list(PARTS) == list(PART_WORDS)
    completed = [task.key for task in tasks if task.status == COMPLETED]
    assert set(completed) <= done - {"check", "gone"}
    assert progress_words(tasks) == f"You have completed {len(completed)} of 7 parts."
    assert all(bool(task.why) == (task.status == CANNOT_START) for task in tasks)


def test_a_plain_event_can_be_published_and_is_told_what_would_help() -> None:
    missing = missing_of(PLAIN, now=NOW)
    assert not any(one.blocks for one in missing)
    assert {one.part for one in missing} == {"where", "about", "who"}
    full = replace(PLAIN, venue=Place("Hall"), summary="S", host="H", owner_id=1, bsl="no", captions="no")
    assert missing_of(full, now=NOW) == []
    assert "joining link" in missing_of(replace(full, mode="online", venue=None), now=NOW)[0].sentence


def test_a_month_to_come_blocks_and_says_why() -> None:
    tasks = tasks_of(replace(PLAIN, when=When(month="2027-05")), [], now=NOW)
    assert (tasks[-1].key, tasks[-1].status) == ("check", CANNOT_START) and "Enter the date" in tasks[-1].why


def test_every_part_leads_to_the_next_one() -> None:
    assert next_part("about") == "when" and next_part("who") == "check" == next_part("check") == next_part("history")


@pytest.mark.parametrize(
    ("places", "holds", "words"),
    [
        (25, 20, "Blue Room holds 20 people, and 25 places in person are offered"),
        (None, 1, "Blue Room holds 1 person, and places in person have no limit"),
        (20, 20, ""),
        (25, None, ""),
    ],
)
def test_a_room_is_held_against_the_places(places: int | None, holds: int | None, words: str) -> None:
    details = replace(PLAIN, venue=Place("Hall"), room="Blue Room", capacity_in_person=places)
    assert room_words(details, holds) == words
    assert room_words(replace(details, mode="online"), holds) == "" == room_words(replace(details, room=""), holds)


def test_a_day_left_out_is_free_for_another_event() -> None:
    def on(day: int, starts: int, ends: int) -> tuple[datetime, datetime]:
        return datetime(2027, 3, day, starts, tzinfo=UTC), datetime(2027, 3, day, ends, tzinfo=UTC)

    def view(*spans: tuple[datetime, datetime]) -> EventView:
        days = [[starts.isoformat(), ends.isoformat()] for starts, ends in spans] if len(spans) > 1 else []
        return EventView(state="published", mode="in_person", booking="none", sort_at=spans[0][0], days=days,
                         starts_at=spans[0][0], over_at=spans[-1][1], ends_at=spans[-1][1])  # fmt: skip

    several = view(on(1, 10, 16), on(3, 10, 12))
    assert at_the_same_time([several, view(on(2, 10, 16))]) == [[], []]
    assert at_the_same_time([several, view(on(3, 13, 16))]) == [[], []]
    assert at_the_same_time([several, view(on(3, 11, 16))]) == [[1], [0]]

"""UIDs are permanent and say nothing; SEQUENCE rises for what calendars must not miss, and never falls."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.ical.identity import feed_uid, new_uid
from workshops.ical.sequence import next_sequence, raises_sequence


def test_conformance_07_every_event_copy_and_repeat_gets_its_own_uid() -> None:
    made = {new_uid() for _ in range(1000)}
    assert len(made) == 1000
    assert all(uuid.UUID(uid).version == 4 for uid in made)


def test_a_calendar_keeps_its_uid_and_every_feed_has_its_own() -> None:
    # Written out: if this changes, every subscribed calendar becomes a new one.
    assert feed_uid("all") == "123d843f-51e0-5557-b15d-4144caa93f26"
    assert len({feed_uid(key) for key in ("all", "programme:1", "programme:2", "venue:1")}) == 4


CHANGES = [
    ({"starts": datetime(2017, 11, 14, 9, tzinfo=UTC)}, True),
    ({"ends": datetime(2017, 11, 14, 13, tzinfo=UTC)}, True),
    ({"ends": None}, True),
    ({"starts": date(2017, 11, 14), "ends": date(2017, 11, 14)}, True),
    ({"location": "Atlantic Quay, Glasgow"}, True),
    ({"status": "CANCELLED"}, True),
    ({"status": "TENTATIVE"}, True),
    ({"status": "CANCELLED", "title_prefix": "Cancelled: "}, True),
    ({"title": "Round-table on co-design"}, False),
    ({"description": "Other words"}, False),
    ({"categories": ("Other",)}, False),
    ({"url": "https://events.example.org/events/other"}, False),
    ({"organiser_name": "Another team"}, False),
    ({"revised_at": datetime(2018, 1, 1, tzinfo=UTC)}, False),
    ({"sequence": 9}, False),
    (
        {"starts": datetime(2017, 11, 14, 11, tzinfo=UTC).astimezone(), "ends": datetime(2017, 11, 14, 12, tzinfo=UTC)},
        True,
    ),
    ({"location": "Victoria Quay, Edinburgh EH6 6QQ\x00 "}, False),
    ({"starts": datetime(2017, 11, 14, 10, 0, 0, 5, tzinfo=UTC)}, False),
]


@pytest.mark.parametrize(("change", "raises"), CHANGES)
def test_conformance_08_time_place_and_state_raise_the_sequence_and_wording_does_not(
    make_entry, change, raises
) -> None:
    before = make_entry()
    assert raises_sequence(before, replace(before, **change)) is raises
    assert raises_sequence(replace(before, **change), before) is raises


def test_postponing_a_cancelled_event_and_reinstating_it_raise_the_sequence(make_entry) -> None:
    cancelled = make_entry(status="CANCELLED", title_prefix="Cancelled: ")
    postponed = replace(cancelled, title_prefix="Postponed: ")
    reinstated = replace(
        postponed, title_prefix="", status="CONFIRMED", starts=cancelled.starts + timedelta(days=7), ends=None
    )
    assert raises_sequence(cancelled, postponed)
    assert raises_sequence(postponed, reinstated)


def test_the_same_instant_said_in_another_zone_is_no_change(make_entry) -> None:
    before = make_entry()
    assert not raises_sequence(before, replace(before, starts=before.starts.astimezone()))


@pytest.mark.parametrize(
    ("event_sequence", "last_sent", "expected"),
    [(0, None, 0), (5, None, 5), (0, 0, 1), (3, 1, 3), (3, 3, 4), (3, 7, 8)],
)
def test_conformance_20_the_next_sequence_of_one_invitation(event_sequence, last_sent, expected) -> None:
    assert next_sequence(event_sequence, last_sent) == expected


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_conformance_08_a_person_never_gets_a_lower_or_equal_sequence(rises: list[int]) -> None:
    event, last, sent = 0, None, []
    for rise in rises:
        event += rise
        last = next_sequence(event, last)
        sent.append(last)
        assert last >= event
    assert sent == sorted(set(sent))

"""Times for each of several days: one UID, a daily master, days left out and days that differ; read by others."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
import pytest
import recurring_ical_events
from hypothesis import example, given
from hypothesis import strategies as st

from workshops.core.london_time import ImpossibleTime, from_london
from workshops.ical.invitation import invitation_bytes
from workshops.ical.sequence import raises_sequence
from workshops.ical.serialise import vevent_bytes

Span = tuple[datetime, datetime]


def day(on: date, starts: int, ends: int, *, minute: int = 0) -> Span:
    return from_london(on, time(starts, minute)), from_london(on, time(ends, minute))


def with_days(make_entry: Any, *days: Span, **more: Any) -> Any:
    return make_entry(starts=days[0][0], ends=days[-1][1], days=days, **more)


def read_spans(data: bytes) -> list[Span]:
    """What an independent reader shows in a calendar, in UTC."""
    calendar = icalendar.Calendar.from_ical(data)
    events = recurring_ical_events.of(calendar).between((1995, 1, 1), (2099, 1, 1))
    return sorted((event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)) for event in events)


def lines_of(data: bytes) -> list[str]:
    return data.replace(b"\r\n ", b"").decode().split("\r\n")


def test_equal_days_are_one_vevent_with_a_rule(make_entry, make_feed) -> None:
    days = [day(date(2027, 3, number), 10, 16) for number in (1, 2, 3)]
    data = vevent_bytes(with_days(make_entry, *days))
    assert data.count(b"BEGIN:VEVENT") == 1
    assert "RRULE:FREQ=DAILY;COUNT=3" in lines_of(data)
    assert "DTEND;TZID=Europe/London:20270301T160000" in lines_of(data)
    assert read_spans(make_feed(data)) == days


def test_a_day_left_out_is_an_exdate_and_another_time_an_override(make_entry, make_feed) -> None:
    days = [day(date(2027, 3, 1), 10, 16), day(date(2027, 3, 2), 10, 12), day(date(2027, 3, 4), 10, 16)]
    data = vevent_bytes(with_days(make_entry, *days, sequence=7))
    lines = lines_of(data)
    assert data.count(b"BEGIN:VEVENT") == 2
    assert "RRULE:FREQ=DAILY;COUNT=4" in lines
    assert "EXDATE;TZID=Europe/London:20270303T100000" in lines
    assert "RECURRENCE-ID;TZID=Europe/London:20270302T100000" in lines
    assert [line for line in lines if line.startswith(("UID:", "SEQUENCE:"))] == [
        "UID:0b7a3c1e-5f1d-4c38-9a54-3d4f2f1c9a10", "SEQUENCE:7"] * 2  # fmt: skip
    assert read_spans(make_feed(data)) == days


def test_the_clocks_may_change_between_the_days(make_entry, make_feed) -> None:
    days = [day(date(2027, 3, number), 10, 16) for number in (27, 28, 29)]
    data = vevent_bytes(with_days(make_entry, *days))
    assert data.count(b"BEGIN:VEVENT") == 1, "the same time of day needs no override"
    assert read_spans(make_feed(data)) == days
    nights = [(from_london(date(2027, 10, 30), time(22)), from_london(date(2027, 10, 31), time(3))),
              (from_london(date(2027, 10, 31), time(22)), from_london(date(2027, 11, 1), time(3)))]  # fmt: skip
    longer = vevent_bytes(with_days(make_entry, *nights))
    assert longer.count(b"BEGIN:VEVENT") == 3, "some readers would give the second night the length of the first"
    assert read_spans(make_feed(longer)) == nights


@pytest.mark.parametrize(("first", "month", "last"), [(27, 3, 29), (30, 10, 31)])
def test_a_time_of_day_that_a_clock_change_touches_is_said_day_by_day(
    make_entry, make_feed, first: int, month: int, last: int
) -> None:
    # 1:30am on the 28th of March does not exist, and on the 31st of October it happens twice
    starts = ((date(2027, month, first), time(1, 30)), (date(2027, month, last), time(3, 30)))
    days = [(from_london(on, wall), from_london(on, time(5))) for on, wall in starts]
    data = vevent_bytes(with_days(make_entry, *days))
    assert "DTSTART;TZID=Europe/London:2027" in data.decode() and "T120000" in data.decode()
    assert data.count(b"RECURRENCE-ID") == 2
    assert read_spans(make_feed(data)) == days


@st.composite
def several_days(draw: st.DrawFn) -> list[Span]:
    first = draw(st.one_of(st.dates(date(1996, 2, 1), date(2037, 12, 1)),
                           st.sampled_from([date(2027, 3, 26), date(2027, 10, 29), date(2026, 12, 30)])))  # fmt: skip
    offsets = sorted(draw(st.sets(st.integers(0, 13), min_size=2, max_size=14)))
    spans = []
    for offset in offsets:
        try:
            wall = time(draw(st.integers(0, 20)), draw(st.sampled_from((0, 30))))
            starts = from_london(first + timedelta(days=offset), wall)
        except ImpossibleTime:
            starts = from_london(first + timedelta(days=offset), time(12))
        spans.append((starts, starts + timedelta(minutes=draw(st.integers(1, 179)))))
    return spans


@given(several_days())
@example([day(date(2027, 10, 30), 1, 5, minute=30), day(date(2027, 10, 31), 3, 5)])
@example([day(date(2027, 3, 26), 0, 2), day(date(2027, 3, 28), 0, 3)])
@example([day(date(2027, 3, 28), 0, 3), day(date(2027, 3, 29), 0, 2)])
@example([day(date(2027, 10, 31), 0, 4), day(date(2027, 11, 1), 0, 5)])
def test_any_days_come_back_equal_from_another_reader(make_entry, make_feed, days: list[Span]) -> None:
    assert read_spans(make_feed(vevent_bytes(with_days(make_entry, *days)))) == days


def test_sequence_rises_when_a_day_changes_or_is_left_out(make_entry) -> None:
    days = [day(date(2027, 3, number), 10, 16) for number in (1, 2, 3)]
    before = with_days(make_entry, *days)
    moved = with_days(make_entry, days[0], day(date(2027, 3, 2), 11, 16), days[2])
    assert raises_sequence(before, moved)
    assert raises_sequence(before, with_days(make_entry, days[0], days[2]))
    assert not raises_sequence(before, with_days(make_entry, *days, title="Other words"))


@pytest.mark.parametrize(("method", "events"), [("REQUEST", 2), ("CANCEL", 1)])
def test_an_invitation_holds_all_days_and_its_withdrawal_takes_all_off(make_entry, method: Any, events: int) -> None:
    days = [day(date(2027, 3, 1), 10, 16), day(date(2027, 3, 2), 10, 12), day(date(2027, 3, 4), 10, 16)]
    data = invitation_bytes(
        with_days(make_entry, *days), method=method, attendee_email="a@example.org", attendee_name="A", sequence=4,
        stamped_at=datetime(2027, 2, 1, tzinfo=UTC), partstat="ACCEPTED", organiser_email="team@example.org",
        organiser_name="Team", joining_link="https://meet.example.org/x",
    )  # fmt: skip
    assert data.count(b"BEGIN:VEVENT") == events == data.count(b"ATTENDEE")
    assert data.count(b"BEGIN:VTIMEZONE") == 1
    assert data.count(b"CONFERENCE") == (2 if method == "REQUEST" else 0)
    if method == "REQUEST":
        assert read_spans(data) == days
    else:
        assert b"RECURRENCE-ID" not in data

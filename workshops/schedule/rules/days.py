"""Days and months for lists: the month as weeks, and which events run at the same time. Pure."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from workshops.core.london_time import london_date, month_words, time_words, wall_time
from workshops.core.typed_dates import FIRST_YEAR, LAST_YEAR
from workshops.core.typed_dates import parse_month as typed_month
from workshops.schedule.rules.public_state import EventView
from workshops.schedule.rules.when import read_days


@dataclass(frozen=True, order=True)
class Month:
    """A month of a year; number from 1 to 12."""

    year: int
    number: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date(self.year, self.number, calendar.monthrange(self.year, self.number)[1])

    @property
    def text(self) -> str:
        """As in addresses: 2027-03."""
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def words(self) -> str:
        """As people write it: March 2027."""
        return month_words(self.year, self.number)

    def weeks(self) -> list[list[date | None]]:
        """Its days in rows from Monday to Sunday; None where a row begins or ends outside it."""
        rows = calendar.Calendar().monthdayscalendar(self.year, self.number)
        return [[date(self.year, self.number, day) if day else None for day in row] for row in rows]

    def moved(self, months: int) -> Month | None:
        """So many months later, or earlier when negative; None outside the years that dates may have."""
        count = self.year * 12 + self.number - 1 + months
        year, number = divmod(count, 12)
        return Month(year, number + 1) if FIRST_YEAR <= year <= LAST_YEAR else None


def month_of(day: date) -> Month:
    """The month in which a day lies."""
    return Month(day.year, day.month)


def parse_month(text: str) -> Month | None:
    """The month of "2027-03", "March 2027" and the like, or None when it is none."""
    try:
        return Month(*typed_month(text))
    except ValueError:
        return None


class Timed(Protocol):
    """What of an event says on which days it is on."""

    @property
    def month(self) -> str | None: ...

    @property
    def days(self) -> Sequence[Sequence[str]]: ...

    @property
    def sort_at(self) -> datetime: ...

    @property
    def over_at(self) -> datetime: ...


def days_on(event: Timed, first: date = date.min, last: date = date.max) -> list[date]:
    """The days in Scotland between two days, both included, on which an event is on, in order.

    With times for each day only these days; none when only its month is known.
    """
    if event.month is not None:
        return []
    spans = read_days(event.days) if event.days else ((event.sort_at, event.over_at),)
    found: dict[date, None] = {}
    for starts, ends in spans:
        begins = london_date(starts)
        # over_at is the first instant after it: an event until midnight is not on the next day
        day, until = max(begins, first), min(max(begins, london_date(ends - timedelta(seconds=1))), last)
        while day <= until:
            found[day] = None
            day += timedelta(days=1)
    return list(found)


def part_words(number: int, of: int) -> str:
    """Which of its days it is: "day 2 of 5"."""
    return f"day {number} of {of}"


def time_on(view: EventView, day: date) -> str:
    """The hours of an event on one of its days: "10am to 12 noon", "From 10am", "All day"."""
    spans = read_days(view.days)
    starts, ends = next((span for span in spans if london_date(span[0]) == day), (view.starts_at, view.ends_at))
    if starts is None:
        return "All day"
    begins_today = london_date(starts) == day
    if ends is None:
        return time_words(wall_time(starts)) if begins_today else ""
    ends_today = london_date(ends - timedelta(seconds=1)) == day
    if begins_today and ends_today:
        return f"{time_words(wall_time(starts))} to {time_words(wall_time(ends))}"
    if begins_today:
        return f"From {time_words(wall_time(starts))}"
    return f"Until {time_words(wall_time(ends))}" if ends_today else "All day"


def at_the_same_time(views: Sequence[EventView]) -> list[list[int]]:
    """For each event the indexes of those with which it overlaps, in their order.

    Only events with a time of day that take place: a whole week on is nothing one must choose against. Of
    events with times for each day these times count, not the nights between them.
    """
    spans = sorted(
        (starts, ends, number)
        for number, view in enumerate(views)
        if view.starts_at is not None and view.state == "published"
        for starts, ends in (read_days(view.days) if view.days else ((view.sort_at, view.over_at),))
    )
    found: list[set[int]] = [set() for _ in views]
    running: list[tuple[datetime, int]] = []
    for starts, ends, number in spans:
        running = [(until, other) for until, other in running if until > starts]
        for _, other in running:
            if other != number:
                found[other].add(number)
                found[number].add(other)
        running.append((ends, number))
    return [sorted(others) for others in found]

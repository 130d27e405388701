"""The month as a calendar: what stands in each day's cell. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from workshops.core.london_time import london_date, time_words, wall_time
from workshops.schedule.rules.days import Month, Timed, days_on, part_words
from workshops.schedule.rules.when import read_days

#: A cell shows so many events; when there are more, the others are a link away.
SHOWN = 5
_STATES = {"cancelled": "Cancelled", "postponed": "Postponed"}


class Dated(Timed, Protocol):
    """What of an event a cell shows."""

    @property
    def slug(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def starts_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Entry:
    """One event in the cell of one day.

    time: when it begins on that day, empty for whole days and for days on which it only goes on.
    part: "day 2 of 5", empty for an event of one day.   first, last: whether it begins or ends here.
    state: "Cancelled" or "Postponed", else empty.
    """

    slug: str
    title: str
    time: str
    part: str
    first: bool
    last: bool
    state: str


@dataclass(frozen=True)
class Day:
    """What is on in one day: the first few in order, and how many more there are."""

    entries: tuple[Entry, ...]
    more: int


def days_of_month(month: Month, events: Iterable[Dated]) -> dict[date, Day]:
    """The days of a month on which something is on; one of which only its month is known is on none."""
    found: dict[date, list[Dated]] = {}
    for event in events:
        for day in days_on(event, month.first, month.last):
            found.setdefault(day, []).append(event)
    days = {}
    for day, some in found.items():
        shown = some if len(some) <= SHOWN + 1 else some[:SHOWN]  # "1 more" takes the room of the one
        days[day] = Day(tuple(_entry(event, day) for event in shown), len(some) - len(shown))
    return days


def _entry(event: Dated, day: date) -> Entry:
    first = london_date(event.sort_at)
    last = max(first, london_date(event.over_at - timedelta(seconds=1)))
    part, starts = "", event.starts_at if day == first else None
    if event.days:
        all_days = days_on(event)
        part = part_words(all_days.index(day) + 1, len(all_days))
        starts = next((begins for begins, _ in read_days(event.days) if london_date(begins) == day), None)
        last = all_days[-1]
    elif last > first:
        part = part_words((day - first).days + 1, (last - first).days + 1)
    time = time_words(wall_time(starts)) if starts else ""
    return Entry(event.slug, event.title, time, part, day == first, day == last, _STATES.get(event.state, ""))

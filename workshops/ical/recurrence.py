"""An event with times for each of several days, as one recurring VEVENT (RFC 5545 3.8.5, 3.8.4.4).

One UID stands for the whole event: a master that repeats daily from the first day to the last, an EXDATE for each
day that is left out, and an override with a RECURRENCE-ID for each day whose times are not those of the first.
Knows instants only; the lines around it are written by `serialise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from workshops.core.london_time import ImpossibleTime, from_london, is_double, to_london
from workshops.ical.lines import needs_utc, time_line

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Override:
    """A day with times of its own. replaces: the instant at which the master would have begun that day."""

    replaces: datetime
    span: Span


@dataclass(frozen=True)
class Recurrence:
    """master: the times of the first day.   count: days from the first to the last, those left out included.

    left_out: the instants at which the master would begin on days that are left out.
    """

    master: Span
    count: int
    left_out: tuple[datetime, ...]
    overrides: tuple[Override, ...]


def recurrence_of(days: Sequence[Span]) -> Recurrence:
    """How these days, in order and at least one, repeat.

    A reader gives every instance the exact length of the first (RFC 5545 3.8.5.3) and the same time of day; what
    differs from that, also because the clocks change in between, is an override. Readers do not agree about rules
    in UTC, about times of day that a clock change leaves out or repeats, nor whether a length is that of the clock on
    the wall: a day in which the clocks change is an override, and where the first is one, or a time does not exist
    once, the master stands at noon and every day is an override of it.
    """
    firsts = [to_london(starts).date() for starts, _ in days]
    dates = [firsts[0] + timedelta(days=number) for number in range((firsts[-1] - firsts[0]).days + 1)]
    master = days[0]
    if any(map(needs_utc, master)) or _clocks_change_in(master) or not _exists_once(to_london(master[0]).time(), dates):
        noon = from_london(dates[0], time(12))
        master = (noon, noon + timedelta(hours=1))
    wall, length = to_london(master[0]).time(), master[1] - master[0]
    real = dict(zip(firsts, days, strict=True))
    left_out, overrides = [], []
    for day in dates:
        begins = from_london(day, wall)
        span = real.get(day)
        if span is None:
            left_out.append(begins)
        elif span != (begins, begins + length) or _clocks_change_in(span):
            overrides.append(Override(begins, span))
    return Recurrence(master, len(dates), tuple(left_out), tuple(overrides))


def recurrence_lines(recurrence: Recurrence) -> list[str]:
    """RRULE and EXDATE of the master."""
    lines = [f"RRULE:FREQ=DAILY;COUNT={recurrence.count}"]
    return lines + [time_line("EXDATE", begins, in_utc=False) for begins in recurrence.left_out]


def recurrence_id_line(override: Override) -> str:
    """Which day of the master an override stands for."""
    return time_line("RECURRENCE-ID", override.replaces, in_utc=False)


def _clocks_change_in(span: Span) -> bool:
    return to_london(span[0]).utcoffset() != to_london(span[1]).utcoffset()


def _exists_once(wall: time, dates: Sequence[date]) -> bool:
    for day in dates:
        try:
            from_london(day, wall)
        except ImpossibleTime:
            return False
        if is_double(day, wall):
            return False
    return True

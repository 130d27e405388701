"""Repeats: the dates of a rhythm, and an event's time moved to another day. Pure; never asks the clock.

Days are days in Scotland and times of day are kept by the clock on the wall: a workshop at 10am stays at 10am when
the clocks change between two of its dates.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workshops.core.errors import DomainError
from workshops.core.london_time import ImpossibleTime, date_words, from_london, is_double, time_words, to_london
from workshops.core.typed_dates import LAST_YEAR, parse_date
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.when import When

#: More dates than a year of weeks are made in two goes.
DATES_MAX = 60
#: Further apart than a year they are no repetition.
WEEKS_MAX = 52

RHYTHMS = {
    "weekly": "Every week",
    "weeks": "Every few weeks",
    "monthly": "Every month, on a weekday",
    "chosen": "On dates I choose",
}
#: Which of that weekday in a month; -1 is the last. Months without a fifth one are no trouble: there is no fifth.
POSITIONS = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
WEEKDAYS = tuple(calendar.day_name)


class DatesDoNotFit(DomainError):
    """A rhythm that gives no dates, or too many; or a typed date that is none. With a sentence and its field."""


@dataclass(frozen=True)
class Rhythm:
    """kind: a key of RHYTHMS but "chosen".   weeks: how many apart.   position, weekday: of "monthly"; Monday is 0."""

    kind: str
    weeks: int = 1
    position: int = 1
    weekday: int = 0

    def words(self, first: date) -> str:
        """Every 2 weeks on Tuesday; first: the day it starts from."""
        if self.kind == "monthly":
            return f"Every month on the {POSITIONS[self.position]} {WEEKDAYS[self.weekday]}"
        weeks = self.weeks if self.kind == "weeks" else 1
        apart = "Every week" if weeks == 1 else f"Every {weeks} weeks"
        return f"{apart} on {first:%A}"

    def days_after(self, first: date) -> Iterator[date]:
        """Its days after the first one, in order, until the years that dates may have are over."""
        if self.kind == "monthly":
            yield from self._months_after(first)
            return
        step = timedelta(weeks=self.weeks if self.kind == "weeks" else 1)
        day = first + step
        while day.year <= LAST_YEAR:
            yield day
            day += step

    def _months_after(self, first: date) -> Iterator[date]:
        year, month = first.year, first.month
        while year <= LAST_YEAR:
            day = weekday_of_month(year, month, self.weekday, self.position)
            if day > first:
                yield day
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def weekday_of_month(year: int, month: int, weekday: int, position: int) -> date:
    """The first, second, third, fourth or last (-1) such weekday of a month."""
    first = date(year, month, 1)
    first += timedelta(days=(weekday - first.weekday()) % 7)
    if position > 0:
        return first + timedelta(weeks=position - 1)
    last = date(year, month, calendar.monthrange(year, month)[1])
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def position_of(day: date) -> int:
    """Which of its weekday a day is in its month: 1 to 4, or -1 for a fifth one."""
    number = (day.day - 1) // 7 + 1
    return number if number <= 4 else -1


def repeat_days(
    rhythm: Rhythm, first: date, *, today: date, until: date | None = None, times: int | None = None
) -> list[date]:
    """The days of a rhythm after the first one and after today: as many as times, none after until.

    Raises DatesDoNotFit when neither says where to stop, when there is none, or when there are more than DATES_MAX.
    """
    if until is None and times is None:
        raise DatesDoNotFit("Enter the last date, or how many more dates", field="times")
    if times is not None and times > DATES_MAX:
        raise DatesDoNotFit(too_many(times), field="times")
    found: list[date] = []
    for day in rhythm.days_after(first):
        if (until is not None and day > until) or len(found) == times:
            break
        if day > today:
            found.append(day)
    if not found:
        after = max(first, today)
        raise DatesDoNotFit(f"There is no such date between {date_words(after)} and the last date", field="until")
    if len(found) > DATES_MAX:
        raise DatesDoNotFit(too_many(len(found)), field="until")
    return found


def too_many(number: int) -> str:
    """The sentence for a repeat of ten thousand dates."""
    return f"That would be {number:,} dates. Make {DATES_MAX} or fewer at a time"


def chosen_days(typed: str, *, today: date) -> list[date]:
    """The days of a text with one date a line, in order and each once. Raises DatesDoNotFit with the line at fault."""
    lines = [(number, line) for number, line in enumerate(typed.splitlines(), start=1) if line.strip(" \t,;")]
    if not lines:
        raise DatesDoNotFit("Enter the dates, one on each line", field="dates")
    if len(lines) > DATES_MAX:
        raise DatesDoNotFit(too_many(len(lines)), field="dates")
    found: set[date] = set()
    for number, line in lines:
        try:
            day = parse_date(line.strip(" \t,;"))
        except ValueError as problem:
            raise DatesDoNotFit(f"Line {number}: {lower_first(str(problem))}", field="dates") from None
        if day <= today:
            raise DatesDoNotFit(f"Line {number}: {date_words(day)} is not after today", field="dates")
        found.add(day)
    return sorted(found)


def lower_first(words: str) -> str:
    """A sentence as it stands behind a colon."""
    return words[:1].lower() + words[1:]


def moved_to(when: When, day: date) -> When:
    """The same times of day, on as many days, with another first day.

    Raises ValueError for an event of which only the month is known, ImpossibleTime when the clock change leaves out
    one of its times, and DetailsDoNotFit when it makes it end before it starts.
    """
    return moved_by(when, (day - when.first_day).days)


def moved_by(when: When, days: int) -> When:
    """The same times of day so many days later, or earlier; see moved_to."""
    if when.month is not None:
        raise ValueError("only the month of this event is known")
    if when.starts_on is not None:
        ends_on = when.ends_on or when.starts_on
        return When(starts_on=when.starts_on + timedelta(days=days), ends_on=ends_on + timedelta(days=days))
    if when.days:
        return When(days=tuple(_moved_span(starts, ends, days) for starts, ends in when.days))
    assert when.starts_at is not None
    if when.ends_at is None:
        return When(starts_at=moved_instant(when.starts_at, days))
    return When(*_moved_span(when.starts_at, when.ends_at, days))


def _moved_span(starts: datetime, ends: datetime, days: int) -> tuple[datetime, datetime]:
    starts_at, ends_at = moved_instant(starts, days), moved_instant(ends, days)
    wall = to_london(ends_at)
    if ends_at <= starts_at and is_double(wall.date(), wall.time().replace(fold=0)):
        # The night the clocks go back: an end in the second of the two hours, when the first would be too early.
        ends_at = from_london(wall.date(), wall.time().replace(fold=0), second_pass=True)
    return starts_at, ends_at


def moved_instant(instant: datetime, days: int) -> datetime:
    """The same time of day in Scotland so many days later; of a double hour the first. Raises ImpossibleTime."""
    local = to_london(instant)
    if not days:
        return instant
    return from_london(local.date() + timedelta(days=days), local.time().replace(fold=0))


@dataclass(frozen=True)
class PlannedDate:
    """A date of a repeat before it is saved. when: None when the clock change makes it impossible, which problem says.

    note: a sentence about an hour that happens twice.
    """

    day: date
    when: When | None
    problem: str = ""
    note: str = ""


def plan_dates(when: When, days: Sequence[date]) -> list[PlannedDate]:
    """An event's time on each of these days, with what the clock change does to it."""
    return [_planned(when, day) for day in days]


def _planned(when: When, day: date) -> PlannedDate:
    try:
        moved = moved_to(when, day)
    except ImpossibleTime as impossible:
        return PlannedDate(day, None, problem=str(impossible))
    except DetailsDoNotFit:
        return PlannedDate(day, None, problem=f"The clock change on {date_words(day)} leaves it no time between "
                                              "its start and its end.")
    return PlannedDate(day, moved, note=double_words(moved))


def double_words(when: When) -> str:
    """A sentence when its start or end happens twice that night because the clocks go back; else ""."""
    for instant in (when.starts_at, when.ends_at):
        wall = to_london(instant) if instant else None
        if wall is not None and is_double(wall.date(), wall.time().replace(fold=0)):
            which = "second" if wall.fold else "first"
            words = time_words(wall.time().replace(fold=0, tzinfo=None))
            return f"The clocks go back that night, so {words} happens twice; the {which} one is meant."
    return ""

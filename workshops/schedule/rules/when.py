"""When an event is: instants, whole days, or a month of which no more is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from workshops.core.london_time import (
    DoubleTime,
    ImpossibleTime,
    days_words,
    list_of_days,
    london_date,
    month_words,
    start_of_day,
    typed_instant,
    when_words,
)
from workshops.core.typed_dates import FIRST_YEAR, LAST_YEAR
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem, refuse

ENDS_BEFORE = "The event must end after it starts"
LAST_DAY_BEFORE = "The last day must not be before the first day"
#: Days from the first to the last for which each may have its own times.
DAYS_MAX = 14


@dataclass(frozen=True)
class When:
    """Exactly one of (starts_at, ends_at), (starts_on, ends_on) and month.

    starts_at, ends_at: aware UTC; ends_at may be missing when a page only said when it began.
    starts_on, ends_on: days in Scotland, ends_on inclusive.   month: "2016-11".
    days: times for each of several days, as pairs of aware UTC instants in order; starts_at is then the first start
    and ends_at the last end. Empty for one span. Raises DetailsDoNotFit when they cannot be.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    month: str | None = None
    days: tuple[tuple[datetime, datetime], ...] = ()

    def __post_init__(self) -> None:
        if self.days:
            self._take_days()
        if sum(value is not None for value in (self.starts_at, self.starts_on, self.month)) != 1:
            raise ValueError("an event has one kind of time")
        if self.starts_on is not None and self.ends_on is None:
            object.__setattr__(self, "ends_on", self.starts_on)
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise DetailsDoNotFit(Problem("ends", ENDS_BEFORE))
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            raise DetailsDoNotFit(Problem("ends", LAST_DAY_BEFORE))
        if self.month is not None and not is_month(self.month):
            raise ValueError(f"{self.month!r} is no month")
        for field, day in (("starts", self.starts_at or self.starts_on), ("ends", self.ends_at or self.ends_on)):
            if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
                raise DetailsDoNotFit(Problem(field, f"The year must be between {FIRST_YEAR} and {LAST_YEAR}"))

    def _take_days(self) -> None:
        if any(ends <= starts for starts, ends in self.days):
            raise DetailsDoNotFit(Problem("days", "Each day must end after it starts"))
        firsts = [london_date(starts) for starts, _ in self.days]
        if any(one >= other for one, other in pairwise(firsts)):
            raise DetailsDoNotFit(Problem("days", "Give each day once, in order"))
        if any(one[1] > other[0] for one, other in pairwise(self.days)):
            raise DetailsDoNotFit(Problem("days", "A day must end before the next one starts"))
        object.__setattr__(self, "starts_at", self.days[0][0])
        object.__setattr__(self, "ends_at", self.days[-1][1])
        if len(self.days) == 1:
            object.__setattr__(self, "days", ())

    @property
    def sort_at(self) -> datetime:
        """The instant to order by: the start, or midnight in Scotland of the first day."""
        return self.starts_at or start_of_day(self.first_day)

    @property
    def over_at(self) -> datetime:
        """The instant from which it is past. Without a known end: when the day of its start is over."""
        if self.starts_at is not None:
            return self.ends_at or start_of_day(self.first_day + timedelta(days=1))
        return start_of_day(self.last_day + timedelta(days=1))

    @property
    def first_day(self) -> date:
        """The day in Scotland on which it begins; of a month, the first."""
        if self.month is not None:
            return date(int(self.month[:4]), int(self.month[5:]), 1)
        return self.starts_on or london_date(self.sort_at)

    @property
    def last_day(self) -> date:
        """The last day in Scotland on which it is on."""
        if self.month is not None:
            return (self.first_day + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        if self.starts_on is not None:
            return self.ends_on or self.starts_on
        return london_date((self.ends_at or self.sort_at) - timedelta(seconds=1 if self.ends_at else 0))

    @property
    def slug_day(self) -> str:
        """What a slug takes from it on a clash: "2016-11-14", or "2016-11" of a month."""
        return self.month or self.first_day.isoformat()

    def words(self, *, uk_time: bool = False) -> str:
        """Tuesday 14 November 2017, 10am to 12 noon; uk_time for events that people join from anywhere."""
        if self.month is not None:
            return month_words(self.first_day.year, self.first_day.month)
        if self.days:
            return days_words(self.days, uk_time=uk_time)
        if self.starts_at is not None:
            return when_words(self.starts_at, self.ends_at, uk_time=uk_time)
        return when_words(self.first_day, self.last_day)


def is_month(text: str) -> bool:
    """Whether a text is a month such as 2016-11."""
    return re.fullmatch(r"(?:19|20)\d{2}-(?:0[1-9]|1[0-2])", text, re.ASCII) is not None


def when_typed(first: date, starts: time | None, last: date | None, ends: time | None) -> When:
    """The time of an event from what a form asks: days in Scotland, and times, or none for whole days.

    last: None means the same day. Raises DetailsDoNotFit with the fields "start_time", "end_time", "ends".
    """
    last = last or first
    if last < first:
        raise DetailsDoNotFit(Problem("ends", LAST_DAY_BEFORE))
    if starts is None and ends is None:
        return When(starts_on=first, ends_on=last)
    if starts is None:
        raise DetailsDoNotFit(Problem("start_time", "Enter when it starts, or leave both times empty for a whole day"))
    if ends is None:
        raise DetailsDoNotFit(Problem("end_time", "Enter when it ends"))
    starts_at, ends_at = _span(first, starts, last, ends)
    return When(starts_at=starts_at, ends_at=ends_at)


def _span(first: date, starts: time, last: date, ends: time) -> tuple[datetime, datetime]:
    starts_at, ends_at = _instant(first, starts, "start_time"), _instant(last, ends, "end_time")
    if ends_at <= starts_at:
        raise DetailsDoNotFit(Problem("end_time", "The event must end after it starts"))
    return starts_at, ends_at


def _instant(day: date, at: time, field: str) -> datetime:
    try:
        return typed_instant(day, at)
    except (ImpossibleTime, DoubleTime) as unfit:
        raise DetailsDoNotFit(Problem(field, str(unfit))) from None


@dataclass(frozen=True)
class TypedDay:
    """One of several days as a form asks for it. Neither time: the day is left out."""

    on: date
    starts: time | None
    ends: time | None


def check_days(first: date, last: date) -> None:
    """Raise DetailsDoNotFit, at the field "ends", unless each day from first to last may have its own times."""
    if last <= first:
        raise DetailsDoNotFit(Problem("ends", "Enter the last day. It must be after the first day"))
    if (last - first).days >= DAYS_MAX:
        raise DetailsDoNotFit(
            Problem("ends", f"Days with times of their own can reach over {DAYS_MAX} days. Make two events, "
                    "or one bar over whole days"))  # fmt: skip


def days_typed(days: Sequence[TypedDay]) -> When:
    """The time of an event with times for each day; a day that ends before it starts goes past midnight.

    Raises DetailsDoNotFit with everything that is wrong: the fields are "starts_2027-03-01", "ends_2027-03-01" of
    each day and "days" of all of them.
    """
    problems: list[Problem] = []
    found: list[tuple[datetime, datetime]] = []
    for day in days:
        key = day.on.isoformat()
        if day.starts is None and day.ends is None:
            continue
        if day.starts is None or day.ends is None:
            field, words = ("starts", "starts") if day.starts is None else ("ends", "ends")
            problems.append(Problem(f"{field}_{key}", f"Enter when {_day(day.on)} {words}, or leave both times empty"))
            continue
        past_midnight = day.ends.replace(tzinfo=None) <= day.starts.replace(tzinfo=None) and day.ends.hour < 6
        try:
            found.append(_span(day.on, day.starts, day.on + timedelta(days=past_midnight), day.ends))
        except DetailsDoNotFit as unfit:
            field = "starts" if unfit.problems[0].field == "start_time" else "ends"
            sentence = unfit.problems[0].sentence
            if sentence.startswith("The event must end"):
                sentence = f"{_day(day.on)} must end after it starts"
            problems.append(Problem(f"{field}_{key}", sentence))
    if not found and not problems:
        problems.append(Problem("days", "Enter the times of at least one day"))
    refuse(problems)
    return When(days=tuple(found))


def _day(on: date) -> str:
    return list_of_days([on]).rsplit(" ", 1)[0]


def read_days(kept: Sequence[Sequence[str]]) -> tuple[tuple[datetime, datetime], ...]:
    """The times for each day as they are kept: pairs of ISO 8601 texts."""
    return tuple((datetime.fromisoformat(starts), datetime.fromisoformat(ends)) for starts, ends in kept)

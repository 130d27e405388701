"""When an event is: instants, whole days, or a month of which no more is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from workshops.core.london_time import (
    ImpossibleTime,
    from_london,
    is_double,
    london_date,
    month_words,
    start_of_day,
    time_words,
    to_london,
    when_words,
)
from workshops.core.typed_dates import FIRST_YEAR, LAST_YEAR
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem

ENDS_BEFORE = "The event must end after it starts"
LAST_DAY_BEFORE = "The last day must not be before the first day"


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
    starts_at = _instant(first, starts, "start_time")
    ends_at = _instant(last, ends, "end_time")
    # The night the clocks go back: an end in the second of the two hours, when the first would be too early.
    if ends_at <= starts_at and is_double(last, ends):
        ends_at = from_london(last, ends, second_pass=True)
    if ends_at <= starts_at:
        raise DetailsDoNotFit(Problem("end_time", "The event must end after it starts"))
    return When(starts_at=starts_at, ends_at=ends_at)


def _instant(day: date, at: time, field: str) -> datetime:
    try:
        return from_london(day, at)
    except ImpossibleTime as impossible:
        raise DetailsDoNotFit(Problem(field, str(impossible))) from None


def double_time_words(when: When) -> str:
    """A sentence when the start happens twice that night because the clocks go back; else ""."""
    if when.starts_at is None:
        return ""
    wall = to_london(when.starts_at)
    if not is_double(wall.date(), wall.time()):
        return ""
    which = "second" if wall.fold else "first"
    return (
        f"The clocks go back that night, so {time_words(wall.time())} happens twice. "
        f"The event starts at the {which} one."
    )

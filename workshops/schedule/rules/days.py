"""Days and months for lists: the month as weeks, and which events run at the same time. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from workshops.core.london_time import month_words
from workshops.core.typed_dates import FIRST_YEAR, LAST_YEAR
from workshops.schedule.rules.public_state import EventView

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


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
    """The month of "2027-03", or None when it is none."""
    match = _MONTH.fullmatch(text.strip())
    if match is None:
        return None
    year, number = int(match[1]), int(match[2])
    return Month(year, number) if 1 <= number <= 12 and FIRST_YEAR <= year <= LAST_YEAR else None


def at_the_same_time(views: Sequence[EventView]) -> list[list[int]]:
    """For each event the indexes of those with which it overlaps.

    Only events with a time of day that take place: a whole week on is nothing one must choose against.
    """

    def counts(view: EventView) -> bool:
        return view.starts_at is not None and view.state == "published"

    return [
        [
            other
            for other, theirs in enumerate(views)
            if other != number and counts(mine) and counts(theirs)
            and mine.sort_at < theirs.over_at and theirs.sort_at < mine.over_at
        ]
        for number, mine in enumerate(views)
    ]

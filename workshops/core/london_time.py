"""Europe/London at the edge: instants to local time and to words, and local time to instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


class ImpossibleTime(ValueError):
    """A local time that the clock change leaves out, with a sentence for people."""


def to_london(instant: datetime) -> datetime:
    """An aware instant as local time in Scotland."""
    return instant.astimezone(LONDON)


def london_date(instant: datetime) -> date:
    """The day it is in Scotland at that instant."""
    return to_london(instant).date()


def from_london(day: date, at: time, *, second_pass: bool = False) -> datetime:
    """The instant of a local time, in UTC.

    In autumn 1am to 2am happens twice: the first is meant unless second_pass.
    Raises ImpossibleTime for the hour that spring leaves out.
    """
    local = datetime.combine(day, at, tzinfo=LONDON).replace(fold=1 if second_pass else 0)
    instant = local.astimezone(UTC)
    if instant.astimezone(LONDON).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ImpossibleTime(
            f"{time_words(at)} does not exist on {date_words(day)}, because the clocks go forward: "
            "choose a time before 1am or from 2am."
        )
    return instant


def is_double(day: date, at: time) -> bool:
    """Whether that local time happens twice on that day because the clocks go back."""
    local = datetime.combine(day, at, tzinfo=LONDON)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset() and (
        local.replace(fold=0).astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) == local.replace(tzinfo=None)
    )


def start_of_day(day: date) -> datetime:
    """The first instant of a day in Scotland."""
    return from_london(day, time(0, 0))


def date_words(day: date, *, weekday: bool = True) -> str:
    """Tuesday 14 November 2017; without weekday: 14 November 2017."""
    words = f"{day.day} {day:%B} {day.year}"
    return f"{day:%A} {words}" if weekday else words


def month_words(year: int, month: int) -> str:
    """November 2016."""
    return f"{date(year, month, 1):%B} {year}"


def time_words(at: time) -> str:
    """10am, 2:30pm, 12 noon, 12 midnight."""
    if (at.hour, at.minute) == (12, 0):
        return "12 noon"
    if (at.hour, at.minute) == (0, 0):
        return "12 midnight"
    hour = at.hour % 12 or 12
    half = "am" if at.hour < 12 else "pm"
    return f"{hour}:{at.minute:02d}{half}" if at.minute else f"{hour}{half}"


def instant_words(instant: datetime) -> str:
    """Thursday 9 November 2017, 5pm."""
    local = to_london(instant)
    return f"{date_words(local.date())}, {time_words(local.time())}"


def deadline_words(instant: datetime) -> str:
    """5pm on Thursday 9 November 2017; midnight is said as 11:59pm of the day before."""
    local = to_london(instant)
    if (local.hour, local.minute) == (0, 0):
        local = to_london(datetime.fromtimestamp(instant.timestamp() - 60, UTC))
    return f"{time_words(local.time())} on {date_words(local.date())}"


def when_words(starts: datetime | date, ends: datetime | date | None, *, uk_time: bool = False) -> str:
    """The one way a span is written for people.

    Instants: "Tuesday 14 November 2017, 10am to 12 noon"; over several days both days are named.
    Dates (whole days, `ends` inclusive): "Monday 27 November to Friday 1 December 2017".
    uk_time adds "(UK time)", used for events people can join from anywhere.
    """
    if not isinstance(starts, datetime):
        last = ends if isinstance(ends, date) and not isinstance(ends, datetime) else starts
        return _days_words(starts, last)
    begin = to_london(starts)
    zone = " (UK time)" if uk_time else ""
    if not isinstance(ends, datetime):
        return f"{date_words(begin.date())}, {time_words(begin.time())}{zone}"
    end = to_london(ends)
    first = f"{date_words(begin.date())}, {time_words(begin.time())}"
    if end.date() == begin.date():
        return f"{first} to {time_words(end.time())}{zone}"
    return f"{first} to {date_words(end.date())}, {time_words(end.time())}{zone}"


def _days_words(first: date, last: date) -> str:
    if last <= first:
        return date_words(first)
    if first.year == last.year:
        return f"{first:%A} {first.day} {first:%B} to {date_words(last)}"
    return f"{date_words(first)} to {date_words(last)}"

"""Europe/London at the edge: instants to local time and to words, and local time to instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
#: Stands after a time that people anywhere may read.
UK_TIME = " (UK time)"
#: The two clocks of Scotland, for a time of day that says which one it means: "1:30am BST".
GMT, BST = timezone(timedelta(0), "GMT"), timezone(timedelta(hours=1), "BST")


class ImpossibleTime(ValueError):
    """A local time that the clock change leaves out, with a sentence for people."""


class DoubleTime(ValueError):
    """A local time that happens twice, with a sentence that says how to write which one is meant."""


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


def typed_instant(day: date, at: time) -> datetime:
    """The instant of a local time that a person typed, in UTC; `at` may carry GMT or BST as its zone.

    Raises ImpossibleTime for the hour that spring leaves out and for a zone that Scotland is not on then, and
    DoubleTime for the hour that autumn repeats unless the zone says which one is meant.
    """
    if at.tzinfo is None:
        if is_double(day, at):
            words = time_words(at)
            raise DoubleTime(
                f"{words} happens twice on {date_words(day)}, because the clocks go back: "
                f"write {words} BST for the first one, or {words} GMT for the second"
            )
        return from_london(day, at)
    wall = at.replace(tzinfo=None)
    instant = datetime.combine(day, at).astimezone(UTC)
    if to_london(instant).replace(tzinfo=None) != datetime.combine(day, wall):
        from_london(day, wall)  # the hour that does not exist has a sentence of its own
        other = "BST" if at.tzname() == "GMT" else "GMT"
        raise ImpossibleTime(
            f"Clocks in Scotland are on {other} at {time_words(wall)} on {date_words(day)}: leave {at.tzname()} out"
        )
    return instant


def wall_time(instant: datetime) -> time:
    """The time of day in Scotland; with GMT or BST as its zone when that time happens twice on that day."""
    local = to_london(instant)
    wall = local.time().replace(fold=0)
    return wall.replace(tzinfo=GMT if local.fold else BST) if is_double(local.date(), wall) else wall


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
    """10am, 2:30pm, 12 noon, 12 midnight; with GMT or BST behind it when the time carries that zone."""
    if at.tzinfo is not None:
        return f"{time_words(at.replace(tzinfo=None))} {at.tzname()}"
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
    return f"{date_words(local.date())}, {time_words(wall_time(instant))}"


def deadline_words(instant: datetime) -> str:
    """5pm on Thursday 9 November 2017; midnight is said as 11:59pm of the day before."""
    local = to_london(instant)
    if (local.hour, local.minute) == (0, 0):
        local = to_london(datetime.fromtimestamp(instant.timestamp() - 60, UTC))
    return f"{time_words(wall_time(local))} on {date_words(local.date())}"


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
    zone = UK_TIME if uk_time else ""
    first = f"{date_words(begin.date())}, {time_words(wall_time(starts))}"
    if not isinstance(ends, datetime):
        return f"{first}{zone}"
    end = to_london(ends)
    if end.date() == begin.date():
        return f"{first} to {time_words(wall_time(ends))}{zone}"
    return f"{first} to {date_words(end.date())}, {time_words(wall_time(ends))}{zone}"


def days_words(days: Sequence[tuple[datetime, datetime]], *, uk_time: bool = False) -> str:
    """Several days with times of their own, written for people; days that follow each other with the same times
    are said in one go.

    "Monday 1 to Wednesday 3 March 2027, 10am to 4pm each day; Friday 5 March 2027, 10am to 12 noon".
    """
    groups: list[tuple[str, list[date]]] = []
    for starts, ends in days:
        words = _hours_words(starts, ends)
        if not groups or groups[-1][0] != words:
            groups.append((words, []))
        groups[-1][1].append(to_london(starts).date())
    parts = [f"{list_of_days(on)}, {words}{' each day' if len(on) > 1 else ''}" for words, on in groups]
    return "; ".join(parts) + (UK_TIME if uk_time else "")


def _hours_words(starts: datetime, ends: datetime) -> str:
    later = (to_london(ends).date() - to_london(starts).date()).days
    behind = "" if not later else " the next day" if later == 1 else f" {later} days later"
    return f"{time_words(wall_time(starts))} to {time_words(wall_time(ends))}{behind}"


def list_of_days(days: Sequence[date]) -> str:
    """Monday 1, Wednesday 3 and Friday 5 March 2027; three or more in a row: Monday 1 to Wednesday 3 March 2027."""
    together = all(other - one == timedelta(days=1) for one, other in pairwise(days))
    shown = [days[0], days[-1]] if together and len(days) > 2 else list(days)
    words = []
    for number, day in enumerate(shown):
        # The month and the year stand once, behind the last day that they hold for.
        following = shown[number + 1] if number + 1 < len(shown) else None
        text = f"{day:%A} {day.day}"
        if following is None or (following.month, following.year) != (day.month, day.year):
            text += f" {day:%B}"
        if following is None or following.year != day.year:
            text += f" {day.year}"
        words.append(text)
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} {'to' if len(shown) < len(days) else 'and'} {words[-1]}"


def _days_words(first: date, last: date) -> str:
    if last <= first:
        return date_words(first)
    if first.year == last.year:
        return f"{first:%A} {first.day} {first:%B} to {date_words(last)}"
    return f"{date_words(first)} to {date_words(last)}"

"""Working hours in Scotland: when people who use this at work can answer. Pure: no clock."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from workshops.core.bank_holidays import is_working_day
from workshops.core.london_time import from_london, to_london

OPENS, CLOSES = time(9), time(17)
#: By day: not at work, and not asleep.
DAY_BEGINS, DAY_ENDS = time(8), time(21)
#: The longest stretch without a working day is the turn of the year; more than this never passes without one.
_LOOK_AHEAD = timedelta(days=15)
_DAY = timedelta(days=1)


def after_working_time(start: datetime, worked: timedelta) -> datetime:
    """The instant at which so much working time has passed since `start`, in UTC.

    It always lies within working hours, at the latest at their end. Both are aware; worked is more than 0.
    """
    day, left = to_london(start).date(), worked
    while True:
        opens, closes = from_london(day, OPENS), from_london(day, CLOSES)
        begins = max(opens, start)
        if is_working_day(day) and begins < closes:
            if left <= closes - begins:
                return begins + left
            left -= closes - begins
        day += _DAY


def last_working_moment(latest: datetime, *, after: datetime) -> datetime | None:
    """The last moment of working time up to `latest`, or None when there is none after `after`. In UTC."""
    day = to_london(latest).date()
    while from_london(day, CLOSES) > after and latest - from_london(day, OPENS) < _LOOK_AHEAD:
        opens, closes = from_london(day, OPENS), from_london(day, CLOSES)
        if is_working_day(day) and opens < latest:
            found = min(closes, latest)
            return found if found > after else None
        day -= _DAY
    return None


def last_moment_by_day(latest: datetime, *, after: datetime) -> datetime | None:
    """As last_working_moment, of any day between breakfast and bedtime."""
    day = to_london(latest).date()
    while from_london(day, DAY_ENDS) > after:
        begins, ends = from_london(day, DAY_BEGINS), from_london(day, DAY_ENDS)
        if begins < latest:
            found = min(ends, latest)
            return found if found > after else None
        day -= _DAY
    return None


def is_working_time(at: datetime) -> bool:
    """Whether people at work can be reached at this instant."""
    local = to_london(at)
    return is_working_day(local.date()) and OPENS <= local.time() < CLOSES

"""When people are asked "Are you still coming?", and when a place without an answer is freed. Pure: no clock.

Both fall on working days, because that is when people read their mail and the next person can answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from workshops.core.bank_holidays import is_working_day
from workshops.core.london_time import deadline_words, from_london, instant_words
from workshops.registration.rules.working_hours import after_working_time

ASKED_AT, FREED_AT = time(9), time(15)
#: Nobody loses a place with less working time than this to answer.
TIME_TO_ANSWER = timedelta(hours=8)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Asking:
    """asked_at: when the question goes out.   freed_at: from when places without an answer are freed; None: never."""

    asked_at: datetime
    freed_at: datetime | None


def asking_of(first_day: date, starts_at: datetime, asks_days: int | None, frees_days: int | None) -> Asking | None:
    """When people at an event are asked; None when nobody is.

    first_day: of the event, in Scotland; starts_at: its first instant; days count back from the first day, and go
    further back to a working day. Freeing waits until people had a working day to answer; where that is later than
    the start, nothing is freed.
    """
    if asks_days is None:
        return None
    asked_at = from_london(_working_day(first_day - asks_days * _DAY), ASKED_AT)
    freed_at = None
    if frees_days is not None:
        wanted = from_london(_working_day(first_day - frees_days * _DAY), FREED_AT)
        freed_at = max(wanted, after_working_time(asked_at, TIME_TO_ANSWER))
        if freed_at >= starts_at:
            freed_at = None
    return Asking(asked_at, freed_at)


def may_free(asking: Asking, asked_at: datetime, now: datetime) -> bool:
    """Whether a place of somebody who was asked at that instant, and did not answer, is freed by now.

    A question that went out late (the worker was off) leaves as much time as one in time.
    """
    if asking.freed_at is None or asked_at < asking.asked_at:
        return False  # asked about another date
    return now >= max(asking.freed_at, after_working_time(asked_at, TIME_TO_ANSWER))


def asking_words(asking: Asking, now: datetime) -> str:
    """What the form and the mail of a registration say of it, in sentences; "" once the question went out."""
    if now >= asking.asked_at:
        return ""
    words = f"{instant_words(asking.asked_at)}, we ask you by email whether you are still coming."
    words = words[0].upper() + words[1:]
    if asking.freed_at is not None:
        words += f" If we hear nothing until {deadline_words(asking.freed_at)}, your place goes to the next person."
    return words


def _working_day(day: date) -> date:
    while not is_working_day(day):
        day -= _DAY
    return day

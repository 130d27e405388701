"""A change of one date of a series carried to its other dates. Pure.

Only what was changed is carried, and only to dates on which it was the same before: what differs there was made
different on purpose, so it stays and is named. Days move by as many days, times of day by the clock on the wall.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from workshops.core.london_time import ImpossibleTime, date_words, to_london
from workshops.schedule.rules.events import EventDetails, changed_fields
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.repeats import moved_by, moved_instant, moved_to
from workshops.schedule.rules.when import When

SCOPES = {
    "this": "Only this date",
    "following": "This date and the following ones",
    "all": "All dates that are not over yet",
}
#: Dates in these states follow; a cancelled one was left on purpose, and a past one is history.
FOLLOWING = ("draft", "published", "postponed")
#: What belongs to one date alone.
_OWN = frozenset({"reported_registered", "reported_attended", "source_url", "starts", "ends", "days"})
#: Lists to which things are added and from which they are taken, so that what is special to one date stays.
_LISTS = frozenset({"facilitators", "topics", "admitted_domains"})
#: How a field is called in the sentence that says it stays as it is.
_WORDS = {
    "title": "title", "kind": "kind", "mode": "way to take part", "summary": "summary", "description": "description",
    "host": "host", "programme": "programme", "venue": "place", "room": "room", "area": "area",
    "audience": "audience", "owner_id": "owner", "joining_link": "joining link", "is_listed": "visibility",
    "booking": "way to register", "has_waiting_list": "waiting list", "booking_url": "registration address",
    "capacity_in_person": "places in person", "capacity_online": "places online", "opens_at": "opening time",
    "closes_at": "closing time", "admits": "rule on who may register", "questions": "questions", "bsl": "BSL",
    "captions": "captions", "times": "times of day",
}  # fmt: skip


class DateOfSeries(Protocol):
    """What of an event decides whether it follows a change."""

    @property
    def id(self) -> int: ...

    @property
    def state(self) -> str: ...

    @property
    def sort_at(self) -> datetime: ...

    @property
    def over_at(self) -> datetime: ...


@dataclass(frozen=True)
class Adapted:
    """The details another date would have, and the words for what stays there although it was changed here."""

    details: EventDetails
    kept: tuple[str, ...] = ()


def followers(this: DateOfSeries, others: Iterable[DateOfSeries], scope: str, *, now: datetime) -> list[int]:
    """The ids of the other dates that a change reaches, in the order in which they are locked."""
    if scope not in ("following", "all"):
        return []
    return sorted(
        other.id
        for other in others
        if other.id != this.id
        and other.state in FOLLOWING
        and other.over_at > now
        and (scope == "all" or (other.sort_at, other.id) > (this.sort_at, this.id))
    )


def adapt(before: EventDetails, after: EventDetails, other: EventDetails) -> Adapted:
    """What another date becomes when a date that was `before` becomes `after`.

    Raises DetailsDoNotFit with the other date in the sentence when the clock change makes its new time impossible.
    """
    changed = changed_fields(before, after)
    different = set(changed_fields(before, other))
    values: dict[str, Any] = {}
    kept: list[str] = []
    for name in changed:
        if name in _OWN or name in ("opens_at", "closes_at"):
            continue
        if name in _LISTS:
            values[name] = _with_changes(getattr(before, name), getattr(after, name), getattr(other, name))
        elif name in different and name not in changed_fields(after, other):
            continue  # it is already as it is to be
        elif name in different:
            kept.append(_WORDS.get(name, name))
        else:
            values[name] = getattr(after, name)
    if "venue" in changed and "venue" not in values:
        # The room belongs to a place that stays another one.
        values.pop("room", None)
    when, times_stay = _adapted_when(before.when, after.when, other.when)
    if times_stay:
        kept.append(_WORDS["times"])
    values["when"] = when
    for name in ("opens_at", "closes_at"):
        value, stays = _adapted_instant(name, before, after, other, when)
        values[name] = value
        if stays:
            kept.append(_WORDS[name])
    return Adapted(_fitting(replace(other, **values), other), tuple(kept))


def _with_changes(before: tuple[Any, ...], after: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    added = [value for value in after if value not in before]
    kept = [value for value in other if value not in before or value in after]
    return tuple(dict.fromkeys([*kept, *added]))


def _shape(when: When) -> tuple[Any, ...]:
    """What two dates of a series share: the times of day and how many days later each is."""
    if when.starts_at is None:
        return ("days", (when.last_day - when.first_day).days)
    spans = when.days or ((when.starts_at, when.ends_at),)
    return tuple(
        None if instant is None else ((to_london(instant).date() - when.first_day).days, to_london(instant).time())
        for span in spans
        for instant in span
    )


def _adapted_when(before: When, after: When, other: When) -> tuple[When, bool]:
    """The other date's new time, and whether its times of day stay because they were different before."""
    if other.month is not None or before.month is not None or after.month is not None or before == after:
        return other, False
    days = (after.first_day - before.first_day).days
    alike = _shape(other) == _shape(before)
    reshaped = _shape(after) != _shape(before)
    try:
        if alike and reshaped:
            return moved_to(after, moved_day(other.first_day, days)), False
        return (moved_by(other, days) if days else other), reshaped and _shape(other) != _shape(after)
    except (ImpossibleTime, DetailsDoNotFit) as problem:
        raise DetailsDoNotFit(
            Problem("starts", f"The date of {date_words(other.first_day)} cannot follow: {problem}")
        ) from None


def moved_day(day: date, days: int) -> date:
    """So many days later."""
    return date.fromordinal(day.toordinal() + days)


def _adapted_instant(
    name: str, before: EventDetails, after: EventDetails, other: EventDetails, when: When
) -> tuple[datetime | None, bool]:
    """When registration opens or closes on the other date: as long before it as on the one that was changed."""
    old, new, theirs = getattr(before, name), getattr(after, name), getattr(other, name)
    shift = (when.first_day - other.when.first_day).days
    if old == new:
        # Nothing was said of it here; it moves along when the date does.
        return (_moved(theirs, shift) if theirs is not None else None), False
    between = (other.when.first_day - before.when.first_day).days
    if theirs != (_moved(old, between) if old is not None else None):
        return theirs, True
    return (None if new is None else _moved(new, (when.first_day - after.when.first_day).days)), False


def _moved(instant: datetime, days: int) -> datetime:
    try:
        return moved_instant(instant, days)
    except ImpossibleTime:
        # An opening in the hour that is left out: an hour later is as good.
        local = to_london(instant).replace(hour=3, minute=0)
        return moved_instant(local, days)


def _fitting(details: EventDetails, other: EventDetails) -> EventDetails:
    """Registration closes by the end of the event at the latest, whatever was moved."""
    closes_at = details.closes_at
    if closes_at is not None and closes_at > details.when.over_at and closes_at != other.closes_at:
        details = replace(details, closes_at=None)
    return details

"""How the places of one event are given: what a free place means, overbooking, asking again, shares. Pure.

Off unless somebody turns it on: the plain PlaceRules() is an event as everybody knows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.problems import Problem

#: What a free place means for whoever waited longest. No key ever changes.
GIVES = {
    "offer": "Offer it, and wait for the answer",
    "at_once": "Give it to them at once",
}
#: From which perspective somebody takes part. The same keys as the audiences, without "everyone".
PERSPECTIVES = {key: words for key, words in AUDIENCES.items() if key != "everyone"}
#: Days; longer ahead nobody knows yet.
ASKED_AT_MOST_DAYS_BEFORE = 30
#: More than half the room again is no overbooking but a mistake.
OVERBOOK_AT_MOST = 0.5


@dataclass(frozen=True)
class Share:
    """Places kept for people with one perspective. attending: in_person or online; places: 1 or more."""

    attending: str
    perspective: str
    places: int


@dataclass(frozen=True)
class PlaceRules:
    """How the places of an event are given. Days count back from its first day; instants are aware."""

    gives: str = "offer"
    overbook_in_person: int = 0
    overbook_online: int = 0
    asks_days_before: int | None = None
    frees_days_before: int | None = None
    declining_frees: bool = False
    shares: tuple[Share, ...] = ()
    shares_until: datetime | None = None


def problems_of(rules: PlaceRules, *, capacity_in_person: int | None, capacity_online: int | None,
                starts_at: datetime) -> Iterator[Problem]:  # fmt: skip
    """What does not fit, with the field it belongs to. capacity None is no limit; starts_at is the first instant."""
    if rules.gives not in GIVES:
        yield Problem("gives", "Choose what happens with a place that becomes free")
    for name, words, capacity, more in (
        ("in_person", "in person", capacity_in_person, rules.overbook_in_person),
        ("online", "online", capacity_online, rules.overbook_online),
    ):
        if more < 0:
            yield Problem(f"overbook_{name}", "Enter 0 or more")
        elif more and capacity is None:
            yield Problem(f"overbook_{name}", f"There is no limit of places {words}, so none can be added to it")
        elif capacity is not None and more > max(1, int(capacity * OVERBOOK_AT_MOST)):
            most = max(1, int(capacity * OVERBOOK_AT_MOST))
            yield Problem(f"overbook_{name}", f"Enter {most} or less: that is half of the {capacity:,} places {words}")
        held = sum(share.places for share in rules.shares if share.attending == name)
        if held and capacity is None:
            yield Problem("shares", f"There is no limit of places {words}, so none need to be held")
        elif capacity is not None and held > capacity:
            yield Problem("shares", f"You hold {held:,} places {words}, and there are {capacity:,}")
    asks, frees = rules.asks_days_before, rules.frees_days_before
    if asks is not None and not 1 <= asks <= ASKED_AT_MOST_DAYS_BEFORE:
        yield Problem("asks_days_before", f"Enter a number of days from 1 to {ASKED_AT_MOST_DAYS_BEFORE}")
    if frees is not None and asks is None:
        yield Problem("frees_days_before", "Say first how many days before people are asked")
    elif frees is not None and asks is not None and asks < 2:
        yield Problem("asks_days_before", "Ask people at least 2 days before, so that they have time to answer")
    elif frees is not None and asks is not None and not 0 < frees < asks:
        yield Problem("frees_days_before", f"Enter a number of days from 1 to {asks - 1}, so that people can answer")
    if any(share.places < 1 or share.perspective not in PERSPECTIVES for share in rules.shares):
        yield Problem("shares", "Enter a number of places of 1 or more, or leave it empty")
    if rules.shares_until is not None and rules.shares_until > starts_at:
        yield Problem("shares_until", "Enter a date before the event starts")


def read_shares(kept: Sequence[Sequence[Any]] | None) -> tuple[Share, ...]:
    """Shares as they are kept with an event."""
    return tuple(Share(str(attending), str(perspective), int(places)) for attending, perspective, places in kept or ())


def kept_shares(shares: Sequence[Share]) -> list[list[Any]]:
    """Shares as an event keeps them, in a fixed order."""
    order = list(PERSPECTIVES)
    ordered = sorted(shares, key=lambda share: (share.attending, order.index(share.perspective)))
    return [[share.attending, share.perspective, share.places] for share in ordered]


def moved_along(rules: PlaceRules, by: timedelta) -> PlaceRules:
    """The rules of a copy that starts later by this much: its shares are kept as long before it."""
    return rules if rules.shares_until is None else replace(rules, shares_until=rules.shares_until + by)

"""A whole roster as a value, and what may happen to it.

The service works on counts and the head of the queue; this module says the same about a complete list of
people, with the very same decisions of `places`. The property tests run on it, and the service is compared
with it step by step on both engines.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from workshops.registration.rules.places import (
    Room,
    RosterView,
    Terms,
    Waiting,
    check_can_be_left,
    check_offer,
    decide_approval,
    decide_registration,
    decide_switch,
    offers_go_out,
    refill,
)
from workshops.registration.rules.words import ACTIVE_STATES, HOLDING_STATES


@dataclass(frozen=True)
class Person:
    """One registration in a roster."""

    id: int
    attending: str
    state: str
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Roster:
    """Everybody at one event, in the order in which they came."""

    terms: Terms
    capacities: dict[str, int | None] = field(default_factory=dict)
    people: tuple[Person, ...] = ()

    def person(self, id: int) -> Person:
        """Raises KeyError for somebody who never came."""
        for person in self.people:
            if person.id == id:
                return person
        raise KeyError(id)

    def room(self, attending: str) -> Room:
        """The counts of one way of attending."""
        states = [p.state for p in self.people if p.attending == attending]
        taken = sum(state in HOLDING_STATES for state in states)
        return Room(self.capacities[attending], taken, states.count("waiting"))

    def view(self) -> RosterView:
        """What refilling looks at."""
        queue = tuple(
            Waiting(p.id, p.attending, p.since) for p in self.people if p.state == "waiting" and p.since is not None
        )
        return RosterView({attending: self.room(attending) for attending in self.capacities}, queue)


def holders(roster: Roster) -> frozenset[int]:
    """Who has a place or an open offer."""
    return frozenset(p.id for p in roster.people if p.state in HOLDING_STATES)


def register(roster: Roster, id: int, attending: str, *, if_full: str, now: datetime) -> Roster:
    """Somebody new. Raises what decide_registration raises."""
    decision = decide_registration(roster.terms, roster.room(attending), if_full=if_full, now=now)
    since = now if decision.state == "waiting" else None
    return replace(roster, people=(*roster.people, Person(id, attending, decision.state, since)))


def cancel(roster: Roster, id: int, now: datetime) -> Roster:
    """Somebody gives up a place, an offer, a request or their place in the queue."""
    check_can_be_left(roster.person(id).state, roster.terms, now)
    return refilled(_with(roster, id, state="cancelled", until=None), now)


def take_offer(roster: Roster, id: int, now: datetime) -> Roster:
    """Somebody takes the place held for them."""
    person = roster.person(id)
    check_offer(person.state, person.until, roster.terms, now)
    return _with(roster, id, state="confirmed", since=None, until=None)


def lapse(roster: Roster, now: datetime) -> Roster:
    """Offers that have run out go to the next."""
    ended = [p.id for p in roster.people if p.state == "offered" and p.until is not None and p.until <= now]
    for id in ended:
        roster = _with(roster, id, state="lapsed", until=None)
    return refilled(roster, now)


def approve(roster: Roster, id: int, now: datetime) -> Roster:
    """Staff let somebody in who asked."""
    person = roster.person(id)
    state = decide_approval(roster.terms, roster.room(person.attending), now)
    return _with(roster, id, state=state, since=now if state == "waiting" else None)


def switch(roster: Roster, id: int, now: datetime) -> Roster:
    """Somebody in a hybrid event changes to the other way of attending."""
    person = roster.person(id)
    to = "online" if person.attending == "in_person" else "in_person"
    state = decide_switch(person.state, roster.terms.mode, roster.room(to), to)
    return refilled(_with(roster, id, state=state, attending=to, since=None), now)


def resize(roster: Roster, attending: str, capacity: int | None, now: datetime) -> Roster:
    """The organiser changes the number of places. Takes no place away."""
    return refilled(replace(roster, capacities={**roster.capacities, attending: capacity}), now)


def refilled(roster: Roster, now: datetime) -> Roster:
    """With every free place offered to whoever waited longest."""
    for offer in refill(roster.view(), roster.terms, now):
        roster = _with(roster, offer.id, state="offered", until=offer.until)
    return roster


def broken_promises(roster: Roster, now: datetime) -> list[str]:
    """What is wrong with a roster that was reached by the functions above, in words. Empty: all is well.

    Does not say that nobody holds more than the capacity: after a smaller capacity that is allowed. The
    property test keeps track of it.
    """
    wrong: list[str] = []
    ids = [p.id for p in roster.people if p.state in ACTIVE_STATES]
    if len(ids) != len(set(ids)):
        wrong.append("somebody is in two states")
    for attending in roster.capacities:
        room = roster.room(attending)
        if offers_go_out(roster.terms, now) and room.has_free and room.waiting:
            wrong.append(f"somebody waits while a place {attending} is free")
    for p in roster.people:
        if (p.state == "waiting") and p.since is None:
            wrong.append(f"{p.id} waits, but not since when")
        if (p.state == "offered") != (p.until is not None):
            wrong.append(f"{p.id} has a deadline without an offer, or an offer without one")
        if p.until is not None and p.until > roster.terms.starts_at:
            wrong.append(f"{p.id} may answer after the start")
    return wrong


def _with(roster: Roster, id: int, **changes: object) -> Roster:
    people = tuple(replace(p, **changes) if p.id == id else p for p in roster.people)  # type: ignore[arg-type]
    return replace(roster, people=people)

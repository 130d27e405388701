"""A whole roster as a value, and what may happen to it.

The service works on counts and the head of the queue; this module says the same about a complete list of
people, with the very same decisions of `places`. The property tests run on it, and the service is compared
with it step by step on both engines.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from workshops.registration.rules.places import (
    Room,
    RosterView,
    Terms,
    Waiting,
    check_can_be_left,
    check_can_be_passed_on,
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
    perspective: str = ""
    #: Asked whether they still come, and told at registration that a place without an answer is freed.
    is_asked: bool = False
    may_be_freed: bool = False


@dataclass(frozen=True)
class Roster:
    """Everybody at one event, in the order in which they came.

    capacities, overbook, shares: by way of attending; shares hold places by perspective.
    """

    terms: Terms
    capacities: dict[str, int | None] = field(default_factory=dict)
    people: tuple[Person, ...] = ()
    overbook: dict[str, int] = field(default_factory=dict)
    shares: dict[str, dict[str, int]] = field(default_factory=dict)

    def person(self, id: int) -> Person:
        """Raises KeyError for somebody who never came."""
        for person in self.people:
            if person.id == id:
                return person
        raise KeyError(id)

    def room(self, attending: str, now: datetime) -> Room:
        """The counts of one way of attending at an instant."""
        here = [p for p in self.people if p.attending == attending]
        taken = [p.perspective for p in here if p.state in HOLDING_STATES]
        waiting = [p.perspective for p in here if p.state == "waiting"]
        room = Room(self.capacities[attending], len(taken), len(waiting), self.overbook.get(attending, 0))
        shares = self.shares.get(attending, {})
        if not shares or not self.terms.keeps_shares(now):
            return room
        return replace(room, shares=shares, taken_by=Counter(taken), waiting_by=Counter(waiting))

    def view(self, now: datetime) -> RosterView:
        """What refilling looks at."""
        queue = tuple(
            Waiting(p.id, p.attending, p.since, p.perspective)
            for p in self.people
            if p.state == "waiting" and p.since is not None
        )
        return RosterView({attending: self.room(attending, now) for attending in self.capacities}, queue)


def holders(roster: Roster) -> frozenset[int]:
    """Who has a place or an open offer."""
    return frozenset(p.id for p in roster.people if p.state in HOLDING_STATES)


def register(
    roster: Roster, id: int, attending: str, *, if_full: str, now: datetime, perspective: str = ""
) -> Roster:
    """Somebody new. Raises what decide_registration raises."""
    if roster.room(attending, now).someone_next:
        roster = refilled(roster, now)
    decision = decide_registration(
        roster.terms, roster.room(attending, now), if_full=if_full, now=now, perspective=perspective
    )
    since = now if decision.state == "waiting" else None
    person = Person(id, attending, decision.state, since, perspective=perspective)
    return refilled(replace(roster, people=(*roster.people, person)), now)


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
    roster = refilled(roster, now)
    person = roster.person(id)
    state = decide_approval(roster.terms, roster.room(person.attending, now), now, person.perspective)
    return refilled(_with(roster, id, state=state, since=now if state == "waiting" else None), now)


def switch(roster: Roster, id: int, now: datetime) -> Roster:
    """Somebody in a hybrid event changes to the other way of attending."""
    person = roster.person(id)
    to = "online" if person.attending == "in_person" else "in_person"
    state = decide_switch(person.state, roster.terms.mode, roster.room(to, now), to, person.perspective)
    return refilled(_with(roster, id, state=state, attending=to, since=None), now)


def pass_on(roster: Roster, id: int, to_id: int, perspective: str, now: datetime) -> Roster:
    """A colleague takes over a place or a request as it stands."""
    before = roster.person(id)
    check_can_be_passed_on(before.state, roster.terms, now)
    roster = _with(roster, id, state="cancelled", until=None)
    colleague = Person(to_id, before.attending, before.state, perspective=perspective)
    return refilled(replace(roster, people=(*roster.people, colleague)), now)


def ask_again(roster: Roster, now: datetime) -> Roster:
    """Everybody with a place is asked whether they still come."""
    if not offers_go_out(roster.terms, now):
        return roster
    asked = [p.id for p in roster.people if p.state == "confirmed"]
    for id in asked:
        roster = _with(roster, id, is_asked=True)
    return roster


def still_comes(roster: Roster, id: int) -> Roster:
    """Somebody who was asked says yes."""
    return _with(roster, id, is_asked=False)


def free_unanswered(roster: Roster, now: datetime) -> Roster:
    """Places without an answer go to the next, of those who were told so at registration."""
    if not offers_go_out(roster.terms, now):
        return roster
    for p in roster.people:
        if p.state == "confirmed" and p.is_asked and p.may_be_freed:
            roster = _with(roster, p.id, state="lapsed", until=None)
    return refilled(roster, now)


def resize(roster: Roster, attending: str, capacity: int | None, now: datetime) -> Roster:
    """The organiser changes the number of places. Takes no place away."""
    return refilled(replace(roster, capacities={**roster.capacities, attending: capacity}), now)


def overbooked(roster: Roster, attending: str, more: int, now: datetime) -> Roster:
    """The organiser gives so many places beyond the capacity."""
    return refilled(replace(roster, overbook={**roster.overbook, attending: more}), now)


def shared(roster: Roster, shares: dict[str, dict[str, int]], until: datetime | None, now: datetime) -> Roster:
    """The organiser keeps places for people with a perspective until an instant, or no longer."""
    return refilled(replace(roster, shares=shares, terms=replace(roster.terms, shares_until=until)), now)


def refilled(roster: Roster, now: datetime) -> Roster:
    """With every free place given or offered to whoever waited longest of those who may have it."""
    for offer in refill(roster.view(now), roster.terms, now):
        state = "confirmed" if offer.until is None else "offered"
        roster = _with(roster, offer.id, state=state, until=offer.until)
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
        if offers_go_out(roster.terms, now) and roster.room(attending, now).someone_next:
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

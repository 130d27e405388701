"""Who gets a place: decisions about one event, from counts alone.

The rules in one paragraph. Each way of attending has its own places and its own queue. Confirmed places and
open offers count against the capacity; requests and people who wait do not. First come, first served: a place
that becomes free is offered at once to whoever has waited longest, so nobody waits while a place is free.
A smaller capacity takes no place away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from workshops.core.errors import DomainError
from workshops.core.london_time import deadline_words, instant_words
from workshops.registration.rules.words import ACTIVE_STATES, ATTENDING_WORDS

#: How long an offer is held when the event is far away.
OFFER_LASTS = timedelta(hours=48)
#: An offer ends this long before the start, so that the next person still hears of the place in time.
NEAR_THE_EVENT = timedelta(hours=2)
#: Nobody is asked to answer faster than this; when less is left, the place is held until the start.
SHORTEST_OFFER = timedelta(minutes=30)


@dataclass(frozen=True)
class Terms:
    """What an event says about registering. Instants are aware; starts_at is its first instant.

    closes_at may lie after the start (a week of events); without it registration closes when the event starts.
    """

    state: str
    booking: str
    mode: str
    has_waiting_list: bool
    starts_at: datetime
    over_at: datetime
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    #: History of which only the month is known takes nobody.
    month_only: bool = False


@dataclass(frozen=True)
class Room:
    """One way of attending. capacity: None is no limit; taken: confirmed and open offers; waiting: the queue."""

    capacity: int | None
    taken: int
    waiting: int

    @property
    def free(self) -> int | None:
        """Places nobody holds; None is no limit. Never below 0, also after the capacity was made smaller."""
        return None if self.capacity is None else max(0, self.capacity - self.taken)

    @property
    def has_free(self) -> bool:
        """Whether one more person fits in."""
        return self.free is None or self.free > 0


@dataclass(frozen=True)
class Refusal:
    """Why nobody can register now. key is for code, sentence for people; is_gone: it will stay so."""

    key: str
    sentence: str
    is_gone: bool = False


@dataclass(frozen=True)
class Decision:
    """What a newcomer gets. kind: place, waiting or requested; state: of the registration."""

    kind: str
    state: str
    #: In the queue, from 1, when kind is waiting.
    position: int | None = None


@dataclass(frozen=True)
class Waiting:
    """Somebody in the queue."""

    id: int
    attending: str
    since: datetime


@dataclass(frozen=True)
class Offer:
    """A place to be held for somebody until an instant."""

    id: int
    until: datetime


@dataclass(frozen=True)
class RosterView:
    """What refilling needs to know: the rooms, and those who wait (at least as many as places are free)."""

    rooms: Mapping[str, Room]
    queue: tuple[Waiting, ...]


class RegistrationClosed(DomainError):
    """Nobody can register for this event now."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class NotAdmitted(DomainError):
    """The address belongs to none of the people this event is for; said in words beside the address."""


class FullChoice(DomainError):
    """All places are taken; the person has not yet said whether to wait."""

    sentence = "All places are taken. Choose whether to join the waiting list"

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence, field="if_full")


class NoPlaces(DomainError):
    """All places are taken and there is no waiting list."""

    sentence = "All places are taken, and nobody can be put on a waiting list."


class OfferGone(DomainError):
    """The offer ran out, was answered already, or the event does not take place."""

    sentence = "This place is no longer held for you."


class PlaceGone(DomainError):
    """There is no place left to give up or change."""

    sentence = "You no longer have a place at this event, so there is nothing to change."


class ChangeRefused(DomainError):
    """A change that the state of things does not allow, with the reason in its sentence."""


def refuse_registration(terms: Terms, now: datetime) -> Refusal | None:
    """Why a newcomer cannot register at `now`, or None when they can. Does not look at places."""
    if terms.state == "cancelled":
        return Refusal("cancelled", "This event is cancelled, so nobody can register for it.", True)
    if now >= terms.over_at or terms.month_only:
        return Refusal("past", "This event is over, so nobody can register for it any more.", True)
    if terms.state == "postponed":
        return Refusal("postponed", "This event is postponed. Registration opens again once it has a new date.")
    if terms.state != "published":
        return Refusal("draft", "This event is not published yet.")
    by_booking = {
        "elsewhere": "Registration for this event is on another website.",
        "none": "You do not need to register for this event.",
        "closed": "Registration for this event is closed.",
    }
    if terms.booking in by_booking:
        return Refusal(terms.booking, by_booking[terms.booking])
    if now >= terms.starts_at and terms.closes_at is None:
        return Refusal("started", "This event has started, so registration is closed.", True)
    if terms.closes_at is not None and now >= terms.closes_at:
        return Refusal("closed", f"Registration closed at {deadline_words(terms.closes_at)}.")
    if terms.opens_at is not None and now < terms.opens_at:
        return Refusal("not_open", f"Registration opens {instant_words(terms.opens_at)}.")
    return None


def allow_attending(mode: str, wanted: str | None) -> str:
    """The way of attending a registration gets: the event's own, or in a hybrid event the one wanted.

    Raises DomainError for the field `attending` when a hybrid event was given none or an unknown one.
    """
    if mode != "hybrid":
        return mode
    if wanted not in ATTENDING_WORDS:
        raise DomainError("Choose how you will take part", field="attending")
    return wanted


def decide_registration(terms: Terms, room: Room, *, if_full: str, now: datetime) -> Decision:
    """What a newcomer gets: a place, the waiting list at a position, or a request.

    if_full: "wait" or anything else, which means leave.
    Raises RegistrationClosed, FullChoice (full, and the person did not ask to wait) or NoPlaces.
    """
    refusal = refuse_registration(terms, now)
    if refusal is not None:
        raise RegistrationClosed(refusal)
    has_list = terms.has_waiting_list and now < terms.starts_at
    if terms.booking == "by_approval":
        if not room.has_free and not has_list:
            raise NoPlaces()
        return Decision("requested", "requested")
    # Somebody who waits goes first, even when a place has just become free and is not offered yet.
    if room.has_free and (room.waiting == 0 or not offers_go_out(terms, now)):
        return Decision("place", "confirmed")
    if not has_list:
        raise NoPlaces()
    if if_full != "wait":
        raise FullChoice()
    return Decision("waiting", "waiting", position=room.waiting + 1)


def decide_approval(terms: Terms, room: Room, now: datetime) -> str:
    """The state somebody gets whom staff let in: confirmed, or waiting when all places are taken.

    Raises ChangeRefused when the event does not take place or has begun, NoPlaces when there is no queue.
    """
    if terms.state != "published" or now >= terms.over_at:
        raise ChangeRefused("This event does not take place or is over, so nobody can be given a place.")
    if room.has_free and room.waiting == 0:
        return "confirmed"
    if not terms.has_waiting_list:
        raise NoPlaces()
    return "waiting"


def decide_switch(state: str, mode: str, room: Room, to: str) -> str:
    """The state after switching to the other way of attending in a hybrid event; `room` is the one wanted.

    A place moves only to a free place; whoever waits and finds a free place on the other side gets it.
    Raises ChangeRefused with the reason.
    """
    if mode != "hybrid" or to not in ATTENDING_WORDS:
        raise ChangeRefused("This event can only be attended in one way.", field="attending")
    if state == "offered":
        raise ChangeRefused("Take the place we are holding for you first, then change it.", field="attending")
    if state == "requested":
        return "requested"
    if not room.has_free or room.waiting:
        side = "online" if to == "online" else "in person"
        raise ChangeRefused(f"All places {side} are taken, so nothing was changed.", field="attending")
    return "confirmed"


def check_can_be_left(state: str, terms: Terms, now: datetime) -> None:
    """Whether a place, a request or a place in the queue can still be given up. Raises PlaceGone."""
    if state not in ACTIVE_STATES:
        raise PlaceGone()
    if now >= terms.starts_at:
        raise PlaceGone("This event has started, so your place can no longer be cancelled.")


def check_offer(state: str, until: datetime | None, terms: Terms, now: datetime) -> None:
    """Whether an offer can be taken at `now`. Raises OfferGone with what happened."""
    if state == "confirmed":
        raise OfferGone("You have this place already.")
    if state != "offered" or until is None:
        raise OfferGone()
    if terms.state != "published":
        raise OfferGone("This event does not take place as planned, so the place cannot be taken.")
    if now >= until:
        raise OfferGone(f"This place was held for you until {deadline_words(until)}. It has gone to the next person.")


def offers_go_out(terms: Terms, now: datetime) -> bool:
    """Whether places are still offered: the event takes place and has not started."""
    return terms.state == "published" and not terms.month_only and now < terms.starts_at


def offer_deadline(now: datetime, starts_at: datetime) -> datetime | None:
    """Until when a place offered at `now` is held; None once the event has started.

    48 hours; shorter near the event, so that it ends 2 hours before the start and the next person can still
    come. When that would leave less than half an hour to answer, it is held until the start.
    """
    if now >= starts_at:
        return None
    until = min(now + OFFER_LASTS, starts_at - NEAR_THE_EVENT)
    return until if until - now >= SHORTEST_OFFER else starts_at


def refill(view: RosterView, terms: Terms, now: datetime) -> tuple[Offer, ...]:
    """The offers to make now: each free place to whoever has waited longest for it, in that order."""
    until = offer_deadline(now, terms.starts_at)
    if until is None or not offers_go_out(terms, now):
        return ()
    offers: list[Offer] = []
    for attending in sorted(view.rooms):
        waiting = sorted((w for w in view.queue if w.attending == attending), key=lambda w: (w.since, w.id))
        free = view.rooms[attending].free
        offers += [Offer(w.id, until) for w in (waiting if free is None else waiting[:free])]
    return tuple(offers)


def position_in_queue(queue: tuple[Waiting, ...], id: int) -> int | None:
    """The place in its own queue, from 1, or None for somebody who does not wait."""
    mine = next((w for w in queue if w.id == id), None)
    if mine is None:
        return None
    return 1 + sum(1 for w in queue if w.attending == mine.attending and (w.since, w.id) < (mine.since, mine.id))

"""Who gets a place: decisions about one event, from counts alone.

The rules in one paragraph. Each way of attending has its own places and its own queue. Confirmed places and
open offers together never exceed the capacity and what the organiser gives beyond it; requests and people who wait
do not count. First come, first served: a place that becomes free goes at once to whoever has waited longest of those
who may have it, as an offer or as the place itself, so nobody waits while a place is free for them. Shares keep places
for people with one perspective until a date; nobody else gets those until then. A smaller capacity takes no place away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from workshops.core.errors import DomainError
from workshops.core.london_time import deadline_words, instant_words
from workshops.registration.rules.words import ACTIVE_STATES, ATTENDING_WORDS
from workshops.registration.rules.working_hours import (
    after_working_time,
    last_moment_by_day,
    last_working_moment,
)
from workshops.schedule.rules.place_rules import PERSPECTIVES
from workshops.schedule.rules.public_state import limit_of

#: How much working time there is to answer an offer: more than this ahead of the event, so much; two working days,
#: one, or three hours.
TIMES_TO_ANSWER = (
    (timedelta(days=7), timedelta(hours=16)),
    (timedelta(days=2), timedelta(hours=8)),
    (timedelta(0), timedelta(hours=3)),
)
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
    #: What a free place means for whoever waited longest: "offer", or "at_once" for the place itself.
    gives: str = "offer"
    #: Until when its shares keep places; None: until the start.
    shares_until: datetime | None = None

    def keeps_shares(self, now: datetime) -> bool:
        """Whether its shares, if it has any, still keep places."""
        return now < min(self.shares_until or self.starts_at, self.starts_at)


@dataclass(frozen=True)
class Room:
    """One way of attending. capacity: None is no limit; taken: confirmed and open offers; waiting: the queue.

    overbook: places beyond the capacity.   shares: places kept by perspective, empty when none are kept (any more);
    taken_by, waiting_by: how many of each perspective, needed with shares alone ("" is: not said).
    """

    capacity: int | None
    taken: int
    waiting: int
    overbook: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)
    taken_by: Mapping[str, int] = field(default_factory=dict)
    waiting_by: Mapping[str, int] = field(default_factory=dict)

    @property
    def limit(self) -> int | None:
        """How many people get a place; None is no limit."""
        return limit_of(self.capacity, self.overbook)

    @property
    def unused(self) -> int | None:
        """Places nobody has, kept ones among them; None is no limit. Never below 0, also after a smaller capacity."""
        return None if self.limit is None else max(0, self.limit - self.taken)

    @property
    def held(self) -> int:
        """Places nobody has and shares keep."""
        return 0 if self.unused is None else min(self.unused, self._kept_for_others(""))

    @property
    def someone_next(self) -> bool:
        """Whether somebody waits for whom a place is free, which goes to them before it goes to a newcomer."""
        if not self.shares:
            return self.waiting > 0 and self.has_free_for("")
        return any(number and self.has_free_for(perspective) for perspective, number in self.waiting_by.items())

    def free_for(self, perspective: str = "") -> int | None:
        """Places that somebody with this perspective may have; None is no limit."""
        return None if self.unused is None else max(0, self.unused - self._kept_for_others(perspective))

    def has_free_for(self, perspective: str = "") -> bool:
        """Whether one more person with this perspective fits in."""
        return self.free_for(perspective) != 0

    def with_one_more(self, perspective: str) -> Room:
        """The room once somebody with this perspective was taken in who had waited."""
        return replace(
            self,
            taken=self.taken + 1,
            waiting=max(0, self.waiting - 1),
            taken_by={**self.taken_by, perspective: self.taken_by.get(perspective, 0) + 1},
            waiting_by={**self.waiting_by, perspective: max(0, self.waiting_by.get(perspective, 0) - 1)},
        )

    def _kept_for_others(self, perspective: str) -> int:
        others = ((other, places) for other, places in self.shares.items() if other != perspective)
        return sum(max(0, places - self.taken_by.get(other, 0)) for other, places in others)


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
    perspective: str = ""


@dataclass(frozen=True)
class Offer:
    """A place for somebody who waited: held for them until an instant, or theirs at once when that is None."""

    id: int
    until: datetime | None


@dataclass(frozen=True)
class RosterView:
    """What refilling needs to know: the rooms, and those who wait.

    Without shares those at the head of each queue are enough, as many as places are free.
    """

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


def decide_registration(
    terms: Terms, room: Room, *, if_full: str, now: datetime, perspective: str = ""
) -> Decision:
    """What a newcomer gets: a place, the waiting list at a position, or a request.

    if_full: "wait" or anything else, which means leave.   perspective: what shares go by; "" is not said.
    Raises RegistrationClosed, FullChoice (full, and the person did not ask to wait) or NoPlaces.
    """
    refusal = refuse_registration(terms, now)
    if refusal is not None:
        raise RegistrationClosed(refusal)
    has_list = terms.has_waiting_list and now < terms.starts_at
    has_free = room.has_free_for(perspective)
    if terms.booking == "by_approval":
        if not has_free and not has_list:
            raise NoPlaces()
        return Decision("requested", "requested")
    # Somebody who waits goes first, even when a place has just become free and is not offered yet.
    if has_free and (not room.someone_next or not offers_go_out(terms, now)):
        return Decision("place", "confirmed")
    if not has_list:
        raise NoPlaces()
    if if_full != "wait":
        raise FullChoice(kept_words(room, terms) if room.held else None)
    return Decision("waiting", "waiting", position=room.waiting + 1)


def kept_words(room: Room, terms: Terms) -> str:
    """Why nobody gets the places that are left, and what can be done, without full stop at the end."""
    names = [PERSPECTIVES[key].lower() for key, places in room.shares.items() if places > room.taken_by.get(key, 0)]
    who = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    until = deadline_words(min(terms.shares_until or terms.starts_at, terms.starts_at))
    left = "The place that is left is" if room.held == 1 else f"The {room.held} places that are left are"
    return f"{left} kept for {who} until {until}. Choose whether to join the waiting list"


def decide_approval(terms: Terms, room: Room, now: datetime, perspective: str = "") -> str:
    """The state somebody gets whom staff let in: confirmed, or waiting when all places are taken.

    Raises ChangeRefused when the event does not take place or has begun, NoPlaces when there is no queue.
    """
    if terms.state != "published" or now >= terms.over_at:
        raise ChangeRefused("This event does not take place or is over, so nobody can be given a place.")
    if room.has_free_for(perspective) and not room.someone_next:
        return "confirmed"
    if not terms.has_waiting_list:
        raise NoPlaces()
    return "waiting"


def decide_switch(state: str, mode: str, room: Room, to: str, perspective: str = "") -> str:
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
    if not room.has_free_for(perspective) or room.someone_next:
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

    Two working days; one when the event is within a week, three working hours when it is within two days. It ends in
    working hours (Monday to Friday, 9am to 5pm, without bank holidays in Scotland) and two hours before the start, so
    that the next person can still come. Where no working time is left, it ends by day; where that would leave less
    than half an hour to answer, it is held until the start. It never ends at night.
    """
    if now >= starts_at:
        return None
    latest, soonest = starts_at - NEAR_THE_EVENT, now + SHORTEST_OFFER
    worked = next(time for ahead, time in TIMES_TO_ANSWER if starts_at - now > ahead)
    until = after_working_time(now, worked)
    if until <= latest:
        return until
    return last_working_moment(latest, after=soonest) or last_moment_by_day(latest, after=soonest) or starts_at


def refill(view: RosterView, terms: Terms, now: datetime) -> tuple[Offer, ...]:
    """The offers to make now: each free place to whoever has waited longest of those who may have it, in that order.

    An event that gives places at once has offers without an end: the place is theirs.
    """
    until = offer_deadline(now, terms.starts_at)
    if until is None or not offers_go_out(terms, now):
        return ()
    offers: list[Offer] = []
    for attending in sorted(view.rooms):
        room = view.rooms[attending]
        for one in sorted((w for w in view.queue if w.attending == attending), key=lambda w: (w.since, w.id)):
            if room.unused == 0:
                break
            if room.has_free_for(one.perspective):
                offers.append(Offer(one.id, None if terms.gives == "at_once" else until))
                room = room.with_one_more(one.perspective)
    return tuple(offers)


def next_for(view: RosterView, terms: Terms, now: datetime, attending: str, freed: int) -> tuple[int, ...]:
    """Who would get a place, by id, if so many places of this way of attending became free now.

    freed: 1 or more, of people who said no perspective. view: with the whole queue.
    """
    room = view.rooms[attending]
    if room.limit is None:
        return ()
    freer = replace(
        room,
        taken=max(0, room.taken - freed),
        taken_by={**room.taken_by, "": max(0, room.taken_by.get("", 0) - freed)},
    )
    queue = tuple(one for one in view.queue if one.attending == attending)
    return tuple(offer.id for offer in refill(RosterView({attending: freer}, queue), terms, now))


def check_can_be_passed_on(state: str, terms: Terms, now: datetime) -> None:
    """Whether a colleague can take over: a place or a request, until the event starts.

    Raises PlaceGone, or ChangeRefused for an offer and for a place in the queue, which are for one person.
    """
    check_can_be_left(state, terms, now)
    if state == "offered":
        raise ChangeRefused("Take the place we are holding for you first, then pass it on.")
    if state == "waiting":
        raise ChangeRefused("A place in the queue cannot be passed on. Your colleague can join the waiting list.")
    if not offers_go_out(terms, now):
        raise ChangeRefused("This event does not take place as planned, so its places cannot be passed on.")


def position_in_queue(queue: tuple[Waiting, ...], id: int) -> int | None:
    """The place in its own queue, from 1, or None for somebody who does not wait."""
    mine = next((w for w in queue if w.id == id), None)
    if mine is None:
        return None
    return 1 + sum(1 for w in queue if w.attending == mine.attending and (w.since, w.id) < (mine.since, mine.id))

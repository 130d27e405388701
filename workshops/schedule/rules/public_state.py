"""What the public sees of an event's state: the status table of the service, in one place.

Pure: an `EventView` and `now` go in, words and colours come out. The event page, the lists and the
registration form ask here, so that they never disagree. Knows no database and no page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal
from urllib.parse import urlsplit

from workshops.core.london_time import days_words, deadline_words, instant_words, month_words, when_words
from workshops.schedule.rules.audience import OWN_FORM, is_by_invitation
from workshops.schedule.rules.when import read_days

Mode = Literal["in_person", "online", "hybrid"]
Attending = Literal["in_person", "online"]

#: From this many free places on, no number is said.
MANY_PLACES = 20
#: At most this many free places is nearly full; so is at most a tenth of the capacity.
FEW_PLACES = 3

_IN_WORDS = {"in_person": "in person", "online": "online"}


@dataclass(frozen=True, kw_only=True)
class EventView:
    """What of an event decides its public state. Instants are aware.

    sort_at, over_at: when it begins and from when it is past.   capacity_*: None is no limit.
    taken_*: places held or offered.   closes_at: None means when the event begins.
    changed_from: the date people were told before, in words, or empty.
    has_follow_up, has_notes: whether anything, and whether notes, are published about it.
    """

    state: str
    mode: str
    booking: str
    #: Who may register; see rules.audience.
    admits: str = "anyone"
    sort_at: datetime
    over_at: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    month: str | None = None
    #: Times for each of several days, as they are kept; see rules.when.read_days.
    days: Sequence[Sequence[str]] = ()
    state_reason: str = ""
    changed_from: str = ""
    has_waiting_list: bool = True
    booking_url: str = ""
    capacity_in_person: int | None = None
    capacity_online: int | None = None
    taken_in_person: int = 0
    taken_online: int = 0
    #: Places beyond the capacity, because some people will not come, and free ones that shares keep just now.
    overbook_in_person: int = 0
    overbook_online: int = 0
    held_in_person: int = 0
    held_online: int = 0
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    has_follow_up: bool = False
    has_notes: bool = False


@dataclass(frozen=True)
class Tag:
    """A status word and its colour in the design system."""

    text: str
    colour: str


@dataclass(frozen=True)
class PublicState:
    """The state of an event in words.

    key: a row of the status table (draft, not_open, open, nearly_full, full_list, full, closed, changed, postponed,
    cancelled, on_now, past, followed_up, by_invitation, elsewhere, no_booking).
    tag_text, tag_colour: the first tag; also: further ones ("Date changed" stands before "3 places left").
    can_register: whether our own form takes people now, on the waiting list too.
    register_label: of the one button, empty when there is none; register_url: only when it leads elsewhere.
    sentence: what it means, for the event's page.   full_attending: "in person" or "online" when one of two is full.
    changes_at: the first instant at which the clock changes any of this, or None.
    """

    key: str
    tag_text: str
    tag_colour: str
    can_register: bool = False
    register_label: str = ""
    sentence: str = ""
    changes_at: datetime | None = None
    also: tuple[Tag, ...] = ()
    full_attending: str = ""
    register_url: str = ""

    @property
    def tags(self) -> tuple[Tag, ...]:
        """All tags, the first one first."""
        return (Tag(self.tag_text, self.tag_colour), *self.also)


def public_state(view: EventView, now: datetime) -> PublicState:
    """The state of an event at an instant, with the instant at which the clock will change it."""
    state = _at(view, now)
    instants = {registration_closes_at(view), view.sort_at, view.over_at, *filter(None, (view.opens_at,))}
    instants.update(instant for day in read_days(view.days) for instant in day)
    for instant in sorted(instants):
        if instant > now and _at(view, instant) != state:
            return replace(state, changes_at=instant)
    return state


def registration_closes_at(view: EventView) -> datetime:
    """When our own form stops taking people: the set instant, else the beginning; never after the end."""
    return min(view.closes_at or view.sort_at, view.over_at)


def places_left(capacity: int | None, taken: int) -> int | None:
    """How many places are free, never below 0; None when there is no limit."""
    return None if capacity is None else max(0, capacity - taken)


def places_words(left: int | None) -> str:
    """"1 place left", "12 places left", and from 20 on "Places available"."""
    if left is None or left >= MANY_PLACES:
        return "Places available"
    return f"{left} place{'' if left == 1 else 's'} left"


def is_nearly_full(capacity: int | None, taken: int) -> bool:
    """Whether places are left, but at most 3 of them or a tenth of the capacity."""
    left = places_left(capacity, taken)
    return left is not None and capacity is not None and 0 < left and (left <= FEW_PLACES or left * 10 <= capacity)


def ways(view: EventView) -> tuple[tuple[Attending, int | None, int], ...]:
    """The ways of attending it offers, each with how many people get in and how many places are not to be had."""
    offered: list[tuple[Attending, int | None, int]] = []
    if view.mode in ("in_person", "hybrid"):
        limit = limit_of(view.capacity_in_person, view.overbook_in_person)
        offered.append(("in_person", limit, view.taken_in_person + view.held_in_person))
    if view.mode in ("online", "hybrid"):
        limit = limit_of(view.capacity_online, view.overbook_online)
        offered.append(("online", limit, view.taken_online + view.held_online))
    return tuple(offered)


def limit_of(capacity: int | None, overbook: int) -> int | None:
    """How many people get a place: the capacity and what is given beyond it. None is no limit.

    Of a capacity of 0 nobody gets one, whatever is said of overbooking.
    """
    return capacity + overbook if capacity else capacity


def has_room(view: EventView) -> bool:
    """Whether a place is free in at least one way of attending."""
    return any(places_left(capacity, taken) != 0 for _, capacity, taken in ways(view))


def list_words(view: EventView, now: datetime) -> tuple[str, ...]:
    """What a list says about the places of an event. Lists must be built again only when this changes."""
    return tuple(f"{tag.text}|{tag.colour}" for tag in public_state(view, now).tags)


def page_words(view: EventView, now: datetime) -> tuple[object, ...]:
    """What the event's own page says about its places: it must be built again only when this changes."""
    shown = () if is_by_invitation(view.booking, view.admits) else ways(view)
    left = (places_left(capacity, taken) for _, capacity, taken in shown)
    return public_state(view, now), *(None if number is None else min(number, MANY_PLACES) for number in left)


def when_text(view: EventView) -> str:
    """When it is, as it is written for people; "(UK time)" for events that are online only."""
    if view.days:
        return days_words(read_days(view.days), uk_time=view.mode == "online")
    if view.starts_at is not None:
        return when_words(view.starts_at, view.ends_at, uk_time=view.mode == "online")
    if view.starts_on is not None:
        return when_words(view.starts_on, view.ends_on)
    if view.month:
        year, month = view.month.split("-")
        return month_words(int(year), int(month))
    return instant_words(view.sort_at)


def _at(view: EventView, now: datetime) -> PublicState:
    """The state without changes_at: the rows of the status table, the ones that go before others first."""
    if view.state == "draft":
        return PublicState("draft", "Draft", "grey", sentence="Only staff can see this event.")
    if view.state == "cancelled":
        return PublicState("cancelled", "Cancelled", "red", sentence="This event will not take place.")
    if view.state == "postponed":
        return PublicState("postponed", "Postponed", "purple", sentence="There is no new date yet.")
    if now >= view.over_at:
        return _past(view)
    state = _registration(view, now)
    if now >= view.sort_at:
        goes_on = _goes_on(view, now)
        return replace(state, key="on_now", tag_text=goes_on or "On now", tag_colour="teal",
                       sentence=state.sentence if state.can_register else _on_now_sentence(view, goes_on))  # fmt: skip
    if view.changed_from:
        places = Tag(state.tag_text, state.tag_colour)
        return replace(state, key="changed", tag_text="Date changed", tag_colour="purple", also=(places, *state.also))
    return state


def _past(view: EventView) -> PublicState:
    if view.has_notes:
        return PublicState("followed_up", "Notes published", "darkblue", sentence="This event is over.")
    if view.has_follow_up:
        return PublicState("followed_up", "Write-up published", "darkblue", sentence="This event is over.")
    return PublicState("past", "Past", "grey", sentence="This event is over.")


def _goes_on(view: EventView, now: datetime) -> str:
    """Between two of its days, when the next one begins: "Goes on Tuesday 2 March 2027, 10am". Otherwise ""."""
    days = read_days(view.days)
    if any(starts <= now < ends for starts, ends in days):
        return ""
    following = next((starts for starts, _ in days if starts > now), None)
    return f"Goes on {instant_words(following)}" if following is not None else ""


def _on_now_sentence(view: EventView, goes_on: str) -> str:
    is_on = f"This event {goes_on[0].lower()}{goes_on[1:]}." if goes_on else "This event is on now."
    if view.booking in OWN_FORM and view.mode != "in_person":
        return f"{is_on} If you have a place, the way to join is in your email."
    return is_on


def _registration(view: EventView, now: datetime) -> PublicState:
    """The state of registration, before the event begins."""
    if view.booking == "elsewhere":
        return _elsewhere(view)
    if view.booking == "none":
        return PublicState("no_booking", "No registration needed", "green",
                           sentence="You do not need to register for this event.")  # fmt: skip
    closes_at = registration_closes_at(view)
    if view.booking == "closed" or now >= closes_at:
        by_itself = view.booking == "closed"
        sentence = "Registration for this event is closed." if by_itself else (
            f"Registration closed at {deadline_words(closes_at)}.")  # fmt: skip
        return PublicState("closed", "Registration closed", "grey", sentence=sentence)
    if view.opens_at is not None and now < view.opens_at:
        words = instant_words(view.opens_at)
        return PublicState("not_open", f"Registration opens {words}", "blue",
                           sentence=f"Registration opens on {words}.")  # fmt: skip
    if is_by_invitation(view.booking, view.admits):
        # Whether places are left is not said: from one that goes, somebody could read who was invited.
        return PublicState("by_invitation", "By invitation", "purple", True, "Register with your invitation",
                           "Places at this event are by invitation.")  # fmt: skip
    return _by_approval(view) if view.booking == "by_approval" else _first_come(view)


def _elsewhere(view: EventView) -> PublicState:
    host = (urlsplit(view.booking_url).hostname or "").removeprefix("www.")
    if not host:
        return PublicState("elsewhere", "Booking elsewhere", "blue",
                           sentence="Places at this event are booked with its organiser.")  # fmt: skip
    return PublicState("elsewhere", "Booking elsewhere", "blue", register_label=f"Register on {host}",
                       register_url=view.booking_url,
                       sentence=f"Registration for this event is on another website, {host}. "
                       "The button opens it.")  # fmt: skip


def _by_approval(view: EventView) -> PublicState:
    if has_room(view):
        return PublicState("open", "Places by approval", "green", True, "Register your interest",
                           "The organiser reads every request and emails you their answer.")  # fmt: skip
    if view.has_waiting_list:
        return PublicState("full_list", "Full – register your interest", "orange", True, "Register your interest",
                           "All places are taken. You can still register your interest: "
                           "the organiser emails you if a place becomes free.")  # fmt: skip
    return PublicState("full", "Full", "orange", sentence="All places are taken.")


def _first_come(view: EventView) -> PublicState:
    offered = ways(view)
    full = [way for way, capacity, taken in offered if places_left(capacity, taken) == 0]
    if len(full) == len(offered):
        if not view.has_waiting_list:
            return PublicState("full", "Full", "orange", sentence="All places are taken.")
        return PublicState("full_list", "Full – join the waiting list", "orange", True, "Join the waiting list",
                           "All places are taken. When one becomes free, we email the person who has waited "
                           "longest. The email says how long the place is held for you.")  # fmt: skip
    roomy = [(way, capacity, taken) for way, capacity, taken in offered if way not in full]
    left = [places_left(capacity, taken) for _, capacity, taken in roomy]
    known = [number for number in left if number is not None]
    total = sum(known) if len(known) == len(left) else None
    nearly = total is not None and is_nearly_full(
        sum(capacity or 0 for _, capacity, _ in roomy), sum(min(taken, capacity or 0) for _, capacity, taken in roomy)
    )
    words = places_words(total)
    if full:
        words = f"{words} {_IN_WORDS[roomy[0][0]]}"
    return PublicState(
        "nearly_full" if nearly else "open",
        words,
        "yellow" if nearly else "green",
        True,
        "Register for this event",
        _room_sentence(view, full, [(way, number) for (way, _, _), number in zip(roomy, left, strict=True)]),
        full_attending=_IN_WORDS[full[0]] if full else "",
    )


def _room_sentence(view: EventView, full: list[Attending], roomy: list[tuple[Attending, int | None]]) -> str:
    """How many places in which way; only where there are two ways there is something to say."""
    if len(full) + len(roomy) < 2:
        return ""
    parts = [f"{places_words(number)} {_IN_WORDS[way]}" for way, number in roomy]
    if not full:
        return f"{parts[0]}, {parts[1][0].lower()}{parts[1][1:]}."
    way = _IN_WORDS[full[0]]
    waiting = f" You can join the waiting list to attend {way}." if view.has_waiting_list else ""
    return f"All places {way} are taken. {parts[0]}.{waiting}"

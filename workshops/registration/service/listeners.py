"""News from the schedule, told to everybody it concerns; and the checks at the moment of sending.

The functions named tell_... are connected in workshops.wiring and run in the transaction of the change, which
holds the event's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workshops.audit.rules import WORKER, Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.messages.models import OutboxMessage
from workshops.messages.queries import lock_waiting_messages, needs_attention
from workshops.messages.service import take_back
from workshops.registration.models import Registration
from workshops.registration.queries import counts_of, registrations_of
from workshops.registration.rules import ACTIVE_STATES, offer_deadline
from workshops.registration.rules.news import known_words
from workshops.registration.service.another_date import is_still_asked
from workshops.registration.service.arranging import needs_to_arrange
from workshops.registration.service.needs import NEEDS_KINDS, reason_not_to_tell_answer
from workshops.registration.service.news import tell_news
from workshops.registration.service.places import change_state, keep_counts, settle
from workshops.registration.service.reminding import is_of_another_start
from workshops.registration.service.telling import SAYS_ALL
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.queries.reach import within_reach
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.service import details_of
from workshops.schedule.signals import Attention


def fill_free_places(
    event: Event, *, session: Session, now: datetime, settings: Settings, actor: Actor = WORKER, **_: Any
) -> int:
    """Places were made more or fewer: offer what is free to those who wait. Nobody loses a place."""
    lock_event_again(session, event)
    return len(settle(session, event, now=now, actor=actor, settings=settings))


def take_part_otherwise(event: Event, *, session: Session, now: datetime, actor: Actor, **_: Any) -> None:
    """The event is in person only, or online only, from now on: whoever took part in the other way does so in this one.

    Places, offers and turns stay as they are, also where there are fewer places: then no new ones are given.
    """
    lock_event_again(session, event)
    moved = session.scalars(
        select(Registration)
        .where(
            Registration.event_id == event.id, Registration.attending != event.mode,
            Registration.state.in_(ACTIVE_STATES),
        )
        .order_by(Registration.id)
        .execution_options(populate_existing=True)
    ).all()  # fmt: skip
    for registration in moved:
        registration.attending = event.mode
        record(
            session, now=now, actor=actor, action="attending_changed", subject=("registration", registration.id),
            event_id=event.id, fields=("attending",), reason=f"the event is {_ONLY[event.mode]}",
        )  # fmt: skip
    session.flush()
    keep_counts(session, event, counts_of(session, event), now=now)


_ONLY = {"in_person": "in person only", "online": "online only"}


def tell_event_changed(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    before: EventDetails,
    before_state: str,
    actor: Actor = WORKER,
    tell: bool = False,
    **_: Any,
) -> int:
    """Tell everybody registered what changed, old and new in words; returns how many mails were stored.

    Offers never outlast a start that was brought forward, whether people are told or not.
    """
    lock_event_again(session, event)
    for registration in registrations_of(session, event.id, ("offered",)):
        latest = offer_deadline(now, event.sort_at)
        if latest is not None and registration.offer_expires_at is not None:
            registration.offer_expires_at = min(registration.offer_expires_at, latest)
    offered = settle(session, event, now=now, actor=actor, settings=settings)
    return _news(session, event, before, before_state, is_told=tell, but_not=offered, now=now, settings=settings)


def note_change_while_off(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    before: EventDetails,
    before_state: str,
    **_: Any,
) -> None:
    """An event that does not take place was changed: people learn of it when it takes place again."""
    lock_event_again(session, event)
    _news(session, event, before, before_state, is_told=False, now=now, settings=settings)


def tell_event_off(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    before: EventDetails,
    before_state: str,
    actor: Actor = WORKER,
    tell: bool = False,
    **_: Any,
) -> int:
    """The event is cancelled or has no date for now: tell everybody registered, who keep their places."""
    _take_offers_back(session, event, now=now, actor=actor, settings=settings)
    return _news(session, event, before, before_state, is_told=tell, now=now, settings=settings)


def tell_event_reinstated(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    before: EventDetails,
    before_state: str,
    actor: Actor = WORKER,
    tell: bool = False,
    **_: Any,
) -> int:
    """The event takes place after all: free places are offered again, and everybody is told."""
    lock_event_again(session, event)
    offered = settle(session, event, now=now, actor=actor, settings=settings)
    return _news(session, event, before, before_state, is_told=tell, but_not=offered, now=now, settings=settings)


def count_people_asking(event: Event, *, session: Session, **_: Any) -> tuple[int, int]:
    """How many people asked for a place and have no answer yet: in person, and online."""
    counts = counts_of(session, event)
    return counts.of("in_person", "requested"), counts.of("online", "requested")


def has_registrations(event: Event, *, session: Session, **_: Any) -> bool:
    """Whether anybody ever registered, whatever became of it."""
    return session.scalar(select(Registration.id).where(Registration.event_id == event.id).limit(1)) is not None


def _news(
    session: Session,
    event: Event,
    before: EventDetails,
    before_state: str,
    *,
    is_told: bool,
    but_not: Sequence[int] = (),
    now: datetime,
    settings: Settings,
) -> int:
    return tell_news(
        session, event, before=known_words(before, before_state),
        after=known_words(details_of(session, event), event.state), is_told=is_told, but_not=but_not, now=now,
        settings=settings,
    )


def lock_event_again(session: Session, event: Event) -> None:
    """Make sure of the event's lock without losing what the caller has changed and not yet saved."""
    session.flush()
    lock_event(session, event.id)


def _take_offers_back(session: Session, event: Event, *, now: datetime, actor: Actor, settings: Settings) -> None:
    """Who was offered a place waits again, where they were: an event that does not take place has none to take."""
    lock_event_again(session, event)
    # An offer that has not gone out yet would be true again if the event came back, beside the new one.
    for message in lock_waiting_messages(session, event.id, ("registration/place_offered",)):
        take_back(message, "The event does not take place as planned, so the offer was taken back.")
    for registration in registrations_of(session, event.id, ("offered",)):
        change_state(registration, "waiting", now)
        record(
            session, now=now, actor=actor, action="offer_taken_back", subject=("registration", registration.id),
            event_id=event.id, fields=("state", "offer_expires_at"),
        )
    settle(session, event, now=now, actor=actor, settings=settings)


#: Kind of mail -> the states in which it is still true.
_STILL_TRUE = {
    "place_confirmed": ("confirmed",),
    "on_waiting_list": ("waiting",),
    "place_offered": ("offered",),
    "offer_lapsed": ("lapsed",),
    "request_received": ("requested",),
    "request_declined": ("declined",),
    "place_cancelled": ("cancelled", "declined"),
    "reminder": ("confirmed",),
    "joining_link": ("confirmed",),
    "thank_you": ("confirmed",),
    "still_coming": ("confirmed",),
    "declined_in_calendar": ("confirmed", "requested"),
    "place_freed": ("lapsed",),
    "place_passed_on": ("cancelled",),
    "from_organiser": ACTIVE_STATES,
    "need_arranged": ACTIVE_STATES,
    "need_not_possible": ACTIVE_STATES,
}


_OF_AN_EVENT_THAT_TAKES_PLACE = ("reminder", "joining_link", "still_coming", "need_arranged", "need_not_possible",
                                  "declined_in_calendar")


def reason_not_to_send(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why a mail about a registration must not go out any more, or None. Asked at the moment of sending.

    So nobody who cancelled gets a joining link, and nobody an offer that ran out.
    """
    registration = session.get(Registration, message.about_id) if message.about_id is not None else None
    if registration is None or registration.erased_at is not None:
        return "The registration is no longer kept."
    kind = message.kind.rpartition("/")[2]
    if registration.state not in _STILL_TRUE.get(kind, (*ACTIVE_STATES, "cancelled", "lapsed", "declined")):
        return "Things have changed since this was written."
    if kind == "place_offered" and registration.offer_expires_at is not None and now >= registration.offer_expires_at:
        return "The offer has run out."
    if kind.startswith("event_") and registration.state not in ACTIVE_STATES:
        return "This person is no longer registered."
    if kind == "date_poll" and not is_still_asked(session, registration):
        return "They no longer look for another date, or it is chosen."
    if kind == "still_coming" and registration.reconfirmed_at is not None:
        return "This person has answered already."
    if kind == "joining_link" and registration.attending != "online":
        return "They take part in person now."
    if kind in _OF_AN_EVENT_THAT_TAKES_PLACE and registration.event.state != "published":
        return "The event does not take place as planned."
    if kind in ("reminder", "joining_link") and is_of_another_start(message, registration.event):
        return "The event has moved since this was written."
    if message.kind in NEEDS_KINDS:
        return reason_not_to_tell_answer(session, message)
    if kind in SAYS_ALL and _went_off_since(message, registration.event):
        return "The event was cancelled or postponed before this went out."
    return None


def _went_off_since(message: OutboxMessage, event: Event) -> bool:
    """Whether what a mail says of its event was true when it was written, and the event does not take place now."""
    if event.state == "cancelled":
        return True
    since = event.state_changed_at
    return event.state == "postponed" and (since is None or message.created_at <= since)


def attention_for(sender: object = None, *, session: Session, now: datetime, user: Any, **_: Any) -> list[Attention]:
    """What in registration waits for this member of staff: people who asked for a place, and needs to arrange."""
    if user.role == "viewer":
        return []
    own = within_reach(user)
    asked = session.execute(
        select(Event.slug, Event.title, func.count())
        .join(Registration, Registration.event_id == Event.id)
        .where(Registration.state == "requested", Event.over_at > now, Event.state == "published", *own)
        .group_by(Event.id, Event.slug, Event.title, Event.sort_at)
        .order_by(Event.sort_at, Event.id)
    )
    found = [
        Attention(
            f"{number} {'person asks' if number == 1 else 'people ask'} for a place at {title}",
            number, "registration.people", {"slug": slug},
        )
        for slug, title, number in asked
    ]
    return found + needs_to_arrange(session=session, now=now, user=user)


def messages_needing_attention(
    sender: object = None, *, session: Session, now: datetime, user: Any, **_: Any
) -> list[Attention]:
    """One line when messages within this account's reach did not arrive."""
    if user.role == "viewer":
        return []
    own = within_reach(user)
    reach = [OutboxMessage.event_id.in_(select(Event.id).where(*own))] if own else []
    count = session.scalar(select(func.count()).select_from(OutboxMessage).where(*reach, needs_attention())) or 0
    if not count:
        return []
    words = "1 message did not arrive" if count == 1 else f"{count:,} messages did not arrive"
    return [Attention(words, count, "registration.messages", {"state": "attention"})]

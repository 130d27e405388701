"""The counts of an event, and free places going to whoever waited longest. Every change of places ends here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.registration.models import Registration
from workshops.registration.queries import Counts, counts_of, fresh_registration, queue_of, sides_of, terms_of
from workshops.registration.rules import HOLDING_STATES, Offer, RosterView, offers_go_out, refill
from workshops.registration.rules.reasons import next_in_line
from workshops.registration.service.telling import tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.service import record_places


def lock_place(session: Session, registration_id: int) -> tuple[Event, Registration]:
    """Lock the event of a registration, then read the registration afresh. Raises NotFound.

    The event's row is the one lock of everything about its places, and always taken first.
    """
    known = session.get(Registration, registration_id)
    if known is None:
        raise NotFound()
    event = lock_event(session, known.event_id)
    registration = fresh_registration(session, registration_id)
    if registration is None or registration.erased_at is not None:
        raise NotFound()
    return event, registration


def change_state(registration: Registration, state: str, now: datetime) -> None:
    """Put a registration into a state; what belongs to another state alone is cleared."""
    if state == "waiting":
        registration.waiting_since = registration.waiting_since or now
    elif state != "offered":
        registration.waiting_since = None
    if state != "offered":
        registration.offer_expires_at = None
    registration.state = state
    registration.state_changed_at = now


def settle(session: Session, event: Event, *, now: datetime, actor: Actor, settings: Settings) -> list[int]:
    """Give every free place to whoever waited longest and keep the counts; returns who was given one, by id.

    As an offer or, where the event says so, as the place itself. The event's row must be locked. To be called at the
    end of each change of places.
    """
    session.flush()
    counts = counts_of(session, event)
    made = _give_free_places(session, event, counts, now=now, actor=actor, settings=settings)
    keep_counts(session, event, counts, now=now)
    return made


def _give_free_places(
    session: Session, event: Event, counts: Counts, *, now: datetime, actor: Actor, settings: Settings
) -> list[int]:
    offers = offers_to_make(session, event, counts, now=now)
    for offer in offers:
        registration = fresh_registration(session, offer.id)
        assert registration is not None  # just read under the lock
        waited_since = registration.waiting_since
        state = "confirmed" if offer.until is None else "offered"
        change_state(registration, state, now)
        registration.offer_expires_at = offer.until
        perspective = registration.perspective if event.shares else ""
        counts.add(registration.attending, "waiting", -1, perspective=perspective)
        counts.add(registration.attending, state, 1, perspective=perspective)
        record(
            session, now=now, actor=actor, action="place_offered" if offer.until else "place_given",
            subject=("registration", registration.id), event_id=event.id, fields=("state", "offer_expires_at"),
            reason=next_in_line(registration.attending, event.mode, waited_since, offer.until),
        )
        if offer.until is None:
            tell(
                session, event, registration, "place_confirmed", now=now, settings=settings, method="REQUEST",
                values={"from_waiting_list": True},
            )
        else:
            tell(
                session, event, registration, "place_offered", now=now, settings=settings,
                values={"until": offer.until}, drop_after=offer.until,
            )
    return [offer.id for offer in offers]


def offers_to_make(session: Session, event: Event, counts: Counts, *, now: datetime) -> tuple[Offer, ...]:
    """The offers that settle would make now; only reads."""
    terms = terms_of(event)
    rooms = {side: counts.room(event, side, now) for side in sides_of(event)}
    if not offers_go_out(terms, now) or not any(room.someone_next for room in rooms.values()):
        return ()
    queue = tuple(
        waiting
        for side, room in rooms.items()
        if room.someone_next
        # With shares somebody further back may be the first who may have it.
        for waiting in queue_of(session, event.id, side, limit=None if room.shares else room.unused)
    )
    return refill(RosterView(rooms, queue), terms, now)


def keep_counts(session: Session, event: Event, counts: Counts, *, now: datetime) -> None:
    """Write the counts beside the event, for its page and the lists, when they are not there already."""
    kept = {
        "taken_in_person": counts.of("in_person", *HOLDING_STATES),
        "taken_online": counts.of("online", *HOLDING_STATES),
        "waiting_in_person": counts.of("in_person", "waiting"),
        "waiting_online": counts.of("online", "waiting"),
        "held_in_person": 0,
        "held_online": 0,
    }
    if event.shares:
        kept |= {f"held_{side}": counts.room(event, side, now).held for side in sides_of(event)}
    if any(getattr(event, name) != number for name, number in kept.items()):
        record_places(session, event, **kept)

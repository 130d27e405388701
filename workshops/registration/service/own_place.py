"""What somebody does with their own place: cancel it, answer an offer, change details, move to another date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.tokens import new_token, token_hash
from workshops.registration.models import CalendarToken, Needs, Registration
from workshops.registration.queries import (
    CALENDAR_PURPOSE,
    admission_of,
    counts_of,
    fresh_registration,
    same_address,
    terms_of,
)
from workshops.registration.rules import (
    ACTIVE_STATES,
    CALENDAR_STATES,
    ChangeRefused,
    FullChoice,
    allow_attending,
    check_can_be_left,
    check_offer,
    decide_registration,
    decide_switch,
    merged_answers,
)
from workshops.registration.service.places import change_state, lock_place, settle
from workshops.registration.service.registering import copy_to, not_admitted
from workshops.registration.service.telling import event_when, tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event, other_dates
from workshops.schedule.rules.questions import question_texts


def cancel_place(
    session: Session,
    *,
    registration_id: int,
    reason: str = "",
    wants_another_date: bool = False,
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> Registration:
    """Give up a place, an offer, a request or a place in the queue; the next person is offered it at once.

    reason: in the person's own words, for the organiser.   wants_another_date: they may be asked which would suit.
    Raises PlaceGone, NotFound.
    """
    event, registration = lock_place(session, registration_id)
    check_can_be_left(registration.state, terms_of(event), now)
    leave(session, event, registration, "cancelled", "place_cancelled", now=now, settings=settings, actor=actor)
    registration.cancel_reason = reason
    registration.wants_another_date = wants_another_date
    settle(session, event, now=now, actor=actor, settings=settings)
    return registration


def leave(
    session: Session,
    event: Event,
    registration: Registration,
    state: str,
    kind: str,
    *,
    now: datetime,
    settings: Settings,
    actor: Actor,
    moved_to: str = "",
) -> None:
    """Take somebody out of an event: state, audit, mail, and CANCEL for whoever has it in their calendar.

    state: cancelled, or declined when the organiser did it. The event must be locked; settle() comes after.
    """
    before = registration.state
    change_state(registration, state, now)
    record(
        session, now=now, actor=actor, action="place_cancelled" if state == "cancelled" else "place_declined",
        subject=("registration", registration.id), event_id=event.id, fields=("state",), reason=f"was {before}",
    )
    tell(
        session, event, registration, kind, now=now, settings=settings,
        method="CANCEL" if before in CALENDAR_STATES else None,
        values={"was": before, "by_organiser": state == "declined", "moved_to": moved_to},
    )


def take_offer(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Take the place that is held. Raises OfferGone with what happened, NotFound."""
    event, registration = lock_place(session, registration_id)
    check_offer(registration.state, registration.offer_expires_at, terms_of(event), now)
    change_state(registration, "confirmed", now)
    record(
        session, now=now, actor=actor, action="offer_taken", subject=("registration", registration.id),
        event_id=event.id, fields=("state",),
    )
    settle(session, event, now=now, actor=actor, settings=settings)
    tell(session, event, registration, "place_confirmed", now=now, settings=settings, method="REQUEST")
    return registration


def decline_offer(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Turn down the place that is held; the next person is offered it. Raises OfferGone, NotFound."""
    event, registration = lock_place(session, registration_id)
    check_offer(registration.state, registration.offer_expires_at, terms_of(event), now)
    leave(session, event, registration, "cancelled", "place_cancelled", now=now, settings=settings, actor=actor)
    settle(session, event, now=now, actor=actor, settings=settings)
    return registration


@dataclass(frozen=True)
class Changes:
    """What a person may change about their registration; everything is given, changed or not."""

    name: str
    attending: str | None = None
    organisation: str = ""
    job_title: str = ""
    sector: str = ""
    access_needs: str = ""
    dietary_needs: str = ""
    #: None: not asked, and left as it is.
    perspective: str | None = None
    question: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


def change_details(
    session: Session, *, registration_id: int, changes: Changes, now: datetime, settings: Settings, actor: Actor
) -> list[str]:
    """Change what somebody told about themselves; returns the names of the fields that changed.

    In a hybrid event the way of attending changes when a place is free on the other side; a new invitation is
    sent, and the place left goes to the next. Raises ChangeRefused (with its field), PlaceGone, NotFound.
    """
    event, registration = lock_place(session, registration_id)
    check_can_be_left(registration.state, terms_of(event), now)
    switched = _switch(session, event, registration, changes.attending, now=now)
    changed = ["attending"] if switched else []
    for name in ("name", "organisation", "job_title", "sector", "question"):
        if getattr(registration, name) != getattr(changes, name):
            setattr(registration, name, getattr(changes, name))
            changed.append(name)
    if changes.perspective is not None and event.shares and registration.perspective != changes.perspective:
        registration.perspective = changes.perspective
        changed.append("perspective")
    answers = merged_answers(registration.answers, changes.answers, question_texts(event))
    if dict(registration.answers) != answers:
        registration.answers = answers
        changed.append("answers")
    changed += _change_needs(session, registration, changes)
    if not changed:
        return []
    record(
        session, now=now, actor=actor, action="details_changed", subject=("registration", registration.id),
        event_id=event.id, fields=changed,
    )
    settle(session, event, now=now, actor=actor, settings=settings)
    if switched and registration.state in CALENDAR_STATES:
        kind = "place_confirmed" if registration.state == "confirmed" else "request_received"
        tell(session, event, registration, kind, now=now, settings=settings, method="REQUEST")
    return changed


def _switch(session: Session, event: Event, registration: Registration, to: str | None, *, now: datetime) -> bool:
    if event.mode != "hybrid" or to is None or to == registration.attending:
        return False
    to = allow_attending(event.mode, to)
    room = counts_of(session, event).room(event, to, now)
    state = decide_switch(registration.state, event.mode, room, to, registration.perspective)
    registration.attending = to
    if state != registration.state:
        change_state(registration, state, now)
    return True


def _change_needs(session: Session, registration: Registration, changes: Changes) -> list[str]:
    kept = session.get(Needs, registration.id)
    before = (kept.access_needs, kept.dietary_needs) if kept else ("", "")
    after = (changes.access_needs, changes.dietary_needs)
    if before == after:
        return []
    if kept is None:
        session.add(Needs(registration_id=registration.id, access_needs=after[0], dietary_needs=after[1]))
    elif any(after):
        kept.access_needs, kept.dietary_needs = after
    else:
        session.delete(kept)
    return [name for name, b, a in zip(("access_needs", "dietary_needs"), before, after, strict=True) if a != b]


def move_place(
    session: Session,
    *,
    registration_id: int,
    to_event_id: int,
    if_full: str = "leave",
    by_staff: bool = False,
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> Registration:
    """Move to another upcoming date of the same series: a free place there, or with if_full="wait" its waiting list.

    by_staff: to any event that takes place, whoever it is for; the caller has checked that they run it.

    The old place goes to the next person at once. One mail tells the new place; whoever had the old date in
    their calendar also gets its withdrawal, because one mail carries one calendar object (RFC 6047).
    Returns the new registration. Raises ChangeRefused, RegistrationClosed, FullChoice, NoPlaces, PlaceGone, NotFound.
    """
    known = session.get(Registration, registration_id)
    if known is None:
        raise NotFound()
    # Always the lower number first, so that two people who swap dates never wait for each other.
    locked = {id: lock_event(session, id) for id in sorted({known.event_id, to_event_id})}
    old_event, new_event = locked[known.event_id], locked[to_event_id]
    registration = fresh_registration(session, registration_id)
    if registration is None or registration.erased_at is not None:
        raise NotFound()
    check_can_be_left(registration.state, terms_of(old_event), now)
    moved = _at_new_date(session, registration, old_event, new_event, if_full=if_full, by_staff=by_staff, now=now,
                         settings=settings)  # fmt: skip
    leave(
        session, old_event, registration, "cancelled", "place_cancelled", now=now, settings=settings, actor=actor,
        moved_to=event_when(new_event),
    )
    record(
        session, now=now, actor=actor, action="place_moved", subject=("registration", moved.id),
        event_id=new_event.id, fields=("event_id",), reason=moved.state,
    )
    for event in (old_event, new_event):
        settle(session, event, now=now, actor=actor, settings=settings)
    kinds = {"confirmed": "place_confirmed", "requested": "request_received", "waiting": "on_waiting_list"}
    tell(
        session, new_event, moved, kinds[moved.state], now=now, settings=settings,
        method="REQUEST" if moved.state in CALENDAR_STATES else None,
        values={"moved_from": event_when(old_event)},
    )
    return moved


def _at_new_date(
    session: Session,
    old: Registration,
    old_event: Event,
    new_event: Event,
    *,
    if_full: str,
    by_staff: bool,
    now: datetime,
    settings: Settings,
) -> Registration:
    if not by_staff and new_event.id not in [event.id for event in other_dates(session, old_event, now)]:
        raise ChangeRefused("Choose one of the dates shown", field="to")
    if any(r.state in ACTIVE_STATES for r in same_address(session, new_event.id, old.email_key)):
        who = "They are registered for that event" if by_staff else "You are registered for that date"
        raise ChangeRefused(f"{who} already", field="to")
    if not by_staff:
        _check_admitted(session, new_event, old.email, settings)
    attending = old.attending if new_event.mode == "hybrid" else new_event.mode
    room = counts_of(session, new_event).room(new_event, attending, now)
    try:
        decision = decide_registration(
            terms_of(new_event), room, if_full=if_full, now=now, perspective=old.perspective
        )
    except FullChoice as full:
        words = "All places on that date are taken. Choose whether to join its waiting list"
        raise FullChoice(str(full) if room.held else words) from None
    return copy_to(
        session, old, new_event, state=decision.state, outcome=decision.kind, now=now,
        # Who waits for one date and moves to another has waited since then.
        waiting_since=(old.waiting_since or now) if decision.state == "waiting" else None,
    )


def _check_admitted(session: Session, event: Event, email: str, settings: Settings) -> None:
    # Behind a personal link the address is known to be theirs, so it may be said plainly.
    admitted = admission_of(session, event, email)
    if admitted == "elsewhere":
        raise not_admitted(event, settings, field="to")
    if admitted == "not_invited":
        raise ChangeRefused("That date is by invitation, and your address is not on its list", field="to")


def make_calendar(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> str:
    """The address of a personal calendar with all places of this person; ends the one made before.

    It is shown once: only its hash is kept. Raises NotFound.
    """
    # Under the event's lock, so that a second click waits and then ends the first one's calendar.
    _, registration = lock_place(session, registration_id)
    session.execute(
        update(CalendarToken)
        .where(CalendarToken.email_key == registration.email_key, CalendarToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    token = new_token()
    session.add(
        CalendarToken(
            email_key=registration.email_key, token_hash=token_hash(CALENDAR_PURPOSE, token), created_at=now
        )
    )
    record(
        session, now=now, actor=actor, action="calendar_made", subject=("registration", registration.id),
        event_id=registration.event_id,
    )
    return f"{settings.base_url}/calendars/{token}.ics"



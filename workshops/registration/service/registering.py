"""Somebody registers: the one use case that many people do in the same second.

Order: lock the event, find earlier registrations of this address, decide what a newcomer gets, and only then
look whether this address is one. So a known address and an unknown one are told the same, and a second send of
the same form finds the first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor, person
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.errors import DomainError
from workshops.ical.sequence import next_sequence
from workshops.messages.service import enqueue
from workshops.registration.models import Needs, Registration
from workshops.registration.queries import admission_of, counts_of, end_of_queue, highest, same_address, terms_of
from workshops.registration.rules import (
    ACTIVE_STATES,
    Decision,
    NotAdmitted,
    Terms,
    allow_attending,
    decide_registration,
    offers_go_out,
    refuse_registration,
)
from workshops.registration.service.places import keep_counts, settle
from workshops.registration.service.telling import event_words, tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.queries.team import run_sequence
from workshops.schedule.rules.audience import domain_words
from workshops.schedule.rules.questions import question_texts

#: Without letters and digits that are mistaken for each other on the phone.
_REFERENCE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_REFERENCE_LENGTH = 8


@dataclass(frozen=True)
class Details:
    """What somebody told about themselves, cleaned. attending is needed in a hybrid event only."""

    name: str
    email: str
    attending: str | None = None
    organisation: str = ""
    job_title: str = ""
    sector: str = ""
    access_needs: str = ""
    dietary_needs: str = ""
    #: What shares go by; kept by events with shares alone.
    perspective: str = ""
    question: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What the receipt says. kind: place, waiting or requested; is_new: False when nothing was added."""

    kind: str
    is_new: bool


@dataclass(frozen=True)
class Heard:
    """What one of several events came to. said: place, waiting, requested, or registered_already."""

    event: Event
    registration: Registration
    said: str
    position: int | None = None


class RegisteredMeanwhile(DomainError):
    """The database refused a second active registration of an address; trying again finds the first."""

    sentence = "Somebody registered with this address at the same moment. Send the form again."


def new_form_key() -> str:
    """A hidden value for a fresh form."""
    return secrets.token_urlsafe(16)


def new_reference() -> str:
    """What people read out on the phone. Opens nothing."""
    return "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(_REFERENCE_LENGTH))


def register(
    session: Session,
    *,
    event_id: int,
    details: Details,
    if_full: str = "leave",
    form_key: str | None = None,
    now: datetime,
    settings: Settings,
    actor: Actor | None = None,
    heard: list[Heard] | None = None,
) -> Outcome:
    """Register somebody for an event, or say why not.

    if_full: "wait" joins the waiting list when all places are taken; anything else leaves.
    form_key: the hidden value of the form; the same key and address sent again have no second effect.
    heard: where the caller gathers what it came to and tells it with that of other events; else a mail does.
    Raises RegistrationClosed, FullChoice, NoPlaces, NotAdmitted, DomainError for the field attending, NotFound,
    and RegisteredMeanwhile (only without locks): then roll back and call once more.
    """
    event = lock_event(session, event_id)
    key = email_key(details.email)
    attending = _attending(event, details, now)
    earlier = same_address(session, event.id, key)
    form_hash = _form_hash(form_key, key)
    sent_before = next((r for r in earlier if form_hash and r.form_key_hash == form_hash), None)
    if sent_before is not None:
        if sent_before.state in ACTIVE_STATES:
            return Outcome(sent_before.outcome, is_new=False)
        # The same browser page once more, after the place was given up: a new registration.
        sent_before.form_key_hash = None
        session.flush()
    counts = counts_of(session, event)
    room = counts.room(event, attending, now)
    terms = terms_of(event)
    if room.someone_next and offers_go_out(terms, now):
        settle(session, event, now=now, actor=actor or person(), settings=settings)
        counts = counts_of(session, event)
        room = counts.room(event, attending, now)
    # Before any look at who is registered: where an address ends is no secret, that it is known here is one.
    admitted = admission_of(session, event, details.email)
    if admitted == "elsewhere" and refuse_registration(terms, now) is None:
        raise not_admitted(event, settings)
    perspective = details.perspective if event.shares else ""
    decision = decide_registration(terms, room, if_full=if_full, now=now, perspective=perspective)
    known = next((r for r in earlier if r.state in ACTIVE_STATES), None)
    if known is not None:
        if heard is not None:
            heard.append(Heard(event, known, "registered_already"))
        else:
            _tell_already_registered(session, event, known, now=now, settings=settings)
        return Outcome(decision.kind, is_new=False)
    if admitted == "not_invited":
        # The same answer as for somebody who is: only the owner of the mailbox learns that they are not.
        _tell_not_invited(session, event, details, key, now=now, settings=settings)
        return Outcome(decision.kind, is_new=False)
    registration = _add(
        session, event, details, earlier, attending=attending, key=key, decision=decision, form_hash=form_hash, now=now
    )
    counts.add(attending, decision.state, perspective=perspective)
    keep_counts(session, event, counts, now=now)
    if heard is not None:
        heard.append(Heard(event, registration, decision.kind, decision.position))
    else:
        _tell_newcomer(session, event, registration, decision, now=now, settings=settings)
    record(
        session, now=now, actor=actor or person(registration.id), action="registered",
        subject=("registration", registration.id), event_id=event.id, fields=("state",), reason=decision.state,
    )
    return Outcome(decision.kind, is_new=True)


def _attending(event: Event, details: Details, now: datetime) -> str:
    refusal = refuse_registration(terms_of(event), now)
    if refusal is not None and event.mode == "hybrid" and details.attending is None:
        return "in_person"  # decide_registration says why nobody can register, which matters more
    return allow_attending(event.mode, details.attending)


def _form_hash(form_key: str | None, key: str) -> str | None:
    # Bound to the address, so that a form shown again by the Back button can register a colleague.
    return hashlib.sha256(f"{form_key}\0{key}".encode()).hexdigest() if form_key else None


def _add(
    session: Session,
    event: Event,
    details: Details,
    earlier: Sequence[Registration],
    *,
    attending: str,
    key: str,
    decision: Decision,
    form_hash: str | None,
    now: datetime,
) -> Registration:
    registration = Registration(
        event_id=event.id,
        reference=new_reference(),
        name=details.name,
        email=details.email,
        email_key=key,
        organisation=details.organisation,
        job_title=details.job_title,
        sector=details.sector,
        perspective=details.perspective if event.shares else "",
        attending=attending,
        state=decision.state,
        question=details.question,
        answers=dict(details.answers),
        waiting_since=_waiting_since(session, event, attending, now) if decision.state == "waiting" else None,
        may_be_freed=event.frees_days_before is not None,
        form_key_hash=form_hash,
        outcome=decision.kind,
        # Said here already, so that the invitation made below changes no row a second time.
        invite_sequence=_sequence_for(session, event, key, earlier) if _NEWS[decision.state][1] else None,
        registered_at=now,
        state_changed_at=now,
    )
    session.add(registration)
    try:
        session.flush()
    except IntegrityError:
        raise RegisteredMeanwhile() from None
    if details.access_needs or details.dietary_needs:
        session.add(
            Needs(
                registration_id=registration.id,
                access_needs=details.access_needs,
                dietary_needs=details.dietary_needs,
            )
        )
    return registration


def copy_to(
    session: Session,
    old: Registration,
    event: Event,
    *,
    state: str,
    outcome: str,
    waiting_since: datetime | None,
    now: datetime,
) -> Registration:
    """The same person at another event, with all that they told as far as it is asked there. It is locked.

    Raises RegisteredMeanwhile when they are registered there already.
    """
    made = Registration(
        event_id=event.id,
        reference=new_reference(),
        name=old.name,
        email=old.email,
        email_key=old.email_key,
        organisation=old.organisation,
        job_title=old.job_title,
        sector=old.sector,
        perspective=old.perspective,
        attending=old.attending if event.mode == "hybrid" else event.mode,
        state=state,
        question=old.question,
        # Dates of a series often ask the same; what is asked under other words is asked anew.
        answers={words: old.answers[words] for words in question_texts(event) if words in old.answers},
        waiting_since=waiting_since,
        came_from_id=old.id,
        may_be_freed=event.frees_days_before is not None,
        outcome=outcome,
        registered_at=now,
        state_changed_at=now,
        invite_sequence=None,
    )
    session.add(made)
    try:
        session.flush()
    except IntegrityError:
        raise RegisteredMeanwhile() from None
    needs = session.get(Needs, old.id)
    if needs is not None:
        session.add(
            Needs(registration_id=made.id, access_needs=needs.access_needs, dietary_needs=needs.dietary_needs)
        )
    return made


def _waiting_since(session: Session, event: Event, attending: str, now: datetime) -> datetime:
    # `now` was asked before the lock was given: who got the lock later waits behind those who had it before.
    return max(now, end_of_queue(session, event.id, attending) or now)


#: State -> the mail that tells it, and whether a calendar entry goes with it.
_NEWS: dict[str, tuple[str, bool]] = {
    "confirmed": ("place_confirmed", True),
    "requested": ("request_received", True),
    "waiting": ("on_waiting_list", False),
}


def _tell_newcomer(
    session: Session,
    event: Event,
    registration: Registration,
    decision: Decision,
    *,
    now: datetime,
    settings: Settings,
) -> None:
    kind, has_entry = _NEWS[registration.state]
    tell(
        session, event, registration, kind, now=now, settings=settings,
        method="REQUEST" if has_entry else None,
        values={"position": decision.position} if decision.position else None,
        # What was decided when the row was made, less one: the invitation carries what the row says already.
        last_sent=None if registration.invite_sequence is None else registration.invite_sequence - 1,
    )


def _sequence_for(session: Session, event: Event, key: str, earlier: Sequence[Registration]) -> int:
    """The SEQUENCE of the first invitation: above all that this address was sent, for a place or for running it."""
    last_sent = highest(*(r.invite_sequence for r in earlier), run_sequence(session, event.id, key))
    return next_sequence(event.sequence, last_sent)


def _tell_already_registered(
    session: Session, event: Event, known: Registration, *, now: datetime, settings: Settings
) -> None:
    # At most one an hour: the form must not become a way to fill somebody's mailbox.
    tell(
        session, event, known, "already_registered", now=now, settings=settings,
        values={"until": known.offer_expires_at},
        dedupe_key=f"already_registered:{event.id}:{known.id}:{int(now.timestamp()) // 3600}",
    )


def not_admitted(event: Event, settings: Settings, *, field: str = "email") -> NotAdmitted:
    """What somebody reads whose address is at none of the domains of an event."""
    ends = domain_words([str(domain) for domain in event.admitted_domains])
    contact = (event.host.contact_email if event.host else "") or settings.mail_from
    return NotAdmitted(
        f"This event is for people whose email address ends in {ends}. Use your address there. "
        f"If you have none and want to come, write to {contact}",
        field=field,
    )


def _tell_not_invited(
    session: Session, event: Event, details: Details, key: str, *, now: datetime, settings: Settings
) -> None:
    # Nothing that was typed is repeated, and at most one an hour: the form is open to everybody.
    address = hashlib.sha256(f"{event.id}\0{key}".encode()).hexdigest()[:32]
    enqueue(
        session,
        kind="registration/not_invited",
        to_email=details.email,
        values=event_words(event, settings=settings),
        dedupe_key=f"not_invited:{event.id}:{address}:{int(now.timestamp()) // 3600}",
        about=("event", event.id),
        event_id=event.id,
        now=now,
        drop_after=event.over_at,
        settings=settings,
    )


def add_person(
    session: Session,
    *,
    event_id: int,
    details: Details,
    is_told: bool = True,
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> Registration:
    """Staff register somebody: a place when one is free, else the waiting list. Never more than the capacity.

    is_told: whether they get the mail and the invitation now; their link can be sent later.
    Opening, closing, the kind of booking and who may register do not bind staff; a cancelled or past event does.
    Raises RegistrationClosed, NoPlaces, or DomainError for the field email when they are registered already.
    """
    event = lock_event(session, event_id)
    key = email_key(details.email)
    attending = allow_attending(event.mode, details.attending)
    earlier = same_address(session, event.id, key)
    if any(r.state in ACTIVE_STATES for r in earlier):
        raise DomainError("Somebody with this address is registered for this event already", field="email")
    settle(session, event, now=now, actor=actor, settings=settings)
    counts = counts_of(session, event)
    perspective = details.perspective if event.shares else ""
    decision = decide_registration(
        staff_terms(terms_of(event)), counts.room(event, attending, now), if_full="wait", now=now,
        perspective=perspective,
    )
    registration = _add(
        session, event, details, earlier, attending=attending, key=key, decision=decision, form_hash=None, now=now
    )
    counts.add(attending, decision.state, perspective=perspective)
    keep_counts(session, event, counts, now=now)
    if is_told:
        _tell_newcomer(session, event, registration, decision, now=now, settings=settings)
    else:
        registration.invite_sequence = None  # nothing was sent
    record(
        session, now=now, actor=actor, action="person_added", subject=("registration", registration.id),
        event_id=event.id, fields=("state",), reason=decision.state,
    )
    return registration


def staff_terms(terms: Terms) -> Terms:
    """What binds staff who register somebody: the capacity, and that it is not over."""
    # Also while it runs: somebody who turned up is written down.
    return replace(terms, booking="first_come", starts_at=terms.over_at, opens_at=None, closes_at=None)

"""Passing a place on to a colleague: it stays with the first person until the colleague says yes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor, person
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.errors import DomainError, NotFound
from workshops.core.tokens import new_token, token_hash
from workshops.messages.models import OutboxMessage
from workshops.messages.service import enqueue
from workshops.registration.models import Needs, PlacePass, Registration
from workshops.registration.queries import PASS_PURPOSE, admission_of, same_address, terms_of
from workshops.registration.rules import (
    ACTIVE_STATES,
    CALENDAR_STATES,
    ChangeRefused,
    check_can_be_passed_on,
    offer_deadline,
)
from workshops.registration.service.places import change_state, lock_place, settle
from workshops.registration.service.registering import Details, RegisteredMeanwhile, new_reference, not_admitted
from workshops.registration.service.telling import event_words, tell
from workshops.schedule.models import Event
from workshops.schedule.rules.audience import is_by_invitation


class PassGone(DomainError):
    """The colleague was too late, or the place was taken back."""

    sentence = "This place can no longer be taken over. Ask the person who wanted to pass it on."


def offer_pass(
    session: Session, *, registration_id: int, name: str, email: str, now: datetime, settings: Settings, actor: Actor
) -> PlacePass:
    """Ask a colleague by mail to take a place over; an earlier question to somebody else ends.

    The place stays where it is until they say yes. Whether the address is registered already is not told.
    Raises PlaceGone, ChangeRefused, NotAdmitted, DomainError for the field email, NotFound.
    """
    event, registration = lock_place(session, registration_id)
    check_can_be_passed_on(registration.state, terms_of(event), now)
    if is_by_invitation(event.booking, event.admits):
        raise ChangeRefused("This event is by invitation, so its places cannot be passed on. Write to the organiser.")
    if email_key(email) == registration.email_key:
        raise DomainError("This is your own address. Enter that of your colleague", field="email")
    if admission_of(session, event, email) == "elsewhere":
        raise not_admitted(event, settings)
    end_passes(session, registration.id, now=now)
    token = new_token()
    made = PlacePass(
        registration_id=registration.id, name=name, email=email, token_hash=token_hash(PASS_PURPOSE, token),
        created_at=now, expires_at=offer_deadline(now, event.sort_at) or event.sort_at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(session, now=now, actor=actor, action="pass_offered", subject=("registration", registration.id),
           event_id=event.id)  # fmt: skip
    enqueue(
        session, kind="registration/pass_offered", to_email=email, to_name=name,
        values={**event_words(event, settings=settings), "name": name, "until": made.expires_at},
        links={"pass": f"{settings.base_url}/passes/{token}"}, dedupe_key=f"pass_offered:{made.id}",
        about=("pass", made.id), event_id=event.id, now=now, drop_after=made.expires_at, settings=settings,
    )  # fmt: skip
    return made


def end_passes(session: Session, registration_id: int, *, now: datetime) -> int:
    """End every open question to a colleague about this place; how many there were."""
    done = session.execute(
        update(PlacePass)
        .where(PlacePass.registration_id == registration_id, PlacePass.ended_at.is_(None))
        .values(ended_at=now)
    )
    return int(getattr(done, "rowcount", 0))


def take_pass_back(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """The first person keeps the place after all. Raises NotFound."""
    event, registration = lock_place(session, registration_id)
    if end_passes(session, registration.id, now=now):
        record(session, now=now, actor=actor, action="pass_taken_back", subject=("registration", registration.id),
               event_id=event.id)  # fmt: skip
    return registration


def open_pass(session: Session, registration_id: int, now: datetime) -> PlacePass | None:
    """The colleague who has been asked and can still say yes, or None."""
    return session.scalar(
        select(PlacePass)
        .where(
            PlacePass.registration_id == registration_id, PlacePass.ended_at.is_(None), PlacePass.expires_at > now
        )
        .order_by(PlacePass.id.desc())
        .limit(1)
    )


def take_pass(session: Session, *, pass_id: int, details: Details, now: datetime, settings: Settings) -> Registration:
    """The colleague says yes: the place is theirs as it stands, and the first person is told and gives it up.

    details: of the colleague; the address is the one that was asked. Raises PassGone, PlaceGone, ChangeRefused,
    NotAdmitted, DomainError, NotFound.
    """
    known = session.get(PlacePass, pass_id)
    if known is None:
        raise NotFound()
    event, before = lock_place(session, known.registration_id)
    taken = session.get_one(PlacePass, pass_id, populate_existing=True)
    if taken.ended_at is not None or now >= taken.expires_at:
        raise PassGone()
    check_can_be_passed_on(before.state, terms_of(event), now)
    if admission_of(session, event, taken.email) != "in":
        raise not_admitted(event, settings)
    key = email_key(taken.email)
    if any(one.state in ACTIVE_STATES for one in same_address(session, event.id, key)):
        raise DomainError("You are registered for this event already, so you need no second place.")
    state, attending = before.state, before.attending
    taken.ended_at = now
    _give_up(session, event, before, now=now, settings=settings)
    colleague = _add(session, event, before, details, taken.email, key, state=state, attending=attending, now=now)
    record(session, now=now, actor=person(colleague.id), action="place_taken_over",
           subject=("registration", colleague.id), event_id=event.id, fields=("state",), reason=state)  # fmt: skip
    settle(session, event, now=now, actor=person(colleague.id), settings=settings)
    kind = "place_confirmed" if state == "confirmed" else "request_received"
    tell(session, event, colleague, kind, now=now, settings=settings, method="REQUEST")
    return colleague


def _give_up(session: Session, event: Event, before: Registration, *, now: datetime, settings: Settings) -> None:
    has_entry = before.state in CALENDAR_STATES
    change_state(before, "cancelled", now)
    record(session, now=now, actor=person(before.id), action="place_passed_on", subject=("registration", before.id),
           event_id=event.id, fields=("state",))  # fmt: skip
    tell(session, event, before, "place_passed_on", now=now, settings=settings, method="CANCEL" if has_entry else None)


def _add(
    session: Session,
    event: Event,
    before: Registration,
    details: Details,
    email: str,
    key: str,
    *,
    state: str,
    attending: str,
    now: datetime,
) -> Registration:
    made = Registration(
        event_id=event.id,
        reference=new_reference(),
        name=details.name,
        email=email,
        email_key=key,
        organisation=details.organisation,
        job_title=details.job_title,
        sector=details.sector,
        perspective=details.perspective if event.shares else "",
        attending=attending,
        state=state,
        question=details.question,
        answers=dict(details.answers),
        outcome="place" if state == "confirmed" else "requested",
        may_be_freed=event.frees_days_before is not None,
        came_from_id=before.id,
        registered_at=now,
        state_changed_at=now,
    )
    session.add(made)
    try:
        session.flush()
    except IntegrityError:
        raise RegisteredMeanwhile() from None
    if details.access_needs or details.dietary_needs:
        session.add(
            Needs(registration_id=made.id, access_needs=details.access_needs, dietary_needs=details.dietary_needs)
        )
    return made


def forget_passes(session: Session, *, now: datetime, settings: Settings) -> int:
    """Delete the addresses of colleagues who were asked, once the question is answered or too old; how many."""
    over = or_(PlacePass.ended_at.is_not(None), PlacePass.expires_at <= now)
    return int(getattr(session.execute(delete(PlacePass).where(over)), "rowcount", 0))


def reason_not_to_send_pass(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why a colleague must not be asked any more, or None. Asked at the moment of sending."""
    found = session.get(PlacePass, message.about_id) if message.about_id is not None else None
    if found is None or found.ended_at is not None or now >= found.expires_at:
        return "The place was passed on, taken back, or asked about too long ago."
    return None

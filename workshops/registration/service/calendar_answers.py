"""What people answer in their own calendar. Accepting and "maybe" are written down; declining asks once, or frees.

Whoever can write to our mailbox can send such an answer, so it counts only with the part of its address that this
person's invitation alone holds, from their own address, about the version they were sent last, and once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from email.utils import getaddresses

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.audit.rules import person
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.errors import DomainError
from workshops.ical.reply import MOST_BYTES, Reply, read_reply
from workshops.messages.reply_address import Part, is_from, parts_in
from workshops.messages.returned_mail import header
from workshops.registration.models import Registration
from workshops.registration.service.own_place import cancel_place
from workshops.registration.service.telling import tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

#: States in which an answer in a calendar says something.
_ANSWERABLE = ("confirmed", "requested")
#: Where servers write to whom a mail was addressed.
_ADDRESSED = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
#: Parts of a mail that are looked at; who sends more wants to keep us busy.
_MOST_PARTS = 50

_log = logging.getLogger(__name__)


def handle_calendar_answer(session: Session, mail: EmailMessage, *, now: datetime, settings: Settings) -> bool:
    """Handler: somebody pressed accept, maybe or decline in their calendar. False when the mail is no such answer."""
    reply = _reply_in(mail)
    if reply is None:
        return False
    refused = _take(session, mail, reply, now=now, settings=settings)
    if refused:
        _log.info("an answer from a calendar changes nothing: %s", refused)
    return True


def _reply_in(mail: EmailMessage) -> Reply | None:
    for number, part in enumerate(mail.walk()):
        if number >= _MOST_PARTS:
            return None
        if part.get_content_type() != "text/calendar":
            continue
        payload = part.get_payload(decode=True)
        return read_reply(payload) if isinstance(payload, bytes) and len(payload) <= MOST_BYTES else None
    return None


def _addressed_to(mail: EmailMessage, reply: Reply) -> Iterator[str]:
    yield from (address for _, address in getaddresses([header(mail, name) for name in _ADDRESSED])[:_MOST_PARTS])
    yield reply.organiser


def _take(session: Session, mail: EmailMessage, reply: Reply, *, now: datetime, settings: Settings) -> str:
    """Act on an answer; why nothing follows from it, or "" when something did."""
    part = next(parts_in(_addressed_to(mail, reply), settings), None)
    if part is None:
        return "it holds no part of an invitation"
    event = session.scalar(select(Event).where(Event.id == part.event_id))
    if event is None or event.uid != reply.uid:
        return "no event of ours has this UID"
    event = lock_event(session, event.id)
    registration = _whose(session, event, part, settings)
    if registration is None:
        return f"its part was made for nobody at event {event.id}"
    who = f"registration {registration.id}"
    if email_key(reply.attendee) != registration.email_key:
        return f"somebody else answers for {who}"
    if registration.state not in _ANSWERABLE or registration.erased_at is not None:
        return f"{who} holds no place"
    if registration.invite_sequence is None or reply.sequence != registration.invite_sequence:
        _note(session, registration, "calendar_answer_stale", now)
        return f"it is about another version than {who} has"
    if registration.calendar_answered_at is not None and reply.stamped_at <= registration.calendar_answered_at:
        return f"{who} has answered already"
    # A calendar whose clock runs ahead must not keep its later answers out.
    registration.calendar_answered_at = min(reply.stamped_at, now)
    registration.calendar_answer = reply.answer
    _note(session, registration, f"calendar_{reply.answer}", now)
    if reply.answer == "declined":
        _declined(session, event, registration, now=now, settings=settings)
    return ""


def _whose(session: Session, event: Event, part: Part, settings: Settings) -> Registration | None:
    """The newest registration of the address that the part was made for."""
    rows = session.execute(
        select(Registration.id, Registration.email_key)
        .where(Registration.event_id == event.id, Registration.erased_at.is_(None))
        .order_by(Registration.id.desc())
    )
    found = next((id for id, address in rows.all() if is_from(part, address, settings)), None)
    return session.get(Registration, found) if found is not None else None


def _declined(
    session: Session, event: Event, registration: Registration, *, now: datetime, settings: Settings
) -> None:
    """Free the place where the event says so, else ask once for each version of the invitation."""
    if event.declining_frees:
        try:
            cancel_place(
                session, registration_id=registration.id, now=now, settings=settings, actor=person(registration.id)
            )
        except DomainError as too_late:
            _log.info("registration %d cannot be left any more: %s", registration.id, type(too_late).__name__)
        return
    tell(
        session, event, registration, "declined_in_calendar", now=now, settings=settings,
        dedupe_key=f"declined_in_calendar:{registration.id}:{registration.invite_sequence}",
    )  # fmt: skip


def _note(session: Session, registration: Registration, action: str, now: datetime) -> None:
    record(
        session, now=now, actor=person(registration.id), action=action, subject=("registration", registration.id),
        event_id=registration.event_id,
    )  # fmt: skip

"""What staff put right about one person: their address and details, another event, or a second registration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.errors import DomainError, NotFound
from workshops.messages.models import OutboxMessage
from workshops.messages.service import take_back
from workshops.registration.models import Needs, PlaceToken, Registration
from workshops.registration.queries import fresh_registration, registrations_of, same_address
from workshops.registration.rules import ACTIVE_STATES, CALENDAR_STATES
from workshops.registration.service.own_place import Changes, change_details
from workshops.registration.service.places import change_state, lock_place, settle
from workshops.registration.service.telling import SAYS_ALL, tell
from workshops.schedule.queries import lock_event
from workshops.schedule.rules.folding import fold

#: The best first: of two registrations of one person this one is kept.
_BEST = ("confirmed", "offered", "requested", "waiting")
ADDRESS_CORRECTED = "Staff corrected the address before this went out. A mail to the new address took its place."


@dataclass(frozen=True)
class Correction:
    """What staff may put right. attending None: the event has one way only."""

    name: str
    email: str
    organisation: str = ""
    job_title: str = ""
    sector: str = ""
    attending: str | None = None


def correct_person(
    session: Session, *, registration_id: int, correction: Correction, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Put somebody's details right. Another address ends all links to the old one, and is told all there is to know.

    Raises DomainError for the field email when the new address is registered already, and what change_details raises.
    """
    event, registration = lock_place(session, registration_id)
    key = email_key(correction.email)
    has_moved = key != registration.email_key
    if has_moved:
        if any(one.state in ACTIVE_STATES for one in same_address(session, event.id, key)):
            raise DomainError("Somebody with this address is registered for this event already", field="email")
        _end_links(session, registration.id, now)
        for mail in _waiting_mails(session, registration.id):
            take_back(mail, ADDRESS_CORRECTED)
        registration.email, registration.email_key = correction.email, key
        # Nothing was sent to this address yet.
        registration.invite_sequence = None
        record(session, now=now, actor=actor, action="address_corrected", subject=("registration", registration.id),
               event_id=event.id, fields=("email",))  # fmt: skip
        session.flush()
    needs = session.get(Needs, registration.id)
    changed = change_details(
        session, registration_id=registration.id, now=now, settings=settings, actor=actor,
        changes=Changes(
            name=correction.name, attending=correction.attending, organisation=correction.organisation,
            job_title=correction.job_title, sector=correction.sector,
            access_needs=needs.access_needs if needs else "", dietary_needs=needs.dietary_needs if needs else "",
            question=registration.question, answers=dict(registration.answers),
        ),
    )  # fmt: skip
    kinds = {state: kind for kind, state in SAYS_ALL.items()}
    # Who takes part in another way now was told all there is to know a moment ago.
    is_told = "attending" in changed and registration.state in CALENDAR_STATES
    if has_moved and not is_told and registration.state in kinds:
        tell(
            session, event, registration, kinds[registration.state], now=now, settings=settings,
            method="REQUEST" if registration.state in CALENDAR_STATES else None,
            values={"until": registration.offer_expires_at}, drop_after=registration.offer_expires_at,
            dedupe_key=f"corrected:{registration.id}:{int(now.timestamp())}",
        )  # fmt: skip
    return registration


def _end_links(session: Session, registration_id: int, now: datetime) -> None:
    session.execute(
        update(PlaceToken)
        .where(PlaceToken.registration_id == registration_id, PlaceToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _waiting_mails(session: Session, registration_id: int) -> list[OutboxMessage]:
    return list(
        session.scalars(
            select(OutboxMessage)
            .where(
                OutboxMessage.about_kind == "registration", OutboxMessage.about_id == registration_id,
                OutboxMessage.state.in_(("due", "retry")),
            )
            .with_for_update(skip_locked=True)
        )
    )


# --- the same person twice ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Twice:
    """Two registrations that may be one person's, the earlier first, and why it looks so."""

    first: Registration
    second: Registration
    why: str


def looks_twice(session: Session, event_id: int) -> list[Twice]:
    """Registrations of an event that may be one person's: the same mailbox written otherwise, or the same name."""
    people = list(registrations_of(session, event_id, ACTIVE_STATES))
    by_mailbox: dict[str, Registration] = {}
    by_name: dict[str, Registration] = {}
    found = []
    for one in people:
        mailbox, name = mailbox_of(one.email_key), " ".join(fold(one.name).split())
        earlier = by_mailbox.get(mailbox)
        if earlier is not None:
            found.append(Twice(earlier, one, "The addresses lead to the same mailbox, most likely"))
        elif name and name in by_name:
            found.append(Twice(by_name[name], one, "The names are the same"))
        by_mailbox.setdefault(mailbox, one)
        by_name.setdefault(name, one)
    return found


def mailbox_of(key: str) -> str:
    """An address without what many mail servers leave aside: a part after +, and dots before the @."""
    local, _, domain = key.rpartition("@")
    domain = {"googlemail.com": "gmail.com"}.get(domain, domain)
    return f"{re.sub(r'[+].*$', '', local).replace('.', '')}@{domain}"


def merge_people(
    session: Session, *, keep_id: int, other_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Make one registration of two of one event: the better place stays, with what either of them told.

    keep_id: whose address stays. One mail tells the person; the second place goes to whoever waits longest.
    Raises DomainError when they are not two registered people of one event, NotFound.
    """
    known = session.get(Registration, keep_id)
    if known is None or keep_id == other_id:
        raise NotFound()
    event = lock_event(session, known.event_id)
    keep, other = fresh_registration(session, keep_id), fresh_registration(session, other_id)
    if keep is None or other is None or other.event_id != event.id:
        raise NotFound()
    if keep.state not in ACTIVE_STATES or other.state not in ACTIVE_STATES:
        raise DomainError("One of them is not registered any more, so nothing was changed.")
    if keep.attending != other.attending:
        raise DomainError("One takes part in person, the other online. Correct one of them first.")
    best = min((keep, other), key=lambda one: _BEST.index(one.state))
    state, until = best.state, best.offer_expires_at
    waiting = [one.waiting_since for one in (keep, other) if one.waiting_since is not None]
    for name in ("organisation", "job_title", "sector", "question", "perspective"):
        if not getattr(keep, name):
            setattr(keep, name, getattr(other, name))
    keep.answers = {**other.answers, **keep.answers}
    keep.registered_at = min(keep.registered_at, other.registered_at)
    _merge_needs(session, keep, other)
    change_state(other, "cancelled", now)
    session.flush()
    if keep.state != state:
        change_state(keep, state, now)
    keep.offer_expires_at = until if state == "offered" else None
    keep.waiting_since = min(waiting) if waiting and state in ("waiting", "offered") else None
    for mail in _waiting_mails(session, other.id):
        take_back(mail, "This registration was put together with another one of the same person.")
    for one, action in ((keep, "merged"), (other, "merged_into_another")):
        record(session, now=now, actor=actor, action=action, subject=("registration", one.id), event_id=event.id,
               fields=("state",), reason=one.state)  # fmt: skip
    settle(session, event, now=now, actor=actor, settings=settings)
    kinds = {state: kind for kind, state in SAYS_ALL.items()}
    tell(
        session, event, keep, kinds[keep.state], now=now, settings=settings,
        method="REQUEST" if keep.state in CALENDAR_STATES else None,
        values={"until": keep.offer_expires_at}, drop_after=keep.offer_expires_at,
        dedupe_key=f"merged:{keep.id}:{other.id}",
    )  # fmt: skip
    return keep


def _merge_needs(session: Session, keep: Registration, other: Registration) -> None:
    theirs = session.get(Needs, other.id)
    if theirs is None:
        return
    own = session.get(Needs, keep.id)
    if own is None:
        session.add(
            Needs(registration_id=keep.id, access_needs=theirs.access_needs, dietary_needs=theirs.dietary_needs)
        )
    else:
        own.access_needs = own.access_needs or theirs.access_needs
        own.dietary_needs = own.dietary_needs or theirs.dietary_needs
    session.delete(theirs)

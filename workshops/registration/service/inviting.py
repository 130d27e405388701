"""People invited by their addresses: put on an event's list, told once, taken off again.

The list says who may register, and nothing else: whoever registered keeps their place when they are taken off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import deadline_words
from workshops.messages.mime import display_name
from workshops.messages.models import OutboxMessage
from workshops.messages.service import enqueue, forget_messages_about
from workshops.registration.models import Invitee, Registration
from workshops.registration.queries import invitee_by_id
from workshops.registration.rules import ACTIVE_STATES, PEOPLE_KEPT
from workshops.registration.rules.invitees import INVITEES_MAX, PASTED_MAX, PASTED_TEXT_MAX, Typed, read_people
from workshops.registration.service.telling import event_words
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

#: Rows deleted by one statement, so that no statement grows without limit.
BATCH = 500


@dataclass(frozen=True)
class Row:
    """One pasted person beside the list. outcome: new, there, twice or problem; sentence: what that means."""

    typed: Typed
    outcome: str
    sentence: str


@dataclass(frozen=True)
class Invited:
    """What came of inviting people."""

    added: int
    told: int
    left_out: int


def look_at_people(session: Session, *, event_id: int, text: str) -> list[Row]:
    """What would become of each pasted person. Changes nothing. Raises DomainError for a text that is too long."""
    people = read_people(text) if len(text) <= PASTED_TEXT_MAX else None
    if people is not None and not people:
        raise DomainError("Enter at least one email address", field="people")
    if people is None or len(people) > PASTED_MAX:
        raise DomainError(f"Enter {PASTED_MAX:,} addresses or fewer at a time", field="people")
    known = set(session.scalars(select(Invitee.email_key).where(Invitee.event_id == event_id)))
    registered = set(
        session.scalars(
            select(Registration.email_key).where(
                Registration.event_id == event_id, Registration.state.in_(ACTIVE_STATES)
            )
        )
    )
    seen: set[str] = set()
    rows = [_row(one, known, registered, seen) for one in people]
    new = sum(row.outcome == "new" for row in rows)
    if new and len(known) + new > INVITEES_MAX:
        raise DomainError(f"An event takes {INVITEES_MAX:,} invited people or fewer", field="people")
    return rows


def _row(typed: Typed, known: set[str], registered: set[str], seen: set[str]) -> Row:
    if typed.problem:
        return Row(typed, "problem", typed.problem)
    key = email_key(typed.email)
    if key in known:
        return Row(typed, "there", "Is on the list already")
    if key in seen:
        return Row(typed, "twice", "Stands here more than once")
    seen.add(key)
    return Row(typed, "new", "Will be added. Is registered already" if key in registered else "Will be added")


def invite_people(
    session: Session, *, event_id: int, text: str, tell: bool, now: datetime, settings: Settings, actor: Actor
) -> Invited:
    """Put people on the list; with tell, email each who was added the invitation. What does not fit is left out.

    Sending the same text twice adds and tells nobody a second time. Raises DomainError, NotFound.
    """
    event = lock_event(session, event_id)
    rows = look_at_people(session, event_id=event_id, text=text)
    if tell:
        check_can_be_told(event, now)
    added = [
        Invitee(
            event_id=event_id, email=row.typed.email, email_key=email_key(row.typed.email), name=row.typed.name,
            invited_at=now, told_at=None,
        )
        for row in rows
        if row.outcome == "new"
    ]  # fmt: skip
    session.add_all(added)
    session.flush()
    told = tell_invitees(session, event, added, now=now, settings=settings) if tell else 0
    if added:
        record(
            session, now=now, actor=actor, action="people_invited", subject=("event", event_id), event_id=event_id,
            reason=f"{len(added)} added, {told} told",
        )
    return Invited(len(added), told, sum(row.outcome == "problem" for row in rows))


def tell_untold(session: Session, *, event_id: int, now: datetime, settings: Settings, actor: Actor) -> int:
    """Email the invitation to everybody on the list who was not told yet; how many. Raises DomainError, NotFound."""
    event = lock_event(session, event_id)
    check_can_be_told(event, now)
    waiting = session.scalars(
        select(Invitee).where(Invitee.event_id == event_id, Invitee.told_at.is_(None)).order_by(Invitee.id)
    ).all()
    told = tell_invitees(session, event, waiting, now=now, settings=settings)
    if told:
        record(
            session, now=now, actor=actor, action="invitations_sent", subject=("event", event_id), event_id=event_id,
            reason=f"{told} told",
        )
    return told


def tell_again(
    session: Session, *, event_id: int, invitee_id: int, now: datetime, settings: Settings, actor: Actor
) -> bool:
    """Email one person the invitation, again if need be; False when that was done in this very minute."""
    event = lock_event(session, event_id)
    invitee = _invitee(session, event_id, invitee_id)
    check_can_be_told(event, now)
    again = f"invited:{invitee.id}:{int(now.timestamp()) // 60}" if invitee.told_at else None
    if not tell_invitees(session, event, [invitee], now=now, settings=settings, dedupe_key=again):
        return False
    record(
        session, now=now, actor=actor, action="invitation_sent", subject=("invitee", invitee.id), event_id=event_id
    )
    return True


def remove_invitee(session: Session, *, event_id: int, invitee_id: int, now: datetime, actor: Actor) -> None:
    """Take somebody off the list; mail about it that waits is not sent. A place they have stays theirs."""
    lock_event(session, event_id)
    invitee = _invitee(session, event_id, invitee_id)
    record(
        session, now=now, actor=actor, action="invitation_withdrawn", subject=("invitee", invitee.id),
        event_id=event_id,
    )
    session.delete(invitee)
    session.flush()


def _invitee(session: Session, event_id: int, invitee_id: int) -> Invitee:
    invitee = invitee_by_id(session, event_id, invitee_id)
    if invitee is None:
        raise NotFound()
    return invitee


def check_can_be_told(event: Event, now: datetime) -> None:
    """Raise DomainError unless people can follow an invitation to this event now."""
    if event.state == "draft":
        raise DomainError("Publish the event first: until then there is no page to register on", field="tell")
    if event.state != "published" or now >= event.over_at:
        raise DomainError("This event does not take place or is over, so nobody is invited to it", field="tell")


def tell_invitees(
    session: Session,
    event: Event,
    invitees: Sequence[Invitee],
    *,
    now: datetime,
    settings: Settings,
    dedupe_key: str | None = None,
) -> int:
    """Store the mail with the invitation for each of these; how many. No calendar part: they have no place yet."""
    words = event_words(event, settings=settings)
    told = 0
    for invitee in invitees:
        message = enqueue(
            session,
            kind="registration/invited",
            to_email=invitee.email,
            to_name=invitee.name,
            values={
                **words,
                "name": display_name(invitee.name),
                "email": invitee.email,
                "summary": event.summary,
                "register_url": f"{words['event_url']}/register",
                "closes": deadline_words(event.closes_at) if event.closes_at else "",
                "by_approval": event.booking == "by_approval",
            },
            dedupe_key=dedupe_key or f"invited:{invitee.id}",
            about=("invitee", invitee.id),
            event_id=event.id,
            now=now,
            drop_after=event.over_at,
            settings=settings,
        )
        if message is not None:
            invitee.told_at = now
            told += 1
    session.flush()
    return told


def reason_not_to_send_invitation(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why an invitation must not go out any more, or None. Asked at the moment of sending."""
    invitee = session.get(Invitee, message.about_id) if message.about_id is not None else None
    event = session.get(Event, invitee.event_id) if invitee is not None else None
    if invitee is None or event is None:
        return "This person is no longer on the list of people invited."
    if event.state != "published":
        return "The event does not take place as planned."
    return None


def erase_invitees(session: Session, *, now: datetime, dry_run: bool) -> int:
    """Delete the lists of events that were over a year ago, with the mail about them; how many people."""
    late = (
        select(Invitee.id)
        .join(Event, Event.id == Invitee.event_id)
        .where(Event.over_at <= now - PEOPLE_KEPT)
        .order_by(Invitee.id)
    )
    if dry_run:
        return session.scalar(select(func.count()).select_from(late.order_by(None).subquery())) or 0
    ids = session.scalars(late).all()
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        forget_messages_about(session, "invitee", some)
        session.execute(
            delete(Invitee).where(Invitee.id.in_(some)), execution_options={"synchronize_session": False}
        )
    return len(ids)


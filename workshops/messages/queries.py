"""Reads the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from workshops.messages import rules
from workshops.messages.models import OutboxMessage


def is_due(now: datetime) -> ColumnElement[bool]:
    """The condition for a message that may be taken now: its time has come, or its lease has run out.

    A next try that lies further off than any can was put down by a clock that had jumped ahead: it is due.
    """
    too_far = and_(OutboxMessage.state == "retry", OutboxMessage.due_at > now + rules.LONGEST_WAIT)
    its_time = or_(OutboxMessage.due_at <= now, too_far)
    waiting = and_(OutboxMessage.state.in_(("due", "retry")), its_time, OutboxMessage.held_at.is_(None))
    left_behind = and_(OutboxMessage.state == "sending", OutboxMessage.lease_until <= now)
    return or_(waiting, left_behind)


def has_due_messages(session: Session, now: datetime) -> bool:
    """Whether there is anything to send; cheap enough to ask every second."""
    return session.scalar(select(OutboxMessage.id).where(is_due(now)).limit(1)) is not None


def lock_due_messages(session: Session, now: datetime, *, limit: int) -> Sequence[OutboxMessage]:
    """The next messages to send, oldest first, locked; rows that another worker is taking are passed over.

    On SQLite the caller's BEGIN IMMEDIATE is the lock.
    """
    return session.scalars(
        select(OutboxMessage)
        .where(is_due(now))
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def lock_held_message(session: Session, message_id: int, lease_owner: str) -> OutboxMessage | None:
    """A message that this worker still holds, locked; None when the lease went to somebody else."""
    return session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.id == message_id, OutboxMessage.state == "sending", OutboxMessage.lease_owner == lease_owner
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def lock_waiting_messages(session: Session, event_id: int, kinds: Sequence[str]) -> Sequence[OutboxMessage]:
    """The messages of these kinds about an event that nobody has begun to send, locked.

    Rows that a worker is taking at this very moment are passed over: they are on their way.
    """
    return session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.event_id == event_id,
            OutboxMessage.kind.in_(list(kinds)),
            OutboxMessage.state.in_(("due", "retry")),
        )
        .order_by(OutboxMessage.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()


def lock_waiting_message(session: Session, dedupe_key: str) -> OutboxMessage | None:
    """The message of some news, locked, while nobody has begun to send it; else None."""
    return session.scalar(
        select(OutboxMessage)
        .where(OutboxMessage.dedupe_key == dedupe_key, OutboxMessage.state.in_(("due", "retry")))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )


def waiting_about(session: Session, event_id: int, kinds: Sequence[str]) -> frozenset[int]:
    """What those messages are about, by id; only looks."""
    found = session.scalars(
        select(OutboxMessage.about_id).where(
            OutboxMessage.event_id == event_id,
            OutboxMessage.kind.in_(list(kinds)),
            OutboxMessage.state.in_(("due", "retry")),
        )
    )
    return frozenset(about_id for about_id in found if about_id is not None)


def waiting_kinds(session: Session, event_id: int, kinds: Sequence[str]) -> dict[int, str]:
    """The kind of the newest of those messages about each thing, by its id; only looks."""
    rows = session.execute(
        select(OutboxMessage.about_id, OutboxMessage.kind)
        .where(
            OutboxMessage.event_id == event_id,
            OutboxMessage.kind.in_(list(kinds)),
            OutboxMessage.state.in_(("due", "retry")),
        )
        .order_by(OutboxMessage.id)
    )
    return {about_id: kind for about_id, kind in rows if about_id is not None}


def messages_of_event(session: Session, event_id: int, limit: int = 200) -> Sequence[OutboxMessage]:
    """What was told, or will be, about one event, newest first."""
    return session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.event_id == event_id)
        .order_by(OutboxMessage.created_at.desc(), OutboxMessage.id.desc())
        .limit(limit)
    ).all()


def messages_about(session: Session, kind: str, about_id: int | None, limit: int = 200) -> Sequence[OutboxMessage]:
    """What was told about one thing, such as ("registration", 7), newest first."""
    return session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.about_kind == kind, OutboxMessage.about_id == about_id)
        .order_by(OutboxMessage.created_at.desc(), OutboxMessage.id.desc())
        .limit(limit)
    ).all()


def message_by_key(session: Session, dedupe_key: str) -> OutboxMessage | None:
    """The message of some news, or None."""
    return session.scalar(select(OutboxMessage).where(OutboxMessage.dedupe_key == dedupe_key))


def queue_age(session: Session, now: datetime) -> float:
    """For how many seconds the oldest message has been due without being tried; 0.0 when the worker keeps up.

    A message that the mail server put off counts from its next try, so one slow mailbox raises no alarm.
    """
    oldest = session.scalar(select(func.min(OutboxMessage.due_at)).where(is_due(now)))
    return 0.0 if oldest is None else max(0.0, (now - oldest).total_seconds())


def count_by_state(session: Session) -> dict[str, int]:
    """How many messages are in each state; states without any are absent."""
    rows = session.execute(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state))
    return {str(state): int(count) for state, count in rows.all()}


def _shown(which: str) -> ColumnElement[bool]:
    if which == "attention":
        return needs_attention()
    if which == "held":
        return and_(OutboxMessage.held_at.is_not(None), OutboxMessage.state.in_(("due", "retry")))
    if which == "due":
        return and_(OutboxMessage.state == "due", OutboxMessage.held_at.is_(None))
    return OutboxMessage.state == which


def needs_attention() -> ColumnElement[bool]:
    """A message that did not arrive, and about which nobody has said yet that it is dealt with."""
    failed = or_(OutboxMessage.state == "failed", OutboxMessage.bounced == "permanent")
    return and_(failed, OutboxMessage.dealt_with_at.is_(None))


def messages_page(
    session: Session, reach: Sequence[ColumnElement[bool]], *, which: str, words: str, limit: int, offset: int
) -> tuple[Sequence[OutboxMessage], int]:
    """One page of messages within reach, newest first, and how many there are in all.

    which: a state, "held", "attention", or empty: all.   words: what the address, name or subject must hold, or empty.
    """
    conditions = [*reach, *([_shown(which)] if which else [])]
    if words:
        conditions.append(
            or_(
                *(
                    column.icontains(words, autoescape=True)
                    for column in (OutboxMessage.to_email, OutboxMessage.to_name, OutboxMessage.subject)
                )
            )
        )
    total = session.scalar(select(func.count()).select_from(OutboxMessage).where(*conditions)) or 0
    rows = session.scalars(
        select(OutboxMessage)
        .where(*conditions)
        .order_by(OutboxMessage.created_at.desc(), OutboxMessage.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()
    return rows, total


def counts_within(session: Session, reach: Sequence[ColumnElement[bool]]) -> dict[str, int]:
    """How many messages within reach are in each state; "due" without those held, "held" and "attention" beside."""
    rows = session.execute(
        select(OutboxMessage.state, OutboxMessage.held_at.is_not(None), func.count())
        .where(*reach)
        .group_by(OutboxMessage.state, OutboxMessage.held_at.is_not(None))
    )
    found: dict[str, int] = {}
    for state, is_held, count in rows:
        key = "held" if is_held and state in ("due", "retry") else state
        found[key] = found.get(key, 0) + count
    found["attention"] = (
        session.scalar(select(func.count()).select_from(OutboxMessage).where(*reach, needs_attention())) or 0
    )
    return found


def lock_message(session: Session, message_id: int) -> OutboxMessage | None:
    """One message, locked: a worker that is about to take it passes it over until the caller commits."""
    return session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.id == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


@dataclass(frozen=True)
class Refusal:
    """That mail to an address is refused: the server's words, and since when."""

    words: str
    at: datetime


def refusals_of(session: Session, email_keys: Collection[str]) -> dict[str, Refusal]:
    """Address in lower case -> why mail to it is refused. Absent when none is, or a later mail was taken.

    A mail that was sent after the refusal and did not come back says that the address works again.
    """
    address = func.lower(OutboxMessage.to_email)
    keys = list(email_keys)
    found: dict[str, Refusal] = {}
    for first in range(0, len(keys), 500):
        rows = session.execute(
            select(address, OutboxMessage.last_error, OutboxMessage.refused_at)
            .where(OutboxMessage.refused_at.is_not(None), address.in_(keys[first : first + 500]))
            .order_by(OutboxMessage.refused_at, OutboxMessage.id)
        )
        found.update({key: Refusal(words, at) for key, words, at in rows if at is not None})
    if not found:
        return {}
    taken = session.execute(
        select(address, func.max(OutboxMessage.sent_at))
        .where(OutboxMessage.sent_at.is_not(None), OutboxMessage.bounced != "permanent", address.in_(list(found)))
        .group_by(address)
    )
    for key, sent_at in taken:
        if sent_at > found[key].at:
            del found[key]
    return found

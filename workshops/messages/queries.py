"""Reads the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from workshops.messages.models import OutboxMessage


def is_due(now: datetime) -> ColumnElement[bool]:
    """The condition for a message that may be taken now: its time has come, or its lease has run out."""
    waiting = and_(OutboxMessage.state.in_(("due", "retry")), OutboxMessage.due_at <= now)
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


def queue_age(session: Session, now: datetime) -> float:
    """For how many seconds the oldest message has been due without being tried; 0.0 when the worker keeps up.

    A message that the mail server put off counts from its next try, so one slow mailbox raises no alarm.
    """
    oldest = session.scalar(select(func.min(OutboxMessage.due_at)).where(is_due(now)))
    return 0.0 if oldest is None else (now - oldest).total_seconds()


def count_by_state(session: Session) -> dict[str, int]:
    """How many messages are in each state; states without any are absent."""
    rows = session.execute(select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state))
    return {str(state): int(count) for state, count in rows.all()}

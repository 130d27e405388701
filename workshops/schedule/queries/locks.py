"""Locks of the schedule. Order: the schedule, then events by id, then the public version (at commit)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from workshops.core import db as database
from workshops.core.errors import NotFound
from workshops.schedule.models import Event, Kind
from workshops.schedule.queries.events import WITH_NAMES


def lock_event(session: Session, event_id: int) -> Event:
    """The event, fresh, and nobody else may count or take its places until this transaction ends.

    A row lock on PostgreSQL; on SQLite there is one writer at a time anyway. Raises NotFound.
    """
    statement = select(Event).where(Event.id == event_id).execution_options(populate_existing=True)
    if database.locking_is_on and session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(of=Event)
    event = session.scalar(statement)
    if event is None:
        raise NotFound("This event is not here any more.")
    return event


def lock_events(session: Session, which: ColumnElement[bool]) -> Sequence[Event]:
    """These events with their names, fresh, by id, locked as `lock_event` does: for what changes many of them at once.

    Without it, what was read before somebody else's change would be written over that change.
    """
    statement = select(Event).options(*WITH_NAMES).where(which).order_by(Event.id)
    if database.locking_is_on and session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(of=Event).execution_options(populate_existing=True)
    return session.scalars(statement).all()


def lock_schedule(session: Session) -> None:
    """Let one transaction at a time make events, hosts, venues, programmes and topics.

    So no two of them choose the same slug or make the same venue twice. The first kind's row stands for
    the whole; the lock is the weak one that foreign keys to that row do not wait for.
    """
    if database.locking_is_on and session.get_bind().dialect.name == "postgresql":
        session.execute(select(Kind.id).order_by(Kind.id).limit(1).with_for_update(key_share=True))

"""Moves the version of all that is planned with whatever changes it, whichever way it is written.

Staff pages about many events are kept by that version (views.gap_map). Nobody has to remember to move it: the
database session tells of each row that is added, changed or deleted, and of each UPDATE and DELETE over many.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.base import instance_state

from workshops.accounts.models import Account
from workshops.core.versions import touch_planning
from workshops.schedule.models import (
    Event,
    EventFacilitator,
    EventTopic,
    Host,
    Kind,
    Programme,
    Room,
    Topic,
    Venue,
)

#: The tables of what is planned. An account counts for the name of who runs an event.
PLANNED = (Event, EventFacilitator, EventTopic, Host, Kind, Programme, Room, Topic, Venue, Account)
#: What changes with every registration, or follows from other columns, and is planned by nobody.
NOT_PLANNED = frozenset({
    "taken_in_person", "taken_online", "waiting_in_person", "waiting_online",
    "held_in_person", "held_online", "version", "vevent", "revised_at",
    "parts_done", "folded",
})  # fmt: skip
#: Of an account only this is shown.
OF_AN_ACCOUNT = frozenset({"name", "email"})


def watch_planning() -> None:
    """Watch every database session from now on. Watching twice has no effect."""
    if not event.contains(Session, "before_flush", _before_flush):
        event.listen(Session, "before_flush", _before_flush)
        event.listen(Session, "do_orm_execute", _on_many)


def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    rows = (*session.new, *session.deleted, *(row for row in session.dirty if _is_planned_otherwise(row)))
    if any(isinstance(row, PLANNED) for row in rows):
        touch_planning(session)


def _is_planned_otherwise(row: Any) -> bool:
    if not isinstance(row, PLANNED):
        return False
    state = instance_state(row)
    touched = set(state.committed_state)
    shown = touched & OF_AN_ACCOUNT if isinstance(row, Account) else touched - NOT_PLANNED
    return any(state.attrs[name].history.has_changes() for name in shown)


def _on_many(state: ORMExecuteState) -> None:
    if not (state.is_update or state.is_delete or state.is_insert):
        return
    if state.bind_mapper is not None and issubclass(state.bind_mapper.class_, PLANNED):
        touch_planning(state.session)

"""Sets marks of attendance, and reminds of registers nobody has filled in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.attendance.models import AttendanceMark
from workshops.attendance.queries import attendance_of, counts, past_events_without_marks
from workshops.attendance.rules import checked_status, marks_to_change
from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.core.errors import NotFound
from workshops.registration.models import Registration
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.service import touch_event
from workshops.schedule.signals import Attention


def set_marks(
    session: Session, *, event: Event, marks: Mapping[int, str | None], now: datetime, actor: Actor
) -> frozenset[int]:
    """Record how people were seen, all of it or none.

    marks: registration id -> status, None for "not recorded"; who is not named keeps their mark.
    Answers the ids of the registrations whose mark changed. Raises NotFound when one is of another event or
    holds no place there (taking a mark away is always possible), UnknownStatus for a status that is none.
    """
    event = lock_event(session, event.id)  # two phones at one door: the second sees what the first has set
    wanted = {key: checked_status(status or "") for key, status in marks.items()}
    known = attendance_of(session, event.id)
    _refuse_strangers(session, event.id, wanted)
    changed = marks_to_change({key: mark.status for key, mark in known.items()}, wanted)
    for key, status in sorted(changed.items()):
        _set_one(session, known.get(key), key, status, now, actor)
        audit.record(
            session,
            now=now,
            actor=actor,
            action="attendance_marked" if status else "attendance_unmarked",
            subject=("registration", key),
            event_id=event.id,
            fields=("attendance",),
        )
    if changed:
        touch_event(session, event)  # a past event's page says how many came
    session.flush()
    return frozenset(changed)


def _refuse_strangers(session: Session, event_id: int, wanted: Mapping[int, str | None]) -> None:
    """Every person named belongs to this event, and who is marked holds a place there."""
    rows = session.execute(
        select(Registration.id, Registration.state).where(Registration.event_id == event_id).order_by(Registration.id)
    )
    states = {row.id: row.state for row in rows}
    for key, status in wanted.items():
        if key not in states or (status is not None and states[key] != "confirmed"):
            raise NotFound


def _set_one(
    session: Session, mark: AttendanceMark | None, registration_id: int, status: str | None, now: datetime, actor: Actor
) -> None:
    if status is None:
        if mark is not None:
            session.delete(mark)
        return
    if mark is None:
        mark = AttendanceMark(registration_id=registration_id)
        session.add(mark)
    mark.status = status
    mark.method = "register"
    mark.marked_at = now
    mark.marked_by = actor.id if actor.kind == "staff" else None


def attention_for(_sender: Any, *, session: Session, now: datetime, user: Any, **_: Any) -> list[Attention]:
    """Past events that this person may run for which nothing is recorded."""
    if user.role == "viewer":
        return []
    return [
        Attention(f"Record who came to {event.title}", 1, "attendance.attendance_after", {"slug": event.slug})
        for event in past_events_without_marks(session, now=now, user=user)
    ]


def count_for_host(event: Event, *, session: Session, now: datetime, **_: Any) -> list[tuple[str, int]]:
    """How many came, for the page of a partner who hosts the event; nothing before anybody is marked."""
    known = counts(session, event.id)
    return [("Came", known.came)] if known.is_begun and now >= event.sort_at else []

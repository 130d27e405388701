"""The dates of a series."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.schedule.models import Event
from workshops.schedule.queries.events import WITH_NAMES
from workshops.schedule.rules.series import FOLLOWING


def dates_of_series(session: Session, event: Event) -> list[Event]:
    """All dates of an event, itself included, in any state, first ones first; alone when it has no series."""
    if event.series_id is None:
        return [event]
    return list(
        session.scalars(
            select(Event)
            .options(*WITH_NAMES)
            .where(Event.series_id == event.series_id)
            .order_by(Event.sort_at, Event.id)
        )
    )


def open_dates(session: Session, event: Event, now: datetime) -> list[Event]:
    """The other dates of an event that a change may reach: not over, not cancelled."""
    if event.series_id is None:
        return []
    return list(
        session.scalars(
            select(Event)
            .options(*WITH_NAMES)
            .where(
                Event.series_id == event.series_id,
                Event.id != event.id,
                Event.state.in_(FOLLOWING),
                Event.over_at > now,
                Event.month.is_(None),
            )
            .order_by(Event.sort_at, Event.id)
        )
    )


def starts_of_series(session: Session, event: Event) -> set[datetime | date | None]:
    """When the dates of an event begin, its own included and cancelled ones not: instants, or days for whole days."""
    mine = Event.id == event.id if event.series_id is None else Event.series_id == event.series_id
    rows = session.execute(select(Event.starts_at, Event.starts_on).where(mine, Event.state != "cancelled"))
    return {row.starts_at or row.starts_on for row in rows}

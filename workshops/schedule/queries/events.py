"""One event, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from workshops.schedule.models import Event, EventTopic, Topic

T = TypeVar("T")

#: What every page and calendar entry of an event needs beside its own row.
WITH_NAMES = (
    joinedload(Event.kind),
    joinedload(Event.host),
    joinedload(Event.programme),
    joinedload(Event.venue),
    joinedload(Event.room),
)
#: How many values one IN may hold, so that no engine's limit on parameters is met.
CHUNK = 500


def event_by_slug(session: Session, slug: str) -> Event | None:
    """The event at this address, in any state."""
    return session.scalar(select(Event).options(*WITH_NAMES).where(Event.slug == slug))


def published_event(session: Session, slug: str) -> Event | None:
    """The event that the public finds at this address: published, postponed or cancelled, never a draft."""
    return session.scalar(select(Event).options(*WITH_NAMES).where(Event.slug == slug, Event.state != "draft"))


def events_by_slug(session: Session, slugs: Sequence[str]) -> dict[str, Event]:
    """The events that the public finds at these addresses, by address."""
    found = session.scalars(select(Event).options(*WITH_NAMES).where(Event.slug.in_(slugs), Event.state != "draft"))
    return {event.slug: event for event in found}


def other_dates(session: Session, event: Event, now: datetime) -> list[Event]:
    """The other published events of the same series that are not over, first ones first."""
    if event.series_id is None:
        return []
    return list(
        session.scalars(
            select(Event)
            .options(*WITH_NAMES)
            .where(
                Event.series_id == event.series_id,
                Event.id != event.id,
                Event.state == "published",
                Event.is_listed,
                Event.over_at > now,
            )
            .order_by(Event.sort_at, Event.id)
        )
    )


def upcoming_of_programme(session: Session, programme_id: int, now: datetime, limit: int = 100) -> list[Event]:
    """The published events of a programme that have not begun, first ones first."""
    return list(
        session.scalars(
            select(Event)
            .options(*WITH_NAMES)
            .where(Event.programme_id == programme_id, Event.state == "published", Event.sort_at > now)
            .order_by(Event.sort_at, Event.id)
            .limit(limit)
        )
    )


def topics_of(session: Session, event_ids: Iterable[int]) -> dict[int, list[Topic]]:
    """The topics of each of these events, in the order in which they were written; every id has its list."""
    found: dict[int, list[Topic]] = {event_id: [] for event_id in event_ids}
    for some in chunks(list(found)):
        rows = session.execute(
            select(EventTopic.event_id, Topic)
            .join(Topic, Topic.id == EventTopic.topic_id)
            .where(EventTopic.event_id.in_(some))
            .order_by(EventTopic.event_id, EventTopic.position, Topic.id)
        )
        for event_id, topic in rows:
            found[event_id].append(topic)
    return found


def chunks(values: Sequence[T]) -> list[Sequence[T]]:
    """The values in portions that fit into one IN."""
    return [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]

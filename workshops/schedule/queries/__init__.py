"""SELECTs of the schedule, each with a total order. Other slices use the names below."""

from __future__ import annotations

from workshops.schedule.queries.events import (
    event_by_slug,
    events_by_slug,
    other_dates,
    published_event,
    topics_of,
)
from workshops.schedule.queries.locks import lock_event, lock_schedule

__all__ = [
    "event_by_slug",
    "events_by_slug",
    "lock_event",
    "lock_schedule",
    "other_dates",
    "published_event",
    "topics_of",
]

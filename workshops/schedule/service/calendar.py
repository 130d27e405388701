"""Keeping what is derived from an event true: its VEVENT, SEQUENCE, DTSTAMP, search text and versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.core.versions import touch_public
from workshops.ical.entry import CalendarEntry
from workshops.ical.sequence import raises_sequence
from workshops.ical.serialise import vevent_bytes
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.models import Event
from workshops.schedule.queries.events import topics_of
from workshops.schedule.queries.locks import lock_events
from workshops.schedule.rules.folding import search_text
from workshops.schedule.service.places import touch_event


def renew(
    session: Session,
    event: Event,
    before: CalendarEntry | None,
    *,
    topics: Sequence[str],
    now: datetime,
    settings: Settings,
) -> bool:
    """Make what is derived from a changed event anew; whether SEQUENCE was raised.

    before: its entry before the change.   topics: the names it has now.
    DTSTAMP moves only when a calendar shows something else; SEQUENCE with time, end, place and state
    (RFC 5545 3.8.7.4). The public version moves unless the event was and is a draft.
    """
    raised = derive(session, event, before, topics=topics, now=now, settings=settings)
    session.flush()
    return raised


def derive(
    session: Session,
    event: Event,
    before: CalendarEntry | None,
    *,
    topics: Sequence[str],
    now: datetime,
    settings: Settings,
) -> bool:
    """As renew, for an event that is written to the database later, together with others."""
    event.folded = search_text("\n".join(_searched(event, topics)))
    after = entry_for(event, settings=settings, topics=topics)
    raised = False
    if after is None:
        event.vevent = None
        event.revised_at = now if before is not None else event.revised_at
    elif before is None or not same_entry(before, after):
        raised = before is not None and raises_sequence(before, after)
        event.sequence += raised
        event.revised_at = max(now, event.revised_at)
        event.vevent = vevent_bytes(replace(after, sequence=event.sequence, revised_at=event.revised_at))
    touch_event(session, event)
    return raised


def same_entry(before: CalendarEntry, after: CalendarEntry) -> bool:
    """Whether a calendar would show the same, leaving aside when it was written."""
    return replace(before, sequence=after.sequence, revised_at=after.revised_at) == after


def topic_names(session: Session, event_ids: Sequence[int]) -> dict[int, list[str]]:
    """The names of the topics of each event."""
    return {event_id: [topic.name for topic in found] for event_id, found in topics_of(session, event_ids).items()}


@contextmanager
def refreshing(
    session: Session, mine: ColumnElement[bool], *, now: datetime, settings: Settings, if_any: Sequence[str]
) -> Iterator[None]:
    """Around a change of something that events show, such as a venue: all events of `mine` follow it.

    if_any: the names of what changes; empty means that nothing is done.
    """
    if not if_any:
        yield
        return
    events = lock_events(session, mine)
    names = topic_names(session, [event.id for event in events])
    before = {event.id: entry_for(event, settings=settings, topics=names[event.id]) for event in events}
    yield
    names = topic_names(session, list(before))
    for event in events:
        renew(session, event, before[event.id], topics=names[event.id], now=now, settings=settings)
    touch_public(session)


def _searched(event: Event, topics: Sequence[str]) -> list[str]:
    venue = event.venue
    return [
        event.title,
        event.summary,
        event.kind.name,
        event.host.name if event.host else "",
        event.programme.title if event.programme else "",
        *((venue.name, venue.address, venue.postcode, venue.area) if venue else ()),
        event.room.name if event.room else "",
        event.area,
        *topics,
    ]

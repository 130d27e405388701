"""Finding the events that rows of an import may be about, in a few SELECTs for the whole file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from workshops.schedule.models import Event, Host, Programme, Topic, Venue
from workshops.schedule.queries.events import WITH_NAMES, chunks


def events_with_uids(session: Session, uids: Iterable[str]) -> dict[str, Event]:
    """Events by their own UID, and by the foreign one they were imported with. An own UID goes first."""
    wanted = sorted(set(uids) - {""})
    own: dict[str, Event] = {}
    foreign: dict[str, Event] = {}
    for some in chunks(wanted):
        statement = (
            select(Event)
            .options(*WITH_NAMES)
            .where(or_(Event.uid.in_(some), Event.foreign_uid.in_(some)))
            .order_by(Event.id)
        )
        for event in session.scalars(statement):
            own[event.uid] = event
            if event.foreign_uid:
                foreign[event.foreign_uid] = event
    return {uid: found for uid in wanted if (found := own.get(uid) or foreign.get(uid)) is not None}


def events_starting(session: Session, instants: Iterable[datetime]) -> list[Event]:
    """Every event that begins at one of these instants, in order."""
    found: list[Event] = []
    for some in chunks(sorted(set(instants))):
        statement = (
            select(Event).options(*WITH_NAMES).where(Event.sort_at.in_(some)).order_by(Event.sort_at, Event.id)
        )
        found.extend(session.scalars(statement))
    return found


def all_slugs(session: Session) -> set[str]:
    """The slugs of all events."""
    return set(session.scalars(select(Event.slug)))


#: What rows may bring along, by what it is called, with what it is known by.
_MADE: dict[str, tuple[Any, Any]] = {
    "hosts": (Host, Host.name),
    "venues": (Venue, Venue.name),
    "programmes": (Programme, Programme.title),
    "topics": (Topic, Topic.name),
}


def newest_names(session: Session) -> dict[str, int]:
    """The last host, venue, programme and topic that is here, by its id."""
    return {what: session.scalar(select(func.max(model.id))) or 0 for what, (model, _) in _MADE.items()}


def names_since(session: Session, newest: dict[str, int]) -> dict[str, tuple[str, ...]]:
    """The names of what was made since `newest_names` looked."""
    found: dict[str, tuple[str, ...]] = {}
    for what, (model, name) in _MADE.items():
        statement = select(name).where(model.id > newest[what]).order_by(model.id)
        names = tuple(text or "a place without a name" for text in session.scalars(statement))
        if names:
            found[what] = names
    return found

"""Hosts, topics and venues in lists for staff: found by words, counted, in pages; what merged ones are called now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from workshops.schedule.models import Event, EventTopic, Host, HostAlias, Room, Topic, TopicAlias, Venue
from workshops.schedule.rules.finding import like_pattern
from workshops.schedule.rules.folding import fold

PAGE_SIZE = 50

Row = TypeVar("Row", Host, Topic, Venue)


@dataclass(frozen=True)
class NamesPage(Generic[Row]):
    """One page of a list, how many events each row has by its id, and how many rows there are on all pages."""

    rows: Sequence[Row]
    counts: dict[int, int]
    total: int
    page: int
    pages: int


def called_now(session: Session, what: str, slug: str) -> tuple[str, str] | None:
    """(slug, name) of the host or topic into which the one at this address was merged, or None."""
    model, alias = (Host, HostAlias) if what == "host" else (Topic, TopicAlias)
    row = session.execute(
        select(model.slug, model.name).join(alias, alias.owner_id == model.id).where(alias.slug == slug)
    ).first()
    return (row[0], row[1]) if row and slug else None


def venues_page(session: Session, words: str = "", page: int = 1) -> NamesPage[Venue]:
    """Venues by name, those without a name by address. words: all must stand in name, address, postcode or area."""
    conditions = [
        or_(
            Venue.name_key.like(pattern, escape="\\"),
            Venue.address_key.like(pattern, escape="\\"),
            func.lower(Venue.postcode).like(pattern, escape="\\"),
            func.replace(func.lower(Venue.postcode), " ", "").like(pattern, escape="\\"),
            func.lower(Venue.area).like(pattern, escape="\\"),
        )
        for pattern in _patterns(words)
    ]
    return _page(session, Venue, conditions, (Venue.name_key, Venue.address_key, Venue.id), Event.venue_id, page)


def hosts_page(session: Session, words: str = "", page: int = 1) -> NamesPage[Host]:
    """Hosts by name. words: as with events, without accents and case."""
    return _named_page(session, Host, Event.host_id, words, page)


def topics_page(session: Session, words: str = "", page: int = 1) -> NamesPage[Topic]:
    """Topics by name."""
    return _named_page(session, Topic, EventTopic.topic_id, words, page)


def _named_page(session: Session, model: Any, used_by: Any, words: str, page: int) -> NamesPage[Any]:
    # Their names are not kept folded, and are few enough to be folded here: a team has hundreds, not thousands.
    wanted = fold(words).split()
    rows = [row for row in session.execute(select(model.id, model.name).order_by(model.id))
            if all(word in fold(row.name) for word in wanted)]  # fmt: skip
    rows.sort(key=lambda row: (fold(row.name), row.id))
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    page = min(max(1, page), pages)
    ids = [row.id for row in rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]]
    found = {row.id: row for row in session.scalars(select(model).where(model.id.in_(ids)).order_by(model.id))}
    shown = [found[one] for one in ids]
    return NamesPage(shown, event_counts(session, used_by, ids), len(rows), page, pages)


def _page(
    session: Session, model: Any, conditions: list[Any], order: tuple[Any, ...], used_by: Any, page: int
) -> NamesPage[Any]:
    total = session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    statement = select(model).where(*conditions).order_by(*order).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    rows = list(session.scalars(statement))
    return NamesPage(rows, event_counts(session, used_by, [row.id for row in rows]), total, page, pages)


def _patterns(words: str) -> list[str]:
    return [like_pattern(word) for word in fold(words).split()]


def event_counts(session: Session, used_by: Any, ids: Sequence[int]) -> dict[int, int]:
    """How many events each of these rows has, drafts included. used_by: the column that names the row."""
    rows = session.execute(select(used_by, func.count()).where(used_by.in_(ids)).group_by(used_by).order_by(used_by))
    return {row[0]: row[1] for row in rows}


def count_of(session: Session, what: Literal["venue", "host", "topic"], row_id: int) -> int:
    """How many events one venue, host or topic has."""
    column = {"venue": Event.venue_id, "host": Event.host_id, "topic": EventTopic.topic_id}[what]
    return event_counts(session, column, [row_id]).get(row_id, 0)


def rooms_with_counts(session: Session, venue_id: int) -> list[tuple[Room, int]]:
    """The rooms of a venue by name, each with how many events are in it."""
    rooms = session.scalars(select(Room).where(Room.venue_id == venue_id).order_by(Room.name_key, Room.id)).all()
    counts = event_counts(session, Event.room_id, [room.id for room in rooms])
    return [(room, counts.get(room.id, 0)) for room in rooms]


def alike_venues(session: Session, venue: Venue, limit: int = 10) -> list[Venue]:
    """Other venues that may be the same one: of the same postcode, name or address, closest to it in the alphabet."""
    same = [Venue.name_key == venue.name_key] if venue.name_key else []
    same += [Venue.postcode == venue.postcode] if venue.postcode else []
    same += [Venue.address_key == venue.address_key] if venue.address_key else []
    first = venue.name_key.split(" ")[0] if venue.name_key else ""
    same += [Venue.name_key.like(like_pattern(first), escape="\\")] if len(first) > 3 else []
    if not same:
        return []
    return list(
        session.scalars(
            select(Venue)
            .where(or_(*same), Venue.id != venue.id)
            .order_by(Venue.name_key, Venue.address_key, Venue.id)
            .limit(limit)
        )
    )


def earlier_names(session: Session, what: Literal["host", "topic"], row_id: int) -> list[str]:
    """The names, folded, under which a host or topic is found beside its own."""
    alias: Any = HostAlias if what == "host" else TopicAlias
    return list(session.scalars(select(alias.name_key).where(alias.owner_id == row_id).order_by(alias.name_key)))


def known_topics(session: Session) -> tuple[str, ...]:
    """Every name that a topic has or had: what the form of an event takes."""
    now = session.scalars(select(Topic.name).order_by(Topic.slug, Topic.id))
    before = session.scalars(select(TopicAlias.name_key).order_by(TopicAlias.name_key))
    return (*now, *before)


def alike_names(session: Session, model: type[Host] | type[Topic], row: Host | Topic, limit: int = 10) -> list[Any]:
    """Other hosts or topics that may mean the same: they share a longer word with it, or begin alike."""
    mine = fold(row.name)
    words = {word for word in mine.split() if len(word) > 3}
    rows: list[Any] = list(session.scalars(select(model).where(model.id != row.id).order_by(model.slug, model.id)))
    found = [
        other
        for other in rows
        if words & set(fold(other.name).split()) or fold(other.name)[:4] == mine[:4]
    ]
    return found[:limit]

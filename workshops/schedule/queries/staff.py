"""What staff pages list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from workshops.accounts.models import Account
from workshops.accounts.rules import Signed
from workshops.schedule.models import Event, Host, Kind, Programme, Topic, Venue
from workshops.schedule.queries.events import WITH_NAMES
from workshops.schedule.queries.reach import runs

PAGE_SIZE = 25

Shown = Literal["upcoming", "drafts", "past"]


@dataclass(frozen=True)
class StaffPage:
    """One page of events, and how many there are on all pages."""

    events: Sequence[Event]
    total: int
    page: int
    pages: int


def staff_events(
    session: Session, *, shown: Shown, mine: Signed | None, now: datetime, page: int = 1
) -> StaffPage:
    """Events for "My events".

    shown: upcoming (not over, drafts included), drafts (in any time), past (newest first).
    mine: only those that this account runs; None is everybody's. A page past the end gives the last one.
    """
    wanted = {
        "upcoming": [Event.over_at > now],
        "drafts": [Event.state == "draft"],
        "past": [Event.over_at <= now, Event.state != "draft"],
    }[shown]
    if mine is not None:
        wanted.append(runs(mine))
    total = session.scalar(select(func.count()).select_from(Event).where(*wanted)) or 0
    pages = max(1, -(-total // PAGE_SIZE))
    page = min(max(1, page), pages)
    order = (Event.sort_at.desc(), Event.id.desc()) if shown == "past" else (Event.sort_at, Event.id)
    events = session.scalars(
        select(Event)
        .options(*WITH_NAMES, joinedload(Event.owner))
        .where(*wanted)
        .order_by(*order)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    )
    return StaffPage(list(events), total, page, pages)


def kinds_by_name(session: Session) -> list[Kind]:
    """All kinds, by id: the order in which they were added."""
    return list(session.scalars(select(Kind).order_by(Kind.id)))


def kind_counts(session: Session) -> dict[int, int]:
    """How many events each kind has; kinds without one are absent."""
    rows = session.execute(select(Event.kind_id, func.count()).group_by(Event.kind_id).order_by(Event.kind_id))
    return {row[0]: row[1] for row in rows}


def all_venues(session: Session) -> list[Venue]:
    """All venues by name, those without a name by address."""
    return list(session.scalars(select(Venue).order_by(Venue.name_key, Venue.address_key, Venue.id)))


def venue_counts(session: Session) -> dict[int, int]:
    """How many events each venue has; venues without one are absent."""
    rows = session.execute(
        select(Event.venue_id, func.count())
        .where(Event.venue_id.is_not(None))
        .group_by(Event.venue_id)
        .order_by(Event.venue_id)
    )
    return {venue_id: count for venue_id, count in rows if venue_id is not None}


def all_programmes(session: Session) -> list[Programme]:
    """All programmes by title."""
    return list(session.scalars(select(Programme).order_by(Programme.title_key, Programme.id)))


def programme_counts(session: Session) -> dict[int, int]:
    """How many events each programme has; programmes without one are absent."""
    rows = session.execute(
        select(Event.programme_id, func.count())
        .where(Event.programme_id.is_not(None))
        .group_by(Event.programme_id)
        .order_by(Event.programme_id)
    )
    return {programme_id: count for programme_id, count in rows if programme_id is not None}


def programme_by_slug(session: Session, slug: str) -> Programme | None:
    """The programme at this address, published or not."""
    return session.scalar(select(Programme).where(Programme.slug == slug))


def host_names(session: Session) -> list[str]:
    """The names of all hosts, for suggestions."""
    return list(session.scalars(select(Host.name).order_by(Host.slug)))


def topic_names(session: Session) -> list[str]:
    """The names of all topics, for suggestions."""
    return list(session.scalars(select(Topic.name).order_by(Topic.slug)))


def possible_owners(session: Session) -> list[Account]:
    """Accounts that may look after an event: active, and of a role that runs events."""
    return list(
        session.scalars(
            select(Account)
            .where(Account.is_active, Account.role.in_(("facilitator", "organiser", "admin")))
            .order_by(Account.name, Account.email_key, Account.id)
        )
    )


def series_of(session: Session, event: Event) -> list[Event]:
    """All dates of the same series but this one, in any state."""
    if event.series_id is None:
        return []
    return list(
        session.scalars(
            select(Event)
            .where(Event.series_id == event.series_id, Event.id != event.id)
            .order_by(Event.sort_at, Event.id)
        )
    )

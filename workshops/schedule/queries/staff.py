"""What staff pages list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload

from workshops.accounts.models import Account
from workshops.accounts.rules import Signed
from workshops.core.london_time import london_date
from workshops.schedule.models import Event, Host, Kind, Programme, ProgrammeOrganiser, Topic, Venue
from workshops.schedule.queries.events import WITH_NAMES
from workshops.schedule.queries.reach import runs
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.programmes import ProgrammeState, programme_state

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


def events_where(
    session: Session,
    condition: ColumnElement[bool],
    *,
    page: int = 1,
    latest_first: bool = False,
    size: int = PAGE_SIZE,
) -> StaffPage:
    """All events of a kind, in any state and at any time, in pages: those of a venue, a host, a programme."""
    total = session.scalar(select(func.count()).select_from(Event).where(condition)) or 0
    pages = max(1, -(-total // size))
    page = min(max(1, page), pages)
    order = (Event.sort_at.desc(), Event.id.desc()) if latest_first else (Event.sort_at, Event.id)
    events = session.scalars(
        select(Event)
        .options(*WITH_NAMES, joinedload(Event.owner))
        .where(condition)
        .order_by(*order)
        .limit(size)
        .offset((page - 1) * size)
    )
    return StaffPage(list(events), total, page, pages)


def people_to_come(session: Session, condition: ColumnElement[bool], now: datetime) -> tuple[int, int]:
    """(events, people) still to come among these: how many are published or postponed, and registered or waiting."""
    people = Event.taken_in_person + Event.taken_online + Event.waiting_in_person + Event.waiting_online
    events, number = session.execute(
        select(func.count(), func.coalesce(func.sum(people), 0)).where(
            condition, Event.state.in_(("published", "postponed")), Event.over_at > now
        )
    ).one()
    return events, int(number)


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


@dataclass(frozen=True, kw_only=True)
class StaffProgramme:
    """One programme in a list of staff. first_on, last_on: its own days, else those of its listed events."""

    id: int
    slug: str
    title: str
    state: ProgrammeState
    first_on: date | None
    last_on: date | None
    is_exact: bool
    events: int
    drafts: int
    cancelled: int
    remaining: int


def staff_programme_rows(session: Session, now: datetime, programme_id: int | None = None) -> list[StaffProgramme]:
    """All programmes, or one: running ones first, then announced, draft and past ones. One SELECT.

    remaining: published or postponed events that are not over.
    """
    shown = case((and_(Event.state != "draft", Event.is_listed), Event.id))
    statement = (
        select(
            Programme,
            func.count(Event.id).label("events"),
            func.count(case((Event.state == "draft", Event.id))).label("drafts"),
            func.count(case((Event.state == "cancelled", Event.id))).label("cancelled"),
            func.count(
                case((and_(Event.state.in_(("published", "postponed")), Event.over_at > now), Event.id))
            ).label("remaining"),
            func.min(case((shown.is_not(None), Event.sort_at))).label("first_at"),
            func.max(case((shown.is_not(None), Event.over_at))).label("over_at"),
            func.count(case((shown.is_not(None), Event.month))).label("months"),
        )
        .outerjoin(Event, Event.programme_id == Programme.id)
        .group_by(Programme.id)
        .order_by(Programme.id)
    )
    if programme_id is not None:
        statement = statement.where(Programme.id == programme_id)
    found, today = [], london_date(now)
    for row in session.execute(statement):
        one: Programme = row.Programme
        first_on = one.starts_on or (london_date(row.first_at) if row.first_at else None)
        last_on = one.ends_on or (london_date(row.over_at - timedelta(seconds=1)) if row.over_at else one.starts_on)
        if first_on and last_on and last_on < first_on:
            last_on = first_on
        found.append(
            StaffProgramme(
                id=one.id, slug=one.slug, title=one.title, first_on=first_on, last_on=last_on,
                state=programme_state(one.is_published, first_on, last_on, today),
                is_exact=bool(one.starts_on) or not row.months, events=row.events, drafts=row.drafts,
                cancelled=row.cancelled, remaining=row.remaining,
            )
        )  # fmt: skip
    order = {"running": 0, "announced": 1, "draft": 2, "past": 3}
    far = date.max.toordinal()
    found.sort(key=lambda one: (
        order[one.state],
        # What is past goes backwards: the latest first.
        (-1 if one.state == "past" else 1) * (one.first_on.toordinal() if one.first_on else far),
        fold(one.title), one.id,
    ))  # fmt: skip
    return found


def organisers_of(session: Session, programme_id: int) -> list[Account]:
    """The accounts named in a programme, by name."""
    return list(
        session.scalars(
            select(Account)
            .join(ProgrammeOrganiser, ProgrammeOrganiser.account_id == Account.id)
            .where(ProgrammeOrganiser.programme_id == programme_id)
            .order_by(Account.name, Account.email_key, Account.id)
        )
    )


def possible_organisers(session: Session, named: Sequence[int] = ()) -> list[Account]:
    """Accounts that may organise a programme: active organisers and admins, and those that are named already."""
    return list(
        session.scalars(
            select(Account)
            .where(
                Account.role.in_(("organiser", "admin")),
                or_(Account.is_active, Account.id.in_(named)),
            )
            .order_by(Account.name, Account.email_key, Account.id)
        )
    )


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

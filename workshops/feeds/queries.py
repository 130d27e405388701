"""SELECTs of the feeds: ready-made VEVENTs in order, and published write-ups. Nothing is serialised here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from workshops.accounts.models import Account
from workshops.accounts.rules import Signed
from workshops.audit.models import AuditEntry
from workshops.feeds.clients import CENTRAL
from workshops.feeds.models import FeedFetches, StaffCalendar
from workshops.feeds.rules import LOOKED_AT_DAYS, Health, Window
from workshops.followup.models import WriteUp
from workshops.registration.models import CalendarToken, Registration
from workshops.schedule.calendar_entry import entry_title, location_words, venue_words
from workshops.schedule.models import Event, Host, Programme, Series, Venue
from workshops.schedule.queries.names import called_now
from workshops.schedule.queries.public import Found, conditions_of, event_view, is_public
from workshops.schedule.queries.reach import runs, within_reach
from workshops.schedule.rules.public_state import when_text

#: The Atom feeds hold the latest so many write-ups, and events.
WRITE_UPS = 100
NEW_EVENTS = 100
#: Feeds and programs that the page of staff lists.
FEEDS_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """One event as the Atom feed of new events tells it. uid: its permanent UID.   title: says so when it is off."""

    uid: str
    title: str
    slug: str
    summary: str
    host: str
    added_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Whole:
    """What a feed that is whole is about. name: in words.   slug: for file names.   which: its events."""

    name: str
    slug: str
    which: ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class PublishedWriteUp:
    """One published write-up as the Atom feed shows it. uid: a permanent urn:uuid."""

    uid: str
    title: str
    url: str
    published_on: date | None
    updated_at: datetime
    event_title: str
    event_slug: str
    event_when: str
    host: str


def vevents_found(session: Session, found: Found, window: Window, now: datetime) -> list[bytes]:
    """The VEVENTs of everything public that a question finds, sorted by start, then UID."""
    if not found.matches_all:
        return []
    return _vevents(session, [*conditions_of(found, scope="all", now=now), *_in_window(window)])


def upcoming_count(session: Session, found: Found, now: datetime) -> int:
    """How many events to come a question finds."""
    conditions = conditions_of(found, scope="upcoming", now=now)
    return session.scalar(select(func.count()).select_from(Event).where(*conditions)) or 0


def vevents_of_programme(session: Session, programme_id: int, window: Window) -> list[bytes]:
    """The VEVENTs of a whole programme, sorted by start, then UID."""
    return _vevents(session, [is_public(), Event.programme_id == programme_id, *_in_window(window)])


def vevents_of(session: Session, which: ColumnElement[bool], window: Window) -> list[bytes]:
    """The VEVENTs of all public events of a host, venue or series, sorted by start, then UID."""
    return _vevents(session, [is_public(), which, *_in_window(window)])


def _vevents(session: Session, conditions: list[ColumnElement[bool]]) -> list[bytes]:
    statement = select(Event.vevent).where(*conditions, Event.vevent.is_not(None)).order_by(Event.sort_at, Event.uid)
    # All rows in one go and without the session's bookkeeping: this is what a feed costs after a change.
    return [vevent for (vevent,) in session.connection().execute(statement).all() if vevent]


def _in_window(window: Window) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        or_(
            Event.state == "published",
            Event.state_changed_at.is_(None),
            Event.state_changed_at >= window.cancelled_since,
        )
    ]
    if window.ends_after is not None:
        conditions.append(Event.over_at > window.ends_after)
    return conditions


def programme_at(session: Session, slug: str) -> Programme | None:
    """The published programme at this address."""
    return session.scalar(select(Programme).where(Programme.slug == slug, Programme.is_published))


def host_at(session: Session, slug: str) -> Whole | None:
    """The host at this address, or the one into which it was merged, when it runs or ran something public."""
    now = called_now(session, "host", slug)
    host = session.scalar(select(Host).where(Host.slug == (now[0] if now else slug)))
    if host is None or not _has_public(session, Event.host_id == host.id):
        return None
    return Whole(host.name, host.slug, Event.host_id == host.id)


def venue_at(session: Session, venue_id: int) -> Whole | None:
    """A venue at which something public was or will be: one that only drafts name is not known to the public."""
    venue = session.get(Venue, venue_id)
    which = Event.venue_id == venue_id
    return Whole(venue_words(venue), f"venue-{venue_id}", which) if venue and _has_public(session, which) else None


def series_at(session: Session, series_id: int) -> Whole | None:
    """A series with at least one public date."""
    series = session.get(Series, series_id)
    which = Event.series_id == series_id
    return Whole(series.title, f"series-{series_id}", which) if series and _has_public(session, which) else None


def _has_public(session: Session, which: ColumnElement[bool]) -> bool:
    return bool(session.scalar(select(exists().where(is_public(), which))))


def event_file(session: Session, slug: str) -> tuple[int, str, bytes, datetime] | None:
    """(id, title, VEVENT, when it was last revised) of an event with a day that is no draft; unlisted ones too."""
    row = session.execute(
        select(Event.id, Event.title, Event.vevent, Event.revised_at).where(Event.slug == slug, Event.state != "draft")
    ).one_or_none()
    return (row.id, row.title, row.vevent, row.revised_at) if row and row.vevent else None


def last_change_at(session: Session) -> datetime | None:
    """When anything was last changed: every change leaves an audit entry, also one that takes an event away."""
    return session.scalar(select(AuditEntry.at).order_by(AuditEntry.id.desc()).limit(1))


def calendar_of(session: Session, token_hash: str) -> CalendarToken | None:
    """The personal calendar of a token that was not replaced."""
    return session.scalar(
        select(CalendarToken).where(CalendarToken.token_hash == token_hash, CalendarToken.revoked_at.is_(None))
    )


def places_of_address(session: Session, email_key: str, window: Window) -> list[Event]:
    """The events at which an address holds a confirmed place, sorted by start, then UID."""
    mine = select(Registration.event_id).where(
        Registration.email_key == email_key, Registration.state == "confirmed", Registration.erased_at.is_(None)
    )
    return list(
        session.scalars(
            select(Event)
            .options(joinedload(Event.kind), joinedload(Event.programme), joinedload(Event.venue))
            .where(Event.id.in_(mine), Event.state != "draft", Event.month.is_(None), *_in_window(window))
            .order_by(Event.sort_at, Event.uid)
        )
    )


def new_events(session: Session, found: Found, now: datetime) -> list[NewEvent]:
    """The public events that a question finds, those added last first; not history that was brought in afterwards."""
    if not found.matches_all:
        return []
    rows = session.execute(
        select(Event, Host.name)
        .options(joinedload(Event.venue), joinedload(Event.room))
        .outerjoin(Host, Host.id == Event.host_id)
        .where(*conditions_of(found, scope="all", now=now), Event.over_at > Event.created_at)
        .order_by(Event.created_at.desc(), Event.id.desc())
        .limit(NEW_EVENTS)
    )
    return [
        NewEvent(
            uid=event.uid,
            title=entry_title(event),
            slug=event.slug,
            summary=_in_sentences(when_text(event_view(event)), location_words(event), event.summary),
            host=host or "",
            added_at=event.created_at,
            updated_at=max(event.created_at, event.revised_at),
        )
        for event, host in rows
    ]


def _in_sentences(*parts: str) -> str:
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


def staff_calendar_of(session: Session, token_hash: str) -> tuple[StaffCalendar, Account] | None:
    """The calendar of a token that was not ended, with whose it is, as long as their account is open."""
    row = session.execute(
        select(StaffCalendar, Account)
        .join(Account, Account.id == StaffCalendar.account_id)
        .where(StaffCalendar.token_hash == token_hash, StaffCalendar.revoked_at.is_(None), Account.is_active)
    ).one_or_none()
    return (row[0], row[1]) if row else None


def open_staff_calendars(session: Session, account_id: int) -> dict[str, StaffCalendar]:
    """The calendars that somebody has, by their kind."""
    rows = session.scalars(
        select(StaffCalendar)
        .where(StaffCalendar.account_id == account_id, StaffCalendar.revoked_at.is_(None))
        .order_by(StaffCalendar.whose)
    )
    return {row.whose: row for row in rows}


def health(session: Session, today: date) -> list[Health]:
    """How each feed was fetched by each family of programs in the last weeks, the latest first."""
    counted = FeedFetches.__table__.c
    rows = session.execute(
        select(
            counted.feed,
            counted.family,
            func.min(counted.first_at).label("first_at"),
            func.max(counted.last_at).label("last_at"),
            func.sum(counted.fetches).label("fetches"),
            func.max(counted.readers).label("readers"),
        )
        .where(counted.day > today - timedelta(days=LOOKED_AT_DAYS))
        .group_by(counted.feed, counted.family)
        .order_by(func.max(counted.last_at).desc(), counted.feed, counted.family)
        .limit(FEEDS_SHOWN)
    )
    return [
        Health(
            row.feed, row.family, row.first_at, row.last_at, int(row.fetches),
            None if row.family in CENTRAL else row.readers,
        )
        for row in rows
    ]  # fmt: skip


def titles_of(session: Session, what: str, slugs: Collection[str]) -> dict[str, str]:
    """Titles of events or programmes, or names of hosts, by their slug."""
    columns: dict[str, tuple[Any, Any]] = {
        "events": (Event.slug, Event.title), "programmes": (Programme.slug, Programme.title),
        "hosts": (Host.slug, Host.name),
    }  # fmt: skip
    slug, title = columns[what]
    rows = session.execute(select(slug, title).where(slug.in_(slugs)).order_by(slug)).all() if slugs else []
    return {row[0]: row[1] for row in rows}


def events_run(session: Session, user: Signed, whose: str, window: Window) -> list[Event]:
    """The events somebody runs (mine) or may run (all), drafts left out, sorted by start, then UID."""
    which = within_reach(user) if whose == "all" else [runs(user)]
    return list(
        session.scalars(
            select(Event)
            .options(
                joinedload(Event.kind), joinedload(Event.programme), joinedload(Event.venue), joinedload(Event.room)
            )
            .where(*which, Event.state != "draft", Event.month.is_(None), *_in_window(window))
            .order_by(Event.sort_at, Event.uid)
        )
    )


def published_write_ups(session: Session) -> list[PublishedWriteUp]:
    """The latest published write-ups about listed events, the newest first."""
    rows = session.execute(
        select(WriteUp, Event, Host.name)
        .join(Event, Event.id == WriteUp.event_id)
        .outerjoin(Host, Host.id == Event.host_id)
        .where(WriteUp.state == "published", WriteUp.url != "", is_public())
        .order_by(func.coalesce(WriteUp.published_on, date.min).desc(), WriteUp.updated_at.desc(), WriteUp.id.desc())
        .limit(WRITE_UPS)
    )
    return [
        PublishedWriteUp(
            uid=write_up.uid,
            title=write_up.title,
            url=write_up.url,
            published_on=write_up.published_on,
            updated_at=write_up.updated_at,
            event_title=event.title,
            event_slug=event.slug,
            event_when=when_text(event_view(event)),
            host=host or "",
        )
        for write_up, event, host in rows
    ]

"""What public pages list: events, programmes and the filters that fit. Never a draft, never an unlisted event.

Each list costs a fixed number of SELECTs, however long it is, and has a total order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    String,
    and_,
    bindparam,
    cast,
    exists,
    extract,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from workshops.core.london_time import london_date, start_of_day
from workshops.core.versions import PublicVersion
from workshops.schedule.models import Event, EventTopic, Host, Kind, Programme, Topic, Venue
from workshops.schedule.queries.names import called_now
from workshops.schedule.rules.finding import COUNTED, PAGE_SIZE, Filters, like_pattern, without
from workshops.schedule.rules.public_state import EventView, PublicState, public_state, when_text
from workshops.schedule.rules.slugs import slug_of
from workshops.schedule.rules.when import read_days

#: Which events a list is about when no dates are asked for: what is to come, what is over, or all.
Scope = Literal["upcoming", "past", "all"]

_VIEW_FIELDS = [known.name for known in fields(EventView) if known.name not in ("has_follow_up", "has_notes")]
_LISTED = (
    Event.id,
    Event.slug,
    Event.title,
    Event.summary,
    Event.area,
    *(getattr(Event, name) for name in _VIEW_FIELDS),
    Kind.name.label("kind_name"),
    Host.name.label("host_name"),
    Programme.title.label("programme_title"),
    Programme.slug.label("programme_slug"),
    Venue.name.label("venue_name"),
    Venue.area.label("venue_area"),
)


@dataclass(frozen=True, kw_only=True)
class ListedEvent:
    """One event in a list, in words. came_of: what is published about it ("Notes, 2 write-ups"), or empty."""

    id: int
    slug: str
    title: str
    summary: str
    kind: str
    host: str
    programme: str
    programme_slug: str
    area: str
    venue: str
    place: str
    when: str
    view: EventView
    state: PublicState
    came_of: str = ""

    @property
    def first_on(self) -> date:
        """The day in Scotland on which it begins."""
        return london_date(self.view.sort_at)

    @property
    def last_on(self) -> date:
        """The day in Scotland on which it ends: over_at is the first instant after it."""
        return max(self.first_on, london_date(self.view.over_at - timedelta(seconds=1)))


@dataclass(frozen=True)
class Found:
    """Filters after their values were looked up.

    filters: without those whose value nobody knows.   names: how the chosen values are written, by parameter.
    areas: every way in which the chosen area is written.   matches_all: False when something was unknown.
    """

    filters: Filters
    names: Mapping[str, str]
    areas: tuple[str, ...]
    matches_all: bool


def view_columns() -> list[Any]:
    """The columns that event_view needs, for a SELECT of rows."""
    return [getattr(Event, name) for name in _VIEW_FIELDS]


def event_view(event: Event | Row[Any], *, has_follow_up: bool = False, has_notes: bool = False) -> EventView:
    """What of an event, or of a row with its columns, decides its public state."""
    values = {name: getattr(event, name) for name in _VIEW_FIELDS}
    return EventView(**values, has_follow_up=has_follow_up, has_notes=has_notes)


def _page_version() -> Select[Any]:
    # Of the tables alone, and made once: every answer about an event asks it; building it costs more than running it.
    event, public = Event.__table__.c, PublicVersion.__table__.c
    other = Event.__table__.alias("other").c
    series = select(func.sum(other.version)).where(other.series_id == event.series_id).scalar_subquery()
    epoch = select(public.epoch).where(public.id == 1).scalar_subquery()
    return select(event.id, event.version, func.coalesce(series, 0), epoch).where(
        event.slug == bindparam("slug"), event.state != "draft"
    )


_PAGE_VERSION = _page_version()


def event_page_version(session: Session, slug: str) -> tuple[object, ...] | None:
    """What moves when the page of this event changes, with one SELECT; None when the public finds nothing there.

    The page names the other dates of its series, so their versions count too.
    """
    row = session.execute(_PAGE_VERSION, {"slug": slug}).one_or_none()
    return tuple(row) if row else None


def look_up(session: Session, filters: Filters) -> Found:
    """The filters with what their values are called; values that do not exist are taken out."""
    names: dict[str, str] = {}
    areas: tuple[str, ...] = ()
    kept = filters
    columns: dict[str, tuple[Any, Any]] = {
        "programme": (Programme.slug, Programme.title),
        "kind": (Kind.slug, Kind.name),
        "topic": (Topic.slug, Topic.name),
        "host": (Host.slug, Host.name),
    }
    for name, value in filters.chosen().items():
        if name == "area":
            areas = tuple(area for area in _areas(session) if slug_of(area, otherwise="") == value)
            text = areas[0] if areas else None
        else:
            slug, label = columns[name]
            statement = select(label).where(slug == value)
            text = session.scalar(statement.where(Programme.is_published) if name == "programme" else statement)
            if text is None and name in ("topic", "host") and (later := called_now(session, name, value)):
                # Its name before it was merged: the address still holds, and finds what it is called now.
                kept = replace(kept, topic=later[0]) if name == "topic" else replace(kept, host=later[0])
                text = later[1]
            text = sentence_case(text) if text and name in ("kind", "topic") else text
        if text is None:
            kept = replace(without(kept, name), page=filters.page)
        else:
            names[name] = text
    return Found(kept, names, areas, matches_all=not filters.unknown and len(names) == len(filters.chosen()))


def _areas(session: Session) -> Sequence[str]:
    return session.scalars(
        select(Event.area).where(is_public(), Event.area != "").distinct().order_by(Event.area)
    ).all()


def is_public() -> ColumnElement[bool]:
    """What lists and feeds may hold: neither drafts nor unlisted events."""
    return and_(Event.state != "draft", Event.is_listed)


def within(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """Events of which any part lies between two days in Scotland, both included; None leaves that side open."""
    conditions: list[ColumnElement[bool]] = []
    if first is not None:
        begins = start_of_day(first)
        conditions.append(or_(Event.over_at > begins, Event.sort_at >= begins))
    if last is not None:
        conditions.append(Event.sort_at < start_of_day(last + timedelta(days=1)))
    return conditions


def conditions_of(found: Found, *, scope: Scope, now: datetime) -> list[ColumnElement[bool]]:
    """The WHERE of a question. With `from`, a list of what is to come reaches back to that day."""
    filters = found.filters
    conditions = [is_public(), *within(filters.from_on, filters.to_on)]
    if scope == "past":
        conditions.append(Event.over_at <= now)
    elif scope == "upcoming" and filters.from_on is None:
        conditions.append(Event.over_at > now)
    conditions += [Event.folded.like(like_pattern(word), escape="\\") for word in filters.words]
    conditions += [
        chosen_condition(name, getattr(filters, name), found.areas) for name in COUNTED if getattr(filters, name)
    ]
    if filters.attending:
        modes = {"in_person": ("in_person", "hybrid"), "online": ("online", "hybrid")}
        conditions.append(Event.mode.in_(modes.get(filters.attending, (filters.attending,))))
    if filters.places:
        conditions.append(_places_to_take(now))
    return conditions


def chosen_condition(name: str, value: str, areas: tuple[str, ...]) -> ColumnElement[bool]:
    """That an event has the chosen value of one of the counted filters. areas: as in Found."""
    if name == "audience":
        return Event.audience == value
    if name == "area":
        return Event.area.in_(areas)
    if name == "topic":
        return exists().where(
            EventTopic.event_id == Event.id, EventTopic.topic_id == Topic.id, Topic.slug == value
        )
    if name == "programme":
        return Event.programme_id.in_(select(Programme.id).where(Programme.slug == value))
    if name == "kind":
        return Event.kind_id.in_(select(Kind.id).where(Kind.slug == value))
    return Event.host_id.in_(select(Host.id).where(Host.slug == value))


def _places_to_take(now: datetime) -> ColumnElement[bool]:
    """Where somebody can have a place now: our form is open and one is free, or none is needed."""

    def free(mode: str, capacity: Any, taken: Any) -> ColumnElement[bool]:
        return and_(Event.mode.in_((mode, "hybrid")), or_(capacity.is_(None), taken < capacity))

    ours = and_(
        Event.booking.in_(("first_come", "by_approval")),
        Event.admits != "invited",
        or_(Event.opens_at.is_(None), Event.opens_at <= now),
        func.coalesce(Event.closes_at, Event.sort_at) > now,
        or_(
            free("in_person", Event.capacity_in_person + Event.overbook_in_person,
                 Event.taken_in_person + Event.held_in_person),
            free("online", Event.capacity_online + Event.overbook_online, Event.taken_online + Event.held_online),
        ),
    )
    return and_(Event.state == "published", Event.over_at > now, or_(ours, Event.booking == "none"))


def _listed(conditions: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return (
        select(*_LISTED)
        .join(Kind, Kind.id == Event.kind_id)
        .outerjoin(Host, Host.id == Event.host_id)
        .outerjoin(Programme, and_(Programme.id == Event.programme_id, Programme.is_published))
        .outerjoin(Venue, Venue.id == Event.venue_id)
        .where(*conditions)
    )


def _as_listed(row: Row[Any], now: datetime) -> ListedEvent:
    view = event_view(row)
    area = row.area or row.venue_area or ""
    return ListedEvent(
        id=row.id,
        slug=row.slug,
        title=row.title,
        summary=row.summary,
        kind=sentence_case(row.kind_name),
        host=row.host_name or "",
        programme=row.programme_title or "",
        programme_slug=row.programme_slug or "",
        area=area,
        venue=row.venue_name or "",
        place=short_place(row.mode, row.venue_name or "", area),
        when=when_text(view),
        view=view,
        state=public_state(view, now),
    )


def sentence_case(text: str) -> str:
    """The text with a capital letter at its beginning; the rest stays as it is written."""
    return text[:1].upper() + text[1:]


def short_place(mode: str, venue: str, area: str) -> str:
    """Where, short enough for a list: "Pollock Halls, City of Edinburgh and online"; empty when not known."""
    if mode == "online":
        return "Online"
    place = ", ".join(dict.fromkeys(part for part in (venue, area) if part and part != "Online"))
    if mode == "hybrid":
        return f"{place} and online" if place else "In person and online"
    return place


def events_of_page(session: Session, found: Found, *, scope: Scope, now: datetime) -> list[ListedEvent]:
    """The events on the page that is asked for, in the order that is asked for."""
    sort = found.filters.sort
    ascending = (Event.sort_at.asc(), Event.id.asc())
    descending = (Event.sort_at.desc(), Event.id.desc())
    if sort == "added":
        order: tuple[ColumnElement[Any], ...] = (Event.created_at.desc(), Event.id.desc())
    elif scope == "past":
        order = ascending if sort == "oldest" else descending
    else:
        order = ascending
    first = (found.filters.page - 1) * PAGE_SIZE
    # The page's events first, their names for those alone: joined to all that match, PostgreSQL chose a plan of
    # 85 ms for a search of 10,000 imported events until it had counted the tables, minutes later.
    on_page = select(Event.id).where(*conditions_of(found, scope=scope, now=now)).order_by(*order)
    statement = _listed([Event.id.in_(on_page.limit(PAGE_SIZE).offset(first))]).order_by(*order)
    return [_as_listed(row, now) for row in session.execute(statement)]


def next_events(session: Session, now: datetime, *, limit: int) -> list[ListedEvent]:
    """The next events that take place, those on now first."""
    # not_in, so that SQLite walks the order of sort_at to the first few instead of sorting all that are published
    conditions = [is_public(), Event.state.not_in(("postponed", "cancelled")), Event.over_at > now]
    statement = _listed(conditions).order_by(Event.sort_at, Event.id).limit(limit)
    return [_as_listed(row, now) for row in session.execute(statement)]


def events_of_programme(session: Session, programme_id: int, now: datetime) -> list[ListedEvent]:
    """All events of a programme, first ones first."""
    statement = _listed([is_public(), Event.programme_id == programme_id]).order_by(Event.sort_at, Event.id)
    return [_as_listed(row, now) for row in session.execute(statement)]


#: What the month shows of an event: few columns, because a month may hold a thousand.
_DATED = (
    Event.slug, Event.title, Event.state, Event.starts_at, Event.month, Event.days, Event.sort_at, Event.over_at
)  # fmt: skip


def dated_between(session: Session, first: date, last: date) -> Sequence[Row[Any]]:
    """Rows of all events with a day of which any part lies between two days, both included, first ones first."""
    statement = select(*_DATED).where(is_public(), Event.month.is_(None), *within(first, last))
    return session.execute(statement.order_by(Event.sort_at, Event.id)).all()


def events_some_time_in(session: Session, month: str, now: datetime) -> list[ListedEvent]:
    """The events of which no more is known than that they were in this month, such as "2016-11"."""
    statement = _listed([is_public(), Event.month == month]).order_by(Event.sort_at, Event.id)
    return [_as_listed(row, now) for row in session.execute(statement)]


def past_years(session: Session, now: datetime) -> list[tuple[int, int]]:
    """The years of past events with how many each holds, the latest first."""
    year = extract("year", Event.sort_at)
    rows = session.execute(
        select(year, func.count()).where(is_public(), Event.over_at <= now).group_by(year).order_by(year.desc())
    )
    return [(int(number), count) for number, count in rows]


def next_change(session: Session, now: datetime) -> datetime | None:
    """The first instant at which the clock changes what a list shows, from all listed events together."""
    coming = [
        select(column)
        .where(is_public(), column > now, Event.over_at > now)
        .order_by(column)
        .limit(1)
        .scalar_subquery()
        for column in (Event.over_at, Event.sort_at, Event.opens_at, Event.closes_at)
    ]
    goes_on = [is_public(), Event.sort_at <= now, Event.over_at > now, cast(Event.days, String) != "[]"]
    *row, with_days = session.execute(select(*coming, select(Event.id).where(*goes_on).exists())).one()
    instants = [instant for instant in row if instant is not None]
    if with_days:
        # An event with times for each day is on, and goes on, at each of them.
        kept = session.scalars(select(Event.days).where(*goes_on))
        instants += [instant for days in kept for day in read_days(days) for instant in day if instant > now]
    return min(instants, default=None)

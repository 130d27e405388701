"""What the gap map of a programme shows: its events, drafts included, with topics and clashes. For staff pages alone.

A fixed number of SELECTs, however many events: one for the events, one for their topics, one for the topics
there are, and those of queries.clashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select
from sqlalchemy.orm import Session

from workshops.core.versions import PublicVersion
from workshops.schedule.models import Event, EventTopic, Host, Programme, Topic, Venue
from workshops.schedule.queries.clashes import clashes_of_events
from workshops.schedule.queries.public import event_view, sentence_case, short_place, view_columns
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.days import days_on
from workshops.schedule.rules.gaps import Planned
from workshops.schedule.rules.public_state import when_text


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The events of a programme that are to take place, first ones first.

    span: its first and last day, its own or those of its events; None when neither is known.
    not_counted: how many are cancelled or postponed, by state.   clashes: of each event, by its id.
    no_event_about: the topics, by name, that none of them has.
    """

    events: Sequence[Planned]
    span: tuple[date, date] | None
    not_counted: Mapping[str, int]
    clashes: Mapping[int, Sequence[Clash]]
    no_event_about: Sequence[str]


def _page() -> Select[Any]:
    # Of the tables alone, and made once: each look at a gap map asks it.
    programme, version = Programme.__table__.c, PublicVersion.__table__.c
    planning, epoch = (
        select(column).where(version.id == 1).scalar_subquery().label(column.name)
        for column in (version.planning, version.epoch)
    )
    return select(programme.id, programme.slug, programme.title, planning, epoch).where(
        programme.slug == bindparam("slug")
    )


_PAGE = _page()


def gap_map_page(session: Session, slug: str) -> Row[Any] | None:
    """The id, slug and title of a programme, and `planning` and `epoch`: what its gap map is kept by. One SELECT."""
    return session.execute(_PAGE, {"slug": slug}).one_or_none()


def plan_of(session: Session, programme: Programme, now: datetime) -> Plan:
    """All that the gap map of a programme is made from."""
    topics = _topics(session, programme.id)
    events: list[Planned] = []
    not_counted: Counter[str] = Counter()
    for row in session.execute(
        select(
            Event.id, Event.slug, Event.title, Event.area, Event.audience, *view_columns(),
            Venue.name.label("venue_name"), Venue.area.label("venue_area"), Host.name.label("host_name"),
        )
        .outerjoin(Venue, Venue.id == Event.venue_id)
        .outerjoin(Host, Host.id == Event.host_id)
        .where(Event.programme_id == programme.id)
        .order_by(Event.sort_at, Event.id)
    ):  # fmt: skip
        if row.state in ("draft", "published"):
            events.append(_planned(row, topics.get(row.id, {})))
        else:
            not_counted[row.state] += 1
    used = {slug for event in events for slug in event.topics}
    known = session.execute(select(Topic.slug, Topic.name).order_by(Topic.slug, Topic.id))
    return Plan(
        events=events,
        span=_span(programme, events),
        not_counted=not_counted,
        clashes=clashes_of_events(session, [event.id for event in events], now=now),
        no_event_about=[name for slug, name in known if slug not in used],
    )


def next_over_at(session: Session, now: datetime) -> datetime | None:
    """When the next event of all is over; None when nothing is ahead."""
    return session.scalar(select(func.min(Event.over_at)).where(Event.over_at > now))


def _topics(session: Session, programme_id: int) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    rows = session.execute(
        select(EventTopic.event_id, Topic.slug, Topic.name)
        .join(Topic, Topic.id == EventTopic.topic_id)
        .join(Event, Event.id == EventTopic.event_id)
        .where(Event.programme_id == programme_id)
        .order_by(EventTopic.event_id, EventTopic.position, Topic.id)
    )
    for event_id, slug, name in rows:
        found.setdefault(event_id, {})[slug] = sentence_case(name)
    return found


def _planned(row: Row[tuple[object, ...]], topics: Mapping[str, str]) -> Planned:
    area = row.area or row.venue_area or ("Online" if row.mode == "online" else "")
    return Planned(
        id=row.id,
        slug=row.slug,
        title=row.title,
        when=when_text(event_view(row)),
        place=short_place(row.mode, row.venue_name or "", area),
        host=row.host_name or "",
        is_draft=row.state == "draft",
        area=area,
        audience=row.audience,
        topics=topics,
        days=days_on(row),
    )


def _span(programme: Programme, events: Sequence[Planned]) -> tuple[date, date] | None:
    """Its own dates, else those of its events; of a programme with only a first day the events say the last."""
    held = sorted({day for event in events for day in event.days})
    first = programme.starts_on or (held[0] if held else programme.ends_on)
    last = programme.ends_on or (held[-1] if held else programme.starts_on)
    return (first, max(first, last)) if first and last else None

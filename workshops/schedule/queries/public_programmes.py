"""Programmes as the public sees them: those that are published, with the span of their listed events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from workshops.core.london_time import date_words, london_date, month_words, when_words
from workshops.schedule.models import Event, Programme
from workshops.schedule.queries.public import is_public


@dataclass(frozen=True, kw_only=True)
class ListedProgramme:
    """One programme in a list. first_on, last_on: its own dates, else those of its events; None without any."""

    id: int
    slug: str
    title: str
    summary: str
    description: str
    first_on: date | None
    last_on: date | None
    when: str
    events: int
    upcoming: int
    host_form_is_open: bool
    ask_form_is_open: bool


def published_programmes(session: Session, now: datetime) -> list[ListedProgramme]:
    """All published programmes: what is on or to come first, soonest first; then the past ones, latest first."""
    found = _programmes(session, now)
    today = london_date(now)
    coming = [programme for programme in found if programme.last_on is None or programme.last_on >= today]
    over = [programme for programme in found if programme.last_on is not None and programme.last_on < today]
    coming.sort(key=lambda programme: (programme.first_on or date.max, programme.id))
    over.sort(key=lambda programme: (programme.last_on or date.min, programme.id), reverse=True)
    return coming + over


def published_programme(session: Session, slug: str, now: datetime) -> ListedProgramme | None:
    """The published programme at this address."""
    found = _programmes(session, now, slug)
    return found[0] if found else None


def _programmes(session: Session, now: datetime, slug: str | None = None) -> list[ListedProgramme]:
    statement = (
        select(
            Programme.id,
            Programme.slug,
            Programme.title,
            Programme.summary,
            Programme.description,
            Programme.starts_on,
            Programme.ends_on,
            Programme.host_form_is_open,
            Programme.ask_form_is_open,
            func.count(Event.id).label("events"),
            func.count(case((Event.over_at > now, Event.id))).label("upcoming"),
            func.min(Event.sort_at).label("first_at"),
            func.max(Event.over_at).label("over_at"),
            func.count(Event.month).label("months"),
        )
        .outerjoin(Event, and_(Event.programme_id == Programme.id, is_public()))
        .where(Programme.is_published)
        .group_by(Programme.id)
        .order_by(Programme.id)
    )
    if slug is not None:
        statement = statement.where(Programme.slug == slug)
    listed = []
    for row in session.execute(statement):
        first_on = row.starts_on or (london_date(row.first_at) if row.first_at else None)
        last_on = row.ends_on or (london_date(row.over_at - timedelta(seconds=1)) if row.over_at else row.starts_on)
        if first_on and last_on and last_on < first_on:
            last_on = first_on
        listed.append(
            ListedProgramme(
                id=row.id,
                slug=row.slug,
                title=row.title,
                summary=row.summary,
                description=row.description,
                first_on=first_on,
                last_on=last_on,
                when=span_words(first_on, last_on, is_exact=bool(row.starts_on) or not row.months),
                events=row.events,
                upcoming=row.upcoming,
                host_form_is_open=row.host_form_is_open,
                ask_form_is_open=row.ask_form_is_open,
            )
        )
    return listed


def span_words(first: date | None, last: date | None, *, is_exact: bool) -> str:
    """From when to when, in words; whole months where only those are known, or where it lasts long."""
    if first is None or last is None:
        return ""
    if is_exact and (last - first).days <= 31:
        return date_words(first) if first == last else when_words(first, last)
    if (first.year, first.month) == (last.year, last.month):
        return month_words(first.year, first.month)
    return f"{month_words(first.year, first.month)} to {month_words(last.year, last.month)}"

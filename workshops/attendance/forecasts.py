"""The forecast of how many come: read from history, said to staff, and kept as it was when the event began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Float, case, cast, extract, func, select
from sqlalchemy.orm import Session

from workshops.attendance.models import AttendanceForecast, AttendanceMark
from workshops.attendance.rules import CAME
from workshops.attendance.rules.forecast import (
    LEADS,
    Group,
    History,
    Past,
    forecast_sentence,
    outcome_sentence,
    suggestion_sentence,
)
from workshops.config import Settings
from workshops.registration.models import Registration
from workshops.schedule.models import Event

#: Older events say little about those to come.
YEARS = timedelta(days=3 * 365)
#: So many events at most are looked at, the latest.
EVENTS_MAX = 1_000
#: Of ten people with a place, so many have a mark at least where an event counts. At the door only those who came are
#: marked: a register that nobody finished would say that everybody comes.
RECORDED_OF_TEN = 9
#: An event that began longer ago gets no forecast any more: it would know how it ended.
KEPT_WITHIN = timedelta(hours=12)


@dataclass(frozen=True)
class Said:
    """What staff read before an event, in sentences."""

    forecast: str
    suggestions: tuple[str, ...]


def history(session: Session, *, now: datetime) -> History:
    """The past events of which attendance is recorded, with one SELECT; nobody's name is read."""
    recent = (
        select(Event.id)
        .join(Registration, Registration.event_id == Event.id)
        .outerjoin(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(Event.over_at <= now, Event.over_at > now - YEARS, Event.state == "published")
        .where(Registration.state == "confirmed")
        .group_by(Event.id, Event.over_at)
        .having(func.count(AttendanceMark.registration_id) * 10 >= func.count() * RECORDED_OF_TEN)
        .order_by(Event.over_at.desc(), Event.id)
        .limit(EVENTS_MAX)
        .subquery()
    )
    lead = _lead(session)
    rows = session.execute(
        select(
            Event.id, Event.kind_id, Registration.attending, lead.label("lead"), func.count().label("places"),
            func.sum(case((AttendanceMark.status.in_(CAME), 1), else_=0)).label("came"),
        )
        .join(recent, recent.c.id == Event.id)
        .join(Registration, Registration.event_id == Event.id)
        .join(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(Registration.state == "confirmed")
        .group_by(Event.id, Event.kind_id, Registration.attending, lead)
        .order_by(Event.id, Registration.attending, lead)
    )
    return History(
        Past(row.id, (row.kind_id, row.attending, int(row.lead)), row.places, int(row.came)) for row in rows
    )


def groups_of(session: Session, event: Event) -> dict[Group, int]:
    """Everybody with a place at an event, counted by group."""
    lead = _lead(session)
    rows = session.execute(
        select(Registration.attending, lead.label("lead"), func.count().label("number"))
        .join(Event, Event.id == Registration.event_id)
        .where(Registration.event_id == event.id, Registration.state == "confirmed")
        .group_by(Registration.attending, lead)
        .order_by(Registration.attending, lead)
    )
    return {(event.kind_id, row.attending, int(row.lead)): row.number for row in rows}


def said_before(event: Event, *, session: Session, now: datetime, **_: Any) -> Said:
    """The forecast in words, and how many places beyond each capacity history allows."""
    known, groups = history(session, now=now), groups_of(session, event)
    suggestions = []
    for attending, capacity in (("in_person", event.capacity_in_person), ("online", event.capacity_online)):
        here = _of(groups, attending)
        if capacity is not None and here:
            where = (" in person" if attending == "in_person" else " online") if event.mode == "hybrid" else ""
            suggestions.append(suggestion_sentence(known.suggestion(here, capacity), capacity, where))
    return Said(forecast_sentence(known.forecast(groups), known), tuple(filter(None, suggestions)))


def said_afterwards(session: Session, event: Event, came: int | None) -> str:
    """What was expected beside what happened; "" when one of them is not known."""
    kept = session.get(AttendanceForecast, event.id)
    if kept is None or kept.low is None or kept.high is None or came is None:
        return ""
    return outcome_sentence(kept.low, kept.high, came)


def keep_forecasts(session: Session, *, now: datetime, settings: Settings) -> int:
    """Work of the worker: what is expected of events that have just begun is written down; of how many."""
    begun = session.scalars(
        select(Event)
        .outerjoin(AttendanceForecast, AttendanceForecast.event_id == Event.id)
        .where(
            Event.state == "published", Event.month.is_(None), Event.sort_at <= now, Event.sort_at > now - KEPT_WITHIN,
            AttendanceForecast.event_id.is_(None),
        )
        .order_by(Event.id)
    ).all()
    if not begun:
        return 0
    known = history(session, now=now)
    for event in begun:
        groups = groups_of(session, event)
        forecast = known.forecast(groups)
        session.add(
            AttendanceForecast(
                event_id=event.id, places=sum(groups.values()), low=forecast.low if forecast else None,
                high=forecast.high if forecast else None, people=known.people, events=known.events, made_at=now,
            )
        )
    session.flush()
    return len(begun)


def how_good(session: Session) -> tuple[int, int]:
    """(how often as many came as was expected, of how many events): those whose attendance is complete."""
    came = func.sum(case((AttendanceMark.status.in_(CAME), 1), else_=0))
    rows = session.execute(
        select(AttendanceForecast.low, AttendanceForecast.high, came.label("came"))
        .join(Registration, Registration.event_id == AttendanceForecast.event_id)
        .outerjoin(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(Registration.state == "confirmed", AttendanceForecast.low.is_not(None))
        .group_by(AttendanceForecast.event_id, AttendanceForecast.low, AttendanceForecast.high)
        .having(func.count() == func.count(AttendanceMark.registration_id))
    ).all()
    return sum(row.low <= int(row.came) <= row.high for row in rows), len(rows)


def _of(groups: Mapping[Group, int], attending: str) -> dict[Group, int]:
    return {group: number for group, number in groups.items() if group[1] == attending}


def _lead(session: Session) -> ColumnElement[int]:
    """The number of the lead, as rules.forecast.lead_of says it, in the words of the engine."""
    if session.get_bind().dialect.name == "sqlite":
        days: ColumnElement[Any] = func.julianday(Event.sort_at) - func.julianday(Registration.registered_at)
    else:
        days = cast(extract("epoch", Event.sort_at - Registration.registered_at), Float) / 86_400
    return case(*((days >= least, number) for number, least in enumerate(LEADS)), else_=len(LEADS))

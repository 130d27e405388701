"""Reads everything for exports, figures and health. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, joinedload

from workshops.attendance.models import AttendanceMark
from workshops.attendance.rules import CAME
from workshops.core.london_time import to_london
from workshops.evidence.rules import EventFigures, instant_text
from workshops.followup.models import WriteUp
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration
from workshops.registration.rules import answer_words
from workshops.schedule.models import Event, Kind, Programme

#: Rows fetched at a time: what an export holds in memory.
BATCH = 1000


def people_rows(session: Session, event_id: int, questions: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """Everybody at one event, in the order in which they registered; the columns of PEOPLE_COLUMNS as text.

    questions: of the event itself; what was answered to each comes after the other columns.
    position: the place in the waiting list, from 1, for each way of attending; empty for who does not wait.
    """
    waiting = (
        select(
            Registration.id.label("id"),
            func.row_number()
            .over(partition_by=Registration.attending, order_by=(Registration.waiting_since, Registration.id))
            .label("position"),
        )
        .where(Registration.event_id == event_id, Registration.state == "waiting")
        .subquery()
    )
    rows = session.execute(
        select(
            Registration.reference,
            Registration.name,
            Registration.email,
            Registration.organisation,
            Registration.attending,
            Registration.state,
            waiting.c.position,
            AttendanceMark.status,
            Registration.registered_at,
            Registration.answers,
        )
        .outerjoin(waiting, waiting.c.id == Registration.id)
        .outerjoin(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(Registration.event_id == event_id)
        .order_by(Registration.registered_at, Registration.id)
        .execution_options(yield_per=BATCH)
    )
    for *texts, position, status, registered_at, answers in rows:
        answered = (answer_words(answers or {}, question, between="; ") for question in questions)
        number = "" if position is None else str(position)
        yield (*texts, number, status or "", instant_text(registered_at), *answered)


def events_in_order(session: Session) -> Iterator[list[Event]]:
    """All events with what their rows show, oldest first, in batches."""
    last: tuple[datetime, int] | None = None
    while True:
        statement = (
            select(Event)
            .options(*(joinedload(part) for part in (Event.kind, Event.host, Event.programme, Event.venue)))
            .order_by(Event.sort_at, Event.id)
            .limit(BATCH)
        )
        if last is not None:
            at, key = last
            statement = statement.where((Event.sort_at > at) | ((Event.sort_at == at) & (Event.id > key)))
        found = list(session.scalars(statement))
        if not found:
            return
        yield found
        last = (found[-1].sort_at, found[-1].id)


def event_figures(session: Session) -> list[EventFigures]:
    """Every published event as evidence, oldest first.

    registered and came are the totals reported for history; else the confirmed places and the marks of attendance,
    as far as there are any.
    """
    people = (
        select(
            Registration.event_id.label("event_id"),
            func.count().label("registered"),
            func.count(AttendanceMark.registration_id).label("marked"),
            func.sum(case((AttendanceMark.status.in_(CAME), 1), else_=0)).label("came"),
        )
        .outerjoin(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(Registration.state == "confirmed")
        .group_by(Registration.event_id)
        .subquery()
    )
    written = (
        select(
            WriteUp.event_id.label("event_id"),
            func.sum(case((WriteUp.state == "published", 0), else_=1)).label("promised"),
            func.sum(case((WriteUp.state == "published", 1), else_=0)).label("published"),
        )
        .group_by(WriteUp.event_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Event.sort_at,
            Programme.title,
            Kind.name,
            Event.mode,
            Event.booking,
            Event.capacity_in_person,
            Event.capacity_online,
            Event.reported_registered,
            Event.reported_attended,
            people.c.registered,
            people.c.marked,
            people.c.came,
            written.c.promised,
            written.c.published,
        )
        .join(Event.kind)
        .outerjoin(Event.programme)
        .outerjoin(people, people.c.event_id == Event.id)
        .outerjoin(written, written.c.event_id == Event.id)
        .where(Event.state == "published")
        .order_by(Event.sort_at, Event.id)
    )
    return [
        EventFigures(
            year=to_london(row.sort_at).year,
            programme=row.title or "",
            kind=row.name,
            places=_places(row.mode, row.capacity_in_person, row.capacity_online),
            registered=row.registered if row.reported_registered is None else row.reported_registered,
            came=_came(row.reported_attended, row.marked, row.came),
            promised=int(row.promised or 0),
            published=int(row.published or 0),
        )
        for row in rows
    ]


def _places(mode: str, in_person: int | None, online: int | None) -> int | None:
    asked = {"in_person": (in_person,), "online": (online,), "hybrid": (in_person, online)}[mode]
    return None if None in asked else sum(number or 0 for number in asked)


def _came(reported: int | None, marked: int | None, came: int | None) -> int | None:
    if reported is not None:
        return reported
    return int(came or 0) if marked else None


def oldest_due_message(session: Session) -> datetime | None:
    """Since when the longest waiting message should have been sent, or None when none is due.

    A message whose lease has run out waits again; one that is being sent, or held by staff, does not.
    """
    return session.scalar(
        select(func.min(OutboxMessage.due_at)).where(
            OutboxMessage.state.in_(("due", "retry")), OutboxMessage.held_at.is_(None)
        )
    )


def titles_of_programmes(session: Session) -> Sequence[str]:
    """The titles of all programmes, by title."""
    return session.scalars(select(Programme.title).order_by(Programme.title, Programme.id)).all()

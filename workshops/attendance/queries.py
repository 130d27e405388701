"""Reads marks and people with a place. Knows no write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from workshops.accounts.rules import Signed
from workshops.attendance.models import AttendanceMark
from workshops.attendance.rules import CAME, REMIND_FOR, AttendanceCounts, is_found
from workshops.registration.models import Registration
from workshops.schedule.models import Event
from workshops.schedule.queries.reach import within_reach


@dataclass(frozen=True)
class Attendee:
    """Somebody with a place, as the register shows them. status None: not recorded."""

    id: int
    name: str
    organisation: str
    reference: str
    attending: str
    status: str | None


def attendance_of(session: Session, event_id: int) -> dict[int, AttendanceMark]:
    """All marks of an event, by registration id; whatever state the registration is in now."""
    marks = session.scalars(
        select(AttendanceMark)
        .join(Registration, Registration.id == AttendanceMark.registration_id)
        .where(Registration.event_id == event_id)
        .order_by(AttendanceMark.registration_id)
    )
    return {mark.registration_id: mark for mark in marks}


def people_with_a_place(session: Session, event_id: int, looked_for: str = "") -> list[Attendee]:
    """Everybody with a confirmed place and their mark, by name; looked_for: words of name, organisation, reference."""
    rows = session.execute(
        select(
            Registration.id,
            Registration.name,
            Registration.organisation,
            Registration.reference,
            Registration.attending,
            AttendanceMark.status,
        )
        .outerjoin(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(Registration.event_id == event_id, Registration.state == "confirmed")
        .order_by(func.lower(Registration.name), Registration.id)
    )
    people = [Attendee(*row) for row in rows]
    return [one for one in people if is_found(looked_for, one.name, one.organisation, one.reference)]


def counts(session: Session, event_id: int) -> AttendanceCounts:
    """How many have a place and what is known of them."""
    return counts_of(session, [event_id])[event_id]


def counts_of(session: Session, event_ids: Sequence[int]) -> dict[int, AttendanceCounts]:
    """The counts of several events with one SELECT; every id asked for is in the answer."""
    found = {event_id: AttendanceCounts() for event_id in event_ids}
    rows = session.execute(
        select(
            Registration.event_id,
            func.count().label("places"),
            func.sum(case((AttendanceMark.status.in_(CAME), 1), else_=0)).label("came"),
            func.sum(case((AttendanceMark.status == "excused", 1), else_=0)).label("excused"),
            func.sum(case((AttendanceMark.status == "absent", 1), else_=0)).label("absent"),
        )
        .outerjoin(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(Registration.event_id.in_(event_ids), Registration.state == "confirmed")
        .group_by(Registration.event_id)
        .order_by(Registration.event_id)
    )
    for row in rows:
        found[row.event_id] = AttendanceCounts(row.places, int(row.came), int(row.excused), int(row.absent))
    return found


def past_events_without_marks(session: Session, *, now: datetime, user: Signed) -> Sequence[Event]:
    """Events that ended within the reminder's time, with people who had a place and not one mark; latest first.

    user: only events that this account may run.
    """
    has_people = select(Registration.id).where(Registration.event_id == Event.id, Registration.state == "confirmed")
    has_marks = (
        select(AttendanceMark.registration_id)
        .join(Registration, Registration.id == AttendanceMark.registration_id)
        .where(Registration.event_id == Event.id)
    )
    found = (
        select(Event)
        .where(
            Event.state == "published",
            Event.over_at <= now,
            Event.over_at >= now - REMIND_FOR,
            has_people.exists(),
            ~has_marks.exists(),
        )
        .order_by(Event.over_at.desc(), Event.id)
    )
    return session.scalars(found.where(*within_reach(user))).all()

"""Due work: people who were at an event are thanked the morning after, once, with what there is to read by then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, literal, select
from sqlalchemy.orm import Session

from workshops.attendance.models import AttendanceMark
from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.followup import queries
from workshops.followup.rules import THANKS_KEPT, THANKS_UNTIL, thanks_due
from workshops.messages.mime import display_name
from workshops.messages.models import OutboxMessage
from workshops.messages.service import enqueue
from workshops.registration.models import Registration
from workshops.registration.service import event_when
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

THANKS_KIND = "followup/thank_you"
#: Made in one transaction; the rest follows at the worker's next look.
BATCH = 200
#: Who was not there is not thanked for it.
NOT_THERE = ("absent", "excused")


def send_thanks(session: Session, *, now: datetime, settings: Settings) -> int:
    """Store the thanks that are due, at most BATCH of them; how many were stored."""
    made = 0
    for event_id, over_at in session.execute(
        select(Event.id, Event.over_at)
        .where(
            Event.state == "published", Event.sends_thanks, Event.month.is_(None), Event.over_at <= now,
            Event.over_at > now - THANKS_UNTIL - THANKS_KEPT, (Event.taken_in_person > 0) | (Event.taken_online > 0),
        )
        .order_by(Event.id)
    ).all():
        due_at, drop_after = thanks_due(over_at)
        if due_at <= now < drop_after and made < BATCH:
            made += _thank(session, event_id, BATCH - made, drop_after, now=now, settings=settings)
    return made


def _thank(
    session: Session, event_id: int, limit: int, drop_after: datetime, *, now: datetime, settings: Settings
) -> int:
    people = _not_thanked(session, event_id, limit)
    if not people:
        return 0
    event = lock_event(session, event_id)
    if event.state != "published" or not event.sends_thanks or thanks_due(event.over_at)[0] > now:
        return 0
    note = queries.notes_of(session, event_id)
    words = {
        "title": event.title,
        "when": event_when(event),
        "event_url": f"{settings.base_url}/events/{event.slug}",
        "has_notes": note is not None and note.published_text is not None,
        "write_ups": [
            {"title": one.title, "url": one.url}
            for one in queries.write_ups_of(session, event_id)
            if one.state == "published" and one.url
        ],
    }
    made = 0
    for person in people:
        made += enqueue(
            session, kind=THANKS_KIND, to_email=person.email, to_name=person.name,
            values={**words, "name": display_name(person.name)}, dedupe_key=thanks_key(person.id),
            about=("registration", person.id), event_id=event_id, now=now, drop_after=drop_after, settings=settings,
        ) is not None
    return made


def _not_thanked(session: Session, event_id: int, limit: int) -> Sequence[Registration]:
    before, after = thanks_key("#").split("#")
    key = literal(before) + cast(Registration.id, Text) + literal(after)
    thanked = select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key).exists()
    return session.scalars(
        select(Registration)
        .outerjoin(AttendanceMark, AttendanceMark.registration_id == Registration.id)
        .where(
            Registration.event_id == event_id, Registration.state == "confirmed", Registration.erased_at.is_(None),
            AttendanceMark.status.is_(None) | AttendanceMark.status.not_in(NOT_THERE), ~thanked,
        )
        .order_by(Registration.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()


def thanks_key(registration_id: int | str) -> str:
    """Names the thanks to one person: once, whenever the event was moved to."""
    return f"thanks:{registration_id}:"


def reason_not_to_thank(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why thanks must not go out any more, or None. Asked at the moment of sending."""
    person = session.get(Registration, message.about_id) if message.about_id is not None else None
    event: Any = person.event if person is not None else None
    if event is None or event.state != "published" or event.over_at > now:
        return "The event did not take place then."
    if not event.sends_thanks:
        return "Thanks were turned off for this event."
    mark = session.get(AttendanceMark, message.about_id)
    return "They were not there." if mark is not None and mark.status in NOT_THERE else None


def choose_thanks(session: Session, *, event: Event, sends: bool, now: datetime, actor: Actor) -> None:
    """Turn the thanks of an event on or off."""
    event = lock_event(session, event.id)
    if event.sends_thanks == sends:
        return
    event.sends_thanks = sends
    audit.record(
        session, now=now, actor=actor, action="thanks_turned_on" if sends else "thanks_turned_off",
        subject=("event", event.id), event_id=event.id, fields=("sends_thanks",),
    )
    session.flush()

"""Due work: people with a place are reminded a week and a day before the event.

A reminder is made when it is due and not before, so it says what is true at that moment, and a moved event needs
nothing to be put right. Its dedupe key names the registration, the reminder and the start: nobody is reminded of the
same start twice, and of a new start once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import Text, cast, literal, or_, select
from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration
from workshops.registration.rules.reminders import REMINDERS, Reminder, joining_mail_of, reminders_of
from workshops.registration.service.telling import tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

REMINDER_KIND = "registration/reminder"
#: No reminder is made earlier than this before an event; one day more than the longest, for the clocks.
_AHEAD = timedelta(days=max(days for days, _ in REMINDERS.values()) + 1)
#: Made in one transaction; the rest follows at the worker's next look.
BATCH = 200


def make_reminders(session: Session, *, now: datetime, settings: Settings) -> int:
    """Store the reminders that are due, at most BATCH of them; how many were stored."""
    made = 0
    for event_id, starts_at, starts_on, link in session.execute(
        select(Event.id, Event.starts_at, Event.starts_on, Event.joining_link)
        .where(
            Event.state == "published", Event.sort_at > now, Event.sort_at <= now + _AHEAD, Event.month.is_(None),
            (Event.taken_in_person > 0) | (Event.taken_online > 0),
        )
        # in the order in which events are locked
        .order_by(Event.id)
    ).all():
        for reminder in _all_of(starts_at, starts_on, link):
            if reminder.is_due(now) and made < BATCH:
                made += _remind(session, event_id, reminder, BATCH - made, now=now, settings=settings)
    return made


def _all_of(starts_at: datetime | None, starts_on: date | None, joining_link: str) -> list[Reminder]:
    """All reminders of an event, and the mail with the link where there is one."""
    joining = joining_mail_of(starts_at) if joining_link else None
    return [*reminders_of(starts_at or starts_on), *([joining] if joining else [])]


def _remind(
    session: Session, event_id: int, reminder: Reminder, limit: int, *, now: datetime, settings: Settings
) -> int:
    due = _not_reminded(session, event_id, reminder, limit)
    if not due:
        return 0
    # The lock of the event: it does not move, and nobody's place goes, while these are written.
    event = lock_event(session, event_id)
    if event.state != "published" or reminder not in _all_of(event.starts_at, event.starts_on, event.joining_link):
        return 0
    made = 0
    for registration_id in due:
        registration = session.get(Registration, registration_id, populate_existing=True)
        if registration is None or registration.state != "confirmed" or registration.erased_at is not None:
            continue
        if reminder.key == "joining" and registration.attending != "online":
            continue
        kind = "joining_link" if reminder.key == "joining" else "reminder"
        made += tell(
            session, event, registration, kind, now=now, settings=settings,
            values={"ahead": reminder.words}, drop_after=min(reminder.drop_after, event.sort_at),
            dedupe_key=reminder_key(registration.id, reminder),
        )
    return made


def _not_reminded(session: Session, event_id: int, reminder: Reminder, limit: int) -> Sequence[int]:
    """Who has a place, did not get it only now, and has not been reminded."""
    before, after = reminder_key("#", reminder).split("#")
    key = literal(before) + cast(Registration.id, Text) + literal(after)
    reminded = select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key).exists()
    return session.scalars(
        select(Registration.id)
        .where(
            Registration.event_id == event_id, Registration.state == "confirmed",
            Registration.state_changed_at <= reminder.due_at - reminder.knows_since, Registration.erased_at.is_(None),
            # "Are you still coming?" says the same: nobody gets both within a day.
            or_(Registration.asked_at.is_(None), Registration.asked_at <= reminder.due_at - reminder.knows_since),
            ~reminded, *([Registration.attending == "online"] if reminder.key == "joining" else []),
        )
        .order_by(Registration.id)
        .limit(limit)
    ).all()


def reminder_key(registration_id: int | str, reminder: Reminder) -> str:
    """Names the reminder of one person; when it is due stands for the start of the event."""
    return f"reminder:{registration_id}:{reminder.key}:{reminder.due_at.isoformat()}"


def is_of_another_start(message: OutboxMessage, event: Event) -> bool:
    """Whether the event has moved since this reminder was written."""
    all_of = _all_of(event.starts_at, event.starts_on, event.joining_link)
    keys = [reminder_key(message.about_id or 0, one) for one in all_of]
    return message.dedupe_key not in keys

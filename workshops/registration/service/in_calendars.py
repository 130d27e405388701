"""What registration sent an address under an event's UID, for others who send there too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.registration.models import Registration
from workshops.registration.rules import CALENDAR_STATES
from workshops.schedule.models import Event
from workshops.schedule.signals import InCalendar


def what_is_in_calendars(event: Event, *, session: Session, email_keys: Sequence[str], **_: Any) -> list[InCalendar]:
    """The highest SEQUENCE that each of these addresses was sent, and whether their entry stands."""
    rows = session.execute(
        select(Registration.email_key, Registration.invite_sequence, Registration.state)
        .where(
            Registration.event_id == event.id,
            Registration.email_key.in_(email_keys),
            Registration.invite_sequence.is_not(None),
        )
        .order_by(Registration.id)
    ).all()
    return [
        InCalendar(
            key,
            max(sequence for other, sequence, _ in rows if other == key and sequence is not None),
            any(other == key and state in CALENDAR_STATES for other, _, state in rows),
        )
        for key in dict.fromkeys(key for key, _, _ in rows)
    ]

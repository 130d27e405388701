"""Notes down who took an export. The one thing this slice adds to the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.evidence.rules import PEOPLE_COLUMNS
from workshops.schedule.models import Event


def record_export(session: Session, *, event: Event, file_format: str, now: datetime, actor: Actor) -> None:
    """Say in the history that the people of an event were exported, by whom and as what."""
    audit.record(
        session,
        now=now,
        actor=actor,
        action="people_exported",
        subject=("event", event.id),
        event_id=event.id,
        fields=PEOPLE_COLUMNS,
        reason=file_format,
    )
    session.flush()

"""Writes audit entries, inside the transaction of what they tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit.models import AuditEntry
from workshops.audit.rules import Actor


def record(
    session: Session,
    *,
    now: datetime,
    actor: Actor,
    action: str,
    subject: tuple[str, int | None],
    event_id: int | None = None,
    fields: Iterable[str] = (),
    reason: str = "",
) -> None:
    """Add one entry. subject is (kind, id), such as ("registration", 7); fields are names, never values."""
    session.add(
        AuditEntry(
            at=now,
            actor_kind=actor.kind,
            actor_id=actor.id,
            action=action,
            subject_kind=subject[0],
            subject_id=subject[1],
            event_id=event_id,
            fields=",".join(sorted(fields)),
            reason=reason,
        )
    )

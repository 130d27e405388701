"""Reads the history."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.audit.models import AuditEntry


def history_of(session: Session, kind: str, subject_id: int, *, limit: int = 200) -> Sequence[AuditEntry]:
    """What happened to one thing, newest first."""
    return session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_kind == kind, AuditEntry.subject_id == subject_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(limit)
    ).all()


def history_of_event(session: Session, event_id: int, *, limit: int = 200) -> Sequence[AuditEntry]:
    """What happened to an event and everything that belongs to it, newest first."""
    return session.scalars(
        select(AuditEntry)
        .where(AuditEntry.event_id == event_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(limit)
    ).all()

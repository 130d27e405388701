"""The audit table. Rows hold ids and field names, never personal values (DESIGN 5, audit rows)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from workshops.core.db import Base


class AuditEntry(Base):
    """One change: who, what, to which thing, when."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject", "subject_kind", "subject_id"),
        Index("ix_audit_entries_event_id", "event_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    #: staff, person (a registered person by link or form), host, command, or worker.
    actor_kind: Mapped[str]
    #: The account's id for staff, the registration's for a person, the proposal's for a host, else empty.
    actor_id: Mapped[int | None]
    #: Past tense, as signals are: event_published, place_cancelled.
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[int | None]
    #: The event it belongs to, so that an event's history is one query.
    event_id: Mapped[int | None]
    #: Names of the fields that changed, separated by commas; never their values.
    fields: Mapped[str] = mapped_column(default="")
    #: A written reason that holds no personal value (a rule's words, a state), or empty.
    reason: Mapped[str] = mapped_column(default="")

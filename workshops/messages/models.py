"""The outbox."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from workshops.core.db import Base

STATES = ("due", "sending", "retry", "sent", "failed", "cancelled")


class OutboxMessage(Base):
    """One mail to one person."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        CheckConstraint("state IN ('due','sending','retry','sent','failed','cancelled')", name="state"),
        CheckConstraint("bounced IN ('','delayed','permanent')", name="bounced"),
        Index("ix_outbox_messages_due", "state", "due_at", "id"),
        Index("ix_outbox_messages_event_id", "event_id"),
        Index("ix_outbox_messages_about", "about_kind", "about_id"),
        Index("ix_outbox_messages_refused_at", "refused_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Names the news, so that it is told once: "place_confirmed:17:0". Unique.
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    #: "<slice>/<kind>", the folder of its templates, such as registration/place_confirmed.
    kind: Mapped[str]
    #: What it is about, for checks at the moment of sending and for showing it beside that thing.
    about_kind: Mapped[str] = mapped_column(default="")
    about_id: Mapped[int | None]
    #: The event it belongs to; no foreign key, because this slice stands below the schedule.
    event_id: Mapped[int | None]
    to_email: Mapped[str]
    to_name: Mapped[str] = mapped_column(default="")
    subject: Mapped[str]
    #: Personal links stand in the bodies as placeholders; see sealed_links.
    body_text: Mapped[str]
    body_html: Mapped[str]
    #: A text/calendar part (RFC 6047), or nothing.
    calendar: Mapped[bytes | None]
    #: REQUEST or CANCEL, equal to the METHOD inside the calendar part.
    calendar_method: Mapped[str | None]
    #: The personal links, encrypted with the instance's secret; gone once sent.
    sealed_links: Mapped[str | None]
    #: Stable over all tries, so that a receiver can recognise a second copy.
    message_id: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="due")
    created_at: Mapped[datetime]
    #: Not before this instant.
    due_at: Mapped[datetime]
    #: Dropped instead of sent after this instant, when there is one.
    drop_after: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    #: While state is sending: who has it and until when; after that anybody may take it again.
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    #: The server's words, or why it was cancelled.
    last_error: Mapped[str] = mapped_column(default="")
    #: Since when staff hold it back: no worker takes it until it is released.
    held_at: Mapped[datetime | None]
    #: When the server refused it for good, or gave it up: while sending, or later in a report (see bounced).
    refused_at: Mapped[datetime | None]
    #: What a report that came back after sending said: delayed, permanent, or empty: none came.
    bounced: Mapped[str] = mapped_column(default="")
    #: When a member of staff said that this failure is dealt with.
    dealt_with_at: Mapped[datetime | None]

"""Notes and write-ups."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workshops.accounts.models import Account
from workshops.core.db import Base
from workshops.schedule.models import Event


class Note(Base):
    """The notes of an event, in Markdown as typed."""

    __tablename__ = "notes"
    __table_args__ = (CheckConstraint("state IN ('draft','published')", name="state"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    text: Mapped[str]
    #: What the public sees; None until published. A later draft does not change it.
    published_text: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="draft")
    #: Raised at each save; a form sends back the one it showed, so that two writers notice each other.
    revision: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime]
    updated_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    published_at: Mapped[datetime | None]


class WriteUp(Base):
    """A blog post or report about an event: promised, drafted, or published elsewhere under its link."""

    __tablename__ = "write_ups"
    __table_args__ = (
        CheckConstraint("state IN ('to be written','drafted','published')", name="state"),
        Index("ix_write_ups_event_id", "event_id"),
        Index("ix_write_ups_state", "state", "published_on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    #: For Atom: a permanent urn:uuid.
    uid: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    url: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    due_on: Mapped[date | None]
    published_on: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    event: Mapped[Event] = relationship()
    owner: Mapped[Account | None] = relationship()

"""Tables of the feeds: the calendars of staff, opened by a token, and how often feeds are fetched."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from workshops.core.db import Base


class StaffCalendar(Base):
    """A calendar of somebody of the staff. A new one ends the old one of the same kind."""

    __tablename__ = "staff_calendars"
    __table_args__ = (
        CheckConstraint("whose IN ('mine','all')", name="whose"),
        # The last guard of "one at a time".
        Index(
            "uq_staff_calendars_open",
            "account_id",
            "whose",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    #: mine: what they run themselves; all: everything they may run.
    whose: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    #: The last day in Scotland on which it was fetched.
    last_used_on: Mapped[date | None]


class FeedFetches(Base):
    """How often one feed was fetched on one day by one family of programs. Numbers alone."""

    __tablename__ = "feed_fetches"
    __table_args__ = (Index("ix_feed_fetches_day", "day"),)

    #: Its address without the host, or "other".
    feed: Mapped[str] = mapped_column(primary_key=True)
    #: As clients.FAMILIES.
    family: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    fetches: Mapped[int]
    #: Of these, how many were told that nothing has changed.
    unchanged: Mapped[int]
    #: At least so many readers: the most that one process told apart.
    readers: Mapped[int]

"""Tables of the feeds: the calendars of staff, opened by a token."""

from __future__ import annotations

from datetime import datetime

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

"""Marks of attendance. No row means: not recorded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from workshops.core.db import Base


class AttendanceMark(Base):
    """How one registered person was seen."""

    __tablename__ = "attendance_marks"
    __table_args__ = (
        CheckConstraint("status IN ('in_person','online','part','absent','excused')", name="status"),
    )

    registration_id: Mapped[int] = mapped_column(
        ForeignKey("registrations.id", ondelete="CASCADE"), primary_key=True
    )
    status: Mapped[str]
    #: How it was seen: register (the page of the event) or import.
    method: Mapped[str] = mapped_column(default="register")
    marked_at: Mapped[datetime]
    marked_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class AttendanceForecast(Base):
    """How many were expected when an event began; it stays as it was said. low None: nothing could be said."""

    __tablename__ = "attendance_forecasts"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    places: Mapped[int]
    low: Mapped[int | None]
    high: Mapped[int | None]
    #: The history it was made from.
    people: Mapped[int]
    events: Mapped[int]
    made_at: Mapped[datetime]

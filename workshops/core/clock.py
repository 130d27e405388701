"""The one place that asks what time it is. Views, commands and the worker read it and pass `now` on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime


def _system() -> datetime:
    return datetime.now(UTC)


_read: Callable[[], datetime] = _system


def now() -> datetime:
    """This instant, aware, in UTC, to the whole second (what the database and iCalendar keep)."""
    return _read().replace(microsecond=0)


def set_clock(read: Callable[[], datetime] | None) -> None:
    """Put another clock in place (tests), or the system's again with None."""
    global _read
    _read = read or _system

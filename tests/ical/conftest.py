"""What the iCalendar tests share: one ordinary entry, and ways to look at bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from workshops.ical.entry import CalendarEntry
from workshops.ical.serialise import calendar_bytes

BASE: dict[str, Any] = {
    "uid": "0b7a3c1e-5f1d-4c38-9a54-3d4f2f1c9a10",
    "sequence": 3,
    "revised_at": datetime(2017, 10, 2, 8, 30, tzinfo=UTC),
    "created_at": datetime(2017, 9, 1, 12, 0, tzinfo=UTC),
    "starts": datetime(2017, 11, 14, 10, 0, tzinfo=UTC),
    "ends": datetime(2017, 11, 14, 12, 0, tzinfo=UTC),
    "title": "Round-table on co-production",
    "location": "Victoria Quay, Edinburgh EH6 6QQ",
    "description": "What we learned.\nBring a question.",
    "url": "https://events.example.org/events/round-table",
    "categories": ("Round-table", "Health, care"),
    "organiser_email": "team@example.org",
    "organiser_name": "Co-production team",
}


@pytest.fixture(scope="session")
def make_entry() -> Callable[..., CalendarEntry]:
    """An ordinary entry, with what the test is about in place of the ordinary."""
    return lambda **changes: CalendarEntry(**{**BASE, **changes})


@pytest.fixture(scope="session")
def make_feed() -> Callable[..., bytes]:
    """A calendar of ready-made VEVENTs."""

    def make(*vevents: bytes, **changes: Any) -> bytes:
        header = {
            "name": "Co-production events",
            "description": "Everything public",
            "url": "https://events.example.org/events",
            "source": "https://events.example.org/calendar.ics",
        }
        return calendar_bytes(**{**header, **changes}, vevents=vevents)

    return make


@pytest.fixture(scope="session")
def content_lines_of() -> Callable[[bytes], list[str]]:
    """The unfolded lines of a calendar, by the letter of RFC 5545 3.1."""
    return lambda data: data.replace(b"\r\n ", b"").decode("utf-8").removesuffix("\r\n").split("\r\n")

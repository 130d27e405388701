"""Links that open the form of a calendar on the web with an event filled in: Google, Microsoft 365, Outlook.com. Pure.

What is added this way is a copy that never hears of a change, so the pages say so beside it. The forms cannot say
times for each of several days: such an event has none of these links, only its file. Neither company documents its
address; these forms have been stable for years and are what peers use.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote, urlencode

from workshops.ical.entry import CalendarEntry

#: Some proxies refuse long addresses, and a hundred letters of four bytes are 1,200 characters in one.
MOST_WORDS = 100


def add_links(entry: CalendarEntry) -> dict[str, str]:
    """Address by name of the calendar; empty for a cancelled event and for times that differ from day to day."""
    if entry.status == "CANCELLED" or len(entry.days) > 1:
        return {}
    starts, ends = _span(entry)
    words = {"title": _short(entry.summary), "where": _short(entry.location), "details": entry.url or ""}
    google = {
        "action": "TEMPLATE",
        "dates": f"{_basic(starts)}/{_basic(ends)}",
        "text": words["title"],
        "location": words["where"],
        "details": words["details"],
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        **({"allday": "true"} if entry.all_day else {}),
        "startdt": _extended(starts),
        "enddt": _extended(ends),
        "subject": words["title"],
        "location": words["where"],
        "body": words["details"],
    }
    return {
        "Google Calendar": _address("https://calendar.google.com/calendar/render", google),
        "Outlook at work": _address("https://outlook.office.com/calendar/0/deeplink/compose", outlook),
        "Outlook.com": _address("https://outlook.live.com/calendar/0/deeplink/compose", outlook),
    }


def _span(entry: CalendarEntry) -> tuple[datetime | date, datetime | date]:
    """Start and end; for whole days the day after the last one, as both companies count them."""
    ends = entry.ends or entry.starts
    if entry.all_day:
        ends = date.max if ends == date.max else ends + timedelta(days=1)
    return entry.starts, ends


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_WORDS else line[: MOST_WORDS - 1].rstrip() + "…"


def _basic(when: datetime | date) -> str:
    if isinstance(when, datetime):
        return when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return when.strftime("%Y%m%d")


def _extended(when: datetime | date) -> str:
    if isinstance(when, datetime):
        return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return when.isoformat()


def _address(base: str, arguments: Mapping[str, str]) -> str:
    # %20 and not "+": Outlook shows a plus sign where others read a space.
    filled = {name: value for name, value in arguments.items() if value}
    return f"{base}?{urlencode(filled, quote_via=quote, errors='replace')}"

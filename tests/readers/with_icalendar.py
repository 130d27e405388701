"""Reads a calendar from standard input with icalendar, or with --days day by day with recurring-ical-events."""

import json
import sys
from datetime import UTC, datetime

import icalendar
import recurring_ical_events


def told(value):
    """An instant in UTC, or a date, as text."""
    moment = value.dt
    return moment.astimezone(UTC).isoformat() if isinstance(moment, datetime) else moment.isoformat()


calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
if "--days" in sys.argv:
    every_day = recurring_ical_events.of(calendar).between((2016, 1, 1), (2030, 1, 1))
    events = sorted(every_day, key=lambda event: told(event["DTSTART"]))
else:
    events = calendar.walk("VEVENT")
for event in events:
    print(json.dumps({
        "uid": str(event["UID"]),
        "starts": told(event["DTSTART"]),
        "ends": told(event["DTEND"]) if "DTEND" in event else None,
        "summary": str(event.get("SUMMARY", "")),
        "location": str(event.get("LOCATION", "")),
        "description": str(event.get("DESCRIPTION", "")),
        "status": str(event.get("STATUS", "")),
    }))  # fmt: skip

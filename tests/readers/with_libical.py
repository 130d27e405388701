"""Reads a calendar from standard input with libical, whose file is the only argument, through its C interface."""

import ctypes
import json
import sys
from datetime import UTC, datetime


class Time(ctypes.Structure):
    """struct icaltimetype of libical 3."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("year", "month", "day", "hour", "minute", "second", "is_date", "is_dst")),
        ("zone", ctypes.c_void_p),
    ]  # fmt: skip


ical = ctypes.CDLL(sys.argv[1])
POINTER, TEXT = ctypes.c_void_p, ctypes.c_char_p
for name, result, arguments in (
    ("icalparser_parse_string", POINTER, [TEXT]),
    ("icalcomponent_string_to_kind", ctypes.c_int, [TEXT]),
    ("icalcomponent_get_first_component", POINTER, [POINTER, ctypes.c_int]),
    ("icalcomponent_get_next_component", POINTER, [POINTER, ctypes.c_int]),
    ("icalcomponent_count_errors", ctypes.c_int, [POINTER]),
    ("icalrestriction_check", ctypes.c_int, [POINTER]),
    ("icalcomponent_get_dtstart", Time, [POINTER]),
    ("icalcomponent_get_dtend", Time, [POINTER]),
    ("icaltime_convert_to_zone", Time, [Time, POINTER]),
    ("icaltimezone_get_utc_timezone", POINTER, []),
    *((f"icalcomponent_get_{field}", TEXT, [POINTER]) for field in ("uid", "summary", "location", "description")),
    ("icalcomponent_get_status", ctypes.c_int, [POINTER]),
    ("icalproperty_status_to_string", TEXT, [ctypes.c_int]),
):
    function = getattr(ical, name)
    function.restype, function.argtypes = result, arguments


def told(time):
    """An instant in UTC, or a date, as text; None when it is not there."""
    if not time.year:
        return None
    if time.is_date:
        return f"{time.year:04d}-{time.month:02d}-{time.day:02d}"
    at = ical.icaltime_convert_to_zone(time, ical.icaltimezone_get_utc_timezone())
    return datetime(at.year, at.month, at.day, at.hour, at.minute, at.second, tzinfo=UTC).isoformat()


calendar = ical.icalparser_parse_string(sys.stdin.buffer.read())
assert calendar, "libical sees no calendar"
assert ical.icalcomponent_count_errors(calendar) == 0, "libical sees errors"
kind = ical.icalcomponent_string_to_kind(b"VEVENT")
event = ical.icalcomponent_get_first_component(calendar, kind)
while event:
    texts = {
        field: (getattr(ical, f"icalcomponent_get_{field}")(event) or b"").decode("utf-8")
        for field in ("uid", "summary", "location", "description")
    }
    status = ical.icalproperty_status_to_string(ical.icalcomponent_get_status(event)) or b""
    times = {"starts": told(ical.icalcomponent_get_dtstart(event)), "ends": told(ical.icalcomponent_get_dtend(event))}
    print(json.dumps({**texts, **times, "status": status.decode()}))
    event = ical.icalcomponent_get_next_component(calendar, kind)

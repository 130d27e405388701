"""Reads the answer that a calendar program sends to an invitation: an iTIP REPLY (RFC 5546 3.2.3). Pure.

The file is a stranger's: it is bounded before it is parsed, and whatever is not exactly one answer to one invitation is
none. Several VEVENTs, an answer for one day of several, or for two people at once are not taken for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar import Calendar

#: An answer is a few lines; programs that send the description back stay below this.
MOST_BYTES = 100_000

ANSWERS = {"ACCEPTED": "accepted", "TENTATIVE": "tentative", "DECLINED": "declined"}


@dataclass(frozen=True)
class Reply:
    """One answer. answer: a value of ANSWERS.   attendee: whose, an address.   organiser: to whom, or empty.
    stamped_at: when it was made, aware, UTC."""

    uid: str
    sequence: int
    answer: str
    attendee: str
    organiser: str
    stamped_at: datetime


def read_reply(data: bytes) -> Reply | None:
    """The answer in a text/calendar part, or None for anything else."""
    if len(data) > MOST_BYTES or data.upper().count(b"BEGIN:VEVENT") != 1:
        return None
    try:
        calendar = Calendar.from_ical(data)
        if str(calendar.get("METHOD", "")).strip().upper() != "REPLY":
            return None
        [event] = [part for part in calendar.subcomponents if part.name == "VEVENT"]
        attendee, stamp = event.get("ATTENDEE"), event.get("DTSTAMP")
        if "RECURRENCE-ID" in event or isinstance(attendee, list) or attendee is None or stamp is None:
            return None
        answer = ANSWERS.get(str(attendee.params.get("PARTSTAT", "")).strip().upper())
        stamped = stamp.dt
        if answer is None or not isinstance(stamped, datetime) or stamped.tzinfo is None:
            return None
        return Reply(
            uid=str(event.get("UID", "")).strip(),
            sequence=int(event.get("SEQUENCE", 0)),
            answer=answer,
            attendee=_address(attendee),
            organiser=_address(event.get("ORGANIZER", "")),
            stamped_at=stamped.astimezone(UTC),
        )
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError):
        return None  # icalendar raises all of these on what strangers write


def _address(value: object) -> str:
    text = str(value).strip()
    return text[len("mailto:") :].strip() if text.lower().startswith("mailto:") else text

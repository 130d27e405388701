"""Invitations and their withdrawal for one person: iTIP REQUEST and CANCEL (RFC 5546), sent by mail
(RFC 6047). Which SEQUENCE to give is the business of `sequence.next_sequence`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from workshops.ical.cleaning import clean_email, clean_line, clean_url
from workshops.ical.entry import CalendarEntry
from workshops.ical.lines import block
from workshops.ical.serialise import FOOTER, PRODID, VTIMEZONE, address_line, identity_lines, vevent_blocks

Method = Literal["REQUEST", "CANCEL"]

PARTSTATS = ("NEEDS-ACTION", "ACCEPTED", "TENTATIVE", "DECLINED")


def invitation_bytes(
    entry: CalendarEntry,
    *,
    method: Method,
    attendee_email: str,
    attendee_name: str,
    sequence: int,
    stamped_at: datetime,
    partstat: str,
    organiser_email: str,
    organiser_name: str,
    event_cancelled: bool = False,
    rsvp: bool = False,
    joining_link: str | None = None,
) -> bytes:
    """One iTIP object for one person; the mail's `method` parameter must equal `method`.

    sequence: from `next_sequence`.   stamped_at: aware, when this object is made: with a METHOD
    that is DTSTAMP (RFC 5545 3.8.7.2).
    partstat: ACCEPTED for a place held, TENTATIVE while approval is open; a TENTATIVE part makes
    the entry STATUS:TENTATIVE too.
    organiser_email: must equal the sender of the mail.   rsvp: whether replies are read there.
    event_cancelled: for CANCEL only. True says STATUS:CANCELLED, the event is gone for everybody;
    False takes this one person off, and then STATUS must be absent (RFC 5546 3.2.5).
    joining_link: this person's own way in. Only in a REQUEST; left out when it is no usable link.

    Raises ValueError when the object would not be one of RFC 5546: an address that cannot be used,
    an unknown method or part, a naive stamp, a REQUEST for a cancelled event.
    """
    attendee, organiser = clean_email(attendee_email), clean_email(organiser_email)
    if attendee is None or organiser is None:
        raise ValueError("An invitation needs an attendee and an organiser whose addresses can be used.")
    _check(entry, method, partstat, sequence, stamped_at, event_cancelled)
    link = clean_url(joining_link) if method == "REQUEST" else None
    part = f";CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={partstat};RSVP={'TRUE' if rsvp else 'FALSE'}"
    after = [
        *([f'CONFERENCE;VALUE=URI;FEATURE=VIDEO;LABEL="Join online":{link}'] if link else []),
        *_status_lines(entry, method, partstat, event_cancelled),
        address_line("ORGANIZER", "", clean_line(organiser_name), organiser),
        address_line("ATTENDEE", part, clean_line(attendee_name), attendee),
    ]
    events = vevent_blocks(
        _with_joining(entry, link),
        identity=identity_lines(entry, stamped_at=stamped_at, sequence=sequence),
        after=after,
        # A CANCEL without RECURRENCE-ID takes all days off (RFC 5546 3.2.5).
        instances=method == "REQUEST",
    )
    header = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]
    zone = VTIMEZONE if b"\nDTSTART;TZID=" in events else b""
    return b"".join([block(header), zone, events, FOOTER])


def _check(
    entry: CalendarEntry, method: str, partstat: str, sequence: int, stamped_at: datetime, event_cancelled: bool
) -> None:
    if method not in ("REQUEST", "CANCEL") or partstat not in PARTSTATS:
        raise ValueError(f"Unknown method {method!r} or part {partstat!r}.")
    if sequence < 0 or stamped_at.tzinfo is None:
        raise ValueError("An invitation needs a sequence of 0 or more and an aware time.")
    if method == "REQUEST" and (event_cancelled or entry.status == "CANCELLED"):
        raise ValueError("A cancelled event is told with CANCEL, not with REQUEST.")


def _status_lines(entry: CalendarEntry, method: str, partstat: str, event_cancelled: bool) -> list[str]:
    if method == "CANCEL":
        return ["STATUS:CANCELLED"] if event_cancelled else []
    return ["STATUS:TENTATIVE" if partstat == "TENTATIVE" else f"STATUS:{entry.status}"]


def _with_joining(entry: CalendarEntry, link: str | None) -> CalendarEntry:
    if not link:
        return entry
    return replace(entry, description=f"{entry.description}\n\nJoin online: {link}")

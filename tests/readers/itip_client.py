"""A calendar program that does what RFC 5546 asks of one, and no more: mails in, entries out.

Real ones are kinder here and stricter there; this one takes nothing on trust. An invitation that breaks a rule of RFC
5546 or RFC 6047 fails the test, one that is not newer than what is known is thrown away (2.1.5), so a SEQUENCE that
does not rise shows as an entry that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from email.message import EmailMessage
from typing import Any

from icalendar import Calendar


@dataclass(frozen=True)
class Entry:
    """What somebody sees in their calendar. starts, ends: as written, with their zone; ends is exclusive."""

    uid: str
    starts: datetime | date
    ends: datetime | date
    title: str
    place: str
    join: str
    status: str


@dataclass
class CalendarProgram:
    """The calendar of one address. ignored: how many mails were thrown away as not newer."""

    address: str
    entries: dict[str, Entry] = field(default_factory=dict)
    known: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    ignored: int = 0

    def take_all(self, mails: Iterable[EmailMessage]) -> CalendarProgram:
        """Take mails in the order in which they arrive."""
        for mail in mails:
            self.take(mail)
        return self

    def take(self, mail: EmailMessage) -> None:
        """Take one mail; one without an invitation changes nothing."""
        parts = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
        if not parts:
            return
        (part,) = parts
        calendar = Calendar.from_ical(part.get_payload(decode=True))
        method, event = str(calendar["METHOD"]), self._one_event(calendar)
        assert part.get_param("method") == method, "RFC 6047 2.4: the part's method is the file's"
        assert part.get_content_charset() == "utf-8"
        self._check_people(mail, event)
        uid, version = str(event["UID"]), (int(event["SEQUENCE"]), event["DTSTAMP"].dt)
        if uid in self.known and version <= self.known[uid]:
            self.ignored += 1
            return
        self.known[uid] = version
        if method == "CANCEL":
            self.entries.pop(uid, None)
            return
        assert method == "REQUEST", method
        self.entries[uid] = _entry(uid, event)

    @staticmethod
    def _one_event(calendar: Any) -> Any:
        (event,) = calendar.walk("VEVENT")  # the application sends no exceptions of a repeated entry here
        assert not event.errors, event.errors
        return event

    def _check_people(self, mail: EmailMessage, event: Any) -> None:
        attendee = event["ATTENDEE"]
        assert not isinstance(attendee, list), "one attendee, who is who reads this"
        assert str(attendee).lower() == f"mailto:{self.address}"
        sender = mail["From"].addresses[0].addr_spec
        assert str(event["ORGANIZER"]).lower() == f"mailto:{sender}".lower(), "the organiser is the sender"


def _entry(uid: str, event: Any) -> Entry:
    return Entry(
        uid, event["DTSTART"].dt, event["DTEND"].dt, str(event["SUMMARY"]), str(event.get("LOCATION", "")),
        str(event.get("CONFERENCE", "")), str(event["STATUS"]),
    )  # fmt: skip

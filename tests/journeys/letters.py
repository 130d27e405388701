"""The mails a journey gets, read as a mail program reads them: from the .eml files of the instance."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from icalendar import Calendar
from icalendar.cal.event import Event as CalendarEvent

#: The worker looks for due mail every two seconds, on a machine that runs other tests too.
PATIENCE_S = 30.0

_ADDRESS = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Letter:
    """One mail. kind is what its file says: registration-place_confirmed."""

    path: Path
    mail: EmailMessage

    @property
    def kind(self) -> str:
        return self.path.stem.split("-", 2)[2]

    @property
    def to(self) -> str:
        return str(self.mail["To"].addresses[0].addr_spec)

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"])

    @property
    def text(self) -> str:
        return _content(self.mail, "plain")

    @property
    def html(self) -> str:
        return _content(self.mail, "html")

    def links(self, containing: str = "") -> list[str]:
        """Every address in the text part with these letters, each once, in order."""
        found = (address.rstrip(".,)") for address in _ADDRESS.findall(self.text))
        return list(dict.fromkeys(address for address in found if containing in address))

    @property
    def place(self) -> str:
        """The path of the link to "My place"."""
        (link,) = self.links("/places/")
        return "/places/" + link.split("/places/")[1]

    @property
    def calendar_part(self) -> EmailMessage | None:
        """The part with the invitation, or None."""
        parts = [part for part in self.mail.walk() if part.get_content_type() == "text/calendar"]
        assert len(parts) <= 1
        return parts[0] if parts else None  # type: ignore[return-value]

    @property
    def calendar(self) -> Calendar:
        """The invitation or cancellation, read by icalendar."""
        part = self.calendar_part
        assert part is not None, f"{self.subject} brings no invitation"
        return Calendar.from_ical(part.get_payload(decode=True))  # type: ignore[return-value]

    @property
    def entry(self) -> CalendarEvent:
        """The one VEVENT of the invitation."""
        (entry,) = self.calendar.walk("VEVENT")
        return entry  # type: ignore[return-value]

    @property
    def method(self) -> str:
        """REQUEST or CANCEL; the part's own parameter says the same (RFC 6047 2.4)."""
        part = self.calendar_part
        assert part is not None
        method = str(self.calendar["METHOD"])
        assert part.get_param("method") == method
        return method


def _content(mail: EmailMessage, subtype: str) -> str:
    part = mail.get_body(preferencelist=(subtype,))
    assert part is not None, f"no {subtype} part"
    return str(part.get_content())


def letters(folder: Path, *, to: str = "", kind: str = "") -> list[Letter]:
    """All mails written so far, oldest first; only those to this address and of this kind."""
    # 20171114T100000Z-17-registration-place_confirmed.eml: by the number, which grows
    files = sorted(folder.glob("*.eml"), key=lambda path: int(path.name.split("-")[1]))
    found = [Letter(path, message_from_bytes(path.read_bytes(), policy=default)) for path in files]
    return [one for one in found if to in ("", one.to) and kind in one.kind]


def wait_for_letter(folder: Path, *, to: str, kind: str) -> Letter:
    """The newest mail of this kind to this address, as soon as the worker has written it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = letters(folder, to=to, kind=kind)
        if found:
            return found[-1]
        time.sleep(0.1)
    written = [(one.to, one.kind) for one in letters(folder)]
    raise AssertionError(f"no mail {kind} to {to} within {PATIENCE_S:.0f} s; there are {written}")

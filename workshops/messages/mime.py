"""A stored message as bytes for a mail server: RFC 5322, RFC 2045 and, with a calendar part, RFC 6047."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from workshops.core.text import clean_text
from workshops.ical.streams import calendar_objects

#: Who mail comes from, beside the address in WORKSHOPS_MAIL_FROM.
SENDER_NAME = "Co-production events"
#: A name longer than this is left out of the header: it is somebody's advertisement.
MAX_NAME_LENGTH = 80

# 7 bits: no server on the way has a reason to touch the bytes.
_POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class Letter:
    """All that is needed to write a mail, with the personal links already in the bodies."""

    message_id: str
    to_email: str
    to_name: str
    subject: str
    text: str
    html: str
    calendar: bytes | None = None
    calendar_method: str | None = None


def display_name(name: str) -> str:
    """A person's name as it may stand beside their address in a header, or nothing.

    A name that looks like an address, a link or an encoded word could pass for another sender or carry an
    advertisement to somebody who never came here; it is left out (security.md D.2 row 7).
    """
    cleaned = clean_text(name)
    if len(cleaned) > MAX_NAME_LENGTH or any(mark in cleaned for mark in ("@", "/", "=?", "<", ">", "www.")):
        return ""
    return cleaned


def build_mail(letter: Letter, *, mail_from: str, sent_at: datetime) -> EmailMessage:
    """The mail: text, HTML and, when there is one, the calendar part, as alternatives of each other.

    Several iCalendar objects, one after the other, are attached as files.

    sent_at: aware; becomes the Date. The same letter and instant give the same bytes.
    Raises ValueError for an address or header that cannot be written safely.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = Address(SENDER_NAME, addr_spec=mail_from)
    mail["To"] = Address(display_name(letter.to_name), addr_spec=letter.to_email)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(sent_at)
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail["X-Auto-Response-Suppress"] = "All"  # the same, for Exchange
    mail.set_content(letter.text, charset="utf-8")
    mail.add_alternative(letter.html, subtype="html", charset="utf-8")
    if letter.calendar is not None:
        if letter.calendar_method not in ("REQUEST", "CANCEL"):
            raise ValueError("a calendar part needs its method")
        _add_calendar(mail, calendar_objects(letter.calendar), letter.calendar_method)
    boundary = "=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"{boundary}_{number}" if number else boundary)
    return mail


def _add_calendar(mail: EmailMessage, objects: Sequence[bytes], method: str) -> None:
    """One object is the mail, in its third form; of several each is a file, for a mail can be one invitation only."""
    for number, content in enumerate(objects, start=1):
        name = "invite.ics" if len(objects) == 1 else f"invite-{number}.ics"
        # RFC 6047 2.4: the method parameter equals METHOD inside, and the charset is named.
        how: dict[str, Any] = {
            "maintype": "text", "subtype": "calendar", "cte": "base64", "filename": name,
            "params": {"method": method, "charset": "UTF-8", "name": name},
        }  # fmt: skip
        if len(objects) == 1:
            mail.add_alternative(content, disposition="inline", **how)
        else:
            mail.add_attachment(content, **how)

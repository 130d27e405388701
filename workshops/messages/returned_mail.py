"""Reads reports about mail that did not arrive. Pure: knows no table and no network.

RFC 3464 (multipart/report with message/delivery-status) first; else the returned headers of a mail from a mailer
daemon whose words name a status. Anybody can write such a mail, so nothing follows from one but a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from typing import Any, cast

from workshops.core.text import clean_text
from workshops.messages.rules import MAX_ERROR_LENGTH

#: Parts and Message-IDs looked at in one mail: who sends more wants to keep us busy.
MOST_PARTS = 50
MOST_IDS = 20
#: So much of a text part is looked through for a status or a returned header.
MOST_TEXT = 20_000

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}@[^<>\s]{1,250}>")
_STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
_REPLY = re.compile(r"\b([45])\d\d[ -]")
_RETURNED_ID = re.compile(r"^Message-ID:\s*(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_DAEMON = re.compile(r"\b(mailer-daemon|postmaster|mail delivery (sub)?system)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Returned:
    """What a report says. permanent: given up, else still being tried.   message_ids: of the mail it is about."""

    permanent: bool
    words: str
    message_ids: tuple[str, ...]


def read_returned(mail: EmailMessage) -> Returned | None:
    """What this mail reports about another one; None when it is no such report, or of a mail that arrived."""
    parts = list(_parts(mail))
    status = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    fields = [block for part in status for block in _blocks(part)]
    ids = _ids(mail, parts)
    if fields:
        return _of_status(fields, ids)
    if not _DAEMON.search(header(mail, "From")):
        return None
    text = "\n".join(_text(part) for part in parts if part.get_content_type() == "text/plain")
    found = _STATUS.search(text) or _REPLY.search(text)
    if found is None or found[1] == "2":
        return None
    line = next((line.strip() for line in text.splitlines() if found[0].strip() in line), found[0])
    return Returned(found[1] == "5", _short(line), ids or tuple(_RETURNED_ID.findall(text)[:MOST_IDS]))


def _of_status(blocks: list[Message[str, str]], ids: tuple[str, ...]) -> Returned | None:
    """RFC 3464 2.3: one block for each recipient; the gravest counts."""
    found: list[Returned] = []
    for block in blocks:
        action = header(block, "Action").strip().lower()
        status = _STATUS.search(header(block, "Status"))
        grade = status[1] if status else ""
        if action in ("delivered", "relayed", "expanded") or grade == "2":
            continue
        if action not in ("failed", "delayed") and not grade:
            continue
        # "failed" is the end, whatever the status: a server that gave up after days says 4.4.7
        permanent = action == "failed" or (action != "delayed" and grade == "5")
        said = header(block, "Diagnostic-Code").partition(";")[2] or header(block, "Status")
        found.append(Returned(permanent, _short(said or "The mail came back."), ids))
    return next((one for one in found if one.permanent), found[0] if found else None)


def header(part: Message[Any, Any], name: str) -> str:
    """A header as text; empty where there is none, or it cannot be read."""
    try:
        return str(part.get(name, "") or "")
    except Exception:  # the standard library's readers of headers raise all kinds of errors on hostile ones
        return ""


def _parts(mail: EmailMessage) -> Iterator[EmailMessage]:
    """The parts from the outside in; a returned mail inside is given, not walked through."""
    waiting: list[Message[Any, Any]] = [mail]
    given = 0
    while waiting and given < MOST_PARTS:
        part = waiting.pop(0)
        given += 1
        yield cast(EmailMessage, part)
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting.extend(one for one in part.get_payload() if isinstance(one, Message))


def _blocks(part: EmailMessage) -> list[Message[str, str]]:
    payload: Any = part.get_payload()
    return [block for block in payload[:MOST_PARTS] if isinstance(block, Message)] if isinstance(payload, list) else []


def _ids(mail: EmailMessage, parts: list[EmailMessage]) -> tuple[str, ...]:
    """Message-IDs of the mail that came back, the surest first."""
    said: list[str] = []
    for part in parts:
        kind = part.get_content_type()
        payload: Any = part.get_payload()
        if kind == "message/rfc822" and isinstance(payload, list) and payload:
            said += _MESSAGE_ID.findall(header(payload[0], "Message-ID"))
        elif kind == "text/rfc822-headers":
            said += _RETURNED_ID.findall(_text(part))
    for name in ("In-Reply-To", "References"):
        said += _MESSAGE_ID.findall(header(mail, name))
    return tuple(dict.fromkeys(said))[:MOST_IDS]


def _text(part: EmailMessage) -> str:
    try:
        raw = part.get_payload(decode=True)
    except Exception:  # an encoding that is none
        return ""
    return raw[:MOST_TEXT].decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _short(words: str) -> str:
    return clean_text(re.sub(r"\s+", " ", words))[:MAX_ERROR_LENGTH]

"""Reads the mailbox to which answers and returned mail come, and hands each mail to whoever it is for.

A mail is read up to a limit, handled in a transaction of its own, and then marked as read; killed in between, it
is handled again, so handlers have no second effect. What nobody takes stays in the mailbox, marked as read, and is
logged by its number alone. Attachments are never opened, nothing in a mail is believed beyond what a handler says.
"""

from __future__ import annotations

import contextlib
import email
import hashlib
import imaplib
import logging
import os
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import BinaryIO, Protocol

from sqlalchemy.orm import Session

from workshops.config import Mailbox, Settings
from workshops.core.db import db, transaction
from workshops.messages.returned_mail import read_returned
from workshops.messages.service import note_returned
from workshops.messages.transports import tls_context
from workshops.messages.worker import where

#: So much of one mail is read; a report stands before the mail that it returns.
MOST_BYTES = 1024 * 1024
#: Mails read at one look; the rest follows at the next.
BATCH = 200
#: How often the worker looks, and how long one answer and one look at an IMAP server may take.
LOOK_EVERY_S = 60.0
IMAP_TIMEOUT_S = 15.0
IMAP_BUDGET_S = 300.0

#: handler(session, mail, *, now, settings) -> whether this mail was for it.
Handler = Callable[..., bool]

_log = logging.getLogger(__name__)


class MailboxError(Exception):
    """The mailbox cannot be read, in one sentence."""


@dataclass(frozen=True)
class Arrived:
    """One mail: its name in the mailbox, and as much of it as is read."""

    name: str
    raw: bytes


@dataclass(frozen=True)
class Received:
    """How many mails were read, and how many of them somebody took."""

    read: int = 0
    taken: int = 0


class Box(Protocol):
    """Somewhere mail lies."""

    def unread(self) -> Iterator[Arrived]:
        """What nobody has read yet, oldest first. Raises MailboxError."""

    def mark_read(self, mail: Arrived) -> None:
        """Never give this one again."""


def box_of(mailbox: Mailbox) -> Box:
    """The box that WORKSHOPS_MAILBOX_URL names."""
    return MaildirBox(mailbox.path) if mailbox.path is not None else ImapBox(mailbox)


def receive(
    box: Box, handlers: Mapping[str, Handler], *, settings: Settings, clock: Callable[[], datetime]
) -> Received:
    """Read what is new, at most BATCH mails. Needs an application context. Raises MailboxError, SQLAlchemyError."""
    read = taken = 0
    for mail in box.unread():
        name = _handle(mail, handlers, settings=settings, now=clock())
        box.mark_read(mail)
        read += 1
        taken += name is not None
        _log.info("mail %s: %s", _safe(mail.name), name or "for nobody")
        if read >= BATCH:
            break
    return Received(read, taken)


def _handle(mail: Arrived, handlers: Mapping[str, Handler], *, settings: Settings, now: datetime) -> str | None:
    """The name of the handler that took it."""
    try:
        parsed = email.message_from_bytes(mail.raw, policy=default)
    except Exception as error:  # whatever somebody sends: the standard library raises all kinds of errors
        _log.warning("mail %s cannot be read: %s", _safe(mail.name), where(error))
        return None
    for name, handler in handlers.items():
        try:
            with transaction() as session:
                if handler(session, parsed, now=now, settings=settings):
                    return name
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # one hostile mail must not keep the others waiting; a database that does not answer does
            _log.error("mail %s could not be handled (%s): %s", _safe(mail.name), name, where(error))
            db.session.remove()
    return None


def handle_returned(session: Session, mail: EmailMessage, *, now: datetime, settings: Settings) -> bool:
    """Handler: a report that a mail of ours did not arrive, or is late."""
    found = read_returned(mail)
    if found is None or not found.message_ids:
        return False
    marked = note_returned(
        session, message_ids=found.message_ids, permanent=found.permanent, words=found.words, now=now
    )
    return marked is not None


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._:=,-]", "?", name)[:100]


class OneMail:
    """A single mail from a stream, such as the standard input of a command that a mail server runs."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self.stream = stream or sys.stdin.buffer

    def unread(self) -> Iterator[Arrived]:
        """That mail; what is beyond the limit is read away, so that the server does not find a broken pipe."""
        raw = self.stream.read(MOST_BYTES)
        while self.stream.read(MOST_BYTES):
            pass
        if raw.strip():
            yield Arrived(hashlib.sha256(raw).hexdigest()[:16], raw)

    def mark_read(self, mail: Arrived) -> None:
        """It is gone with the stream."""


class MaildirBox:
    """A Maildir: new mail in new/, read mail in cur/ with the flag S."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def unread(self) -> Iterator[Arrived]:
        """The files of new/, and those of cur/ without the flag S."""
        if not (self.folder / "new").is_dir() or not (self.folder / "cur").is_dir():
            raise MailboxError(f"{self.folder} is no Maildir: it has no folders new and cur.")
        try:
            everything = [*(self.folder / "new").iterdir(), *(self.folder / "cur").iterdir()]
            found = [file for file in everything if self._is_unread(file)]
            found.sort(key=lambda file: (file.stat().st_mtime, file.name))
        except OSError as error:
            raise MailboxError(f"{self.folder} cannot be read: {error.strerror}.") from None
        for file in found:
            try:
                with file.open("rb") as stream:
                    raw = stream.read(MOST_BYTES)
            except FileNotFoundError:
                continue  # another reader took it
            except OSError as error:
                raise MailboxError(f"A mail in {self.folder} cannot be read: {error.strerror}.") from None
            yield Arrived(f"{file.parent.name}/{file.name}", raw)

    @staticmethod
    def _is_unread(file: Path) -> bool:
        if file.name.startswith(".") or not file.is_file() or file.is_symlink():
            return False
        return "S" not in file.name.partition(":2,")[2]

    def mark_read(self, mail: Arrived) -> None:
        """Move it to cur/ with the flag S."""
        name = Path(mail.name).name
        base, _, flags = name.partition(":2,")
        marked = f"{base}:2,{''.join(sorted({*flags, 'S'}))}"
        try:
            with contextlib.suppress(FileNotFoundError):
                os.rename(self.folder / mail.name, self.folder / "cur" / marked)
        except OSError as error:
            raise MailboxError(f"A mail in {self.folder} cannot be marked as read: {error.strerror}.") from None


class ImapBox:
    """A folder of an IMAP server (RFC 3501); read mail has the flag Seen."""

    def __init__(
        self, mailbox: Mailbox, *, timeout_s: float = IMAP_TIMEOUT_S, budget_s: float = IMAP_BUDGET_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.mailbox = mailbox
        self.timeout_s = timeout_s
        self.budget_s = budget_s
        self.context = context
        self._imap: imaplib.IMAP4 | None = None

    def unread(self) -> Iterator[Arrived]:
        """What has no flag Seen, up to the limit of each; the connection lasts as long as the look."""
        timer = threading.Timer(self.budget_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            with self._errors():
                imap = self._connect()
                _, found = imap.uid("SEARCH", "UNSEEN")
                uids = [uid.decode("ascii") for uid in (found[0] or b"").split()]
            for uid in uids[:BATCH]:
                with self._errors():
                    # only the head of a long mail crosses the line at all
                    _, parts = imap.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
                raw = next((part[1] for part in parts if isinstance(part, tuple)), None)
                if raw is not None:
                    yield Arrived(f"uid:{uid}", raw)
        finally:
            timer.cancel()
            self.close()

    def mark_read(self, mail: Arrived) -> None:
        """Give it the flag Seen."""
        if self._imap is None:
            raise MailboxError("The mail server has gone.")
        with self._errors():
            self._imap.uid("STORE", mail.name.removeprefix("uid:"), "+FLAGS.SILENT", r"(\Seen)")

    def check(self) -> None:
        """Sign in and look at the folder. Raises MailboxError."""
        try:
            with self._errors():
                self._connect()
        finally:
            self.close()

    def close(self) -> None:
        """Say goodbye, if anybody listens."""
        imap, self._imap = self._imap, None
        if imap is not None:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                imap.logout()

    def _connect(self) -> imaplib.IMAP4:
        box, context = self.mailbox, self.context or tls_context()
        if box.tls == "tls":
            imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(box.host, box.port, ssl_context=context, timeout=self.timeout_s)
        else:
            imap = imaplib.IMAP4(box.host, box.port, timeout=self.timeout_s)
        self._imap = imap
        if box.tls == "starttls":
            imap.starttls(ssl_context=context)
        imap.login(box.user, box.password)
        quoted = box.folder.replace("\\", "\\\\").replace('"', '\\"')
        answer, _ = imap.select(f'"{quoted}"')
        if answer != "OK":
            raise MailboxError(f"There is no folder {box.folder} in the mailbox.")
        return imap

    def _cut(self) -> None:
        imap = self._imap
        if imap is not None:
            with contextlib.suppress(OSError):
                imap.sock.shutdown(2)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        at = f"{self.mailbox.host}:{self.mailbox.port}"
        try:
            yield
        except TimeoutError:
            raise MailboxError(f"The mailbox at {at} did not answer in time.") from None
        except ssl.SSLError as error:
            raise MailboxError(f"No safe connection to the mailbox at {at}: {error.reason or 'TLS failed'}.") from None
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise MailboxError(f"The mailbox at {at} cannot be reached: {why}.") from None
        except imaplib.IMAP4.error as error:
            # the server's words, never what was sent: that would be the password
            said = error.args[0] if error.args else ""
            words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            raise MailboxError(f"The mailbox at {at} refuses: {words[:200]}") from None


def check_mailbox(settings: Settings) -> str | None:
    """What is wrong with reading returned mail, in one sentence for `flask check`; None when all is well or unset."""
    if settings.mailbox is None:
        return None
    box = box_of(settings.mailbox)
    try:
        if isinstance(box, ImapBox):
            box.check()
        else:
            next(box.unread(), None)
    except MailboxError as error:
        return str(error)
    return None

"""The ways a mail leaves: to an SMTP server, or into a file. Knows no table."""

from __future__ import annotations

import contextlib
import os
import re
import smtplib
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from workshops.config import Settings, SmtpServer

#: How long one answer of the mail server may take.
SMTP_TIMEOUT_S = 15.0
#: How long one whole mail may take; the worker's lease is built on it.
MAIL_BUDGET_S = 90.0


class NotSent(Exception):
    """A mail that was not taken. The message is the server's own words.

    permanent: the server refused this very mail, and would again (5yz, RFC 5321 4.2.1).
    server_down: nothing can be sent just now, whatever mail it is.
    """

    def __init__(self, words: str, *, permanent: bool = False, server_down: bool = False) -> None:
        super().__init__(words)
        self.permanent = permanent
        self.server_down = server_down


@dataclass(frozen=True)
class Parcel:
    """One mail on its way: to whom, the mail, and the name it has as a file (the same at every try)."""

    recipient: str
    mail: EmailMessage
    file_name: str


class Transport(Protocol):
    """Takes mails one after the other until it is closed."""

    def send(self, parcel: Parcel) -> None:
        """Hand one mail over; raises NotSent."""

    def close(self) -> None:
        """End what is open. May be used again afterwards."""


def transport_for(settings: Settings) -> Transport:
    """SMTP when WORKSHOPS_SMTP_URL is set, else files in the instance folder."""
    if settings.smtp is None:
        return FileTransport(settings.mail_folder)
    return SmtpTransport(settings.smtp, mail_from=settings.mail_from)


def file_name(created_at: datetime, message_id: int, kind: str) -> str:
    """20171114T100000Z-17-registration-place_confirmed.eml: sorted by time, the same at every try."""
    stamp = created_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{message_id}-{re.sub(r'[^a-z0-9_]+', '-', kind.lower())}.eml"


def forget_old_files(folder: Path, *, before: datetime, dry_run: bool) -> int:
    """Remove mail files that were written before an instant; returns how many there are."""
    found = [file for file in folder.glob("*.eml") if file.stat().st_mtime < before.timestamp()]
    for file in [] if dry_run else found:
        file.unlink(missing_ok=True)
    return len(found)


class FileTransport:
    """Writes each mail as an .eml file that any mail program opens. A second try writes over the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, parcel: Parcel) -> None:
        """Write the file whole or not at all."""
        try:
            # personal links are in it: for the owner alone
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(parcel.mail.as_bytes())
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self.folder / parcel.file_name)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise NotSent(f"The mail file could not be written: {error.strerror}.", server_down=True) from None

    def close(self) -> None:
        """Nothing is open."""


class SmtpTransport:
    """Hands mails to one SMTP server over one connection, opened with the first mail."""

    def __init__(
        self,
        server: SmtpServer,
        *,
        mail_from: str,
        timeout_s: float = SMTP_TIMEOUT_S,
        budget_s: float = MAIL_BUDGET_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.server = server
        self.mail_from = mail_from
        self.timeout_s = timeout_s
        self.budget_s = budget_s
        self.context = context
        self._smtp: smtplib.SMTP | None = None

    def send(self, parcel: Parcel) -> None:
        """Hand one mail over. Raises NotSent with the server's words."""
        with self._budget():
            try:
                smtp = self._connected()
            except (smtplib.SMTPException, OSError) as error:
                self.close()
                raise NotSent(words_of(error), server_down=True) from None
            try:
                smtp.send_message(parcel.mail, from_addr=self.mail_from, to_addrs=[parcel.recipient])
            except (smtplib.SMTPException, OSError) as error:
                self.close()
                raise NotSent(words_of(error), permanent=is_permanent(error)) from None

    def check(self) -> None:
        """Connect, sign in and say goodbye, without sending anything. Raises SMTPException or OSError."""
        with self._budget():
            self._connected()
        self.close()

    def close(self) -> None:
        """End the connection politely if there is one."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            self.close()
        server, context = self.server, self.context or tls_context()
        if server.tls == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=self.timeout_s, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self.timeout_s)
        self._smtp = smtp
        smtp.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            # raises when the server does not offer it: never in the clear instead (ASVS 12.3)
            smtp.starttls(context=context)
            smtp.ehlo()
        if server.user is not None:
            smtp.login(server.user, server.password or "")
        return smtp

    @contextlib.contextmanager
    def _budget(self) -> Iterator[None]:
        """Cut the line when one mail takes too long in all: a server that sends a byte at a time never times out."""
        timer = threading.Timer(self.budget_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        smtp = self._smtp
        if smtp is not None and smtp.sock is not None:
            with contextlib.suppress(OSError):
                smtp.sock.shutdown(2)


def tls_context() -> ssl.SSLContext:
    """Certificates and names checked, TLS 1.2 or newer (ASVS 12.1.1)."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def is_permanent(error: Exception) -> bool:
    """Whether the server refused this very mail for good.

    A 5yz to the recipient or to the mail itself does. A 5yz to the greeting, the sign-in or the sender is a
    fault of the settings, which somebody can mend while the mail waits; so is 530 (sign-in needed, RFC 4954).
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code <= 599 and code != 530 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and 500 <= error.smtp_code <= 599 and error.smtp_code != 530


def words_of(error: Exception) -> str:
    """The server's words, or what went wrong with the line."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(words)}" for code, words in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "The mail server did not answer in time."
    if isinstance(error, ssl.SSLError):
        return f"No safe connection to the mail server: {error.reason or type(error).__name__}."
    if isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException):
        return f"The mail server cannot be reached: {error.strerror or type(error).__name__}."
    return str(error)


def _text(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words


def check_smtp(settings: Settings) -> str | None:
    """What is wrong with sending mail, in one sentence for `flask check`; None when all is well. Sends nothing."""
    if settings.smtp is None:
        folder = settings.mail_folder if settings.mail_folder.exists() else settings.instance
        return None if os.access(folder, os.W_OK) else f"Mail files cannot be written to {settings.mail_folder}."
    transport = SmtpTransport(settings.smtp, mail_from=settings.mail_from)
    try:
        transport.check()
    except (smtplib.SMTPException, OSError) as error:
        transport.close()
        where = f"{settings.smtp.host}:{settings.smtp.port}"
        return f"The mail server {where} does not take mail: {words_of(error).strip()}"
    return None

"""Mail that comes back: read from a Maildir, a real IMAP server and standard input, and matched to what was sent."""

from __future__ import annotations

import email
import io
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.messages.reports import AWAY, EXIM, report
from workshops.audit.models import AuditEntry
from workshops.config import Mailbox, Settings
from workshops.core import clock as system_clock
from workshops.core.db import transaction
from workshops.messages import mailbox, service
from workshops.messages.mailbox import ImapBox, MailboxError, MaildirBox, OneMail, Received, handle_returned, receive
from workshops.messages.models import OutboxMessage
from workshops.messages.returned_mail import read_returned

HANDLERS = {"returned": handle_returned}


def read(raw: bytes) -> Any:
    return read_returned(email.message_from_bytes(raw, policy=default))


@pytest.fixture
def sent(session: Session, settings: Settings, clock: Any) -> OutboxMessage:
    """A message that a mail server took."""
    with transaction() as write:
        message = service.enqueue(
            write, kind="accounts/new_password", to_email="mairi@example.org", values={"until": "10am"},
            links={"account": "http://localhost/x"}, dedupe_key="one", now=clock.now, settings=settings,
        )
        assert message is not None
        message.state, message.attempts, message.sent_at, message.sealed_links = "sent", 1, clock.now, None
        number = message.id
    found = session.get(OutboxMessage, number)
    assert found is not None
    return found


def seen(session: Session, message: OutboxMessage) -> tuple[str, str, str]:
    session.rollback()
    session.refresh(message)
    return message.state, message.bounced, message.last_error


def look(box: Any, settings: Settings) -> Received:
    return receive(box, HANDLERS, settings=settings, clock=system_clock.now)


# --- what a report says --------------------------------------------------------------------------------------


def test_the_server_words_and_the_message_are_read() -> None:
    found = read(report("<a@example.org>"))
    assert (found.permanent, found.words, found.message_ids) == (True, "550 5.1.1 No such user", ("<a@example.org>",))


@pytest.mark.parametrize(
    ("action", "status", "permanent"),
    [("failed", "5.1.1", True), ("failed", "4.4.7", True), ("delayed", "4.4.1", False), ("delayed", "5.0.0", False)],
)
def test_the_action_says_whether_it_is_given_up(action: str, status: str, permanent: bool) -> None:
    assert read(report("<a@example.org>", action=action, status=status)).permanent is permanent


def test_what_arrived_and_who_is_away_are_no_reports() -> None:
    assert read(report("<a@example.org>", action="delivered", status="2.0.0")) is None
    assert read(report("<a@example.org>", action="expanded", status="2.0.0")) is None
    assert read(AWAY.format(message_id="<a@example.org>").encode()) is None


def test_headers_alone_and_servers_without_the_standard_are_read() -> None:
    assert read(report("<a@example.org>", returned="text/rfc822-headers")).message_ids == ("<a@example.org>",)
    found = read(EXIM.format(message_id="<a@example.org>").encode())
    assert (found.permanent, found.message_ids) == (True, ("<a@example.org>",))
    assert found.words == "550 5.1.1 No such user here"


@given(st.binary(max_size=400), st.integers(0, 1200))
def test_whatever_somebody_sends_is_read_without_an_error(noise: bytes, at: int) -> None:
    whole = report("<a@example.org>")
    read(whole[:at] + noise + whole[at:])
    read(noise)


# --- what follows from it ------------------------------------------------------------------------------------


def test_a_report_marks_its_message_once(session: Session, settings: Settings, sent: OutboxMessage) -> None:
    raw = report(sent.message_id)
    assert look(OneMail(io.BytesIO(raw)), settings) == Received(1, 1)
    assert seen(session, sent) == ("sent", "permanent", "550 5.1.1 No such user") and sent.refused_at is not None
    sent.dealt_with_at = sent.refused_at
    session.commit()
    assert look(OneMail(io.BytesIO(raw)), settings) == Received(1, 1)
    delay = report(sent.message_id, action="delayed", status="4.4.1", words="451 Busy")
    assert look(OneMail(io.BytesIO(delay)), settings) == Received(1, 1)
    assert seen(session, sent)[1:] == ("permanent", "550 5.1.1 No such user") and sent.dealt_with_at is not None
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 1


def test_a_delay_is_no_refusal_until_it_is_given_up(session: Session, settings: Settings, sent: OutboxMessage) -> None:
    delay = report(sent.message_id, action="delayed", status="4.4.1", words="451 Busy")
    look(OneMail(io.BytesIO(delay)), settings)
    assert seen(session, sent)[1] == "delayed" and sent.refused_at is None
    look(OneMail(io.BytesIO(report(sent.message_id, status="4.4.7", words="Expired"))), settings)
    assert seen(session, sent)[1:] == ("permanent", "Expired")


def test_a_made_up_report_marks_nothing(session: Session, settings: Settings, sent: OutboxMessage) -> None:
    assert look(OneMail(io.BytesIO(report("<other@example.org>"))), settings) == Received(1, 0)
    sent.state, sent.attempts, sent.sent_at = "due", 0, None
    session.commit()
    assert look(OneMail(io.BytesIO(report(sent.message_id))), settings) == Received(1, 0)
    assert seen(session, sent) == ("due", "", "")


def test_a_mail_of_fifty_megabytes_is_read_up_to_the_limit(session: Session, settings: Settings, sent: Any) -> None:
    class Endless(io.RawIOBase):
        """50 MB after a report, without holding them."""

        def __init__(self, head: bytes) -> None:
            self.head, self.left, self.most = head, 50 * 1024 * 1024, 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= mailbox.MOST_BYTES
            head, self.head = self.head, b""
            given = head + b"x" * min(size - len(head), self.left)
            self.left -= len(given) - len(head)
            return given

    endless = Endless(report(sent.message_id).replace(b"--b--\n", b""))
    assert look(OneMail(endless), settings) == Received(1, 1) and endless.left == 0  # type: ignore[arg-type]
    assert seen(session, sent)[1] == "permanent"


def test_a_handler_that_breaks_keeps_no_other_mail_waiting(settings: Settings, sent: OutboxMessage) -> None:
    def broken(*_: Any, **__: Any) -> bool:
        raise ValueError("hostile")

    handlers = {"broken": broken, **HANDLERS}
    one = OneMail(io.BytesIO(report(sent.message_id)))
    assert receive(one, handlers, settings=settings, clock=system_clock.now) == Received(1, 1)


# --- where it lies -------------------------------------------------------------------------------------------


def maildir(folder: Path, *mails: bytes) -> Path:
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, raw in enumerate(mails):
        (folder / "new" / f"17000000{number:02d}.M{number}.host").write_bytes(raw)
    return folder


def test_a_maildir_is_read_once_and_keeps_its_mail(settings: Settings, tmp_path: Path, sent: OutboxMessage) -> None:
    folder = maildir(tmp_path / "Maildir", report(sent.message_id), b"Subject: Hello\n\nA question\n", b"")
    (folder / "cur" / "1.M.host:2,").write_bytes(report(sent.message_id))
    (folder / "cur" / "2.M.host:2,RS").write_bytes(report(sent.message_id))
    assert look(MaildirBox(folder), settings) == Received(4, 2)
    assert not list((folder / "new").iterdir())
    assert all("S" in file.name.partition(":2,")[2] for file in (folder / "cur").iterdir())
    assert len(list((folder / "cur").iterdir())) == 5
    assert look(MaildirBox(folder), settings) == Received(0, 0)


def test_killed_before_it_is_marked_a_mail_is_read_again_without_a_second_effect(
    session: Session, settings: Settings, tmp_path: Path, sent: OutboxMessage
) -> None:
    class Killed(BaseException):
        pass

    class Dying(MaildirBox):
        def mark_read(self, mail: Any) -> None:
            raise Killed

    folder = maildir(tmp_path / "Maildir", report(sent.message_id))
    with pytest.raises(Killed):
        look(Dying(folder), settings)
    assert look(MaildirBox(folder), settings) == Received(1, 1)
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 1


def test_what_is_no_maildir_is_said_in_words(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(MailboxError, match="is no Maildir"):
        look(MaildirBox(tmp_path), settings)


@pytest.fixture
def dovecot(tmp_path: Path) -> Iterator[Mailbox]:
    """A real IMAP server for this test, where the system has one."""
    program = shutil.which("dovecot") or shutil.which("/usr/sbin/dovecot")
    if program is None or os.getuid() != 0:
        pytest.skip("no dovecot here; .ci/run installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = Path("/tmp") / f"dovecot-{port}"  # a socket's path is short
    base.mkdir()
    maildir(base / "mail")
    config = base / "dovecot.conf"
    user = "mail"
    config.write_text(
        f"base_dir = {base}/run\nlog_path = {base}/log\nssl = no\nprotocols = imap\nlisten = 127.0.0.1\n"
        f"disable_plaintext_auth = no\nauth_failure_delay = 0 secs\n"
        f"mail_location = maildir:{base}/mail\nfirst_valid_uid = 1\n"
        f"default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {user}\n"
        f"passdb {{\n  driver = static\n  args = password=pass-word\n}}\n"
        f"userdb {{\n  driver = static\n  args = uid={user} gid={user} home={base}\n}}\n"
        f"service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n"
        f"  inet_listener imaps {{\n    port = 0\n  }}\n}}\nservice anvil {{\n  chroot =\n"
        f"  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n"
    )
    subprocess.run(["chown", "-R", f"{user}:{user}", str(base / "mail")], check=True)
    server = subprocess.Popen([program, "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Mailbox(host="127.0.0.1", port=port, tls="none", user="events", password="pass-word")
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(base, ignore_errors=True)


def test_a_real_imap_server_is_read_once_and_keeps_its_mail(
    session: Session, settings: Settings, dovecot: Mailbox, sent: OutboxMessage
) -> None:
    folder = Path("/tmp") / f"dovecot-{dovecot.port}" / "mail"
    long = report(sent.message_id, rest="x" * 78 + "\n") + b"y" * (2 * mailbox.MOST_BYTES)
    for number, raw in enumerate((long, b"Subject: Hello\n\nA question\n")):
        file = folder / "new" / f"170000000{number}.M{number}.host"
        file.write_bytes(raw)
        shutil.chown(file, "mail", "mail")
    assert look(ImapBox(dovecot), settings) == Received(2, 1)
    assert seen(session, sent)[1] == "permanent"
    assert look(ImapBox(dovecot), settings) == Received(0, 0)
    assert len(list((folder / "cur").iterdir())) == 2


def test_an_imap_server_that_refuses_or_hangs_is_said_in_words(settings: Settings, dovecot: Mailbox) -> None:
    with pytest.raises(MailboxError, match="refuses") as refused:
        look(ImapBox(replace(dovecot, password="wrong-word")), settings)
    assert "wrong-word" not in str(refused.value)
    with pytest.raises(MailboxError, match="no folder"):
        look(ImapBox(replace(dovecot, folder="Nowhere")), settings)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = replace(dovecot, port=silent.getsockname()[1])
        with pytest.raises(MailboxError, match="in time|reached"):
            look(ImapBox(hanging, timeout_s=0.2), settings)

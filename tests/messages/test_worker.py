"""Sending: over real SMTP on this machine, into files, with checks, leases, back-off and kills."""

from __future__ import annotations

import email
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from workshops.config import Settings, SmtpServer
from workshops.core import clock as system_clock
from workshops.core.db import db, transaction
from workshops.messages import service, worker
from workshops.messages.models import OutboxMessage
from workshops.messages.transports import (
    FileTransport,
    NotSent,
    Parcel,
    SmtpTransport,
    check_smtp,
    transport_for,
)

LINK = "http://localhost/staff/link/secret-token"


def put(settings: Settings, clock: Any, number: int = 1, **more: Any) -> None:
    with transaction() as session:
        values: dict[str, Any] = {
            "kind": "accounts/new_password",
            "to_email": f"person{number}@example.org",
            "to_name": "Example Person",
            "values": {"until": "10am on Monday 1 March 2027"},
            "links": {"account": LINK},
            "dedupe_key": f"test:{number}",
            "now": clock.now,
            "settings": settings,
        }
        service.enqueue(session, **{**values, **more})


def one(session: Session) -> OutboxMessage:
    session.rollback()
    return session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).first()  # type: ignore[return-value]


def states(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(OutboxMessage.state).order_by(OutboxMessage.id)))


def send(settings: Settings, transport: Any, checks: dict[str, Any] | None = None, **more: Any) -> int:
    return worker.send_due(settings, checks=checks or {}, transport=transport, clock=system_clock.now, **more)


@dataclass
class Recorder:
    """A transport that keeps what it was given, or does something else instead."""

    taken: list[Parcel] = field(default_factory=list)
    instead: Callable[[Parcel], None] | None = None
    closed: int = 0

    def send(self, parcel: Parcel) -> None:
        if self.instead is not None:
            self.instead(parcel)
        self.taken.append(parcel)

    def close(self) -> None:
        self.closed += 1


def refuse(words: str, **kinds: bool) -> Callable[[Parcel], None]:
    def instead(_: Parcel) -> None:
        raise NotSent(words, **kinds)

    return instead


# --- the life of a message -----------------------------------------------------------------------------------


def test_a_sent_message_has_its_link_and_keeps_none(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    transport = Recorder()
    assert send(settings, transport) == 1
    text = transport.taken[0].mail.as_string()
    assert LINK in text.replace("=\r\n", "")
    message = one(session)
    assert (message.state, message.attempts, message.sent_at, message.sealed_links) == ("sent", 1, clock.now, None)
    assert (message.lease_owner, message.lease_until) == (None, None)
    assert send(settings, transport) == 0
    assert transport.closed > 0


def test_a_message_waits_until_it_is_due(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, due_at=clock.now + timedelta(hours=1))
    assert send(settings, Recorder()) == 0
    clock.advance(hours=1)
    assert send(settings, Recorder()) == 1


def test_a_check_cancels_with_its_reason(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, about=("registration", 7))
    seen = []

    def check(at: Session, message: OutboxMessage, now: Any) -> str | None:
        seen.append((message.about_id, now))
        return "the place was cancelled"

    transport = Recorder()
    send(settings, transport, {"registration": check, "other": lambda *_: "never asked"})
    message = one(session)
    assert (message.state, message.last_error, message.sealed_links) == ("cancelled", "the place was cancelled", None)
    assert seen == [(7, clock.now)]
    assert transport.taken == []


def test_news_that_came_too_late_is_dropped(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, drop_after=clock.now + timedelta(hours=1))
    clock.advance(hours=1, seconds=1)
    transport = Recorder()
    send(settings, transport)
    assert (one(session).state, one(session).last_error) == ("cancelled", "too late")
    assert transport.taken == []


def test_a_message_put_off_comes_back_with_longer_waits(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    transport = Recorder(instead=refuse("421 busy\r\n"))
    waits = []
    while one(session).state in ("due", "retry"):
        assert send(settings, transport) == 1
        message = one(session)
        waits.append((message.due_at - clock.now).total_seconds() / 60)
        if message.state == "retry":
            assert message.sealed_links is not None
            assert send(settings, transport) == 0
            # the clock of the application knows whole seconds
            clock.now = message.due_at + timedelta(seconds=1)
    assert one(session).state == "failed"
    assert one(session).last_error == "421 busy"
    assert one(session).sealed_links is None
    for wait, least in zip(waits, (1, 5, 25, 125, 360, 360, 360, 360), strict=False):
        assert least <= wait <= least * 1.2
    assert sum(waits[:-1]) >= 24 * 60


def test_a_refused_message_fails_at_once(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    send(settings, Recorder(instead=refuse("550 no such user", permanent=True)))
    assert (one(session).state, one(session).attempts, one(session).last_error) == ("failed", 1, "550 no such user")


def test_a_server_that_is_down_is_asked_once_a_batch(session: Session, settings: Settings, clock: Any) -> None:
    for number in range(3):
        put(settings, clock, number)
    asked = []

    def instead(parcel: Parcel) -> None:
        asked.append(parcel)
        raise NotSent("not reachable", server_down=True)

    send(settings, Recorder(instead=instead))
    assert len(asked) == 1
    assert states(session) == ["retry"] * 3


def test_one_bad_check_does_not_stop_the_others(
    session: Session, settings: Settings, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    put(settings, clock, 1, about=("bad", 1))
    put(settings, clock, 2)

    def bad(*_: Any) -> str | None:
        raise LookupError("person1@example.org")

    with caplog.at_level(logging.INFO):
        send(settings, Recorder(), {"bad": bad})
    assert states(session) == ["retry", "sent"]
    assert "example.org" not in caplog.text


def test_a_link_sealed_with_another_secret_fails_in_words(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    transport = Recorder()
    send(replace(settings, secret_key="another-secret-of-0123456789abcdef"), transport)
    assert one(session).state == "failed"
    assert "secret" in one(session).last_error
    assert transport.taken == []


def test_an_address_that_makes_no_header_fails_alone(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, 1, to_email="a@b@example.org")
    put(settings, clock, 2)
    send(settings, Recorder())
    assert states(session) == ["failed", "sent"]


# --- at-least-once -------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing after it runs."""


def test_killed_between_send_and_commit_it_goes_out_again_the_same(
    session: Session, settings: Settings, clock: Any
) -> None:
    put(settings, clock)
    files = FileTransport(settings.mail_folder)

    def kill(parcel: Parcel) -> None:
        files.send(parcel)
        raise Killed

    with pytest.raises(Killed):
        send(settings, Recorder(instead=kill))
    assert states(session) == ["sending"]
    assert send(settings, files) == 0  # somebody has it
    clock.advance(seconds=worker.LEASE_S)
    assert send(settings, files) == 1
    assert states(session) == ["sent"]
    # the second copy is the first one again: same file, same Message-ID
    written = list(settings.mail_folder.iterdir())
    assert [path.suffix for path in written] == [".eml"]
    mail = email.message_from_bytes(written[0].read_bytes(), policy=default)
    assert mail["Message-ID"] == one(session).message_id


def test_who_lost_the_lease_does_not_note_the_end(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    second = Recorder()

    def slow(_: Parcel) -> None:
        clock.advance(seconds=worker.LEASE_S)
        assert send(settings, second) == 1
        raise NotSent("550 too slow", permanent=True)

    send(settings, Recorder(instead=slow))
    assert len(second.taken) == 1
    assert (one(session).state, one(session).attempts, one(session).last_error) == ("sent", 1, "")


def test_a_batch_that_takes_long_is_given_back_before_its_lease_ends(
    session: Session, settings: Settings, clock: Any
) -> None:
    for number in range(5):
        put(settings, clock, number)
    begun = clock.now

    def slow(_: Parcel) -> None:
        assert clock.now - begun < timedelta(seconds=worker.LEASE_S - worker.MAIL_BUDGET_S)
        clock.advance(seconds=80)

    send(settings, Recorder(instead=slow))
    assert states(session) == ["sent", "sent", "sent", "due", "due"]


def test_two_workers_never_take_the_same_message(session: Session, settings: Settings, clock: Any) -> None:
    for number in range(6):
        put(settings, clock, number)
    other = Recorder()

    def meanwhile(_: Parcel) -> None:
        send(settings, other, batch=2)

    first = Recorder(instead=meanwhile)
    send(settings, first, batch=3)
    taken = [parcel.recipient for parcel in first.taken + other.taken]
    assert len(taken) == len(set(taken)) == 6
    assert states(session) == ["sent"] * 6


# On SQLite the write lock keeps the other worker out altogether.
@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_rows_another_worker_is_taking_are_passed_over(
    app: Any, session: Session, settings: Settings, clock: Any
) -> None:
    for number in range(2):
        put(settings, clock, number)
    with db.engine.connect() as elsewhere, elsewhere.begin():
        elsewhere.exec_driver_sql("SELECT 1 FROM outbox_messages WHERE dedupe_key = 'test:0' FOR UPDATE")
        assert send(settings, Recorder()) == 1
    assert states(session) == ["due", "sent"]


def test_a_stop_finishes_the_message_in_hand_and_gives_the_rest_back(
    session: Session, settings: Settings, clock: Any
) -> None:
    for number in range(3):
        put(settings, clock, number)
    stop = threading.Event()
    send(settings, Recorder(instead=lambda _: stop.set()), stop=stop)
    assert states(session) == ["sent", "due", "due"]


# --- the loop ------------------------------------------------------------------------------------------------


def test_the_loop_does_due_work_and_sends_and_sleeps(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    stop, naps, transport, worked = threading.Event(), [], Recorder(), []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.advance(seconds=seconds)
        if len(naps) == 8:
            stop.set()

    def broken(at: Session, **_: Any) -> int:
        raise LookupError("person1@example.org")

    def work_on(at: Session, *, now: Any, settings: Settings) -> int:
        worked.append(now)
        return 1

    worker.work(
        settings,
        checks={},
        due_work={"broken": broken, "counted": work_on},
        stop=stop,
        clock=system_clock.now,
        sleep=nap,
        transport=transport,
    )
    assert len(transport.taken) == 1
    assert naps == [worker.IDLE_S] * 8
    assert [(instant - worked[0]).total_seconds() for instant in worked] == [0, worker.DUE_WORK_EVERY_S]


def test_the_loop_survives_a_database_that_does_not_answer(
    session: Session, settings: Settings, clock: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(settings, clock)
    stop, transport, tries = threading.Event(), Recorder(), []
    real = worker.queries.has_due_messages

    def flaky(at: Session, now: Any) -> bool:
        tries.append(now)
        if len(tries) < 3:
            raise OperationalError("SELECT 'person1@example.org'", {}, Exception("gone"))
        return real(at, now)

    monkeypatch.setattr(worker.queries, "has_due_messages", flaky)
    worker.work(
        settings,
        checks={},
        due_work={},
        stop=stop,
        clock=system_clock.now,
        sleep=lambda _: stop.set() if transport.taken else None,
        transport=transport,
    )
    assert len(transport.taken) == 1
    assert "OperationalError" in caplog.text
    assert "example.org" not in caplog.text


def test_once_sends_all_that_is_due(session: Session, settings: Settings, clock: Any) -> None:
    for number in range(worker.BATCH + 3):
        put(settings, clock, number)
    assert worker.do_once(settings, checks={}, due_work={}, clock=system_clock.now) == worker.BATCH + 3
    assert set(states(session)) == {"sent"}
    assert len(list(settings.mail_folder.glob("*.eml"))) == worker.BATCH + 3


# --- files ---------------------------------------------------------------------------------------------------


def test_files_are_named_by_time_number_and_kind(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    assert isinstance(transport_for(settings), FileTransport)
    send(settings, transport_for(settings))
    (path,) = settings.mail_folder.iterdir()
    assert path.name == f"20270301T090000Z-{one(session).id}-accounts-new_password.eml"
    assert path.stat().st_mode & 0o077 == 0
    mail = email.message_from_bytes(path.read_bytes(), policy=default)
    assert LINK in mail.get_body(("plain",)).get_content()
    assert LINK in mail.get_body(("html",)).get_content()


def test_a_folder_that_cannot_be_written_is_tried_again(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    settings.mail_folder.write_text("a file stands in the way")
    try:
        send(settings, FileTransport(settings.mail_folder))
    finally:
        settings.mail_folder.unlink()
    assert states(session) == ["retry"]


# --- SMTP ----------------------------------------------------------------------------------------------------


@dataclass
class Mailbox:
    """A mail server's answers: to the recipient and to the mail; keeps what it accepted."""

    to_recipient: str = ""
    to_mail: str = "250 kept"
    kept: list[Any] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.to_recipient:
            return self.to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.to_mail.startswith("250"):
            self.kept.append(envelope)
        return self.to_mail


@pytest.fixture
def mailbox() -> Iterator[Callable[..., tuple[Mailbox, SmtpServer]]]:
    running = []

    def start(**answers: str) -> tuple[Mailbox, SmtpServer]:
        box = Mailbox(**answers)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        controller = Controller(box, hostname="127.0.0.1", port=port)
        controller.start()
        running.append(controller)
        return box, SmtpServer("127.0.0.1", port, "none")

    yield start
    for controller in running:
        controller.stop()


def smtp(server: SmtpServer, **more: Any) -> SmtpTransport:
    return SmtpTransport(server, mail_from="events@example.org", **{"timeout_s": 5.0, **more})


def test_mail_arrives_over_one_connection(session: Session, settings: Settings, clock: Any, mailbox: Any) -> None:
    box, server = mailbox()
    for number in range(3):
        put(settings, clock, number)
    send(settings, smtp(server))
    assert [envelope.rcpt_tos for envelope in box.kept] == [[f"person{number}@example.org"] for number in range(3)]
    assert {envelope.mail_from for envelope in box.kept} == {"events@example.org"}
    assert states(session) == ["sent"] * 3
    mail = email.message_from_bytes(box.kept[0].content, policy=default)
    assert mail["Message-ID"] == one(session).message_id
    assert LINK in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("answers", "state", "words"),
    [
        ({"to_recipient": "450 4.2.1 try later"}, "retry", "450 4.2.1 try later"),
        ({"to_recipient": "451 greylisted"}, "retry", "451 greylisted"),
        ({"to_recipient": "550 5.1.1 no such user"}, "failed", "550 5.1.1 no such user"),
        ({"to_recipient": "530 sign in first"}, "retry", "530 sign in first"),
        ({"to_mail": "421 going down"}, "retry", "421 going down"),
        ({"to_mail": "452 disk full"}, "retry", "452 disk full"),
        ({"to_mail": "554 5.7.1 refused"}, "failed", "554 5.7.1 refused"),
    ],
)
def test_the_servers_answer_decides(
    session: Session, settings: Settings, clock: Any, mailbox: Any, answers: dict[str, str], state: str, words: str
) -> None:
    _, server = mailbox(**answers)
    put(settings, clock)
    send(settings, smtp(server))
    assert (one(session).state, one(session).last_error) == (state, words)


def test_a_server_that_is_not_there_is_tried_again(session: Session, settings: Settings, clock: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    put(settings, clock)
    send(settings, smtp(SmtpServer("127.0.0.1", port, "none")))
    assert one(session).state == "retry"
    assert "cannot be reached" in one(session).last_error


@pytest.fixture
def hanging() -> Iterator[int]:
    """A server that takes the connection and says nothing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_server_that_hangs_is_left_in_time(session: Session, settings: Settings, clock: Any, hanging: int) -> None:
    put(settings, clock)
    send(settings, smtp(SmtpServer("127.0.0.1", hanging, "none"), timeout_s=0.3))
    assert one(session).state == "retry"
    assert "did not answer" in one(session).last_error


def test_a_server_that_answers_a_byte_at_a_time_is_left_too(session: Session, settings: Settings, clock: Any) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ended = threading.Event()

        def drip() -> None:
            line, _ = listening.accept()
            with line:
                line.sendall(b"220 ready\r\n")
                while not ended.wait(0.05):
                    try:
                        line.sendall(b"2")
                    except OSError:
                        return

        dripping = threading.Thread(target=drip)
        dripping.start()
        put(settings, clock)
        send(settings, smtp(SmtpServer("127.0.0.1", listening.getsockname()[1], "none"), budget_s=0.5))
        ended.set()
        dripping.join()
    assert one(session).state == "retry"


def test_without_the_tls_that_was_asked_for_nothing_is_sent(
    session: Session, settings: Settings, clock: Any, mailbox: Any
) -> None:
    box, server = mailbox()
    put(settings, clock)
    send(settings, smtp(replace(server, tls="starttls", user="someone", password="secret")))
    assert one(session).state == "retry"
    assert box.kept == []


def test_check_says_in_words_what_is_wrong_with_mail(settings: Settings, mailbox: Any, hanging: int) -> None:
    assert check_smtp(settings) is None
    _, server = mailbox()
    assert check_smtp(replace(settings, smtp=server)) is None
    problem = check_smtp(replace(settings, smtp=replace(server, tls="starttls")))
    assert problem is not None
    assert problem.startswith(f"The mail server 127.0.0.1:{server.port} does not take mail: ")


@pytest.fixture
def certified(tmp_path: Any) -> tuple[Any, Any]:
    """TLS contexts of a server and of a client that trusts it, for 127.0.0.1."""
    import ssl
    from datetime import UTC, datetime
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    client = ssl.create_default_context(cafile=str(file))
    return server, client


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_over_tls_the_certificate_is_checked(
    session: Session, settings: Settings, clock: Any, certified: tuple[Any, Any], tls: str
) -> None:
    ours, trusting = certified
    box = Mailbox()
    more = {"ssl_context": ours} if tls == "tls" else {"tls_context": ours, "require_starttls": True}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, **more)
    controller.start()
    try:
        put(settings, clock, 1)
        server = SmtpServer("127.0.0.1", port, tls)
        send(settings, smtp(server))
        assert one(session).state == "retry"
        assert "No safe connection" in one(session).last_error
        clock.now = one(session).due_at + timedelta(seconds=1)
        send(settings, smtp(server, context=trusting))
        assert one(session).state == "sent"
        assert len(box.kept) == 1
    finally:
        controller.stop()

"""Sending over real SMTP on this machine: what the server answers decides."""

from __future__ import annotations

import email
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy.orm import Session

from tests.messages.outbox import LINK, Mailbox, one, put, send, smtp, states
from workshops.config import Settings, SmtpServer
from workshops.messages.transports import (
    check_smtp,
)


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

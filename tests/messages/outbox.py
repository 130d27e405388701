"""What the tests of the outbox share: messages that are put there, a look at them, transports, and mail servers."""


from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.config import Settings, SmtpServer
from workshops.core import clock as system_clock
from workshops.core.db import transaction
from workshops.messages import service, worker
from workshops.messages.models import OutboxMessage
from workshops.messages.transports import (
    NotSent,
    Parcel,
    SmtpTransport,
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

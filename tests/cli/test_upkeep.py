"""`flask worker` against a real mail server, and `flask purge` over the whole database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from flask import Flask
from sqlalchemy.orm import Session

from tests.cli.conftest import Run
from tests.conftest import FakeClock
from tests.factories import make_event
from tests.journeys.letters import letters
from tests.journeys.person import Person
from workshops.config import PROJECT, Settings, SmtpServer
from workshops.core.db import Base, transaction
from workshops.messages import service as messages
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration

MESSAGES = 12


class MailServer:
    """Takes mail on this machine while it is open."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep to whom it goes, and its Message-ID."""
        lines = envelope.content.decode().splitlines()
        self.taken.append((envelope.rcpt_tos[0], next(line for line in lines if line.startswith("Message-ID"))))
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    if made.controller.server is not None:
        made.controller.stop()


def put_messages(settings: Settings, now: datetime) -> None:
    with transaction() as session:
        for number in range(MESSAGES):
            messages.enqueue(
                session,
                kind="accounts/new_password",
                to_email=f"person{number}@example.org",
                values={"until": "10am on Monday 1 March 2027"},
                links={"account": "http://localhost/staff/link/x"},
                dedupe_key=f"test:{number}",
                now=now,
                settings=settings,
            )


def test_while_the_mail_server_is_away_mail_waits_and_then_all_of_it_arrives(
    run: Run,
    session: Session,
    settings: Settings,
    change_settings: Callable[..., Settings],
    clock: FakeClock,
    mail_server: MailServer,
) -> None:
    put_messages(settings, clock.now)
    change_settings(smtp=SmtpServer("127.0.0.1", mail_server.port, "none"))
    assert run("worker", "--once").exit_code == 0
    assert session.scalars(sa.select(OutboxMessage.state).distinct()).all() == ["retry"]
    assert run("check").exit_code == 1
    mail_server.controller.start()
    clock.advance(minutes=3)
    assert run("worker", "--once").stdout == f"{MESSAGES} messages taken in hand.\n"
    assert len(mail_server.taken) == len(set(mail_server.taken)) == MESSAGES


def test_two_workers_at_once_send_each_message_once(
    app: Flask, session: Session, settings: Settings, mail_server: MailServer
) -> None:
    put_messages(settings, datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    mail_server.controller.start()
    environ = {
        **os.environ,
        "WORKSHOPS_INSTANCE": str(settings.instance),
        "WORKSHOPS_DATABASE_URL": settings.database_url,
        "WORKSHOPS_SECRET_KEY": settings.secret_key,
        "WORKSHOPS_SMTP_URL": f"smtp://127.0.0.1:{mail_server.port}?tls=none",
    }
    command = [sys.executable, "-m", "flask", "worker", "--once"]
    both = [subprocess.Popen(command, cwd=PROJECT, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate()[0] for each in both]
    assert sum(int(words.split()[0]) for words in said) == MESSAGES
    assert sorted(address for address, _ in mail_server.taken) == sorted(f"person{n}@example.org" for n in range(12))


def test_thirteen_months_after_the_event_nothing_of_a_person_is_left(
    run: Run, app: Flask, session: Session, settings: Settings, clock: FakeClock
) -> None:
    make_event(session, slug="a-day", title="A day")
    kept = make_event(session, slug="later", title="Later", starts_at=clock.now.replace(year=2029))
    person = Person(app.test_client()).open("/events/a-day/register")
    person.fill(
        name="Zebedee Planted",
        email="zebedee@planted.example.org",
        organisation="Planted Organisation",
        job_title="Planted Title",
        access_needs="planted access",
        dietary_needs="planted food",
        question="planted question",
    ).press("Register")
    run("worker", "--once")
    place = letters(settings.mail_folder)[0].place
    person.open(place).press("Make my calendar address")
    Person(app.test_client()).open("/find-my-place").fill(email="zebedee@planted.example.org").press("Send")
    run("worker", "--once")
    assert planted(session) and len(list(settings.mail_folder.glob("*.eml"))) == 2
    for file in settings.mail_folder.glob("*.eml"):
        os.utime(file, (clock.now.timestamp(), clock.now.timestamp()))

    clock.now = clock.now.replace(year=2028, month=5, day=2)
    # asked for late, so it is younger than the mail that goes by its own age
    with transaction() as writing:
        messages.enqueue(
            writing, kind="accounts/new_password", to_email="zebedee@planted.example.org", values={"until": "planted"},
            links={"account": "http://localhost/x"}, dedupe_key="late", about=("registration", 1), now=clock.now,
            settings=settings,
        )  # fmt: skip
    before = planted(session)
    dry = run("purge", "--dry-run")
    assert dry.stdout.endswith("Nothing was removed: this was a dry run.\n") and "1 people" in dry.stdout
    assert planted(session) == before and len(list(settings.mail_folder.glob("*.eml"))) == 2
    done = run("purge")
    assert done.exit_code == 0 and done.stdout.splitlines()[:-1] == dry.stdout.splitlines()[:-1]
    assert planted(session) == []
    assert not list(settings.mail_folder.glob("*.eml"))
    row = session.scalars(sa.select(Registration)).one()
    assert (row.state, row.attending) == ("confirmed", "in_person")
    assert session.get(type(kept), kept.id) is not None
    session.rollback()
    if settings.is_sqlite:
        files = settings.instance.glob("workshops.sqlite3*")
        assert not [file.name for file in files if b"lanted" in file.read_bytes()]


def planted(session: Session) -> list[tuple[str, str]]:
    """(table, column) of every value that tells of the person."""
    session.rollback()
    found = []
    for table in Base.metadata.sorted_tables:
        for row in session.execute(table.select()).mappings():
            found += [(table.name, name) for name, value in row.items() if _tells(value)]
    session.rollback()
    return found


def _tells(value: object) -> bool:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "lanted" in text.replace("\r\n ", "") or "ebedee" in text


def test_old_mail_files_alone_go_by_their_age(run: Run, settings: Settings, clock: FakeClock, tmp_path: Path) -> None:
    settings.mail_folder.mkdir()
    for name, age_days in (("old.eml", 366), ("young.eml", 364), ("old.txt", 366)):
        file = settings.mail_folder / name
        file.touch()
        at = clock.now.timestamp() - age_days * 86_400
        os.utime(file, (at, at))
    assert "1 old mail files" in run("purge").stdout
    assert sorted(file.name for file in settings.mail_folder.iterdir()) == ["old.txt", "young.eml"]

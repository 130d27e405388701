"""Days on which everything goes wrong: the mail server comes and goes, clocks jump, workers are killed or away.

A real SMTP server, a real database, a fake clock. Each message arrives at least once, at most twice in a crash,
never zero times; what was refused for good or came too late does not arrive, and says why.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.messages.moody import Moody
from tests.messages.outbox import put, states
from tests.races.instance import PROJECT, Instance
from workshops.config import Settings, SmtpServer
from workshops.core import clock as system_clock
from workshops.messages import worker
from workshops.messages.models import OutboxMessage
from workshops.messages.transports import SmtpTransport

PEOPLE = 30
#: Half of a batch is greeted otherwise than the other half.
HALF = PEOPLE // 2


@pytest.fixture
def moody() -> Iterator[Moody]:
    server = Moody()
    yield server
    server.go()


def number_of(address: str) -> int:
    return int(address.removeprefix("person").partition("@")[0])


def look(settings: Settings, server: Moody, **more: Any) -> int:
    """One look of a worker, in batches, until nothing is due."""
    transport = SmtpTransport(
        SmtpServer("127.0.0.1", server.port, "none"), mail_from="events@example.org", timeout_s=more.pop("timeout_s", 5)
    )
    return worker.do_once(
        settings, checks=more.get("checks", {}), due_work=more.get("due_work", {}), clock=system_clock.now,
        transport=transport,
    )


def words(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(OutboxMessage.last_error).order_by(OutboxMessage.id)))


def test_a_server_in_every_mood_for_a_day_gets_each_mail_once(
    session: Session, settings: Settings, clock: Any, moody: Moody
) -> None:
    for number in range(PEOPLE):
        put(settings, clock, number)
    begun = clock.now

    def until(hours: float) -> None:
        while clock.now < begun + timedelta(hours=hours):
            look(settings, moody)
            clock.now += timedelta(minutes=30)

    until(6)  # nobody answers for six hours
    assert set(states(session)) == {"retry"} and "cannot be reached" in words(session)[0]
    moody.come()
    moody.data = lambda address: "421 4.3.2 going down" if number_of(address) < HALF else ""
    until(13)  # it goes down in the middle of half of them
    assert states(session).count("sent") == PEOPLE - HALF
    moody.data = lambda _: ""
    moody.rcpt = lambda address: {0: "550 5.1.1 no such user"}.get(number_of(address), "450 4.2.1 try later")
    until(20)  # one is refused for good, the others are put off
    assert states(session)[0] == "failed" and words(session)[0] == "550 5.1.1 no such user"
    assert states(session).count("retry") == HALF - 1
    moody.go()
    until(22)
    moody.come()
    moody.rcpt = lambda _: ""
    until(36)
    assert states(session) == ["failed"] + ["sent"] * (PEOPLE - 1)
    assert set(moody.got.values()) == {1} and len(moody.got) == PEOPLE - 1
    assert "person0@example.org" not in moody.got


def test_a_server_that_hangs_in_the_middle_of_a_mail_keeps_no_other_from_going(
    session: Session, settings: Settings, clock: Any, moody: Moody
) -> None:
    for number in range(6):
        put(settings, clock, number)
    moody.data = lambda address: "hang" if number_of(address) == 2 else ""
    moody.come()
    look(settings, moody, timeout_s=0.5)
    assert states(session) == ["sent", "sent", "retry", "sent", "sent", "sent"]
    assert "in time" in words(session)[2]
    moody.data = lambda _: ""
    clock.now += timedelta(minutes=2)
    look(settings, moody)
    assert set(states(session)) == {"sent"} and set(moody.got.values()) == {1} and len(moody.got) == 6


def test_a_clock_that_jumps_doubles_nothing_and_keeps_nothing_back(
    session: Session, settings: Settings, clock: Any, moody: Moody
) -> None:
    begun = clock.now
    for number in range(4):
        put(settings, clock, number)
    clock.now = begun + timedelta(days=400)  # far ahead, while the server is away
    look(settings, moody)
    assert set(states(session)) == {"retry"}
    clock.now = begun  # set right again: the next tries lie 400 days off
    moody.come()
    look(settings, moody)
    assert set(states(session)) == {"sent"} and set(moody.got.values()) == {1}
    clock.now = begun - timedelta(days=1)
    look(settings, moody)
    clock.now = begun + timedelta(days=1)
    look(settings, moody)
    assert set(moody.got.values()) == {1} and len(moody.got) == 4


def test_a_worker_that_was_off_for_three_days_sends_what_still_matters(
    session: Session, settings: Settings, clock: Any, moody: Moody
) -> None:
    put(settings, clock, 1)
    put(settings, clock, 2, drop_after=clock.now + timedelta(days=1))
    put(settings, clock, 3, drop_after=clock.now + timedelta(days=4))
    clock.now += timedelta(days=3)
    moody.come()
    look(settings, moody)
    assert states(session) == ["sent", "cancelled", "sent"] and words(session)[1] == "too late"
    assert dict(moody.got) == {"person1@example.org": 1, "person3@example.org": 1}


# --- real processes, killed ----------------------------------------------------------------------------------

_PUT = """
from workshops.app import create_app
from workshops.config import load_settings
from workshops.core import clock
from workshops.core.db import transaction
from workshops.messages import service
settings = load_settings()
app = create_app(settings)
with app.app_context(), transaction() as session:
    for number in range({people}):
        service.enqueue(session, kind="accounts/new_password", to_email=f"person{{number}}@example.org",
                        values={{"until": "10am"}}, links={{"account": "http://localhost/x"}},
                        dedupe_key=f"storm:{{number}}", now=clock.now(), settings=settings)
"""


@pytest.mark.full
def test_killed_workers_lose_nothing_and_double_at_most_what_was_in_hand(tmp_path: Path, moody: Moody) -> None:
    people, kills = 120, 6
    instance = Instance(tmp_path, more={"WORKSHOPS_SMTP_URL": f"smtp://127.0.0.1:{moody.port}?tls=none"})
    instance.command("db", "upgrade")
    instance.python("-c", _PUT.format(people=people))
    slow: Callable[[str], str] = lambda _: time.sleep(0.05) or "250 kept"  # type: ignore[func-returns-value]  # noqa: E731
    moody.data = slow
    moody.come()

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "flask", "--app", "wsgi", "worker"], cwd=PROJECT, env=instance.environ,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def left() -> int:
        with closing(sqlite3.connect(tmp_path / "workshops.sqlite3", timeout=30)) as database:
            (count,) = database.execute("SELECT count(*) FROM outbox_messages WHERE state <> 'sent'").fetchone()
            return int(count)

    def five_minutes_later() -> None:
        """Leases of the dead run out: their end is put into the past, as time would."""
        with closing(sqlite3.connect(tmp_path / "workshops.sqlite3", timeout=30)) as database, database:
            database.execute("UPDATE outbox_messages SET lease_until = '2000-01-01 00:00:00.000000' "
                             "WHERE state = 'sending'")  # fmt: skip

    workers: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(kills):
            before = sum(moody.got.values())
            workers = [start(), start()]
            end = time.monotonic() + 30
            while sum(moody.got.values()) < before + 5 + number and time.monotonic() < end:
                time.sleep(0.01)
            for one in workers:
                one.send_signal(signal.SIGKILL)
                one.wait()
            five_minutes_later()
        workers = [start(), start()]
        end = time.monotonic() + 60
        while left() and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        for one in workers:
            one.kill()
            one.wait()
    assert left() == 0
    assert len(moody.got) == people, "somebody got none"
    doubled = [address for address, count in moody.got.items() if count > 1]
    assert len(doubled) <= 2 * kills, "more than one message of each killed worker came twice"
    assert max(moody.got.values()) <= 2
    assert all(len(ids) == 1 for ids in moody.ids.values()), "the second copy can be recognised"

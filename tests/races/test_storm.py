"""The whole machine falls over in the middle of a storm of registrations, again and again.

Web processes, their master and the worker are killed with SIGKILL while people register and a real mail server has
its moods. Whoever was answered "you have a place" has it afterwards; whoever got no answer sends the same form again,
and has one place, not two. Every mail arrives at least once, at most twice where a worker was killed.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.messages.moody import Moody
from tests.races.instance import PROJECT, Instance, Server, free_port
from tests.races.people import Answer, LoadedForm, load_forms
from tests.races.test_races import database_beside, read
from workshops.core.db import make_engine
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration
from workshops.schedule.models import Event

PEOPLE, ALL_PEOPLE = 80, 1_000
KILLS, ALL_KILLS = 2, 8
PLACES = 25
AT_ONCE = 16
#: The mail of these people is refused for good, or put off the first time.
REFUSED, PUT_OFF, GONE = 0, 1, 2


@pytest.fixture(params=("sqlite", "postgresql"))
def moody_instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Instance, Moody]]:
    """An instance of its own on each engine whose mail goes to a server with moods."""
    url = None if request.param == "sqlite" else database_beside(request.getfixturevalue("postgresql_url"))
    moody = Moody()
    moody.come()
    made = Instance(tmp_path, url, {"WORKSHOPS_SMTP_URL": f"smtp://127.0.0.1:{moody.port}?tls=none"})
    made.command("db", "upgrade")
    made.import_events([{"slug": "storm", "capacity_in_person": str(PLACES)}])
    yield made, moody
    moody.go()


def test_a_machine_that_is_killed_keeps_every_promise(moody_instance: tuple[Instance, Moody]) -> None:
    storm(*moody_instance, people=PEOPLE, kills=KILLS)


@pytest.mark.full
def test_a_storm_of_1000_with_8_kills_keeps_every_promise(moody_instance: tuple[Instance, Moody]) -> None:
    storm(*moody_instance, people=ALL_PEOPLE, kills=ALL_KILLS)


def storm(instance: Instance, moody: Moody, *, people: int, kills: int) -> None:
    """Everybody registers while the machine falls over `kills` times; then check what was promised."""
    port = free_port()
    moody.rcpt, moody.data = moods(moody)
    with Machine(instance, port) as machine:
        persons = [{"name": f"Example Person {number}", "email": f"person{number}@example.org", "if_full": "wait"}
                   for number in range(people)]  # fmt: skip
        forms = load_forms(port, "storm", persons)
        answers: dict[int, Answer] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            sending = [pool.submit(send_once, forms[number], number, answers, machine) for number in range(people)]
            for kill in range(kills):
                wait_until(lambda kill=kill: len(answers) >= people * (kill + 1) // (kills + 2), 60)
                machine.fall_over()
                five_minutes_pass(instance)
                machine.start()
            for one in sending:
                one.result()
        check_answers(instance, answers)
        assert {answer.status for answer in answers.values()} <= {303}, Counter(one.status for one in answers.values())
        unanswered = [number for number in range(people) if number not in answers]
        assert unanswered or kills == 0, "nobody was in the middle of sending when the machine fell over"
        # whoever saw no answer presses the button again, with the same form
        for number in unanswered:
            answers[number] = forms[number].send()
        check_answers(instance, answers)
        rows = places(instance)
        assert len(rows) == people and Counter(rows.values()) == {"confirmed": PLACES, "waiting": people - PLACES}
        wait_until(lambda: not waiting_mails(instance), 120, each=lambda: minutes_pass(instance))
    check_mail(instance, moody, people=people, kills=kills)


def moods(moody: Moody) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Slow always; some are refused for good (550), some put off once (450, 421)."""
    asked: Counter[str] = Counter()

    def kind(address: str) -> int:
        return int(address.removeprefix("person").partition("@")[0]) % 10

    def rcpt(address: str) -> str:
        asked[address] += 1
        if kind(address) == REFUSED:
            return "550 5.1.1 no such user"
        return "450 4.2.1 try later" if kind(address) == PUT_OFF and asked[address] == 1 else ""

    def data(address: str) -> str:
        time.sleep(0.005)
        return "421 4.3.2 going down" if kind(address) == GONE and asked[address] == 1 else ""

    return rcpt, data


def send_once(form: LoadedForm, number: int, answers: dict[int, Answer], machine: Machine) -> None:
    """Send a form when the machine is up; keep the answer when one came."""
    machine.is_up.wait(60)
    try:
        answers[number] = form.send()
    except (OSError, http.client.HTTPException):
        return  # no answer, no promise


class Machine:
    """`flask serve` with its worker, which can fall over like a machine without power."""

    def __init__(self, instance: Instance, port: int) -> None:
        self.instance, self.port = instance, port
        self.is_up = threading.Event()
        self.log = (instance.folder / "machine.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Machine:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.fall_over()
        self.log.close()

    def start(self) -> None:
        """Start the server and its worker, as an operator would."""
        arguments = ("-m", "flask", "--app", "wsgi", "serve", "--port", str(self.port), "--workers", "2")
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=PROJECT, env=self.instance.environ, stdout=self.log, stderr=self.log,
            start_new_session=True,
        )
        Server(self.port, self.process, Path(self.log.name)).wait_until_it_answers()
        self.is_up.set()

    def fall_over(self) -> None:
        """SIGKILL for the master, the web processes and the worker: nobody gets to clean up."""
        self.is_up.clear()
        assert self.process is not None
        session = self.process.pid
        self.process.send_signal(signal.SIGSTOP)  # nothing is started any more, so nothing is missed
        # until all are gone: one that is still dying would take connections at the port of the next
        wait_until(lambda: not kill_all(session), 30)
        self.process.wait()


def kill_all(session: int) -> int:
    """Kill every process of a session; how many were still alive."""
    alive = 0
    for entry in Path("/proc").iterdir():
        try:
            state, _, _, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state not in ("Z", "X"):
                alive += 1
                os.kill(int(entry.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue  # it has just ended, or is no process
    return alive


# --- what has to hold ------------------------------------------------------------------------------------------


def places(instance: Instance) -> dict[str, str]:
    """{address: state} of everybody in the database."""
    here = sa.select(Registration).join(Event).where(Event.slug == "storm")
    rows = read(instance, here)
    found = {row.email_key: row.state for row in rows}
    assert len(found) == len(rows), "somebody is there twice"
    return found


def check_answers(instance: Instance, answers: dict[int, Answer]) -> None:
    """Every answer that promised something is true."""
    rows, said = places(instance), {"place": "confirmed", "waiting": "waiting"}
    for number, answer in answers.items():
        assert rows.get(f"person{number}@example.org") == said[answer.location.rpartition("/")[2]]


def check_mail(instance: Instance, moody: Moody, *, people: int, kills: int) -> None:
    """At least once, at most twice and that only for what a killed worker had in hand; refused ones say why."""
    mails = read(instance, sa.select(OutboxMessage).order_by(OutboxMessage.id))
    assert len({mail.about_id for mail in mails}) == len(mails) == people, "one mail for each person"
    states = {mail.to_email: mail.state for mail in mails}
    refused = {f"person{number}@example.org" for number in range(people) if number % 10 == REFUSED}
    assert {address for address, state in states.items() if state == "failed"} == refused
    assert {address for address, state in states.items() if state == "sent"} == set(states) - refused
    assert set(moody.got) == set(states) - refused, "somebody got no mail, or one that was refused"
    assert max(moody.got.values()) <= 2
    assert sum(count > 1 for count in moody.got.values()) <= kills, "more doubled than were in a killed worker's hands"
    assert all(len(ids) == 1 for ids in moody.ids.values()), "a second copy can be recognised"


def waiting_mails(instance: Instance) -> int:
    (count,) = read(instance, sa.select(sa.func.count()).where(OutboxMessage.state.in_(("due", "retry", "sending"))))
    return int(count)


def five_minutes_pass(instance: Instance) -> None:
    """What the dead had in hand is free again, as after the time of their lease."""
    change(instance, sa.update(OutboxMessage).where(OutboxMessage.state == "sending").values(lease_until=LONG_AGO))


def minutes_pass(instance: Instance) -> None:
    """What was put off is due."""
    change(instance, sa.update(OutboxMessage).where(OutboxMessage.state == "retry").values(due_at=LONG_AGO))


#: An instant that every clock is past.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def change(instance: Instance, statement: Any) -> None:
    """One statement on the instance's database, from outside of the application."""
    engine = make_engine(instance.database_url or f"sqlite:///{instance.folder / 'workshops.sqlite3'}")
    try:
        with engine.begin() as connection:
            connection.execute(statement)
    finally:
        engine.dispose()


def wait_until(holds: Callable[[], Any], seconds: float, *, each: Callable[[], Any] = lambda: None) -> None:
    """Look every tenth of a second; give up after so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        each()
        time.sleep(0.1)

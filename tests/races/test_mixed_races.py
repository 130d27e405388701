"""Registering, cancelling, taking offers and a change of the capacity, all at once, through real server processes.

Whatever order the server makes of it, nobody gets a place too many, nobody is lost, nobody has two, nobody passes
somebody who waited longer, and nobody sees an error page.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from tests.races.instance import Instance, NotStarted, Server
from tests.races.people import ANSWER_S, Answer, _HiddenFields, load_forms
from tests.races.test_races import FULL_ROUNDS, PAUSED, database_beside, read
from workshops.core.db import make_engine
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration
from workshops.schedule.models import Event

PLACES, MORE_PLACES = 25, 30
#: Registered before: the places are taken and some wait.
EARLY = 40
CANCELLING = 15
#: New people in the gate and with --full, so that 200 act at once.
NEWCOMERS, ALL_NEWCOMERS = 45, 160


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """An instance of its own on each engine, with an event for every race."""
    url = None if request.param == "sqlite" else database_beside(request.getfixturevalue("postgresql_url"))
    made = Instance(tmp_path_factory.mktemp(f"mixed-{request.param}"), url)
    made.command("db", "upgrade")
    rounds = [f"round-{number}" for number in range(FULL_ROUNDS)] if request.config.getoption("--full") else []
    made.import_events([{"slug": slug, "capacity_in_person": str(PLACES)} for slug in ("mixed", "unlocked", *rounds)])
    return made


@pytest.fixture(scope="module")
def server(instance: Instance) -> Iterator[Server]:
    with instance.served() as running:
        yield running


def test_everything_at_once_leaves_everybody_where_they_belong(instance: Instance, server: Server) -> None:
    race(instance, server, "mixed", NEWCOMERS)


@pytest.mark.full
def test_20_rounds_of_200_people_doing_everything_at_once(instance: Instance, server: Server) -> None:
    for number in range(FULL_ROUNDS):
        race(instance, server, f"round-{number}", ALL_NEWCOMERS)


@pytest.mark.full
def test_without_the_lock_something_goes_wrong(instance: Instance) -> None:
    """The control: the same crowd, a pause between check and write, and no lock."""
    with instance.served(launcher=(*PAUSED, "--no-lock")) as unlocked, pytest.raises((AssertionError, NotStarted)):
        race(instance, unlocked, "unlocked", ALL_NEWCOMERS)


def race(instance: Instance, server: Server, slug: str, newcomers: int) -> None:
    """Let all of them act at once and check what has to hold afterwards, and at every look in between."""
    links = json.loads(instance.python("-m", "tests.races.crowd", "fill", slug, str(EARLY)))
    people = [{"name": f"Example Person {number}", "email": f"person{number}@example.org", "if_full": "wait"}
              for number in range(newcomers)]  # fmt: skip
    forms = load_forms(server.port, slug, people)
    leaving = [Place(server.port, links[f"early{number}@example.org"]) for number in range(CANCELLING)]
    hoping = [Place(server.port, links[f"early{number}@example.org"]) for number in range(PLACES, EARLY)]
    acts: list[Callable[[], Any]] = [form.send for form in forms]
    acts += [lambda place=place: place.press("cancel") for place in leaving]
    acts += [lambda place=place: place.take_when_offered() for place in hoping]
    acts += [lambda: instance.python("-m", "tests.races.crowd", "resize", slug, str(MORE_PLACES))]
    gate, over = threading.Barrier(len(acts) + 1), threading.Event()

    def act(what: Callable[[], Any]) -> Any:
        gate.wait()
        return what()

    with ThreadPoolExecutor(len(acts) + 1) as pool:
        watching = pool.submit(lambda: (gate.wait(), watch(instance, slug, over))[1])
        try:
            answers = list(pool.map(act, acts))
        finally:
            over.set()  # also when somebody's act failed: else the look goes on for ever
        most = watching.result()
    statuses = Counter(answer.status for answer in answers if isinstance(answer, Answer))
    assert set(statuses) <= {303, 422}, (statuses, server.log.read_text(errors="replace")[-2000:])
    assert most <= MORE_PLACES, "more places than there are, at one moment"
    check(instance, slug, newcomers)
    told = [answer for answer in answers[:newcomers] if answer.status == 303]
    assert len(told) == newcomers, "somebody who would wait was turned away"


def check(instance: Instance, slug: str, newcomers: int) -> None:
    """0 oversold, 0 lost, 0 double, the order kept, and everybody told what they have."""
    here = sa.select(Registration).join(Event).where(Event.slug == slug)
    statement = here.order_by(Registration.waiting_since, Registration.id)
    rows = [{name: getattr(row, name) for name in ("id", "email_key", "state", "waiting_since")}
            for row in read(instance, statement)]  # fmt: skip
    counts = Counter(row["state"] for row in rows)
    assert len(rows) == EARLY + newcomers and len({row["email_key"] for row in rows}) == len(rows)
    assert counts["confirmed"] + counts["offered"] == MORE_PLACES, counts
    assert counts["cancelled"] == CANCELLING and counts["waiting"] == EARLY + newcomers - CANCELLING - MORE_PLACES
    # who is served had come before everybody who still waits: ids are given under the lock, in order of decision
    still = [row["id"] for row in rows if row["state"] == "waiting"]
    served = [row["id"] for row in rows if row["state"] in ("confirmed", "offered")]
    assert max(served) < min(still)
    assert still == sorted(still)
    (kept,) = read(instance, sa.select(Event).where(Event.slug == slug))
    assert (kept.taken_in_person, kept.waiting_in_person) == (MORE_PLACES, counts["waiting"])
    kinds = {"confirmed": "place_confirmed", "waiting": "on_waiting_list", "offered": "place_offered",
             "cancelled": "place_cancelled"}  # fmt: skip
    newest: dict[int, str] = {}
    mails = sa.select(OutboxMessage).where(OutboxMessage.event_id == kept.id).order_by(OutboxMessage.id)
    for mail in read(instance, mails):
        newest[mail.about_id] = mail.kind.rpartition("/")[2]
    assert all(newest[row["id"]] == kinds[row["state"]] for row in rows), "somebody was not told what they have"


def watch(instance: Instance, slug: str, over: threading.Event) -> int:
    """The most places and open offers there were at any look, until it is over."""
    engine = make_engine(instance.database_url or f"sqlite:///{instance.folder / 'workshops.sqlite3'}")
    held = (
        sa.select(sa.func.count()).select_from(Registration).join(Event)
        .where(Event.slug == slug, Registration.state.in_(("confirmed", "offered")))
    )  # fmt: skip
    most = 0
    try:
        while not over.wait(0.02):
            with engine.connect() as connection:
                most = max(most, int(connection.scalar(held) or 0))
    finally:
        engine.dispose()
    return most


class Place:
    """My place in the browser of one person: a cookie, a form token, and buttons."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            page = response.read().decode("utf-8")
        finally:
            connection.close()
        assert response.status == 200
        self.cookie = "; ".join(value.split(";")[0] for value in response.headers.get_all("Set-Cookie", []))
        parser = _HiddenFields()
        parser.feed(page)
        self.token = parser.found["csrf_token"]

    def press(self, button: str) -> Answer:
        """Press a button of the page."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request("POST", f"{self.path}/{button}", urlencode({"csrf_token": self.token}), headers)
            response = connection.getresponse()
            response.read()
            return Answer(response.status, response.headers.get("Location", ""))
        finally:
            connection.close()

    def take_when_offered(self) -> Answer:
        """Press "Take the place" again and again: too early it is refused in words, later it is theirs."""
        answer = self.press("take")
        for _ in range(6):
            if answer.status == 303:
                break
            answer = self.press("take")
        return answer

"""Many people at once, through real server processes, on both engines: never one place too many.

The negative control switches the lock off and must overbook; its twin runs with the same pause and the lock on,
so that what differs is the lock alone (reference/reliability E.2).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.races.instance import Instance, Server
from tests.races.people import Answer, LoadedForm, load_form, load_forms, send_at_once
from workshops.core.db import make_engine
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration
from workshops.schedule.models import Event

PLACES = 25
PEOPLE = 200
#: The controls need fewer people: the pause makes every one of them a race.
CONTROL_PEOPLE = 60
PAUSE_MS = 40
SAME_SENDS = 50
FULL_ROUNDS = 20

PAUSED = ("-m", "tests.races.launcher", "--pause-ms", str(PAUSE_MS))
EVENTS = ("race", "one-form", "one-address", "paused", "unlocked")


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """An instance of its own on each engine, with an event for every race."""
    url = None if request.param == "sqlite" else database_beside(request.getfixturevalue("postgresql_url"))
    made = Instance(tmp_path_factory.mktemp(f"races-{request.param}"), url)
    made.command("db", "upgrade")
    rounds = [f"round-{number}" for number in range(FULL_ROUNDS)] if request.config.getoption("--full") else []
    made.import_events([{"slug": slug, "capacity_in_person": str(PLACES)} for slug in (*EVENTS, *rounds)])
    return made


@pytest.fixture(scope="module")
def server(instance: Instance) -> Iterator[Server]:
    """`flask serve` with two processes, as people run it."""
    with instance.served() as running:
        yield running


def test_200_people_at_once_get_25_places_and_the_rest_wait_in_order(instance: Instance, server: Server) -> None:
    race(instance, server, "race", PEOPLE)


@pytest.mark.full
def test_20_rounds_of_200_people_at_once(instance: Instance, server: Server) -> None:
    for number in range(FULL_ROUNDS):
        race(instance, server, f"round-{number}", PEOPLE)


def test_one_form_sent_50_times_at_once_registers_once(instance: Instance, server: Server) -> None:
    form = load_form(server.port, "one-form", **person(1))
    answers = send_at_once([form] * SAME_SENDS)
    assert Counter(answers) == {Answer(303, "/events/one-form/registered/place"): SAME_SENDS}
    assert states(instance, "one-form") == ["confirmed"]
    assert stored_mails(instance, "one-form") == 1


def test_one_address_sent_50_times_at_once_registers_once(instance: Instance, server: Server) -> None:
    spellings = ("same.person@example.org", " Same.Person@Example.org", "SAME.PERSON@EXAMPLE.ORG ")
    people = [{**person(number), "email": spellings[number % len(spellings)]} for number in range(SAME_SENDS)]
    answers = send_at_once(load_forms(server.port, "one-address", people))
    # the receipt is a newcomer's, whoever sends: it tells nobody that the address is known
    assert Counter(answers) == {Answer(303, "/events/one-address/registered/place"): SAME_SENDS}
    assert states(instance, "one-address") == ["confirmed"]
    # the confirmation, and once an hour at most "you are registered already"
    assert stored_mails(instance, "one-address") == 2


def test_with_a_pause_between_check_and_write_the_lock_still_holds(instance: Instance) -> None:
    with instance.served(launcher=PAUSED) as paused:
        race(instance, paused, "paused", CONTROL_PEOPLE)


def test_with_the_same_pause_and_no_lock_it_overbooks(instance: Instance) -> None:
    with instance.served(launcher=(*PAUSED, "--no-lock")) as unlocked:
        send_at_once(forms_of(unlocked, "unlocked", CONTROL_PEOPLE))
    confirmed = states(instance, "unlocked").count("confirmed")
    assert confirmed > PLACES, "without the lock nothing went wrong, so the other tests prove nothing"


# --- what a race must leave behind ----------------------------------------------------------------------------


def race(instance: Instance, server: Server, slug: str, people: int) -> None:
    """Send `people` different forms at once and check everything that has to hold afterwards."""
    forms = forms_of(server, slug, people)
    answers = send_at_once(forms)
    assert Counter(answer.status for answer in answers) == {303: people}, server.log.read_text(errors="replace")
    # ids are given under the lock, so their order is the order of the decisions: nobody waits while a place is free
    waiting = people - PLACES
    assert states(instance, slug) == ["confirmed"] * PLACES + ["waiting"] * waiting
    assert stored_mails(instance, slug) == people
    exported = json.loads(instance.command("registrations", "export", slug, "--format", "json"))
    found = {row["email"]: row for row in exported}
    assert len(exported) == len(found) == people
    assert [row["position"] for row in exported if row["state"] == "confirmed"] == [None] * PLACES
    assert sorted(row["position"] for row in exported if row["state"] == "waiting") == list(range(1, waiting + 1))
    assert in_order_of_decision(instance, slug) == [
        row["email"] for row in sorted(exported, key=lambda row: row["position"] or 0) if row["state"] == "waiting"
    ]
    # everybody was told what they got
    told = {"place": "confirmed", "waiting": "waiting"}
    for form, answer in zip(forms, answers, strict=True):
        assert told[answer.location.rpartition("/")[2]] == found[form.typed["email"]]["state"]


def forms_of(server: Server, slug: str, people: int) -> list[LoadedForm]:
    """A loaded form for each of so many different people, who would all rather wait than leave."""
    return load_forms(server.port, slug, [person(number) for number in range(people)])


def person(number: int) -> dict[str, str]:
    """What person number N types."""
    return {"name": f"Example Person {number}", "email": f"person{number}@example.org", "if_full": "wait"}


def states(instance: Instance, slug: str) -> list[str]:
    """The states of everybody at an event, in the order in which they were written."""
    statement = sa.select(Registration.state).join(Event).where(Event.slug == slug).order_by(Registration.id)
    return list(read(instance, statement))


def in_order_of_decision(instance: Instance, slug: str) -> list[str]:
    """The addresses of those who wait, in the order in which they were written."""
    statement = (
        sa.select(Registration.email)
        .join(Event)
        .where(Event.slug == slug, Registration.state == "waiting")
        .order_by(Registration.id)
    )
    return list(read(instance, statement))


def stored_mails(instance: Instance, slug: str) -> int:
    """How many mails about an event wait to be sent."""
    event_id = sa.select(Event.id).where(Event.slug == slug).scalar_subquery()
    (count,) = read(instance, sa.select(sa.func.count()).where(OutboxMessage.event_id == event_id))
    return int(count)


def read(instance: Instance, statement: sa.Select[Any]) -> list[Any]:
    """The first column of a SELECT on the instance's database."""
    engine = make_engine(instance.database_url or f"sqlite:///{instance.folder / 'workshops.sqlite3'}")
    try:
        with Session(engine) as session:
            return list(session.scalars(statement))
    finally:
        engine.dispose()


def database_beside(url: str) -> str:
    """An empty database beside another one, on the same server."""
    other = sa.engine.make_url(url)
    name = f"{other.database}_races"
    engine = sa.create_engine(other, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.exec_driver_sql(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
    engine.dispose()
    return other.set(database=name).render_as_string(hide_password=False)

"""A whole life as mails: what stands in somebody's calendar after each step is what is true (RFC 5546, RFC 6047).

Every mail the application sends is given to a strict calendar program (itip_client.py), in the order in which it was
sent and, since mail knows no order, in others too. What it then holds is compared with the database.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event, make_venue
from tests.journeys.conftest import Mail, mail, organiser, register, worker
from tests.journeys.person import Person
from tests.readers.itip_client import CalendarProgram
from tests.readers.life import ANNA, OLD_LINK, Life, seen
from workshops.config import Mailbox, Settings

__all__ = ["mail", "organiser", "register", "worker"]  # fixtures of the journeys

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 40))]


@pytest.fixture
def settings(app: Flask, request: pytest.FixtureRequest) -> Settings:
    """With a mailbox each invitation has an organiser address of its own."""
    found: Settings = app.extensions["workshops.settings"]
    if getattr(request, "param", "") == "a mailbox":
        found = replace(found, mailbox=Mailbox(path=found.instance / "Maildir"))
        app.extensions["workshops.settings"] = found
    return found


@pytest.fixture
def life(
    session: Session, organiser: Person, register: Callable[..., Person], mail: Mail, clock: FakeClock,
    someone: Callable[[], Person],
) -> Life:  # fmt: skip
    make_event(session, slug="a-life", title="A life, in mails", venue_id=make_venue(session, "Old Hall").id)
    return Life(session, organiser, register, mail, clock, someone)


def play(life: Life, steps: list[str]) -> None:
    for number, step in enumerate(steps):
        life.clock.advance(minutes=7)
        getattr(life, step)()
        life.check(f"{number}: {step} (of {steps})")


@pytest.mark.parametrize("settings", ["no mailbox", "a mailbox"], indirect=True)
def test_conformance_20_after_each_step_of_a_whole_life_the_calendar_holds_what_is_true(life: Life) -> None:
    """The life of the issue: confirmed, moved, venue changed, switched to online, cancelled, reinstated, event off."""
    play(life, ["arrives", "moved", "reworded", "elsewhere", "online", "leaves", "moved", "arrives", "cancelled"])
    entries = [letter.method for letter in life.letters() if letter.calendar_part is not None]
    assert entries == ["REQUEST"] * 4 + ["CANCEL", "REQUEST", "CANCEL"]


def test_an_event_that_went_comes_back_as_one_entry(life: Life) -> None:
    play(life, ["arrives", "cancelled", "reinstated", "moved", "postponed", "on_another_day", "online", "elsewhere",
                "cancelled", "reinstated", "leaves"])  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_any_life_leaves_what_is_true(life: Life, seed: int) -> None:
    """Twelve steps as chance has them, from what is possible at each."""
    chance = random.Random(seed)
    steps: list[str] = []
    for _ in range(12):
        state, holds = life.event().state, life.has_place()
        possible = {
            "published": ["moved", "elsewhere", "online", "reworded", "cancelled", "postponed", "on_another_day",
                          "leaves" if holds else "arrives"],
            "cancelled": ["reinstated"],
            "postponed": ["on_another_day", "cancelled", *(["leaves"] if holds else [])],
        }[state]  # fmt: skip
        step = "arrives" if not steps else chance.choice(possible)
        life.clock.advance(minutes=chance.choice([1, 7, 13]))
        getattr(life, step)()
        steps.append(step)
        life.check(f"{steps} (seed {seed})")


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_a_sequence_that_stays_leaves_the_old_entry(life: Life) -> None:
    """The control: with SEQUENCE and DTSTAMP as in the first mail, the strict program keeps what it had."""
    play(life, ["arrives", "moved"])
    mails = [letter.mail for letter in life.letters()]
    assert seen(CalendarProgram(ANNA).take_all(mails))[0][1] == life.event().starts_at
    first, second = (part.get_content() for mail in mails for part in mail.walk()
                     if part.get_content_type() == "text/calendar")  # fmt: skip
    part = next(part for part in mails[1].walk() if part.get_content_type() == "text/calendar")
    kept = {line.split(":")[0]: line for line in first.splitlines()}
    stale = "\r\n".join(
        kept[line.split(":")[0]] if line.startswith(("SEQUENCE", "DTSTAMP:")) else line for line in second.splitlines()
    )
    part.set_content(stale.encode(), "text", "calendar", params={"method": "REQUEST", "charset": "utf-8"})
    program = CalendarProgram(ANNA).take_all(mails)
    assert program.ignored == 1
    assert seen(program)[0][1] != life.event().starts_at


def test_who_switches_at_a_hybrid_event_keeps_one_right_entry(
    session: Session, register: Callable[..., Person], someone: Callable[[], Person], mail: Mail, clock: FakeClock,
    staff: Callable[..., FormClient],
) -> None:  # fmt: skip
    """From the room to the link and back, by their own page: the way in is there when it is needed."""
    event = make_event(session, slug="both", mode="hybrid", venue_id=make_venue(session, "Old Hall").id,
                       capacity_online=10, joining_link=OLD_LINK)  # fmt: skip
    uid = event.uid
    register("both", "anna", attending="in_person")
    for attending, join in (("online", OLD_LINK), ("in_person", ""), ("online", OLD_LINK)):
        clock.advance(minutes=5)
        link = mail(to=ANNA)[-1].place
        someone().open(f"{link}/change").fill(attending=attending).press("Save")
        program = CalendarProgram(ANNA).take_all([letter.mail for letter in mail(to=ANNA)])
        assert [(entry.uid, entry.join) for entry in program.entries.values()] == [(uid, join)], attending
        assert program.ignored == 0

"""A whole life as mails: what stands in somebody's calendar after each step is what is true (RFC 5546, RFC 6047).

Every mail the application sends is given to a strict calendar program (itip_client.py), in the order in which it was
sent and, since mail knows no order, in others too. What it then holds is compared with the database.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event, make_venue
from tests.journeys.conftest import Mail, mail, organiser, register, worker
from tests.journeys.letters import Letter
from tests.journeys.person import Person
from tests.readers.itip_client import CalendarProgram
from workshops.config import Mailbox, Settings
from workshops.registration.models import Registration
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event

__all__ = ["mail", "organiser", "register", "worker"]  # fixtures of the journeys

ANNA = "anna@example.org"
OLD_LINK, NEW_LINK = "https://meet.example.org/first", "https://meet.example.org/second"
SEEDS = [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(3, 40))]


@dataclass
class Life:
    """The event, the person, and what was done so far."""

    session: Session
    organiser: Person
    register: Callable[..., Person]
    mail: Mail
    clock: FakeClock
    someone: Callable[[], Person]
    slug: str = "a-life"
    edits: int = 0

    # --- what happens -------------------------------------------------------------------------------------------

    def arrives(self) -> None:
        """Anna registers, or registers again."""
        self.register(self.slug, "anna", **self._which())

    def leaves(self) -> None:
        """Anna gives her place up with the link in her newest mail."""
        link = next(letter.place for letter in reversed(self.letters()) if letter.links("/places/"))
        self.someone().open(f"{link}/cancel").press("Cancel my place")

    def moved(self) -> None:
        """Another time of the day, and everybody is told."""
        hour = self.edits % 8 + 9
        self._edit(start_time=f"{hour}:05", end_time=f"{hour + 1}:35")

    def on_another_day(self) -> None:
        day = str(self.edits % 27 + 1)
        self._edit(**{"starts_on-day": day, "starts_on-month": "5", "starts_on-year": "2027"})

    def elsewhere(self) -> None:
        """Another hall."""
        self._edit(mode="in_person", capacity_online="", venue="", joining_link="",
                   venue_name=f"Hall {self.edits}",
                   venue_address="2 Example Street, Perth", venue_postcode="")  # fmt: skip

    def online(self) -> None:
        """From a hall to a link, or to another link."""
        link = NEW_LINK if self.event().joining_link == OLD_LINK else OLD_LINK
        self._edit(mode="online", capacity_in_person="", joining_link=link)

    def reworded(self) -> None:
        """A summary in other words: no calendar need learn of it."""
        self.organiser.open(f"/staff/events/{self.slug}/edit").fill(summary=f"Said {self.clock.now:%H %M}.")
        self.organiser.press("Save")

    def cancelled(self) -> None:
        self._step("cancel", "Cancel the event", reason="The boiler broke.")

    def reinstated(self) -> None:
        self._step("reinstate", "Let the event take place")

    def postponed(self) -> None:
        self._step("postpone", "Postpone", reason="No day suits.")

    # --- what is true -------------------------------------------------------------------------------------------

    def event(self) -> Event:
        self.session.rollback()
        return self.session.scalars(
            select(Event).where(Event.slug == self.slug).execution_options(populate_existing=True)
        ).one()

    def has_place(self) -> bool:
        self.session.rollback()
        states = self.session.scalars(select(Registration.state).where(Registration.email_key == ANNA))
        return "confirmed" in list(states)

    def letters(self) -> list[Letter]:
        return self.mail(to=ANNA)

    def check(self, step: str) -> None:
        """Anna's calendar holds what the database says, whatever the order in which her mail came."""
        event = self.event()
        mails = [letter.mail for letter in self.letters()]
        expected = [
            (event.uid, event.starts_at, event.ends_at, event.title, location_words(event),
             event.joining_link if event.mode == "online" else "", "CONFIRMED")
        ] if self.has_place() and event.state == "published" else []  # fmt: skip
        in_order = CalendarProgram(ANNA).take_all(mails)
        assert in_order.ignored == 0, f"{step}: every mail that was sent is newer than all before"
        assert seen(in_order) == expected, step
        assert seen(CalendarProgram(ANNA).take_all(reversed(mails))) == expected, f"{step}, the newest first"
        random.Random(len(mails)).shuffle(mails)
        assert seen(CalendarProgram(ANNA).take_all(mails)) == expected, f"{step}, in no order"
        twice = CalendarProgram(ANNA).take_all([*mails, *mails])
        assert seen(twice) == expected, f"{step}, each mail twice"

    # --- how it is done -----------------------------------------------------------------------------------------

    def _which(self) -> dict[str, str]:
        return {"attending": "online"} if self.event().mode == "hybrid" else {}

    def _step(self, step: str, button: str, **values: str) -> None:
        if self.has_place():
            values["tell"] = "now"
        self.organiser.open(f"/staff/events/{self.slug}/{step}").fill(**values).press(button)

    def _edit(self, **values: Any) -> None:
        state = self.event().state
        self.edits += 1
        self.organiser.open(f"/staff/events/{self.slug}/edit").fill(**values).press("Save")
        is_told = self.has_place() and state == "published"
        assert not is_told or self.organiser.heading == "Check before you save", self.organiser.heading
        if self.organiser.heading == "Check before you save":
            self.organiser.fill(tell="now").press("Save")


def seen(program: CalendarProgram) -> list[tuple[Any, ...]]:
    """The entries of a calendar, each with its instants in UTC."""
    return [
        (entry.uid, _utc(entry.starts), _utc(entry.ends), entry.title, entry.place, entry.join, entry.status)
        for entry in program.entries.values()
    ]


def _utc(moment: Any) -> Any:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


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

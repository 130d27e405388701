"""One event and one person, and what can happen to them, done as people do it: with the pages."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.journeys.conftest import Mail
from tests.journeys.letters import Letter
from tests.journeys.person import Person
from tests.readers.itip_client import CalendarProgram
from workshops.registration.models import Registration
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event

ANNA = "anna@example.org"
OLD_LINK, NEW_LINK = "https://meet.example.org/first", "https://meet.example.org/second"


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
        self.register(self.slug, "anna")

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

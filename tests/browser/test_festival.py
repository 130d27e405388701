"""The whole of a festival: planned, gap-mapped, published, moved and cancelled by one organiser; every change is
shown in advance and told once. By keyboard alone, without JavaScript and at 320 pixels; and with all of it at a desk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.browser import festival
from tests.browser.conftest import Site, Start
from tests.browser.festival import Hand
from tests.browser.visitor import NARROW, WIDE, Visitor
from tests.conftest import fresh_database
from tests.journeys.letters import letters, wait_for_letter
from workshops.core.london_time import date_words, london_date

NewVisitor = Callable[..., Visitor]
REAL = Path(__file__).resolve().parents[2] / "workshops" / "cli" / "demonstration" / "coproduction-events.csv"
PASSWORD = "seven quiet herons walk"


@pytest.mark.parametrize(
    ("engine", "width", "javascript", "keyboard"),
    [
        pytest.param("postgresql", NARROW, False, True, id="keyboard-phone-without-javascript",
                     marks=(pytest.mark.postgresql, pytest.mark.full)),
        pytest.param("sqlite", WIDE, True, False, id="desk", marks=pytest.mark.full),
    ],
)  # fmt: skip
def test_a_festival_of_ninety_events(
    engine: str,
    width: int,
    javascript: bool,
    keyboard: bool,
    start: Start,
    new_visitor: NewVisitor,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    url = None
    if engine == "postgresql":
        # a database of its own: what other journeys of this worker leave behind is no part of the festival
        server = make_url(request.getfixturevalue("postgresql_url"))
        url = fresh_database(server, f"festival_{os.getpid()}")
    site = start(url)
    run = Festival(site, lambda: new_visitor(site.base, width=width, javascript=javascript), keyboard, tmp_path)
    run.sign_in()
    run.plan()
    run.map_the_gaps()
    run.publish()
    run.somebody_registers()
    run.move_one()
    run.move_it_again_before_the_mail_is_sent()
    run.cancel_one()
    run.cancel_the_rest()


class Festival:
    """The steps, in their order; every page on the way is checked."""

    def __init__(self, site: Site, newcomer: Callable[[], Visitor], keyboard: bool, folder: Path) -> None:
        self.site, self.newcomer, self.folder = site, newcomer, folder
        self.staff = newcomer()
        self.hand = Hand(self.staff, keyboard=keyboard)
        self.first_day = london_date(datetime.now(UTC)) + timedelta(days=40)

    def sign_in(self) -> None:
        link = self.site.instance.command("accounts", "create", "olivia@example.org", "--role", "organiser")
        self.staff.open(link.decode().split()[-1])
        self.hand.fill("Your name", "Olivia Example")
        self.hand.fill("Password", PASSWORD)
        self.hand.press("Set up my account")
        assert self.staff.heading() == "My events"

    def plan(self) -> None:
        """A programme with its dates, the whole real spreadsheet, and 90 events of 30 hosts."""
        self.staff.open("/staff/programmes/new")
        self.hand.fill("Name", festival.TITLE)
        self.hand.date("First day", self.first_day)
        self.hand.date("Last day", self.first_day + timedelta(days=festival.DAYS - 1))
        self.hand.press("Save the programme")
        self.staff.check()
        made = self.folder / "festival.csv"
        made.write_bytes(festival.spreadsheet(self.first_day))
        for file, rows in ((REAL, 22), (made, festival.EVENTS)):
            self.staff.open("/staff/import")
            self.staff.page.get_by_label("Spreadsheet or calendar").set_input_files(file)
            self.hand.press("Check the file")
            self.staff.sees(f"{rows} new, 0 changed, 0 unchanged")
            self.staff.check()
            self.hand.press("Import these rows")
            self.staff.sees(f"{rows} new, 0 changed, 0 unchanged. Nobody was emailed")
        # the same file again changes nothing and doubles nothing
        self.staff.open("/staff/import")
        self.staff.page.get_by_label("Spreadsheet or calendar").set_input_files(made)
        self.hand.press("Check the file")
        self.staff.sees(f"0 new, 0 changed, {festival.EVENTS} unchanged")

    def map_the_gaps(self) -> None:
        """Empty areas and audiences, drafts and clashes are there to read before anything is published."""
        self.staff.open(f"/staff/programmes/{festival.SLUG}")
        self.staff.check()
        self.hand.press("Gap map")
        self.staff.sees(f"{festival.EVENTS} events, {festival.EVENTS} drafts among them")
        self.staff.sees("24 of the 32 council areas")
        self.staff.sees("Orkney Islands")
        self.staff.sees("Example Hall of Glasgow City")
        self.staff.check()

    def publish(self) -> None:
        self.staff.open(f"/staff/programmes/{festival.SLUG}")
        self.hand.press("Publish all drafts")
        self.staff.sees(f"{festival.EVENTS} drafts can be published")
        self.staff.check()
        self.hand.press(f"Publish {festival.EVENTS} events")
        reader = self.newcomer()
        reader.open(f"/programmes/{festival.SLUG}")
        reader.sees(date_words(self.first_day))
        reader.sees("Example festival event 90")
        reader.check()
        reader.close()
        # whoever runs an event has it in the calendar from now on; nobody else hears of it
        assert {one.to for one in letters(self.site.mail_folder)} <= {"olivia@example.org"}

    def somebody_registers(self) -> None:
        for number, slug in ((1, "01"), (2, "01"), (3, "02"), (1, "03")):
            person = self.newcomer()
            person.open(f"/events/example-festival-event-{slug}/register")
            hand = Hand(person, keyboard=self.hand.keyboard)
            hand.fill("Full name", f"Example Person {number}")
            hand.fill("Email address", f"person{number}@example.org")
            hand.press("Register for this event")
            assert person.heading() == "You have a place"
            person.close()
        self.confirmed = {n: wait_for_letter(self.site.mail_folder, to=f"person{n}@example.org", kind="confirmed")
                          for n in (1, 2, 3)}  # fmt: skip

    def change_day(self, slug: str, days: int) -> None:
        """Fill in another day on the page for when it is, and come to what follows from it."""
        self.staff.open(f"/staff/events/{slug}/edit/when")
        self.staff.check()
        self.hand.date("Date", self.first_day + timedelta(days=days))
        self.hand.press("Save the changes")
        self.staff.sees("Nothing is saved yet")
        self.staff.check()

    def move_one(self) -> None:
        """Before and after, who is told and how, and the message stand there before the click; nothing is preset."""
        self.change_day("example-festival-event-01", 1)
        self.staff.sees(date_words(self.first_day))
        self.staff.sees(date_words(self.first_day + timedelta(days=1)))
        self.staff.sees("What the email says")
        assert self.staff.page.locator("input[name=tell]:checked").count() == 0
        self.hand.press("Save")
        self.staff.sees("Choose whether to")
        self.staff.check()
        assert not letters(self.site.mail_folder, kind="event_changed")
        # the worker must not be faster than the organiser is with the next change
        self.hand.choose("Tell everyone now")
        self.hand.press("Save")
        for person in (1, 2):
            told = wait_for_letter(self.site.mail_folder, to=f"person{person}@example.org", kind="event_changed")
            assert told.method == "REQUEST" and int(told.entry["SEQUENCE"]) > 0
            assert date_words(self.first_day + timedelta(days=1)) in told.text
        assert not letters(self.site.mail_folder, to="person3@example.org", kind="event_changed")

    def move_it_again_before_the_mail_is_sent(self) -> None:
        """Without telling, then told: one mail says all that is new since they were last told."""
        self.change_day("example-festival-event-01", 2)
        self.hand.choose("Save without telling")
        self.hand.press("Save")
        self.change_day("example-festival-event-01", 3)
        self.hand.choose("Tell everyone now")
        self.hand.press("Save")
        self.settled(kind="event_changed", to="person1@example.org", number=2)
        newest = letters(self.site.mail_folder, to="person1@example.org", kind="event_changed")[-1]
        assert date_words(self.first_day + timedelta(days=1)) in newest.text
        assert date_words(self.first_day + timedelta(days=3)) in newest.text
        assert date_words(self.first_day + timedelta(days=2)) not in newest.text

    def cancel_one(self) -> None:
        self.staff.open("/staff/events/example-festival-event-02/cancel")
        self.staff.check()
        self.hand.fill("Reason", "The hall is closed for repairs.")
        self.hand.choose("Tell everyone now")
        self.hand.press("Cancel the event")
        gone = wait_for_letter(self.site.mail_folder, to="person3@example.org", kind="event_cancelled")
        assert gone.method == "CANCEL"

    def cancel_the_rest(self) -> None:
        """All that is still to come, in one go; each person is told once for each of their events."""
        self.staff.open(f"/staff/programmes/{festival.SLUG}")
        self.hand.press("Cancel all that is still to come")
        self.staff.sees(f"{festival.EVENTS - 1} events will be cancelled")
        self.staff.check()
        self.hand.fill("Reason", "The festival moves to another year.")
        self.hand.choose("Tell everyone now")
        self.hand.press(f"Cancel {festival.EVENTS - 1} events")
        self.settled(kind="event_cancelled", to="person1@example.org", number=2)
        self.settled(kind="event_cancelled", to="person2@example.org", number=1)
        self.settled(kind="event_cancelled", to="person3@example.org", number=1)

    def settled(self, *, kind: str, to: str, number: int) -> None:
        """So many mails of a kind have come to somebody, and no more come."""
        end = time.monotonic() + 30
        while len(letters(self.site.mail_folder, to=to, kind=kind)) < number and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(2.5)  # the worker looks again every two seconds
        assert len(letters(self.site.mail_folder, to=to, kind=kind)) == number

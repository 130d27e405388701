"""One whole life of an event, in real Chromium against the production server: published, full, cancelled, offered,
taken, attended, followed up, found in the archive. With JavaScript and without, on a desk and on a phone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.conftest import Site, Start
from tests.browser.visitor import NARROW, WIDE, Visitor
from tests.journeys.letters import Letter, wait_for_letter
from workshops.core.london_time import date_words, london_date

NewVisitor = Callable[..., Visitor]

TITLE = "Round-table: who decides?"
SLUG = "round-table-who-decides"
PASSWORD = "seven quiet herons walk"
WRITE_UP = "https://blog.example.org/who-decides"

#: Lets an event begin and end so many days earlier, as if time had passed; nobody is told.
TIME_PASSES = """
from datetime import timedelta
from workshops.app import create_app
from workshops.core.db import transaction
from workshops.core.versions import touch_public
from workshops.schedule.queries import event_by_slug
from workshops.schedule.service import touch_event
with create_app().app_context(), transaction() as session:
    event = event_by_slug(session, "round-table-who-decides")
    for name in ("starts_at", "ends_at", "sort_at", "over_at"):
        setattr(event, name, getattr(event, name) - timedelta(days=40))
    touch_event(session, event)
    touch_public(session)
"""


@pytest.mark.parametrize(
    ("engine", "width", "javascript"),
    [
        pytest.param("postgresql", WIDE, True, id="desk", marks=pytest.mark.postgresql),
        pytest.param("sqlite", WIDE, False, id="desk-without-javascript", marks=pytest.mark.full),
        pytest.param("sqlite", NARROW, True, id="phone", marks=pytest.mark.full),
        pytest.param("sqlite", NARROW, False, id="phone-without-javascript"),
    ],
)
def test_one_whole_life_of_an_event(
    engine: str,
    width: int,
    javascript: bool,
    start: Start,
    new_visitor: NewVisitor,
    request: pytest.FixtureRequest,
) -> None:
    site = start(request.getfixturevalue("postgresql_url") if engine == "postgresql" else None)
    life = Life(site, lambda: new_visitor(site.base, width=width, javascript=javascript))
    life.staff_sign_in()
    life.publish()
    life.fill_up()
    life.cancel_and_offer()
    life.attend()
    life.follow_up()
    life.find_in_the_archive()


class Life:
    """The steps, in their order. Every page passed is checked."""

    def __init__(self, site: Site, newcomer: Callable[[], Visitor]) -> None:
        self.site = site
        self.newcomer = newcomer
        self.organiser = newcomer()

    def letter(self, who: str, kind: str) -> Letter:
        return wait_for_letter(self.site.mail_folder, to=f"{who}@example.org", kind=kind)

    # --- schedule ---------------------------------------------------------------------------------------------

    def staff_sign_in(self) -> None:
        """The one-time link of `flask accounts create`, then a password; the link works once."""
        link = self.site.instance.command("accounts", "create", "olivia@example.org", "--role", "organiser")
        address = link.decode().split()[-1]
        assert address.startswith(self.site.base + "/staff/link/")
        staff = self.organiser
        staff.open(address)
        staff.check()
        staff.fill("Your name", "Olivia Example")
        staff.fill("Password", PASSWORD)
        staff.press("Set up my account")
        assert staff.heading() == "My events"
        staff.check()
        stranger = self.newcomer()
        stranger.open(address, status=410)
        stranger.check()
        stranger.close()

    def publish(self) -> None:
        """A title, a time and a place make an event; the preview shows it as the public will see it."""
        staff = self.organiser
        staff.press("Make a new event")
        staff.check()
        day = london_date(datetime.now(UTC)) + timedelta(days=30)
        self.when = f"{date_words(day)}, 10am to 12 noon"
        staff.fill("Title", TITLE)
        staff.page.get_by_label("Kind of event").select_option(label="Round-table")
        for label, value in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
            staff.page.get_by_role("group", name="Date", exact=True).get_by_label(label, exact=True).fill(str(value))
        staff.fill("Start time", "10am")
        staff.fill("End time", "12 noon")
        staff.choose("In person")
        staff.page.get_by_text("Add a place that is not in the list").click()
        staff.fill("Name of the place", "Example Hall")
        staff.page.get_by_role("textbox", name="Address").first.fill("1 Example Street, Glasgow")
        staff.fill("Postcode", "G1 1AA")
        staff.fill("Places in person", "2")
        staff.press("Save as a draft")
        staff.sees("This is a draft")
        staff.check()
        stranger = self.newcomer()
        stranger.open(f"/events/{SLUG}", status=404)
        stranger.check()
        stranger.close()
        staff.follow("See it as the public will")
        staff.sees("Example Hall")
        staff.check()
        staff.open(f"/staff/events/{SLUG}")
        staff.press("Publish this event")
        staff.sees("The event is published")
        staff.check()

    # --- register ---------------------------------------------------------------------------------------------

    def fill_up(self) -> None:
        """Two take the places; the third reads that it is full and chooses to wait."""
        for who in ("anna", "ben"):
            visitor = self.register(who, "Register for this event")
            assert visitor.heading() == "You have a place"
            visitor.check()
            visitor.close()
        third = self.newcomer()
        third.open(f"/events/{SLUG}")
        third.sees("waiting list")
        third.check()
        third.close()
        third = self.register("cara", "Join the waiting list")
        assert third.heading() == "You are on the waiting list"
        third.check()
        third.close()
        self.confirmation = self.letter("anna", "place_confirmed")
        assert self.confirmation.method == "REQUEST"
        assert self.confirmation.entry["ATTENDEE"].lower() == "mailto:anna@example.org"
        assert self.letter("cara", "on_waiting_list").calendar_part is None

    def register(self, who: str, button: str) -> Visitor:
        """From the list of events to the receipt."""
        visitor = self.newcomer()
        visitor.open("/events")
        visitor.follow(TITLE)
        visitor.press(button)
        visitor.check()
        visitor.fill("Full name", f"{who.capitalize()} Example")
        visitor.fill("Email address", f"{who}@example.org")
        visitor.fill("Organisation", "Example Council")
        visitor.press(button)
        return visitor

    def cancel_and_offer(self) -> None:
        """Anna cancels from her mail; Cara gets the offer and takes the place by its button."""
        anna = self.newcomer()
        anna.open(self.confirmation.place)
        assert anna.heading() == "You have a place"
        anna.sees(self.when)
        anna.check()
        anna.press("Cancel my place")
        anna.check()
        anna.press("Cancel my place")
        anna.sees("cancelled")
        anna.check()
        anna.close()
        gone = self.letter("anna", "place_cancelled")
        assert gone.method == "CANCEL" and gone.entry["UID"] == self.confirmation.entry["UID"]
        assert int(gone.entry["SEQUENCE"]) > int(self.confirmation.entry["SEQUENCE"])

        cara = self.newcomer()
        cara.open(self.letter("cara", "place_offered").place)
        cara.sees("We are holding a place for you until")
        cara.check()
        cara.press("Take the place")
        assert cara.heading() == "You have a place"
        cara.check()
        cara.close()
        assert self.letter("cara", "place_confirmed").method == "REQUEST"

    # --- attend -----------------------------------------------------------------------------------------------

    def attend(self) -> None:
        """On the day a tap each; the list and its exports agree."""
        self.site.instance.python("-c", TIME_PASSES)
        staff = self.organiser
        staff.open(f"/staff/events/{SLUG}/people")
        staff.sees("Cara Example")
        staff.check()
        staff.open(f"/staff/events/{SLUG}/on-the-day")
        staff.check()
        staff.press("Here Cara Example")
        staff.sees("1 of 2 here")
        staff.check()
        staff.open(f"/staff/events/{SLUG}/attendance")
        staff.check()
        staff.choose("Ben Example: Not here")
        staff.press("Save attendance")
        staff.sees("Attendance saved")
        staff.check()
        rows = self.site.instance.command("registrations", "export", SLUG).decode().splitlines()
        assert len(rows) == 4
        attendance = {row.split(",")[1]: row for row in rows[1:]}
        assert ",in_person," in attendance["Cara Example"] and ",absent," in attendance["Ben Example"]

    # --- follow up --------------------------------------------------------------------------------------------

    def follow_up(self) -> None:
        """Notes with a preview as a page, a promise, and the pasted link that keeps it."""
        staff = self.organiser
        staff.open(f"/staff/events/{SLUG}/afterwards")
        staff.check()
        staff.follow("Write the notes")
        staff.check()
        staff.fill("Notes", "## What was said\n\n- Decide **together**\n\nNobody <script>objected</script>.")
        staff.press("Save and preview")
        staff.sees("Decide together")
        staff.check()
        staff.press("Publish the notes")
        staff.open(f"/staff/events/{SLUG}/afterwards")
        staff.follow("Promise a write-up")
        staff.check()
        staff.fill("Title", "Who decides? A report")
        staff.choose("To be written")
        staff.press("Save the write-up")
        staff.open("/staff/write-ups")
        staff.sees("Who decides? A report")
        staff.check()
        staff.open(f"/staff/events/{SLUG}/afterwards")
        staff.check()
        staff.page.get_by_label("Link to Who decides? A report").fill(WRITE_UP)
        staff.press("Publish the link")
        staff.check()

    def find_in_the_archive(self) -> None:
        """All of it is public: in the past events, among the write-ups, and on the event's page."""
        reader = self.newcomer()
        reader.open("/past")
        reader.check()
        reader.follow(TITLE)
        reader.sees("What was said")
        reader.sees("Who decides? A report")
        assert reader.page.locator("main script:not([type='application/ld+json'])").count() == 0
        assert reader.page.get_by_role("link", name="Who decides? A report").get_attribute("href") == WRITE_UP
        assert not reader.page.get_by_text("Cara Example").count()
        reader.check()
        reader.open("/write-ups")
        reader.sees("Who decides? A report")
        reader.check()
        feed = reader.page.request.get(self.site.base + "/write-ups.atom")
        assert feed.ok and WRITE_UP in feed.text()
        assert reader.page.context.cookies() == []
        reader.open("/events")
        assert not reader.page.get_by_text(TITLE).count()

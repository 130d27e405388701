"""One whole life of a proposal, in real Chromium against the production server: proposed, confirmed, given back,
changed, accepted, changed once more, published, registered for, counted. With JavaScript and without, desk and phone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.conftest import Site, Start
from tests.browser.visitor import NARROW, WIDE, Visitor
from tests.journeys.letters import letters, wait_for_letter
from workshops.core.london_time import date_words, london_date

NewVisitor = Callable[..., Visitor]

#: A programme whose form is open.
A_PROGRAMME = """
from workshops.app import create_app
from workshops.audit.rules import COMMAND
from workshops.core import clock
from workshops.core.db import transaction
from workshops.schedule.service import ProgrammeDetails, save_programme
app = create_app()
with app.app_context(), transaction() as session:
    details = ProgrammeDetails(title="Example week", host_form_is_open=True)
    save_programme(session, programme_id=None, details=details, now=clock.now(), actor=COMMAND,
                   settings=app.extensions["workshops.settings"])
"""
FORM = "/programmes/example-week/host-an-event"


@pytest.mark.parametrize(
    ("width", "javascript"),
    [
        pytest.param(WIDE, True, id="desk", marks=pytest.mark.full),
        pytest.param(NARROW, False, id="phone-without-javascript"),
    ],
)
def test_one_whole_life_of_a_proposal(width: int, javascript: bool, start: Start, new_visitor: NewVisitor) -> None:
    site = start()
    site.instance.python("-c", A_PROGRAMME)
    life = Proposed(site, lambda: new_visitor(site.base, width=width, javascript=javascript))
    life.propose_and_confirm()
    life.ask_for_changes()
    life.change_and_send_back()
    life.accept()
    life.change_the_draft()
    life.publish_and_count()


class Proposed:
    """The steps, in their order. Every page passed is checked."""

    def __init__(self, site: Site, newcomer: Callable[[], Visitor]) -> None:
        self.site, self.newcomer = site, newcomer
        self.host, self.organiser = newcomer(), newcomer()
        link = site.instance.command("accounts", "create", "olivia@example.org", "--role", "organiser").decode()
        self.organiser.open(link.split()[-1])
        self.organiser.fill("Your name", "Olivia Example")
        self.organiser.fill("Password", "seven quiet herons walk")
        self.organiser.press("Set up my account")

    def mailed(self, kind: str) -> str:
        """The path of the one link of ours in the newest mail of this kind to the host."""
        letter = wait_for_letter(self.site.mail_folder, to="hanna@example.org", kind=f"proposals-{kind}")
        (link,) = letter.links("/proposals/")
        return link.removeprefix(self.site.base)

    def propose_and_confirm(self) -> None:
        """From the programme's page to the queue; the link opens a page, and its button confirms."""
        host = self.host
        host.open("/programmes/example-week")
        host.check()
        host.follow("Host an event")
        host.check()
        host.fill("Organisation", "Example Partner")
        host.fill("Your name", "Hanna Example")
        host.fill("Your email address", "hanna@example.org")
        host.fill("Title of the event", "Walk and talk")
        host.page.get_by_label("What kind of event it is").select_option(label="Workshop")
        host.fill("What it is about", "We walk through the town with its people.")
        day = london_date(datetime.now(UTC)) + timedelta(days=40)
        self.when = f"{date_words(day)}, 10am to 12 noon"
        for label, value in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
            host.page.get_by_role("group", name="Date", exact=True).get_by_label(label, exact=True).fill(str(value))
        host.fill("Start time", "10am")
        host.fill("End time", "12 noon")
        host.choose("In person")
        host.fill("Name of the place", "Partner Hall")
        host.page.get_by_text("More about it (optional)").click()
        host.fill("Places", "2")
        host.press("Send my proposal")
        assert host.heading() == "Check your email"
        host.check()
        self.organiser.open("/staff/proposals")
        self.organiser.sees("Nothing waits for an answer")
        self.organiser.check()
        host.open(self.mailed("confirm"))
        host.sees(self.when)
        host.check()
        host.press("Send it to the organisers")
        assert host.heading() == "The organisers have it"
        host.check()

    def ask_for_changes(self) -> None:
        """The organiser reads it, writes, sees the very mail, and sends it."""
        staff = self.organiser
        staff.open("/staff/")
        staff.follow("1 proposal waits for an answer")
        staff.check()
        staff.follow("Walk and talk")
        staff.sees("Hanna Example")
        staff.check()
        self.page = staff.page.url
        staff.press("Ask for changes")
        staff.check()
        staff.fill("Your message", "Could 3 people come?")
        staff.press("See the email")
        staff.sees("Could 3 people come?")
        staff.check()
        assert not letters(self.site.mail_folder, kind="changes_asked")
        staff.press("Send this")
        staff.sees("They are being asked to change it")
        staff.check()

    def change_and_send_back(self) -> None:
        """By the link in the mail."""
        host = self.host
        host.open(self.mailed("changes_asked"))
        assert host.heading() == "The organisers ask for changes"
        host.sees("Could 3 people come?")
        host.check()
        host.press("Change it and send it back")
        host.check()
        host.fill("Places", "3")
        host.press("Send it back")
        host.sees("Your changes are sent to the organisers")
        host.check()

    def accept(self) -> None:
        """A draft is made of it, and the host is told once."""
        staff = self.organiser
        staff.open(self.page)
        staff.sees("Changed and sent back")
        staff.press("Accept")
        staff.check()
        staff.fill("Your message", "We look forward to it.")
        staff.press("See the draft and the email")
        staff.sees("The draft that will be made")
        staff.sees("We look forward to it.")
        staff.check()
        staff.press("Make the draft and send this")
        staff.sees("The draft is made")
        staff.sees("Example Partner proposed this event")
        staff.check()
        self.event = staff.page.url

    def change_the_draft(self) -> None:
        """The host changes the title; nobody outside sees the draft."""
        host = self.host
        host.open(self.mailed("accepted"))
        host.check()
        host.press("Change the draft")
        host.check()
        host.fill("Title", "A longer walk and talk")
        host.press("Save my changes")
        host.sees("Your changes are saved")
        self.own = host.page.url.partition("?")[0]
        stranger = self.newcomer()
        stranger.open("/events/walk-and-talk", status=404)
        stranger.close()

    def publish_and_count(self) -> None:
        """From then on the host only looks: numbers, and never a name."""
        staff, host = self.organiser, self.host
        staff.open(self.event)
        staff.sees("A longer walk and talk")
        staff.press("Publish this event")
        staff.check()
        visitor = self.newcomer()
        visitor.open("/events/walk-and-talk/register")
        visitor.fill("Full name", "Anna Example")
        visitor.fill("Email address", "anna@example.org")
        visitor.press("Register for this event")
        assert visitor.heading() == "You have a place"
        visitor.close()
        host.open(self.mailed("event_published"))
        assert host.heading() == "Your event is published"
        host.sees("Places taken 1")
        assert "Anna" not in host.page.content()
        assert not host.page.get_by_role("link", name="Change the draft").count()
        host.check()
        staff.open(self.page)
        staff.press("End all links")
        staff.sees("No link to this proposal works any more")
        host.open(self.own, status=404)
        assert host.heading() == "This link no longer works"
        host.said.clear()  # the browser's own line about the 404
        host.check()
        for kind in ("confirm", "received", "changes_asked", "accepted", "event_published"):
            found = letters(self.site.mail_folder, to="hanna@example.org", kind=f"proposals-{kind}")
            assert len(found) == 1, kind

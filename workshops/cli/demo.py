"""`flask demo load`: the demonstration programme, and events in bulk for measurements. Nobody is mailed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from workshops.accounts import queries as account_queries
from workshops.accounts import service as accounts
from workshops.attendance import service as attendance
from workshops.audit.rules import COMMAND
from workshops.cli.demonstration import bulk, examples
from workshops.cli.running import needs_database, refuses_in_words, settings
from workshops.config import Settings
from workshops.core import clock
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.core.london_time import london_date
from workshops.followup import service as followup
from workshops.messages.models import OutboxMessage
from workshops.registration import queries as registration_queries
from workshops.registration import service as registration
from workshops.schedule import service as schedule
from workshops.schedule.models import Event, Programme, Venue
from workshops.schedule.queries import event_by_slug
from workshops.schedule.rules.slugs import slug_of

SPREADSHEET = Path(__file__).with_name("demonstration") / "coproduction-events.csv"
ORGANISER = "organiser@example.org"

NOTES = """## What we talked about

We tried out three methods. Two of them are in use since: the *walk-through* and the *asset map*.

## What was agreed

- The host shares the templates.
- We meet again in half a year.
"""


@click.group(help="The demonstration.")
def demo() -> None:
    pass


@demo.command("load")
@click.option("--scale", type=click.IntRange(1, 100_000), help="Make so many events with people, for measurements.")
@refuses_in_words
@needs_database
def load(scale: int | None) -> None:
    """Load the demonstration programme; what is there already stays as it is."""
    known = settings()
    now = clock.now()
    with transaction() as session:
        organiser_id = _organiser(session, now=now, known=known)
    with transaction() as session:
        _real_events(session, now=now, known=known)
    with transaction() as session:
        made = _examples(session, organiser_id, now=now, known=known)
    click.echo(
        f"The demonstration is loaded: {made} example events are new." if made else "The demonstration is there."
    )
    if scale:
        bulk.make_events(scale, now=now, settings=known, say=click.echo)


def sign_in_link(*, settings: Settings) -> str | None:
    """A one-time sign-in link for the demonstration organiser, or None when there is none."""
    with transaction() as session:
        account = account_queries.account_by_email(session, ORGANISER)
        if account is None or not account.is_active:
            return None
        return accounts.make_link(session, account=account, purpose="demonstration", now=clock.now(), settings=settings)


def _organiser(session: Session, *, now: datetime, known: Settings) -> int:
    account = account_queries.account_by_email(session, ORGANISER)
    if account is None:
        # an admin, so that the demonstration shows everything there is
        account = accounts.create_account(
            session, email=ORGANISER, role="admin", name="Example Organiser", now=now, actor=COMMAND, settings=known
        ).account
    return account.id


def _real_events(session: Session, *, now: datetime, known: Settings) -> None:
    report = schedule.import_rows(
        session,
        text_or_bytes=SPREADSHEET.read_bytes(),
        filename=SPREADSHEET.name,
        publish=False,
        dry_run=False,
        now=now,
        actor=COMMAND,
        settings=known,
    )
    if report.problems:
        raise DomainError("The demonstration's own spreadsheet does not fit. Nothing was loaded.")


def _examples(session: Session, organiser_id: int, *, now: datetime, known: Settings) -> int:
    if session.scalar(select(Programme.id).where(Programme.title == examples.PROGRAMME)):
        return 0
    for example in examples.EXAMPLES:
        _Loader(session, example, organiser_id, now, known).load()
    _access_facts(session)
    # the news of example people stays in the outbox, to be looked at, and goes nowhere
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.state == "due", OutboxMessage.to_email.like("%@example.org"))
        .values(state="cancelled", sealed_links=None, last_error="An example person: nothing is sent.")
    )
    return len(examples.EXAMPLES)


def _access_facts(session: Session) -> None:
    for name, facts in examples.ACCESS.items():
        for venue in session.scalars(select(Venue).where(Venue.name == name)):
            venue.how_to_get_there = examples.DIRECTIONS.get(name, "")
            venue.area = examples.VENUE_AREAS[name]
            for fact, answer in facts.items():
                setattr(venue, fact, answer)


class _Loader:
    """One example event, made by the same use cases that people use, at plausible times in the past."""

    def __init__(
        self, session: Session, example: examples.Example, organiser_id: int, now: datetime, known: Settings
    ) -> None:
        self.session, self.example, self.known, self.now = session, example, known, now
        details = replace(example.details(now), owner_id=organiser_id)
        begins = details.when.sort_at
        #: When it was planned: three weeks before today, or before it began.
        self.planned_at = min(now, begins) - timedelta(days=21)
        self.details = details
        self.people = 0

    def load(self) -> None:
        self.event = schedule.create_event(
            self.session, details=self.details, now=self.planned_at, actor=COMMAND, settings=self.known
        ).event
        if self.example.then == "draft":
            return
        schedule.publish_event(self.session, event_id=self.event.id, **self._how(self.planned_at))
        if self.example.invited:
            numbers = range(1, self.example.invited + 1)
            people = (f"Example Guest {number} <guest{number}@example.org>" for number in numbers)
            registration.invite_people(
                self.session, event_id=self.event.id, text="\n".join(people), tell=True, **self._how(self.planned_at)
            )
        for count, attending, if_full in (
            (self.example.confirmed, "in_person", "leave"),
            (self.example.confirmed_online, "online", "leave"),
            (self.example.waiting, "in_person", "wait"),
            (self.example.requested, "in_person", "leave"),
        ):
            for _ in range(count):
                self._register(attending, if_full)
        if self.details.booking == "by_approval":
            self._approve(self.example.confirmed)
        getattr(self, "_" + self.example.then.replace(" ", "_"))()

    def _how(self, at: datetime) -> dict[str, Any]:
        return {"now": at, "actor": COMMAND, "settings": self.known}

    def _register(self, attending: str, if_full: str) -> None:
        self.people += 1
        number = self.people
        details = registration.Details(
            name=f"Example Person {number}",
            email=f"person{number}.{self.event.id}@example.org",
            attending=attending if self.details.mode == "hybrid" else None,
            organisation=("Example Council", "Example Charity", "Example Health Board", "")[number % 4],
            sector=("council", "third_sector", "health", "community")[number % 4],
            dietary_needs="Vegetarian" if number % 5 == 0 else "",
            access_needs="BSL interpreter" if number % 14 == 0 else "A seat near the front" if number % 7 == 0 else "",
        )
        registration.register(
            self.session,
            event_id=self.event.id,
            details=details,
            if_full=if_full,
            now=self.planned_at + timedelta(hours=number),
            settings=self.known,
        )

    def _approve(self, count: int) -> None:
        asked = registration_queries.registrations_of(self.session, self.event.id, states=("requested",))
        for one in asked[:count]:
            registration.approve_person(
                self.session, registration_id=one.id, **self._how(self.planned_at + timedelta(days=2))
            )

    def _publish(self) -> None:
        """Nothing more happens to it."""

    def _cancel(self) -> None:
        schedule.cancel_event(
            self.session,
            event_id=self.event.id,
            reason="The venue had to close for repairs. A new date will follow.",
            tell=True,
            **self._how(self.now - timedelta(days=1)),
        )

    def _postpone(self) -> None:
        schedule.postpone_event(
            self.session,
            event_id=self.event.id,
            reason="We are looking for a day that suits more people.",
            tell=True,
            **self._how(self.now - timedelta(days=1)),
        )

    def _move(self) -> None:
        when = self.details.when
        assert when.starts_at is not None and when.ends_at is not None
        day = examples.working_day(london_date(when.starts_at) + timedelta(days=7))
        starts, ends = examples.at(day, self.example.starts), examples.at(day, self.example.ends)
        moved = replace(when, starts_at=starts, ends_at=ends)
        schedule.change_event(
            self.session,
            event_id=self.event.id,
            details=replace(self.details, when=moved),
            tell=True,
            **self._how(self.now - timedelta(days=1)),
        )

    def _follow_up(self) -> None:
        event = self._fresh_event()
        after = event.over_at + timedelta(days=1)
        people = registration_queries.registrations_of(self.session, event.id, states=("confirmed",))
        marks: dict[int, str | None] = {one.id: "in_person" for one in people[:-2]}
        marks |= {one.id: "absent" for one in people[-2:]}
        attendance.set_marks(self.session, event=event, marks=marks, now=after, actor=COMMAND)
        followup.publish_notes(self.session, event=event, revision=0, text=NOTES, now=after, actor=COMMAND)
        followup.import_write_up(
            event,
            session=self.session,
            now=after,
            row={
                "write_up_status": "published",
                "write_up_title": "What an example workshop taught us",
                "write_up_url": "https://blog.example.org/what-an-example-workshop-taught-us",
            },
            changes=[],
        )

    def _fresh_event(self) -> Event:
        self.session.flush()
        found = event_by_slug(self.session, slug_of(self.example.title))
        assert found is not None
        return found

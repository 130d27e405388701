"""What the tests of registration share: registering somebody, and reading what was stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from workshops.audit.rules import COMMAND, Actor, person
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.messages.models import OutboxMessage
from workshops.messages.service import unsealed_links
from workshops.registration import service
from workshops.registration.models import Registration
from workshops.schedule.models import Event


@dataclass
class Desk:
    """Does use cases as views do: each in a transaction of its own, at the fake clock's instant."""

    session: Session
    settings: Settings
    clock: FakeClock

    @property
    def actor(self) -> Actor:
        """Somebody at the command line."""
        return COMMAND

    def register(self, event: Event, email: str = "ann@example.org", **more: Any) -> service.Outcome:
        event_id = event.id
        given = {name: more.pop(name) for name in ("if_full", "form_key") if name in more}
        details = service.Details(name=more.pop("name", "Ann Example"), email=email, **more)
        with transaction() as session:
            return service.register(
                session, event_id=event_id, details=details, now=self.clock.now, settings=self.settings, **given
            )

    def do(self, use_case: Callable[..., Any], who: Registration | int, **more: Any) -> Any:
        id = who if isinstance(who, int) else who.id
        with transaction() as session:
            return use_case(
                session,
                registration_id=id,
                now=self.clock.now,
                settings=self.settings,
                **{"actor": person(id), **more},
            )

    def person(self, email: str = "ann@example.org", event: Event | None = None) -> Registration:
        """The newest registration of an address."""
        self.session.rollback()
        statement = select(Registration).where(Registration.email_key == email).order_by(Registration.id.desc())
        if event is not None:
            statement = statement.where(Registration.event_id == event.id)
        found = self.session.scalars(statement.limit(1)).one()
        return found

    def states(self, event: Event) -> dict[str, str]:
        """The state of everybody at an event by the first part of the address."""
        self.session.rollback()
        rows = self.session.scalars(
            select(Registration).where(Registration.event_id == event.id).order_by(Registration.id)
        )
        return {row.email.split("@")[0]: row.state for row in rows}

    def mails(self, email: str | None = None) -> list[OutboxMessage]:
        """What was stored for an address, oldest first."""
        self.session.rollback()
        statement = select(OutboxMessage).order_by(OutboxMessage.id)
        if email is not None:
            statement = statement.where(OutboxMessage.to_email == email)
        return list(self.session.scalars(statement))

    def kinds(self, email: str | None = None) -> list[str]:
        return [mail.kind.removeprefix("registration/") for mail in self.mails(email)]

    def links(self, mail: OutboxMessage) -> dict[str, str]:
        """The paths of the personal links in a mail, by name."""
        links = unsealed_links(mail, settings=self.settings)
        assert links is not None
        return {name: re.sub(r"^https?://[^/]+", "", link) for name, link in links.items()}

    def link(self, email: str = "ann@example.org") -> str:
        """The path of the personal link in the newest mail to an address."""
        return self.links(self.mails(email)[-1])["place"]

    def deliver(self) -> None:
        """Everything in the outbox has gone out."""
        with transaction() as session:
            session.execute(update(OutboxMessage).where(OutboxMessage.state == "due").values(state="sent"))

    def event(self, event: Event) -> Event:
        self.session.rollback()
        found = self.session.get(Event, event.id, populate_existing=True)
        assert found is not None
        return found


def invitation(mail: OutboxMessage) -> tuple[str, Any]:
    """The METHOD and the VEVENT of a mail."""
    assert mail.calendar is not None
    calendar = Calendar.from_ical(mail.calendar)
    assert str(calendar["METHOD"]) == mail.calendar_method
    (vevent,) = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), vevent


@pytest.fixture
def desk(session: Session, settings: Settings, clock: FakeClock) -> Desk:
    return Desk(session, settings, clock)

"""Who takes part online gets the link once more an hour before; nobody else does, and nobody when it has begun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration
from tests.registration.conftest import Desk
from workshops.core.db import transaction
from workshops.messages.models import OutboxMessage
from workshops.registration import service
from workshops.schedule.models import Event
from workshops.wiring import SEND_CHECKS

STARTS = datetime(2027, 3, 19, 10, tzinfo=UTC)
HOUR = STARTS - timedelta(hours=1)


@pytest.fixture
def event(session: Session) -> Event:
    return make_event(session, title="Near", mode="hybrid", starts_at=STARTS, joining_link="https://meet.example.org/x",
                      capacity_online=10)  # fmt: skip


def look(desk: Desk, at: datetime) -> list[OutboxMessage]:
    desk.clock.now = at
    with transaction() as session:
        service.make_reminders(session, now=at, settings=desk.settings)
    return [mail for mail in desk.mails() if mail.kind == "registration/joining_link"]


def test_an_hour_before_those_online_get_the_link_once(session: Session, desk: Desk, event: Event) -> None:
    make_registration(session, event, email="room@example.org")
    make_registration(session, event, email="online@example.org", attending="online")
    make_registration(session, event, email="waits@example.org", attending="online", state="waiting")
    make_registration(session, event, email="new@example.org", attending="online",
                      state_changed_at=HOUR - timedelta(minutes=59))  # fmt: skip
    assert look(desk, HOUR - timedelta(minutes=1)) == []
    look(desk, HOUR)
    (mail,) = look(desk, HOUR + timedelta(minutes=5))
    assert mail.to_email == "online@example.org" and "https://meet.example.org/x" in mail.body_text
    assert mail.drop_after == STARTS


def test_a_worker_that_comes_back_after_it_began_sends_no_link(session: Session, desk: Desk, event: Event) -> None:
    make_registration(session, event, attending="online")
    assert look(desk, STARTS) == []


def test_who_cancelled_or_comes_in_person_gets_no_link(session: Session, desk: Desk, event: Event) -> None:
    person = make_registration(session, event, attending="online")
    (mail,) = look(desk, HOUR)
    check = SEND_CHECKS["registration"]
    assert check(session, mail, HOUR) is None
    person.attending = "in_person"
    session.flush()
    assert check(session, mail, HOUR) == "They take part in person now."
    person.attending, person.state = "online", "cancelled"
    session.flush()
    assert check(session, mail, HOUR) == "Things have changed since this was written."
    person.state = "confirmed"
    event.starts_at = STARTS + timedelta(days=1)
    session.flush()
    assert check(session, mail, HOUR) == "The event has moved since this was written."

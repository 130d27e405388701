"""People who were at an event are thanked the morning after: once, with what there is to read, and never too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration
from workshops.attendance.models import AttendanceMark
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.followup.models import Note, WriteUp
from workshops.followup.rules import thanks_due
from workshops.followup.service import send_thanks
from workshops.messages.models import OutboxMessage
from workshops.wiring import SEND_CHECKS

STARTS = datetime(2027, 3, 26, 14, tzinfo=UTC)
OVER = STARTS + timedelta(hours=2)
#: 10am on Saturday 27 March 2027 in Scotland.
MORNING = datetime(2027, 3, 27, 10, tzinfo=UTC)


def thank(at: datetime, settings: Settings) -> int:
    with transaction() as session:
        return send_thanks(session, now=at, settings=settings)


def mails(session: Session) -> list[OutboxMessage]:
    session.rollback()
    return list(session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


@pytest.fixture
def event(session: Session) -> Any:
    return make_event(session, title="Near", starts_at=STARTS, taken_in_person=3)


def test_they_are_due_the_morning_after_also_when_the_clocks_change() -> None:
    assert thanks_due(OVER)[0] == MORNING
    assert thanks_due(OVER + timedelta(days=1))[0] == datetime(2027, 3, 28, 9, tzinfo=UTC)


def test_who_was_there_is_thanked_once_with_what_there_is(session: Session, settings: Settings, event: Any) -> None:
    for name in ("came", "unmarked", "absent", "excused"):
        person = make_registration(session, event, email=f"{name}@example.org")
        if name != "unmarked":
            status = "in_person" if name == "came" else name
            session.add(AttendanceMark(registration_id=person.id, status=status, marked_at=OVER))
    make_registration(session, event, state="cancelled", email="cancelled@example.org")
    session.add(Note(event_id=event.id, text="Notes", published_text="Notes", state="published", updated_at=OVER))
    for state, url in (("published", "https://example.org/blog"), ("to be written", "https://example.org/draft")):
        session.add(WriteUp(event_id=event.id, uid=state, title="Blog", url=url, state=state, created_at=OVER,
                            updated_at=OVER))  # fmt: skip
    session.commit()
    assert thank(MORNING - timedelta(minutes=1), settings) == 0
    assert thank(MORNING, settings) == 2 and thank(MORNING + timedelta(days=3), settings) == 0
    found = mails(session)
    assert [mail.to_email for mail in found] == ["came@example.org", "unmarked@example.org"]
    assert "The notes are on" in found[0].body_text and "https://example.org/blog" in found[0].body_text
    assert "draft" not in found[0].body_text and found[0].drop_after == MORNING + timedelta(days=7)


def test_a_worker_that_was_off_for_three_days_still_thanks_and_after_a_week_nobody_does(
    session: Session, settings: Settings, event: Any
) -> None:
    make_registration(session, event)
    assert thank(MORNING + timedelta(days=7), settings) == 0
    assert thank(MORNING + timedelta(days=3), settings) == 1


def test_nobody_is_thanked_where_it_is_turned_off(staff: Any, session: Session, settings: Settings, event: Any) -> None:
    make_registration(session, event)
    address = f"/staff/events/{event.slug}"
    session.rollback()
    client = staff("organiser")
    assert "Do not thank people by email" in client.get(f"{address}/afterwards").text
    assert client.send(f"{address}/thanks", {"thanks": "no"}).status_code == 303
    assert thank(MORNING, settings) == 0
    assert "Nobody is thanked by email" in client.get(f"{address}/afterwards").text


def test_what_changed_since_is_asked_again_when_they_are_sent(
    session: Session, settings: Settings, event: Any
) -> None:
    person = make_registration(session, event)
    assert thank(MORNING, settings) == 1
    check, (mail,) = SEND_CHECKS["registration"], mails(session)
    assert check(session, mail, MORNING) is None
    mark = AttendanceMark(registration_id=person.id, status="absent", marked_at=MORNING)
    session.add(mark)
    session.flush()
    assert check(session, mail, MORNING) == "They were not there."
    session.delete(mark)
    event.sends_thanks = False
    session.flush()
    assert "turned off" in str(check(session, mail, MORNING))
    person.state = "cancelled"
    session.flush()
    assert check(session, mail, MORNING) is not None

"""People with a place are reminded a week and a day before, once for each start, and never of what is not so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import BEGINNING, make_event, make_registration
from tests.registration.conftest import Desk
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.core.london_time import to_london
from workshops.messages.worker import do_once
from workshops.registration import service
from workshops.registration.rules.reminders import reminders_of
from workshops.schedule import service as schedule
from workshops.schedule.models import Event
from workshops.schedule.rules.when import When

#: 10am in winter, 18 days after the tests begin.
STARTS = datetime(2027, 3, 19, 10, tzinfo=UTC)


def utc(month: int, day: int, hour: int) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


# --- rules ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 1000 * 24 * 60))
def test_reminders_go_out_at_civil_hours_of_the_right_days(minutes: int) -> None:
    starts = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    week, day = reminders_of(starts)
    for reminder, days in ((week, 7), (day, 1)):
        local = to_london(reminder.due_at)
        assert (to_london(starts).date() - local.date()).days == days
        assert 9 <= local.hour <= 18
        assert to_london(reminder.drop_after - timedelta(seconds=1)).date() == local.date()
    assert week.due_at < week.drop_after <= day.due_at < day.drop_after <= starts


@pytest.mark.parametrize(
    ("starts", "week", "day"),
    [
        # the clocks go forward on 28 March 2027: 10am stays 10am
        (utc(3, 30, 9), utc(3, 23, 10), utc(3, 29, 9)),
        # and back on 31 October 2027
        (utc(11, 1, 10), utc(10, 25, 9), utc(10, 31, 10)),
        (utc(1, 9, 22), utc(1, 2, 18), utc(1, 8, 18)),
        (date(2027, 1, 9), utc(1, 2, 9), utc(1, 8, 9)),
    ],
)
def test_when_reminders_are_due(starts: Any, week: datetime, day: datetime) -> None:
    assert [one.due_at for one in reminders_of(starts)] == [week, day]


def test_nobody_is_reminded_of_a_month() -> None:
    assert reminders_of(None) == ()


# --- the worker's work ----------------------------------------------------------------------------------------


@pytest.fixture
def event(session: Session) -> Event:
    return make_event(session, title="Near", mode="hybrid", starts_at=STARTS, joining_link="https://meet.example.org/x",
                      capacity_online=10)  # fmt: skip


def remind(desk: Desk, at: datetime) -> list[tuple[str, str]]:
    """Let the due work run at an instant; (kind of reminder, who) of all reminders that are there."""
    desk.clock.now = at
    with transaction() as session:
        service.make_reminders(session, now=at, settings=desk.settings)
    return [
        (mail.dedupe_key.split(":")[2], mail.to_email.split("@")[0])
        for mail in desk.mails()
        if mail.kind == "registration/reminder"
    ]


def test_people_with_a_place_are_reminded_twice_and_nobody_else(session: Session, desk: Desk, event: Event) -> None:
    for state in ("confirmed", "waiting", "requested", "cancelled", "declined"):
        make_registration(session, event, state=state, email=f"{state}@example.org")
    make_registration(session, event, attending="online", email="online@example.org")
    week, day = STARTS - timedelta(days=7), STARTS - timedelta(days=1)
    assert remind(desk, week - timedelta(minutes=1)) == []
    expected = [("week", "confirmed"), ("week", "online")]
    assert remind(desk, week) == expected
    assert remind(desk, week + timedelta(minutes=1)) == expected, "never twice"
    assert remind(desk, week + timedelta(days=2)) == expected
    assert remind(desk, day) == [*expected, ("day", "confirmed"), ("day", "online")]
    assert "https://meet.example.org/x" not in desk.mails("confirmed@example.org")[-1].body_text
    mail = desk.mails("online@example.org")[-1]
    assert "https://meet.example.org/x" in mail.body_text and mail.subject == "Tomorrow: Near"
    assert mail.calendar is None


def test_a_worker_that_was_away_reminds_late_on_the_same_day_and_not_later(
    session: Session, desk: Desk, event: Event
) -> None:
    make_registration(session, event, email="ann@example.org")
    day = STARTS - timedelta(days=1)
    assert remind(desk, day.replace(hour=0) + timedelta(days=1)) == []
    assert remind(desk, day.replace(hour=23)) == [("day", "ann")]


def test_who_got_a_place_just_now_is_not_reminded(session: Session, desk: Desk, event: Event) -> None:
    due = STARTS - timedelta(days=7)
    make_registration(session, event, email="early@example.org", state_changed_at=due - timedelta(hours=24))
    make_registration(session, event, email="late@example.org", state_changed_at=due - timedelta(hours=23))
    assert remind(desk, due) == [("week", "early")]


def change(desk: Desk, event: Event, **values: Any) -> None:
    event_id = event.id
    with transaction() as session:
        details = schedule.details_of(session, session.get_one(Event, event_id))
        schedule.change_event(
            session, event_id=event_id, details=replace(details, **values), tell=False, now=desk.clock.now,
            actor=COMMAND, settings=desk.settings,
        )


def test_reminders_move_with_the_event(session: Session, desk: Desk, event: Event) -> None:
    make_registration(session, event, email="ann@example.org")
    assert remind(desk, STARTS - timedelta(days=7)) == [("week", "ann")]
    desk.deliver()
    later = STARTS + timedelta(days=7)
    change(desk, event, when=When(later, later + timedelta(hours=1)))
    assert remind(desk, STARTS - timedelta(days=1)) == [("week", "ann")]
    assert remind(desk, STARTS) == [("week", "ann")] * 2
    assert "Friday 26 March 2027" in desk.mails()[-1].body_text


def test_a_reminder_that_waits_is_written_anew_when_the_event_changes(
    session: Session, desk: Desk, event: Event
) -> None:
    make_registration(session, event, email="ann@example.org", attending="online")
    due = STARTS - timedelta(days=7)
    remind(desk, due)
    change(desk, event, joining_link="https://meet.example.org/new")
    assert remind(desk, due + timedelta(minutes=1)) == [("week", "ann")]
    assert "https://meet.example.org/new" in desk.mails()[-1].body_text


@pytest.mark.parametrize("use_case", [schedule.cancel_event, schedule.postpone_event])
def test_nobody_is_reminded_of_what_does_not_take_place(
    session: Session, desk: Desk, event: Event, use_case: Any
) -> None:
    make_registration(session, event, email="ann@example.org")
    event_id = event.id
    with transaction() as writing:
        use_case(writing, event_id=event_id, reason="Snow.", tell=False, now=BEGINNING, actor=COMMAND,
                 settings=desk.settings)  # fmt: skip
    assert remind(desk, STARTS - timedelta(days=1)) == []


def test_a_reminder_is_looked_at_again_when_it_is_sent(
    app: Flask, session: Session, desk: Desk, event: Event, clock: FakeClock
) -> None:
    make_registration(session, event, email="ann@example.org")
    remind(desk, STARTS - timedelta(days=1))
    with transaction() as writing:
        # as a restored backup would: nobody took the reminder back
        writing.get_one(Event, event.id).starts_at = STARTS + timedelta(days=3)
    do_once(desk.settings, checks=app.extensions["workshops.tables"]["checks"], due_work={}, clock=lambda: clock.now)
    (mail,) = desk.mails()
    assert (mail.state, mail.last_error) == ("cancelled", "The event has moved since this was written.")


def test_a_reminder_that_waited_too_long_is_dropped(
    app: Flask, session: Session, desk: Desk, event: Event, clock: FakeClock
) -> None:
    make_registration(session, event, email="ann@example.org")
    remind(desk, STARTS - timedelta(days=1))
    clock.now = STARTS - timedelta(hours=2)
    do_once(desk.settings, checks=app.extensions["workshops.tables"]["checks"], due_work={}, clock=lambda: clock.now)
    assert [mail.state for mail in desk.mails()] == ["cancelled"]

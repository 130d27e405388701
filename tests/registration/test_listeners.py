"""News of an event reaches everybody registered, through the tables of workshops.wiring."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_account, make_event, make_registration
from tests.registration.conftest import Desk, invitation
from workshops import wiring
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.registration import service
from workshops.registration.service import attention_for
from workshops.schedule import service as schedule
from workshops.schedule.models import Event
from workshops.schedule.rules.events import Place
from workshops.schedule.rules.when import When


@pytest.fixture(autouse=True)
def connected() -> None:
    wiring.connect()


@pytest.fixture
def full_event(session: Session, desk: Desk, clock: FakeClock) -> Event:
    """ann has a place, bea was offered one, cal waits."""
    event = make_event(session, capacity_in_person=2)
    for name in ("ann", "gone", "bea", "cal"):
        clock.advance(minutes=1)
        desk.register(event, f"{name}@example.org", if_full="wait")
    desk.do(service.cancel_place, desk.person("gone@example.org"))
    assert desk.states(event) == {"ann": "confirmed", "gone": "cancelled", "bea": "offered", "cal": "waiting"}
    return desk.event(event)


def change_state(desk: Desk, event: Event, use_case: Any, **more: Any) -> None:
    event_id = event.id
    with transaction() as session:
        use_case(
            session, event_id=event_id, now=desk.clock.now, actor=COMMAND, settings=desk.settings, tell=True, **more
        )


def test_a_cancelled_event_is_told_and_taken_out_of_calendars(desk: Desk, full_event: Event) -> None:
    change_state(desk, full_event, schedule.cancel_event, reason="The speaker is ill.")
    assert desk.states(full_event) == {"ann": "confirmed", "gone": "cancelled", "bea": "waiting", "cal": "waiting"}
    for name in ("ann", "bea", "cal"):
        mail = desk.mails(f"{name}@example.org")[-1]
        assert mail.kind == "registration/event_cancelled" and "The speaker is ill." in mail.body_text
        assert (mail.calendar is not None) == (name == "ann")
    method, vevent = invitation(desk.mails("ann@example.org")[-1])
    assert (method, str(vevent["STATUS"]), vevent["SEQUENCE"]) == ("CANCEL", "CANCELLED", 1)
    assert "event_cancelled" not in desk.kinds("gone@example.org")
    kept = desk.event(full_event)
    assert (kept.taken_in_person, kept.waiting_in_person) == (1, 2)


def test_a_postponed_event_keeps_places_and_comes_back(desk: Desk, full_event: Event) -> None:
    change_state(desk, full_event, schedule.postpone_event, reason="The hall is flooded.")
    mail = desk.mails("ann@example.org")[-1]
    assert mail.kind == "registration/event_postponed" and mail.calendar_method == "CANCEL"
    assert "You keep your place" in mail.body_text
    desk.deliver()
    change_state(desk, full_event, schedule.reinstate_event)
    # The free place is offered again to whoever has waited longest; an offer says all that is new by itself.
    assert desk.states(full_event) == {"ann": "confirmed", "gone": "cancelled", "bea": "offered", "cal": "waiting"}
    assert desk.kinds("bea@example.org")[-1] == "place_offered"
    assert desk.kinds("cal@example.org")[-1] == "event_reinstated"
    method, vevent = invitation(desk.mails("ann@example.org")[-1])
    assert (method, str(vevent["STATUS"])) == ("REQUEST", "CONFIRMED")
    sequences = [invitation(m)[1]["SEQUENCE"] for m in desk.mails("ann@example.org") if m.calendar]
    assert sequences == sorted(set(sequences)), "each one is above the one before"


def change(desk: Desk, event: Event, *, tell: bool, **values: Any) -> None:
    event_id = event.id
    with transaction() as session:
        found = session.get(Event, event_id)
        assert found is not None
        schedule.change_event(
            session, event_id=event_id, details=replace(schedule.details_of(session, found), **values), tell=tell,
            now=desk.clock.now, actor=COMMAND, settings=desk.settings,
        )


def test_a_change_is_told_with_old_and_new_and_never_how_to_join(desk: Desk, full_event: Event) -> None:
    desk.deliver()
    change(desk, full_event, tell=False, venue=Place("Old Hall"), joining_link="https://old.example.org/")
    desk.deliver()
    change(desk, full_event, tell=True, venue=Place("New Hall"), joining_link="https://new.example.org/")
    for name in ("ann", "bea", "cal"):
        mail = desk.mails(f"{name}@example.org")[-1]
        assert mail.kind == "registration/event_changed"
        # what was saved without telling was never told, so it is not what people were told before
        assert "Old Hall" not in mail.body_text and "New Hall" in mail.body_text
        assert "example.org/" not in mail.body_text + mail.body_html.replace("http://localhost", "")
    method, vevent = invitation(desk.mails("ann@example.org")[-1])
    assert (method, vevent["SEQUENCE"]) == ("REQUEST", 2)
    assert desk.mails("cal@example.org")[-1].calendar is None


def test_a_change_that_is_not_to_be_told_is_not(desk: Desk, full_event: Event) -> None:
    desk.deliver()
    before = len(desk.mails())
    change(desk, full_event, tell=False, venue=Place("New Hall"))
    assert len(desk.mails()) == before


def test_offers_never_outlast_a_start_brought_forward(desk: Desk, full_event: Event, clock: FakeClock) -> None:
    starts = clock.now + timedelta(hours=12)
    change(desk, full_event, tell=False, when=When(starts, starts + timedelta(hours=1)))
    # three hours of working time, which has begun at 9am
    assert desk.person("bea@example.org").offer_expires_at == clock.now + timedelta(hours=3)


def test_staff_see_what_waits_for_them(session: Session, desk: Desk, clock: FakeClock) -> None:
    owner = make_account(session, role="facilitator")
    event = make_event(session, booking="by_approval", owner_id=owner.id, title="Round-table")
    make_event(session, title="Empty")
    make_registration(session, event, state="requested")
    desk.register(event, access_needs="BSL interpreter")

    def found(role: str, id: int) -> list[tuple[str, str]]:
        user = SimpleNamespace(role=role, id=id, sees_needs=True)
        return [(a.text, a.url_endpoint) for a in attention_for(session=session, now=clock.now, user=user)]

    expected = [
        ("2 people ask for a place at Round-table", "registration.people"),
        ("1 person waits for what they need at Round-table: book by Tuesday 16 March 2027", "registration.needs"),
    ]
    assert found("organiser", 0) == found("facilitator", owner.id) == expected
    assert found("facilitator", owner.id + 1) == found("viewer", owner.id) == []

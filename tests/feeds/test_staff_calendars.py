"""The calendars of staff, on both engines: what they run, numbers and rooms, and never a name."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import (
    BEGINNING,
    make_account,
    make_event,
    make_programme,
    make_registration,
    make_venue,
    sign_in,
)
from workshops.accounts.models import Account
from workshops.feeds.models import StaffCalendar
from workshops.schedule.models import EventFacilitator, ProgrammeOrganiser, Room


def made(client: FormClient, whose: str = "mine") -> str:
    """Press the button, and read the address off the page."""
    assert client.send(f"/staff/calendars/{whose}").status_code == 303
    html = client.get("/staff/calendars").get_data(as_text=True)
    found = re.search(r'value="http://localhost(/calendars/staff/[^"]+\.ics)"', html)
    assert found is not None
    return found[1]


def titles(client: FlaskClient, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200
    return [str(event["SUMMARY"]) for event in Calendar.from_ical(answer.get_data()).walk("VEVENT")]


@pytest.fixture
def me(session: Session, client: FormClient) -> Account:
    """A facilitator who is signed in."""
    account = make_account(session, role="facilitator")
    sign_in(session, client, account)
    return account


def test_a_facilitator_has_what_they_own_and_what_they_run_beside_others(
    client: FormClient, session: Session, me: Account, clock: FakeClock
) -> None:
    make_event(session, title="Owned", owner_id=me.id)
    beside = make_event(session, title="Beside")
    session.add(EventFacilitator(event_id=beside.id, account_id=me.id))
    session.commit()
    make_event(session, title="Of others")
    make_event(session, title="Draft", owner_id=me.id, state="draft")
    make_event(session, title="Unlisted", owner_id=me.id, is_listed=False)
    make_event(session, title="Off", owner_id=me.id, state="cancelled", state_changed_at=clock.now)
    make_event(session, title="Long over", owner_id=me.id, starts_at=BEGINNING - timedelta(days=90))
    assert titles(client, made(client)) == ["Owned", "Beside", "Unlisted", "Cancelled: Off"]


def test_it_shows_the_room_and_numbers_and_never_a_name(client: FormClient, session: Session, me: Account) -> None:
    venue = make_venue(session, "Example Hall")
    room = Room(venue_id=venue.id, name="Attic", name_key="attic")
    session.add(room)
    session.flush()
    event = make_event(session, owner_id=me.id, venue_id=venue.id, room_id=room.id, taken_in_person=2,
                       waiting_in_person=2, joining_link="https://meet.example.org/secret")  # fmt: skip
    person = make_registration(session, event, name="Somebody Example", email="somebody@example.org")
    make_event(session, owner_id=me.id, booking="none")
    answer = client.get(made(client))
    entry, other = Calendar.from_ical(answer.get_data()).walk("VEVENT")
    assert "Attic, Example Hall" in str(entry["LOCATION"])
    assert str(entry["DESCRIPTION"]) == "3 of 10 taken, 2 waiting" and "DESCRIPTION" not in other
    text = answer.get_data(as_text=True)
    for word in (person.name, person.email, me.email, "secret", "ATTENDEE", "ORGANIZER", "SOURCE"):
        assert word not in text, word
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["X-Robots-Tag"] == "noindex"
    again = client.get(answer.request.path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_an_organiser_can_have_all_that_is_theirs_to_run(client: FormClient, session: Session) -> None:
    me = make_account(session, role="organiser", email="me@example.org")
    other = make_account(session, role="organiser", email="other@example.org")
    sign_in(session, client, me)
    mine, claimed = make_programme(session, "Mine"), make_programme(session, "Of others")
    session.add_all([
        ProgrammeOrganiser(programme_id=mine.id, account_id=me.id),
        ProgrammeOrganiser(programme_id=claimed.id, account_id=other.id),
    ])  # fmt: skip
    session.commit()
    make_event(session, title="In my programme", programme_id=mine.id)
    make_event(session, title="Claimed by others", programme_id=claimed.id)
    make_event(session, title="Free")
    assert titles(client, made(client, "all")) == ["In my programme", "Free"]
    assert titles(client, made(client, "mine")) == []


def test_a_new_address_ends_the_old_one_and_the_button_ends_both(
    client: FormClient, session: Session, me: Account
) -> None:
    first = made(client)
    second = made(client)
    assert first != second
    assert client.get(first).status_code == 404 and client.get(second).status_code == 200
    assert "localhost/calendars/staff" not in client.get("/staff/calendars").get_data(as_text=True)  # shown once
    assert client.send("/staff/calendars/mine/end").status_code == 303
    assert client.send("/staff/calendars/mine/end").status_code == 303  # twice has no effect
    assert client.get(second).status_code == 404
    assert [row.revoked_at is not None for row in session.query(StaffCalendar)] == [True, True]
    assert second.rpartition("/")[2][:43] not in {row.token_hash for row in session.query(StaffCalendar)}


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "viewer"}])
def test_whoever_no_longer_runs_anything_has_no_calendar(
    client: FormClient, session: Session, me: Account, change: dict[str, object]
) -> None:
    path = made(client)
    for name, value in change.items():
        setattr(me, name, value)
    session.commit()
    assert client.get(path).status_code == 404


def test_a_facilitator_cannot_have_everything(client: FormClient, session: Session, me: Account) -> None:
    assert client.send("/staff/calendars/all").status_code == 404
    assert "All events I may run" not in client.get("/staff/calendars").get_data(as_text=True)


def test_made_up_addresses_are_not_there(client: FormClient) -> None:
    for token in ("a" * 43, "short", "a" * 4_000):
        assert client.get(f"/calendars/staff/{token}.ics").status_code == 404

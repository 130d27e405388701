"""Events where the organiser answers each request, and events with people in the room and online."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event
from tests.journeys.conftest import Mail
from tests.journeys.person import Person
from workshops.registration.models import Registration

Register = Callable[..., Person]


def person_page(session: Session, slug: str, email: str) -> str:
    session.rollback()
    found = session.scalars(select(Registration).where(Registration.email_key == email)).one()
    return f"/staff/events/{slug}/people/{found.id}"


def test_who_is_approved_has_a_place_and_who_is_declined_is_told(
    session: Session, register: Register, someone: Callable[[], Person], organiser: Person, mail: Mail
) -> None:
    make_event(session, slug="asked-for", booking="by_approval", capacity_in_person=5)
    assert register("asked-for", "anna").path.endswith("/registered/requested")
    register("asked-for", "ben")
    (request,) = mail(to="anna@example.org", kind="request_received")
    assert request.entry["ATTENDEE"].params["PARTSTAT"] == "TENTATIVE"

    organiser.open("/staff/events/asked-for/people")
    assert "Anna Example" in organiser.words and "Ben Example" in organiser.words
    organiser.open(person_page(session, "asked-for", "anna@example.org")).press("Approve")
    organiser.open(person_page(session, "asked-for", "ben@example.org")).press("Decline")

    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    assert confirmation.method == "REQUEST"
    assert confirmation.entry["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert int(confirmation.entry["SEQUENCE"]) > int(request.entry["SEQUENCE"])
    assert "You have a place" in someone().open(request.place).words  # the older link still works
    (declined,) = mail(to="ben@example.org", kind="request_declined")
    assert declined.method == "CANCEL"
    (asked,) = mail(to="ben@example.org", kind="request_received")
    assert "You have a place" not in someone().open(asked.place).words


def test_somebody_switches_from_the_room_to_online_and_the_next_is_offered_the_chair(
    session: Session, register: Register, someone: Callable[[], Person], mail: Mail, clock: FakeClock
) -> None:
    event = make_event(
        session, slug="both-ways", mode="hybrid", capacity_in_person=1, capacity_online=5,
        joining_link="https://meet.example.org/room",
    )  # fmt: skip
    assert register("both-ways", "anna", attending="in_person").heading == "You have a place"
    clock.advance(minutes=1)
    register("both-ways", "ben", attending="in_person", if_full="wait")
    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    assert "https://meet.example.org/room" not in confirmation.text

    clock.advance(minutes=1)
    place = someone().open(confirmation.place)
    place.open(confirmation.place + "/change").fill(attending="online").press("Save")
    assert "Online" in place.words
    assert "https://meet.example.org/room" in someone().open(confirmation.place).answer.text
    (offer,) = mail(to="ben@example.org", kind="place_offered")
    someone().open(offer.place).press("Take the place")
    session.refresh(event)
    assert (event.taken_in_person, event.taken_online) == (1, 1)
    # the joining link never stands on the public page
    assert "meet.example.org" not in someone().open("/events/both-ways").answer.text
    newest = mail(to="anna@example.org")[-1]
    assert "https://meet.example.org/room" in newest.text

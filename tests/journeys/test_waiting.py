"""Somebody waits, is offered a place and lets it run out; the next one gets it. Nobody is passed over."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event
from tests.journeys.conftest import Mail
from tests.journeys.person import Person

Register = Callable[..., Person]


def test_an_offer_that_runs_out_goes_to_the_next(
    session: Session, register: Register, someone: Callable[[], Person], mail: Mail, clock: FakeClock
) -> None:
    event = make_event(session, slug="small-table", capacity_in_person=1)
    assert register("small-table", "anna").heading == "You have a place"
    full = register("small-table", "ben", status=422, if_full="leave")
    assert "All places are taken" in full.words and not mail(to="ben@example.org")
    for who in ("ben", "cara", "dan"):
        clock.advance(minutes=1)
        assert register("small-table", who, if_full="wait").heading == "You are on the waiting list"
    assert not mail(to="ben@example.org", kind="place_offered")

    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    place = someone().open(confirmation.place)
    assert "You have a place" in place.words
    place.follow("Cancel my place").press("Cancel my place")
    assert "cancelled" in place.words

    (offer,) = mail(to="ben@example.org", kind="place_offered")
    assert not mail(to="cara@example.org", kind="place_offered")
    assert "9:03am on Wednesday 3 March 2027" in offer.text  # 48 hours
    assert "We are holding a place for you" in someone().open(offer.place).words

    clock.advance(hours=48)
    (lapsed,) = mail(to="ben@example.org", kind="offer_lapsed")
    (next_offer,) = mail(to="cara@example.org", kind="place_offered")
    assert lapsed.subject != offer.subject
    late = someone().open(offer.place)
    assert not any(button[0].startswith("Take") for form in late.seen.forms for button in form.buttons)
    taken = someone().open(next_offer.place).press("Take the place")
    assert "You have a place" in taken.words
    (invitation,) = mail(to="cara@example.org", kind="place_confirmed")
    assert invitation.method == "REQUEST" and invitation.entry["UID"] == confirmation.entry["UID"]
    assert not mail(to="dan@example.org", kind="place_offered")
    session.refresh(event)
    assert (event.taken_in_person, event.waiting_in_person) == (1, 1)


def test_an_offer_turned_down_goes_to_the_next_at_once(
    session: Session, register: Register, someone: Callable[[], Person], mail: Mail, clock: FakeClock
) -> None:
    make_event(session, slug="small-table", capacity_in_person=1)
    register("small-table", "anna")
    for who in ("ben", "cara"):
        clock.advance(minutes=1)
        register("small-table", who, if_full="wait")
    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    someone().open(confirmation.place).follow("Cancel my place").press("Cancel my place")
    (offer,) = mail(to="ben@example.org", kind="place_offered")
    someone().open(offer.place).press("I no longer need it")
    (next_offer,) = mail(to="cara@example.org", kind="place_offered")
    assert "You have a place" in someone().open(next_offer.place).press("Take the place").words


def test_who_leaves_while_the_form_is_open_goes_home_or_waits_by_their_own_choice(
    session: Session, register: Register, someone: Callable[[], Person], mail: Mail
) -> None:
    make_event(session, slug="small-table", capacity_in_person=1)
    slow = someone().open("/events/small-table/register")
    register("small-table", "anna")
    slow.fill(name="Eve Example", email="eve@example.org", if_full="leave", organisation="Example Council")
    button = next(each[0] for form in slow.seen.forms if "email" in form.fields for each in form.buttons)
    slow.press(button, 422)
    assert not mail(to="eve@example.org")
    # everything is still there, so one choice and one press are enough
    slow.fill(if_full="wait").press(next(b[0] for f in slow.seen.forms if "if_full" in f.fields for b in f.buttons))
    assert slow.heading == "You are on the waiting list"
    (waiting,) = mail(to="eve@example.org", kind="on_waiting_list")
    assert waiting.calendar_part is None
    assert "Example Council" in someone().open(waiting.place).words


def test_the_second_send_of_one_form_has_no_second_effect(
    session: Session, someone: Callable[[], Person], mail: Mail
) -> None:
    event = make_event(session, slug="small-table", capacity_in_person=5)
    person = someone().open("/events/small-table/register")
    form = next(form for form in person.seen.forms if "email" in form.fields)
    data = {**form.values, "name": ["Anna Example"], "email": ["anna@example.org"]}
    answers = [person.client.post("/events/small-table/register", data=data) for _ in range(3)]
    assert {(answer.status_code, answer.headers["Location"]) for answer in answers} == {
        (303, "/events/small-table/registered/place")
    }
    assert len(mail(to="anna@example.org")) == 1
    session.refresh(event)
    assert event.taken_in_person == 1

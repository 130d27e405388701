"""By invitation, and those who run an event: whole threads of mail, as each of them reads it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event
from tests.journeys.conftest import Mail
from tests.journeys.person import Person
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.schedule import service

Register = Callable[..., Person]


def test_somebody_is_invited_registers_and_comes_and_nobody_else_learns_of_it(
    session: Session, register: Register, someone: Callable[[], Person], organiser: Person, mail: Mail
) -> None:
    make_event(session, slug="a-supper", booking="by_invitation", capacity_in_person=5)
    organiser.open("/staff/events/a-supper/people").follow("Who is invited")
    organiser.fill(people="Anna Example <anna@example.org>; ben@example.org").press("Check these people")
    assert "Add 2 people" in organiser.words and mail() == []
    organiser.fill(tell="yes").press("Add 2 people")
    (invited,) = mail(to="anna@example.org", kind="invited")
    assert invited.calendar_part is None and "Anna Example" in invited.text
    (link,) = invited.links("/register")

    # Anna comes, and a stranger tries: both are shown the same page.
    form = someone().open(link)
    form.fill(name="Anna Example", email="anna@example.org").press("Register for this event")
    stranger = register("a-supper", "cat")
    assert form.heading == stranger.heading == "If this address is invited, we have emailed your place"
    assert form.words == stranger.words
    (place,) = mail(to="anna@example.org", kind="place_confirmed")
    assert place.method == "REQUEST" and "You have a place" in someone().open(place.place).words
    (turned_away,) = mail(to="cat@example.org")
    assert turned_away.kind == "registration-not_invited" and turned_away.calendar_part is None

    organiser.open("/staff/events/a-supper/invited")
    assert "Has a place" in organiser.words
    organiser.open("/staff/events/a-supper/people")
    assert "Cat" not in organiser.words
    assert [letter.kind for letter in mail(to="ben@example.org")] == ["registration-invited"]


def test_the_calendar_of_who_runs_an_event_follows_it_to_the_end(
    session: Session, mail: Mail, clock: FakeClock, settings: Settings
) -> None:
    runs = make_account(session, role="facilitator", email="olivia@example.org", name="Olivia Example")
    event = make_event(session, slug="a-table", owner_id=runs.id, state="draft", mode="online",
                       joining_link="https://meet.example.org/1")  # fmt: skip
    id, uid = event.id, event.uid
    session.rollback()

    def step(use_case: Callable[..., object], **more: object) -> None:
        clock.advance(minutes=1)
        with transaction() as writing:
            use_case(writing, event_id=id, now=clock.now, actor=COMMAND, settings=settings, **more)
        mail()

    step(service.publish_event)
    step(service.postpone_event, reason="The hall is closed.", tell=False)
    step(service.reinstate_event, tell=False)
    step(service.cancel_event, reason="The speaker is ill.", tell=False)
    thread = mail(to="olivia@example.org")
    assert [letter.kind.removeprefix("schedule-") for letter in thread] == [
        "run_invited", "run_off", "run_changed", "run_off",
    ]  # fmt: skip
    assert [letter.method for letter in thread] == ["REQUEST", "CANCEL", "REQUEST", "CANCEL"]
    sequences = [int(letter.entry["SEQUENCE"]) for letter in thread]
    assert sequences == sorted(set(sequences)), "each newer than all before"
    assert {str(letter.entry["UID"]) for letter in thread} == {uid}
    assert "meet.example.org" in thread[0].text and "meet.example.org" not in thread[1].text
    for letter in thread:
        assert not isinstance(letter.entry["ATTENDEE"], list) and "/staff/events/a-table" in letter.text


def test_who_turned_it_off_after_it_was_written_gets_nothing(
    session: Session, staff: Callable[..., FormClient], mail: Mail, clock: FakeClock, settings: Settings
) -> None:
    browser = staff("facilitator")
    account_id = browser.account_id  # type: ignore[attr-defined]
    id = make_event(session, slug="a-table", owner_id=account_id, state="draft").id
    session.rollback()
    with transaction() as writing:
        service.publish_event(writing, event_id=id, now=clock.now, actor=COMMAND, settings=settings)
    me = Person(browser).open("/staff/account")
    me.press("Save my choice")
    assert mail(kind="run_") != [], "still ticked, so it is sent"
    clock.advance(minutes=1)
    with transaction() as writing:
        service.cancel_event(
            writing, event_id=id, reason="It rains.", tell=False, now=clock.now, actor=COMMAND, settings=settings
        )
    assert browser.send("/staff/account", {"change": "calendar"}).status_code == 303
    assert [letter.kind for letter in mail(kind="run_")] == ["schedule-run_invited"]

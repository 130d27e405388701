"""An event goes online, or into a room: everybody registered goes with it, on both engines."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event, make_registration, make_venue
from tests.journeys.person import Person
from tests.registration.conftest import Desk, invitation
from workshops.audit.models import AuditEntry
from workshops.core.db import transaction
from workshops.registration.models import Registration
from workshops.schedule.models import Event
from workshops.schedule.service import change_event, details_of, foresee_change

LINK = "https://meet.example.org/snow"


def switch(desk: Desk, event: Event, *, tell: bool | None = True, **values: object) -> object:
    """Change an event as its form does."""
    with transaction() as session:
        details = details_of(session, session.get_one(Event, event.id))
        return change_event(
            session, event_id=event.id, details=details.__class__(**{**vars(details), **values}), tell=tell,
            now=desk.clock.now, actor=desk.actor, settings=desk.settings,
        )  # fmt: skip


ONLINE = {"mode": "online", "capacity_in_person": None, "capacity_online": 2, "joining_link": LINK}


@pytest.fixture
def snowed_in(session: Session, desk: Desk) -> Event:
    """Two places, both taken; one waits. Somebody asked, another has left."""
    event = make_event(session, capacity_in_person=2, venue_id=make_venue(session).id)
    for who in ("ann", "ben", "cat"):
        desk.register(event, f"{who}@example.org", if_full="wait")
    make_registration(session, event, email="dot@example.org", state="requested")
    make_registration(session, event, email="eve@example.org", state="cancelled")
    desk.deliver()
    desk.clock.advance(minutes=5)
    return event


def ways(desk: Desk, event: Event) -> dict[str, str]:
    desk.session.rollback()
    rows = desk.session.scalars(select(Registration).where(Registration.event_id == event.id))
    return {row.email.split("@")[0]: row.attending for row in rows}


def counts(desk: Desk, event: Event) -> tuple[int, int, int, int]:
    found = desk.event(event)
    return found.taken_in_person, found.taken_online, found.waiting_in_person, found.waiting_online


def test_everybody_goes_online_with_the_event_and_is_told_how(desk: Desk, snowed_in: Event) -> None:
    before = invitation(desk.mails("ann@example.org")[-1])[1]
    states = desk.states(snowed_in)
    saved = switch(desk, snowed_in, **ONLINE)
    assert ways(desk, snowed_in) == {"ann": "online", "ben": "online", "cat": "online", "dot": "online",
                                     "eve": "in_person"}  # fmt: skip
    assert desk.states(snowed_in) == states, "who waits waits, who has a place has it"
    assert counts(desk, snowed_in) == (0, 2, 0, 1)
    assert getattr(saved, "notes") == (  # noqa: B009 the result is opaque here
        "4 people who were to take part in person take part online and keep the places and turns they have.",
    )
    told = desk.mails("ann@example.org")[-1]
    assert told.kind == "registration/event_changed" and LINK in told.body_text
    method, entry = invitation(told)
    assert method == "REQUEST" and str(entry["CONFERENCE"]) == LINK and str(entry["UID"]) == str(before["UID"])
    assert int(entry["SEQUENCE"]) > int(before["SEQUENCE"])
    assert told.body_text.count("before: ") == 3 and "Date and time\nbefore" not in told.body_text, "at the same time"
    for without in ("cat@example.org", "dot@example.org"):
        mail = desk.mails(without)[-1]
        assert mail.kind == "registration/event_changed"
        assert LINK not in mail.body_text and LINK.encode() not in (mail.calendar or b""), "no place, no way in yet"
    history = desk.session.scalars(select(AuditEntry.reason).where(AuditEntry.action == "attending_changed")).all()
    assert history == ["the event is online only"] * 4


def test_more_places_online_go_to_who_waits(desk: Desk, snowed_in: Event) -> None:
    switch(desk, snowed_in, **{**ONLINE, "capacity_online": None})
    assert desk.states(snowed_in)["cat"] in ("offered", "confirmed")
    assert counts(desk, snowed_in)[1] == 3


def test_fewer_places_take_nothing_from_anybody(desk: Desk, snowed_in: Event) -> None:
    switch(desk, snowed_in, **{**ONLINE, "capacity_online": 1})
    assert desk.states(snowed_in)["ben"] == "confirmed" and counts(desk, snowed_in) == (0, 2, 0, 1)


def test_back_into_the_room(desk: Desk, snowed_in: Event) -> None:
    switch(desk, snowed_in, **ONLINE)
    desk.deliver()
    desk.clock.advance(minutes=5)
    switch(desk, snowed_in, mode="in_person", capacity_in_person=2, capacity_online=None, joining_link="")
    assert set(ways(desk, snowed_in).values()) == {"in_person"}
    assert counts(desk, snowed_in) == (2, 0, 1, 0)
    told = desk.mails("ann@example.org")[-1]
    assert "CONFERENCE" not in invitation(told)[1] and LINK not in told.body_text


def test_untold_and_while_it_is_off_everybody_goes_along_too(desk: Desk, snowed_in: Event) -> None:
    switch(desk, snowed_in, tell=False, **ONLINE)
    assert counts(desk, snowed_in) == (0, 2, 0, 1)
    assert len(desk.mails("ann@example.org")) == 1
    with transaction() as session:
        session.get_one(Event, snowed_in.id).state = "postponed"
    switch(desk, snowed_in, tell=None, mode="in_person", capacity_online=None, joining_link="")
    assert counts(desk, snowed_in) == (2, 0, 1, 0)


def test_looking_at_what_follows_moves_nobody_and_shows_the_mail(desk: Desk, snowed_in: Event) -> None:
    with transaction() as session:
        details = details_of(session, session.get_one(Event, snowed_in.id))
        found = foresee_change(
            session, event_id=snowed_in.id, details=details.__class__(**{**vars(details), **ONLINE}),
            now=desk.clock.now, settings=desk.settings,
        )  # fmt: skip
    assert set(ways(desk, snowed_in).values()) == {"in_person"} and counts(desk, snowed_in) == (2, 0, 1, 0)
    assert found.sections[0][1][0].startswith("4 people who were to take part in person take part online")
    with_place = next(example for example in found.examples if "with a place" in example.who)
    assert LINK in with_place.text
    switch(desk, snowed_in, **ONLINE)
    lines = [line.strip() for line in desk.mails("ann@example.org")[-1].body_text.splitlines()]
    said = [line.strip() for line in with_place.text.splitlines() if "Example" not in line and "link to My" not in line]
    assert [line for line in said if line and "EXAMPLE1" not in line and line not in lines] == []


def test_the_page_says_who_goes_along(
    desk: Desk, snowed_in: Event, staff: Callable[..., FormClient], clock: FakeClock
) -> None:
    """As an organiser does it on the day of the snow."""
    organiser = Person(staff("organiser")).open(f"/staff/events/{snowed_in.slug}/edit")
    organiser.fill(mode="online", capacity_online="50", joining_link=LINK).press("Save")
    assert organiser.heading == "Check before you save"
    assert "4 people who were to take part in person take part online" in organiser.words
    organiser.fill(tell="now").press("Save")
    assert ways(desk, snowed_in)["ann"] == "online"
    place = desk.link("ann@example.org")
    mine = Person(organiser.client.application.test_client()).open(place)
    assert "You take part the other way now: the event is online only" in mine.words


def test_a_number_of_places_that_somebody_types_for_the_other_way_is_asked_back(
    desk: Desk, snowed_in: Event, staff: Callable[..., FormClient]
) -> None:
    organiser = Person(staff("organiser")).open(f"/staff/events/{snowed_in.slug}/edit")
    organiser.fill(mode="online", capacity_in_person="7").press("Save", 422)
    assert "This event is online only: leave the places in person empty, or choose both" in organiser.words
    assert set(ways(desk, snowed_in).values()) == {"in_person"}


def test_the_part_where_alone_moves_it_online(
    desk: Desk, snowed_in: Event, staff: Callable[..., FormClient]
) -> None:
    """The page of one part does not ask for places at all."""
    organiser = Person(staff("organiser")).open(f"/staff/events/{snowed_in.slug}/edit/where")
    organiser.fill(mode="online", joining_link=LINK).press("Save")
    assert organiser.heading == "Check before you save", organiser.words
    organiser.fill(tell="now").press("Save")
    assert ways(desk, snowed_in)["ann"] == "online" and desk.event(snowed_in).capacity_in_person is None

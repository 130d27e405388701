"""The pages of the day."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration
from workshops.attendance import queries


def status_of(session: Session, event_id: int, person: int) -> str | None:
    session.rollback()
    found = queries.attendance_of(session, event_id).get(person)
    return found.status if found else None


def test_here_and_undo(session: Session, staff: Any) -> None:
    organiser = staff("organiser")
    event = make_event(session)
    person = make_registration(session, event, name="Example Person").id
    address = f"/staff/events/{event.slug}/on-the-day"
    page = organiser.get(address)
    assert page.status_code == 200 and "0 of 1 here" in page.text and ">Here<" in page.text
    answer = organiser.send(f"{address}/{person}", {"status": "here"})
    assert answer.status_code == 303
    assert answer.location == f"{address}#person-{person}"
    assert status_of(session, event.id, person) == "in_person"
    page = organiser.get(address)
    assert "1 of 1 here" in page.text and ">Undo<" in page.text
    organiser.send(f"{address}/{person}", {"status": ""})
    assert status_of(session, event.id, person) is None


def test_somebody_online_is_here_online(session: Session, staff: Any) -> None:
    event = make_event(session, mode="hybrid")
    person = make_registration(session, event, attending="online").id
    staff("organiser").send(f"/staff/events/{event.slug}/on-the-day/{person}", {"status": "here"})
    assert status_of(session, event.id, person) == "online"


def test_names_are_escaped_and_addresses_are_not_shown(session: Session, staff: Any) -> None:
    event = make_event(session)
    make_registration(session, event, name="<b>Example</b>", email="hidden@example.org")
    organiser = staff("organiser")
    for page in ("on-the-day", "attendance", "register-sheet"):
        text = organiser.get(f"/staff/events/{event.slug}/{page}").text
        assert "&lt;b&gt;Example&lt;/b&gt;" in text and "hidden@example.org" not in text


def test_the_search_says_when_nobody_fits_and_puts_no_name_into_an_address(session: Session, staff: Any) -> None:
    event = make_event(session)
    make_registration(session, event, name="Example Person")
    address = f"/staff/events/{event.slug}/on-the-day"
    organiser = staff("organiser")
    answer = organiser.send(address, {"q": "zz\0<script>"})
    assert (answer.status_code, answer.location) == (303, address)
    page = organiser.get(address)
    assert "Nobody with a place fits" in page.text and "<script>" not in page.text.partition("<main")[2]
    organiser.send(address, {"q": "person"})
    assert "Example Person" in organiser.get(address).text
    organiser.send(address, {})
    assert "found for" not in organiser.get(address).text


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "9" * 30])
def test_a_page_that_is_none_shows_one_that_is(session: Session, staff: Any, page: str) -> None:
    event = make_event(session)
    make_registration(session, event, name="Example Person")
    answer = staff("organiser").get(f"/staff/events/{event.slug}/on-the-day?page={page}")
    assert answer.status_code == 200 and "Example Person" in answer.text


def test_the_register_is_saved_in_one_post(session: Session, staff: Any) -> None:
    organiser = staff("organiser")
    event = make_event(session)
    people = [make_registration(session, event).id for _ in range(3)]
    address = f"/staff/events/{event.slug}/attendance"
    fields = {f"mark_{people[0]}": "in_person", f"mark_{people[1]}": "excused", f"mark_{people[2]}": "", "odd": "1"}
    answer = organiser.send(address, {**fields, "mark_999999": "absent"})
    assert answer.status_code == 303
    assert [status_of(session, event.id, person) for person in people] == ["in_person", "excused", None]
    page = organiser.get(address)
    assert "Attendance saved." in page.text
    assert page.text.count(" checked") == 3


def test_an_old_page_does_not_undo_what_was_marked_at_the_door(session: Session, staff: Any) -> None:
    organiser = staff("organiser")
    event = make_event(session)
    first, second = (make_registration(session, event).id for _ in range(2))
    organiser.send(f"/staff/events/{event.slug}/on-the-day/{first}", {"status": "here"})
    fields = {f"mark_{first}": "", f"was_{first}": "", f"mark_{second}": "absent", f"was_{second}": ""}
    organiser.send(f"/staff/events/{event.slug}/attendance", fields)
    assert status_of(session, event.id, first) == "in_person"
    assert status_of(session, event.id, second) == "absent"


def test_an_answer_that_is_none_gives_the_register_back_filled(session: Session, staff: Any) -> None:
    organiser = staff("organiser")
    event = make_event(session)
    first, second = (make_registration(session, event).id for _ in range(2))
    fields = {f"mark_{first}": "excused", f"mark_{second}": "asleep"}
    answer = organiser.send(f"/staff/events/{event.slug}/attendance", fields)
    assert answer.status_code == 422
    assert "Choose one of the answers shown" in answer.text
    assert answer.text.count('value="excused" checked') == 1
    assert status_of(session, event.id, first) is None


def test_an_old_form_token_gives_the_register_back_filled(session: Session, staff: Any) -> None:
    organiser = staff("organiser")
    event = make_event(session)
    person = make_registration(session, event).id
    answer = organiser.post(
        f"/staff/events/{event.slug}/attendance", data={"csrf_token": "old", f"mark_{person}": "absent"}
    )
    assert answer.status_code == 422
    assert 'value="absent" checked' in answer.text
    assert status_of(session, event.id, person) is None


def test_the_sheet_has_names_empty_lines_and_when_to_destroy_it(session: Session, staff: Any) -> None:
    event = make_event(session, mode="hybrid")
    make_registration(session, event, name="Example Person", organisation="Example Network")
    make_registration(session, event, name="Joins Online", attending="online")
    page = staff("organiser").get(f"/staff/events/{event.slug}/register-sheet").text
    assert "Example Person" in page and "Example Network" in page
    assert "Joins Online" not in page
    assert page.count("<tr>") == 1 + 1 + 10
    assert "Destroy after Friday 30 April 2027" in page


@pytest.mark.parametrize("page", ["on-the-day", "attendance", "register-sheet"])
def test_only_who_runs_the_event_sees_its_people(session: Session, staff: Any, page: str) -> None:
    owner, other, viewer, admin = staff("facilitator"), staff("facilitator"), staff("viewer"), staff("admin")
    event = make_event(session, owner_id=owner.account_id)
    person = make_registration(session, event).id
    address = f"/staff/events/{event.slug}/{page}"
    assert [who.get(address).status_code for who in (owner, admin, other, viewer)] == [200, 200, 403, 403]
    assert other.send(f"/staff/events/{event.slug}/on-the-day/{person}", {"status": "here"}).status_code == 403
    assert status_of(session, event.id, person) is None


def test_a_person_of_another_event_is_not_found_here(session: Session, staff: Any) -> None:
    owner = staff("facilitator")
    mine = make_event(session, owner_id=owner.account_id)
    stranger = make_registration(session, make_event(session)).id
    assert owner.send(f"/staff/events/{mine.slug}/on-the-day/{stranger}", {"status": "here"}).status_code == 404
    assert owner.get("/staff/events/nowhere/on-the-day").status_code == 404

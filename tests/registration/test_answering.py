"""Requests for a place, answered several at once; and how people get in elsewhere or without registering."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_event, make_registration
from tests.registration.conftest import Desk, invitation
from workshops.evidence.rules import PEOPLE_COLUMNS
from workshops.registration.models import Registration
from workshops.schedule.models import Event
from workshops.schedule.rules.questions import Question, kept_questions

PATH = "/staff/events/a-table/people"


def asking(session: Session, number: int, **more: Any) -> tuple[Event, list[int]]:
    event = make_event(session, **{"slug": "a-table", "booking": "by_approval", "capacity_in_person": 2, **more})
    people = [
        make_registration(session, event, state="requested", email=f"p{one}@example.org") for one in range(number)
    ]
    return event, [one.id for one in people]


def test_several_are_let_in_in_the_order_in_which_they_asked_and_each_is_told_once(
    session: Session, desk: Desk, staff: Any
) -> None:
    event, ids = asking(session, 4)
    browser = staff("organiser")
    assert "Answer 4 requests" in browser.get(PATH).text
    page = browser.get(f"{PATH}?state=requested").text
    assert page.count('type="checkbox"') == 4 and "Approve those ticked" in page
    for _ in range(2):
        sent = browser.send(f"{PATH}/answer", {"person": [ids[3], ids[0], ids[1]], "answer": "approve"})
        assert sent.status_code == 303
    assert desk.states(event) == {"p0": "confirmed", "p1": "confirmed", "p2": "requested", "p3": "waiting"}
    assert [mail.kind.rpartition("/")[2] for mail in desk.mails()] == [
        "place_confirmed", "place_confirmed", "on_waiting_list",
    ]  # fmt: skip
    assert invitation(desk.mails("p0@example.org")[0])[0] == "REQUEST"
    shown = browser.get(f"{PATH}?state=requested").text
    assert "2 people have a place and 1 person is on the waiting list" in shown
    assert "3 had been answered already" in shown


def test_several_are_turned_down(session: Session, desk: Desk, staff: Any) -> None:
    event, ids = asking(session, 3)
    staff("organiser").send(f"{PATH}/answer", {"person": ids[:2], "answer": "decline"})
    assert desk.states(event) == {"p0": "declined", "p1": "declined", "p2": "requested"}
    assert desk.kinds() == ["request_declined", "request_declined"]


def test_without_a_waiting_list_those_too_many_stay_as_they_are(session: Session, desk: Desk, staff: Any) -> None:
    event, ids = asking(session, 3, has_waiting_list=False)
    browser = staff("organiser")
    browser.send(f"{PATH}/answer", {"person": ids, "answer": "approve"})
    assert desk.states(event) == {"p0": "confirmed", "p1": "confirmed", "p2": "requested"}
    assert "1 could not be let in, because all places are taken" in browser.get(f"{PATH}?state=requested").text


def test_nobody_ticked_or_somebody_elses_people_change_nothing(session: Session, desk: Desk, staff: Any) -> None:
    event, ids = asking(session, 1)
    other = make_registration(session, make_event(session), state="requested")
    stranger = other.id
    browser = staff("organiser")
    none = browser.send(f"{PATH}/answer", {"answer": "approve"})
    assert none.status_code == 422 and "Choose at least one person" in none.text and 'href="#person-0"' in none.text
    for wrong in (stranger, 987654, "x"):
        answer = browser.send(f"{PATH}/answer", {"person": [ids[0], wrong], "answer": "approve"})
        assert answer.status_code == 422
    assert desk.states(event) == {"p0": "requested"} and desk.mails() == []
    desk.clock.now += timedelta(days=400)
    assert "Approve those ticked" not in browser.get(f"{PATH}?state=requested").text
    assert session.get_one(Registration, stranger).state == "requested"


def test_by_approval_is_said_on_each_page(client: FormClient, session: Session) -> None:
    make_event(session, slug="a-table", booking="by_approval")
    page = client.get("/events/a-table").text
    assert "Register your interest" in page and "reads every request" in page
    form = client.get("/events/a-table/register").text
    assert "Register your interest in" in form and "Send my request" in form
    sent = client.send("/events/a-table/register", {"name": "Ann Example", "email": "ann@example.org"})
    assert sent.location == "/events/a-table/registered/requested"
    assert "You have asked for a place" in client.get(sent.location).text


def test_registration_elsewhere_leads_there_and_says_so(client: FormClient, session: Session) -> None:
    make_event(session, slug="a-table", booking="elsewhere", booking_url="https://tickets.example.org/7")
    page = client.get("/events/a-table").text
    assert "on another website, tickets.example.org. The button opens it." in page
    button = re.search(r'href="https://tickets.example.org/7"[^>]*>(.*?)</a>', page)
    assert button and "Register on tickets.example.org" in button[1] and "opens another website" in button[1]
    form = client.get("/events/a-table/register")
    assert form.status_code == 200 and 'name="email"' not in form.text
    assert "Registration for this event is on another website." in form.text
    assert 'href="https://tickets.example.org/7"' in form.text
    assert client.send("/events/a-table/register", {"name": "A", "email": "a@example.org"}).status_code == 422


def test_without_registration_there_is_no_form(client: FormClient, session: Session) -> None:
    make_event(session, slug="a-table", booking="none")
    page = client.get("/events/a-table").text
    assert "No registration needed" in page and "You do not need to register for this event." in page
    assert "/events/a-table/register" not in page
    form = client.get("/events/a-table/register").text
    assert "You do not need to register" in form and 'name="email"' not in form


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "json"])
def test_answers_come_after_the_promised_columns_of_a_download(
    session: Session, staff: Any, file_format: str, tmp_path: Any
) -> None:
    questions = kept_questions((
        Question("Which table?", "choice", ("Housing", "=1+1")),
        Question("Are you well?", "choice", ("Yes", "No"), is_personal=True, reason="To plan"),
        Question("Which days?", "choices", ("Monday", "Friday")),
    ))  # fmt: skip
    event = make_event(session, slug="a-table", questions=questions)
    make_registration(session, event, answers={"Which days?": ["Monday", "Friday"], "Are you well?": "Yes",
                                               "Which table?": "=1+1", "Gone?": "Old"})  # fmt: skip
    answer = staff("organiser").send(f"{PATH}.{file_format}")
    assert answer.status_code == 200
    if file_format == "json":
        (person,) = json.loads(answer.data)
        assert tuple(person) == (*PEOPLE_COLUMNS, "answers")
        assert person["answers"] == {"Which table?": "=1+1", "Which days?": "Monday; Friday"}
        return
    if file_format == "csv":
        head, row = answer.data.decode("utf-8-sig").splitlines()
        assert head == ",".join((*PEOPLE_COLUMNS, "Which table?", "Which days?"))
        assert row.endswith(",'=1+1,Monday; Friday")
        return
    (tmp_path / "people.xlsx").write_bytes(answer.data)
    sheet = openpyxl.load_workbook(tmp_path / "people.xlsx").active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[0] == [*PEOPLE_COLUMNS, "Which table?", "Which days?"]
    assert cells[1][-2:] == ["=1+1", "Monday; Friday"]

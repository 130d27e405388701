"""A list of people from a spreadsheet: looked at row by row, all or nothing, and never twice."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from openpyxl import Workbook
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_event
from tests.journeys.person import Person
from tests.registration.conftest import Desk
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.models import Registration
from workshops.schedule.models import Event

EVENTBRITE = """Order #,First Name,Last Name,Email,Company,Ticket Type
1,Ann,Example,ann@example.org,A council,General
2,Bea,Example,BEA@example.org ,,General
3,Cat,Example,cat@example.org,,General
"""


@pytest.fixture
def event(session: Session, desk: Desk) -> Event:
    made = make_event(session, slug="table", capacity_in_person=2)
    desk.register(made, "bea@example.org", name="Bea Example")
    desk.deliver()
    return made


@pytest.fixture
def browser(staff: Callable[..., FormClient]) -> FormClient:
    return staff("organiser")


def look(browser: FormClient, text: str | bytes, name: str = "people.csv", status: int = 200) -> Person:
    data = text.encode() if isinstance(text, str) else text
    answer = browser.send("/staff/events/table/people/import", {"file": (io.BytesIO(data), name), "action": "look"})
    assert answer.status_code == status, answer.text[:2000]
    page = Person(browser)
    page.path = "/staff/events/table/people/import"
    page._arrive(answer, status)
    return page


def test_a_list_is_looked_at_then_added_and_told(browser: FormClient, desk: Desk, event: Event) -> None:
    page = look(browser, EVENTBRITE)
    assert "1 get a place, 1 go on the waiting list, 1 are registered already." in page.words
    assert "These columns are left out: Order #, Ticket Type." in page.words
    assert desk.states(event) == {"bea": "confirmed"}, "nothing is saved yet"
    page.press("Add 2 people", 422)
    assert "Choose whether to email them" in page.words
    page.fill(tell="yes").press("Add 2 people")
    assert "2 people are added, 1 were registered already. They are told by email." in page.words
    assert desk.states(event) == {"bea": "confirmed", "ann": "confirmed", "cat": "waiting"}
    assert desk.person("ann@example.org").organisation == "A council"
    assert desk.kinds("ann@example.org") == ["place_confirmed"] and desk.kinds("cat@example.org") == ["on_waiting_list"]
    assert len(desk.mails("bea@example.org")) == 1
    again = look(browser, EVENTBRITE)
    assert "0 get a place, 0 go on the waiting list, 3 are registered already." in again.words


def test_nobody_is_told_when_that_is_chosen(browser: FormClient, desk: Desk, event: Event) -> None:
    page = look(browser, EVENTBRITE).fill(tell="no").press("Add 2 people")
    assert "Nobody was emailed." in page.words
    assert desk.kinds("ann@example.org") == [] and desk.states(event)["ann"] == "confirmed"
    assert desk.person("ann@example.org").invite_sequence is None
    # the link can be sent later
    who = desk.person("ann@example.org")
    Person(browser).open(f"/staff/events/table/people/{who.id}").press("Send their link again")
    assert len(desk.mails("ann@example.org")) == 1


def test_one_row_that_does_not_fit_keeps_all_of_it_out(
    browser: FormClient, desk: Desk, session: Session, event: Event
) -> None:
    rows = "Name,Email\nAnn,ann@example.org\n,bob@example.org\nDan,not an address\nAnn again,ANN@example.org\n"
    page = look(browser, rows, status=422)
    assert "3 rows do not fit" in page.words and "The name is missing" in page.words
    assert "The same address is in row 2" in page.words and "Enter an email address" in page.words
    assert not [form for form in page.seen.forms if "seal" in form.fields], "there is no button to save"
    assert session.query(Registration).count() == 1


@pytest.mark.parametrize(
    "content, name, words",
    [("", "x.csv", "The file is empty"), ("Email\na@example.org", "x.csv", "“Name” and “Email”"),
     ("Name,Email\n", "x.csv", "nobody below them"), (b"%PDF-1.7", "x.pdf", "This is a PDF"),
     (b"\x00" * 1000, "x.csv", "nothing but zeros"),
     ("Name,Email\n" + "".join(f"P,p{n}@example.org\n" for n in range(501)), "x.csv", "more than 500 people")],
)  # fmt: skip
def test_what_is_no_list_is_refused_in_words(
    browser: FormClient, event: Event, content: str | bytes, name: str, words: str
) -> None:
    assert words in look(browser, content, name, 422).words


def test_a_workbook_for_a_room_and_online(browser: FormClient, session: Session, desk: Desk) -> None:
    session.rollback()
    event = make_event(session, slug="table", mode="hybrid", capacity_in_person=1, capacity_online=1)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("Name", "E-mail", "Taking part"), ("=1+1 Ann", "ann@example.org", "Online"),
                ("Bob", "bob@example.org", "In person"), ("Cat", "cat@example.org", "by train")):  # fmt: skip
        sheet.append(row)
    sheet["A2"].data_type = "s"
    file = io.BytesIO()
    book.save(file)
    page = look(browser, file.getvalue(), "people.xlsx", 422)
    assert "Say “in person” or “online”" in page.words
    sheet["C4"] = "online"
    file = io.BytesIO()
    book.save(file)
    page = look(browser, file.getvalue(), "people.xlsx")
    page.fill(tell="no").press("Add 3 people")
    assert desk.states(event) == {"ann": "confirmed", "bob": "confirmed", "cat": "waiting"}


def test_what_has_changed_since_the_look_is_looked_at_again(browser: FormClient, desk: Desk, event: Event) -> None:
    page = look(browser, EVENTBRITE)
    desk.register(event, "dan@example.org", name="Dan Example")
    page.fill(tell="no").press("Add 2 people", 422)
    assert "Something has changed since you looked" in page.words
    assert "0 get a place, 2 go on the waiting list" in page.words
    page.fill(tell="no").press("Add 2 people")
    assert desk.states(event)["ann"] == "waiting"


def test_a_file_that_somebody_made_up_is_no_way_round_the_look(desk: Desk, event: Event) -> None:
    with pytest.raises(DomainError, match="Look again"), transaction() as session:
        service.add_people(session, event_id=event.id, data=EVENTBRITE.encode(), filename="x.csv", seal="wrong",
                           is_told=False, now=desk.clock.now, settings=desk.settings, actor=desk.actor)  # fmt: skip
    assert set(desk.states(event)) == {"bea"}
    assert re.fullmatch("[0-9a-f]{24}", read(desk, event).seal)


def read(desk: Desk, event: Event) -> service.PeopleList:
    desk.session.rollback()
    return service.read_people(desk.session, desk.session.get_one(Event, event.id), data=EVENTBRITE.encode(),
                               filename="x.csv", now=desk.clock.now)  # fmt: skip

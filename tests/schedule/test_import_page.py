"""The import page: a look at every row first, then a button; strange columns are asked about."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.conftest import FormClient
from tests.schedule.test_workbooks import ROW, workbook
from workshops.core.db import transaction
from workshops.messages.models import OutboxMessage
from workshops.schedule.models import Event

PAGE = "/staff/import"
Staff = Callable[..., FormClient]


def check(client: FormClient, data: bytes, filename: str = "events.xlsx", **fields: Any) -> TestResponse:
    return client.send(PAGE, {"file": (io.BytesIO(data), filename), **fields}, content_type="multipart/form-data")


def carried(answer: TestResponse) -> dict[str, str]:
    """The hidden fields of the first form with a file in it."""
    form = re.search(r'<form[^>]*>((?:(?!</form>).)*name="content".*?)</form>', answer.text, re.DOTALL)
    assert form is not None, answer.text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[1]))
    chosen = re.compile(r'<select[^>]* name="([^"]+)".*?<option value="([^"]*)" selected', re.DOTALL)
    fields |= dict(chosen.findall(form[1]))
    fields.pop("csrf_token")
    return fields


def titles(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(select(Event.title).order_by(Event.id)))


def test_a_workbook_is_looked_at_and_then_imported(session: Session, staff: Staff) -> None:
    client = staff("organiser")
    answer = check(client, workbook(ROW))
    assert answer.status_code == 200 and "1 new, 0 changed, 0 unchanged" in answer.text
    assert "Tuesday 4 May 2027" in answer.text and "will be a draft" in answer.text
    assert titles(session) == []
    fields = carried(answer) | {"action": "import"}
    done = client.send(PAGE, fields)
    assert done.status_code == 303 and titles(session) == ["Open day"]
    again = client.send(PAGE, fields | {"seal": ""})
    assert again.status_code == 303 and titles(session) == ["Open day"]
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_changes_are_shown_before_and_after(session: Session, staff: Staff) -> None:
    client = staff("organiser")
    client.send(PAGE, carried(check(client, workbook(ROW))) | {"action": "import"})
    other = [*ROW[:5], "by approval", 12]
    answer = check(client, workbook(other))
    assert "booking: “first come” becomes “by approval”" in answer.text
    assert "capacity in person: nothing becomes “12”" in answer.text


def test_what_was_changed_since_the_look_is_shown_again_and_not_saved(session: Session, staff: Staff) -> None:
    client = staff("organiser")
    client.send(PAGE, carried(check(client, workbook(ROW))) | {"action": "import"})
    fields = carried(check(client, workbook([*ROW[:5], "by approval", ""]))) | {"action": "import"}
    with transaction() as writing:
        writing.scalars(select(Event)).one().capacity_in_person = 5
    answer = client.send(PAGE, fields)
    assert answer.status_code == 422 and "changed since you looked" in answer.text
    assert "capacity in person: “5” becomes nothing" in answer.text
    session.rollback()
    assert session.scalars(select(Event.booking)).one() == "first_come"
    assert client.send(PAGE, carried(answer) | {"action": "import"}).status_code == 303


def test_strange_columns_are_asked_about_with_a_guess(session: Session, staff: Staff) -> None:
    client = staff("organiser")
    data = workbook(["Open day", "14/11/2027", "10:00", "red"],
                    header=["Event name", "Event date", "Event start time", "Colour"])  # fmt: skip
    answer = check(client, data)
    assert answer.status_code == 422
    assert "these columns are not known: event name, event date, event start time, colour" in answer.text
    fields = carried(answer)
    assert [fields[f"column-{number}"] for number in range(4)] == ["title", "start_date", "start_time", "-"]
    answer = client.send(PAGE, fields | {"all-kind": "workshop", "all-mode": "online", "all-booking": "none",
                                         "action": "check"})  # fmt: skip
    assert answer.status_code == 200 and "Sunday 14 November 2027, 10am" in answer.text
    assert client.send(PAGE, carried(answer) | {"action": "import"}).status_code == 303
    assert titles(session) == ["Open day"]


def test_five_hundred_rows_come_in_pages_with_problems_first(session: Session, staff: Staff) -> None:
    client = staff("organiser")
    rows = [[f"Event {number}", *ROW[1:]] for number in range(450)]
    rows[-1] = ["Wrong", "séance", *ROW[2:]]
    answer = check(client, workbook(*rows))
    assert answer.status_code == 422 and answer.text.count('<td class="site-numeric">') == 200
    assert answer.text.index("séance") < answer.text.index("Event 0")
    assert "Rows 1 to 200 of 450, those that do not fit first" in answer.text
    last = client.send(PAGE, carried(answer) | {"page": "3"})
    assert last.text.count('<td class="site-numeric">') == 50 and "More rows" not in last.text
    for nonsense in ("0", "-1", "x", "99999999", "²"):
        assert client.send(PAGE, carried(answer) | {"page": nonsense}).status_code == 422
    assert titles(session) == []


def test_a_gigabyte_is_refused_before_it_is_read(staff: Staff) -> None:
    client = staff("organiser")
    answer = client.post(PAGE, environ_overrides={"CONTENT_LENGTH": "1000000000"},
                         content_type="multipart/form-data; boundary=x")  # fmt: skip
    assert answer.status_code == 413


def test_only_organisers_and_admins_may(staff: Staff) -> None:
    for role in ("viewer", "facilitator"):
        assert staff(role).get(PAGE).status_code == 403
    assert staff("admin").get(PAGE).status_code == 200

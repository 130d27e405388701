"""Files of people and events, from a real database."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.orm import Session

from tests.factories import BEGINNING, make_event, make_programme, make_registration
from workshops.attendance.models import AttendanceMark
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.evidence import exports
from workshops.evidence.rules import PEOPLE_COLUMNS
from workshops.followup.models import WriteUp
from workshops.registration.models import Needs, Registration
from workshops.schedule import service as schedule
from workshops.schedule.models import Event
from workshops.schedule.rules.spreadsheet import COLUMNS, OPTIONAL_COLUMNS


def people(session: Session, event: Event, file_format: str, bom: bool = False) -> bytes:
    file = io.BytesIO()
    exports.write_people(session, event, file, file_format=file_format, bom=bom)
    return file.getvalue()


@pytest.fixture
def event(session: Session, clock: Any) -> Event:
    """Four people: one came, two wait, one cancelled; one of them is named like a formula and has needs."""
    event = make_event(session, mode="hybrid")
    came = make_registration(session, event, name="=1+1", email="first@example.org", organisation="+44 131 496 0000")
    session.add(AttendanceMark(registration_id=came.id, status="part", marked_at=clock.now))
    session.add(Needs(registration_id=came.id, access_needs="a hearing loop", dietary_needs="vegan"))
    late = BEGINNING + timedelta(days=2)
    make_registration(session, event, state="waiting", email="second@example.org", waiting_since=late)
    make_registration(session, event, state="waiting", email="third@example.org")
    make_registration(session, event, state="cancelled", email="fourth@example.org", attending="online")
    session.commit()
    return event


def test_the_columns_and_their_values(session: Session, event: Event) -> None:
    rows = list(csv.reader(io.StringIO(people(session, event, "csv").decode())))
    assert tuple(rows[0]) == PEOPLE_COLUMNS
    assert PEOPLE_COLUMNS == tuple(
        "reference name email organisation attending state position attendance registered_at".split()
    )
    by_email = {row[2]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert [row[2] for row in rows[1:]] == [f"{n}@example.org" for n in ("first", "second", "third", "fourth")]
    first = by_email["first@example.org"]
    assert (first["state"], first["position"], first["attendance"]) == ("confirmed", "", "part")
    assert (first["name"], first["organisation"]) == ("'=1+1", "'+44 131 496 0000")
    assert by_email["second@example.org"]["position"] == "2"
    assert by_email["third@example.org"]["position"] == "1"
    assert by_email["fourth@example.org"] | {"attending": "online", "position": ""} == by_email["fourth@example.org"]
    assert datetime.strptime(first["registered_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).date() == date(
        2027, 3, 1
    )


def test_csv_has_a_byte_order_mark_in_downloads_only_and_crlf_always(session: Session, event: Event) -> None:
    plain = people(session, event, "csv")
    assert not plain.startswith(exports.BOM) and plain.count(b"\r\n") == 5 == plain.count(b"\n")
    assert people(session, event, "csv", bom=True) == exports.BOM + plain


def test_xlsx_holds_no_formula(session: Session, event: Event) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(people(session, event, "xlsx"))).active
    cells = [list(row) for row in sheet.iter_rows()]
    assert tuple(cell.value for cell in cells[0]) == PEOPLE_COLUMNS
    assert cells[1][1].value == "=1+1" and cells[1][1].data_type == "s"
    assert cells[2][6].value == 2 and cells[1][6].value is None
    assert all(cell.data_type != "f" for row in cells for cell in row)


def test_json_is_a_list_of_people(session: Session, event: Event) -> None:
    found = json.loads(people(session, event, "json"))
    assert [tuple(person) for person in found] == [PEOPLE_COLUMNS] * 4
    assert (found[0]["name"], found[0]["position"], found[0]["attendance"]) == ("=1+1", None, "part")
    assert (found[1]["position"], found[1]["attendance"]) == (2, None)


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "json"])
def test_needs_and_other_events_are_in_no_export(session: Session, event: Event, file_format: str) -> None:
    make_registration(session, make_event(session), email="elsewhere@example.org")
    content = people(session, event, file_format)
    if file_format == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        content = repr([[cell.value for cell in row] for row in sheet.iter_rows()]).encode()
    for hidden in (b"hearing loop", b"vegan", b"elsewhere"):
        assert hidden not in content


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "json"])
def test_nobody_is_a_file_too(session: Session, file_format: str) -> None:
    content = people(session, make_event(session), file_format)
    if file_format == "json":
        assert json.loads(content) == []
    elif file_format == "csv":
        assert content.decode().strip() == ",".join(PEOPLE_COLUMNS)


def test_many_people_take_little_memory(session: Session, tmp_path: Any) -> None:
    event = make_event(session, capacity_in_person=None)
    template = {"event_id": event.id, "attending": "in_person", "state": "confirmed", "answers": {}}
    session.execute(
        insert(Registration),
        [
            {
                **template,
                "reference": f"M{number}",
                "name": f"Example Person {number}",
                "email": f"person{number}@example.org",
                "email_key": f"person{number}@example.org",
                "registered_at": BEGINNING,
                "state_changed_at": BEGINNING,
            }
            for number in range(10_000)
        ],
    )
    session.commit()
    key = event.id
    session.expunge_all()
    event = session.get_one(Event, key)
    for file_format in ("csv", "xlsx", "json"):
        with (tmp_path / file_format).open("wb") as file:
            tracemalloc.start()
            exports.write_people(session, event, file, file_format=file_format)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 8_000_000, file_format
    lines = (tmp_path / "csv").read_bytes().splitlines()
    assert len(lines) == 10_001 and lines[1].startswith(b"M0,") and lines[-1].startswith(b"M9999,")


# --- events --------------------------------------------------------------------------------------------------


def events_csv(session: Session) -> bytes:
    file = io.BytesIO()
    exports.write_events_csv(session, file)
    return file.getvalue()


def read_back(content: bytes, settings: Settings, now: datetime) -> schedule.ImportReport:
    with transaction() as writing:
        return schedule.import_rows(
            writing,
            text_or_bytes=content,
            filename="events.csv",
            publish=False,
            dry_run=False,
            now=now,
            actor=COMMAND,
            settings=settings,
        )


def test_what_is_exported_is_unchanged_when_it_is_imported_again(
    session: Session, settings: Settings, clock: Any
) -> None:
    week = make_programme(session)
    past = make_event(session, starts_at=clock.now - timedelta(days=40), programme_id=week.id, reported_attended=200)
    make_event(session, starts_at=None, month="2016-11", booking="closed", title="+1 for history")
    make_event(session, starts_at=None, starts_on=date(2027, 5, 1), ends_on=date(2027, 5, 3))
    make_event(session, state="draft", title="'=quoted", description="two\nlines", opens_at=clock.now)
    session.add(
        WriteUp(
            event_id=past.id,
            uid=uuid.uuid4().urn,
            title="=A title that would run",
            url="https://example.org/",
            state="published",
            created_at=clock.now,
            updated_at=clock.now,
        )
    )
    session.commit()
    content = events_csv(session)
    header = content.decode().splitlines()[0].split(",")
    assert tuple(header) == (*COLUMNS, *OPTIONAL_COLUMNS)
    assert "'=A title that would run" in content.decode()
    report = read_back(content, settings, clock.now)
    assert report.problems == ()
    assert [row.outcome for row in report.rows] == ["unchanged"] * 4
    assert events_csv(session) == content


plain = st.text(alphabet="abc '=+-@,;\"é\u200d", max_size=12)


@given(title=plain.filter(str.strip), summary=plain, write_up=plain)
@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_survives_the_round_through_a_spreadsheet(
    session: Session, settings: Settings, clock: Any, title: str, summary: str, write_up: str
) -> None:
    made = make_event(session, title=title.strip(), summary=summary.strip())
    session.add(
        WriteUp(
            event_id=made.id,
            uid=uuid.uuid4().urn,
            title=write_up.strip() or "A blog",
            state="drafted",
            created_at=clock.now,
            updated_at=clock.now,
        )
    )
    session.commit()
    before = events_csv(session)
    report = read_back(before, settings, clock.now)
    assert report.problems == () and report.count("unchanged") == len(report.rows)
    assert events_csv(session) == before


def test_the_calendar_holds_what_has_a_day_and_no_drafts(session: Session, settings: Settings) -> None:
    shown = make_event(session, title="Shown")
    make_event(session, title="A draft", state="draft")
    make_event(session, title="History", starts_at=None, month="2016-11")
    file = io.BytesIO()
    exports.write_events_ics(session, file, settings=settings)
    content = file.getvalue().decode()
    assert content.count("BEGIN:VEVENT") == 1 and f"UID:{shown.uid}" in content
    assert "A draft" not in content and "History" not in content

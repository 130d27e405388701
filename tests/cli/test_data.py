"""Data in and out: spreadsheets and calendars of events, and the whole instance from one engine into the other."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from tests.cli.conftest import Run
from tests.conftest import FakeClock, FormClient, Running, _put_back
from tests.factories import make_account, make_event, sign_in
from tests.journeys.letters import letters
from tests.journeys.person import Person
from workshops.audit.models import AuditEntry
from workshops.cli.demo import SPREADSHEET
from workshops.config import Settings
from workshops.core.db import db
from workshops.schedule.models import Event

COLUMNS = SPREADSHEET.read_text("utf-8").splitlines()[0]
ROW = "A day,,workshop,Example Host,2027-06-01T10:00,2027-06-01T12:00,,,,,in person,first come"


@pytest.fixture
def other(engine_name: str, running_apps: Callable[[str], Running]) -> Iterator[Running]:
    """The empty application on the other engine."""
    found = running_apps("postgresql" if engine_name == "sqlite" else "sqlite")
    with found.app.app_context():
        _put_back(found)
    yield found
    with found.app.app_context():
        _put_back(found)
        db.session.remove()


def run_at(running: Running, *arguments: object) -> Any:
    with running.app.app_context():
        return running.app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])


def last_line(answer: Any) -> str:
    assert answer.exit_code == 0, answer.output
    return str(answer.stdout.splitlines()[-1])


def test_the_real_spreadsheet_goes_in_once_and_comes_out_the_same_on_both_engines(
    run: Run, other: Running, tmp_path: Path, session: Session
) -> None:
    nothing_saved = "22 new, 0 changed, 0 unchanged (dry run: nothing was saved)"
    assert last_line(run("events", "import", SPREADSHEET, "--dry-run")) == nothing_saved
    assert session.scalar(sa.select(sa.func.count()).select_from(Event)) == 0
    session.rollback()
    assert last_line(run("events", "import", SPREADSHEET)) == "22 new, 0 changed, 0 unchanged"
    assert last_line(run("events", "import", SPREADSHEET)) == "0 new, 0 changed, 22 unchanged"
    out = tmp_path / "out.csv"
    out.write_bytes(run("events", "export").stdout_bytes)
    assert out.read_bytes().startswith(b"title,") and out.read_text("utf-8").splitlines()[0].startswith(COLUMNS)
    assert last_line(run("events", "import", out)) == "0 new, 0 changed, 22 unchanged"
    assert run("events", "export").stdout_bytes == out.read_bytes()
    assert last_line(run_at(other, "events", "import", out)) == "22 new, 0 changed, 0 unchanged"
    elsewhere = run_at(other, "events", "export").stdout_bytes
    # a UID from elsewhere is kept for recognition only; everything else is the same, in the same order
    assert without_uid(elsewhere) == without_uid(out.read_bytes())
    assert last_line(run_at(other, "events", "import", out)) == "0 new, 0 changed, 22 unchanged"


def without_uid(content: bytes) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
    assert all(row.pop("uid") for row in rows)
    return rows


def test_a_calendar_goes_round(run: Run, other: Running, session: Session, tmp_path: Path) -> None:
    make_event(session, title="Shown", summary="Comma, semicolon; and more", description="Two\n\nparagraphs")
    make_event(session, title="Draft", state="draft")
    out = tmp_path / "out.ics"
    out.write_bytes(run("events", "export", "--format", "ics").stdout_bytes)
    assert out.read_bytes().startswith(b"BEGIN:VCALENDAR\r\n") and out.read_bytes().count(b"BEGIN:VEVENT") == 1
    assert last_line(run("events", "import", out)) == "0 new, 0 changed, 1 unchanged"
    assert last_line(run_at(other, "events", "import", out)) == "1 new, 0 changed, 0 unchanged"


@pytest.mark.parametrize(("options", "state"), ((("--publish",), "published"), ((), "draft")))
def test_upcoming_events_stay_drafts_unless_they_are_to_be_published(
    run: Run, session: Session, tmp_path: Path, options: tuple[str, ...], state: str
) -> None:
    file = tmp_path / "one.csv"
    file.write_text(f"{COLUMNS}\n{ROW}{',' * 10}\n")
    run("events", "import", file, *options)
    assert session.scalars(sa.select(Event.state)).all() == [state]


@pytest.mark.parametrize(
    ("content", "sentence"),
    (
        (b"", "The file is empty."),
        (COLUMNS.encode(), "no row below"),
        (f"{COLUMNS},colour\n{ROW}\n".encode(), "This column is not known: colour."),
        (f"{COLUMNS}\n{ROW}\n{ROW.replace('A day', 'Later').replace('T12', 'T09')}\n".encode(), "end after it starts"),
        (f"{COLUMNS}\n{ROW}\n{ROW.replace('A day', 'Later').replace('06-01', '13-45')}\n".encode(), "no date or time"),
        (f"{COLUMNS}\n{ROW}\n{ROW},-1\n".encode(), "cannot be less than 0"),
        (f"{COLUMNS}\n{ROW}\n\x81".encode("latin-1"), "form of text that is not known"),
        (f"{COLUMNS}\n".encode() + b"x" * 10_000_000, "larger than 5 MB"),
        (f'{COLUMNS}\n"A day'.encode(), "a quotation mark is not closed"),
        (b"PK\x03\x04" + b"\0" * 100, "The workbook is damaged"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "breaks off"),
    ),
)
def test_a_file_that_does_not_fit_saves_nothing_and_says_why(
    run: Run, session: Session, tmp_path: Path, content: bytes, sentence: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    answer = run("events", "import", file)
    assert answer.exit_code == 1
    assert sentence in answer.stderr and "Nothing was saved" in answer.stderr
    assert session.scalar(sa.select(sa.func.count()).select_from(Event)) == 0


def test_after_a_move_to_the_other_engine_links_calendars_and_sign_ins_go_on(
    run: Run, other: Running, app: Flask, session: Session, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    event = make_event(session, slug="a-day", title="A day together")
    uid = event.uid
    staff = app.test_client()
    assert isinstance(staff, FormClient)
    sign_in(session, staff, make_account(session, role="organiser", now=clock.now), now=clock.now)
    person = Person(app.test_client()).open("/events/a-day/register")
    person.fill(name="Ann Example", email="ann@example.org").press("Register")
    assert run("worker", "--once").stdout == "1 message taken in hand.\n"
    place = letters(settings.mail_folder)[0].place
    person.open(place).press("Make my calendar address")
    calendar = re.search(r"/calendars/[\w-]+\.ics", person.answer.text)
    assert calendar is not None
    clock.advance(minutes=5)
    last_modified = person.client.get("/calendar.ics").headers["Last-Modified"]

    clock.advance(minutes=5)
    file = tmp_path / "everything.zip"
    assert "rows are written into" in last_line(run("backup", file))
    assert last_line(run_at(other, "restore", file)).endswith("rows are restored.")
    again = run_at(other, "restore", file)
    assert again.exit_code == 1 and "This database is not empty" in again.stderr

    clock.advance(minutes=5)
    elsewhere = Person(other.app.test_client()).open(place)
    assert elsewhere.heading == "A day together" or "A day together" in elsewhere.words
    feed = elsewhere.client.get(calendar.group())
    assert feed.status_code == 200 and uid.encode() in feed.data
    whole = elsewhere.client.get("/calendar.ics")
    assert uid.encode() in whole.data and _instant(whole.headers["Last-Modified"]) > _instant(last_modified)
    cookie = staff.get_cookie("session", domain="localhost")
    assert cookie is not None
    moved = other.app.test_client()
    moved.set_cookie("session", cookie.value)
    assert moved.get("/staff/").status_code == 200
    with other.app.app_context():
        newest = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert newest is not None and (newest.action, newest.actor_kind) == ("restored", "command")
        db.session.remove()


def _instant(header: str) -> Any:
    from email.utils import parsedate_to_datetime

    return parsedate_to_datetime(header)


def test_a_backup_that_is_cut_off_or_holds_strange_names_restores_nothing(
    run: Run, session: Session, tmp_path: Path
) -> None:
    whole, cut, strange = tmp_path / "whole.zip", tmp_path / "cut.zip", tmp_path / "strange.zip"
    run("backup", whole)
    cut.write_bytes(whole.read_bytes()[:-200])
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(strange, "w") as copy:
        for name in archive.namelist():
            copy.writestr(f"../{name}", archive.read(name))
    for file in (cut, strange):
        answer = run("restore", file)
        assert answer.exit_code == 1 and "Nothing was restored." in answer.stderr
    assert sorted(file.name for file in tmp_path.iterdir() if file.suffix in (".jsonl", ".json")) == []
    assert not (tmp_path.parent / "manifest.json").exists()
    assert session.scalars(sa.select(AuditEntry.action)).all() == []


def test_a_workbook_goes_round(run: Run, session: Session, tmp_path: Path) -> None:
    make_event(session, title="=Sum of us", joining_link="https://example.org/join")
    out = tmp_path / "out.xlsx"
    out.write_bytes(run("events", "export", "--format", "xlsx").stdout_bytes)
    assert last_line(run("events", "import", out)) == "0 new, 0 changed, 1 unchanged"


def test_strange_columns_are_matched_by_options(run: Run, session: Session, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("Event name,When,Colour\nA day,1 June 2027 10am,red\n")
    refused = run("events", "import", file)
    assert refused.exit_code == 1 and "Did you mean title for event name?" in refused.stderr
    matched = ("--column", "Event name=title", "--column", "When=starts", "--column", "Colour=")
    every = ("--all", "kind=workshop", "--all", "mode=online", "--all", "booking=none")
    assert last_line(run("events", "import", file, *matched, *every)) == "1 new, 0 changed, 0 unchanged"
    assert session.scalars(sa.select(Event.title)).all() == ["A day"]
    for wrong in (("--column", "When=colour"), ("--column", "When"), ("--all", "title=x")):
        assert run("events", "import", file, *wrong).exit_code == 2


def test_a_gigabyte_of_zeros_is_refused_and_never_read_whole(run: Run, session: Session, tmp_path: Path) -> None:
    file = tmp_path / "zeros.csv"
    with file.open("wb") as opened:
        opened.truncate(1_000_000_000)  # takes no room on the disk
    tracemalloc.start()
    try:
        answer = run("events", "import", file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.exit_code == 1 and "larger than 5 MB" in answer.stderr
    assert peak < 30_000_000

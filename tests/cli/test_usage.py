"""Every command: its help, its exit status, and that nothing but its answer stands on standard output."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.cli.conftest import Run
from tests.conftest import test_settings as settings_for
from tests.factories import make_event, make_registration
from workshops.app import create_app
from workshops.evidence.rules import PEOPLE_COLUMNS

COMMANDS = (
    "serve",
    "worker",
    "demo load",
    "events import",
    "events export",
    "accounts create",
    "registrations export",
    "check",
    "backup",
    "restore",
    "purge",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str, engine_name: str) -> None:
    answer = run(*command.split(), "--help")
    assert answer.exit_code == 0
    assert answer.stdout.startswith("Usage:") and not answer.stderr
    assert run(*command.split(), "--no-such-option").exit_code == 2


@pytest.mark.parametrize(
    "wrong",
    (
        "frobnicate",
        "events import",
        "events export --format xml",
        "accounts create",
        "accounts create a@example.org",
        "accounts create a@example.org --role boss",
        "registrations export",
        "registrations export x --format pdf",
        "backup",
        "restore",
        "demo load --scale 0",
        "serve --port 0",
        "serve --port eighty",
        "serve --workers 0",
        "worker now",
    ),
)
def test_wrong_usage_ends_with_2_and_says_what(run: Run, wrong: str, engine_name: str) -> None:
    answer = run(*wrong.split())
    assert answer.exit_code == 2
    assert "Error: " in answer.stderr and not answer.stdout


@pytest.mark.parametrize(
    ("refused", "sentence"),
    (
        ("events import no-such-file.csv", "no-such-file.csv cannot be read: No such file or directory."),
        ("events import .", ". cannot be read: Is a directory."),
        ("accounts create nobody --role admin", "Enter an email address"),
        ("registrations export no-such-event", "There is no event “no-such-event”."),
        ("restore no-such-file.zip", "There is no file no-such-file.zip."),
        ("restore .", ". cannot be read: Is a directory."),
        ("backup no-such-folder/file.zip", "cannot be written: No such file or directory."),
    ),
)
def test_what_cannot_be_done_ends_with_1_and_one_sentence(run: Run, refused: str, sentence: str) -> None:
    answer = run(*refused.split())
    assert answer.exit_code == 1
    assert sentence in answer.stderr and answer.stderr.startswith("Error: ") and answer.stderr.rstrip().endswith(".")
    assert not answer.stdout


def test_an_account_is_made_once_and_only_its_link_is_printed(run: Run) -> None:
    answer = run("accounts", "create", "you@example.org", "--role", "admin")
    assert answer.exit_code == 0 and not answer.stderr
    assert answer.stdout.startswith("http://localhost/staff/link/") and answer.stdout.count("\n") == 1
    again = run("accounts", "create", "YOU@example.org", "--role", "viewer")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == "Error: There is already an account with this email address.\n"


def test_people_come_out_as_csv_xlsx_and_json(run: Run, session: Session) -> None:
    event = make_event(session, slug="a-day")
    make_registration(session, event, name="=Ann Example", organisation="Straße")
    make_registration(session, event, state="waiting")
    plain = run("registrations", "export", "a-day")
    rows = list(csv.DictReader(io.StringIO(plain.stdout_bytes.decode("utf-8"))))
    assert tuple(rows[0]) == PEOPLE_COLUMNS
    assert [row["name"] for row in rows][0] == "'=Ann Example"
    assert [row["position"] for row in rows] == ["", "1"]
    people = json.loads(run("registrations", "export", "a-day", "--format", "json").stdout_bytes)
    assert [person["name"] for person in people][0] == "=Ann Example"
    workbook = run("registrations", "export", "a-day", "--format", "xlsx").stdout_bytes
    cells = list(openpyxl.load_workbook(io.BytesIO(workbook)).active.values)
    assert cells[1][PEOPLE_COLUMNS.index("name")] == "=Ann Example"


def test_everything_in_order_and_a_worker_with_nothing_to_do(run: Run) -> None:
    assert run("check").stdout == "Settings, database, migrations, mail and assets are in order.\n"
    assert run("worker", "--once").stdout == "0 messages taken in hand.\n"


@pytest.mark.parametrize(
    "command",
    (
        "events export",
        "events import {file}",
        "accounts create a@example.org --role admin",
        "registrations export x",
        "backup {folder}/b.zip",
        "restore {file}",
        "worker --once",
        "purge",
        "demo load",
        "serve --port 1",
        "check",
    ),
)
def test_a_database_that_is_not_set_up_is_said_before_anything_else(tmp_path: Path, command: str) -> None:
    file = tmp_path / "file"
    file.write_text("title\n")
    answer = _alone(tmp_path).test_cli_runner().invoke(args=command.format(folder=tmp_path, file=file).split())
    assert answer.exit_code == 1
    said = answer.stdout if command == "check" else answer.stderr
    assert "The database is not set up yet" in said and "flask db upgrade" in said
    assert command == "check" or not answer.stdout


@pytest.mark.parametrize(
    ("url", "reason"),
    (
        ("postgresql://u:hush@127.0.0.1:1/events", "Connection refused."),
        ("sqlite:////no-such-folder/x.sqlite3", "unable to open database file."),
        ("sqlite:///text.txt", "file is not a database."),
    ),
)
def test_a_database_that_does_not_answer_is_said_with_the_reason(tmp_path: Path, url: str, reason: str) -> None:
    (tmp_path / "text.txt").write_text(
        "This is text, and long enough to be taken for the first page of a database." * 9
    )
    app = _alone(tmp_path, url)
    for command in ("check", "events export"):
        answer = app.test_cli_runner().invoke(args=command.split())
        assert answer.exit_code == 1
        assert "The database does not answer: " in answer.output and reason in answer.output
        assert "hush" not in answer.output


def _alone(folder: Path, url: str | None = None) -> Flask:
    return create_app(settings_for(folder, url))

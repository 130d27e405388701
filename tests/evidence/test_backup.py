"""Backup and restore: from either engine into either, row by row, all or nothing."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from tests.factories import make_account, make_event, make_programme, make_registration
from workshops.attendance.models import AttendanceMark
from workshops.audit import service as audit
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import Base, db, make_engine
from workshops.evidence.backup import BackupRefused, restore_backup, tables, write_backup
from workshops.followup.models import WriteUp
from workshops.registration.models import Needs


@pytest.fixture
def filled(session: Session, clock: Any) -> None:
    """Something in every kind of column: texts with accents, bytes, dates, instants, JSON, booleans."""
    owner = make_account(session, role="facilitator")
    event = make_event(
        session,
        title="Còmhla “together”",
        programme_id=make_programme(session).id,
        owner_id=owner.id,
        questions=["What brings you here?"],
        description="line\nline",
    )
    make_event(session, starts_at=None, month="2016-11", booking="closed")
    person = make_registration(session, event, answers={"1": "A question of mine"}, organisation="=1+1")
    session.add(Needs(registration_id=person.id, access_needs="step-free", dietary_needs=""))
    session.add(AttendanceMark(registration_id=person.id, status="part", marked_at=clock.now, marked_by=owner.id))
    session.add(
        WriteUp(
            event_id=event.id,
            uid="urn:uuid:1",
            title="A blog",
            url="https://example.org/",
            state="published",
            due_on=clock.now.date(),
            published_on=clock.now.date(),
            created_at=clock.now,
            updated_at=clock.now,
        )
    )
    audit.record(session, now=clock.now, actor=COMMAND, action="tested", subject=("event", event.id))
    session.commit()


@pytest.fixture
def empty(
    app: Flask, engine_name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], sa.Engine]]:
    """empty("sqlite") or empty("postgresql"): a migrated database without anything in it, beside the test's own."""
    made: list[sa.Engine] = []

    def make(engine: str) -> sa.Engine:
        from tests.conftest import _put_back  # the same way back to a migrated, empty database

        running = request.getfixturevalue("running_apps")(engine)
        if engine == "sqlite":
            file = tmp_path / f"empty{len(made)}.sqlite3"
            shutil.copy(running.pristine, file)
            url = f"sqlite:///{file}"
        elif engine == engine_name:
            _put_back(running)
            url = running.settings.database_url
        else:
            with running.app.app_context():
                _put_back(running)
                db.session.remove()
                db.engine.dispose()
            url = running.settings.database_url
        made.append(make_engine(url))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def rows_of(engine: sa.Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a database, by table; the epoch is new after each restore and left out."""
    found = {}
    with engine.connect() as connection:
        for table in tables():
            columns = [column for column in table.columns if column.name != "epoch"]
            found[table.name] = [
                tuple(row) for row in connection.execute(sa.select(*columns).order_by(*table.primary_key))
            ]
    return found


def test_a_round_over_both_engines_changes_no_row(
    filled: None, app: Flask, engine_name: str, empty: Callable[[str], sa.Engine], settings: Settings, tmp_path: Path
) -> None:
    before = rows_of(db.engine)
    report = write_backup(db.engine, tmp_path / "one.zip", settings=settings)
    assert report.rows["events"] == 2 and report.rows["audit_entries"] == 1
    other = empty("postgresql" if engine_name == "sqlite" else "sqlite")
    assert restore_backup(other, tmp_path / "one.zip", settings=settings).rows == report.rows
    assert rows_of(other) == before
    write_backup(other, tmp_path / "two.zip", settings=settings)
    back = empty(engine_name)
    restore_backup(back, tmp_path / "two.zip", settings=settings)
    assert rows_of(back) == before


def test_numbering_goes_on_after_a_restore(
    filled: None, app: Flask, engine_name: str, empty: Callable[[str], sa.Engine], settings: Settings, tmp_path: Path
) -> None:
    write_backup(db.engine, tmp_path / "one.zip", settings=settings)
    other = empty("postgresql" if engine_name == "sqlite" else "sqlite")
    restore_backup(other, tmp_path / "one.zip", settings=settings)
    kinds = Base.metadata.tables["kinds"]
    with other.begin() as connection:
        highest = connection.execute(sa.select(sa.func.max(kinds.c.id))).scalar_one()
        made = connection.execute(
            sa.insert(kinds).values(name="picnic", slug="picnic").returning(kinds.c.id)
        ).scalar_one()
    assert made == highest + 1


def test_every_cache_starts_anew_after_a_restore(
    filled: None, empty: Callable[[str], sa.Engine], settings: Settings, tmp_path: Path
) -> None:
    version = Base.metadata.tables["public_version"]
    with db.engine.connect() as connection:
        before = connection.execute(sa.select(version)).one()
    write_backup(db.engine, tmp_path / "one.zip", settings=settings)
    other = empty("sqlite")
    restore_backup(other, tmp_path / "one.zip", settings=settings)
    with other.connect() as connection:
        after = connection.execute(sa.select(version)).one()
    assert after.version == before.version
    assert after.epoch != before.epoch


def test_a_backup_is_readable_by_its_owner_alone_and_replaces_the_last_one(
    filled: None, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "backup.zip"
    file.write_bytes(b"the last one")
    file.chmod(0o644)
    write_backup(db.engine, file, settings=settings)
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert zipfile.is_zipfile(file)
    assert list(tmp_path.glob(".backup*")) == []


def test_a_backup_into_a_folder_that_is_not_there_is_refused_in_words(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="cannot be written"):
        write_backup(db.engine, tmp_path / "nowhere" / "backup.zip", settings=settings)


def test_restore_wants_an_empty_database(filled: None, settings: Settings, tmp_path: Path) -> None:
    write_backup(db.engine, tmp_path / "one.zip", settings=settings)
    before = rows_of(db.engine)
    with pytest.raises(BackupRefused, match="not empty"):
        restore_backup(db.engine, tmp_path / "one.zip", settings=settings)
    assert rows_of(db.engine) == before


@pytest.mark.parametrize(
    "damage", ["cut", "flipped", "foreign", "no manifest", "row missing", "column missing", "no table", "wrong type"]
)
def test_a_damaged_or_foreign_file_restores_nothing(
    damage: str, filled: None, empty: Callable[[str], sa.Engine], engine_name: str, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "one.zip"
    write_backup(db.engine, file, settings=settings)
    damage_file(file, damage)
    other = empty("sqlite" if engine_name == "postgresql" else "postgresql")
    before = rows_of(other)
    with pytest.raises(BackupRefused, match="damaged"):
        restore_backup(other, file, settings=settings)
    assert rows_of(other) == before


def damage_file(file: Path, damage: str) -> None:
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        with zipfile.ZipFile(file) as archive:
            place = archive.getinfo("events.jsonl").header_offset + 120
        file.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
    elif damage == "foreign":
        file.write_bytes(b"title,starts\n")
    else:
        rewrite(file, damage)


def rewrite(file: Path, damage: str) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if damage == "no manifest":
        del members["manifest.json"]
    elif damage == "row missing":
        members["events.jsonl"] = members["events.jsonl"].split(b"\n", 1)[1]
    elif damage == "no table":
        del members["write_ups.jsonl"]
    else:
        lines = [json.loads(line) for line in members["events.jsonl"].splitlines()]
        for line in lines:
            line.pop("title") if damage == "column missing" else line.update(version="one")
        members["events.jsonl"] = "\n".join(map(json.dumps, lines)).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_backup_of_another_migration_says_which(
    filled: None, empty: Callable[[str], sa.Engine], settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "one.zip"
    write_backup(db.engine, file, settings=settings)
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), "revision": "0000"}).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(BackupRefused, match="migration 0000"):
        restore_backup(empty("sqlite"), file, settings=settings)


def test_a_file_that_is_not_there_is_said_so(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="There is no file"):
        restore_backup(db.engine, tmp_path / "none.zip", settings=settings)


def test_the_kept_secret_comes_along_but_a_secret_set_from_outside_stays(
    filled: None, empty: Callable[[str], sa.Engine], settings: Settings, tmp_path: Path
) -> None:
    old, new, set_outside = (tmp_path / name for name in ("old", "new", "outside"))
    for folder, secret in (
        (old, "old-secret-0123456789"),
        (new, "new-secret-0123456789"),
        (set_outside, "unused-0123456789"),
    ):
        folder.mkdir()
        (folder / "secret_key").write_text(secret + "\n", encoding="ascii")
    at = lambda folder, secret: replace(settings, instance=folder, secret_key=secret)  # noqa: E731
    assert write_backup(db.engine, tmp_path / "one.zip", settings=at(old, "old-secret-0123456789")).has_secret
    report = restore_backup(empty("sqlite"), tmp_path / "one.zip", settings=at(new, "new-secret-0123456789"))
    assert report.has_secret
    assert (new / "secret_key").read_text(encoding="ascii").strip() == "old-secret-0123456789"
    assert os.stat(new / "secret_key").st_mode & 0o777 == 0o600
    report = restore_backup(empty("sqlite"), tmp_path / "one.zip", settings=at(set_outside, "from-the-environment"))
    assert not report.has_secret
    assert (set_outside / "secret_key").read_text(encoding="ascii").strip() == "unused-0123456789"


def test_a_backup_is_one_moment_although_others_write(
    filled: None, app: Flask, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody registers between two tables: the backup holds all of it or nothing, here nothing."""
    from workshops.evidence import backup

    before = rows_of(db.engine)
    write_table = backup._write_table
    other = make_engine(settings.database_url)

    def writing_meanwhile(archive: zipfile.ZipFile, connection: sa.Connection, table: sa.Table) -> int:
        number = write_table(archive, connection, table)
        if table.name == "kinds":
            with other.connect().execution_options(writes=True) as second, second.begin():
                second.execute(sa.text("UPDATE events SET title = 'changed meanwhile'"))
        return number

    monkeypatch.setattr(backup, "_write_table", writing_meanwhile)
    write_backup(db.engine, tmp_path / "one.zip", settings=settings)
    other.dispose()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        lines = archive.read("events.jsonl").decode().splitlines()
    titles = sorted(json.loads(line)["title"] for line in lines)
    column = [column.name for column in Base.metadata.tables["events"].columns].index("title")
    assert titles == sorted(row[column] for row in before["events"])

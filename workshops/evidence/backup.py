"""The whole instance as one file, from either engine into either engine.

A backup is a zip file: manifest.json, one file of JSON lines for each table, and the kept secret when there is one.
It is read in one consistent snapshot while the application runs, and restored all or not at all into an empty
database that was migrated to the same revision (docs/decisions/0002-two-engines.md).
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    LargeBinary,
    Table,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError, StatementError
from sqlalchemy.types import TypeEngine

from workshops.config import Settings
from workshops.core import clock
from workshops.core.db import Base, UtcDateTime
from workshops.core.errors import DomainError
from workshops.core.versions import PublicVersion, new_epoch
from workshops.evidence.health import current_revision, newest_revision

FORMAT = 1
#: Rows read and written at a time.
BATCH = 500
#: Filled by the migrations; a restore puts the backup's rows in their place.
SEEDED = ("kinds", "public_version")
MANIFEST, SECRET = "manifest.json", "secret_key"
_DAMAGED = "This file is damaged, or it is no backup of this application. Nothing was restored."


class BackupRefused(DomainError):
    """A backup that cannot be written or restored, with the reason in one sentence."""


@dataclass(frozen=True)
class BackupReport:
    """What was written or restored: rows by table, and whether the kept secret was among it."""

    rows: Mapping[str, int]
    has_secret: bool

    @property
    def total(self) -> int:
        """All rows together."""
        return sum(self.rows.values())


def tables() -> list[Table]:
    """All tables, those first that others point to."""
    return list(Base.metadata.sorted_tables)


# --- writing -------------------------------------------------------------------------------------------------


def write_backup(engine: Engine, file: Path | str, *, settings: Settings, now: datetime | None = None) -> BackupReport:
    """Write the whole instance into one file, readable by its owner alone; a file of that name is replaced.

    The name is only taken once everything is on the disk. Raises BackupRefused.
    """
    target = Path(file)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as problem:
        raise BackupRefused(f"{target} cannot be written: {problem.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as opened:
            report = _write_zip(engine, opened, settings, now or clock.now())
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(partial, target)
    except OSError as problem:
        raise BackupRefused(f"{target} cannot be written: {problem.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)
    return report


def _write_zip(engine: Engine, opened: Any, settings: Settings, now: datetime) -> BackupReport:
    with zipfile.ZipFile(opened, "w", zipfile.ZIP_DEFLATED) as archive, _snapshot(engine) as connection:
        revision = current_revision(connection)
        if revision != newest_revision():
            raise BackupRefused("The database is not at this version's migration: run `flask db upgrade` first.")
        rows = {table.name: _write_table(archive, connection, table) for table in tables()}
        kept = settings.instance / SECRET
        has_secret = kept.is_file()
        if has_secret:
            archive.writestr(SECRET, kept.read_bytes())
        manifest = {
            "format": FORMAT,
            "revision": revision,
            "made_at": now.astimezone(UTC).isoformat(),
            "engine": engine.dialect.name,
            "rows": rows,
        }
        archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return BackupReport(rows, has_secret)


def _snapshot(engine: Engine) -> Connection:
    """A connection that sees one state of the database until it is closed, and holds nobody up.

    SQLite's WAL gives a read transaction one snapshot; PostgreSQL does at REPEATABLE READ.
    """
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def _write_table(archive: zipfile.ZipFile, connection: Connection, table: Table) -> int:
    writers = [(column.name, _to_json(column.type)) for column in table.columns]
    number = 0
    with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as member:
        found = connection.execute(
            select(table).order_by(*table.primary_key.columns).execution_options(yield_per=BATCH)
        )
        for row in found:
            values = {name: write(value) for (name, write), value in zip(writers, row, strict=True)}
            member.write(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            number += 1
    return number


# --- restoring -----------------------------------------------------------------------------------------------


def restore_backup(engine: Engine, file: Path | str, *, settings: Settings) -> BackupReport:
    """Load a backup into this empty, migrated database of either engine: all of it or nothing.

    Every cache starts anew (a new public epoch). The kept secret comes along when this instance keeps its own,
    so that links and waiting mail stay good; one that is set from outside is left alone.
    Raises BackupRefused for a damaged or foreign file, another revision, or a database that is not empty.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            secret = archive.read(SECRET) if SECRET in archive.namelist() else None
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                rows = _restore_rows(connection, archive, manifest["rows"])
    except FileNotFoundError:
        raise BackupRefused(f"There is no file {file}.") from None
    except OSError as problem:
        raise BackupRefused(f"{file} cannot be read: {problem.strerror or problem}.") from None
    except OperationalError:
        raise  # the database does not answer; the file may be good
    except (StatementError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, ValueError, RecursionError):
        raise BackupRefused(_DAMAGED) from None
    return BackupReport(rows, has_secret=secret is not None and _keep_secret(settings, secret))


def _restore_rows(connection: Connection, archive: zipfile.ZipFile, expected: Mapping[str, Any]) -> dict[str, int]:
    _refuse_unless_empty(connection)
    rows = {table.name: _read_table(archive, connection, table, expected) for table in tables()}
    connection.execute(update(PublicVersion).values(epoch=new_epoch()))
    if connection.dialect.name == "postgresql":
        _reset_sequences(connection)
    return rows


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest = json.loads(archive.read(MANIFEST))
    if not isinstance(manifest, dict) or not isinstance(manifest.get("rows"), dict):
        raise BackupRefused(_DAMAGED)
    if manifest.get("format") != FORMAT:
        raise BackupRefused("This backup was written by another version of this application. Nothing was restored.")
    if manifest.get("revision") != newest_revision():
        raise BackupRefused(
            f"This backup is of migration {manifest.get('revision')}, and this version needs {newest_revision()}: "
            "restore it with the version that wrote it, then upgrade. Nothing was restored."
        )
    return manifest


def _refuse_unless_empty(connection: Connection) -> None:
    if current_revision(connection) != newest_revision():
        raise BackupRefused("The database is not set up yet: run `flask db upgrade` first.")
    if connection.dialect.name == "postgresql":
        names = ", ".join(connection.dialect.identifier_preparer.format_table(table) for table in tables())
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    for table in tables():
        if table.name not in SEEDED and connection.execute(select(table).limit(1)).first() is not None:
            raise BackupRefused(
                "This database is not empty, and a backup is only restored into an empty one. Nothing was restored."
            )
    for name in SEEDED:
        connection.execute(Base.metadata.tables[name].delete())


def _read_table(archive: zipfile.ZipFile, connection: Connection, table: Table, expected: Mapping[str, Any]) -> int:
    readers = {column.name: _from_json(column) for column in table.columns}
    number = 0
    batch: list[dict[str, Any]] = []
    for values in _lines(archive, f"{table.name}.jsonl"):
        if values.keys() != readers.keys():
            raise BackupRefused(_DAMAGED)
        batch.append({name: read(values[name]) for name, read in readers.items()})
        number += 1
        if len(batch) == BATCH:
            connection.execute(insert(table), batch)
            batch.clear()
    if batch:
        connection.execute(insert(table), batch)
    if expected.get(table.name) != number:
        raise BackupRefused(_DAMAGED)
    return number


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    with archive.open(name) as member:
        for line in io.TextIOWrapper(member, encoding="utf-8", newline="\n"):
            values = json.loads(line)
            if not isinstance(values, dict):
                raise BackupRefused(_DAMAGED)
            yield values


def _reset_sequences(connection: Connection) -> None:
    """Let PostgreSQL count on from the highest number of each table."""
    for table in tables():
        for column in table.primary_key.columns:
            sequence = connection.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar()
            if sequence is not None:
                highest = connection.execute(select(func.max(column))).scalar()
                connection.execute(select(func.setval(sequence, highest or 1, highest is not None)))


def _keep_secret(settings: Settings, secret: bytes) -> bool:
    """Put the backup's secret in the place of the one this instance made for itself. Raises BackupRefused."""
    kept = settings.instance / SECRET
    if not kept.is_file() or kept.read_text(encoding="ascii", errors="replace").strip() != settings.secret_key:
        return False
    partial = kept.with_name(f".{SECRET}.{secrets.token_hex(4)}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as opened:
            opened.write(secret)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(partial, kept)
    except OSError as problem:
        raise BackupRefused(
            f"The data were restored, but the secret cannot be kept as {kept}: {problem.strerror}. "
            f"Copy {SECRET} out of the backup by hand, or personal links sent before will not open."
        ) from None
    return True


# --- values --------------------------------------------------------------------------------------------------


def _to_json(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, LargeBinary):
        return lambda value: None if value is None else base64.b64encode(value).decode("ascii")
    if isinstance(kind, UtcDateTime | DateTime | Date):
        return lambda value: None if value is None else value.isoformat()
    return lambda value: value


def _from_json(column: Column[Any]) -> Callable[[Any], Any]:
    kind = column.type
    if isinstance(kind, LargeBinary):
        return lambda value: None if value is None else _bytes(value)
    if isinstance(kind, UtcDateTime | DateTime):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return lambda value: None if value is None else date.fromisoformat(value)
    if isinstance(kind, JSON):
        return lambda value: value
    wanted = kind.python_type

    def read(value: Any) -> Any:
        # SQLite would take any value in any column; a text in the place of a number is no backup of ours.
        if value is not None and type(value) is not wanted:
            raise TypeError(column.name)
        return value

    return read


def _bytes(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError("no base64") from None

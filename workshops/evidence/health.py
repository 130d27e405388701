"""Whether this instance can do its work, in words: for /readyz, and for `flask check`."""

from __future__ import annotations

import os
import re
import shutil
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workshops.config import PROJECT, Settings
from workshops.evidence.queries import oldest_due_message
from workshops.messages.mailbox import check_mailbox
from workshops.messages.transports import check_smtp
from workshops.web.assets import assets_problem

#: A message that is due for longer than this means that the worker does not work.
MESSAGE_MAX_AGE = timedelta(minutes=15)
#: Below this SQLite, mail files and backups are in danger.
DISK_MIN_BYTES = 200 * 1024 * 1024

MIGRATIONS = PROJECT / "workshops" / "migrations"
_REVISION = re.compile(r"""^(revision|down_revision)\b[^=\n]*= *["']([^"']+)["']""", re.MULTILINE)


@cache
def newest_revision() -> str:
    """The migration this code belongs to: the one that no other follows.

    Read from the files and not through Alembic, which runs them all: every start and /readyz ask for it.
    """
    follows = {}
    for file in (MIGRATIONS / "versions").glob("*.py"):
        named = dict(_REVISION.findall(file.read_text(encoding="utf-8")))
        follows[named["revision"]] = named.get("down_revision")
    return next((revision for revision in follows if revision not in follows.values()), "")


def current_revision(connection: Connection) -> str | None:
    """The migration the database is at, or None when it has never been set up."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def revision_problem(engine: Engine) -> str | None:
    """A sentence when the database does not answer or its migrations are not those of this code."""
    try:
        with engine.connect() as connection:
            revision = current_revision(connection)
    except (SQLAlchemyError, OSError):
        return "The database does not answer."
    if revision == newest_revision():
        return None
    state = f"is at {revision}" if revision else "is not set up yet"
    return f"The database {state}, this version needs {newest_revision()}: run `flask db upgrade`."


def database_problems(engine: Engine, *, now: datetime) -> list[str]:
    """What is wrong with the database, its migrations or the queue of messages."""
    problem = revision_problem(engine)
    if problem:
        return [problem]
    try:
        with engine.connect() as connection:
            oldest = oldest_due_message(Session(connection))
    except (SQLAlchemyError, OSError):
        return ["The database does not answer."]
    if oldest is not None and now - oldest > MESSAGE_MAX_AGE:
        minutes = int((now - oldest).total_seconds() // 60)
        return [f"A message has been waiting to be sent for {minutes:,} minutes: see whether the worker is running."]
    return []


def disk_problem(folder: Path) -> str | None:
    """A sentence when the instance's disk is nearly full or cannot be written to."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return "The instance folder cannot be read."
    if not os.access(folder, os.W_OK):
        return "The instance folder cannot be written to."
    if free < DISK_MIN_BYTES:
        return f"Only {free // (1024 * 1024)} MB are free on the disk of the instance folder."
    return None


def readiness_problems(engine: Engine, *, settings: Settings, now: datetime) -> list[str]:
    """What keeps this instance from serving people: database, migrations, queue, disk. Empty: ready."""
    problems = database_problems(engine, now=now)
    disk = disk_problem(settings.instance)
    return [*problems, disk] if disk else problems


def problems(engine: Engine, *, settings: Settings, now: datetime) -> list[str]:
    """Everything `flask check` looks at beside the settings themselves: database, migrations, mail, assets, disk."""
    found = readiness_problems(engine, settings=settings, now=now)
    for problem in (check_smtp(settings), check_mailbox(settings), assets_problem(PROJECT / "static" / "dist")):
        if problem:
            found.append(problem)
    return found

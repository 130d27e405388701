"""Whether this instance can do its work, in words: for /readyz, and for `flask check`."""

from __future__ import annotations

import os
import shutil
import smtplib
import ssl
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workshops.config import PROJECT, Settings
from workshops.evidence.queries import oldest_due_message
from workshops.web.assets import assets_problem

#: A message that is due for longer than this means that the worker does not work.
MESSAGE_MAX_AGE = timedelta(minutes=15)
#: Below this SQLite, mail files and backups are in danger.
DISK_MIN_BYTES = 200 * 1024 * 1024
SMTP_TIMEOUT_S = 5.0

MIGRATIONS = PROJECT / "workshops" / "migrations"


@cache
def newest_revision() -> str:
    """The migration this code belongs to."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""


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
    for problem in (mail_problem(settings), assets_problem(PROJECT / "static" / "dist")):
        if problem:
            found.append(problem)
    return found


def mail_problem(settings: Settings) -> str | None:
    """A sentence when mail cannot be handed over: no connection, no encryption, or a refused sign-in."""
    if settings.smtp is None:
        folder = settings.mail_folder
        parent = folder if folder.exists() else folder.parent
        return None if os.access(parent, os.W_OK) else "Mail is written as files, but the folder cannot be written to."
    server = settings.smtp
    where = f"{server.host}:{server.port}"
    context = ssl.create_default_context()
    try:
        if server.tls == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=SMTP_TIMEOUT_S, context=context)
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=SMTP_TIMEOUT_S)
        with client:
            if server.tls == "starttls":
                client.starttls(context=context)
            if server.user is not None:
                client.login(server.user, server.password or "")
            client.noop()
    except smtplib.SMTPAuthenticationError:
        return f"The mail server {where} refuses the user name or password of WORKSHOPS_SMTP_URL."
    except ssl.SSLError:
        return f"The mail server {where} does not offer the encryption that WORKSHOPS_SMTP_URL asks for."
    except (smtplib.SMTPException, OSError) as problem:
        return f"The mail server {where} does not answer: {type(problem).__name__}."
    return None

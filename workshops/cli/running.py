"""What every command needs: the settings, a database that is set up, and errors as one sentence with exit status 1."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, InterfaceError

from workshops.config import Settings
from workshops.core.db import db
from workshops.core.errors import DomainError
from workshops.evidence import health

Command = TypeVar("Command", bound=Callable[..., Any])

#: PostgreSQL's word for a table that is not there (its manual, appendix A); a missing database or user is another.
_UNDEFINED_TABLE = "42P01"


def settings() -> Settings:
    """The settings this command runs with."""
    found: Settings = current_app.extensions["workshops.settings"]
    return found


def refuses_in_words(run: Command) -> Command:
    """Run with the application; turn what cannot be done into one sentence and exit status 1."""

    @with_appcontext
    @functools.wraps(run)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        except DomainError as error:
            raise click.ClickException(_as_sentence(str(error))) from None
        except (IntegrityError, DataError):
            raise  # a fault of ours, not the state of the database
        except (DatabaseError, InterfaceError) as error:
            raise click.ClickException(database_words(error)) from None

    return wrapped  # type: ignore[return-value]


def needs_database(run: Command) -> Command:
    """Before anything is read or printed: refuse when the database does not answer or is not migrated."""

    @functools.wraps(run)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        problem = database_problem()
        if problem:
            raise DomainError(problem)
        return run(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def database_problem() -> str | None:
    """What is wrong with the database or its migrations, with the reason, for the person at the keyboard."""
    try:
        with db.engine.connect():
            pass
    except (DatabaseError, InterfaceError) as error:
        return database_words(error)
    return health.revision_problem(db.engine)


def database_words(error: Exception) -> str:
    """Why the database did not do it, for the person at the keyboard."""
    original = getattr(error, "orig", error)
    lines = [line.strip(" -") for line in str(original).splitlines() if line.strip()]
    # with several addresses for one name, psycopg tells each below a heading
    words = next((line for line in lines if not line.endswith((":", "failed."))), type(error).__name__)
    if "no such table" in words or getattr(original, "sqlstate", None) == _UNDEFINED_TABLE:
        return "The database is not set up yet: run `flask db upgrade` first."
    return f"The database does not answer: {words.rstrip('.')}."


def _as_sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."

"""What every command needs: the settings, and errors as one sentence with exit status 1."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError, ProgrammingError

from workshops.config import Settings
from workshops.core.errors import DomainError

Command = TypeVar("Command", bound=Callable[..., Any])


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
            raise click.ClickException(str(error)) from None
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(database_words(error)) from None

    return wrapped  # type: ignore[return-value]


def database_words(error: Exception) -> str:
    """Why the database did not do it, for the person at the keyboard."""
    original = str(getattr(error, "orig", error)).strip().splitlines()[0]
    if "no such table" in original or "does not exist" in original:
        return "The database is not set up yet: run `flask db upgrade` first."
    return f"The database does not answer: {original}"

"""Alembic's environment: online only, one code path for both engines.

SQLite's batch mode drops and recreates a table; with foreign_keys=ON that would fire ON DELETE CASCADE, and
the pragma cannot change inside a transaction. So migrations run on a connection of their own with it off,
and foreign_key_check runs before the commit.
"""

from __future__ import annotations

import sqlite3

import click
from alembic import context
from flask import current_app
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DatabaseError, IntegrityError

from workshops.cli.running import database_words
from workshops.core.db import Base, engine_options

target_metadata = Base.metadata


def run_migrations() -> None:
    """Apply what is missing, in one transaction."""
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    sqlite = url.startswith("sqlite")
    engine = create_engine(url, connect_args=engine_options(url)["connect_args"])
    if sqlite:
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        if sqlite:
            raw = connection.connection.driver_connection
            raw.execute("PRAGMA journal_mode=WAL")
            raw.execute("PRAGMA foreign_keys=OFF")
        elif not context.is_offline_mode():
            # two hosts starting at once: the second waits, then finds nothing to do
            connection.exec_driver_sql("SELECT pg_advisory_lock(7214001)")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            render_as_batch=True,
            compare_type=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
            if sqlite:
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise RuntimeError(f"migration leaves rows without their parent: {broken[:5]}")
    engine.dispose()


try:
    run_migrations()
except IntegrityError:
    raise  # a fault of a migration, not the state of the database
except (DatabaseError, sqlite3.DatabaseError) as error:
    # no answer, a full disk, a file that cannot be written: for the person at the keyboard, in one sentence
    raise click.ClickException(database_words(error)) from None

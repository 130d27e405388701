"""Alembic's environment: online only, one code path for both engines.

SQLite's batch mode drops and recreates a table; with foreign_keys=ON that would fire ON DELETE CASCADE, and
the pragma cannot change inside a transaction. So migrations run on a connection of their own with it off,
and foreign_key_check runs before the commit.
"""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, event

from workshops.core.db import Base

target_metadata = Base.metadata


def run_migrations() -> None:
    """Apply what is missing, in one transaction."""
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    sqlite = url.startswith("sqlite")
    engine = create_engine(url, connect_args={"isolation_level": None, "timeout": 60} if sqlite else {})
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


run_migrations()

"""The database: Base, UtcDateTime, the engines' set-up, and transaction(), the only way to write.

Knows no table of any slice. SQLite runs with WAL and BEGIN IMMEDIATE for writes, because a read that
upgrades to a write fails at once with SQLITE_BUSY_SNAPSHOT whatever the timeout; PostgreSQL runs at
READ COMMITTED with row locks taken by the slices' `lock_...` queries (docs/decisions/0002-two-engines.md).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Date, DateTime, Engine, MetaData, Text, create_engine, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.types import TypeDecorator

#: How long a writer waits for another one on SQLite before it gives up (and the person is told 503).
BUSY_TIMEOUT_S = 30
#: How long a PostgreSQL server may take to answer a new connection, unless the address says connect_timeout.
CONNECT_TIMEOUT_S = 10

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC. SQLite keeps it without zone; what comes back is aware on both engines."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant without time zone was given to the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table. Models inherit from it and name their table themselves."""

    # Flask-SQLAlchemy 3.1.1 rejects type_annotation_map on the base; the registry may carry it.
    registry = registry(
        type_annotation_map={datetime: UtcDateTime(), date: Date(), str: Text()},
        metadata=MetaData(naming_convention=NAMING),
    )


db = SQLAlchemy(model_class=Base)


def engine_options(database_url: str) -> dict[str, Any]:
    """Options for create_engine that fit the dialect. configure_engine() completes them."""
    # values may be personal, and the text of an error goes into the log
    both: dict[str, Any] = {"hide_parameters": True}
    if database_url.startswith("sqlite"):
        # isolation_level None hands BEGIN to us; see the "begin" listener.
        return both | {
            "connect_args": {"timeout": BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False},
            "pool_size": 20,
            "max_overflow": 20,
        }
    limit = {} if "connect_timeout=" in database_url else {"connect_timeout": CONNECT_TIMEOUT_S}
    return both | {"connect_args": limit, "pool_pre_ping": True, "pool_size": 10, "max_overflow": 10}


def configure_engine(engine: Engine) -> None:
    """Set pragmas and the BEGIN of each transaction on SQLite. Idempotent; nothing to do on PostgreSQL."""
    if engine.dialect.name != "sqlite" or event.contains(engine, "connect", _set_pragmas):
        return
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


def make_engine(database_url: str, **options: Any) -> Engine:
    """An engine of our own outside Flask-SQLAlchemy (migrations, backup, tests), set up alike."""
    engine = create_engine(database_url, **{**engine_options(database_url), **options})
    configure_engine(engine)
    return engine


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
    cursor.close()


def _begin(connection: Connection) -> None:
    if not locking_is_on:
        return  # as the stock driver does: every statement for itself, so that the negative control can overbook
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


# One writer at a time inside a process on SQLite: waiting on a lock is fair and wakes at once, while
# SQLite's busy handler sleeps and lets newcomers pass. Between processes the busy timeout decides.
_sqlite_writer = threading.RLock()

#: Test-only: without locks a race test must overbook, or it proves nothing (reference/reliability E.2).
locking_is_on = True


def set_locking(on: bool) -> None:
    """Switch the write lock off for a negative control. Never called outside tests and the race harness."""
    global locking_is_on
    locking_is_on = on


@contextmanager
def transaction() -> Iterator[Session]:
    """End any read that is open, begin a write, commit at the end, or roll all of it back.

    Objects loaded before are expired: look them up again by id. Nesting is an error of the caller.
    Functions added with before_commit() run last, in order, so that the row they lock is the last one locked.
    """
    session = db.session()
    session.rollback()
    # What was to run at the end of something that was never a transaction of ours does not belong to this one.
    session.info.pop("before_commit", None)
    session.info.pop("after_commit", None)
    sqlite = session.get_bind().dialect.name == "sqlite"
    guard = sqlite and locking_is_on
    if guard:
        _sqlite_writer.acquire()
    try:
        session.connection(execution_options={"writes": True})
        yield session
        session.flush()
        for last in session.info.pop("before_commit", {}).values():
            last(session)
        session.commit()
        for after in session.info.pop("after_commit", []):
            after()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("before_commit", None)
        session.info.pop("after_commit", None)
        if guard:
            _sqlite_writer.release()


@contextmanager
def only_trying(session: Session) -> Iterator[None]:
    """Do something inside a transaction, look at it, and take it back: nothing of it stays, its hooks neither."""
    session.flush()
    hooks = {name: session.info.get(name) for name in ("before_commit", "after_commit")}
    session.info["before_commit"], session.info["after_commit"] = {}, []
    savepoint = session.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
        for name, kept in hooks.items():
            session.info.pop(name, None)
            if kept is not None:
                session.info[name] = kept


def before_commit(session: Session, key: str, run: Callable[[Session], None]) -> None:
    """Run something once at the end of this transaction, whatever number of times it is asked for by key."""
    session.info.setdefault("before_commit", {}).setdefault(key, run)


def after_commit(session: Session, run: Callable[[], None]) -> None:
    """Run something when the transaction is safely in the database; forgotten on rollback."""
    session.info.setdefault("after_commit", []).append(run)

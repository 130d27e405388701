"""The floor: what the same server and engine cost at least, in a bare Flask application with Flask-SQLAlchemy.

A page is one SELECT and one template of the same size; a feed is one SELECT and the same bytes, or nothing for
a 304; a send commits one registration and one stored mail. The answers carry the same headers, because they are
recorded from the application first (scenarios.record). It has no access rules, no form token, no checks of what
was typed, no rate limits: it is a measure, never an example. Served by the same gunicorn with the same options;
the application itself is not imported, so that memory compares too.

    python -m benchmarks.floor --folder RECORDINGS --port N --workers N
"""

from __future__ import annotations

import argparse
import gc
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template, request
from flask_sqlalchemy import SQLAlchemy
from gunicorn.app.base import BaseApplication
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from workshops.config import load_settings
from workshops.core.db import configure_engine, engine_options


class Base(DeclarativeBase):
    """The floor's own tables; it shares none with the application."""


class Row(Base):
    """What a page or feed selects."""

    __tablename__ = "floor_rows"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    version: Mapped[int]


class FloorRegistration(Base):
    """One person."""

    __tablename__ = "floor_registrations"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    organisation: Mapped[str]
    registered_at: Mapped[datetime]


class FloorMail(Base):
    """One stored mail."""

    __tablename__ = "floor_mails"
    id: Mapped[int] = mapped_column(primary_key=True)
    to_email: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class Recording:
    """One answer of the application, as the floor gives it back."""

    name: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def read_recordings(folder: Path) -> dict[str, Recording]:
    """Name -> recording, as scenarios.record wrote them."""
    listed: list[dict[str, Any]] = json.loads((folder / "recordings.json").read_text(encoding="utf-8"))
    return {
        item["name"]: Recording(
            item["name"],
            item["status"],
            [(name, value) for name, value in item["headers"]],
            (folder / f"{item['name']}.body").read_bytes(),
        )
        for item in listed
    }


def create_floor(database_url: str, folder: Path) -> Flask:
    """The bare application. folder: recordings, and the templates made from them."""
    recordings = read_recordings(folder)
    app = Flask("floor", template_folder=str(folder), static_folder=None)
    app.config.update(SQLALCHEMY_DATABASE_URI=database_url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(database_url))
    db = SQLAlchemy(model_class=Base)
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
        _fill(db)
        db.engine.dispose()  # no connection may be shared between processes
    mail = (folder / "mail.txt").read_text(encoding="utf-8")

    def row() -> Row:
        return db.session.execute(select(Row).where(Row.id == 1)).scalar_one()

    def answer(recording: Recording, body: bytes | str) -> Response:
        response = Response(body, status=recording.status)
        for name, value in recording.headers:
            response.headers[name] = value
        return response

    @app.get("/page/<name>")
    def page(name: str) -> Response:
        return answer(recordings[name], render_template(f"{name}.html", row=row()))

    @app.get("/feed")
    def feed() -> Response:
        row()
        etag = dict(recordings["feed"].headers)["ETag"]
        if request.headers.get("If-None-Match") == etag:
            return answer(recordings["unchanged"], b"")
        return answer(recordings["feed"], recordings["feed"].body)

    @app.post("/send")
    def send() -> Response:
        now = datetime.now(UTC).replace(tzinfo=None)
        form = request.form
        db.session.add(
            FloorRegistration(
                name=form["name"], email=form["email"], organisation=form["organisation"], registered_at=now
            )
        )
        db.session.add(FloorMail(to_email=form["email"], subject="Your place", body=mail, created_at=now))
        db.session.commit()
        response = answer(recordings["send"], recordings["send"].body)
        response.headers["Location"] = "/page/receipt"
        return response

    return app


def _fill(db: SQLAlchemy) -> None:
    db.create_all()
    if db.session.get(Row, 1) is None:
        db.session.add(Row(id=1, title="Example workshop", version=1))
        db.session.commit()
    db.session.remove()


class FloorServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn with the options of the application's own server."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self.app = app
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self.app


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    chosen = parser.parse_args()
    options = json.loads((chosen.folder / "server.json").read_text(encoding="utf-8"))
    app = create_floor(load_settings().database_url, chosen.folder)
    gc.collect()
    gc.freeze()
    FloorServer(app, {**options, "bind": f"127.0.0.1:{chosen.port}", "workers": chosen.workers}).run()


if __name__ == "__main__":
    main()

"""Figures, downloads, and the two addresses that monitors ask."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.attendance.forecasts import how_good
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import NotFound
from workshops.evidence import exports, health, queries, service
from workshops.evidence.rules import line_of, lines_by
from workshops.schedule.models import Event
from workshops.schedule.queries import event_by_slug
from workshops.schedule.queries.reach import require_may_run
from workshops.web.access import FACILITATOR, PUBLIC, VIEWER, access
from workshops.web.guards import settings

blueprint = Blueprint("evidence", __name__)

#: In the addresses and the filter for events that belong to no programme.
NO_PROGRAMME = "No programme"
IN_MEMORY_BYTES = 2 * 1024 * 1024


@blueprint.get("/staff/evidence")
@access(VIEWER)
def figures() -> ResponseReturnValue:
    """Events, places, people and write-ups by programme, kind and year; small numbers of people are not shown."""
    every = queries.event_figures(db.session())
    years = sorted({str(event.year) for event in every}, reverse=True)
    programmes = sorted({event.programme for event in every} - {""}, key=str.casefold)
    # unknown values are ignored, as on every page with filters
    year = _one_of(request.args.get("year"), years)
    programme = _one_of(request.args.get("programme"), programmes)
    chosen = [
        event
        for event in every
        if (not year or str(event.year) == year) and (not programme or event.programme == programme)
    ]
    tables = [
        ("programme", "By programme", "Programme", lines_by(chosen, "programme")),
        ("kind", "By kind of event", "Kind", lines_by(chosen, "kind")),
        ("year", "By year", "Year", lines_by(chosen, "year", newest_first=True)),
    ]
    return render_template(
        "evidence/figures.html",
        forecasts=how_good(db.session()),
        total=line_of("All", chosen),
        tables=tables,
        years=years,
        programmes=programmes,
        year=year,
        programme=programme,
        no_programme=NO_PROGRAMME,
    )


def _one_of(asked: str | None, known: list[str]) -> str:
    return asked if asked in known else ""


@blueprint.post("/staff/events/<slug>/people.<any(csv, xlsx, json):format>")
@access(FACILITATOR)
def export_people(slug: str, format: str) -> ResponseReturnValue:
    """Everybody at one event as a file. A POST, because who took it is written down first."""
    _own_event(slug)
    with transaction() as session:
        event = _own_event(slug)
        service.record_export(session, event=event, file_format=format, now=now(), actor=staff(current_user.id))
    event = _own_event(slug)
    file = _file()
    exports.write_people(db.session(), event, file, file_format=format, bom=True, answers=True)
    return _download(file, f"{event.slug}-people-personal-data.{format}", format)


@blueprint.get("/staff/events.<any(csv, xlsx, ics):format>")
@access(VIEWER)
def export_events(format: str) -> ResponseReturnValue:
    """All events as a spreadsheet or a calendar; nothing personal is in it, and links for joining only for those who
    run every event."""
    file = _file()
    joining = current_user.role in ("organiser", "admin")
    if format == "csv":
        exports.write_events_csv(db.session(), file, bom=True, joining=joining)
    elif format == "xlsx":
        exports.write_events_xlsx(db.session(), file, joining=joining)
    else:
        exports.write_events_ics(db.session(), file, settings=settings())
    return _download(file, f"events.{format}", format)


def _file() -> IO[bytes]:
    """Where a download is written before it is sent: in memory while it is small, else on the disk.

    So what goes wrong while writing becomes an error page and never half a file.
    """
    return SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)


def _own_event(slug: str) -> Event:
    event = event_by_slug(db.session(), slug)
    if event is None:
        raise NotFound
    require_may_run(db.session(), current_user, event)
    return event


def _download(file: IO[bytes], name: str, file_format: str) -> Response:
    length = file.tell()
    file.seek(0)
    response = Response(file.read() if length <= IN_MEMORY_BYTES else _pieces(file))
    if length <= IN_MEMORY_BYTES:
        file.close()
    response.content_length = length
    response.headers["Content-Type"] = exports.CONTENT_TYPES[file_format]
    response.headers["Content-Disposition"] = f"attachment; filename={name}"  # slugs need no quoting
    response.headers["Cache-Control"] = "no-store"
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(65536):
            yield piece


@blueprint.get("/healthz")
@access(PUBLIC)
def healthz() -> Response:
    """The process answers; nothing else is asked."""
    return _plain("ok\n", 200)


@blueprint.get("/readyz")
@access(PUBLIC)
def readyz() -> Response:
    """Whether people can be served: database, migrations, queue of messages, disk."""
    problems = health.readiness_problems(db.engine, settings=settings(), now=now())
    if problems:
        return _plain("not ready: " + " ".join(problems) + "\n", 503)
    return _plain("ready\n", 200)


def _plain(words: str, status: int) -> Response:
    response = Response(words, status, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response

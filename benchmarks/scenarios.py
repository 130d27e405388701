"""What is measured, how much of it, and the aim of each: a ratio of processor time to the floor (issue 2), or
processor time with 10,000 events (issue 3).

Also records the application's answers, which the floor gives back with the same headers and the same size.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from tests.races.instance import Instance, Server
from tests.races.people import load_form

PAGE_SLUG = "measured-page"
REGISTRATION_SLUG = "measured-registration"
REGISTRATION_PATH = f"/events/{REGISTRATION_SLUG}/register"
#: An event at which so many people have a place already.
CROWD_SLUG, CROWD = "measured-crowd", 10_000
CROWD_PATH = f"/events/{CROWD_SLUG}/register"
#: Sustained aim for form page, send and receipt together, on two cores.
PEOPLE_PER_SECOND = 60

#: Headers that the server itself writes, or that belong to one person.
_NOT_RECORDED = {"content-length", "date", "server", "connection", "set-cookie", "location"}

DESCRIPTION = """Co-production is services designed and run by the people who use them and the people who provide them.

## What we will do

* Hear from a council and a community group who redesigned a service together
* Work in small groups on a case of your own
* Agree one thing to try before we meet again

Tea and coffee are there from half an hour before. Bring a question that you would like to see taken up.
"""


@dataclass(frozen=True)
class Scenario:
    """One row of the table. server: which application server answers it (kept or built).

    aim: the ratio to the floor that is aimed at, or None.   limit_ms: processor time that is aimed at, or None.
    """

    name: str
    server: str
    count: int
    job: dict[str, Any]
    floor_job: dict[str, Any]
    aim: float | None
    limit_ms: float | None = None


def events_to_measure() -> list[dict[str, str]]:
    """Rows of the spreadsheet for the events that are measured."""
    common = {
        "summary": "A morning about sharing decisions with the people who use a service.",
        "description": DESCRIPTION,
        "topics": "co-production;policy;community capacity building",
        "programme": "National Co-production Week",
        "capacity_in_person": "100000",
    }
    return [
        {**common, "slug": PAGE_SLUG, "title": "Sharing decisions"},
        {**common, "slug": REGISTRATION_SLUG, "title": "Sharing decisions, registration"},
        {**common, "slug": CROWD_SLUG, "title": "Sharing decisions, with a crowd"},
    ]


#: The feed with everything that comes.
FEED = "/calendar.ics"


def feed_scenarios(path: str, etag: str, events: int) -> list[Scenario]:
    """The feed for somebody who has it, and for somebody who has not. events: how many are in it, about."""
    unchanged = {"path": path, "headers": {"If-None-Match": etag}, "status": 304}
    name = f"Feed of {events:,} events"
    return [
        Scenario(f"{name}, unchanged (304)", "kept", 2000, unchanged, {**unchanged, "path": "/feed"}, 1.5),
        Scenario(f"{name}, warm", "kept", 800, {"path": path}, {"path": "/feed"}, 2),
    ]


def scenarios(feed_etag: str, events_made: int) -> list[Scenario]:
    """All rows, in the order of the table. Counts are those of one round on a quiet machine."""
    people = {"form_path": REGISTRATION_PATH, "send_path": REGISTRATION_PATH}
    crowd = {"form_path": CROWD_PATH, "send_path": CROWD_PATH}
    floor_people = {"form_path": "/page/form", "send_path": "/send"}
    event, events, feed = {"path": f"/events/{PAGE_SLUG}"}, {"path": "/events"}, {"path": FEED}
    floor_event, floor_events, floor_feed = {"path": "/page/event"}, {"path": "/page/list"}, {"path": "/feed"}
    return [
        Scenario("Event page, unchanged", "kept", 1600, event, floor_event, 2),
        Scenario("Event page, built", "built", 240, event, floor_event, 15),
        Scenario("List page, unchanged", "kept", 1600, events, floor_events, 2),
        Scenario("List page, built", "built", 160, events, floor_events, 15),
        *feed_scenarios(FEED, feed_etag, events_made),
        Scenario(f"Feed of {events_made:,} events, after one change", "built", 80, feed, floor_feed, 2),
        Scenario("Registration (form page, send, receipt)", "kept", 160, people, floor_people, 6),
        Scenario(f"Registration, {CROWD:,} people registered", "kept", 160, crowd, floor_people, 6),
    ]


def record(instance: Instance, server: Server, folder: Path) -> dict[str, tuple[int, bytes]]:
    """Keep one answer of each kind, with its headers, and templates and a mail of the same size for the floor.

    Returns name -> (status, body) of what was recorded.
    """
    recorded = {
        "event": _ask(server.port, "GET", f"/events/{PAGE_SLUG}"),
        "list": _ask(server.port, "GET", "/events"),
        "feed": _ask(server.port, "GET", FEED),
        "form": _ask(server.port, "GET", REGISTRATION_PATH),
    }
    feed = recorded["feed"]
    recorded["unchanged"] = _ask(server.port, "GET", FEED, {"If-None-Match": feed.headers["ETag"]})
    typed = {"name": "Example Recorder", "email": "recorder@example.org", "if_full": "wait"}
    form = load_form(server.port, REGISTRATION_SLUG, **typed)
    body = urlencode({**form.fields, **form.typed}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": form.cookie}
    recorded["send"] = _ask(server.port, "POST", REGISTRATION_PATH, headers, body)
    recorded["receipt"] = _ask(server.port, "GET", recorded["send"].headers["Location"])
    _keep(recorded, folder, pages=("event", "list", "form", "receipt"), mail=_mail_size(instance))
    return {name: (answer.status, answer.body) for name, answer in recorded.items()}


#: The pages of which issue 3 says what they may cost with 10,000 events, by the name of their recording.
SCALE_PAGES = {
    "list": "/events",
    "search": "/events?q=workshop+scale+hall",
    "filters": "/events?kind=workshop&topic=policy&area=fife",
    "month": "/calendar?month={month}",
    "programme": "/programmes/scale-festival",
    "gaps": "/staff/programmes/scale-festival/gaps",
}
#: All of them, those of long ago too.
SCALE_FEED = "/calendar.ics?from=2016-01-01"
#: Processor time that each may take when it is built, in ms.
SCALE_LIMIT_MS = 80


def scale_paths() -> dict[str, str]:
    """The addresses of these pages; the month is a full one, the second from now."""
    today = datetime.now(UTC).date()
    ahead = (today.replace(day=1) + timedelta(days=62)).replace(day=1)
    return {name: path.format(month=f"{ahead:%Y-%m}") for name, path in SCALE_PAGES.items()}


def scale_scenarios(cookie: str, feed_etag: str, events_made: int) -> list[Scenario]:
    """The rows of the table for 10,000 events. cookie: of somebody of the staff, for the gap map."""
    rows = []
    for name, path in scale_paths().items():
        words = {"list": "List", "gaps": "Gap map"}.get(name, name.capitalize())
        job = {"path": path, **({"headers": {"Cookie": cookie}} if name == "gaps" else {})}
        floor = {"path": f"/page/{name}"}
        # The gap map is for staff: what is kept is the map itself, and the page around it is made for who reads it.
        rows.append(Scenario(f"{words}, unchanged", "kept", 1200 if name != "gaps" else 300, job, floor, 2))
        rows.append(Scenario(f"{words}, built", "built", 64, job, floor, None, SCALE_LIMIT_MS))
    return rows + feed_scenarios(SCALE_FEED, feed_etag, events_made)


def record_scale(server: Server, folder: Path, cookie: str) -> dict[str, tuple[int, bytes]]:
    """As record, of the pages of scale_scenarios. The pages that staff see are recorded as their answer, too."""
    recorded = {name: _ask(server.port, "GET", path, {"Cookie": cookie} if name == "gaps" else None)
                for name, path in scale_paths().items()}  # fmt: skip
    refused = {name: answer.status for name, answer in recorded.items() if answer.status != 200}
    if refused:
        raise SystemExit(f"not every page is there: {refused}")
    pages = tuple(recorded)
    feed = recorded["feed"] = _ask(server.port, "GET", SCALE_FEED)
    recorded["unchanged"] = _ask(server.port, "GET", SCALE_FEED, {"If-None-Match": feed.headers["ETag"]})
    _keep(recorded, folder, pages=pages, mail=1)
    return {name: (answer.status, answer.body) for name, answer in recorded.items()}


def _keep(recorded: dict[str, _Answer], folder: Path, *, pages: tuple[str, ...], mail: int) -> None:
    """Write what the floor gives back. pages: those of which it makes a template.   mail: characters of a mail."""
    listed = []
    for name, answer in recorded.items():
        kept = [(key, value) for key, value in answer.headers.items() if key.lower() not in _NOT_RECORDED]
        listed.append({"name": name, "status": answer.status, "headers": kept})
        (folder / f"{name}.body").write_bytes(answer.body)
        if name in pages:
            (folder / f"{name}.html").write_text(_template(answer.body.decode("utf-8")), encoding="utf-8")
    (folder / "recordings.json").write_text(json.dumps(listed), encoding="utf-8")
    (folder / "server.json").write_text(json.dumps(_server_options()), encoding="utf-8")
    (folder / "mail.txt").write_text("x" * mail, encoding="ascii")


def feed_etag(folder: Path) -> str:
    """The ETag of the recorded feed."""
    listed = json.loads((folder / "recordings.json").read_text(encoding="utf-8"))
    return str(next(dict(item["headers"])["ETag"] for item in listed if item["name"] == "feed"))


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


def _ask(port: int, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> _Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**(headers or {}), **({"Content-Length": str(len(body))} if body else {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        return _Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def _template(page: str) -> str:
    """A template that shows one value of its row and is as large as the page."""
    return "{% raw %}" + page.replace("</title>", " {% endraw %}{{ row.title }}{% raw %}</title>", 1) + "{% endraw %}"


def _server_options() -> dict[str, Any]:
    """How the application's server is set up."""
    # here, because it imports the whole application
    from flask import Flask

    from workshops.cli.serving import WebServer

    options: dict[str, Any] = WebServer(Flask("options"), bind="", workers=1, with_worker=False).options
    # what is called at the end of a process is the application's own business
    return {name: value for name, value in options.items() if not callable(value)}


def _mail_size(instance: Instance) -> int:
    """How many characters the application stores for one mail."""
    engine = sa.create_engine(instance.database_url or f"sqlite:///{instance.folder / 'workshops.sqlite3'}")
    total = "length(body_text) + length(body_html) + coalesce(length(calendar), 0)"
    try:
        with engine.connect() as connection:
            return int(
                connection.exec_driver_sql(f"SELECT {total} FROM outbox_messages ORDER BY id DESC").scalar() or 0
            )
    finally:
        engine.dispose()

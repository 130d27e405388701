"""What a program that subscribes does at its second, third and fourth look (icalendar.md C.4, 27 and 28)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import BEGINNING, make_event
from tests.readers.seen import run
from workshops.core.db import transaction
from workshops.core.versions import touch_public
from workshops.schedule.calendar_entry import refresh_vevent
from workshops.schedule.models import Event

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


@contextlib.contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application on a port of its own; gives its address."""
    with make_server("127.0.0.1", 0, app.wsgi_app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def items(folder: Path) -> dict[str, bytes]:
    """The files of a synchronised collection, by name."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def synchronised(feed: str, kept: Path, folder: Path) -> Callable[[], dict[str, bytes]]:
    """vdirsyncer between a feed and a folder that it makes. Calling what this gives syncs; returns its files."""
    kept.mkdir()
    config = folder / "config"
    config.write_text(
        f'[general]\nstatus_path = "{folder / "status"}"\n'
        '[pair feed]\na = "here"\nb = "there"\ncollections = null\nconflict_resolution = "b wins"\n'
        f'[storage here]\ntype = "filesystem"\npath = "{kept}"\nfileext = ".ics"\n'
        f'[storage there]\ntype = "http"\nurl = "{feed}"\n',
        encoding="utf-8",
    )
    vdirsyncer: list[str | Path] = [Path(sys.executable).with_name("vdirsyncer"), "-c", config]
    discovered = subprocess.run([*map(str, vdirsyncer), "discover"], input=b"y\n", capture_output=True, check=False)
    assert discovered.returncode == 0, discovered.stderr.decode()[-500:]

    def sync() -> dict[str, bytes]:
        run([*vdirsyncer, "sync"])
        return items(kept)

    return sync


def test_conformance_27_a_second_sync_changes_nothing_an_edit_one_item_and_a_deletion_takes_one(
    app: Flask, session: Session, clock: FakeClock, tmp_path: Path
) -> None:
    events = [make_event(session, title=f"Example {number}", starts_at=datetime(2027, 4, 5 + number, 9, tzinfo=UTC))
              for number in range(12)]  # fmt: skip
    ids = [event.id for event in events]
    kept = tmp_path / "kept"
    with served(app) as base:
        sync = synchronised(f"{base}/calendar.ics", kept, tmp_path)
        first = sync()
        assert len(first) == 12
        clock.advance(minutes=61)
        assert sync() == first, "nothing changed, and nothing was changed"
        with transaction() as inside:
            event = inside.get_one(Event, ids[4])
            event.title, event.revised_at, event.version = "Example with another title", clock.now, event.version + 1
            refresh_vevent(event, settings=current_app.extensions["workshops.settings"])
            touch_public(inside)
        edited = sync()
        # vdirsyncer knows what it reads over HTTP by its content alone, so an edited item changes its name too
        gone, came = first.keys() - edited.keys(), edited.keys() - first.keys()
        assert (len(gone), len(came)) == (1, 1) and b"another title" in edited[came.pop()]
        with transaction() as inside:
            inside.delete(inside.get_one(Event, ids[7]))
            touch_public(inside)
        after = sync()
        assert len(after) == 11 and after.items() <= edited.items()


@pytest.fixture
def radicale(tmp_path: Path) -> Iterator[str]:
    """A CalDAV server that checks what it is given; the address of an empty collection."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "radicale", "--server-hosts", f"127.0.0.1:{port}", "--auth-type", "none",
         "--storage-filesystem-folder", str(tmp_path / "radicale"), "--logging-level", "error", "--rights-type",
         "authenticated", "--config", ""],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}/example/events/"
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/.web/", timeout=5).close()
                break
            time.sleep(0.1)
        status, words = asked("MKCALENDAR", base)
        assert status == 201, words
        yield base
    finally:
        server.terminate()
        server.wait(10)


def asked(method: str, url: str, body: bytes | None = None) -> tuple[int, str]:
    """The status and the words of a CalDAV request."""
    headers = {"Content-Type": "text/calendar; charset=utf-8", "Authorization": "Basic ZXhhbXBsZTp4"}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode("utf-8")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode("utf-8", "replace")


def test_conformance_28_radicale_accepts_each_event(client: FlaskClient, session: Session, radicale: str) -> None:
    for values in (
        {"title": "Timed"},
        {"title": "A whole week", "starts_at": None, "ends_at": None, "starts_on": BEGINNING.date(),
         "ends_on": datetime(2027, 3, 9, tzinfo=UTC).date()},
        {"title": "Cancelled", "state": "cancelled", "state_changed_at": BEGINNING},
        {"title": "Còmhradh; “quoted”, \\ 👩🏽‍🦽 " + "é" * 200, "summary": "One\ntwo; three, four"},
        {"title": "Online", "mode": "online"},
    ):  # fmt: skip
        make_event(session, **values)
    slugs = [event.slug for event in session.query(Event)]
    for slug in slugs:
        body = client.get(f"/events/{slug}.ics").get_data()
        status, words = asked("PUT", f"{radicale}{slug}.ics", body)
        assert status == 201, (slug, words)
        status, kept = asked("GET", f"{radicale}{slug}.ics")
        assert status == 200 and kept.count("BEGIN:VEVENT") == body.count(b"BEGIN:VEVENT")
    status, words = asked("PUT", f"{radicale}broken.ics", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n")
    assert status >= 400, "the control: it does not take everything"

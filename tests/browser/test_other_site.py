"""What a page of another site, and the browser of a mail filter, can do with a session or a link: nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.browser.conftest import Scene
from tests.browser.test_pages import OPEN
from tests.browser.test_pages import admin as admin  # noqa: PLC0414 the fixture
from tests.browser.visitor import Visitor


@pytest.fixture
def other_site() -> Iterator[Callable[[str], str]]:
    """other_site(html) serves a page at another host and gives its address."""
    pages: dict[str, str] = {}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def add(html: str) -> str:
        path = f"/{len(pages)}"
        pages[path] = html
        return f"http://localhost:{server.server_port}{path}"

    yield add
    server.shutdown()
    server.server_close()


def registrations(scene: Scene) -> list[tuple[Any, ...]]:
    """All there is about who has a place."""
    with closing(sqlite3.connect(scene.site.instance.folder / "workshops.sqlite3", timeout=30)) as database:
        rows = database.execute(
            "SELECT id, email_key, state, attending, name, reconfirmed_at, came_from_id FROM registrations ORDER BY id"
        )
        return list(rows)


def test_a_page_of_another_site_changes_nothing(
    scene: Scene, admin: Visitor, other_site: Callable[[str], str]
) -> None:
    before = registrations(scene)
    sends = {
        "/staff/sign-out": {},
        f"{scene.places['confirmed']}/cancel": {"reason": "mine"},
        f"/events/{OPEN}/register": {"name": "Example Person", "email": "other-site@example.org", "if_full": "wait"},
        f"/staff/events/{OPEN}/people/add": {"name": "Example Person", "email": "other-site@example.org"},
    }
    for path, fields in sends.items():
        inputs = "".join(f'<input name="{name}" value="{escape(value)}">' for name, value in fields.items())
        address = other_site(
            f'<!doctype html><form method="post" action="{admin.base}{path}">{inputs}</form>'
            "<script>document.forms[0].submit()</script>"
        )
        with admin.page.expect_response(lambda answer, path=path: answer.url.endswith(path)) as heard:
            admin.page.goto(address, wait_until="commit")
        assert heard.value.status in (302, 303, 400, 403, 422), path
        admin.page.wait_for_load_state()
    assert registrations(scene) == before
    admin.said.clear()  # what the browser said about pages of another site is not ours
    admin.open("/staff/")
    assert admin.heading() == "My events", "somebody else signed them out"


def test_a_scanner_with_a_browser_changes_nothing(scene: Scene, new_visitor: Callable[..., Visitor]) -> None:
    """As some mail filters do: every link of every mail, with JavaScript on, five times; and HEAD."""
    before = registrations(scene)
    scanner = new_visitor(scene.site.base)
    for _ in range(5):
        for path in scene.places.values():
            scanner.page.goto(scanner.base + path)
            assert scanner.page.request.head(scanner.base + path).status == 200
    assert registrations(scene) == before

"""People at their browsers, many at once: each loads the form, then all send at the same moment.

Standard library alone and one connection a send, so that nothing between the person and the server queues.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

#: An answer later than this counts as none.
ANSWER_S = 120
#: Forms loaded at the same time; only sending has to happen all at once.
LOADING = 8


@dataclass(frozen=True)
class Answer:
    """What came back: the status and, after a redirect, where it leads."""

    status: int
    location: str


@dataclass
class LoadedForm:
    """A registration form in one browser: its cookie and hidden fields, and what the person typed."""

    port: int
    path: str
    cookie: str
    fields: dict[str, str]
    typed: dict[str, str] = field(default_factory=dict)

    def send(self) -> Answer:
        """POST it once."""
        body = urlencode({**self.fields, **self.typed}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request("POST", self.path, body, headers)
            response = connection.getresponse()
            response.read()
            return Answer(response.status, response.headers.get("Location", ""))
        finally:
            connection.close()


class _HiddenFields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and values.get("type") == "hidden" and values.get("name"):
            self.found[str(values["name"])] = values.get("value") or ""


def load_form(port: int, slug: str, **typed: str) -> LoadedForm:
    """GET the registration form of an event in a browser of its own."""
    path = f"/events/{slug}/register"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        page = response.read().decode("utf-8")
    finally:
        connection.close()
    assert response.status == 200, f"the form of {slug} answered {response.status}"
    cookie = "; ".join(value.split(";")[0] for value in response.headers.get_all("Set-Cookie", []))
    parser = _HiddenFields()
    parser.feed(page)
    assert cookie and "csrf_token" in parser.found, "the form carries no token"
    return LoadedForm(port, path, cookie, parser.found, typed)


def load_forms(port: int, slug: str, people: Sequence[dict[str, str]]) -> list[LoadedForm]:
    """One form for each person, in their order."""
    with ThreadPoolExecutor(LOADING) as pool:
        return list(pool.map(lambda typed: load_form(port, slug, **typed), people))


def send_at_once(forms: Sequence[LoadedForm]) -> list[Answer]:
    """Send all forms at the same moment; the answers in the order of the forms."""
    gate = threading.Barrier(len(forms))

    def send(form: LoadedForm) -> Answer:
        gate.wait()
        return form.send()

    with ThreadPoolExecutor(len(forms)) as pool:
        return list(pool.map(send, forms))

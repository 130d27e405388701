"""A person without JavaScript in front of the test client: opens pages, fills in the forms they show, presses buttons.

Fields go out exactly as the page gave them, hidden ones included, so a journey proves the pages and not only the
addresses behind them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass
class Form:
    """One form of a page: where it goes, what it holds now, and its buttons as (words, name, value, formaction)."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str, str, str]] = field(default_factory=list)


class Reader(HTMLParser):
    """What a page says and asks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.heading = ""
        self._form: Form | None = None
        self._open: list[str] = []
        self._button: list[str] | None = None
        self._link: list[str] | None = None
        self._area: list[str] | None = None
        self._select = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "input":
            self._input(given)
        elif tag == "textarea":
            self._area = [given.get("name", ""), ""]
        elif tag == "select":
            self._select = given.get("name", "")
            if self._form is not None:
                self._form.fields.add(self._select)
        elif tag == "option" and self._form is not None and self._select and "selected" in given:
            self._form.values[self._select] = [given.get("value", "")]
        elif tag == "button":
            self._button = ["", given.get("name", ""), given.get("value", ""), given.get("formaction", "")]
        elif tag == "a":
            self._link = ["", given.get("href", "")]
        elif tag in ("h1", "title", "script", "style"):
            self._open.append(tag)

    def _input(self, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if self._form is None or not name:
            return
        self._form.fields.add(name)
        if kind in ("radio", "checkbox"):
            if "checked" in given:
                self._form.values.setdefault(name, []).append(given.get("value", "on"))
        elif kind not in ("submit", "file"):
            self._form.values.setdefault(name, []).append(given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea" and self._area is not None and self._form is not None:
            # HTML drops one newline right after the opening tag
            self._form.fields.add(self._area[0])
            self._form.values[self._area[0]] = [self._area[1].removeprefix("\n")]
            self._area = None
        elif tag == "button" and self._button is not None:
            if self._form is not None:
                words, name, value, action = self._button
                self._form.buttons.append((_one_line(words), name, value, action))
            self._button = None
        elif tag == "a" and self._link is not None:
            self.links.append((_one_line(self._link[0]), self._link[1]))
            self._link = None
        elif self._open and tag == self._open[-1]:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if self._area is not None:
            self._area[1] += data
        if self._button is not None:
            self._button[0] += data
        if self._link is not None:
            self._link[0] += data
        if inside == "h1":
            self.heading += data
        if inside not in ("title", "script", "style"):
            self.words.append(data)


def _one_line(text: str) -> str:
    return " ".join(text.split())


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.path = "/"
        self.answer: TestResponse
        self.seen: Reader
        self._typed: dict[str, str | list[str]] = {}

    @property
    def heading(self) -> str:
        """The H1 of the page shown."""
        return _one_line(self.seen.heading)

    @property
    def words(self) -> str:
        """All words of the page shown, on one line."""
        return _one_line(" ".join(self.seen.words))

    def open(self, path: str, status: int = 200) -> Person:
        """Go to a path or to a whole address from a mail."""
        parts = urlsplit(path)
        return self._arrive(self.client.get(parts.path + (f"?{parts.query}" if parts.query else "")), status)

    def follow(self, words: str, status: int = 200) -> Person:
        """Follow the first link whose words begin so."""
        href = next((href for said, href in self.seen.links if said.startswith(words)), None)
        assert href is not None, f"no link “{words}” on {self.path}: {self.seen.links}"
        return self.open(urljoin(self.path, href), status)

    def fill(self, **answers: str | list[str]) -> Person:
        """Type answers into the form that press() sends next, by field name."""
        self._typed.update(answers)
        return self

    def press(self, words: str, status: int = 200) -> Person:
        """Press the button whose words begin so, in the form that asks for what was filled in."""
        for form in self.seen.forms:
            for said, name, value, action in form.buttons:
                if said.startswith(words) and set(self._typed) <= form.fields:
                    return self._send(form, name, value, action, status)
        buttons = [(button[0], sorted(form.fields)) for form in self.seen.forms for button in form.buttons]
        raise AssertionError(f"no button “{words}” with fields {sorted(self._typed)} on {self.path}: {buttons}")

    def _send(self, form: Form, name: str, value: str, action: str, status: int) -> Person:
        typed = {key: each if isinstance(each, list) else [each] for key, each in self._typed.items()}
        data = {**form.values, **typed, **({name: [value]} if name else {})}
        self._typed = {}
        target = urljoin(self.path, action or form.action or self.path)
        if form.method == "get":
            return self.open(f"{target}?{urlencode(data, doseq=True)}", status)
        # as browsers do, and what the guard looks at
        headers = {"Sec-Fetch-Site": "same-origin"}
        return self._arrive(self.client.post(urlsplit(target).path, data=data, headers=headers), status, target)

    def _arrive(self, answer: TestResponse, status: int, target: str = "") -> Person:
        path = target or answer.request.path
        for _ in range(5):
            if answer.status_code not in (302, 303):
                break
            path = urljoin(path, answer.headers["Location"])
            parts = urlsplit(path)
            answer = self.client.get(parts.path + (f"?{parts.query}" if parts.query else ""))
        self.path, self.answer = urlsplit(path).path, answer
        assert answer.status_code == status, f"{self.path}: {answer.status_code}\n{re.sub('<[^>]+>', ' ', answer.text)}"
        self.seen = Reader(answer.text) if answer.mimetype == "text/html" else Reader("")
        return self

"""Hostile values in every address, filter, header and form field: a page in words comes back, and never a 500."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter

from tests.conftest import FormClient
from tests.guards.forms import every_form
from tests.guards.world import paths

#: What is put where text, a number, a date, a link or a choice is expected.
HOSTILE = (
    "a\0b",
    "Ann\r\nBcc: other@example.org",
    "\u202egnp.exe\u2066\ufeff\x85\u2028",
    "two@at@example.org",
    "javascript:alert(1)",
    "JaVa\tScript&colon;alert(1)",
    "//evil.example/\\evil",
    "https://name:secret@evil.example",
    "http://[::1",
    "https://\u2100.example:99999",
    "-1",
    "99999999999999999999999",
    "9223372036854775808",
    "2147483648",
    "\u00b2\u0663",
    "1e400",
    "9999-12-31",
    "0001-01-01",
    "0000-00-00",
    "2027-02-31",
    "2027-03-28T01:30",
    "24:61",
    "%_\\%s{0.__class__}{{7*7}}",
    "'; DROP TABLE events; --",
    "<script>alert(1)</script>]]>\"'",
    "[" * 3000,
    "> " * 3000 + "x",
    "e" + "\u0301" * 3000,
    "x" * 30_000,
)
#: What a database refuses to look for: choices are read before they are checked against their list.
REFUSED = ("a\0b", "9223372036854775808")
#: The same, for what stands in an address: as bytes, so that no text has to be behind them.
RAW = (
    "%00",
    "%ff",
    "%ed%a0%80",
    "%c0%af",
    "%",
    "%zz",
    "..%2f..%2fetc",
    "a" * 3000,
    "%0d%0aSet-Cookie:x=y",
    "%E2%80%AE",
)
#: Every name that any page reads from its address.
ARGUMENTS = (
    "q", "programme", "kind", "topic", "area", "host", "attending", "from", "to", "places", "page", "sort",
    "month", "show", "whose", "saved", "sent", "next", "part", "event", "year", "state", "into",
    "first", "last", "start", "end",
)  # fmt: skip
#: The last part of each address that reads some of them.
READ_ARGUMENTS = (
    "events", "past", "calendar", "calendar.ics", "calendars", "write-ups", "find-my-place", "sign-in",
    "evidence", "people", "on-the-day", "venues", "hosts", "topics", "merge", "days",
)  # fmt: skip


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged as an error: a traceback would be there."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def everything(pytestconfig: pytest.Config) -> bool:
    """Whether each value is put into each field; the gate takes turns."""
    return bool(pytestconfig.getoption("--full"))


def test_no_filter_is_a_500(
    app: Flask,
    whole_world: dict[str, Any],
    staff: Callable[..., FormClient],
    quiet: None,
    everything: bool,
    engine_name: str,
) -> None:
    browser = staff("admin")
    values = [*RAW, *(quote(value[:2000]) for value in HOSTILE)]
    for number, path in enumerate(paths(app, whole_world)):
        reads_arguments = path.rpartition("/")[2] in READ_ARGUMENTS
        step = 1 if everything else 12 if reads_arguments else len(values)
        # the engines take turns in the gate
        for value in values[(number + 6 * (engine_name == "sqlite")) % step :: step]:
            # a search by itself: next to a filter that matches nothing, the database would never see it
            for query in (f"q={value}", "&".join(f"{name}={value}" for name in ARGUMENTS)):
                answer = browser.get(f"{path}?{query}")
                answer.close()
                assert answer.status_code < 500, (path, query[:60], answer.status_code)


def test_no_part_of_an_address_is_a_500(app: Flask, staff: Callable[..., FormClient], quiet: None) -> None:
    browser = staff("admin")
    marks = {"slug": "slug-mark", "token": "token-mark", "filename": "file-mark", "outcome": "place", "format": "csv",
             "part": "part-mark", "kind": "kind-mark", "whose": "mine"}
    numbers = ("0", "2147483648", "9223372036854775808", "9" * 5000)
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            is_number = isinstance(rule._converters[name], IntegerConverter)
            part = next(p for p in path.split("<")[1:] if p.split(">")[0].split(":")[-1] == name).split(">")[0]
            path = path.replace(f"<{part}>", "{number}" if is_number else marks[name])
        tries = [path.replace(mark, value)
                 for mark in ("slug-mark", "token-mark", "file-mark", "part-mark", "kind-mark") if mark in path
                 for value in (*RAW, *(quote(one) for one in HOSTILE[1:3]))]  # fmt: skip
        for one in tries or [path]:
            for number in numbers if "{number}" in one else ("",):
                for method in rule.methods & {"GET", "POST"}:  # type: ignore[operator]
                    address = one.replace("{number}", number).replace("slug-mark", "no-such").replace("-mark", "")
                    if address.endswith("/sign-out"):
                        continue
                    answer = browser.get(address) if method == "GET" else browser.send(address)
                    answer.close()
                    assert answer.status_code < 500 or address == "/readyz", (method, address[:80], answer.status_code)


def test_no_form_field_is_a_500(
    app: Flask,
    client: FormClient,
    whole_world: dict[str, Any],
    staff: Callable[..., FormClient],
    quiet: None,
    everything: bool,
    engine_name: str,
) -> None:
    found = every_form([client, staff("admin")], paths(app, whole_world), whole_world["slug"])
    assert len(found) > 25, "hardly a form was found, so nothing is proved"
    turn, query = 0, "&".join(f"{name}=%00" for name in ARGUMENTS)
    for browser, form in found.values():
        tries = [dict.fromkeys(form.fields, value) for value in (HOSTILE if everything else REFUSED)]
        # the engines take turns in the gate: what they refuse is in the first tries, into every field at once
        for name in list(form.fields) if everything else list(form.fields)[2 * (engine_name == "sqlite") :: 4]:
            turn += 1
            chosen = HOSTILE if everything else HOSTILE[turn % len(HOSTILE) :][:1]
            tries += [{**form.fields, name: value} for value in chosen]
        for fields in tries:
            address = form.action if everything else f"{form.action.partition('?')[0]}?{query}"
            answer = browser.send(address, fields)
            answer.close()
            assert answer.status_code < 500, (form.action, str(fields)[:300], answer.status_code)

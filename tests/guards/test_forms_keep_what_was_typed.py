"""Every form comes back filled when it could not be taken, says so in its title, and links to what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask

from tests.conftest import FormClient
from tests.guards.forms import every_form
from tests.guards.world import paths

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


def keeps_typed(app: Flask, path: str) -> bool:
    endpoint, _ = app.url_map.bind("localhost").match(path.partition("?")[0].partition("#")[0], method="POST")
    return bool(getattr(app.view_functions[endpoint], "keeps_typed", False))


def typed_into(kinds: dict[str, str], fields: dict[str, str]) -> dict[str, str]:
    """Something of one's own in each box; choices as they stand."""
    return {
        name: f"typed {number}" if kinds.get(name) in ("text", "email", "url", "search", "textarea") else value
        for number, (name, value) in enumerate(fields.items())
    }


def test_a_form_that_was_open_for_too_long_comes_back_filled(
    app: Flask,
    client: FormClient,
    whole_world: dict[str, Any],
    staff: Callable[..., FormClient],
) -> None:
    found = every_form([client, staff("admin")], paths(app, whole_world), whole_world["slug"])
    checked, boxes, lost = 0, 0, []
    for browser, form in found.values():
        if not keeps_typed(app, form.action):
            continue
        typed = typed_into(form.kinds, form.fields)
        answer = browser.post(form.action, data={**typed, "csrf_token": "too-old"})
        page = unescape(answer.get_data(as_text=True))
        if "preview-description" not in form.action:
            assert answer.status_code == 422, (form.action, answer.status_code)
            assert re.search(r"<title>\s*Error: ", page), form.action
            assert "This page was open for too long" in page, form.action
        for name, value in typed.items():
            if value != form.fields[name]:
                boxes += 1
                lost += [(form.action, name)] if value not in page else []
        checked += 1
    assert lost == []
    assert checked > 20 and boxes > 60, "hardly a form was looked at, so nothing is proved"


def test_the_error_summary_leads_to_fields_that_are_there(
    app: Flask,
    client: FormClient,
    whole_world: dict[str, Any],
    staff: Callable[..., FormClient],
) -> None:
    found = every_form([client, staff("admin")], paths(app, whole_world), whole_world["slug"])
    links = 0
    for browser, form in found.values():
        if not keeps_typed(app, form.action) or "preview-description" in form.action:
            continue
        for value in ("", "-1 \N{RIGHT-TO-LEFT OVERRIDE}javascript:x@@" + "x" * 20_000):
            answer = browser.send(form.action, dict.fromkeys(form.fields, value))
            if answer.status_code != 422:
                continue
            page = answer.get_data(as_text=True)
            assert re.search(r"<title>\s*Error: ", page), (form.action, value[:10])
            ids = re.findall(r'\bid="([^"]+)"', page)
            assert len(ids) == len(set(ids)), (form.action, sorted(i for i in ids if ids.count(i) > 1))
            summary = re.search(r'class="ds_error-summary.*?</div>', page, re.DOTALL)
            assert summary is not None, form.action
            for target in re.findall(r'href="#([^"]*)"', summary[0]):
                assert target in ids, (form.action, target)
                links += 1
    assert links > 40, "hardly a link was followed, so nothing is proved"

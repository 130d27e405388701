"""Every route says who may call it; the application refuses to start when one does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.guards.world import addresses, contents, paths
from workshops.web.access import ROLES, UndeclaredRoutes, declared, refuse_undeclared_routes


def test_every_route_declares_its_access(app: Flask) -> None:
    refuse_undeclared_routes(app)


def test_an_undeclared_route_stops_the_start() -> None:
    bare = Flask("bare", static_folder=None)
    bare.add_url_rule("/open", "open", lambda: "open")
    with pytest.raises(UndeclaredRoutes, match="open"):
        refuse_undeclared_routes(bare)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_staff_addresses_send_strangers_to_sign_in(app: Flask, client: FormClient) -> None:
    for endpoint, path in addresses(app, "GET"):
        rule = declared(app, endpoint)
        assert rule is not None
        if rule.role is None:
            continue
        answer = client.get(path)
        assert answer.status_code == 303, (endpoint, answer.status_code)
        assert answer.location.startswith("/staff/sign-in?next=/staff"), endpoint


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_each_role_is_refused_what_is_above_it(app: Flask, staff: Callable[..., FormClient]) -> None:
    for role in ROLES:
        browser = staff(role)
        for method in ("GET", "POST"):
            for endpoint, path in addresses(app, method):
                rule = declared(app, endpoint)
                assert rule is not None
                if rule.role is None or rule.allows(role):
                    continue
                answer = browser.get(path) if method == "GET" else browser.send(path)
                assert answer.status_code == 403, (role, method, endpoint, answer.status_code)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_nothing_is_a_500_for_made_up_addresses(app: Flask, staff: Callable[..., FormClient]) -> None:
    browser = staff("admin")
    for method in ("GET", "POST"):
        for endpoint, path in addresses(app, method):
            if endpoint == "accounts.sign_out":
                continue
            answer = browser.get(path) if method == "GET" else browser.send(path)
            answer.close()
            assert answer.status_code < 500 or endpoint == "evidence.readyz", (method, endpoint, answer.status_code)


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_every_change_needs_the_form_token(
    app: Flask, session: Session, world: dict[str, Any], staff: Callable[..., FormClient]
) -> None:
    browser = staff("admin")
    before = contents(session)
    for path in paths(app, world, method="POST"):
        answer = browser.post(path, data={"name": "x", "email": "someone@example.org", "title": "x", "reason": "x"})
        # a preview may answer 200, and a page with nothing to change 303: what counts is that nothing changed
        assert answer.status_code < 500, (path, answer.status_code)
    assert contents(session) == before


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_changes_sent_by_another_site_are_refused(app: Flask, staff: Callable[..., FormClient]) -> None:
    browser = staff("admin")
    for endpoint, path in addresses(app, "POST"):
        answer = browser.send(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403, (endpoint, answer.status_code)

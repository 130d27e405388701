"""A GET changes nothing: every GET route is requested, and the whole database compared before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_event
from tests.guards.world import contents, paths


def test_no_get_route_writes(
    app: Flask, session: Session, world: dict[str, Any], staff: Callable[..., FormClient]
) -> None:
    browser = staff("admin")
    before = contents(session)
    reached = 0
    for path in paths(app, world):
        statuses = []
        for method in ("GET", "HEAD"):
            answer = browser.open(path, method=method)
            answer.close()
            assert answer.status_code < 500, (method, path)
            statuses.append(answer.status_code)
            reached += answer.status_code == 200
        # a filter that asks with HEAD must not be told that something is wrong with a link (RFC 9110 9.3.2)
        assert statuses[0] == statuses[1] or 304 in statuses, (path, statuses)
    after = contents(session)
    assert {name for name in before if before[name] != after[name]} == set()
    assert reached > 60, "hardly anything was reached, so nothing is proved"


def test_the_comparison_sees_a_write(session: Session, world: dict[str, Any]) -> None:
    before = contents(session)
    make_event(session)
    assert before != contents(session)

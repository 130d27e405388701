"""What the guards walk over: every address with values that exist and values that do not, and the whole database."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import IntegerConverter

from workshops.core.db import Base

#: The only columns a GET may move, by name: a staff sign-in is touched once a minute at most. Usage counters
#: would be gathered in memory and written outside requests; there are none yet.
EXCEPTED = {"sign_ins": {"last_seen_at"}}


def contents(session: Session) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, without the excepted columns."""
    session.rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        rows = session.execute(table.select().order_by(*table.primary_key.columns)).mappings()
        skipped = EXCEPTED.get(table.name, set())
        found[table.name] = [{k: v for k, v in row.items() if k not in skipped} for row in rows]
    session.rollback()
    return found


def made_up(converter: object, name: str) -> object:
    """A value that fits the address and names nothing."""
    if isinstance(converter, IntegerConverter):
        return 987654
    if type(converter).__name__ == "AnyConverter":
        return sorted(converter.items)[0]  # type: ignore[attr-defined]
    return {"format": "csv", "outcome": "place", "filename": "nothing.css"}.get(name, "no-such-thing")


def addresses(app: Flask, method: str) -> list[tuple[str, str]]:
    """(endpoint, path with made-up values) of every route with that method."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if method not in (rule.methods or set()):
                continue
            values = {name: made_up(rule._converters[name], name) for name in rule.arguments}
            found.append((rule.endpoint, rule.build(values, append_unknown=False)[1]))  # type: ignore[index]
    return sorted(found)


def paths(app: Flask, world: dict[str, Any], *, method: str = "GET") -> list[str]:
    """Every address with that method, with every value that exists and one that does not."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if method not in (rule.methods or set()):
                continue
            choices: list[dict[str, Any]] = [{}]
            for name in rule.arguments:
                values = (*world.get(name, (1,)), made_up(rule._converters[name], name))
                choices = [{**chosen, name: value} for chosen in choices for value in values]
            for chosen in choices:
                try:
                    found.append(rule.build(chosen, append_unknown=False)[1])  # type: ignore[index]
                except Exception:  # a value that this address cannot hold
                    continue
    return sorted(set(found))

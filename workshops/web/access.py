"""Who may call which address. Every route declares it with @access; the application refuses to start otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])

#: From the one who may least to the one who may most.
ROLES = ("viewer", "facilitator", "organiser", "admin")


@dataclass(frozen=True)
class Access:
    """A rule. role is the least role that may call; None means that no sign-in is asked for."""

    name: str
    role: str | None = None

    def allows(self, role: str | None) -> bool:
        """Whether somebody with this role (None: nobody signed in) may call."""
        if self.role is None:
            return True
        return role in ROLES and ROLES.index(role) >= ROLES.index(self.role)


#: Anybody; the answer does not depend on who asks.
PUBLIC = Access("public")
#: Anybody who holds a personal link; the view checks the token and answers 404 without a right one.
BY_LINK = Access("by link")
#: Signed in, any role: reads events, counts and write-ups, never names of registered people.
VIEWER = Access("viewer", "viewer")
#: Runs own events, people included: the view asks schedule.queries.reach which these are.
FACILITATOR = Access("facilitator", "facilitator")
#: Runs own programmes with their events, and what nobody claims: the view asks there too.
ORGANISER = Access("organiser", "organiser")
#: Everything, staff accounts included.
ADMIN = Access("admin", "admin")


class UndeclaredRoutes(RuntimeError):
    """Routes without @access: the application does not start."""


def access(rule: Access, *, keeps_typed: bool = False) -> Callable[[View], View]:
    """Declare who may call a view; stands directly under the route.

    keeps_typed: the view shows its form again, filled, when the CSRF token is missing or too old (its form's
    validation says so). Other views that change something answer 400 with words in that case.
    """

    def declare(view: View) -> View:
        view.access = rule  # type: ignore[attr-defined]
        view.keeps_typed = keeps_typed  # type: ignore[attr-defined]
        return view

    return declare


def declared(app: Flask, endpoint: str | None) -> Access | None:
    """The rule of an endpoint, or None."""
    return getattr(app.view_functions.get(endpoint or ""), "access", None)


def refuse_undeclared_routes(app: Flask) -> None:
    """Raise UndeclaredRoutes when any route has no @access."""
    missing = sorted({rule.endpoint for rule in app.url_map.iter_rules() if declared(app, rule.endpoint) is None})
    if missing:
        raise UndeclaredRoutes(f"Routes without @access: {', '.join(missing)}.")

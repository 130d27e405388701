"""Feeds for everybody, by token, and the page on which staff make theirs."""

from __future__ import annotations

from flask import Blueprint

from workshops.feeds.fetches import Fetches

blueprint = Blueprint("feeds", "workshops.feeds.views")
blueprint.record_once(lambda state: state.app.extensions.setdefault("workshops.fetches", Fetches()))

# The modules put their routes on the blueprint, so it must be there before they are read.
from workshops.feeds.views import (  # noqa: E402
    health,  # noqa: F401
    public,  # noqa: F401
    staff,  # noqa: F401
)

"""Error pages in plain words. A 500 or 503 needs neither database nor cookie."""

from __future__ import annotations

import logging
import traceback

from flask import Flask, Response, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from workshops.core.db import db
from workshops.core.errors import DomainError, NotAllowed, NotFound
from workshops.web.rate_limits import TooMany

PAGES = (400, 403, 404, 405, 410, 413, 422, 429, 500, 503)
#: How much of a body that is too large is read away, so that the browser gets the page and not a broken line.
DRAIN_BYTES = 64 * 1024 * 1024
_log = logging.getLogger(__name__)


def init_errors(app: Flask) -> None:
    """Connect the error pages."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(TooMany, _too_many)
    app.register_error_handler(NotFound, lambda error: _page(404))
    app.register_error_handler(NotAllowed, lambda error: _page(403, str(error)))
    app.register_error_handler(DomainError, lambda error: _page(422, str(error)))
    app.register_error_handler(OperationalError, _database_busy)
    app.register_error_handler(Exception, _unexpected)


def _page(status: int, words: str | None = None, retry_after_s: int | None = None) -> Response:
    if request.path.endswith((".ics", ".atom")) or request.path in ("/healthz", "/readyz"):
        response = make_response(f"{status}\n", status)
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
    else:
        response = make_response(
            render_template(f"errors/{status}.html", words=words, retry_after=retry_after_s), status
        )
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    response.headers["Cache-Control"] = "no-store"
    return response


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if error.response is not None or status < 400:
        return error.get_response()  # a redirect made by routing
    if isinstance(error, RequestEntityTooLarge):
        _drain()
    # our own abort(..., description=...) carries a sentence; Werkzeug's defaults are not written for people
    words = error.description if error.description != type(error).description else None
    response = _page(status if status in PAGES else (400 if status < 500 else 500), words)
    if status == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return response


def _drain() -> None:
    left = DRAIN_BYTES
    stream = request.environ.get("wsgi.input")
    expected = min(left, request.content_length or 0)
    while stream is not None and expected > 0:
        chunk = stream.read(min(65536, expected))
        if not chunk:
            return
        expected -= len(chunk)


def _too_many(error: TooMany) -> ResponseReturnValue:
    return _page(429, str(error), error.retry_after_s)


def _database_busy(error: OperationalError) -> ResponseReturnValue:
    _rollback()
    _log.error("the database did not answer: %s", type(error.orig).__name__)
    return _page(503, None, 10)


def _unexpected(error: Exception) -> ResponseReturnValue:
    _rollback()
    if isinstance(error, DBAPIError):
        # PostgreSQL quotes the row in its message, and rows hold people: where it happened is enough
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "no constraint named"
        where = "".join(traceback.format_tb(error.__traceback__))
        _log.error("%s (%s) in %s\n%s", type(error.orig).__name__, constraint, request.endpoint, where)
    else:
        _log.exception("unexpected error in %s", request.endpoint)
    return _page(500)


def _rollback() -> None:
    try:
        db.session.rollback()
    except Exception:  # the page must come all the same
        _log.exception("rollback failed")

"""What is checked before any view runs, in a fixed order: host, access, origin, form token."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from workshops.config import Settings
from workshops.web.access import declared

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
#: Answered under any host name: monitors call them by address.
HEALTH_PATHS = ("/healthz", "/readyz")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_STRANGE_HOST = "workshops.strange_host"


def settings() -> Settings:
    """The settings of the running application."""
    loaded: Settings = current_app.extensions["workshops.settings"]
    return loaded


def init_guards(app: Flask) -> None:
    """Connect the checks, in their order."""
    app.wsgi_app = _KnownHost(app, app.wsgi_app)  # type: ignore[method-assign]
    app.before_request(check_host)
    app.before_request(check_access)
    app.before_request(check_form_token)


class _KnownHost:
    """Gives the application no other Host than one that is known, and a mark when another one was sent.

    So nothing can be built from an address somebody else chose, and one that cannot be read at all (Werkzeug
    refuses some before any of our code runs) gets the same page as any other.
    """

    def __init__(self, app: Flask, inner: Callable[..., Iterable[bytes]]) -> None:
        self.app = app
        self.inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        loaded: Settings = self.app.extensions["workshops.settings"]
        base = urlsplit(loaded.base_url)
        known = base.netloc
        if "HTTP_HOST" not in environ and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
            environ["HTTP_HOST"] = known  # whoever speaks that need send none (RFC 1945), and names no other host
        host = environ.get("HTTP_HOST", "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and ":" in host else host
        # some proxies pass on the port that the scheme means anyway
        usual_port = f"{known}:{443 if base.scheme == 'https' else 80}"
        if host not in (known, usual_port) and name not in _LOOPBACK:
            environ["HTTP_HOST"] = known
            environ[_STRANGE_HOST] = True
        if name not in _LOOPBACK:
            # a proxy speaks http with us; redirects made by routing must not lead back to that
            environ["wsgi.url_scheme"] = base.scheme
        return self.inner(environ, start_response)


def check_host() -> None:
    """Refuse unknown Host headers; monitors may call the health addresses by any."""
    if request.environ.get(_STRANGE_HOST) and request.path not in HEALTH_PATHS:
        abort(400, description="This address is not known here. Check the link and try again.")


def check_access() -> ResponseReturnValue | None:
    """Default deny: what declares nothing does not run, what asks for a role sends others to sign in."""
    if request.endpoint is None:
        return None  # 404 or 405, answered by Flask
    rule = declared(current_app, request.endpoint)
    if rule is None:
        abort(403)
    if rule.role is None:
        return None
    if not current_user.is_authenticated:
        if request.method in SAFE_METHODS:
            return redirect(f"{url_for('accounts.sign_in')}?next={quote(next_path(), safe='/')}", 303)
        abort(403, description="You are signed out. Sign in again in another tab, then go back and send this again.")
    if not rule.allows(current_user.role):
        abort(403)
    return None


def next_path() -> str:
    """The path asked for, with its query, to come back to after sign-in."""
    query = request.query_string.decode("ascii", "replace")
    return f"{request.path}?{query}" if query else request.path


def check_form_token() -> None:
    """Every change carries the form token of this browser, and does not come from another site.

    A view that keeps what was typed runs all the same, with g.form_token_failed set: its form then fails.
    """
    if request.method in SAFE_METHODS or request.endpoint is None:
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403, description="This was sent from another website, so nothing was changed.")
    try:
        validate_csrf(request.form.get("csrf_token"))
    except ValidationError:
        if not getattr(current_app.view_functions[request.endpoint], "keeps_typed", False):
            abort(
                400,
                description="This page was open for too long, so nothing was changed. "
                "Go back, load the page again and press the button once more.",
            )
        g.form_token_failed = True
    else:
        g.csrf_valid = True  # Flask-WTF's forms need not check it a second time

"""The headers of every answer, and whose address a request comes from."""

from __future__ import annotations

import ipaddress

from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from workshops.web.access import BY_LINK, PUBLIC, declared
from workshops.web.guards import settings

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

#: On every answer, whatever it is.
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def init_headers(app: Flask) -> None:
    """Set the headers on every answer, errors included."""
    app.after_request(set_headers)
    app.session_interface = CookieSessions()


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie; what was built with it (a form token, who is signed in) is kept nowhere."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Called after every other hook, so that it sees what the whole request has read."""
        if session.accessed:
            response.headers["Cache-Control"] = "private, no-store"
        super().save_session(app, session, response)


def set_headers(response: Response) -> Response:
    """Security headers; no-store for everything that is not public; no trace of personal links elsewhere."""
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    rule = declared(current_app, request.endpoint)
    public = rule is PUBLIC
    response.headers.setdefault("Referrer-Policy", "same-origin" if rule is not BY_LINK else "no-referrer")
    if not public:
        response.headers["Cache-Control"] = "private, no-store" if rule is BY_LINK else "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-cache" if response.status_code == 200 else "no-store"
    if request.path.startswith("/staff"):
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex"
    if settings().is_https:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def client_address() -> str:
    """The address a request comes from, as text.

    X-Forwarded-For is believed only as far as it was written by trusted proxies: read from the right,
    the first address that is not one of them.
    """
    trusted = settings().trusted_proxies
    address = request.remote_addr or ""
    hops = [hop.strip() for hop in ",".join(request.headers.getlist("X-Forwarded-For")).split(",") if hop.strip()]
    while hops and _within(address, trusted):
        address = hops.pop()
    return address if _parsed(address) else (request.remote_addr or "")


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _within(address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in networks)

"""Pages that belong to no slice: accessibility, privacy, cookies, contact, robots.txt, security.txt."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, render_template, url_for

from workshops.core.clock import now
from workshops.web.access import PUBLIC, access
from workshops.web.guards import settings

blueprint = Blueprint("site", __name__)


def _help_page(name: str) -> str:
    return render_template(f"site/{name}.html", contact_email=settings().mail_from, base_url=settings().base_url)


@blueprint.get("/accessibility")
@access(PUBLIC)
def accessibility() -> str:
    return _help_page("accessibility")


@blueprint.get("/privacy")
@access(PUBLIC)
def privacy() -> str:
    return _help_page("privacy")


@blueprint.get("/cookies")
@access(PUBLIC)
def cookies() -> str:
    return _help_page("cookies")


@blueprint.get("/contact")
@access(PUBLIC)
def contact() -> str:
    return _help_page("contact")


@blueprint.get("/robots.txt")
@access(PUBLIC)
def robots_txt() -> Response:
    # Google's calendar fetcher has refused sites without a robots.txt (reference/icalendar C.2).
    lines = ["User-agent: *", "Disallow: /staff/", "Disallow: /places/", "Allow: /", ""]
    return Response("\n".join(lines), content_type="text/plain; charset=utf-8")


@blueprint.get("/.well-known/security.txt")
@access(PUBLIC)
def security_txt() -> Response:
    """RFC 9116. Expires is always half a year ahead of the first of this month, so it never goes stale."""
    first = now().replace(day=1, hour=0, minute=0, second=0)
    base = settings().base_url
    lines = [
        f"Contact: mailto:{settings().mail_from}",
        f"Expires: {(first + timedelta(days=183)).strftime('%Y-%m-%dT%H:%M:%SZ')}",
        "Preferred-Languages: en",
        f"Canonical: {base}{url_for('site.security_txt')}",
        f"Policy: {base}{url_for('site.contact')}",
        "",
    ]
    return Response("\n".join(lines), content_type="text/plain; charset=utf-8")

"""Headers of every answer, and whose addresses and names are believed."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask

from tests.conftest import FormClient
from tests.guards.world import addresses
from workshops.web.headers import CONTENT_SECURITY_POLICY, client_address

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

INLINE = re.compile(
    r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\b(?:src=|type=\"application/(?:ld\+)?json\"))",
    re.IGNORECASE,
)


def test_every_answer_carries_the_security_headers(app: Flask, staff: Callable[..., FormClient]) -> None:
    browser = staff("admin")
    for endpoint, path in addresses(app, "GET"):
        answer = browser.get(path)
        answer.close()
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, endpoint
        assert answer.headers["X-Content-Type-Options"] == "nosniff", endpoint
        assert answer.headers["X-Frame-Options"] == "DENY", endpoint
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), endpoint
        assert "Access-Control-Allow-Origin" not in answer.headers, endpoint
        assert "charset=utf-8" in answer.content_type or not answer.content_type.startswith("text/"), endpoint


def test_staff_pages_are_kept_nowhere(app: Flask, staff: Callable[..., FormClient]) -> None:
    browser = staff("admin")
    for endpoint, path in addresses(app, "GET"):
        if path.startswith("/staff"):
            answer = browser.get(path)
            answer.close()
            assert "no-store" in answer.headers["Cache-Control"], endpoint
            assert answer.headers["X-Robots-Tag"] == "noindex", endpoint


def test_no_page_holds_inline_script_or_style(app: Flask, staff: Callable[..., FormClient]) -> None:
    browser = staff("admin")
    for endpoint, path in addresses(app, "GET"):
        answer = browser.get(path)
        answer.close()
        body = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        assert not INLINE.search(body), (endpoint, INLINE.search(body))


def test_the_inline_guard_sees_a_planted_fault(app: Flask) -> None:
    for fault in (
        "<style>",
        '<p style="x">',
        "<script>alert(1)</script>",
        '<a onclick="x">',
        '<a href="javascript:x">',
    ):
        assert INLINE.search(fault), fault
    assert not INLINE.search('<script src="/static/site.js"></script>')
    assert not INLINE.search('<script type="application/ld+json">{}</script>')


def test_unknown_hosts_are_refused_and_health_is_answered_under_any(client: FormClient) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"Host": "127.0.0.1:8000"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize("host", ["x" * 300, "a b", "evil.example:80:80", "\u2603", "evil.example/", "[::1", ""])
def test_a_host_that_cannot_be_read_gets_the_same_page(client: FormClient, host: str) -> None:
    answer = client.get("/events", environ_overrides={"HTTP_HOST": host.encode().decode("latin-1")})
    assert answer.status_code == 400 and "This address is not known here" in answer.get_data(as_text=True)
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "evil" not in answer.get_data(as_text=True)


def test_no_redirect_leads_to_a_host_that_somebody_else_chose(client: FormClient) -> None:
    for path in ("/staff", "/staff/", "/healthz"):
        answer = client.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert "evil" not in str(answer.headers) + answer.get_data(as_text=True), path


def test_behind_a_proxy_redirects_stay_with_https(client: FormClient, change_settings: Callable[..., Any]) -> None:
    change_settings(base_url="https://events.example.org")
    for host in ("events.example.org", "events.example.org:443"):
        location = client.get("/staff", environ_overrides={"HTTP_HOST": host}).location
        assert location == f"https://events.example.org{host[18:] if host[18:] != ':443' else ''}/staff/", host


def test_over_https_the_cookie_is_host_bound_and_strict_transport_is_asked_for(
    app: Flask, client: FormClient, change_settings: Callable[..., Any]
) -> None:
    change_settings(base_url="https://localhost")
    assert "max-age=31536000" in client.get("/").headers["Strict-Transport-Security"]


def test_forwarded_addresses_are_believed_from_trusted_proxies_alone(
    app: Flask, change_settings: Callable[..., Any]
) -> None:
    def seen(remote: str, forwarded: str) -> str:
        with app.test_request_context(
            "/", environ_base={"REMOTE_ADDR": remote}, headers={"X-Forwarded-For": forwarded}
        ):
            return client_address()

    assert seen("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    change_settings(trusted_proxies=(ip_network("10.0.0.0/8"),))
    assert seen("10.0.0.1", "198.51.100.1") == "198.51.100.1"
    assert seen("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2") == "198.51.100.1"
    assert seen("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    assert seen("10.0.0.1", "rubbish") == "10.0.0.1"

"""The macros: text is escaped, no inline style or script, and the shell does not depend on who reads."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, render_template, render_template_string

PROJECT = Path(__file__).resolve().parents[2]
TEMPLATES = PROJECT / "templates"
ENDPOINTS = (
    *("schedule.start", "schedule.events", "schedule.programmes", "schedule.past", "schedule.staff_home"),
    *("schedule.staff_more", "schedule.staff_programmes", "schedule.import_events", "feeds.calendars"),
    *("followup.staff_write_ups",),
    *("site.accessibility", "site.privacy", "site.cookies", "site.contact", "site.security_txt"),
    *("accounts.sign_in", "accounts.sign_out", "accounts.me", "accounts.staff_accounts", "evidence.figures"),
)
EVIL = "<script>alert('x')</script>"


@pytest.fixture
def app() -> Flask:
    app = Flask("components", root_path=str(PROJECT), template_folder=str(TEMPLATES), static_folder=None)
    app.secret_key = "k" * 32
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=lambda name: f"/static/{name}", csrf_token=lambda: "token")
    for endpoint in ENDPOINTS:
        app.add_url_rule("/" + endpoint.replace(".", "/"), endpoint, lambda: "")
    return app


def drawn(app: Flask, call: str, **given: object) -> str:
    """What a macro call gives, with the macro imported by its name."""
    name = re.match(r"\w+", call)[0]  # type: ignore[index]
    with app.test_request_context("/"):
        return render_template_string(f"{{% from 'components/{name}.html' import {name} %}}{{{{ {call} }}}}", **given)


CALLS = [
    "back_link('/x', evil)",
    "breadcrumbs([(evil, '/x')])",
    "button(evil, hidden=evil)",
    "button(evil, href='/x', kind='secondary small')",
    "button_form('/x', evil, fields=[('a', evil)])",
    "card(evil, '/x', evil)",
    "checkbox('a', 'a', evil, hint=evil, error=evil)",
    "checkboxes('a', 'a', evil, [{'id': 'a-0', 'value': evil, 'text': evil, 'hint': evil}])",
    "confirmation_message(evil, evil)",
    "contact_details(evil, [(evil, evil)])",
    "contents_nav([(evil, '#x')], evil)",
    "copy_field('a', evil, evil, evil)",
    "date_input('a', 'a', evil, [{'key': 'day', 'label': evil, 'value': evil}], error=evil)",
    "error_summary([('a', evil), ('', evil)])",
    "event_sections([(evil, '/x')], evil)",
    "facets([(evil, [(evil, '/x')])], '/y')",
    "file_download('/x', evil, evil, evil)",
    "file_input('a', 'a', evil, hint=evil)",
    "inset_text(evil)",
    "link_item('/x', evil, evil, [(evil, evil)], external=true)",
    "metadata([(evil, evil)])",
    "notification_message('warning', evil, evil)",
    "page_header(evil, evil, metadata=[(evil, evil)], lead=evil)",
    "page_title(evil)",
    "pagination(5, 9, link)",
    "phase_banner(evil, evil)",
    "radios('a', 'a', evil, [{'id': 'a-0', 'value': evil, 'text': evil, 'hint': evil}], error=evil)",
    "search_result('/x', evil, evil, [(evil, evil)])",
    "select('a', 'a', evil, [{'value': evil, 'text': evil}])",
    "side_navigation([(evil, '/x')], '/x', evil)",
    "sort_options('/x', [('a', evil)], 'a', [('b', evil)])",
    "status_tag(state)",
    "summary_list([{'key': evil, 'value': evil, 'href': '/x'}, {'key': evil, 'value': ''}])",
    "tag(evil, 'green')",
    "task_list('t', [{'title': evil, 'status': evil, 'href': '/x', 'summary': evil}], evil)",
    "text_area('a', 'a', evil, evil, maximum=10)",
    "text_input('a', 'a', evil, evil, evil, evil)",
    "time(evil, evil)",
    "warning_text(evil)",
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.split("(")[0])
def test_text_is_escaped(app: Flask, call: str) -> None:
    state = SimpleNamespace(tag_text=EVIL, tag_colour="green")
    html = drawn(app, call, evil=EVIL, state=state, link=lambda page: f"?page={page}&q={EVIL}")
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_every_macro_has_the_name_of_its_file() -> None:
    for file in (TEMPLATES / "components").glob("*.html"):
        assert f"{{% macro {file.stem}(" in file.read_text(encoding="utf-8"), file.name


def test_no_template_of_ours_holds_inline_style_or_script() -> None:
    for file in [
        *TEMPLATES.glob("*.html"),
        *(f for d in ("components", "errors", "site") for f in (TEMPLATES / d).glob("*.html")),
    ]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|<script(?! src=)", text), file.name


def test_only_the_nearest_navigation_item_is_marked(app: Flask) -> None:
    items = [("My events", "/staff"), ("Programmes", "/staff/programmes")]
    call = "site_header(items, current=current)"
    assert re.findall(
        r'href="([^"]+)" aria-current="(\w+)"', drawn(app, call, items=items, current="/staff/programmes")
    ) == [("/staff/programmes", "page")]
    assert re.findall(
        r'href="([^"]+)" aria-current="(\w+)"', drawn(app, call, items=items, current="/staff/events/x")
    ) == [("/staff", "true")]


def test_pages_of_a_list_leave_out_the_middle(app: Flask) -> None:
    html = drawn(app, "pagination(6, 12, link)", link=lambda page: f"?page={page}")
    assert re.findall(r"\?page=(\d+)", html) == ["5", "1", "5", "6", "7", "12", "7"]
    assert 'aria-current="page" href="?page=6"' in html
    assert drawn(app, "pagination(1, 1, link)", link=str).strip() == ""


def test_the_public_shell_touches_neither_session_nor_reader(app: Flask) -> None:
    @app.get("/page")
    def page() -> str:
        return render_template_string("{% extends 'base.html' %}{% block content %}<p>Text</p>{% endblock %}")

    answer = app.test_client().get("/page")
    assert answer.status_code == 200
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert '<html lang="en-GB">' in answer.text
    assert re.findall(r"ds_site-navigation__link[^>]*>([^<]+)<", answer.text) == [
        "Find an event",
        "Programmes",
        "Past events",
        "Calendars",
    ]


@pytest.mark.parametrize("role", ["viewer", "facilitator", "organiser", "admin"])
def test_the_header_of_staff_pages_has_the_same_four_places_for_every_role(app: Flask, role: str) -> None:
    with app.test_request_context("/"):
        html = render_template(
            "staff_base.html", current_user=SimpleNamespace(name="Eilidh", email="e@example.org", role=role)
        )
    places = re.findall(r'ds_site-navigation__link[^>]*href[^>]*>([^<]+)<', html)
    assert places == ["My events", "Programmes", "Write-ups", "More"]
    assert '<meta name="robots" content="noindex, nofollow">' in html
    assert 'method="post" action="/accounts/sign_out"' in html


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 422, 429, 500, 503])
def test_error_pages_need_nothing_but_the_templates(app: Flask, status: int) -> None:
    with app.test_request_context("/"):
        html = render_template(f"errors/{status}.html", words=None, retry_after=None)
        said = render_template(f"errors/{status}.html", words=EVIL, retry_after=90)
    assert html.count("<h1") == 1
    assert "<script>alert" not in said
    assert "&lt;script&gt;" in said
    for word in ("please", "invalid", "successfully", "forbidden", "exception"):
        assert word not in html.lower()


@pytest.mark.parametrize(
    ("seconds", "words"), [(20, "in one minute"), (90, "in 2 minutes"), (86400, "in about 24 hours")]
)
def test_too_many_tries_says_when_to_try_again(app: Flask, seconds: int, words: str) -> None:
    with app.test_request_context("/"):
        assert f"You can try again {words}." in render_template("errors/429.html", words=None, retry_after=seconds)


@pytest.mark.parametrize("page", ["accessibility", "privacy", "cookies", "contact"])
def test_help_pages_are_dated_and_name_the_contact(app: Flask, page: str) -> None:
    with app.test_request_context("/"):
        html = render_template(
            f"site/{page}.html", contact_email="events@example.org", base_url="https://events.example.org"
        )
    assert "Last reviewed" in html
    assert page == "cookies" or "mailto:events@example.org" in html
    assert page != "cookies" or "__Host-session" in html
    assert re.findall(r"<h1[^>]*>([^<]+)<", html)

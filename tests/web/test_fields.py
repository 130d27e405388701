"""Questions: what they read, what they say, and how they are drawn."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from werkzeug.datastructures import MultiDict

from workshops.web.fields import (
    OPEN_TOO_LONG,
    CheckboxesField,
    CheckboxField,
    DateField,
    EmailField,
    FileField,
    Form,
    HiddenField,
    NumberField,
    PasswordField,
    RadioField,
    SelectField,
    TextAreaField,
    TextField,
    TimeField,
    UrlField,
    is_web_address,
    max_length,
    required,
)

PROJECT = Path(__file__).resolve().parents[2]


class Everything(Form):
    name = TextField("Name", [required("Enter your name"), max_length(20)], autocomplete="name", hint="As on a badge")
    email = EmailField("Email address")
    password = PasswordField("Password")
    attending = RadioField(
        "How do you want to take part?",
        [required("Choose how you want to take part")],
        choices=[("in_person", "In person"), ("online", "Online")],
        hints={"online": "You get a link"},
    )
    needs = TextAreaField("Access needs", [max_length(500)])
    topics = CheckboxesField(
        "Topics", choices=[("health", "Health"), ("housing", "Housing"), ("none", "None of these")], exclusive="none"
    )
    agree = CheckboxField("Tell me more")
    venue = SelectField("Venue", choices=[(1, "Victoria Quay"), (2, "Atlantic Quay")], coerce=int, empty="Choose one")
    day = DateField("Date", [required("Enter the date")])
    starts = TimeField("Starts at")
    places = NumberField("Number of places", minimum=1, maximum=500)
    link = UrlField("Joining link")
    file = FileField("Spreadsheet")
    form_key = HiddenField()


RIGHT = {"name": "Eilidh", "attending": "online", "day-day": "14", "day-month": "Nov", "day-year": "2017"}


@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask("fields", root_path=str(PROJECT), template_folder=str(PROJECT / "templates"), static_folder=None)
    app.config.update(SECRET_KEY="k" * 32, WTF_CSRF_ENABLED=False)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["asset"] = lambda name: f"/static/{name}"
    yield app


def sent(app: Flask, data: Any, form: type[Form] = Everything) -> Any:
    """The form as a POST makes it, and whether it fits, as form.fits."""
    with app.test_request_context("/", method="POST", data=data):
        made: Any = form()
        made.fits = made.validate()
        made.html = {field.name: str(field()) for field in made if not isinstance(field, HiddenField)}
        made.summary = render_template_string(
            "{% from 'components/error_summary.html' import error_summary %}{{ error_summary(form) }}", form=made
        )
    return made


def test_right_answers_are_read(app: Flask) -> None:
    form = sent(
        app,
        MultiDict(
            [
                *RIGHT.items(),
                ("email", " Eilidh@Example.org "),
                ("password", "  two  spaces "),
                ("topics", "housing"),
                ("topics", "health"),
                ("agree", "yes"),
                ("venue", "2"),
                ("starts", "2:30pm"),
                ("places", "120"),
                ("link", "https://example.org/join?a=1"),
                ("form_key", "abc"),
            ]
        ),
    )
    assert form.errors == {}
    assert form.fits
    assert form.password.data == "  two  spaces "
    assert form.topics.data == ["health", "housing"]
    assert (form.agree.data, form.venue.data, form.places.data) == (True, 2, 120)
    assert (form.day.data, form.starts.data) == (date(2017, 11, 14), time(14, 30))
    assert form.form_key.data == "abc"
    assert form.email.data.lower() == "eilidh@example.org"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "   ", "Enter your name"),
        ("name", "\x00\u202e", "Enter your name"),
        ("name", "x" * 21, "Name must be 20 characters or fewer"),
        ("email", "a@@example.org", "Enter an email address in the correct format, like name@example.org"),
        (
            "email",
            "a@example.org, b@example.org",
            "Enter an email address in the correct format, like name@example.org",
        ),
        ("attending", "", "Choose how you want to take part"),
        ("attending", "by_horse", "Choose one of the answers"),
        ("needs", "x" * 501, "Access needs must be 500 characters or fewer"),
        ("topics", "astrology", "Choose from the answers shown"),
        ("venue", "3", "Choose one of the answers"),
        ("venue", "drop table", "Choose one of the answers"),
        ("starts", "teatime", "Enter a time, for example 10am or 2:30pm"),
        ("places", "-1", "Number of places must be 1 or more"),
        ("places", "501", "Number of places must be 500 or fewer"),
        ("places", "lots", "Number of places must be a whole number, like 25"),
        ("link", "javascript:alert(1)", "Enter a web address that begins with https:// or http://"),
    ],
)
def test_each_wrong_answer_gets_one_sentence_and_is_kept(app: Flask, field: str, typed: str, sentence: str) -> None:
    form = sent(app, {**RIGHT, field: typed})
    assert not form.fits
    assert form.error_list() == [(form[field].anchor, sentence)]
    html = form.html[field]
    assert f'id="{form[field].anchor}"' in html
    assert 'class="ds_question ds_question--error"' in html
    assert f'id="{field}-error"><span class="visually-hidden">Error: </span>' in html
    shown = typed.strip().strip("\x00\u202e").replace("&", "&amp;")
    assert field in ("attending", "topics", "venue") or shown in html


@pytest.mark.parametrize("unseen", ["\u200b", " \u2060\u00a0 ", "\u202e\u202c", "\u00ad"])
def test_a_name_that_nobody_can_see_is_no_name(app: Flask, unseen: str) -> None:
    assert sent(app, RIGHT | {"name": unseen}).name.errors == ["Enter your name"]


def test_either_none_or_the_others(app: Flask) -> None:
    form = sent(app, MultiDict([*RIGHT.items(), ("topics", "none"), ("topics", "health")]))
    assert form.errors["topics"] == ["Choose either “None of these” or the other answers"]
    assert form.html["topics"].count(" checked") == 2


@pytest.mark.parametrize(
    ("typed", "shown", "sentence"),
    [
        ({"day-day": "31", "day-month": "2", "day-year": "2017"}, ("31", "2", "2017"), "Enter a real date"),
        ({"day-day": "14", "day-month": "", "day-year": "2017"}, ("14", "", "2017"), "must include a month"),
        ({"day": "soon"}, ("soon", "", ""), "must include a month and a year"),
        ({}, ("", "", ""), "Enter the date"),
    ],
)
def test_a_date_that_is_none_stays_as_typed(
    app: Flask, typed: dict[str, str], shown: tuple[str, str, str], sentence: str
) -> None:
    form = sent(app, {"name": "Eilidh", "attending": "online", **typed})
    [(anchor, said)] = form.error_list()
    assert anchor == "day-day"
    assert sentence in said
    assert tuple(re.findall(r'value="([^"]*)"', form.html["day"])) == shown


@pytest.mark.parametrize("typed", ["2017-11-14", "14 November 2017", "14/11/2017"])
def test_a_date_may_come_as_one_text(app: Flask, typed: str) -> None:
    form = sent(app, {"name": "Eilidh", "attending": "online", "day": typed})
    assert form.day.data == date(2017, 11, 14)


def test_only_the_empty_box_is_marked_when_a_date_is_not_whole(app: Flask) -> None:
    form = sent(app, {**RIGHT, "day-month": ""})
    assert form.html["day"].count("ds_input--error") == 1
    assert form.html["day"].count('aria-invalid="true"') == 1


def test_errors_stand_in_the_order_of_the_fields(app: Flask) -> None:
    form = sent(app, {})
    assert [anchor for anchor, _ in form.error_list()] == ["name", "attending-0", "day-day"]
    assert re.findall(r'href="#([^"]+)"', form.summary) == ["name", "attending-0", "day-day"]
    assert 'role="alert"' in form.summary


def test_an_error_from_outside_stands_at_its_field_or_at_the_form(app: Flask) -> None:
    with app.test_request_context("/", method="POST", data=RIGHT):
        form = Everything()
        assert form.validate()
        form.add_error("That room is taken", "venue")
        form.add_error("Registration has closed")
        assert form.error_list() == [("", "Registration has closed"), ("venue", "That room is taken")]
        assert form.errors


def test_the_hint_and_the_error_describe_the_field(app: Flask) -> None:
    form = sent(app, {**RIGHT, "name": ""})
    assert 'aria-describedby="name-hint name-error"' in form.html["name"]
    assert 'aria-invalid="true"' in form.html["name"]
    assert 'autocomplete="name"' in form.html["name"]


def test_what_may_be_left_out_says_so(app: Flask) -> None:
    form = sent(app, RIGHT)
    assert "Access needs (optional)</label>" in form.html["needs"]
    assert ">Name</label>" in form.html["name"]
    assert "(optional)" not in form.html["agree"]


def test_characters_are_counted_where_there_is_a_limit(app: Flask) -> None:
    html = sent(app, {**RIGHT, "needs": "\nfirst & <second>"}).html["needs"]
    assert 'data-maxlength="500"' in html
    assert "You can enter up to 500 characters" in html
    assert ">\nfirst &amp; &lt;second&gt;</textarea>" in html


def test_a_password_is_never_shown_again(app: Flask) -> None:
    html = sent(app, {"password": "correct horse"}).html["password"]
    assert "correct horse" not in html
    assert 'autocomplete="current-password"' in html


def test_no_answer_can_break_out_of_the_page(app: Flask) -> None:
    evil = "\"><script>alert('x')</script>"
    form = sent(app, dict.fromkeys([*RIGHT, "email", "needs", "topics", "venue", "starts", "places", "link"], evil))
    assert "<script" not in "".join(form.html.values()) + form.summary


def test_a_value_from_the_database_is_shown_as_people_write_it(app: Flask) -> None:
    with app.test_request_context("/"):
        form = Everything(data={"day": date(2017, 11, 14), "starts": time(12), "places": 25, "venue": 2})
        assert 'value="12 noon"' in form.starts()
        assert re.findall(r'value="(\d+)"', str(form.day())) == ["14", "11", "2017"]
        assert 'value="25"' in form.places()
        assert '<option value="2" selected>' in form.venue()


def test_a_file_is_read_and_a_file_in_place_of_text_is_not(app: Flask) -> None:
    form = sent(app, {**RIGHT, "file": (io.BytesIO(b"a,b"), "events.csv"), "needs": (io.BytesIO(b"x"), "x.txt")})
    assert form.file.data.filename == "events.csv"
    assert form.needs.data == ""


def test_an_empty_post_is_a_form_that_was_sent(app: Flask) -> None:
    class Preset(Form):
        agree = CheckboxField("Tell me more", default=True)

    assert sent(app, {}, Preset).agree.data is False


def test_words_given_in_the_template_win(app: Flask) -> None:
    with app.test_request_context("/"):
        html = Everything().name(hint="Another hint", label_size="h1")
    assert "Another hint" in html
    assert '<h1 class="site-question-title"><label class="ds_label" for="name">Name</label></h1>' in html


@pytest.mark.parametrize("typed", [{}, {"csrf_token": "old"}])
def test_an_old_token_gives_the_form_back_filled(app: Flask, typed: dict[str, str]) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    form = sent(app, {**RIGHT, **typed})
    assert not form.fits
    assert form.error_list() == [("", OPEN_TOO_LONG)]
    assert OPEN_TOO_LONG in form.summary
    assert 'value="Eilidh"' in form.html["name"]
    with app.test_request_context("/"):
        again = Everything()
        hidden = str(again.hidden_fields())
    token = re.search(r'name="csrf_token" value="([^"]{20,})"', hidden)
    assert token is not None and token[1] != "old"
    assert " id=" not in hidden


@pytest.mark.parametrize("good", ["https://example.org", "http://example.org:8080/a?b=c#d", "HTTPS://Example.org/à"])
def test_web_addresses(good: str) -> None:
    assert is_web_address(good)


@pytest.mark.parametrize(
    "bad",
    [
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "example.org",
        "https://",
        "https:///path",
        "https://user:word@example.org",
        "https://example.org\\@evil.example",
        "https://example.org/ space",
        'https://example.org/"onmouseover=',
        "https://[::1",
        "https://example.org:port/",
        "ftp://example.org",
    ],
)
def test_not_web_addresses(bad: str) -> None:
    assert not is_web_address(bad)

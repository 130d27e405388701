"""What a mail looks like on the line, and what cannot get into its headers."""

from __future__ import annotations

import email
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.messages import render
from workshops.messages.mime import Letter, build_mail, display_name

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
LETTER = Letter(
    message_id="<0f@example.org>",
    to_email="mairi@example.org",
    to_name="Màiri Example",
    subject="You have a place – Round-table",
    text="Hello\n",
    html="<p>Hello</p>\n",
)
CALENDAR = b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"

HOSTILE = (
    "Name\r\nBcc: victim@example.org",
    "Name\nSubject: other",
    "Name\x00\x0b\x85\u2028Cc: victim@example.org",
    "=?utf-8?q?Name=0D=0ABcc:_victim=40example.org?=",
    '"Name" <victim@example.org>',
    "Name, victim@example.org",
    "Name\u202egro.elpmaxe",
    "x" * 5000,
    "https://shop.example.org/cheap",
    "\\",
    '"',
    "(comment",
    "Name;",
)


def sent(letter: Letter) -> tuple[EmailMessage, bytes]:
    raw = build_mail(letter, mail_from="events@example.org", sent_at=NOW).as_bytes()
    parsed = email.message_from_bytes(raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed, raw


def header_names(raw: bytes) -> list[str]:
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    return [line.partition(":")[0] for line in head.split("\r\n") if not line.startswith((" ", "\t"))]


EXPECTED = sorted(
    ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"]
    + ["MIME-Version", "Content-Type"]
)


def test_the_parts_are_alternatives_in_the_order_of_preference() -> None:
    parsed, _ = sent(replace(LETTER, calendar=CALENDAR, calendar_method="REQUEST"))
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    calendar = list(parsed.iter_parts())[2]
    assert calendar["Content-Type"].params["method"] == "REQUEST"
    assert calendar["Content-Type"].params["charset"].upper() == "UTF-8"
    assert calendar.get_filename() == "invite.ics"
    assert calendar.get_payload(decode=True) == CALENDAR


def test_headers_say_who_when_and_that_nobody_need_answer() -> None:
    parsed, raw = sent(LETTER)
    assert str(parsed["From"]) == "Co-production events <events@example.org>"
    assert [address.addr_spec for address in parsed["To"].addresses] == ["mairi@example.org"]
    assert parsed["To"].addresses[0].display_name == "Màiri Example"
    assert parsed["Subject"] == "You have a place – Round-table"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Message-ID"] == "<0f@example.org>"
    assert parsed["Date"].datetime == NOW
    assert sorted(header_names(raw)) == EXPECTED


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert sent(LETTER)[1] == sent(LETTER)[1]


def test_every_line_is_short_and_of_seven_bits() -> None:
    _, raw = sent(replace(LETTER, text="é" * 3000 + "\n", html="<p>" + "ü " * 3000 + "</p>\n"))
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_adds_no_header_and_no_second_address(name: str) -> None:
    parsed, raw = sent(replace(LETTER, to_name=name))
    assert sorted(header_names(raw)) == EXPECTED
    assert [address.addr_spec for address in parsed["To"].addresses] == ["mairi@example.org"]
    assert "@" not in parsed["To"].addresses[0].display_name


@pytest.mark.parametrize("subject", HOSTILE)
def test_a_hostile_subject_adds_no_header(subject: str) -> None:
    parsed, raw = sent(replace(LETTER, subject=render.clean_subject(subject)))
    assert sorted(header_names(raw)) == EXPECTED
    assert not any(ord(character) < 32 for character in str(parsed["Subject"]))


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_name_and_subject_make_a_mail_to_one_person(name: str, subject: str) -> None:
    parsed, raw = sent(replace(LETTER, to_name=name, subject=render.clean_subject(subject)))
    assert sorted(header_names(raw)) == EXPECTED
    assert [address.addr_spec for address in parsed["To"].addresses] == ["mairi@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org, b@example.org",
        "a@example.org b@example.org",
        "<a@example.org>",
        "a@b@example.org",
        "=?utf-8?q?a?=@example.org",
        "a@example.org\x00",
        "",
    ],
)
def test_what_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises((ValueError, IndexError, email.errors.MessageError)):
        sent(replace(LETTER, to_email=address))


def test_a_calendar_part_needs_a_method() -> None:
    with pytest.raises(ValueError, match="method"):
        sent(replace(LETTER, calendar=CALENDAR))


def test_a_plain_name_stays_as_it_is() -> None:
    assert display_name("Siobhán O'Example-Smith, Dr.") == "Siobhán O'Example-Smith, Dr."


def test_a_long_subject_is_cut_at_a_word() -> None:
    cut = render.clean_subject("word " * 100)
    assert len(cut) <= render.MAX_SUBJECT_LENGTH
    assert cut.endswith("word…")


def test_what_people_type_cannot_stand_in_the_place_of_a_link() -> None:
    values = render.without_placeholders({"name": "[[link:place]]", "rows": [("a", "[[link:x]]")], "n": 3})
    assert "[[link:" not in str(values)
    assert values["n"] == 3


def test_links_are_put_in_at_the_end_and_escaped_in_html() -> None:
    links = {"place": "https://example.org/places/x?a=1&b=2"}
    assert render.put_links_in("Go to [[link:place]].", links, is_html=False) == f"Go to {links['place']}."
    assert "a=1&amp;b=2" in render.put_links_in('<a href="[[link:place]]">', links, is_html=True)

"""Feeds as bytes: the conformance tests of the iCalendar page that need no database, by number."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workshops.ical.serialise import calendar_bytes, vevent_bytes

ROOT = Path(__file__).resolve().parents[2]

LONG = 'Làithean co-obrachaidh 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ; , \\ : " ^ ' * 40

#: With surrogates, which a form never delivers and a broken import may.
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)

#: Every property that may begin a line of our own.
OWN_NAMES = frozenset(
    "BEGIN END VERSION PRODID CALSCALE UID NAME X-WR-CALNAME DESCRIPTION X-WR-CALDESC X-WR-TIMEZONE "
    "REFRESH-INTERVAL X-PUBLISHED-TTL COLOR URL SOURCE TZID TZNAME TZOFFSETFROM TZOFFSETTO DTSTART RRULE DTEND "
    "DTSTAMP CREATED LAST-MODIFIED SEQUENCE SUMMARY LOCATION CATEGORIES TRANSP STATUS ORGANIZER".split()
)


def assert_lines_are_sound(data: bytes) -> None:
    assert data.endswith(b"\r\n")
    assert not data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data.replace(b"\r\n", b"") and b"\n" not in data.replace(b"\r\n", b"")
    for line in data.split(b"\r\n"):
        assert len(line) <= 75
        line.decode("utf-8")


def event_of(data: bytes) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(data).walk("VEVENT")
    return event


def test_conformance_01_lines_are_at_most_75_octets_and_end_with_crlf(make_entry, make_feed) -> None:
    entry = make_entry(title=LONG, location=LONG, description=LONG, organiser_name=LONG)
    data = make_feed(vevent_bytes(entry), name=LONG, description=LONG)
    assert_lines_are_sound(data)
    assert max(len(line) for line in data.split(b"\r\n")) == 75


def test_a_fold_keeps_away_from_blanks_that_mail_systems_trim(make_entry) -> None:
    data = vevent_bytes(make_entry(description="word " * 100))
    before_fold = [piece.rpartition(b"\r\n")[2] for piece in data.split(b"\r\n ")[:-1]]
    assert before_fold
    assert not any(line.endswith(b" ") for line in before_fold)
    assert b"\r\n  " not in data


def test_nothing_but_blanks_still_folds(make_entry) -> None:
    data = vevent_bytes(make_entry(description="a" + " " * 300 + "b"))
    assert_lines_are_sound(data)
    assert event_of(b"BEGIN:VCALENDAR\r\n" + data + b"END:VCALENDAR\r\n")["DESCRIPTION"] == "a" + " " * 300 + "b"


@given(ANY_TEXT)
def test_conformance_02_output_is_utf8_without_control_characters(make_entry, make_feed, text: str) -> None:
    entry = make_entry(title=text, location=text, description=text, organiser_name=text, categories=(text,))
    data = make_feed(vevent_bytes(entry), name=text, description=text)
    assert_lines_are_sound(data)
    characters = set(data.replace(b"\r\n", b"").decode("utf-8"))
    dropped = {*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029}
    dropped |= {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
    assert not {hex(ord(character)) for character in characters if ord(character) in dropped}


@pytest.mark.parametrize(
    "code", [0x00, 0x07, 0x0B, 0x0C, 0x1B, 0x1F, 0x7F, 0x85, 0x2028, 0x2029, 0x202E, 0x2066, 0xD800]
)
def test_a_character_no_calendar_can_show_is_dropped_and_the_rest_stays(make_entry, code: int) -> None:
    assert make_entry(title=f"Learn{chr(code)}ing").title == "Learning"


def test_tabs_newlines_and_plain_direction_marks_stay(make_entry) -> None:
    text = "one\ttwo\nthree\u200f four"
    assert make_entry(description=text).description == text
    assert make_entry(description="one\r\ntwo\rthree").description == "one\ntwo\nthree"


def test_conformance_03_parsing_and_writing_again_gives_the_same(make_entry, make_feed, content_lines_of) -> None:
    data = make_feed(vevent_bytes(make_entry(title=LONG, description=LONG)))
    again = icalendar.Calendar.from_ical(data).to_ical(sorted=False)
    assert content_values(content_lines_of(again)) == content_values(content_lines_of(data))


def content_values(lines: list[str]) -> list[tuple[str, str]]:
    """Name and value of each line; parameters may be quoted or not."""
    return [(line.split(":")[0].split(";")[0], line[line.rindex(":") :]) for line in lines]


INJECTIONS = [
    "x\r\nATTENDEE:mailto:a@example.org",
    "x\nMETHOD:CANCEL",
    "x\rATTACH:file",
    "x\u2028ATTENDEE:y",
    "x\x85X-EVIL:y",
    'x"\r\nX-EVIL:y',
    'a";X-P=1:mailto:b@example.org\r\nX-EVIL:',
    "\\\nX-EVIL:1",
    "a" * 74 + "\nX-EVIL:1",
]


@pytest.mark.parametrize("hostile", INJECTIONS)
def test_conformance_05_no_line_begins_with_a_property_from_input(
    make_entry, make_feed, content_lines_of, hostile
) -> None:
    entry = make_entry(
        uid=hostile, title=hostile, location=hostile, description=hostile, categories=(hostile,), url=f"https://a.org/{hostile}",
        organiser_name=hostile, organiser_email=hostile,
    )  # fmt: skip
    data = make_feed(vevent_bytes(entry), name=hostile, description=hostile, url=hostile, source=hostile)
    for reading in (data.decode(), data.decode().replace("\x85", "\n").replace("\u2028", "\n")):
        for line in reading.splitlines():
            assert line.startswith(" ") or line.split(":")[0].split(";")[0] in OWN_NAMES
    names = [line.split(":")[0].split(";")[0] for line in content_lines_of(data)]
    assert len([name for name in names if name == "SUMMARY"]) == 1
    assert set(names) <= OWN_NAMES


@given(ANY_TEXT)
def test_conformance_05_no_text_can_add_a_line(make_entry, content_lines_of, text: str) -> None:
    entry = make_entry(title=f"t{text}", location=f"l{text}", description=f"d{text}", organiser_name=f"n{text}")
    plain = make_entry(title="t", location="l", description="d", organiser_name="n")
    names = [line.split(":")[0].split(";")[0] for line in content_lines_of(vevent_bytes(entry))]
    assert names == [line.split(":")[0].split(";")[0] for line in content_lines_of(vevent_bytes(plain))]


def test_conformance_30_a_lone_line_feed_in_input_is_never_a_lone_line_feed_in_output(make_entry, make_feed) -> None:
    entry = make_entry(
        title="a\nb", description="a\n\nb\rc", location="a\nb", organiser_name="a\nb", categories=("a\nb",)
    )
    data = make_feed(vevent_bytes(entry), name="a\nb", description="a\nb")
    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")


def test_conformance_09_dtstamp_is_last_modified_of_that_event_alone(make_entry, content_lines_of) -> None:
    entry = make_entry()
    lines = content_lines_of(vevent_bytes(entry))
    assert "DTSTAMP:20171002T083000Z" in lines and "LAST-MODIFIED:20171002T083000Z" in lines
    other = vevent_bytes(make_entry(uid="other"))
    later = replace(entry, revised_at=entry.revised_at + timedelta(hours=1))
    assert vevent_bytes(later) != vevent_bytes(entry)
    assert vevent_bytes(make_entry(uid="other")) == other


def test_conformance_10_bytes_are_the_same_in_another_process(make_entry, make_feed) -> None:
    program = (
        "import sys; sys.path.insert(0, 'tests/ical'); from conftest import BASE\n"
        "from workshops.ical.entry import CalendarEntry; from workshops.ical.serialise import *\n"
        "e = vevent_bytes(CalendarEntry(**BASE))\n"
        "sys.stdout.buffer.write(calendar_bytes(name='N', description='D', url=None, source=None, "
        "vevents=[e]))"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": "."},
            capture_output=True, check=True, timeout=30,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "America/New_York"))
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    here = make_feed(vevent_bytes(make_entry()), name="N", description="D", url=None, source=None)
    assert outputs[0] == here


def test_conformance_14_an_all_day_week_covers_exactly_its_days(make_entry, make_feed, content_lines_of) -> None:
    recurring_ical_events = pytest.importorskip("recurring_ical_events")
    entry = make_entry(starts=date(2017, 11, 27), ends=date(2017, 12, 1))
    data = make_feed(vevent_bytes(entry))
    assert "DTSTART;VALUE=DATE:20171127" in content_lines_of(data)
    assert "DTEND;VALUE=DATE:20171202" in content_lines_of(data)
    calendar = recurring_ical_events.of(icalendar.Calendar.from_ical(data))
    days = [date(2017, 11, 20) + timedelta(days=n) for n in range(20)]
    assert [day for day in days if calendar.at(day)] == [date(2017, 11, 27) + timedelta(days=n) for n in range(5)]


@pytest.mark.parametrize(("ends", "written"), [(None, "20171128"), (date(2017, 11, 27), "20171128")])
def test_one_whole_day_ends_on_the_next(make_entry, content_lines_of, ends, written) -> None:
    lines = content_lines_of(vevent_bytes(make_entry(starts=date(2017, 11, 27), ends=ends)))
    assert f"DTEND;VALUE=DATE:{written}" in lines


def test_an_end_that_is_unknown_or_not_after_the_start_is_left_out(make_entry) -> None:
    start = datetime(2017, 11, 14, 10, tzinfo=UTC)
    for ends in (None, start, start - timedelta(hours=1)):
        assert b"DTEND" not in vevent_bytes(make_entry(starts=start, ends=ends))
    assert make_entry(starts=date(2017, 11, 14), ends=date(2017, 11, 13)).ends is None
    assert b"DTEND" not in vevent_bytes(make_entry(starts=date.max, ends=date.max))


def test_conformance_16_a_feed_has_no_attendee_no_method_no_alarm_and_no_address_but_the_teams(
    make_entry, make_feed
) -> None:
    data = make_feed(vevent_bytes(make_entry()), source=None)
    text = data.replace(b"\r\n ", b"").decode()
    for absent in ("ATTENDEE", "METHOD", "VALARM", "CONFERENCE", "SOURCE"):
        assert absent not in text
    assert text.count("@") == 1 and "mailto:team@example.org" in text


def test_conformance_17_a_cancelled_event_says_so_in_status_title_and_sequence(make_entry) -> None:
    before = make_entry()
    after = replace(before, status="CANCELLED", title_prefix="Cancelled: ", sequence=before.sequence + 1)
    event = event_of(b"BEGIN:VCALENDAR\r\n" + vevent_bytes(after) + b"END:VCALENDAR\r\n")
    assert event["STATUS"] == "CANCELLED"
    assert event["SUMMARY"] == "Cancelled: Round-table on co-production"
    assert event["SEQUENCE"] == 4
    assert event["UID"] == before.uid


def test_conformance_22_an_empty_feed_is_a_calendar_with_its_time_zone(make_feed) -> None:
    data = make_feed()
    assert_lines_are_sound(data)
    calendar = icalendar.Calendar.from_ical(data)
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE"]
    assert not calendar.walk("VEVENT")


def test_the_header_has_what_clients_read(make_feed, content_lines_of) -> None:
    lines = content_lines_of(make_feed(name="Name, one", description="Words; two"))
    assert lines[:4] == ["BEGIN:VCALENDAR", "VERSION:2.0", lines[2], "CALSCALE:GREGORIAN"]
    assert lines[2].startswith("PRODID:")
    for line in (
        "NAME:Name\\, one",
        "X-WR-CALNAME:Name\\, one",
        "DESCRIPTION:Words\\; two",
        "X-WR-CALDESC:Words\\; two",
        "X-WR-TIMEZONE:Europe/London",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        "URL:https://events.example.org/events",
        "SOURCE;VALUE=URI:https://events.example.org/calendar.ics",
    ):
        assert lines.count(line) == 1
    assert any(line.startswith("COLOR:") for line in lines)
    assert not any(line.startswith("UID:") for line in lines[: lines.index("BEGIN:VTIMEZONE")]), "see calendar_bytes"
    assert len(lines[lines.index("BEGIN:VTIMEZONE") :]) == 18


@pytest.mark.parametrize("refresh", ["1H", "P", "PT", "P1", "PT1H\r\nX-EVIL:1", "P1DT", ""])
def test_a_refresh_that_is_no_duration_is_refused(refresh: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        calendar_bytes(name="n", description="", url=None, source=None, vevents=[], refresh=refresh)


@pytest.mark.parametrize("refresh", ["PT1H", "P1D", "P1W", "PT1H30M", "P1DT12H"])
def test_a_refresh_that_is_a_duration_is_written(make_feed, refresh: str) -> None:
    assert f"REFRESH-INTERVAL;VALUE=DURATION:{refresh}\r\n".encode() in make_feed(refresh=refresh)


def test_ready_made_events_are_joined_untouched_and_in_order(make_entry, make_feed) -> None:
    made = [vevent_bytes(make_entry(uid=f"uid-{number}")) for number in range(5)]
    assert b"".join(made) + b"END:VCALENDAR\r\n" == make_feed(*made)[-len(b"".join(made)) - 15 :]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "javascript://a.org/x",
        "ftp://a.org",
        "https://",
        "https://a.org/\r\nX:1",
        "https://a b.org",
        "//a.org",
        "https://u:p@a.org/",
        "https://[::1",
        "https://a.org:99999999/",
        "https://" + "a" * 3000,
        "https://-a.org",
        "mailto:a@b.org",
        "https://a..b/",
        "\x00",
    ],
)
def test_a_link_that_cannot_be_used_is_dropped(make_entry, url: str) -> None:
    assert make_entry(url=url).url is None


def test_links_become_ascii(make_entry) -> None:
    assert make_entry(url="https://a.org/caf\u00e9?q=\u00e0%20b#c").url == "https://a.org/caf%C3%A9?q=%C3%A0%20b#c"
    assert make_entry(url="HTTPS://b\u00fccher.example/x").url == "https://xn--bcher-kva.example/x"
    assert make_entry(url="http://127.0.0.1:8000/events/a").url == "http://127.0.0.1:8000/events/a"
    assert make_entry(url="http://[::1]:8000/").url == "http://[::1]:8000/"
    assert make_entry(url="https://a.org/100%").url == "https://a.org/100%25"


@pytest.mark.parametrize(
    "email", ["", "a", "a@b@c.org", "a b@c.org", "a@c.org\r\nX:1", "<a@c.org>", "a@", "@c.org", "a@c..org", "a@-c"]
)
def test_an_address_that_cannot_be_used_is_dropped(make_entry, email: str) -> None:
    entry = make_entry(organiser_email=email)
    assert entry.organiser_email is None
    assert b"ORGANIZER" not in vevent_bytes(entry)


@given(ANY_TEXT)
@settings(max_examples=300)
def test_no_link_or_address_breaks_a_feed(make_entry, text: str) -> None:
    assert_lines_are_sound(vevent_bytes(make_entry(url=text, organiser_email=text)))
    assert_lines_are_sound(vevent_bytes(make_entry(url=f"https://a.org/{text}", organiser_email=f"{text}@a.org")))
    assert_lines_are_sound(vevent_bytes(make_entry(url=f"https://{text}/", organiser_email=f"a@{text}")))


@pytest.mark.parametrize(
    "changes",
    [{"uid": " "}, {"sequence": -1}, {"status": "GONE"}, {"title_prefix": "Moved: "}, {"starts": datetime(2017, 1, 1)},  # noqa: DTZ001
     {"revised_at": datetime(2017, 1, 1)}, {"ends": date(2017, 11, 14)}, {"starts": date(2017, 11, 14)}],  # noqa: DTZ001
)  # fmt: skip
def test_what_nobody_can_type_is_a_mistake_in_the_program(make_entry, changes) -> None:
    with pytest.raises(ValueError):
        make_entry(**changes)


def test_an_entry_without_a_title_still_has_a_name(make_entry) -> None:
    assert b"SUMMARY:Untitled event\r\n" in vevent_bytes(make_entry(title=" \x00 "))

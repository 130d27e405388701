"""Foreign calendar files: what is taken, and the sentence for what is not."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workshops.core.errors import DomainError
from workshops.ical.outline import MAX_BYTES, MAX_COMPONENTS
from workshops.ical.reading import ReadEvent, UnreadableCalendar, read_calendar
from workshops.ical.serialise import vevent_bytes


def event(*lines: str, title: str = "Learning event", start: str | None = "DTSTART:20171114T100000Z") -> str:
    own = [f"SUMMARY:{title}"] if title else []
    return "\r\n".join(["BEGIN:VEVENT", *own, *([start] if start else []), *lines, "END:VEVENT"])


def calendar(*parts: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", ""]).encode()


def read_events(data: bytes) -> tuple[ReadEvent, ...]:
    """The events, each of which must fit."""
    events = read_calendar(data).events
    assert [event.problem for event in events if event.problem] == []
    return events


def reasons(data: bytes) -> tuple[str, ...]:
    """Why the file, or single events in it, cannot be taken."""
    try:
        found = tuple(event.problem for event in read_calendar(data).events if event.problem)
        ends = ""
    except UnreadableCalendar as unreadable:
        assert isinstance(unreadable, DomainError)
        found, ends = unreadable.reasons, "."
    assert found
    for reason in found:
        assert reason.endswith(ends) and reason[0].isupper()
        assert "invalid" not in reason.lower() and "please" not in reason.lower()
    return found


def test_a_whole_event_is_read() -> None:
    (read,) = read_events(
        calendar(
            event(
                "UID:abc@host",
                "DTEND:20171114T120000Z",
                "LOCATION:Victoria Quay\\, Edinburgh",
                "DESCRIPTION:One\\nTwo",
                "URL:https://example.org/a",
                "STATUS:TENTATIVE",
                "CATEGORIES:Health\\, care,Housing",
                "CATEGORIES:Housing,Islands",
                'ORGANIZER;CN="Co-production team":mailto:team@example.org',
                "X-ALT-DESC;FMTTYPE=text/html:<b>no</b>",
            )
        )
    )
    assert (read.uid, read.title, read.status) == ("abc@host", "Learning event", "TENTATIVE")
    assert (read.starts, read.ends, read.all_day) == (
        datetime(2017, 11, 14, 10, tzinfo=UTC),
        datetime(2017, 11, 14, 12, tzinfo=UTC),
        False,
    )
    assert (read.location, read.description) == ("Victoria Quay, Edinburgh", "One\nTwo")
    assert (read.url, read.organiser) == ("https://example.org/a", "Co-production team")
    assert read.categories == ("Health, care", "Housing", "Islands")


@pytest.mark.parametrize(
    ("start", "instant"),
    [
        ("DTSTART:20170704T100000", "2017-07-04T09:00"),
        ("DTSTART:20170704T100000Z", "2017-07-04T10:00"),
        ("DTSTART;TZID=Europe/London:20170704T100000", "2017-07-04T09:00"),
        ("DTSTART;TZID=Europe/Paris:20170704T100000", "2017-07-04T08:00"),
        ("DTSTART;TZID=GMT Standard Time:20170704T100000", "2017-07-04T09:00"),
        ('DTSTART;TZID="W. Europe Standard Time":20170704T100000', "2017-07-04T08:00"),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/London:20170704T100000", "2017-07-04T09:00"),
        ("DTSTART;TZID=/a.org/America/Argentina/Salta:20170704T100000", "2017-07-04T13:00"),
        ("DTSTART;TZID=Europe/London:20170704T100000Z", "2017-07-04T10:00"),
        ("DTSTART;VALUE=DATE-TIME:20170704T100000", "2017-07-04T09:00"),
        # Spring leaves 01:30 out: RFC 5545 3.3.5 reads it with the offset before the change.
        ("DTSTART;TZID=Europe/London:20170326T013000", "2017-03-26T01:30"),
        # Autumn has 01:30 twice: the first is meant.
        ("DTSTART;TZID=Europe/London:20171029T013000", "2017-10-29T00:30"),
    ],
)
def test_a_start_becomes_the_right_instant(start: str, instant: str) -> None:
    (read,) = read_events(calendar(event(start=start)))
    assert read.starts == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert read.ends is None


def test_a_time_zone_described_in_the_file_changes_nothing() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Europe/London\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0900\r\n"
    )
    zone += "TZOFFSETTO:+0900\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\nEND:VTIMEZONE"
    (read,) = read_events(calendar(zone, event(start="DTSTART;TZID=Europe/London:20170704T100000")))
    assert read.starts == datetime(2017, 7, 4, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        ((), None),
        (("DTEND;VALUE=DATE:20171202",), date(2017, 12, 1)),
        (("DTEND;VALUE=DATE:20171128",), date(2017, 11, 27)),
        (("DTEND;VALUE=DATE:20171127",), date(2017, 11, 27)),
        (("DURATION:P5D",), date(2017, 12, 1)),
    ],
)
def test_the_last_whole_day_is_inclusive(lines: tuple[str, ...], last: date | None) -> None:
    (read,) = read_events(calendar(event(*lines, start="DTSTART;VALUE=DATE:20171127")))
    assert (read.starts, read.ends, read.all_day) == (date(2017, 11, 27), last, True)


def test_a_duration_gives_the_end() -> None:
    (read,) = read_events(calendar(event("DURATION:PT1H30M")))
    assert read.ends == datetime(2017, 11, 14, 11, 30, tzinfo=UTC)


def test_alarms_tasks_and_foreign_lines_are_passed_over() -> None:
    alarm = "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nSUMMARY:Alarm\r\nDESCRIPTION:Alarm\r\nRRULE:x\r\nEND:VALARM"
    task = "BEGIN:VTODO\r\nSUMMARY:Task\r\nEND:VTODO"
    (read,) = read_events(calendar(task, event("nonsense", "GEO:x", "ATTACH;=:y", alarm, "LOCATION:Leith")))
    assert (read.title, read.location, read.description) == ("Learning event", "Leith", "")


def test_line_endings_byte_order_mark_folds_and_lower_case_are_taken() -> None:
    data = calendar(event("DESCRIPTION:a long\r\n  line")).replace(b"\r\n", b"\n").replace(b"BEGIN", b"begin")
    (read,) = read_events(b"\xef\xbb\xbf\n" + data + b"\n")
    assert read.description == "a long line"


def test_two_calendars_in_one_file_are_both_read() -> None:
    assert [read.title for read in read_events(calendar(event(title="A")) + calendar(event(title="B")))] == ["A", "B"]


def test_an_empty_calendar_has_no_events() -> None:
    assert read_events(calendar()) == ()


def test_our_own_cancelled_event_comes_back_without_its_prefix(make_entry, make_feed) -> None:
    entry = make_entry(status="CANCELLED", title_prefix="Postponed: ")
    (read,) = read_events(make_feed(vevent_bytes(entry)))
    assert (read.title, read.title_prefix, read.status) == (entry.title, "Postponed: ", "CANCELLED")
    (read,) = read_events(calendar(event(title="Cancelled: a history of trains")))
    assert (read.title, read.title_prefix) == ("Cancelled: a history of trains", "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("RRULE:FREQ=WEEKLY", "without an end"),
        ("rrule:FREQ=DAILY", "without an end"),
        ("RRULE:FREQ=DAILY;COUNT=201", "more than 200 times"),
        ("RRULE:FREQ=DAILY;COUNT=99999999999999999999", "COUNT"),
        ("RRULE:FREQ=DAILY;UNTIL=20991231T000000Z", "more than 200 times"),
        ("RRULE:FREQ=YEARLY;COUNT=10", "more than 5 years"),
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3", "more than 5 years"),
        ("RRULE:FREQ=SECONDLY;COUNT=3", "SECONDLY"),
        ("RRULE:FREQ=DAILY;BYHOUR=9;COUNT=3", "BYHOUR"),
        ("RRULE:FREQ=DAILY;INTERVAL=0;COUNT=3", "INTERVAL"),
        ("RRULE:FREQ=WEEKLY;BYDAY=XX;COUNT=3", "not known here"),
        ("RRULE:x", "not known here"),
        ("EXRULE:FREQ=DAILY;COUNT=2", "EXRULE"),
        ("RDATE:x", "RDATE"),
        ("RECURRENCE-ID;RANGE=THISANDFUTURE:20171121T100000Z", "all later dates"),
    ],
)
def test_a_repeat_that_has_no_end_or_is_strange_is_refused_by_name(line: str, says: str) -> None:
    (reason,) = reasons(calendar(event(title="Fine"), event(line, title="Weekly tea")))
    assert says in reason
    assert read_calendar(calendar(event(line, title="Weekly tea"))).events[0].title == "Weekly tea"


def test_each_date_of_a_repeat_is_an_event_of_its_own() -> None:
    weekly = event("UID:tea@host", "DTEND;TZID=Europe/London:20171024T120000", "RRULE:FREQ=WEEKLY;COUNT=4",
                   "EXDATE;TZID=Europe/London:20171107T100000", title="Weekly tea",
                   start="DTSTART;TZID=Europe/London:20171024T100000")  # fmt: skip
    other = event("UID:tea@host", "RECURRENCE-ID;TZID=Europe/London:20171031T100000", title="Tea moved",
                  start="DTSTART;TZID=Europe/London:20171101T150000")  # fmt: skip
    found = read_events(calendar(weekly, other))
    # the clocks went back on 29 October: 10am stays 10am
    assert [(one.title, one.starts, one.ends) for one in found] == [
        ("Weekly tea", datetime(2017, 10, 24, 9, tzinfo=UTC), datetime(2017, 10, 24, 11, tzinfo=UTC)),
        ("Tea moved", datetime(2017, 11, 1, 15, tzinfo=UTC), None),
        ("Weekly tea", datetime(2017, 11, 14, 10, tzinfo=UTC), datetime(2017, 11, 14, 12, tzinfo=UTC)),
    ]
    assert [one.uid for one in found] == [
        "tea@host|20171024T090000Z", "tea@host|20171031T100000Z", "tea@host|20171114T100000Z"]  # fmt: skip
    assert {one.series for one in found} == {"tea@host"}


def test_a_repeat_of_whole_days_and_dates_named_one_by_one() -> None:
    days = event("UID:a", "RRULE:FREQ=MONTHLY;BYDAY=1MO;UNTIL=20180201", "RDATE;VALUE=DATE:20171225", title="Day",
                 start="DTSTART;VALUE=DATE:20171106")  # fmt: skip
    assert [str(one.starts) for one in read_events(calendar(days))] == [
        "2017-11-06", "2017-12-04", "2017-12-25", "2018-01-01"]  # fmt: skip


def test_one_date_alone_of_a_repeat_that_is_not_in_the_file_is_taken() -> None:
    (read,) = read_events(calendar(event("UID:a", "RECURRENCE-ID:20171121T100000Z")))
    assert (read.uid, read.series) == ("a|20171121T100000Z", "")


def test_times_without_a_zone_and_of_other_zones_are_said_in_a_note() -> None:
    floating, far, utc = read_events(calendar(
        event(start="DTSTART:20170704T100000"), event(start="DTSTART;TZID=America/New_York:20170704T200000"), event(),
    ))  # fmt: skip
    assert floating.notes == ("The times name no time zone and are taken as UK time",)
    assert far.notes == ("8pm in America/New_York is 1am in the UK on Wednesday 5 July 2017",)
    assert utc.notes == ()


def test_html_becomes_words_and_people_stay_out() -> None:
    (read,) = read_events(calendar(event(
        "DESCRIPTION:<p>Come <b>along</b>.</p><ul><li>Tea</li><li>Talk</li></ul><a href=\"https://example.org/x\">More"
        "</a><script>alert(1)</script>",
        "ATTENDEE;CN=Ann Example:mailto:ann@example.org", "ORGANIZER;CN=ann@example.org:mailto:ann@example.org",
        "CLASS:PRIVATE", "X-ALT-DESC;FMTTYPE=text/html:<p>ann@example.org</p>",
    )))  # fmt: skip
    assert read.description == "Come along.\n\n- Tea\n- Talk\n\nMore (https://example.org/x)"
    assert read.is_private and read.organiser == ""
    assert "ann@" not in repr(read)


def test_other_parts_than_events_are_counted_in_a_note() -> None:
    found = read_calendar(calendar("BEGIN:VTODO\r\nEND:VTODO", event(), "BEGIN:VFREEBUSY\r\nEND:VFREEBUSY"))
    assert found.notes == ("2 other parts are left out, such as tasks and busy times: only events are read.",)


@pytest.mark.parametrize(
    "tzid", ["Foo/Bar", "Customized Time Zone", "../../etc/passwd", "Europe", "a" * 500, "Europe/London\x00"]
)
def test_an_unknown_time_zone_is_refused_by_name(tzid: str) -> None:
    (reason,) = reasons(calendar(event(start=f"DTSTART;TZID={tzid}:20171114T100000")))
    assert (tzid[:40].rstrip("\x00") in reason or "cannot be read" in reason)
    assert len(reason) < 300


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (event(start=None), "It has no start"),
        (event(title=""), "no title"),
        (event(title=" \\n "), "no title"),
        (event(start="DTSTART:tomorrow"), "a start that cannot be read"),
        (event(start="DTSTART;=:20171114"), "a start that cannot be read"),
        (event(start="DTSTART:20171114T250000Z"), "a start that cannot be read"),
        (event(start="DTSTART:100000"), "a start that cannot be read"),
        (event(start="DTSTART;TZID=Asia/Tokyo:00010101T000000"), "a start that cannot be read"),
        (event("DTEND:x"), "an end that cannot be read"),
        (event("DURATION:x"), "a duration that cannot be read"),
        (event("DURATION:P9999999D"), "an end that cannot be read"),
        (event("DTEND:20171114T090000Z"), "ends before it starts"),
        (event("DTEND;VALUE=DATE:20171115"), "whole day on the other"),
        (event("LOCATION:" + "x" * 200_000), "more than 100,000 characters"),
    ],
)
def test_an_event_that_does_not_fit_gets_a_sentence(data: str, words: str) -> None:
    (reason,) = reasons(calendar(data))
    assert words in reason


def test_every_event_that_does_not_fit_is_listed() -> None:
    assert len(reasons(calendar(event("RRULE:x", title="A"), event(), event(start=None, title="C")))) == 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"PK\x03\x04", "not a calendar"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"title,starts\na,b\n", "not a calendar"),
        (b"<html></html>", "not a calendar"),
        (calendar(event())[:-20], "breaks off"),
        (calendar(event())[:60], "breaks off"),
        (event().encode(), "not a calendar"),
        (b"END:VCALENDAR\n", "not open"),
        (calendar("BEGIN:VEVENT", "END:VALARM"), "not open"),
        (calendar(event("BEGIN:VEVENT", "END:VEVENT")), "inside another part"),
        (calendar("BEGIN:VCALENDAR", "END:VCALENDAR"), "not a calendar"),
        (calendar(event()) + b"more text\n", "not a calendar"),
        (b"BEGIN:VCALENDAR\n" + b"BEGIN:X\n" * 50_000, "deep"),
        (calendar(*["BEGIN:VTODO\r\nEND:VTODO"] * (MAX_COMPONENTS + 1)), "5,000 parts"),
        (b"x" * (MAX_BYTES + 1), "5 MB"),
        (b"\x00" * 4_000_000, "nothing but zeros"),
        (calendar("PRODID:x").replace(b"VERSION:2.0", b"VERSION:1.0"), "vCalendar 1.0"),
        (calendar(*[event("RRULE:FREQ=DAILY;COUNT=200")] * 26), "more than 5,000 dates"),
        (calendar(*["BEGIN:VEVENT\r\nEND:VEVENT"] * 50_000), "5,000 parts"),
        (b"BEGIN:VCALENDAR\n" + b"BEGIN:VEVENT\n" * 10_000, "inside another part"),
    ],
    ids=range(22),
)
def test_what_is_no_sound_calendar_gets_one_plain_sentence(data: bytes, words: str) -> None:
    (reason,) = reasons(data)
    assert words in reason


LINES = st.sampled_from(
    "BEGIN:VCALENDAR,END:VCALENDAR,BEGIN:VEVENT,END:VEVENT,SUMMARY:x,DTSTART:20171114,DTSTART;TZID=x:1,DTEND:99991231,RRULE:x,"
    "DURATION:P1D,CATEGORIES:a\\,ORGANIZER;CN=:,URL:,STATUS;X=y:z, folded,DTSTART;VALUE=DATE:20171132".split(",")
)


@given(st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=12))
@settings(max_examples=300)
def test_rubbish_is_read_or_refused_and_never_an_error_of_another_kind(lines: list[str]) -> None:
    for data in ("\r\n".join(lines), "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"]), "\r\n".join(lines).join(
        ["BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:t\nDTSTART:20171114\n", "\nEND:VEVENT\nEND:VCALENDAR"]
    )):  # fmt: skip
        try:
            read_calendar(data.encode("utf-8", "ignore"))
        except UnreadableCalendar as refused:
            assert refused.reasons


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_calendar(data)
    except UnreadableCalendar as refused:
        assert refused.reasons

"""Instants stay what they are: clock changes, midnight, other system zones, and the VTIMEZONE itself."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workshops.ical.serialise import VTIMEZONE, vevent_bytes

LONDON = ZoneInfo("Europe/London")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


SPANS = {
    "winter": (utc(2017, 11, 14, 10), utc(2017, 11, 14, 12)),
    "summer": (utc(2017, 7, 4, 9), utc(2017, 7, 4, 11)),
    "over the spring change": (utc(2017, 3, 26, 0, 30), utc(2017, 3, 26, 1, 30)),
    "the last instant before spring": (utc(2017, 3, 26, 0, 59, 59), utc(2017, 3, 26, 1)),
    "first pass of the double hour": (utc(2017, 10, 29, 0), utc(2017, 10, 29, 0, 59)),
    "first to second pass": (utc(2017, 10, 29, 0, 30), utc(2017, 10, 29, 1, 30)),
    "second pass of the double hour": (utc(2017, 10, 29, 1), utc(2017, 10, 29, 1, 59, 59)),
    "after the double hour": (utc(2017, 10, 29, 2), utc(2017, 10, 29, 3)),
    "over midnight in winter": (utc(2017, 11, 14, 23, 30), utc(2017, 11, 15, 0, 30)),
    "over midnight in summer": (utc(2017, 7, 4, 22, 30), utc(2017, 7, 4, 23, 30)),
    "under another rule, 1995": (utc(1995, 10, 22, 12), utc(1995, 10, 22, 13)),
    "British Standard Time, 1969": (utc(1969, 12, 1, 12), utc(1969, 12, 1, 13)),
    "beyond 2037": (utc(2040, 7, 1, 12), utc(2040, 7, 1, 13)),
}


@pytest.mark.parametrize("system_zone", ["UTC", "Europe/London", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS.keys())
def test_conformance_12_instants_are_those_of_the_event(make_entry, make_feed, monkeypatch, span, system_zone) -> None:
    monkeypatch.setenv("TZ", system_zone)
    time.tzset()
    try:
        data = make_feed(vevent_bytes(make_entry(starts=span[0], ends=span[1])))
        (event,) = icalendar.Calendar.from_ical(data).walk("VEVENT")
        assert (event["DTSTART"].dt.astimezone(UTC), event["DTEND"].dt.astimezone(UTC)) == span
        recurring_ical_events = pytest.importorskip("recurring_ical_events")
        # Given X-WR-TIMEZONE, this reader moves UTC times into that zone and forgets which pass was meant.
        plain = data.replace(b"X-WR-TIMEZONE:Europe/London\r\n", b"")
        (seen,) = recurring_ical_events.of(icalendar.Calendar.from_ical(plain)).between(
            span[0] - timedelta(days=1), span[1] + timedelta(days=1)
        )
        assert (seen["DTSTART"].dt.astimezone(UTC), seen["DTEND"].dt.astimezone(UTC)) == span
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
@example(utc(2017, 10, 29, 1, 30))
@example(utc(2017, 10, 29, 0, 30))
@example(utc(1995, 12, 31, 23, 59, 59))
def test_conformance_12_every_instant_is_read_back_from_the_written_rule(make_entry, content_lines_of, instant) -> None:
    instant = instant.replace(microsecond=0)
    lines = content_lines_of(vevent_bytes(make_entry(starts=instant, ends=None)))
    (line,) = [line for line in lines if line.startswith("DTSTART")]
    name, _, value = line.partition(":")
    if value.endswith("Z"):
        assert name == "DTSTART"
        assert datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) == instant
    else:
        assert name == "DTSTART;TZID=Europe/London"
        wall = datetime.strptime(value, "%Y%m%dT%H%M%S")  # noqa: DTZ007
        # A wall time that happens twice means its first pass, which is fold 0.
        assert wall.replace(tzinfo=LONDON, fold=0).astimezone(UTC) == instant


def test_only_what_local_time_cannot_say_is_written_in_utc(make_entry, content_lines_of) -> None:
    def written(instant: datetime) -> str:
        lines = content_lines_of(vevent_bytes(make_entry(starts=instant, ends=None)))
        return next(line for line in lines if line.startswith("DTSTART"))

    assert written(utc(2017, 10, 29, 0, 59, 59)) == "DTSTART;TZID=Europe/London:20171029T015959"
    assert written(utc(2017, 10, 29, 1, 0)) == "DTSTART:20171029T010000Z"
    assert written(utc(2017, 10, 29, 1, 59, 59)) == "DTSTART:20171029T015959Z"
    assert written(utc(2017, 10, 29, 2, 0)) == "DTSTART;TZID=Europe/London:20171029T020000"
    # The last second before the rule of the VTIMEZONE began, and the first under it.
    assert written(utc(1995, 12, 31, 23, 59, 59)) == "DTSTART:19951231T235959Z"
    assert written(utc(1996, 1, 1)) == "DTSTART;TZID=Europe/London:19960101T000000"
    assert written(utc(2017, 7, 4, 9, 0)) == "DTSTART;TZID=Europe/London:20170704T100000"


def test_both_ends_are_written_the_same_way(make_entry, content_lines_of) -> None:
    for starts, ends in (
        (utc(2017, 10, 29, 0, 30), utc(2017, 10, 29, 1, 30)),
        (utc(2017, 10, 29, 1), utc(2017, 10, 29, 3)),
    ):
        lines = content_lines_of(vevent_bytes(make_entry(starts=starts, ends=ends)))
        assert f"DTSTART:{starts:%Y%m%dT%H%M%SZ}" in lines and f"DTEND:{ends:%Y%m%dT%H%M%SZ}" in lines


def test_an_entry_in_another_zone_is_the_same_entry(make_entry) -> None:
    starts = utc(2017, 7, 4, 9)
    there = make_entry(starts=starts.astimezone(ZoneInfo("Asia/Kolkata")), ends=None)
    assert vevent_bytes(there) == vevent_bytes(make_entry(starts=starts, ends=None))


def test_conformance_13_the_time_zone_is_declared_once_and_before_use(make_entry, make_feed, content_lines_of) -> None:
    lines = content_lines_of(make_feed(*[vevent_bytes(make_entry(uid=f"u{n}")) for n in range(3)]))
    assert lines.count("BEGIN:VTIMEZONE") == 1 and lines.count("TZID:Europe/London") == 1
    assert lines.index("TZID:Europe/London") < min(n for n, line in enumerate(lines) if ";TZID=" in line)
    assert not any(line.startswith("RDATE") for line in lines)


def last_sunday(year: int, month: int) -> date:
    day = date(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def test_conformance_13_the_rule_gives_the_offsets_of_zoneinfo_from_2000_to_2040() -> None:
    """Reads DTSTART, RRULE and the offsets out of the block itself, then walks every hour of the change days."""
    rules = {}
    for part in icalendar.Timezone.from_ical(VTIMEZONE).subcomponents:
        rule = part["RRULE"]
        assert (rule["FREQ"], rule["BYDAY"]) == (["YEARLY"], ["-1SU"])
        rules[part.name] = (
            rule["BYMONTH"][0],
            part["DTSTART"].dt.time(),
            part["TZOFFSETFROM"].td,
            part["TZOFFSETTO"].td,
        )
        assert part["DTSTART"].dt.date() == last_sunday(1970, rule["BYMONTH"][0])
    for year in range(2000, 2041):
        changes = []
        for month, at, before, after in (rules["DAYLIGHT"], rules["STANDARD"]):
            onset = datetime.combine(last_sunday(year, month), at, tzinfo=UTC) - before
            changes.append((onset, before, after))
        hours = [utc(year, 1, 1) + timedelta(days=d) for d in range(365)]
        hours += [onset + timedelta(minutes=30 * n) for onset, _, _ in changes for n in range(-48, 49)]
        for instant in hours:
            offset = changes[0][1]
            for onset, _, after in changes:
                offset = after if instant >= onset else offset
            assert instant.astimezone(LONDON).utcoffset() == offset, instant


def test_conformance_13_icalendar_builds_the_same_zone_from_the_block() -> None:
    zone = icalendar.Timezone.from_ical(VTIMEZONE.replace(b"Europe/London", b"Test/Block")).to_tz(lookup_tzid=False)
    for year in range(2000, 2041):
        for month in (1, 3, 4, 7, 10, 11):
            for day in (1, 15, 24):
                wall = datetime(year, month, day, 12)  # noqa: DTZ001
                assert wall.replace(tzinfo=zone).utcoffset() == wall.replace(tzinfo=LONDON).utcoffset()

"""Every program sees what the database holds, wherever its computer stands (icalendar.md C.4, 4, 12, 14 and 29)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.factories import BEGINNING, make_event
from tests.readers import seen
from tests.readers.seen import READERS, Seen
from workshops.ical.entry import CalendarEntry
from workshops.ical.serialise import vevent_bytes
from workshops.schedule.models import Event

ZONES = ("UTC", "Europe/London", "America/New_York", "Asia/Kolkata")
#: calcurse knows events by their titles alone, and khal tells neither place nor notes here.
TELLS_UIDS = tuple(name for name in READERS if name != "calcurse")
TELLS_TEXT = ("icalendar", "recurring-ical-events", "ical.js", "node-ical", "libical")

#: Title -> first and last instant in UTC: in winter, in summer, over both changes of the clock, over midnight.
TIMED = {
    "In winter": (datetime(2027, 2, 1, 10, 0, tzinfo=UTC), datetime(2027, 2, 1, 12, 0, tzinfo=UTC)),
    "In summer": (datetime(2027, 7, 1, 9, 0, tzinfo=UTC), datetime(2027, 7, 1, 11, 30, tzinfo=UTC)),
    "The clock goes forward": (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 3, 28, 2, 30, tzinfo=UTC)),
    "The morning after": (datetime(2027, 3, 28, 9, 0, tzinfo=UTC), datetime(2027, 3, 28, 10, 0, tzinfo=UTC)),
    "The clock goes back": (datetime(2027, 10, 30, 23, 30, tzinfo=UTC), datetime(2027, 10, 31, 3, 0, tzinfo=UTC)),
    "The evening after": (datetime(2027, 10, 31, 18, 0, tzinfo=UTC), datetime(2027, 10, 31, 19, 0, tzinfo=UTC)),
    "Over midnight in winter": (datetime(2027, 1, 15, 23, 30, tzinfo=UTC), datetime(2027, 1, 16, 0, 30, tzinfo=UTC)),
    "Over midnight in summer": (datetime(2027, 6, 15, 22, 30, tzinfo=UTC), datetime(2027, 6, 15, 23, 30, tzinfo=UTC)),
}
WEEK = (date(2027, 3, 26), date(2027, 4, 1))
HARD_TEXT = {
    "title": 'Còmhradh; “co-production”, \\ backslash: "quoted" 👩🏽‍🦽🏴󠁧󠁢󠁳󠁣󠁴󠁿 ' + "é" * 90,
    "summary": "First line.\nSecond, with; commas\\n and a real\nnew line.",
}


@pytest.fixture
def feed(client: FlaskClient, session: Session) -> bytes:
    """The public calendar as it is served."""
    for title, (starts, ends) in TIMED.items():
        make_event(session, title=title, starts_at=starts, ends_at=ends, state="published")
    make_event(session, title="A whole week", starts_at=None, ends_at=None, starts_on=WEEK[0], ends_on=WEEK[1])
    make_event(session, **HARD_TEXT, starts_at=datetime(2027, 5, 5, 9, tzinfo=UTC))
    make_event(session, title="Gone", state="cancelled", state_changed_at=BEGINNING)
    answer = client.get("/calendar.ics?from=2026-01-01")
    assert answer.status_code == 200
    return answer.get_data()


def expected(session: Session) -> dict[str, Seen]:
    """What the database holds of these events, by UID."""
    found = {}
    for event in session.query(Event):
        prefix = "Cancelled: " if event.state == "cancelled" else ""
        if event.starts_on is not None and event.ends_on is not None:
            starts, ends = event.starts_on, event.ends_on + timedelta(days=1)
        else:
            starts, ends = event.starts_at, event.ends_at
        found[event.uid] = Seen(starts, ends, prefix + event.title)
    return found


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_conformance_12_14_29_every_program_sees_the_times_of_the_database(
    session: Session, feed: bytes, tmp_path: Path, name: str, zone: str
) -> None:
    by_uid = expected(session)
    found = READERS[name](feed, zone, tmp_path)
    if name in TELLS_UIDS:
        assert {uid: (one.starts, one.ends) for uid, one in found.items()} == {
            uid: (one.starts, one.ends) for uid, one in by_uid.items()
        }
    else:
        by_title = {one.summary: (one.starts, one.ends) for one in by_uid.values()}
        timed = {title: (one.starts, one.ends) for title, one in found.items() if title in TIMED}
        assert timed == {title: by_title[title] for title in TIMED}
    if name in TELLS_TEXT:
        assert {uid: one.summary for uid, one in found.items()} == {uid: one.summary for uid, one in by_uid.items()}


def test_a_calendar_without_its_time_zone_is_seen_wrong(
    make_entry: Callable[..., CalendarEntry], tmp_path: Path
) -> None:
    """The control: with the zone taken out, a program in New York sees another time, or none."""
    entry = make_entry(starts=TIMED["In summer"][0], ends=TIMED["In summer"][1])
    data = vevent_bytes(entry).replace(b";TZID=Europe/London", b"")
    whole = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + data + b"END:VCALENDAR\r\n"
    (found,) = READERS["node-ical"](whole, "America/New_York", tmp_path).values()
    assert found.starts != TIMED["In summer"][0]


#: All planes, and more often what the format itself uses.
TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("\\;,:\"^'\r\n\tnN =%"), st.characters(), st.characters(min_codepoint=0x10000)),
    max_size=120,
)


#: Starting a program takes longer than reading, so each gets many texts at once. icalendar and
#: recurring-ical-events are asked one by one, in tests/ical/test_round_trip.py.
TEXTS = st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=60, max_size=60)
STARTED = ["ical.js", "node-ical", "libical"]


@pytest.mark.parametrize("name", STARTED)
@given(texts=TEXTS)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_conformance_04_text_comes_back_equal(
    make_entry: Callable[..., CalendarEntry], make_feed: Callable[..., bytes], name: str,
    texts: list[tuple[str, str, str]],
) -> None:  # fmt: skip
    check_texts(make_entry, make_feed, name, texts)


@pytest.mark.full
@pytest.mark.parametrize("name", STARTED)
@given(texts=TEXTS)
@settings(max_examples=100, deadline=None, derandomize=False, suppress_health_check=list(HealthCheck))
def test_conformance_04_thousands_of_texts_come_back_equal(
    make_entry: Callable[..., CalendarEntry], make_feed: Callable[..., bytes], name: str,
    texts: list[tuple[str, str, str]],
) -> None:  # fmt: skip
    check_texts(make_entry, make_feed, name, texts)


def check_texts(
    make_entry: Callable[..., CalendarEntry], make_feed: Callable[..., bytes], name: str,
    texts: list[tuple[str, str, str]],
) -> None:  # fmt: skip
    """A program tells title, place and description of all these as they are."""
    entries: dict[str, Any] = {}
    for number, (title, place, notes) in enumerate(texts):
        uid = f"00000000-0000-4000-8000-{number:012d}"
        entries[uid] = make_entry(uid=uid, title=title, location=place, description=notes)
    found = READERS[name](make_feed(*(vevent_bytes(entry) for entry in entries.values())), "UTC", seen.HERE)
    assert found.keys() == entries.keys()
    for uid, entry in entries.items():
        one = found[uid]
        assert (one.summary, one.location, one.description) == (entry.summary, entry.location, entry.description)

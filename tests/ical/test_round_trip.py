"""Any text in any field comes back equal from readers that we did not write."""

from __future__ import annotations

import re
from datetime import datetime

import icalendar
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workshops.ical.cleaning import clean_line
from workshops.ical.invitation import invitation_bytes
from workshops.ical.reading import read_calendar
from workshops.ical.serialise import vevent_bytes

#: All planes, and more often what the format itself uses.
TEXT = st.text(
    alphabet=st.one_of(st.sampled_from("\\;,:\"^'\r\n\tnN =%"), st.characters(), st.characters(min_codepoint=0x10000)),
    max_size=160,
)

#: RFC 5545 3.2 knows no backslash escape in a parameter, and we write none; icalendar 7.3 undoes one
#: before these signs nevertheless, so names are compared without that pair.
NAMES = TEXT.map(lambda text: re.sub(r"\\+(?=\s*[,;:\\])", "", clean_line(text)))


@given(TEXT, TEXT, TEXT, NAMES)
@example("\\n", "\\\\n", "\\\n", "^n^^^'")
@example("a%2Cb%3B%5C", "C:\\new\\;x", "x" * 74 + "é", "🏴󠁧󠁢󠁳󠁣󠁴󠁿" * 30)
@example("Ràith “a”", ", ,; ;", "é" * 400, '"quoted": name; a, b')
def test_conformance_04_text_comes_back_equal_from_icalendar(make_entry, make_feed, title, place, notes, name) -> None:
    entry = make_entry(title=title, location=place, description=notes, organiser_name=name, categories=(place, title))
    calendar = icalendar.Calendar.from_ical(make_feed(vevent_bytes(entry), name=f"N{title}", description=f"D{notes}"))
    (event,) = calendar.walk("VEVENT")
    assert not event.errors and not calendar.errors
    assert event["SUMMARY"] == entry.summary
    assert event.get("LOCATION", "") == entry.location
    assert event.get("DESCRIPTION", "") == entry.description
    assert event["ORGANIZER"].params.get("CN", "") == entry.organiser_name
    assert event["ORGANIZER"] == "mailto:team@example.org"
    assert tuple(str(c) for c in event["CATEGORIES"].cats if c) == entry.categories if entry.categories else True
    assert calendar["NAME"] == calendar["X-WR-CALNAME"]
    assert calendar["NAME"].startswith("N")


@given(TEXT, TEXT)
def test_conformance_04_text_comes_back_equal_from_recurring_ical_events(make_entry, make_feed, title, notes) -> None:
    recurring_ical_events = pytest.importorskip("recurring_ical_events")
    entry = make_entry(title=title, description=notes)
    (event,) = recurring_ical_events.of(icalendar.Calendar.from_ical(make_feed(vevent_bytes(entry)))).at((2017, 11, 14))
    assert (event["SUMMARY"], event.get("DESCRIPTION", "")) == (entry.summary, entry.description)
    assert event["DTSTART"].dt == entry.starts and event["DTEND"].dt == entry.ends


@given(TEXT, TEXT, TEXT)
def test_conformance_04_text_comes_back_equal_from_our_own_import(make_entry, make_feed, title, place, notes) -> None:
    entry = make_entry(title=f"t{title}", location=place, description=notes)
    (event,) = read_calendar(make_feed(vevent_bytes(entry))).events
    assert event.title == " ".join(entry.title.split())
    assert (event.location, event.description, event.url) == (entry.location, entry.description, entry.url)
    assert (event.starts, event.ends, event.uid) == (entry.starts, entry.ends, entry.uid)
    assert (event.categories, event.organiser) == (entry.categories, entry.organiser_name)


@given(NAMES)
@example("Ann \\ Bell\\")
@example("a%2Cb%3B%5C %22")
@example('Ann "Annie" Bell; team, a:b^c')
def test_names_in_an_invitation_come_back_equal(make_entry, name) -> None:
    entry = make_entry()
    data = invitation_bytes(
        entry, method="REQUEST", attendee_email="ann@example.org", attendee_name=name, sequence=1, partstat="ACCEPTED",
        stamped_at=entry.revised_at, organiser_email="team@example.org", organiser_name="T", event_cancelled=False,
    )  # fmt: skip
    (event,) = icalendar.Calendar.from_ical(data).walk("VEVENT")
    assert event["ATTENDEE"].params.get("CN", "") == make_entry(organiser_name=name).organiser_name
    assert event["ATTENDEE"] == "mailto:ann@example.org"
    assert isinstance(event["DTSTAMP"].dt, datetime)

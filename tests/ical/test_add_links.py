"""Links to calendars on the web: the right instants, whole words, nothing that breaks the address."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.london_time import LONDON
from workshops.ical.add_links import add_links
from workshops.ical.entry import CalendarEntry

BEGINNING = datetime(2026, 11, 1, tzinfo=UTC)


def entry(**values: object) -> CalendarEntry:
    given: dict[str, object] = {
        "uid": "00000000-0000-4000-8000-000000000001", "sequence": 0, "revised_at": BEGINNING,
        "created_at": BEGINNING, "starts": datetime(2027, 6, 8, 10, tzinfo=LONDON),
        "ends": datetime(2027, 6, 8, 12, tzinfo=LONDON), "title": "Example workshop",
        "location": "Example Hall, Glasgow", "url": "https://events.example.org/events/example-workshop", **values,
    }  # fmt: skip
    return CalendarEntry(**given)  # type: ignore[arg-type]


def read(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query, strict_parsing=True).items()}


def test_times_are_instants_in_utc() -> None:
    links = add_links(entry())
    assert read(links["Google Calendar"])["dates"] == "20270608T090000Z/20270608T110000Z"
    for name in ("Outlook at work", "Outlook.com"):
        asked = read(links[name])
        assert (asked["startdt"], asked["enddt"]) == ("2027-06-08T09:00:00Z", "2027-06-08T11:00:00Z")
        assert "allday" not in asked


def test_whole_days_end_on_the_day_after_the_last() -> None:
    links = add_links(entry(starts=date(2027, 10, 29), ends=date(2027, 10, 31)))
    assert read(links["Google Calendar"])["dates"] == "20271029/20271101"
    asked = read(links["Outlook at work"])
    assert (asked["allday"], asked["startdt"], asked["enddt"]) == ("true", "2027-10-29", "2027-11-01")


def test_an_event_without_an_end_ends_when_it_begins() -> None:
    assert read(add_links(entry(ends=None))["Google Calendar"])["dates"] == "20270608T090000Z/20270608T090000Z"


def test_a_cancelled_event_and_one_with_times_for_each_day_have_no_links() -> None:
    assert add_links(entry(status="CANCELLED", title_prefix="Cancelled: ")) == {}
    first = datetime(2027, 6, 8, 10, tzinfo=UTC)
    days = tuple((first + timedelta(days=n), first + timedelta(days=n, hours=2)) for n in range(2))
    assert add_links(entry(starts=days[0][0], ends=days[1][1], days=days)) == {}


def test_spaces_are_no_plus_signs() -> None:
    for address in add_links(entry(title="a + b & c")).values():
        assert "+" not in address and "%2B" in address


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_words_stay_in_their_place_and_the_address_stays_short(title: str, location: str) -> None:
    for address in add_links(entry(title=title, location=location)).values():
        assert address.isascii() and address.isprintable() and len(address) < 3_200
        asked = read(address)
        assert asked.get("text", asked.get("subject"))
        assert asked.get("dates", asked.get("startdt", ""))[:4] == "2027"


@pytest.mark.parametrize("name", ["Google Calendar", "Outlook at work", "Outlook.com"])
def test_the_page_of_the_event_stands_in_the_details(name: str) -> None:
    asked = read(add_links(entry())[name])
    assert asked.get("details", asked.get("body")) == "https://events.example.org/events/example-workshop"

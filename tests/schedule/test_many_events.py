"""Months, programmes and filters of many events: readable, and with as many SELECTs as for few, on both engines."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import BEGINNING, kind, make_event, make_host, make_programme, make_venue
from tests.schedule.test_public_pages import page, selects, slots, titles
from workshops.ical.reading import read_calendar
from workshops.schedule.models import EventTopic, Topic
from workshops.schedule.queries.facets import facets
from workshops.schedule.queries.public import look_up
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.days import at_the_same_time, days_on, time_on
from workshops.schedule.rules.events import AREAS
from workshops.schedule.rules.finding import COUNTED, pairs, parse_filters
from workshops.schedule.rules.public_state import EventView

NOON = datetime.fromisoformat("2027-03-02T12:00:00+00:00")


def view(starts: datetime, hours: float, **more: Any) -> EventView:
    ends = starts + timedelta(hours=hours)
    return EventView(**{"state": "published", "mode": "in_person", "booking": "first_come", "sort_at": starts,
                        "over_at": ends, "starts_at": starts, "ends_at": ends, **more})  # fmt: skip


# --- rules ------------------------------------------------------------------------------------------------------


def test_an_event_with_times_for_each_day_is_on_these_days_only() -> None:
    days = [["2027-03-02T10:00:00+00:00", "2027-03-02T12:00:00+00:00"],
            ["2027-03-04T13:00:00+00:00", "2027-03-04T15:30:00+00:00"]]  # fmt: skip
    event = view(NOON - timedelta(hours=2), 53.5, days=days)
    assert days_on(event) == [date(2027, 3, 2), date(2027, 3, 4)]
    assert days_on(event, date(2027, 3, 3), date(2027, 3, 9)) == [date(2027, 3, 4)]
    assert [time_on(event, day) for day in days_on(event)] == ["10am to 12 noon", "1pm to 3:30pm"]
    beside = view(NOON + timedelta(days=1), 1)  # on the day between
    within = view(NOON + timedelta(days=2, hours=2), 1)
    assert at_the_same_time([event, beside, within]) == [[2], [], [0]]


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (2, ["12 noon to 2pm"]),
        (12, ["12 noon to 12 midnight"]),
        (24, ["From 12 noon", "Until 12 noon"]),
        (48, ["From 12 noon", "All day", "Until 12 noon"]),
    ],
)
def test_the_hours_of_each_day(hours: int, words: list[str]) -> None:
    event = view(NOON, hours)
    assert [time_on(event, day) for day in days_on(event)] == words


VIEWS = st.builds(
    view,
    st.integers(0, 100).map(lambda half: NOON + timedelta(minutes=30 * half)),
    st.integers(1, 30).map(lambda half: half / 2),
    state=st.sampled_from(["published", "published", "cancelled"]),
)


@given(st.lists(VIEWS, max_size=15))
def test_at_the_same_time_is_what_comparing_each_with_each_says(views: list[EventView]) -> None:
    expected = [
        [other for other, theirs in enumerate(views) if other != number and mine.state == theirs.state == "published"
         and mine.sort_at < theirs.over_at and theirs.sort_at < mine.over_at]
        for number, mine in enumerate(views)
    ]  # fmt: skip
    assert at_the_same_time(views) == expected


# --- filters ----------------------------------------------------------------------------------------------------


@pytest.fixture
def many(session: Session) -> None:
    """60 events with every combination that a filter may meet, drafts and past ones among them."""
    topics = [Topic(name=name, slug=name) for name in ("power", "land", "health")]
    session.add_all(topics)
    hosts = [make_host(session, f"Host {number}") for number in range(3)]
    programmes = [make_programme(session, f"Programme {number}", is_published=number != 2) for number in range(3)]
    kinds = [kind(session, "workshop"), kind(session, "round-table")]
    for number in range(60):
        event = make_event(
            session, kind_id=kinds[number % 2].id, host_id=None if number % 7 == 0 else hosts[number % 3].id,
            programme_id=programmes[number % 4].id if number % 4 < 3 else None, area=("", "Fife", "Moray")[number % 3],
            audience=["", *AUDIENCES][number % 6], state="draft" if number % 11 == 0 else "published",
            mode=("in_person", "online", "hybrid")[number % 3], is_listed=number % 13 != 0,
            starts_at=BEGINNING + timedelta(days=number - 10), folded="even" if number % 2 else "odd",
        )  # fmt: skip
        session.add_all(EventTopic(event_id=event.id, topic_id=topics[t].id, position=t) for t in range(number % 4))
    session.commit()


@pytest.mark.parametrize(
    "query",
    ["", "q=odd", "kind=workshop", "topic=power&kind=workshop", "area=fife&audience=policy", "places=1&topic=land",
     "host=host-1&programme=nothing", "attending=online&from=2027-03-05&to=2027-04-01",
     "topic=health&q=even&area=moray", "audience=everyone"],
)  # fmt: skip
@pytest.mark.parametrize("scope", ["upcoming", "past"])
@pytest.mark.usefixtures("many")
def test_each_option_leaves_as_many_events_as_it_says(session: Session, query: str, scope: Any) -> None:
    asked = parse_filters([tuple(pair.split("=")) for pair in query.split("&") if pair])  # type: ignore[misc]
    found = look_up(session, asked)
    counted = facets(session, found, scope=scope, now=BEGINNING)
    for name in COUNTED:
        for option in counted.options[name]:
            chosen = look_up(session, parse_filters([*pairs(found.filters), (name, option.value)]))
            assert facets(session, chosen, scope=scope, now=BEGINNING).total == option.count, (name, option)


@pytest.mark.usefixtures("many")
def test_who_it_is_for_is_a_filter_with_its_address_and_feed(client: FlaskClient) -> None:
    html = page(client, "/events?audience=lived-experience")
    assert 'href="/calendar.ics?audience=lived_experience"' in html
    assert "Remove filter: People with lived experience" in html
    listed = titles(html)
    feed = read_calendar(client.get("/calendar.ics?audience=lived_experience").data).events
    assert listed and set(listed) <= {one.title for one in feed}
    assert titles(page(client, "/events?audience=nobody")) == titles(page(client, "/events"))
    assert "BEGIN:VEVENT" not in client.get("/calendar.ics?audience=nobody").get_data(as_text=True)
    assert "for people with lived experience" in client.get("/calendar.ics?audience=lived_experience").get_data(
        as_text=True
    ).replace("\r\n ", "")


# --- the month --------------------------------------------------------------------------------------------------


def cell(html: str, day: str) -> str:
    found = re.search(rf'<time datetime="{day}">.*?</td>', html, re.S)
    assert found is not None
    return found[0]


def test_a_full_day_shows_its_first_events_and_leads_to_the_others(client: FlaskClient, session: Session) -> None:
    for number in range(17):
        make_event(session, title=f"Event {number:02}", starts_at=BEGINNING + timedelta(days=2, minutes=number))
    for number in range(6):
        make_event(session, title=f"Six {number}", starts_at=BEGINNING + timedelta(days=3))
    html = page(client, "/calendar?month=2027-03")
    full = cell(html, "2027-03-03")
    assert re.findall(r">(Event \d\d)<", full) == [f"Event {number:02}" for number in range(5)]
    assert "12 more" in full and "on Wednesday 3 March 2027" in full
    more = re.search(r'href="(/events\?[^"]*)"', full)
    assert more is not None and len(titles(page(client, more[1].replace("&amp;", "&")))) == 17
    assert cell(html, "2027-03-04").count("Six") == 6 and "more" not in cell(html, "2027-03-04")
    assert "23 events" in html


def test_the_month_is_a_table_with_caption_and_headings(client: FlaskClient, session: Session) -> None:
    make_event(session)
    html = page(client, "/calendar?month=2027-03")
    assert "<caption" in html and html.count('<th scope="col">') == 7
    assert "Wednesday 31 March 2027" in cell(html, "2027-03-31")  # words of the day, not only a number


def test_what_lasts_several_days_says_which_day_it_is(client: FlaskClient, session: Session) -> None:
    make_event(session, title="Long", starts_at=None, ends_at=None, starts_on=date(2027, 3, 2),
               ends_on=date(2027, 3, 4))  # fmt: skip
    days = [[f"2027-03-{day:02}T10:00:00+00:00", f"2027-03-{day:02}T12:00:00+00:00"] for day in (9, 11)]
    make_event(session, title="Course", starts_at=datetime.fromisoformat(days[0][0]),
               ends_at=datetime.fromisoformat(days[1][1]), days=days)  # fmt: skip
    html = page(client, "/calendar?month=2027-03")
    assert [f"(day {number} of 3)" in cell(html, f"2027-03-0{number + 1}") for number in (1, 2, 3)] == [True] * 3
    assert "Long" not in cell(html, "2027-03-05")
    assert "10am" in cell(html, "2027-03-11") and "(day 2 of 2)" in cell(html, "2027-03-11")
    assert "Course" not in cell(html, "2027-03-10")


# --- a programme ------------------------------------------------------------------------------------------------


def test_nine_events_at_once_stay_readable(client: FlaskClient, session: Session) -> None:
    programme = make_programme(session)
    for number in range(9):
        make_event(session, title=f"Event {number}", programme_id=programme.id, area="Fife")
    html = page(client, f"/programmes/{programme.slug}")
    hints = [re.sub(r"<[^>]*>", "", hint).strip() for hint in re.findall(r'site-clash">(.*?)</p>', html, re.S)]
    assert hints[0] == "Runs at the same time as Event 1, Event 2 and 6 other events." and len(hints) == 9
    assert "<strong>Fife</strong>" in html and "Workshop" in html and "11am to 1pm" in html


def test_a_programme_over_many_days_has_contents_and_says_its_state(
    client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    programme = make_programme(session)
    first = BEGINNING + timedelta(days=9)
    for number in range(5):
        make_event(session, title=f"Day {number}", programme_id=programme.id, starts_at=first + timedelta(days=number))
    make_event(session, title="Show", programme_id=programme.id, starts_at=None, ends_at=None,
               starts_on=date(2027, 3, 10), ends_on=date(2027, 3, 12))  # fmt: skip
    path = f"/programmes/{programme.slug}"
    before = page(client, path)
    assert "Announced" in before and 'href="#part-2">Thursday 11 March 2027 (2)<' in before
    assert "(day 3 of 3)" in before
    clock.advance(days=11)
    during = page(client, path)
    assert "On now" in during and "Today, Friday 12 March 2027" in during
    assert slots(during)[:2] == ["Show", "Day 2"] and "Earlier in this programme" in during
    clock.advance(days=11)
    after = page(client, path)
    assert "This programme is over." in after and "Nothing is published about its events yet." in after
    assert slots(after) == ["Show", "Day 0", "Day 1", "Day 2", "Day 3", "Day 4"] and "Runs at" not in after


# --- how much they cost -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("many")
def test_lists_months_and_programmes_cost_the_same_selects_however_many_events(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    programme = make_programme(session)

    def cost(path: str) -> int:
        app.extensions["workshops.keep"].kept.clear()
        with selects(app) as sent:
            page(client, path)
        return len(sent)

    def fill(count: int) -> None:
        for number in range(count):
            venue, host = make_venue(session, f"Hall {number} {count}"), make_host(session, f"Host {number} {count}")
            make_event(session, programme_id=programme.id, venue_id=venue.id, host_id=host.id, area=AREAS[number % 34],
                       starts_at=BEGINNING + timedelta(days=2 + number % 9))  # fmt: skip

    limits = {
        "/events": 5, "/events?q=odd": 5, "/events?kind=workshop&topic=power&area=fife&audience=policy": 8,
        "/calendar?month=2027-03": 4, f"/programmes/{programme.slug}": 5, "/past": 8, "/calendars": 6,
    }  # fmt: skip
    fill(2)
    few = {path: cost(path) for path in limits}
    fill(60)
    assert {path: cost(path) for path in limits} == few
    assert all(few[path] <= limit for path, limit in limits.items()), few

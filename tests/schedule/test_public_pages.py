"""The public pages, on both engines: what they list, what they say in each state, and what they never show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import BEGINNING, kind, make_event, make_host, make_programme, make_venue
from workshops.core.db import db
from workshops.core.versions import touch_public
from workshops.schedule.models import Event, EventTopic, Room, Series, Topic
from workshops.schedule.queries.facets import facets
from workshops.schedule.queries.public import events_of_page, look_up
from workshops.schedule.rules.finding import parse_filters
from workshops.schedule.service import touch_event


@contextmanager
def selects(app: Flask) -> Iterator[list[str]]:
    """The SELECTs that are sent to the database."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            sent.append(statement)

    sqlalchemy_event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    sqlalchemy_event.remove(db.engine, "before_cursor_execute", note)


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, path
    return answer.get_data(as_text=True)


def titles(html: str) -> list[str]:
    return re.findall(r'class="ds_search-result__link"[^>]*>([^<]*)<', html)


def slots(html: str) -> list[str]:
    """The titles of the events on a programme's page, in their order."""
    return re.findall(r'class="site-slot__title"><a [^>]*>([^<]*)<', html)


def changed(session: Session, event: Event, **values: object) -> None:
    """Change an event as a service does: with its versions."""
    for name, value in values.items():
        setattr(event, name, value)
    touch_event(session, event)
    touch_public(session)
    session.info.pop("before_commit")["public_version"](session)
    session.commit()


# --- lists ------------------------------------------------------------------------------------------------------


def test_a_service_without_events_says_so(client: FlaskClient) -> None:
    assert "There are no events planned just now." in page(client, "/")
    assert "There are no events planned just now." in page(client, "/events")
    assert "No event has taken place yet." in page(client, "/past")
    assert "There are no programmes yet." in page(client, "/programmes")
    assert "No events in March 2027." in page(client, "/calendar")


def test_lists_hold_what_is_public_and_to_come(client: FlaskClient, session: Session) -> None:
    make_event(session, title="Later", starts_at=BEGINNING + timedelta(days=9))
    make_event(session, title="Sooner", starts_at=BEGINNING + timedelta(days=2))
    make_event(session, title="Draft", state="draft")
    make_event(session, title="Unlisted", is_listed=False)
    make_event(session, title="Over", starts_at=BEGINNING - timedelta(days=2))
    make_event(session, title="Cancelled", state="cancelled", starts_at=BEGINNING + timedelta(days=5))
    assert titles(page(client, "/events")) == ["Sooner", "Cancelled", "Later"]
    assert titles(page(client, "/")) == ["Sooner", "Later"]
    assert titles(page(client, "/past")) == ["Over"]


def test_the_month_of_each_event_stands_above_it(client: FlaskClient, session: Session) -> None:
    make_event(session, starts_at=BEGINNING + timedelta(days=2))
    make_event(session, starts_at=BEGINNING + timedelta(days=40))
    assert re.findall(r'site-month-heading">([^<]*)<', page(client, "/events")) == ["March 2027", "April 2027"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=POWER+dun", ["Power in Dùn Èideann"]),
        ("q=100%25", ["100% together"]),
        ("q=_", []),
        ("kind=round-table", ["Power in Dùn Èideann"]),
        ("kind=nothing-like-it", ["Power in Dùn Èideann", "100% together"]),
        ("area=Glasgow City", ["100% together"]),
        ("topic=policy", ["Power in Dùn Èideann"]),
        ("attending=online", ["100% together"]),
        ("attending=in_person", ["Power in Dùn Èideann", "100% together"]),
        ("from=2027-03-12", ["100% together"]),
        ("to=2027-03-12", ["Power in Dùn Èideann"]),
        ("from=31/02/2027", ["Power in Dùn Èideann", "100% together"]),
        ("from=2027-02-01&to=2027-02-28", ["Over"]),
        ("places=1", ["Power in Dùn Èideann"]),
        ("kind=round-table&area=Glasgow City", []),
    ],
)
def test_events_are_found(client: FlaskClient, session: Session, query: str, expected: list[str]) -> None:
    first = make_event(session, title="Power in Dùn Èideann", folded="power in dun eideann",
                       kind_id=kind(session, "round-table").id, starts_at=BEGINNING + timedelta(days=10))  # fmt: skip
    make_event(session, title="100% together", mode="hybrid", capacity_in_person=0, capacity_online=0,
               area="Glasgow City", starts_at=BEGINNING + timedelta(days=20))  # fmt: skip
    make_event(session, title="Over", starts_at=BEGINNING - timedelta(days=10))
    topic = Topic(name="policy", slug="policy")
    session.add(topic)
    session.flush()
    session.add(EventTopic(event_id=first.id, topic_id=topic.id, position=0))
    session.commit()
    assert titles(page(client, f"/events?{query}")) == expected


def test_each_filter_in_force_can_be_taken_away(client: FlaskClient, session: Session) -> None:
    make_event(session, title="Power", folded="power", area="Fife")
    html = page(client, "/events?q=power&area=Fife&kind=nothing")
    assert re.findall(r'class="ds_facet__button" href="([^"]*)"', html) == ["/events?area=fife", "/events?q=power"]
    assert 'href="/calendar.ics?q=power&amp;area=fife"' in html


def test_no_result_says_what_to_do(client: FlaskClient, session: Session) -> None:
    make_event(session)
    html = page(client, "/events?q=<script>alert(1)</script>")
    assert "No event fits all of these filters." in html
    assert "<script>alert" not in html


def test_pages_of_20_in_a_total_order_and_404_after_the_last(client: FlaskClient, session: Session) -> None:
    for number in range(45):
        make_event(session, title=f"Event {number:02}")  # all at the same instant
    found = [title for number in (1, 2, 3) for title in titles(page(client, f"/events?page={number}"))]
    assert found == [f"Event {number:02}" for number in range(45)]
    assert "45 events" in page(client, "/events")
    assert 'href="/events?page=3"' in page(client, "/events?page=4", 404)
    assert 'href="/events?kind=workshop&amp;page=3"' in page(client, "/events?kind=workshop&page=99999999", 404)
    assert page(client, "/events?page=none") == page(client, "/events")


def test_the_options_of_a_filter_say_how_many_they_leave(session: Session) -> None:
    make_event(session, area="Fife")
    make_event(session, area="Fife", kind_id=kind(session, "round-table").id)
    make_event(session, area="Moray", kind_id=kind(session, "round-table").id)
    found = look_up(session, parse_filters([("area", "Fife")]))
    options = facets(session, found, scope="upcoming", now=BEGINNING).options
    assert [(one.value, one.text, one.count) for one in options["kind"]] == [
        ("round-table", "Round-table", 1), ("workshop", "Workshop", 1)]  # fmt: skip
    assert [(one.value, one.count) for one in options["area"]] == [("fife", 2), ("moray", 1)]


def test_a_list_costs_the_same_selects_however_long(app: Flask, client: FlaskClient, session: Session) -> None:
    programme = make_programme(session)

    def cost(path: str) -> int:
        with selects(app) as sent:
            page(client, path)
        return len(sent)

    def fill(many: int) -> None:
        for number in range(many):
            venue = make_venue(session, f"Hall {number} of {many}")
            one = make_event(session, programme_id=programme.id, venue_id=venue.id)
            make_event(session, programme_id=programme.id, starts_at=BEGINNING - timedelta(days=3 + number))
        changed(session, one)

    paths = ["/", "/events", "/events?kind=workshop&q=example", "/past", "/programmes",
             f"/programmes/{programme.slug}", "/calendar?month=2027-03"]  # fmt: skip
    fill(1)
    few = {path: cost(path) for path in paths}
    fill(12)
    assert {path: cost(path) for path in paths} == few
    assert max(few.values()) <= 8
    assert {path: cost(path) for path in paths} == dict.fromkeys(paths, 1)  # kept: the version alone


def test_a_list_is_built_again_when_it_changes_and_when_the_clock_says(
    client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    event = make_event(session, title="Before", starts_at=BEGINNING + timedelta(hours=2))
    answer = client.get("/events")
    assert client.get("/events", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    changed(session, event, title="After")
    assert titles(page(client, "/events")) == ["After"]
    clock.advance(hours=3)
    assert "On now" in page(client, "/events")
    clock.advance(hours=1)
    assert titles(page(client, "/events")) == []


def test_lists_say_between_two_days_when_an_event_goes_on(
    client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    one = BEGINNING + timedelta(hours=1)
    days = [(one, one + timedelta(hours=2)), (one + timedelta(days=2), one + timedelta(days=2, hours=2))]
    make_event(session, title="Two days", starts_at=one, ends_at=days[1][1],
               days=[[starts.isoformat(), ends.isoformat()] for starts, ends in days])  # fmt: skip
    clock.advance(hours=1)
    assert "On now" in page(client, "/events")
    clock.advance(hours=2)
    assert "On now" not in page(client, "/events") and "Goes on " in page(client, "/events")


def test_the_archive_is_newest_first_under_its_years(client: FlaskClient, session: Session) -> None:
    make_event(session, title="Month only", starts_at=None, ends_at=None, month="2016-11")
    make_event(session, title="A week", starts_at=None, ends_at=None, starts_on=date(2018, 1, 29),
               ends_on=date(2018, 2, 9))  # fmt: skip
    make_event(session, title="Yesterday", starts_at=BEGINNING - timedelta(days=1))
    html = page(client, "/past")
    assert titles(html) == ["Yesterday", "A week", "Month only"]
    assert re.findall(r'site-month-heading">([^<]*)<', html) == ["2027", "2018", "2016"]
    assert "Monday 29 January to Friday 9 February 2018" in html and "November 2016" in html
    assert titles(page(client, "/past?sort=oldest&from=2016-01-01&to=2016-12-31")) == ["Month only"]


# --- one event --------------------------------------------------------------------------------------------------


def test_an_event_page_says_what_matters(client: FlaskClient, session: Session) -> None:
    venue = make_venue(session, "Example Hall")
    event = make_event(session, title="Together", venue_id=venue.id, taken_in_person=9, bsl="yes",
                       description="## Who\n\n<b>All</b> of *you*", capacity_in_person=100)  # fmt: skip
    html = page(client, f"/events/{event.slug}")
    assert "<h1 class=\"ds_page-header__title\">Together</h1>" in html
    assert "Wednesday 31 March 2027, 11am to 1pm" in html
    assert f'href="/events/{event.slug}/register"' in html and "Register for this event" in html
    assert "Step-free access" in html and "Not known" in html and "Captions" in html
    assert f'href="/events/{event.slug}.ics"' in html
    assert "<h3>Who</h3>" in html and "<b>All" not in html and "<em>you</em>" in html


def test_the_event_page_and_the_receipt_lead_to_calendars_on_the_web(
    client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    event = make_event(session, mode="online", joining_link="https://meet.example.org/secret",
                       capacity_in_person=None, capacity_online=5)  # fmt: skip
    for path in (f"/events/{event.slug}", f"/events/{event.slug}/registered/place"):
        html = page(client, path)
        for start in ("https://calendar.google.com/calendar/render?", "https://outlook.office.com/calendar/0/",
                      "https://outlook.live.com/calendar/0/"):  # fmt: skip
            assert html.count(f'href="{start}') == 1, path
        assert "secret" not in html and "does not follow later changes" in html
    changed(session, event, state="cancelled", state_changed_at=clock.now)
    assert "calendar.google.com" not in page(client, f"/events/{event.slug}")


def test_an_event_page_names_the_room(client: FlaskClient, session: Session) -> None:
    venue = make_venue(session, "Example Hall")
    room = Room(venue_id=venue.id, name="Upper room", name_key="upper room")
    session.add(room)
    session.commit()
    event = make_event(session, title="Together", venue_id=venue.id, room_id=room.id)
    html = page(client, f"/events/{event.slug}")
    assert re.findall(r"Upper room, Example Hall", html)[2:], "among the facts, under Place, and for search engines"


def test_a_draft_is_not_found_and_an_unlisted_event_only_by_its_address(client: FlaskClient, session: Session) -> None:
    draft = make_event(session, state="draft")
    unlisted = make_event(session, is_listed=False, title="Quiet")
    unknown = page(client, "/events/no-such-event", 404)
    assert page(client, f"/events/{draft.slug}", 404).replace(draft.slug, "") == unknown.replace("no-such-event", "")
    assert '<meta name="robots" content="noindex">' in page(client, f"/events/{unlisted.slug}")
    assert "Quiet" not in page(client, "/events") + page(client, "/") + page(client, "/calendar?month=2027-03")


def test_a_cancelled_event_keeps_its_page_with_the_reason(client: FlaskClient, session: Session) -> None:
    event = make_event(session, state="cancelled", state_reason="The speaker is ill.")
    html = page(client, f"/events/{event.slug}")
    assert "This event is cancelled. The speaker is ill." in html
    assert "/register" not in html and f'{event.slug}.ics" aria-hidden' not in html


def test_a_changed_date_is_said_with_the_old_one(client: FlaskClient, session: Session) -> None:
    event = make_event(session, changed_from="Monday 1 March 2027, 10am to 12 noon")
    html = page(client, f"/events/{event.slug}")
    assert "It was Monday 1 March 2027, 10am to 12 noon. It is now Wednesday 31 March 2027, 11am to 1pm." in html
    assert "Date changed" in html and "10 places left" in html


def test_a_postponed_event_has_no_date_any_more(client: FlaskClient, session: Session) -> None:
    event = make_event(session, state="postponed", state_reason="The hall is flooded.")
    html = page(client, f"/events/{event.slug}")
    assert "No new date yet" in html and "The hall is flooded." in html and "/register" not in html
    assert "It was to take place on Wednesday 31 March 2027, 11am to 1pm." in html


def test_totals_of_the_past_are_shown_without_small_numbers(client: FlaskClient, session: Session) -> None:
    event = make_event(session, starts_at=BEGINNING - timedelta(days=9), reported_registered=1200, reported_attended=3)
    html = page(client, f"/events/{event.slug}")
    assert "1,200" in html and "Fewer than 5" in html


def test_a_joining_link_is_never_public(client: FlaskClient, session: Session) -> None:
    event = make_event(session, mode="hybrid", joining_link="https://meet.example.org/secret-room")
    for path in (f"/events/{event.slug}", f"/events/{event.slug}.ics", "/events", "/calendar.ics"):
        assert "secret-room" not in page(client, path)


def test_booking_elsewhere_shows_where_it_leads(client: FlaskClient, session: Session) -> None:
    event = make_event(session, booking="elsewhere", booking_url="https://tickets.example.org/7")
    html = page(client, f"/events/{event.slug}")
    assert 'href="https://tickets.example.org/7"' in html and "Register on tickets.example.org" in html


def test_other_dates_of_the_series_are_named_and_follow_their_own_changes(
    client: FlaskClient, session: Session
) -> None:
    series = Series(title="Twice", created_at=BEGINNING)
    session.add(series)
    session.flush()
    event = make_event(session, series_id=series.id)
    other = make_event(session, series_id=series.id, starts_at=BEGINNING + timedelta(days=50))
    assert f'href="/events/{other.slug}"' in page(client, f"/events/{event.slug}")
    changed(session, other, state="cancelled")
    assert f'href="/events/{other.slug}"' not in page(client, f"/events/{event.slug}")


def test_a_kept_event_page_costs_one_select_and_moves_with_its_version(
    app: Flask, client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    event = make_event(session, closes_at=BEGINNING + timedelta(days=1))
    path = f"/events/{event.slug}"
    page(client, path)
    with selects(app) as sent:
        page(client, path)
    assert len(sent) == 1
    changed(session, event, taken_in_person=10)
    assert "Full – join the waiting list" in page(client, path)
    clock.advance(days=1)
    assert "Registration closed at 9am on Tuesday 2 March 2027." in page(client, path)


def test_structured_data_cannot_be_left_by_any_text(client: FlaskClient, session: Session) -> None:
    event = make_event(session, title="</script><script>alert(1)</script>", summary="A & B", mode="hybrid")
    html = page(client, f"/events/{event.slug}")
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)
    assert block is not None and "<" not in block[1]
    data = json.loads(block[1])
    assert data["name"] == "</script><script>alert(1)</script>"
    assert data["startDate"] == "2027-03-31T11:00:00+01:00"
    assert data["eventAttendanceMode"].endswith("/MixedEventAttendanceMode")
    assert data["location"][1]["url"] == f"http://localhost/events/{event.slug}"


def test_an_event_of_which_only_the_month_is_known(client: FlaskClient, session: Session) -> None:
    event = make_event(session, starts_at=None, ends_at=None, month="2016-11")
    html = page(client, f"/events/{event.slug}")
    assert "November 2016" in html and "ld+json" not in html and f"{event.slug}.ics" not in html


# --- programmes and months --------------------------------------------------------------------------------------


def test_a_programme_shows_today_first_and_what_clashes(client: FlaskClient, session: Session) -> None:
    programme = make_programme(session, "Example Week")
    make_event(session, title="Past", programme_id=programme.id, starts_at=BEGINNING - timedelta(days=2))
    make_event(session, title="Tomorrow", programme_id=programme.id, starts_at=BEGINNING + timedelta(days=1))
    make_event(session, title="Now", programme_id=programme.id, starts_at=BEGINNING)
    make_event(session, title="Beside", programme_id=programme.id, starts_at=BEGINNING + timedelta(hours=1))
    html = page(client, f"/programmes/{programme.slug}")
    assert slots(html) == ["Now", "Beside", "Tomorrow", "Past"]
    headings = re.findall(r'<h2 id="(?:part-\d+|earlier)"[^>]*>([^<]*)<', html)
    assert headings == ["Today, Monday 1 March 2027", "Tuesday 2 March 2027", "Earlier in this programme"]
    assert re.findall(r'<h3 id="earlier-\d+"[^>]*>([^<]*)<', html) == ["Saturday 27 February 2027"]
    assert len(re.findall("Runs at the same time as", html)) == 2


def test_a_programme_without_events_and_one_that_is_not_published(client: FlaskClient, session: Session) -> None:
    announced = make_programme(session, "Announced", starts_on=date(2027, 11, 1), ends_on=date(2027, 11, 7))
    hidden = make_programme(session, "Hidden", is_published=False)
    assert "are not announced yet" in page(client, f"/programmes/{announced.slug}")
    html = page(client, "/programmes")
    assert titles(html) == ["Announced"] and "Monday 1 November to Sunday 7 November 2027" in html
    page(client, f"/programmes/{hidden.slug}", 404)
    page(client, f"/programmes/{hidden.slug}.ics", 404)


def test_the_month_shows_events_on_each_of_their_days(client: FlaskClient, session: Session) -> None:
    make_event(session, title="Long", starts_at=None, ends_at=None, starts_on=date(2027, 1, 30),
               ends_on=date(2027, 2, 2))  # fmt: skip
    make_event(session, title="Some time", starts_at=None, ends_at=None, month="2016-11")
    assert page(client, "/calendar?month=2027-01").count(">Long<") == 2
    assert page(client, "/calendar?month=2027-02").count(">Long<") == 2
    assert "Some time in November 2016" in page(client, "/calendar?month=2016-11")
    assert page(client, "/calendar?month=November+2016") == page(client, "/calendar?month=2016-11")
    assert page(client, "/calendar?month=elsewhen") == page(client, "/calendar")
    assert 'rel="prev"' not in page(client, "/calendar?month=1900-01")


def test_hosts_and_venues_of_many_events_come_with_the_list(app: Flask, session: Session) -> None:
    for number in range(5):
        make_event(session, host_id=make_host(session, f"Host {number}").id)
    with selects(app) as sent:
        listed = events_of_page(session, look_up(session, parse_filters([])), scope="upcoming", now=BEGINNING)
    assert [one.host for one in listed] == [f"Host {number}" for number in range(5)]
    assert len(sent) == 1

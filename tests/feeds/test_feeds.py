"""Feeds, on both engines: what they hold, the same bytes each time, and who is told that nothing changed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.conftest import FakeClock
from tests.factories import BEGINNING, kind, make_event, make_host, make_programme, make_registration, make_venue
from workshops.audit import service as audit
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.core.tokens import token_hash
from workshops.core.versions import touch_public
from workshops.feeds.rules import last_modified, window_of
from workshops.followup.models import WriteUp
from workshops.registration.models import CalendarToken
from workshops.schedule.calendar_entry import refresh_vevent
from workshops.schedule.models import Event, Series
from workshops.schedule.service import merge_hosts
from workshops.web.responses import Keep

TOKEN = "a" * 43


def read(client: FlaskClient, path: str) -> Calendar:
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.get_data())


def summaries(client: FlaskClient, path: str = "/calendar.ics") -> list[str]:
    return [str(event["SUMMARY"]) for event in read(client, path).walk("VEVENT")]


def saved(session: Session, now: datetime, event: Event | None = None, **values: object) -> None:
    """Change something public as a service does: VEVENT, audit entry and versions in one transaction."""
    from flask import current_app

    if event is not None:
        for name, value in values.items():
            setattr(event, name, value)
        event.version += 1
        event.revised_at = now
        refresh_vevent(event, settings=current_app.extensions["workshops.settings"])
    audit.record(session, now=now, actor=COMMAND, action="event_changed", subject=("event", None))
    touch_public(session)
    session.info.pop("before_commit")["public_version"](session)
    session.commit()


# --- what they hold ---------------------------------------------------------------------------------------------


def test_the_calendar_reaches_60_days_back_and_to_all_that_comes(client: FlaskClient, session: Session) -> None:
    for title, days in (("61 days ago", -61), ("59 days ago", -59), ("in 9 years", 3300), ("soon", 1)):
        make_event(session, title=title, starts_at=BEGINNING + timedelta(days=days))
    make_event(session, title="Draft", state="draft")
    make_event(session, title="Unlisted", is_listed=False)
    make_event(session, title="Month only", starts_at=None, ends_at=None, month="2027-02")
    assert summaries(client) == ["59 days ago", "soon", "in 9 years"]
    assert summaries(client, "/calendar.ics?to=2027-03-01") == ["61 days ago", "59 days ago"]
    assert summaries(client, "/calendar.ics?from=2026-12-01&to=2027-01-31") == ["61 days ago", "59 days ago"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=round-table", ["Round"]),
        ("kind=round-table&page=7&places=1", ["Round"]),
        ("area=Fife", ["Round"]),
        ("attending=online", ["Square"]),
        ("q=SQUARE", ["Square"]),
        ("kind=nothing-like-it", []),
        ("attending=sideways", []),
        ("from=31/02/2027", []),
        ("", ["Round", "Square"]),
    ],
)
def test_filters_work_and_an_unknown_value_matches_nothing(
    client: FlaskClient, session: Session, query: str, expected: list[str]
) -> None:
    make_event(session, title="Round", folded="round", kind_id=kind(session, "round-table").id, area="Fife",
               taken_in_person=10)  # fmt: skip
    make_event(session, title="Square", folded="square", mode="online")
    assert summaries(client) == ["Round", "Square"]  # kept, and no other filter may get it
    assert summaries(client, f"/calendar.ics?{query}") == expected


def test_events_stand_by_start_then_uid(client: FlaskClient, session: Session) -> None:
    for number in (3, 1, 2):
        make_event(session, title=f"Same time {number}", uid=f"{number}0000000-0000-4000-8000-000000000000")
    assert summaries(client) == ["Same time 1", "Same time 2", "Same time 3"]


def test_a_cancelled_event_stays_for_30_days(client: FlaskClient, session: Session, clock: FakeClock) -> None:
    programme = make_programme(session)
    event = make_event(session, title="Gone", state="cancelled", state_changed_at=BEGINNING, programme_id=programme.id,
                       starts_at=BEGINNING + timedelta(days=200))  # fmt: skip
    entry = read(client, "/calendar.ics").walk("VEVENT")[0]
    assert (str(entry["SUMMARY"]), str(entry["STATUS"])) == ("Cancelled: Gone", "CANCELLED")
    clock.advance(days=30)
    assert summaries(client) == summaries(client, f"/programmes/{programme.slug}.ics") == ["Cancelled: Gone"]
    clock.advance(days=1)
    assert summaries(client) == summaries(client, f"/programmes/{programme.slug}.ics") == []
    assert summaries(client, f"/events/{event.slug}.ics") == ["Cancelled: Gone"]


def test_an_event_has_its_own_file_also_when_unlisted_but_not_as_a_draft(
    client: FlaskClient, session: Session
) -> None:
    unlisted = make_event(session, title="Quiet", is_listed=False)
    draft = make_event(session, state="draft")
    month = make_event(session, starts_at=None, ends_at=None, month="2016-11")
    assert summaries(client, f"/events/{unlisted.slug}.ics") == ["Quiet"]
    for slug in (draft.slug, month.slug, "no-such-event"):
        assert client.get(f"/events/{slug}.ics").status_code == 404


def test_a_programme_feed_is_whole(client: FlaskClient, session: Session) -> None:
    programme = make_programme(session, "Example Week")
    make_event(session, title="Long ago", programme_id=programme.id, starts_at=BEGINNING - timedelta(days=900))
    make_event(session, title="Elsewhere")
    calendar = read(client, f"/programmes/{programme.slug}.ics")
    assert [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")] == ["Long ago"]
    assert str(calendar["NAME"]) == "Example Week"
    assert str(calendar["SOURCE"]) == f"http://localhost/programmes/{programme.slug}.ics"


def test_the_feeds_of_a_host_a_venue_and_a_series_are_whole(client: FlaskClient, session: Session) -> None:
    host, venue = make_host(session, "Example Trust"), make_venue(session, "Example Hall")
    series = Series(title="Example series", created_at=BEGINNING)
    session.add(series)
    session.flush()
    about = {"host_id": host.id, "venue_id": venue.id, "series_id": series.id}
    make_event(session, title="Long ago", starts_at=BEGINNING - timedelta(days=900), **about)
    make_event(session, title="To come", **about)
    make_event(session, title="Draft", state="draft", **about)
    make_event(session, title="Unlisted", is_listed=False, **about)
    make_event(session, title="Elsewhere")
    names = {
        f"/hosts/{host.slug}.ics": "Example Trust",
        f"/venues/{venue.id}.ics": "Example Hall",
        f"/series/{series.id}.ics": "Example series",
    }
    for path, name in names.items():
        calendar = read(client, path)
        assert [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")] == ["Long ago", "To come"], path
        assert name in str(calendar["NAME"]) and str(calendar["SOURCE"]) == f"http://localhost{path}"
        etag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_a_venue_or_series_that_only_drafts_name_has_no_feed(client: FlaskClient, session: Session) -> None:
    venue = make_venue(session, "Secret Hall")
    series = Series(title="Not announced", created_at=BEGINNING)
    session.add(series)
    session.flush()
    make_event(session, state="draft", venue_id=venue.id, series_id=series.id)
    for path in (f"/venues/{venue.id}.ics", f"/series/{series.id}.ics", "/venues/99.ics", "/series/99.ics",
                 f"/series/{2**70}.ics", f"/venues/{2**70}.ics", "/hosts/nobody.ics"):  # fmt: skip
        assert client.get(path).status_code == 404, path


def test_the_feed_of_a_host_goes_on_after_a_merge(app: Flask, client: FlaskClient, session: Session) -> None:
    old, new = make_host(session, "Old Network"), make_host(session, "New Network")
    make_event(session, title="Kept", host_id=old.id)
    with transaction() as writing:
        settings = app.extensions["workshops.settings"]
        merge_hosts(writing, gone_id=old.id, kept_id=new.id, now=BEGINNING, actor=COMMAND, settings=settings)
    calendar = read(client, f"/hosts/{old.slug}.ics")
    assert [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")] == ["Kept"]
    assert str(calendar["NAME"]) == "Co-production events: New Network"


def test_an_empty_feed_is_a_calendar_with_its_time_zone(client: FlaskClient) -> None:
    calendar = read(client, "/calendar.ics")
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE"]


def test_a_filtered_feed_says_what_it_holds(client: FlaskClient, session: Session) -> None:
    make_event(session, area="Fife")
    calendar = read(client, "/calendar.ics?area=Fife&kind=workshop")
    assert str(calendar["NAME"]) == "Co-production events: Workshop – Fife"
    assert str(calendar["SOURCE"]) == "http://localhost/calendar.ics?kind=workshop&area=fife"
    assert str(calendar["NAME"]) != str(read(client, "/calendar.ics")["NAME"])


def test_the_lines_of_a_feed_are_as_rfc_5545_asks(client: FlaskClient, session: Session) -> None:
    make_event(session, title="Ceilidh “fàilte” 🎉; a, b \\ c " + "long " * 30)
    body = client.get("/calendar.ics").get_data()
    assert body.endswith(b"END:VCALENDAR\r\n") and b"\n" not in body.replace(b"\r\n", b"")
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    assert b"ATTENDEE" not in body and b"METHOD" not in body


# --- conditional requests ---------------------------------------------------------------------------------------


def test_the_bytes_are_the_same_a_minute_later_and_in_another_process(
    app: Flask, client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    make_event(session)
    first = client.get("/calendar.ics").get_data()
    clock.advance(minutes=1)
    app.extensions["workshops.keep"] = Keep()  # another process has kept nothing
    assert client.get("/calendar.ics").get_data() == first


def ask(client: FlaskClient, **headers: str) -> TestResponse:
    return client.get("/calendar.ics", headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_who_has_it_already_gets_304(client: FlaskClient, session: Session, clock: FakeClock) -> None:
    saved(session, clock.now, make_event(session))
    clock.advance(minutes=1)
    answer = ask(client)
    etag, changed = answer.headers["ETag"], answer.headers["Last-Modified"]
    assert changed == format_datetime(BEGINNING, usegmt=True)
    later = format_datetime(BEGINNING + timedelta(hours=1), usegmt=True)
    earlier = format_datetime(BEGINNING - timedelta(seconds=1), usegmt=True)
    for headers in ({"If_None_Match": etag}, {"If_None_Match": f"W/{etag}"}, {"If_None_Match": f'"x", {etag}'},
                    {"If_None_Match": "*"}, {"If_Modified_Since": changed}, {"If_Modified_Since": later},
                    {"If_None_Match": etag, "If_Modified_Since": earlier}):  # fmt: skip
        unchanged = ask(client, **headers)
        assert (unchanged.status_code, unchanged.get_data()) == (304, b""), headers
        assert unchanged.headers["ETag"] == etag
    for headers in ({"If_None_Match": '"x"'}, {"If_Modified_Since": earlier}, {"If_Modified_Since": "yesterday"},
                    {"If_None_Match": '"x"', "If_Modified_Since": later}):  # fmt: skip
        assert ask(client, **headers).status_code == 200, headers


@pytest.mark.parametrize("change", ["edit", "unlist", "cancel"])
def test_every_change_moves_both_validators(
    client: FlaskClient, session: Session, clock: FakeClock, change: str
) -> None:
    event = make_event(session)
    make_event(session)
    saved(session, clock.now)
    clock.advance(minutes=1)
    before = ask(client)
    clock.advance(minutes=1)
    values = {"edit": {"title": "Another"}, "unlist": {"is_listed": False},
              "cancel": {"state": "cancelled", "state_changed_at": clock.now}}[change]  # fmt: skip
    saved(session, clock.now, event, **values)
    clock.advance(minutes=1)
    for headers in ({"If_None_Match": before.headers["ETag"]}, {"If_Modified_Since": before.headers["Last-Modified"]}):
        after = ask(client, **headers)
        assert after.status_code == 200
        assert after.headers["ETag"] != before.headers["ETag"]


def test_leaving_the_window_moves_both_validators(client: FlaskClient, session: Session, clock: FakeClock) -> None:
    make_event(session, starts_at=BEGINNING - timedelta(days=60))
    saved(session, clock.now)
    clock.advance(minutes=1)
    before = ask(client)
    clock.advance(days=1)
    for headers in ({"If_None_Match": before.headers["ETag"]}, {"If_Modified_Since": before.headers["Last-Modified"]}):
        after = ask(client, **headers)
        assert after.status_code == 200 and b"VEVENT" not in after.get_data()


def test_compressed_and_head_answers_fit_together(client: FlaskClient, session: Session) -> None:
    for _ in range(5):
        make_event(session)
    plain, zipped = ask(client), ask(client, Accept_Encoding="gzip")
    assert gzip.decompress(zipped.get_data()) == plain.get_data()
    assert zipped.headers["ETag"] != plain.headers["ETag"]
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"  # never by cookie: it is for everybody
    assert plain.headers["Cache-Control"] == "public, no-cache" and "X-Robots-Tag" not in plain.headers
    head = client.head("/calendar.ics")
    assert (head.status_code, head.get_data(), head.headers["ETag"]) == (200, b"", plain.headers["ETag"])
    assert ask(client, Range="bytes=0-9").get_data() == plain.get_data()


def test_no_last_modified_for_a_change_of_this_very_second() -> None:
    assert last_modified([BEGINNING], BEGINNING) is None
    assert last_modified([BEGINNING, None], BEGINNING + timedelta(seconds=1)) == BEGINNING
    assert last_modified([None], BEGINNING) is None


def test_a_feed_changes_by_the_clock_at_midnight_in_scotland_only() -> None:
    summer = datetime(2027, 6, 30, 22, 30, tzinfo=UTC)
    window = window_of(summer, whole=False)
    assert window.until == datetime(2027, 6, 30, 23, 0, tzinfo=UTC)
    assert window.today == datetime(2027, 6, 29, 23, 0, tzinfo=UTC)
    assert window_of(window.until - timedelta(seconds=1), whole=False) == window
    assert window_of(summer, whole=True).ends_after is None


# --- one's own calendar -----------------------------------------------------------------------------------------


@pytest.fixture
def my_calendar(session: Session) -> CalendarToken:
    mine = CalendarToken(email_key="me@example.org", token_hash=token_hash("calendar", TOKEN), created_at=BEGINNING)
    session.add(mine)
    session.commit()
    return mine


def test_my_calendar_holds_my_confirmed_places_and_nothing_private(
    client: FlaskClient, session: Session, my_calendar: CalendarToken
) -> None:
    mine = make_event(session, title="Mine", joining_link="https://meet.example.org/secret", summary="Words")
    make_registration(session, mine, email="me@example.org")
    make_registration(session, make_event(session, title="Waiting"), email="me@example.org", state="waiting")
    make_registration(session, make_event(session, title="Theirs"), email="they@example.org")
    answer = client.get(f"/calendars/{TOKEN}.ics")
    entries = Calendar.from_ical(answer.get_data()).walk("VEVENT")
    assert [str(entry["SUMMARY"]) for entry in entries] == ["Mine"]
    assert str(entries[0]["UID"]) == mine.uid
    text = answer.get_data(as_text=True)
    for private in ("secret", "Words", "example.org", "http", TOKEN):
        assert private not in text
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    etag = answer.headers["ETag"]
    again = client.get(f"/calendars/{TOKEN}.ics", headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "private, no-store")


def test_a_wrong_or_replaced_token_is_not_found(
    client: FlaskClient, session: Session, my_calendar: CalendarToken
) -> None:
    assert client.get(f"/calendars/{'b' * 43}.ics").status_code == 404
    assert client.get("/calendars/short.ics").status_code == 404
    my_calendar.revoked_at = BEGINNING
    session.commit()
    assert client.get(f"/calendars/{TOKEN}.ics").status_code == 404


# --- write-ups and the page -------------------------------------------------------------------------------------


def add_write_up(session: Session, event: Event, number: int, **values: object) -> None:
    session.add(
        WriteUp(
            event_id=event.id,
            uid=f"00000000-0000-4000-8000-{number:012d}",
            created_at=BEGINNING,
            updated_at=BEGINNING,
            **{"title": f"Write-up {number}", "url": "https://blog.example.org/1", "state": "published", **values},
        )
    )
    session.commit()


def test_the_page_shows_what_is_in_a_calendar_while_it_is_chosen(
    client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    for number in range(7):
        make_event(session, title=f"In Fife {number}", area="Fife", starts_at=BEGINNING + timedelta(days=1 + number))
    make_event(session, title="Elsewhere", area="Moray")
    html = client.get("/calendars?area=fife").get_data(as_text=True)
    assert "7 events to come, of which these are the next:" in html
    assert "In Fife 0" in html and "In Fife 4" in html and "In Fife 5" not in html and "Elsewhere" not in html
    assert 'href="http://localhost/calendar.ics?area=fife">Download it once' in html
    clock.advance(days=2)
    html = client.get("/calendars?area=fife").get_data(as_text=True)
    assert "In Fife 0" not in html and "In Fife 5" in html
    make_event(session, title="In Orkney", area="Orkney Islands", state="cancelled", state_changed_at=clock.now)
    clock.advance(minutes=1)
    assert ">Cancelled: In Orkney<" in client.get("/calendars?area=orkney-islands").get_data(as_text=True)
    assert "No events to come" in client.get("/calendars?area=moray&attending=online").get_data(as_text=True)


ATOM = "{http://www.w3.org/2005/Atom}"


def news(client: FlaskClient, query: str = "") -> ElementTree.Element:
    answer = client.get("/events.atom" + query)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.get_data())


def news_titles(client: FlaskClient, query: str = "") -> list[str]:
    return [title.text or "" for title in news(client, query).iterfind(f"{ATOM}entry/{ATOM}title")]


def test_new_events_are_told_to_feed_readers_the_last_added_first(client: FlaskClient, session: Session) -> None:
    make_event(session, title="First & <second>", area="Fife", created_at=BEGINNING - timedelta(days=2))
    event = make_event(session, title="Later", created_at=BEGINNING - timedelta(days=1), state="cancelled",
                       state_changed_at=BEGINNING)  # fmt: skip
    make_event(session, title="Draft", state="draft")
    make_event(session, title="Unlisted", is_listed=False)
    make_event(session, title="History", starts_at=BEGINNING - timedelta(days=900))
    assert news_titles(client) == ["Cancelled: Later", "First & <second>"]
    assert news_titles(client, "?area=fife") == ["First & <second>"]
    assert news_titles(client, "?area=nowhere") == news_titles(client, "?from=never") == []
    entry = news(client).find(f"{ATOM}entry")
    assert entry is not None and entry.findtext(f"{ATOM}id") == f"urn:uuid:{event.uid}"
    link = entry.find(f"{ATOM}link")
    assert link is not None and link.get("href") == f"http://localhost/events/{event.slug}"
    assert "31 March 2027, 11am to 1pm" in (entry.findtext(f"{ATOM}summary") or "")
    ids = [news(client, query).findtext(f"{ATOM}id") for query in ("", "?area=fife", "")]
    assert ids[0] == ids[2] != ids[1]


def test_the_feed_of_new_events_is_the_same_until_something_changes(
    client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    event = make_event(session)
    answer = client.get("/events.atom")
    clock.advance(minutes=1)
    assert client.get("/events.atom").get_data() == answer.get_data()
    known = {"If-None-Match": answer.headers["ETag"]}
    assert client.get("/events.atom", headers=known).status_code == 304
    saved(session, clock.now, event, title="Another title")
    assert client.get("/events.atom", headers=known).status_code == 200


def test_the_atom_feed_holds_published_write_ups_newest_first(client: FlaskClient, session: Session) -> None:
    event, unlisted = make_event(session, title="A & B"), make_event(session, is_listed=False)
    add_write_up(session, event, 1, published_on=date(2027, 1, 1), title="<Old> & first")
    add_write_up(session, event, 2, published_on=date(2027, 2, 1), url="https://blog.example.org/?a=1&b=2")
    add_write_up(session, event, 3, state="drafted")
    add_write_up(session, event, 4, url="javascript:alert(1)")
    add_write_up(session, unlisted, 5)
    answer = client.get("/write-ups.atom")
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.get_data())
    atom = "{http://www.w3.org/2005/Atom}"
    entries = feed.findall(f"{atom}entry")
    assert [entry.findtext(f"{atom}title") for entry in entries] == ["Write-up 2", "<Old> & first"]
    assert entries[1].findtext(f"{atom}id") == "urn:uuid:00000000-0000-4000-8000-000000000001"
    assert entries[1].findtext(f"{atom}published") == "2027-01-01T12:00:00Z"
    assert "A & B" in (entries[1].findtext(f"{atom}summary") or "")
    assert client.get("/write-ups.atom").get_data() == answer.get_data()
    assert client.get("/write-ups.atom", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_an_empty_atom_feed_is_valid(client: FlaskClient) -> None:
    feed = ElementTree.fromstring(client.get("/write-ups.atom").get_data())
    assert feed.findtext("{http://www.w3.org/2005/Atom}updated") == "2016-11-01T00:00:00Z"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/calendars", "localhost/calendar.ics"),
        ("/calendars?area=Fife&kind=workshop", "localhost/calendar.ics?kind=workshop&amp;area=fife"),
        ("/calendars?area=Nowhere", "localhost/calendar.ics"),
    ],
)
def test_the_calendars_page_makes_the_address(client: FlaskClient, session: Session, path: str, address: str) -> None:
    make_event(session, area="Fife")
    html = client.get(path).get_data(as_text=True)
    assert f'value="http://{address}"' in html and f'value="webcal://{address}"' in html
    assert "every 3 hours" in html and "Google does not say how often" in html


def test_a_large_feed_is_joined_and_not_made_anew(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_event(session)

    def never(*_: object, **__: object) -> Callable[..., object]:
        raise AssertionError("a public feed serialised an event")

    monkeypatch.setattr("workshops.feeds.views.public.vevent_bytes", never)
    assert summaries(client)

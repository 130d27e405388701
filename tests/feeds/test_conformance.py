"""The conformance tests of the iCalendar page that need a database or a server, by number; on both engines.

The others stand in tests/ical (what is written) and tests/readers (what programs make of it).
"""

from __future__ import annotations

import gzip
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import event as sql_event
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient, Running, _put_back
from tests.factories import BEGINNING, make_event, make_host, make_programme, make_registration, make_venue
from tests.journeys.conftest import Mail, mail, organiser, register, worker
from tests.journeys.letters import Letter
from tests.journeys.person import Person
from tests.races.instance import Instance
from workshops.config import Settings
from workshops.core.db import db, transaction
from workshops.core.tokens import token_hash
from workshops.evidence.backup import restore_backup, write_backup
from workshops.feeds.models import StaffCalendar
from workshops.feeds.rules import STAFF_PURPOSE
from workshops.registration.models import CalendarToken
from workshops.schedule.models import Event, Series
from workshops.schedule.service import fit_vevents
from workshops.web.responses import Keep

__all__ = ["mail", "organiser", "register", "worker"]  # fixtures of the journeys


def entries(client: FlaskClient, path: str = "/calendar.ics") -> dict[str, Any]:
    """The VEVENTs of a feed by UID."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    return {str(one["UID"]): one for one in Calendar.from_ical(answer.get_data()).walk("VEVENT")}


def the_event(session: Session, slug: str) -> Event:
    session.rollback()
    return session.scalars(select(Event).where(Event.slug == slug)).one()


# --- 6: the UID --------------------------------------------------------------------------------------------------


def test_conformance_06_the_uid_is_the_same_over_edit_restart_and_another_host_name(
    app: Flask, client: FormClient, session: Session, organiser: Person, change_settings: Callable[..., Settings],
) -> None:  # fmt: skip
    event = make_event(session, slug="kept")
    uid, other = event.uid, make_event(session).uid
    organiser.open("/staff/events/kept/edit").fill(title="Quite another", start_time="2pm", end_time="3pm")
    organiser.press("Save")
    assert str(entries(client)[uid]["SUMMARY"]) == "Quite another"
    app.extensions["workshops.keep"] = Keep()  # as after a restart
    settings = change_settings(base_url="https://moved.example.org", mail_from="moved@example.org")
    with transaction() as inside:
        assert fit_vevents(inside, settings=settings) == 2
    there = entries(client)
    assert there.keys() == {uid, other}
    assert str(there[uid]["URL"]).startswith("https://moved.example.org/")
    assert not any("example" in key or "localhost" in key for key in there), "no host name is in a UID"


def test_conformance_06_the_uid_is_the_same_after_restoring_a_backup(
    app: Flask, client: FormClient, session: Session, settings: Settings, tmp_path: Path, engine_name: str,
    running_apps: Callable[[str], Running],
) -> None:  # fmt: skip
    make_event(session, title="Online", joining_link="https://meet.example.org/x", mode="online")
    make_event(session, title="Gone", state="cancelled", state_changed_at=BEGINNING)
    session.rollback()
    before = client.get("/calendar.ics").get_data()
    write_backup(db.engine, tmp_path / "backup.zip", settings=settings)
    _put_back(running_apps(engine_name))
    app.extensions["workshops.keep"] = Keep()
    assert entries(client) == {}, "the control: it is gone"
    restore_backup(db.engine, tmp_path / "backup.zip", settings=settings)
    assert client.get("/calendar.ics").get_data() == before, "byte for byte"


# --- 11: validators ----------------------------------------------------------------------------------------------


@dataclass
class Shown:
    """A feed as somebody has it, with what they ask by."""

    client: FlaskClient
    path: str

    def __post_init__(self) -> None:
        answer = self.client.get(self.path)
        self.etag, self.changed = answer.headers["ETag"], answer.headers.get("Last-Modified")

    def asked(self) -> list[int]:
        """The status of asking by ETag, and by Last-Modified."""
        by = [{"If-None-Match": self.etag}, *([{"If-Modified-Since": self.changed}] if self.changed else [])]
        return [self.client.get(self.path, headers=headers).status_code for headers in by]


def edited(organiser: Person) -> None:
    organiser.open("/staff/events/shown/edit").fill(title="Another").press("Save")


def unpublished(organiser: Person) -> None:
    organiser.open("/staff/events/shown").press("Make it a draft again")


def venue_renamed(organiser: Person) -> None:
    organiser.open("/staff/venues/1/edit").fill(name="New Hall").press("Save")
    if "Check" in organiser.heading:
        organiser.press("Save")


def programme_renamed(organiser: Person) -> None:
    organiser.open("/staff/programmes/week/edit").fill(title="New Week").press("Save")


@pytest.mark.parametrize("change", [edited, unpublished, venue_renamed, programme_renamed])
def test_conformance_11_the_validators_move_with_every_change(
    client: FormClient, session: Session, organiser: Person, clock: FakeClock, change: Callable[[Person], None]
) -> None:
    programme = make_programme(session, "Old Week", slug="week", is_published=True)
    make_event(session, slug="shown", venue_id=make_venue(session, "Old Hall").id, programme_id=programme.id)
    make_event(session, slug="other", programme_id=programme.id)
    session.rollback()
    organiser.open("/staff/events/other/edit").fill(summary="Saved once.").press("Save")
    clock.advance(minutes=5)
    feeds = [Shown(client, path) for path in ("/calendar.ics", "/programmes/week.ics", "/calendar.ics?programme=week")]
    alone = Shown(client, "/events/other.ics")
    for feed in feeds:
        assert feed.changed and feed.asked() == [304, 304], "the control: nothing changed yet"
    clock.advance(minutes=5)
    change(organiser)
    clock.advance(minutes=5)
    for feed in feeds:
        assert feed.asked() == [200, 200], (feed.path, change.__name__)
    if change in (edited, unpublished, venue_renamed):
        assert set(alone.asked()) == {304}, "the file of another event stays as it is"


def test_conformance_11_the_matrix_of_conditions(
    client: FormClient, session: Session, organiser: Person, clock: FakeClock
) -> None:
    """RFC 9110 13.2.2: If-None-Match decides alone when it is there; a date that is none is not there."""
    make_event(session, slug="shown")
    edited(organiser)
    clock.advance(minutes=5)
    feed = Shown(client, "/calendar.ics")
    assert feed.changed
    day = timedelta(days=1)
    older, newer = (format_datetime(clock.now + by, usegmt=True) for by in (-day, day))
    tags = {feed.etag: 304, f"W/{feed.etag}": 304, f'"a", {feed.etag} , "b"': 304, "*": 304, '"a"': 200, "": 200,
            feed.etag.strip('"'): 200, '"a", W/"b"': 200}  # fmt: skip
    dates = {feed.changed: 304, newer: 304, older: 200, "yesterday": 200, "": 200, "0": 200,
             "Mon, 99 Feb 2027 10:00:00 GMT": 200, "9" * 4000: 200}  # fmt: skip
    for tag, status in tags.items():
        assert client.get("/calendar.ics", headers={"If-None-Match": tag}).status_code == status, tag
    for at, status in dates.items():
        assert client.get("/calendar.ics", headers={"If-Modified-Since": at}).status_code == status, at
    for tag, status in tags.items():
        for at in dates:
            both = {"If-None-Match": tag, "If-Modified-Since": at}
            assert client.get("/calendar.ics", headers=both).status_code == status, both
        assert client.head("/calendar.ics", headers={"If-None-Match": tag}).status_code == status, tag


def test_conformance_11_leaving_by_the_clock_moves_the_validators(
    client: FormClient, session: Session, organiser: Person, clock: FakeClock
) -> None:
    make_event(session, slug="shown")
    make_event(session, starts_at=BEGINNING - timedelta(days=60))
    edited(organiser)
    clock.advance(minutes=5)
    feed = Shown(client, "/calendar.ics")
    assert len(entries(client)) == 2 and feed.asked() == [304, 304]
    clock.advance(days=1)
    assert feed.asked() == [200, 200] and len(entries(client)) == 1


# --- 17 and 18: what is off, and what is not shown ---------------------------------------------------------------


def test_conformance_17_a_cancelled_event_says_so_for_30_days_and_then_goes(
    client: FormClient, session: Session, organiser: Person, clock: FakeClock
) -> None:
    uid = make_event(session, slug="off", title="Cèilidh", starts_at=BEGINNING + timedelta(days=90)).uid
    before = entries(client)[uid]
    organiser.open("/staff/events/off/cancel").fill(reason="The hall is flooded").press("Cancel the event")
    after = entries(client)[uid]
    assert (str(after["STATUS"]), str(after["SUMMARY"])) == ("CANCELLED", "Cancelled: Cèilidh")
    assert int(after["SEQUENCE"]) == int(before["SEQUENCE"]) + 1
    clock.advance(days=29, hours=23)
    assert uid in entries(client)
    clock.advance(days=1, hours=1)
    assert uid not in entries(client)


def test_conformance_18_what_is_not_public_is_in_no_public_feed(client: FormClient, session: Session) -> None:
    host, venue, week = make_host(session, "Seen Trust"), make_venue(session), make_programme(session, slug="week")
    series = Series(title="Seen series", created_at=BEGINNING)
    session.add(series)
    session.flush()
    about: dict[str, Any] = {"host_id": host.id, "venue_id": venue.id, "series_id": series.id, "area": "Fife",
                             "programme_id": week.id}  # fmt: skip
    seen = make_event(session, title="Seen", **about).uid
    make_event(session, slug="secret-draft", title="Secret draft", state="draft", **about)
    unlisted = make_event(session, slug="secret-unlisted", title="Secret unlisted", is_listed=False, **about).uid
    make_event(session, title="Secret month", starts_at=None, ends_at=None, month="2027-05", **about)
    host_slug, venue_id, series_id = host.slug, venue.id, series.id
    for path in ("/calendar.ics", "/calendar.ics?area=fife", "/calendar.ics?q=secret+seen",
                 "/calendar.ics?from=2016-01-01", f"/calendar.ics?host={host_slug}", f"/hosts/{host_slug}.ics",
                 f"/venues/{venue_id}.ics",
                 f"/series/{series_id}.ics", "/programmes/week.ics"):  # fmt: skip
        assert set(entries(client, path)) <= {seen}, path
        assert b"Secret" not in client.get(path).get_data(), path
    news = client.get("/events.atom").get_data()
    assert b"Secret draft" not in news and b"Secret unlisted" not in news
    assert client.get("/events/secret-draft.ics").status_code == 404
    assert set(entries(client, "/events/secret-unlisted.ics")) == {unlisted}, "by its own address, which is passed on"


# --- 19 and 20: invitations by mail ------------------------------------------------------------------------------


def check_letter(letter: Letter, method: str, address: str) -> None:
    """One mail with an invitation as Outlook and Gmail want it: text, HTML and calendar as forms of one thing."""
    mail = letter.mail
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html", "text/calendar"]
    part = letter.calendar_part
    assert part is not None and letter.method == method
    assert part.get_content_charset() == "utf-8" and part.get_filename() == "invite.ics"
    assert part["Content-Transfer-Encoding"] == "base64", "no server on the way breaks its lines"
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes) and raw.count(b"\n") == raw.count(b"\r\n") and raw.endswith(b"END:VCALENDAR\r\n")
    assert raw.count(b"\r\nATTENDEE") == 1 and str(letter.entry["ATTENDEE"]) == f"mailto:{address}"
    sender = mail["From"].addresses[0].addr_spec
    assert str(letter.entry["ORGANIZER"]) == f"mailto:{sender}" and len(mail["To"].addresses) == 1
    assert mail["Cc"] is None and mail["Bcc"] is None
    for essential in ("example", "March 2027"):  # the title, and the day in words
        assert essential in letter.text.lower() or essential in letter.text, essential


def test_conformance_19_and_20_the_mails_of_an_invitation(
    session: Session, organiser: Person, register: Callable[..., Person], mail: Mail, clock: FakeClock,
    someone: Callable[[], Person],
) -> None:  # fmt: skip
    make_event(session, slug="full", title="Example evening", capacity_in_person=1)
    register("full", "anna")
    register("full", "ben", if_full="wait")
    first = mail(to="anna@example.org")[-1]
    check_letter(first, "REQUEST", "anna@example.org")
    waiting = mail(to="ben@example.org")[-1]
    assert waiting.calendar_part is None, "who waits has nothing in the calendar"
    clock.advance(minutes=5)
    organiser.open("/staff/events/full/edit").fill(start_time="4pm", end_time="5pm").press("Save")
    organiser.fill(tell="now").press("Save")
    moved = mail(to="anna@example.org")[-1]
    check_letter(moved, "REQUEST", "anna@example.org")
    assert moved.entry["UID"] == first.entry["UID"]
    assert int(moved.entry["SEQUENCE"]) == int(first.entry["SEQUENCE"]) + 1
    assert mail(to="ben@example.org")[-1].calendar_part is None
    clock.advance(minutes=5)
    someone().open(f"{moved.place}/cancel").press("Cancel my place")
    left = mail(to="anna@example.org")[-1]
    check_letter(left, "CANCEL", "anna@example.org")
    assert "STATUS" not in left.entry, "the event takes place, without this person"
    assert int(left.entry["SEQUENCE"]) > int(moved.entry["SEQUENCE"])


# --- 23: many events ---------------------------------------------------------------------------------------------


def test_conformance_23_5000_events_are_one_small_file(client: FormClient, session: Session) -> None:
    """Under 3 MB, a tenth of it compressed, with a fixed number of SELECTs. How fast: benchmarks/README.md."""
    make_event(session, slug="first", title="A workshop about sharing decisions", venue_id=make_venue(session).id,
               summary="A morning about sharing decisions with the people who use a service.")  # fmt: skip
    session.rollback()
    table = Event.__table__
    row = dict(session.execute(select(table).where(table.c.slug == "first")).one()._mapping)
    rows = []
    for number in range(2, 5001):
        uid = f"10000000-0000-4000-8000-{number:012d}"
        vevent = row["vevent"].replace(row["uid"].encode(), uid.encode())
        rows.append({**row, "id": number + 10, "uid": uid, "slug": f"event-{number}", "vevent": vevent})
    session.execute(insert(table), rows)
    session.commit()
    one = count_selects(client, "/events/first.ics")
    assert count_selects(client, "/calendar.ics") <= one + 3
    body = client.get("/calendar.ics").get_data()
    assert body.count(b"BEGIN:VEVENT") == 5000 and len(body) < 3_000_000
    answer = client.get("/calendar.ics", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.get_data()) == body and len(answer.get_data()) < 300_000


def count_selects(client: FlaskClient, path: str) -> int:
    """How many statements a request sends to the database."""
    seen: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sql_event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code in (200, 404)
    finally:
        sql_event.remove(db.engine, "before_cursor_execute", note)
    return len([statement for statement in seen if statement.lstrip().upper().startswith("SELECT")])


# --- 24: HTTP ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The production server with a feed."""
    instance = Instance(tmp_path_factory.mktemp("served"))
    instance.command("db", "upgrade")
    instance.import_events([{"slug": f"served-{number}", "title": f"Served {number}"} for number in range(5)])
    with instance.served(workers=1) as server:
        yield server.port


def said(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def test_conformance_24_head_range_gzip_and_http_1_0(port: int) -> None:
    host, close = b"Host: localhost:%d\r\n" % port, b"Connection: close\r\n\r\n"
    head, body = said(port, b"GET /calendar.ics HTTP/1.1\r\n" + host + close)
    assert head.startswith(b"HTTP/1.1 200") and body.count(b"BEGIN:VEVENT") == 5
    etag = etag_of(head)
    only_head, nothing = said(port, b"HEAD /calendar.ics HTTP/1.1\r\n" + host + close)
    assert only_head.startswith(b"HTTP/1.1 200") and nothing == b"" and etag_of(only_head) == etag
    assert b"content-length: %d" % len(body) in only_head.lower()
    for asked in (b"bytes=0-9", b"bytes=-1", b"lines=1-2", b"bytes=999999999-"):
        ranged, whole = said(port, b"GET /calendar.ics HTTP/1.1\r\nRange: " + asked + b"\r\n" + host + close)
        assert ranged.startswith(b"HTTP/1.1 200") and whole == body, asked
    zipped, small = said(port, b"GET /calendar.ics HTTP/1.1\r\nAccept-Encoding: gzip\r\n" + host + close)
    assert gzip.decompress(small) == body and etag_of(zipped) != etag and b"vary: accept-encoding" in zipped.lower()
    kept = b"GET /calendar.ics HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: " + etag_of(zipped) + b"\r\n"
    assert said(port, kept + host + close)[0].startswith(b"HTTP/1.1 304")
    refused = b"GET /calendar.ics HTTP/1.1\r\nAccept-Encoding: gzip;q=0, identity\r\n"
    assert said(port, refused + host + close)[1] == body
    for old in (b"GET /calendar.ics HTTP/1.0\r\n\r\n", b"GET /calendar.ics HTTP/1.0\r\n" + host + b"\r\n"):
        head, whole = said(port, old)
        assert head.split(b"\r\n")[0].endswith(b" 200 OK") and whole == body, "who speaks HTTP/1.0 may leave out Host"
        assert b"chunked" not in head.lower()
    assert said(port, b"GET /calendar.ics HTTP/1.1\r\n" + close)[0].startswith(b"HTTP/1.1 400"), "HTTP/1.1 may not"
    strange = b"GET /calendar.ics HTTP/1.0\r\nHost: elsewhere.example.org\r\n\r\n"
    assert b" 400 " in said(port, strange)[0].split(b"\r\n")[0] + b" "


def test_conformance_24_absurd_headers_break_nothing(port: int) -> None:
    host, close = b"Host: localhost:%d\r\n" % port, b"Connection: close\r\n\r\n"
    for absurd in (b"If-None-Match: " + b'"x",' * 1500, b"If-Modified-Since: \xff\xfe",
                   b"Accept-Encoding: " + b",;q=," * 500, b"Accept-Encoding: gzip;q=banana",
                   b"Accept: \x80\x81", b"User-Agent: " + b"A" * 7000,
                   b"If-None-Match: " + b"W/" * 2000, b"X-Forwarded-For: ', --", b"If-Range: ?"):  # fmt: skip
        head, body = said(port, b"GET /calendar.ics HTTP/1.1\r\n" + absurd + b"\r\n" + host + close)
        assert int(head.split()[1]) in (200, 400, 431), absurd[:40]
        assert int(head.split()[1]) != 200 or len(body) > 100
    head, body = said(port, b"GET /calendar.ics HTTP/1.1\r\n" + host + close)
    assert head.startswith(b"HTTP/1.1 200"), "and it still answers"


def etag_of(head: bytes) -> bytes:
    (line,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"etag:")]
    return line.partition(b":")[2].strip()


# --- 25 and 26: one's own calendar, and the ways to subscribe ----------------------------------------------------

TOKEN = "c" * 43


@pytest.fixture(params=["places", "staff"])
def own(request: pytest.FixtureRequest, session: Session, staff: Callable[..., FormClient]) -> tuple[str, Any]:
    """The path of a calendar behind a token, without the token, and its row."""
    event = make_event(session, title="Mine")
    row: Any
    if request.param == "places":
        make_registration(session, event, email="me@example.org")
        row = CalendarToken(email_key="me@example.org", token_hash=token_hash("calendar", TOKEN), created_at=BEGINNING)
    else:
        whose = staff("organiser").account_id  # type: ignore[attr-defined]
        row = StaffCalendar(account_id=whose, whose="all", token_hash=token_hash(STAFF_PURPOSE, TOKEN),
                            created_at=BEGINNING)  # fmt: skip
    session.add(row)
    session.commit()
    return "/calendars/" + ("staff/" if request.param == "staff" else ""), row


def test_conformance_25_a_calendar_behind_a_token(client: FormClient, session: Session, own: tuple[str, Any]) -> None:
    folder, row = own
    answer = client.get(f"{folder}{TOKEN}.ics")
    assert answer.status_code == 200 and b"Mine" in answer.get_data()
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["X-Robots-Tag"] == "noindex"
    assert TOKEN not in answer.get_data(as_text=True) and "@example.org" not in answer.get_data(as_text=True)
    wrong = f"{folder}{'d' * 43}.ics"
    refused, looked = client.get(wrong), count_selects(client, wrong)
    row.revoked_at = BEGINNING
    session.commit()
    ended = client.get(f"{folder}{TOKEN}.ics")
    assert (refused.status_code, ended.status_code) == (404, 404)
    assert ended.get_data() == refused.get_data(), "an ended token is answered as one that never was"
    assert count_selects(client, f"{folder}{TOKEN}.ics") == looked, "and with the same work, so in the same time"


def test_conformance_25_a_new_address_ends_the_old_one(
    client: FormClient, session: Session, register: Callable[..., Person], mail: Mail, someone: Callable[[], Person]
) -> None:
    make_event(session, slug="mine", title="Mine")
    register("mine", "anna")
    place = mail(to="anna@example.org")[-1].place

    def made() -> str:
        page = someone().open(place).press("Make")
        return next(value for form in [page.answer.text] for value in calendar_addresses(form))

    first = made()
    assert client.get(first).status_code == 200
    second = made()
    assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)


def calendar_addresses(html: str) -> list[str]:
    return [found[len("http://localhost"):] for found in re.findall(r"http://localhost/calendars/[\w-]{43}\.ics", html)]


@pytest.mark.parametrize("query", ["", "?area=fife", "?area=fife&kind=workshop"])
def test_conformance_26_webcal_and_https_are_the_same_calendar(
    client: FormClient, session: Session, query: str
) -> None:
    make_event(session, area="Fife")
    html = client.get(f"/calendars{query}").get_data(as_text=True).replace("&amp;", "&")
    https, webcal = f"http://localhost/calendar.ics{shown_query(query)}", f"webcal://localhost/calendar.ics{shown_query(query)}"
    assert f'value="{https}"' in html and f'value="{webcal}"' in html and f'href="{webcal}"' in html
    assert len(entries(client, https[len("http://localhost"):])) == 1


def shown_query(query: str) -> str:
    return {"?area=fife&kind=workshop": "?kind=workshop&area=fife"}.get(query, query)

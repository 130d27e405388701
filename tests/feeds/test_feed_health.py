"""How feeds are fetched: counted in memory, written outside requests, numbers alone, honest about what is unknown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import BEGINNING, make_account, make_event, make_registration, sign_in
from workshops.cli.counting import write_counts
from workshops.core.db import transaction
from workshops.core.london_time import london_date
from workshops.core.tokens import token_hash
from workshops.feeds import fetches as counting
from workshops.feeds.clients import family_of
from workshops.feeds.fetches import OTHER_FEEDS, Fetches
from workshops.feeds.models import FeedFetches, StaffCalendar
from workshops.feeds.rules import STAFF_PURPOSE, Health, interval_words, seen_by
from workshops.feeds.service import foresee_calendars, forget_old_fetches, save_fetches
from workshops.registration.models import CalendarToken

GOOGLE = "Google-Calendar-Importer"


@pytest.fixture(autouse=True)
def nothing_counted_yet(request: pytest.FixtureRequest) -> None:
    """Other tests may have fetched feeds in this process."""
    if "app" in request.fixturenames:
        request.getfixturevalue("app").extensions["workshops.fetches"] = Fetches()


THUNDERBIRD = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0"


@pytest.mark.parametrize(
    ("said", "family"),
    [
        (GOOGLE, "google"),
        (THUNDERBIRD, "thunderbird"),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)", "outlook"),
        ("Microsoft.Exchange/15.20 (ExchangeServicesClient)", "outlook_web"),
        ("macOS/14.5 (23F79) dataaccessd/1.0", "apple"),
        ("iOS/17.5 (21F79) dataaccessd/1.0", "apple"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36", "other"),
        ("", "other"),
        ("x" * 100_000, "other"),
    ],
)
def test_programs_are_known_by_what_they_call_themselves(said: str, family: str) -> None:
    assert family_of(said) == family


# --- in memory --------------------------------------------------------------------------------------------------


def test_one_reader_is_counted_once_a_day_and_what_was_taken_is_not_taken_again() -> None:
    counts = Fetches()
    for minute, address in enumerate(("192.0.2.1", "192.0.2.2", "192.0.2.1")):
        counts.note("/calendar.ics", "apple", address, unchanged=minute == 2, now=BEGINNING + timedelta(minutes=minute))
    [one], used = counts.take()
    assert (one.fetches, one.unchanged, one.readers, used) == (3, 1, 2, [])
    assert (one.first_at, one.last_at) == (BEGINNING, BEGINNING + timedelta(minutes=2))
    assert counts.take() == ([], [])
    counts.note("/calendar.ics", "apple", "192.0.2.2", unchanged=True, now=BEGINNING + timedelta(hours=1))
    [again], _ = counts.take()
    assert (again.fetches, again.readers) == (1, 2)  # the readers of the whole day
    counts.note("/calendar.ics", "apple", "192.0.2.2", unchanged=True, now=BEGINNING + timedelta(days=1))
    [tomorrow], _ = counts.take()
    assert tomorrow.readers == 1


def test_what_could_not_be_written_is_handed_on_the_next_time() -> None:
    counts = Fetches()
    counts.note("/calendar.ics", "apple", "192.0.2.1", unchanged=False, now=BEGINNING)
    counts.note_use("staff", 1, now=BEGINNING)
    taken = counts.take()
    counts.note("/calendar.ics", "apple", "192.0.2.1", unchanged=False, now=BEGINNING + timedelta(minutes=5))
    counts.give_back(*taken)
    [one], used = counts.take()
    assert (one.fetches, one.first_at, one.last_at) == (2, BEGINNING, BEGINNING + timedelta(minutes=5))
    assert used == taken[1]


def test_made_up_feeds_and_readers_take_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_TALLIES", 20)
    monkeypatch.setattr(counting, "MOST_READERS", 50)
    counts = Fetches()
    for number in range(500):
        counts.note(f"/calendar.ics?area=a{number}", "other", f"192.0.2.{number}", unchanged=False, now=BEGINNING)
    counted, _ = counts.take()
    assert len(counted) == 21
    [others] = [one for one in counted if one.feed == OTHER_FEEDS]
    assert (others.fetches, others.readers) == (480, 50)


# --- over HTTP --------------------------------------------------------------------------------------------------


def rows(session: Session) -> list[tuple[str, str, int, int, int]]:
    session.rollback()
    table = FeedFetches.__table__.c
    chosen = select(table.feed, table.family, table.fetches, table.unchanged, table.readers)
    return [tuple(row) for row in session.execute(chosen.order_by(table.feed, table.family))]  # type: ignore[misc]


def test_a_fetch_is_counted_in_memory_and_written_outside_the_request(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    event = make_event(session, area="Fife")
    etag = client.get("/calendar.ics", headers={"User-Agent": GOOGLE}).headers["ETag"]
    client.get("/calendar.ics", headers={"User-Agent": GOOGLE, "If-None-Match": etag})
    client.get("/calendar.ics?area=fife&page=3", headers={"User-Agent": THUNDERBIRD})
    client.get("/calendar.ics?q=somebody@example.org", headers={"User-Agent": THUNDERBIRD})
    client.get(f"/events/{event.slug}.ics")
    client.get("/events/not-there.ics")
    client.get("/events.atom")
    assert rows(session) == []
    assert write_counts(app) == 4
    assert rows(session) == [
        ("/calendar.ics", "google", 2, 1, 1),
        ("/calendar.ics?area=fife", "thunderbird", 1, 0, 1),
        (f"/events/{event.slug}.ics", "other", 1, 0, 1),
        ("searches", "thunderbird", 1, 0, 1),
    ]
    assert write_counts(app) == 0


def test_the_counts_of_several_processes_add_up(session: Session) -> None:
    first, second = Fetches(), Fetches()
    for number, counts in enumerate((first, second, second)):
        counts.note("/calendar.ics", "apple", f"192.0.2.{number}", unchanged=number == 1,
                    now=BEGINNING + timedelta(hours=number))  # fmt: skip
    for counts in (second, first):
        counted, used = counts.take()
        with transaction() as writing:
            save_fetches(writing, counted=counted, used=used)
    assert rows(session) == [("/calendar.ics", "apple", 3, 1, 2)]
    row = session.scalars(select(FeedFetches)).one()
    assert (row.first_at, row.last_at) == (BEGINNING, BEGINNING + timedelta(hours=2))


def test_a_personal_calendar_says_when_it_was_last_used_and_is_counted_nowhere(
    app: Flask, client: FlaskClient, session: Session, clock: FakeClock
) -> None:
    token = "a" * 43
    person = make_registration(session, make_event(session))
    account = make_account(session, role="facilitator")
    session.add_all([
        CalendarToken(email_key=person.email_key, token_hash=token_hash("calendar", token), created_at=clock.now),
        StaffCalendar(account_id=account.id, whose="mine", token_hash=token_hash(STAFF_PURPOSE, token),
                      created_at=clock.now),
    ])  # fmt: skip
    session.commit()
    for path in (f"/calendars/{token}.ics", f"/calendars/staff/{token}.ics"):
        assert client.get(path).status_code == 200
    assert write_counts(app) == 2
    session.rollback()
    assert rows(session) == []
    assert session.scalar(select(CalendarToken.last_used_on)) == london_date(clock.now)
    assert session.scalar(select(StaffCalendar.last_used_on)) == london_date(clock.now)


def test_counts_are_removed_after_90_days(session: Session, clock: FakeClock, app: Flask) -> None:
    counts = Fetches()
    counts.note("/calendar.ics", "apple", "192.0.2.1", unchanged=False, now=clock.now)
    counted, _ = counts.take()
    settings = app.extensions["workshops.settings"]
    with transaction() as writing:
        save_fetches(writing, counted=counted, used=[])
        assert forget_old_fetches(writing, now=clock.now + timedelta(days=90), settings=settings) == 0
        assert forget_old_fetches(writing, now=clock.now + timedelta(days=91), settings=settings) == 1


# --- what is said of it -----------------------------------------------------------------------------------------


def health(**values: object) -> Health:
    given: dict[str, object] = {
        "feed": "/calendar.ics", "family": "google", "first_at": BEGINNING, "last_at": BEGINNING + timedelta(days=2),
        "fetches": 25, "readers": None, **values,
    }  # fmt: skip
    return Health(**given)  # type: ignore[arg-type]


def test_the_interval_is_that_of_one_reader_and_unknown_while_few_were_seen() -> None:
    assert health().interval == timedelta(hours=2)
    assert health(readers=5, fetches=53).interval == timedelta(hours=5)
    assert health(last_at=BEGINNING + timedelta(hours=23)).interval is None  # a burst is no habit
    assert health(fetches=5).interval is None and health(readers=5, fetches=9).interval is None
    assert interval_words(None) == "Too few seen to say"
    for hours, words in ((0.5, "About every 30 minutes"), (1, "About every hour"), (3.2, "About every 3 hours"),
                         (48, "About every 2 days")):  # fmt: skip
        assert interval_words(timedelta(hours=hours)) == words


def test_a_change_is_seen_when_the_slowest_of_a_family_has_looked_again() -> None:
    found = [health(), health(feed="/events/a.ics", fetches=9), health(family="apple", fetches=2, readers=1)]
    assert seen_by(found, BEGINNING) == {"google": BEGINNING + timedelta(hours=6), "apple": None}


def test_a_change_says_until_when_subscribers_will_probably_see_it(
    app: Flask, session: Session, clock: FakeClock
) -> None:
    event = make_event(session)
    counts = Fetches()
    for hour in range(7):
        counts.note("/calendar.ics", "google", "192.0.2.1", unchanged=True, now=clock.now + timedelta(hours=4 * hour))
    counts.note("/calendar.ics", "apple", "192.0.2.1", unchanged=True, now=clock.now)
    counted, _ = counts.take()
    with transaction() as writing:
        save_fetches(writing, counted=counted, used=[])
    foreseen = foresee_calendars(event, session=session, now=clock.now + timedelta(days=1))
    [(heading, sentences)] = foreseen.sections
    assert heading == "Subscribed calendars"
    assert sentences[0].startswith("How soon people who subscribe with Apple Calendar see it is not known")
    assert sentences[1].startswith("People who subscribe with Google Calendar will probably see this by ")
    event.is_listed = False
    assert foresee_calendars(event, session=session, now=clock.now).sections == ()


def test_the_page_shows_numbers_in_words_and_names_the_feeds(
    app: Flask, client: FormClient, session: Session, clock: FakeClock
) -> None:
    sign_in(session, client, make_account(session, role="organiser"))
    assert "No calendar was fetched" in client.get("/staff/feeds").get_data(as_text=True)
    event = make_event(session, title="Example & more")
    for path in ("/calendar.ics", "/calendar.ics?area=fife", f"/events/{event.slug}.ics", "/calendar.ics?q=secret"):
        client.get(path, headers={"User-Agent": GOOGLE})
    client.get("/calendar.ics", headers={"User-Agent": THUNDERBIRD})
    write_counts(app)
    html = client.get("/staff/feeds").get_data(as_text=True)
    for words in ("All events", "Area: fife", "Event: Example &amp; more", "Searches and dates, together",
                  "Google Calendar", "Thunderbird", "Cannot be counted", "Too few seen to say"):  # fmt: skip
        assert words in html, words
    assert "secret" not in html and "127.0.0.1" not in html

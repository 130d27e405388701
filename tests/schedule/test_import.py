"""Import of spreadsheets and calendars: all or nothing, recognised again, nobody mailed, there and back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event, make_registration
from workshops.audit.rules import COMMAND
from workshops.config import PROJECT, Settings
from workshops.core.db import transaction
from workshops.core.versions import public_version
from workshops.ical.serialise import calendar_bytes
from workshops.messages.models import OutboxMessage
from workshops.schedule import service
from workshops.schedule.exporting import event_row
from workshops.schedule.models import Event, Host, Venue
from workshops.schedule.rules.spreadsheet import COLUMNS, OPTIONAL_COLUMNS, quote_cell
from workshops.schedule.service import ImportReport

ROW = dict.fromkeys(COLUMNS, "") | {
    "title": "Open day",
    "kind": "workshop",
    "host": "Example Network",
    "starts": "2027-05-04T10:00",
    "ends": "2027-05-04T12:00",
    "mode": "in person",
    "booking": "first come",
}


def sheet(*rows: dict[str, str]) -> bytes:
    columns = [*COLUMNS, *(name for name in OPTIONAL_COLUMNS if any(name in row for row in rows))]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows({name: quote_cell(cell) for name, cell in row.items()} for row in rows)
    return out.getvalue().encode()


class Importer:
    """Imports at the time of the test, as the command does."""

    def __init__(self, settings: Settings, clock: FakeClock) -> None:
        self.settings, self.clock = settings, clock

    def __call__(
        self, data: bytes, *, filename: str = "events.csv", publish: bool = False, dry_run: bool = False
    ) -> ImportReport:
        with transaction() as session:
            return service.import_rows(
                session, text_or_bytes=data, filename=filename, publish=publish, dry_run=dry_run, now=self.clock.now,
                actor=COMMAND, settings=self.settings,
            )  # fmt: skip


@pytest.fixture
def load(settings: Settings, clock: FakeClock) -> Importer:
    return Importer(settings, clock)


def outcomes(report: ImportReport) -> dict[str, int]:
    assert report.problems == ()
    return {name: report.count(name) for name in ("new", "changed", "unchanged") if report.count(name)}


def events(session: Session) -> list[Event]:
    session.rollback()
    return list(session.scalars(select(Event).order_by(Event.id).execution_options(populate_existing=True)))


def snapshot(session: Session) -> tuple[object, ...]:
    session.rollback()
    counts = [session.scalar(select(func.count()).select_from(model)) for model in (Event, Host, Venue)]
    return (*counts, public_version(session))


def all_rows(session: Session) -> list[dict[str, str]]:
    return [event_row(session, event) for event in events(session)]


# --- the real events ------------------------------------------------------------------------------------------


def real_events() -> bytes:
    return (PROJECT / "workshops" / "cli" / "demonstration" / "coproduction-events.csv").read_bytes()


def test_the_real_events_all_fit_and_are_recognised_again(session: Session, load: Importer) -> None:
    assert outcomes(load(real_events(), dry_run=True)) == {"new": 22}
    assert events(session) == []
    assert outcomes(load(real_events())) == {"new": 22}
    before = snapshot(session)
    assert outcomes(load(real_events())) == {"unchanged": 22}
    assert snapshot(session) == before
    found = {event.slug: event for event in events(session)}
    assert {event.state for event in found.values()} == {"published"}
    round_table = found["co-production-round-table"]
    assert (round_table.month, round_table.vevent) == ("2016-11", None)
    week = found["co-production-week-scotland-2016"]
    assert str(week.ends_on) == "2016-11-20"
    assert found["fire-starter-festival-2018"].reported_registered == 2000
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


def test_export_and_import_again_changes_nothing(session: Session, load: Importer) -> None:
    load(real_events())
    rows = [ROW_KEPT | row for row in all_rows(session)]
    assert outcomes(load(sheet(*rows))) == {"unchanged": 22}


#: Write-ups are not the schedule's: the columns are there, and "none" changes nothing.
ROW_KEPT = {"write_up_status": "", "write_up_title": "", "write_up_url": ""}


def test_an_export_brought_into_an_empty_house_is_the_same_content(
    session: Session, load: Importer, clock: FakeClock
) -> None:
    load(sheet(ROW | {"topics": "b;a", "capacity_in_person": "0", "venue": "Hall", "summary": "=1+1"}), publish=True)
    [event] = events(session)
    [row] = all_rows(session)
    with transaction() as writing:
        writing.delete(writing.get(Event, event.id))
    load(sheet(ROW_KEPT | row), publish=True)
    [again] = all_rows(session)
    assert {name: cell for name, cell in again.items() if name != "uid"} == {
        name: cell for name, cell in row.items() if name != "uid"}  # fmt: skip
    [brought] = events(session)
    assert brought.foreign_uid == row["uid"] != brought.uid
    # recognised by the foreign UID, although its title is another one by now
    with transaction() as writing:
        writing.get_one(Event, brought.id).title = "Changed here"
    assert outcomes(load(sheet(ROW_KEPT | row))) == {"changed": 1}
    assert [event.title for event in events(session)] == ["Open day"]


# --- states ---------------------------------------------------------------------------------------------------


def test_past_events_are_published_and_upcoming_ones_stay_drafts_unless_asked(
    session: Session, load: Importer
) -> None:
    past = ROW | {"title": "Past", "starts": "2017-05-04", "ends": "2017-05-04"}
    load(sheet(ROW, past))
    assert [event.state for event in events(session)] == ["draft", "published"]
    assert outcomes(load(sheet(ROW, past))) == {"unchanged": 2}
    assert load(sheet(ROW, past), publish=True).rows[0].fields == ("state",)
    assert [event.state for event in events(session)] == ["published", "published"]


def test_a_row_does_not_make_a_public_event_a_draft_again(session: Session, load: Importer) -> None:
    load(sheet(ROW), publish=True)
    assert "draft again" in load(sheet(ROW | {"state": "draft"})).problems[0]
    assert events(session)[0].state == "published"


# --- recognition ----------------------------------------------------------------------------------------------


def test_title_starts_and_host_recognise_an_event_and_changes_are_named(session: Session, load: Importer) -> None:
    load(sheet(ROW))
    changed = ROW | {"title": "OPEN DAY", "venue": "Hall", "capacity_in_person": "12", "topics": "power"}
    report = load(sheet(changed))
    assert outcomes(report) == {"changed": 1}
    assert report.rows[0].fields == ("title", "venue", "capacity_in_person", "topics")
    [event] = events(session)
    assert (event.title, event.capacity_in_person, event.slug) == ("OPEN DAY", 12, "open-day")


def test_another_start_or_host_is_another_event(session: Session, load: Importer) -> None:
    load(sheet(ROW))
    load(sheet(ROW | {"starts": "2027-05-05T10:00", "ends": "2027-05-05T12:00"}, ROW | {"host": "Other"}))
    assert [event.slug for event in events(session)] == ["open-day", "open-day-2027", "open-day-2027-05-04"]


def test_the_uid_recognises_an_event_at_another_time(session: Session, load: Importer) -> None:
    load(sheet(ROW))
    uid = events(session)[0].uid
    report = load(sheet(ROW | {"uid": uid, "starts": "2027-06-01T10:00", "ends": "2027-06-01T12:00"}))
    assert report.rows[0].fields == ("starts", "ends")
    [event] = events(session)
    assert (event.uid, event.sequence, event.foreign_uid) == (uid, 1, None)


def test_two_events_at_the_same_time_under_one_title_stay_two(session: Session, load: Importer) -> None:
    twins = [ROW | {"uid": "one@example.org"}, ROW | {"uid": "two@example.org"}]
    assert outcomes(load(sheet(*twins))) == {"new": 2}
    assert outcomes(load(sheet(*twins))) == {"unchanged": 2}


def test_the_same_event_twice_in_a_file_is_a_problem(session: Session, load: Importer) -> None:
    report = load(sheet(ROW, ROW))
    assert report.problems == ("Row 3, “Open day”: It is the same event as row 2.",)
    assert events(session) == []


def test_a_slug_is_taken_over_when_it_is_free_and_never_changed(session: Session, load: Importer) -> None:
    load(sheet(ROW | {"slug": "my-own"}))
    load(sheet(ROW | {"slug": "another"}))
    assert [event.slug for event in events(session)] == ["my-own"]


# --- what does not fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"kind": "séance"}, "Use one of: awareness session"),
        ({"starts": "2027-02-30"}, "no date or time that exists"),
        ({"ends": "2027-05-04T09:00"}, "must end after it starts"),
        ({"starts": "2027-05", "ends": "2027-05"}, "Only a month that is over"),
        ({"capacity_in_person": "-1"}, "cannot be less than 0"),
        ({"capacity_online": "5"}, "in person only"),
        ({"source_url": "javascript:alert(1)"}, "http:// or https://"),
        ({"booking": "elsewhere"}, "where people register"),
        ({"title": "x" * 201}, "200 characters"),
        ({"closes": "2027-05-09"}, "before the event ends"),
    ],
)
def test_one_row_that_does_not_fit_keeps_all_of_them_out(
    session: Session, load: Importer, cells: dict[str, str], says: str
) -> None:
    before = snapshot(session)
    report = load(sheet(ROW | {"title": "Fits", "host": "New host", "venue": "New venue"}, ROW | cells))
    assert report.count("new") == 1 and report.count("problem") == 1
    assert says in report.problems[0]
    assert report.problems[0].startswith("Row 3, “")
    assert not report.saved
    assert snapshot(session) == before


def test_a_file_with_a_wrong_column_says_so_and_has_no_rows(session: Session, load: Importer) -> None:
    report = load(b"title,colour\nx,red\n")
    assert report.rows == ()
    assert "colour" in report.problems[0] and "kind" in report.problems[0]


def test_ten_megabytes_of_text_are_refused_with_a_sentence(load: Importer) -> None:
    assert load(b"x" * 10_000_000).problems == ("The file is larger than 5 MB.",)


def test_a_dry_run_leaves_nothing(session: Session, load: Importer) -> None:
    load(sheet(ROW))
    before, rows = snapshot(session), all_rows(session)
    changed, new = ROW | {"venue": "Hall", "summary": "Other"}, ROW | {"title": "New", "host": "New"}
    report = load(sheet(changed, new), dry_run=True)
    assert outcomes(report) == {"new": 1, "changed": 1}
    assert not report.saved
    assert (snapshot(session), all_rows(session)) == (before, rows)


def test_text_that_nobody_can_type_is_cleaned(session: Session, load: Importer) -> None:
    load(sheet(ROW | {"title": "Open\r\nday\x01\u202e", "host": "Net\u2066work"}))
    [event] = events(session)
    assert event.title == "Open day"
    assert event.host is not None and event.host.name == "Network"


# --- people who would have to be told -------------------------------------------------------------------------


def test_an_import_does_not_move_people_who_would_not_be_told(session: Session, load: Importer) -> None:
    event = make_event(session, title="Full of people")
    make_registration(session, event)
    row = ROW_KEPT | event_row(session, event)
    session.rollback()
    assert outcomes(load(sheet(row | {"summary": "Other words"}))) == {"changed": 1}
    for cells in ({"venue": "Other hall"}, {"state": "cancelled"}, {"starts": "2027-03-31T12:00", "ends": ""}):
        report = load(sheet(row | cells))
        assert "1 person is registered and an import emails nobody" in report.problems[0]
    assert events(session)[0].state == "published"


# --- calendars ------------------------------------------------------------------------------------------------


def calendar(session: Session) -> bytes:
    return calendar_bytes(name="x", description="", url=None, source=None,
                          vevents=[event.vevent for event in events(session) if event.vevent])  # fmt: skip


def test_our_own_calendar_read_again_changes_nothing(session: Session, load: Importer) -> None:
    load(real_events())
    make_event(session, description="# Heading\n\n**Bold** words", mode="hybrid", area="Fife")
    make_event(session, state="cancelled", state_reason="Snow")
    assert outcomes(load(calendar(session), filename="all.ics")) == {"unchanged": 20}


def test_a_foreign_calendar_is_imported_once(session: Session, load: Importer) -> None:
    data = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:abc@example.org\r\n"
        b"DTSTART:20270504T090000Z\r\nDTEND:20270504T110000Z\r\nSUMMARY:Open day\r\nLOCATION:Town Hall\\, Perth\r\n"
        b"CATEGORIES:Workshop,power\r\nDESCRIPTION:Come along.\r\nURL:https://example.org/day\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert outcomes(load(data, filename="a.ics")) == {"new": 1}
    assert outcomes(load(data, filename="a.ics")) == {"unchanged": 1}
    [event] = events(session)
    assert (event.foreign_uid, event.kind.name, event.summary, event.state) == (
        "abc@example.org", "workshop", "Come along.", "draft")  # fmt: skip
    assert event.uid != "abc@example.org"
    assert event.venue is not None and event.venue.name == "Town Hall, Perth"
    assert event.starts_at == datetime(2027, 5, 4, 9, tzinfo=UTC)
    assert event.over_at - event.sort_at == timedelta(hours=2)


def test_a_calendar_that_cannot_be_read_says_why(load: Importer) -> None:
    assert load(b"BEGIN:VCALENDAR\r\n", filename="a.ics").problems[0].startswith("The file breaks off")
    assert "repeats" in load(
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nDTSTART:20270504\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n",
        filename="a.ics").problems[0]  # fmt: skip


def test_an_import_by_staff_is_looked_after_by_them(session: Session, settings: Settings, clock: FakeClock) -> None:
    from tests.factories import make_account
    from workshops.audit.rules import staff

    account_id = make_account(session).id
    with transaction() as writing:
        service.import_rows(writing, text_or_bytes=sheet(ROW), filename="a.csv", publish=False, dry_run=False,
                            now=clock.now, actor=staff(account_id), settings=settings)  # fmt: skip
    owners: list[Any] = [event.owner_id for event in events(session)]
    assert owners == [account_id]


@pytest.mark.parametrize("start", ["99991231", "18991231", "21010101"])
def test_a_calendar_with_a_year_nobody_means_says_so(session: Session, load: Importer, start: str) -> None:
    data = b"\r\n".join([
        b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//Example//EN", b"BEGIN:VEVENT", b"UID:u1@example.org",
        b"DTSTAMP:20270101T000000Z", b"DTSTART;VALUE=DATE:" + start.encode(), b"SUMMARY:Far away", b"END:VEVENT",
        b"END:VCALENDAR", b"",
    ])  # fmt: skip
    report = load(data, filename="a.ics")
    assert report.problems == ("Row 1, “Far away”: The year must be between 1900 and 2100.",)

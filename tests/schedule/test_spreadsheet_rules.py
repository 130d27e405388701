"""The events spreadsheet: what its cells mean, and that a row read back is the same row."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workshops.schedule.importing import NumberedRow, UnreadableSheet, is_calendar
from workshops.schedule.importing import read_sheet as read_file
from workshops.schedule.rules.audience import ADMITS, AUDIENCES
from workshops.schedule.rules.events import BOOKINGS, FACTS, MODES, EventDetails, Place, changed_fields, cleaned
from workshops.schedule.rules.headers import Matching, header_misfit
from workshops.schedule.rules.questions import Question
from workshops.schedule.rules.spreadsheet import (
    COLUMNS,
    OPTIONAL_COLUMNS,
    ROWS_MAX,
    SheetRow,
    merged,
    quote_cell,
    read_row,
    row_of,
    unquote_cell,
)
from workshops.schedule.rules.when import When

ROW = dict.fromkeys(COLUMNS, "") | {
    "title": "Open day", "kind": "workshop", "starts": "2027-05-04", "mode": "in person", "booking": "first come",
}  # fmt: skip


def header_problem(names: list[str]) -> str | None:
    misfit = header_misfit(names)
    return misfit.sentence if misfit else None


def read_sheet(data: bytes) -> tuple[NumberedRow, ...]:
    file = read_file(data)
    if file.misfit is not None:
        raise UnreadableSheet(file.misfit.sentence)
    return file.rows


def read(**cells: str) -> SheetRow:
    row = read_row(ROW | cells)
    assert isinstance(row, SheetRow), row
    return row


def problems(**cells: str) -> str:
    row = read_row(ROW | cells)
    assert isinstance(row, list), row
    return "; ".join(row)


def sheet(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


# --- when ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "ends", "when"),
    [
        ("2027-05-04", "2027-05-06", When(starts_on=date(2027, 5, 4), ends_on=date(2027, 5, 6))),
        ("2027-05-04", "", When(starts_on=date(2027, 5, 4))),
        ("2016-11", "2016-11", When(month="2016-11")),
        ("2016-11", "", When(month="2016-11")),
        ("2027-07-01T10:00", "2027-07-01T12:30",
         When(starts_at=datetime(2027, 7, 1, 9, tzinfo=UTC), ends_at=datetime(2027, 7, 1, 11, 30, tzinfo=UTC))),
        ("2027-01-05 9:30", "", When(starts_at=datetime(2027, 1, 5, 9, 30, tzinfo=UTC))),
        ("04/05/2027", "", When(starts_on=date(2027, 5, 4))),
        ("04/05/2027 10:00", "04/05/2027 12:00",
         When(starts_at=datetime(2027, 5, 4, 9, tzinfo=UTC), ends_at=datetime(2027, 5, 4, 11, tzinfo=UTC))),
        ("2027-10-31T01:30+00:00", "", When(starts_at=datetime(2027, 10, 31, 1, 30, tzinfo=UTC))),
    ],
)  # fmt: skip
def test_starts_and_ends_are_read_as_they_are_meant(starts: str, ends: str, when: When) -> None:
    assert read(starts=starts, ends=ends).when == when


@pytest.mark.parametrize(
    ("starts", "ends", "says"),
    [
        ("", "", "no date"),
        ("soon", "", "“soon”"),
        ("2027-02-30", "", "no date or time that exists"),
        ("2027-05-04T25:00", "", "no date or time that exists"),
        ("2027-05-04", "2027-05-03", "before the first day"),
        ("2027-05-04T10:00", "2027-05-04T09:00", "end after it starts"),
        ("2027-05-04T10:00", "2027-05-04", "written alike"),
        ("2016-11", "2016-12", "same month"),
        ("2016-11", "2016-11-30", "same month"),
        ("2027-03-28T01:30", "", "clocks go forward"),
        ("2027-05-04T10:00+99:00", "", "offset"),
        ("0000-00-00", "", "no date or time that exists"),
    ],
)
def test_times_that_cannot_be_are_said_in_a_sentence(starts: str, ends: str, says: str) -> None:
    assert says in problems(starts=starts, ends=ends)


# --- other cells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "key"), [("In person", "in_person"), ("in-person", "in_person"),
                                            ("ONLINE", "online")])
def test_modes_are_read_in_any_case(cell: str, key: str) -> None:
    assert read(mode=cell).values["mode"] == key


@pytest.mark.parametrize(("cell", "key"), [("waiting list", "first_come"), ("First come", "first_come"),
                                            ("by approval", "by_approval"), ("none", "none"), ("closed", "closed")])
def test_bookings_are_read_and_waiting_list_is_first_come(cell: str, key: str) -> None:
    assert read(booking=cell).values["booking"] == key


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"title": " "}, "no title"),
        ({"kind": ""}, "no kind"),
        ({"mode": "maybe"}, "in person, online, hybrid"),
        ({"mode": ""}, "is empty"),
        ({"booking": "perhaps"}, "by approval"),
        ({"capacity_in_person": "-1"}, "less than 0"),
        ({"capacity_online": "many"}, "whole number"),
        ({"registered": "1.5"}, "whole number"),
        ({"slug": "Not A Slug"}, "address"),
        ({"state": "finished"}, "draft, published"),
        ({"opens": "2027-05"}, "date"),
        ({"summary": "x" * 20_001}, "20,000"),
    ],
)
def test_cells_that_do_not_fit_are_said_in_a_sentence(cells: dict[str, str], says: str) -> None:
    assert says in problems(**cells)


def test_all_that_is_wrong_with_a_row_is_said_at_once() -> None:
    assert len(problems(title="", mode="x", capacity_online="-1", starts="x").split("; ")) == 4


def test_topics_split_at_semicolons_and_an_empty_capacity_is_no_limit() -> None:
    row = read(topics="power; stories;;", capacity_in_person="")
    assert (row.values["topics"], row.values["capacity_in_person"]) == (("power", "stories"), None)


def test_a_closing_date_is_inclusive() -> None:
    row = read(opens="2027-04-01", closes="2027-04-30")
    assert row.values["opens_at"] == datetime(2027, 3, 31, 23, tzinfo=UTC)
    assert row.values["closes_at"] == datetime(2027, 4, 30, 23, tzinfo=UTC)


def test_a_column_that_is_missing_leaves_what_is_there() -> None:
    there = EventDetails(title="Open day", kind="workshop", when=When(starts_on=date(2027, 5, 4)), description="Kept",
                         joining_link="https://example.org/x", opens_at=datetime(2027, 4, 1, tzinfo=UTC))  # fmt: skip
    after = merged(read(), there)
    assert (after.description, after.joining_link, after.opens_at) == ("Kept", there.joining_link, there.opens_at)
    assert merged(read(description=""), there).description == ""


# --- formulas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["=1+1", "+44", "-5", "@here", "\tx", "\rx", "'=1", "''@"])
def test_text_that_would_run_gets_one_apostrophe_which_is_taken_away_again(cell: str) -> None:
    assert quote_cell(cell) == "'" + cell
    assert unquote_cell(quote_cell(cell)) == cell


@given(st.text(alphabet="'=+-@\t\rab", max_size=8))
def test_quoting_can_always_be_undone(cell: str) -> None:
    assert unquote_cell(quote_cell(cell)) == cell


def test_other_apostrophes_stay() -> None:
    assert unquote_cell("'tis") == "'tis"
    assert unquote_cell("''tis") == "''tis"


# --- files --------------------------------------------------------------------------------------------------


def test_missing_and_unknown_columns_are_named_in_one_sentence() -> None:
    names = [name for name in COLUMNS if name != "mode"] + ["colour"]
    assert header_problem(names) == "This column is missing: mode; this column is not known: colour."
    assert header_problem([*COLUMNS, *OPTIONAL_COLUMNS]) is None
    assert "there twice: title" in (header_problem([*COLUMNS, "title"]) or "")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xff\xfet\x00i", "UTF-16"),
        (b"t\x00i\x00", "bytes that are no text"),
        (b"\x00" * 4_000_000, "nothing but zeros"),
        (b"title,\x81\n", "form of text that is not known"),
        (b"PK\x03\x04....", "workbook is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1", "older Excel workbook"),
        (b"<html><table><tr><td>title", "web page"),
        (b"%PDF-1.7", "PDF"),
        (b"title;programme;kind\n", "missing: starts, mode, booking"),
        (b"hello\nworld\n", "must hold the names of the columns"),
        (sheet(), "no row"),
        (sheet(ROW).rstrip() + b'\n"open', "quotation mark"),
        (b"x" * 5_000_001, "larger than 5 MB"),
        (sheet(*[ROW] * (ROWS_MAX + 1)), "more than 5,000 rows"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableSheet, match=says):
        read_sheet(data)


def test_rows_are_counted_as_a_spreadsheet_program_does() -> None:
    two_lines = ROW | {"summary": "one\ntwo"}
    rows = read_sheet(b"\xef\xbb\xbf" + sheet(two_lines, {}, ROW))
    assert [row.number for row in rows] == [2, 4]
    assert rows[0].cells["summary"] == "one\ntwo"


def test_a_row_with_too_many_cells_is_a_problem_and_not_a_guess() -> None:
    data = sheet(ROW).rstrip() + b",one,two\n"
    assert "more cells than there are columns" in read_sheet(data)[0].problem


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ("title;kind;starts;mode;booking\nCèilidh;workshop;2027-05-04;online;none\n".encode(), ""),
        ("title\tkind\tstarts\tmode\tbooking\r\nCèilidh\tworkshop\t4/5/2027\tonline\tnone\r\n".encode("utf-16"), ""),
        ("title,kind,starts,mode,booking\nCèilidh,workshop,2027-05-04,online,none\n".encode("cp1252"), "Windows-1252"),
        ("Our list\n\nTitle,Kind,Starts,Mode,Booking\nCèilidh,workshop,2027-05-04,online,none\n".encode(), "in row 3"),
    ],
)  # fmt: skip
def test_files_are_read_as_spreadsheet_programs_save_them(data: bytes, note: str) -> None:
    file = read_file(data)
    assert file.misfit is None and [row.cells["title"] for row in file.rows] == ["Cèilidh"]
    assert note in " ".join(file.notes) if note else file.notes == ()


def test_a_strange_name_gets_the_known_one_it_was_meant_for() -> None:
    misfit = header_misfit(["event_name", "tittle", "category", "starts", "mode", "booking", "colour"])
    assert misfit is not None
    assert misfit.unknown == {"event_name": "title", "tittle": "", "category": "kind", "colour": ""}
    assert misfit.sentence.endswith("Did you mean title for event name, kind for category?")
    fits = Matching({"event_name": "title", "tittle": "", "category": "kind", "colour": ""})
    assert header_misfit(["event_name", "tittle", "category", "starts", "mode", "booking", "colour"], fits) is None
    for_all = Matching(for_all={"kind": "workshop", "mode": "online", "booking": "none"})
    assert header_misfit(["title", "starts"], for_all) is None


def test_a_date_and_times_in_columns_of_their_own() -> None:
    parts = {name: cell for name, cell in ROW.items() if name not in ("starts", "ends")}
    row = read_row(parts | {"start_date": "14/05/2027", "start_time": "10:00:00", "end_time": "12:30 PM"})
    assert isinstance(row, SheetRow), row
    assert row.when.starts_at == datetime(2027, 5, 14, 9, tzinfo=UTC)
    assert row.when.ends_at == datetime(2027, 5, 14, 11, 30, tzinfo=UTC)
    row = read_row(parts | {"start_date": "14 May 2027", "end_date": "15 May 2027"})
    assert isinstance(row, SheetRow), row
    assert row.when == When(starts_on=date(2027, 5, 14), ends_on=date(2027, 5, 15))


def test_dates_in_two_orders_are_named_and_never_guessed() -> None:
    assert "only when the month comes first" in problems(starts="12/31/2027")
    assert read(starts="04/05/2027").notes == ("starts: 04/05/2027 is read with the day first, as 4 May 2027",)
    assert read(starts="31/12/2027").notes == () == read(starts="05/05/2027").notes
    cells = [ROW | {"starts": text} for text in ("31/12/2026", "04/05/2027", "12/31/2026")]
    (sentence,) = read_file(sheet(*cells)).problems
    assert sentence == ("The column starts holds dates in two orders: 31/12/2026 in row 2 has the day first, "
                        "12/31/2026 in row 4 the month. Write all of them like 2017-11-14.")  # fmt: skip
    (sentence,) = read_file(sheet(*cells[1:])).problems
    assert "has the month first, as in 12/31/2026 in row 3" in sentence


def test_what_a_file_has_no_column_for_stays() -> None:
    there = EventDetails(title="Open day", kind="workshop", when=When(starts_on=date(2027, 5, 4)), host="Kept",
                         venue=Place("Hall", "1 Street", "G1 1AA"), capacity_in_person=3, bsl="yes", topics=("a",),
                         questions=(Question("Why?"),), is_listed=False)  # fmt: skip
    row = read_row({"title": "Open day", "kind": "workshop", "starts": "2027-05-04", "mode": "in person",
                    "booking": "first come", "venue": "HALL"})  # fmt: skip
    assert isinstance(row, SheetRow), row
    assert changed_fields(there, cleaned(merged(row, there))) == ()


def test_calendars_are_told_from_spreadsheets() -> None:
    assert is_calendar("x.ICS", b"")
    assert is_calendar("x", b"\xef\xbb\xbfBEGIN:VCALENDAR\r\n")
    assert not is_calendar("x.csv", b"title,programme")


# --- there and back -----------------------------------------------------------------------------------------

words = st.text(st.characters(codec="utf-8"), max_size=25)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2080, 1, 1)).map(  # noqa: DTZ001
    lambda value: value.replace(tzinfo=UTC, microsecond=0)
)
whens = st.one_of(
    st.builds(lambda start, length: When(starts_at=start, ends_at=start + length), instants,
              st.timedeltas(timedelta(seconds=1), timedelta(days=20)).map(
                  lambda span: max(timedelta(seconds=1), timedelta(seconds=int(span.total_seconds()))))),
    st.builds(lambda start: When(starts_at=start), instants),
    st.builds(lambda day, days: When(starts_on=day, ends_on=day + timedelta(days=days)),
              st.dates(date(2000, 1, 1), date(2080, 1, 1)), st.integers(0, 20)),
    st.integers(1, 12).map(lambda month: When(month=f"2016-{month:02d}")),
)  # fmt: skip
day_lists = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20), st.integers(1, 200)), min_size=2, max_size=5,
                     unique_by=lambda one: one[0]).map(sorted)  # fmt: skip
whens |= st.builds(
    lambda first, days: When(days=tuple(
        (start := datetime(first.year, first.month, first.day, hour, tzinfo=UTC) + timedelta(days=day),
         start + timedelta(minutes=length)) for day, hour, length in days)),
    st.dates(date(2000, 4, 1), date(2080, 1, 1)).map(lambda day: day.replace(month=6, day=1)), day_lists,
)  # fmt: skip
questions = st.builds(
    Question, text=words, kind=st.sampled_from(["text", "choice", "choices"]), options=st.lists(words).map(tuple),
    is_personal=st.booleans(), reason=words, is_required=st.booleans(),
)  # fmt: skip
numbers = st.none() | st.integers(0, 100_000)
events = st.builds(
    EventDetails,
    title=words.map(lambda text: f"T{text}"),
    kind=st.just("workshop"),
    when=whens,
    mode=st.sampled_from(list(MODES)),
    booking=st.sampled_from(list(BOOKINGS)),
    booking_url=st.sampled_from(["", "https://example.org/book"]),
    joining_link=st.sampled_from(["", "https://example.org/join?x=1"]),
    room=words,
    audience=st.sampled_from(["", *AUDIENCES]),
    admits=st.sampled_from(list(ADMITS)),
    admitted_domains=st.sampled_from([(), ("gov.scot",), ("gov.scot", "example.org")]),
    is_listed=st.booleans(),
    has_waiting_list=st.booleans(),
    bsl=st.sampled_from(list(FACTS)),
    captions=st.sampled_from(list(FACTS)),
    questions=st.lists(questions, max_size=4).map(tuple),
    summary=words,
    description=words,
    host=words,
    programme=words,
    venue=st.none() | st.builds(Place, words, words, words),
    area=words,
    capacity_in_person=numbers,
    capacity_online=numbers,
    opens_at=st.none() | instants,
    closes_at=st.none() | instants,
    topics=st.lists(words, max_size=4).map(tuple),
    reported_registered=numbers,
    reported_attended=numbers,
    source_url=st.sampled_from(["", "https://example.org/a?b=c,d"]),
)


@settings(max_examples=300)
@given(events)
def test_a_row_that_is_written_and_read_again_changes_nothing(event: EventDetails) -> None:
    kept = cleaned(event)
    row = {name: quote_cell(cell) for name, cell in row_of(kept, uid="u", slug="s", state="draft").items()}
    columns = (*COLUMNS, *OPTIONAL_COLUMNS)
    back = read_sheet(sheet(row, columns=columns))[0]
    assert back.problem == ""
    read_back = read_row(back.cells)
    assert isinstance(read_back, SheetRow), read_back
    assert changed_fields(kept, cleaned(merged(read_back, kept))) == ()
    # also into an empty house, where nothing is there to keep
    assert changed_fields(kept, cleaned(merged(read_back, None))) == ()

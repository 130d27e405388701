"""Writes people and events as files: CSV, XLSX, JSON and iCalendar. Rows come and go one batch at a time.

Knows neither requests nor commands: both give an open binary file. Needs are never in an export.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO

from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.evidence.queries import events_in_order, people_rows
from workshops.evidence.rules import PEOPLE_COLUMNS, spreadsheet_text
from workshops.followup.queries import first_write_ups
from workshops.ical.serialise import calendar_bytes, vevent_bytes
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.exporting import event_row
from workshops.schedule.models import Event
from workshops.schedule.queries import topics_of
from workshops.schedule.queries.reach import facilitators_of_each
from workshops.schedule.rules.questions import read_questions
from workshops.schedule.rules.spreadsheet import COLUMNS, OPTIONAL_COLUMNS, quote_cell

#: So that Excel reads the file as UTF-8; only in downloads, never on standard output.
BOM = b"\xef\xbb\xbf"

EVENT_COLUMNS = (*COLUMNS, *OPTIONAL_COLUMNS)

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json; charset=utf-8",
    "ics": "text/calendar; charset=utf-8",
}


def write_people(
    session: Session, event: Event, file: IO[bytes], *, file_format: str, bom: bool = False, answers: bool = False
) -> None:
    """Everybody at one event, with the columns of PEOPLE_COLUMNS, into an open binary file.

    file_format: csv, xlsx or json.   bom: begin a CSV with a byte order mark, for downloads.
    answers: after these columns one for each question of the event's own that is not personal; what people said
    of their health or beliefs stays where its reading is on one page, like their needs.
    """
    asked = [question.text for question in read_questions(event.questions) if answers and not question.is_personal]
    columns = (*PEOPLE_COLUMNS, *asked)
    _PEOPLE_WRITERS[file_format](columns, people_rows(session, event.id, asked), file, bom)


def _people_csv(columns: Sequence[str], rows: Iterable[tuple[str, ...]], file: IO[bytes], bom: bool) -> None:
    _write_csv([spreadsheet_text(column) for column in columns], rows, file, spreadsheet_text, bom=bom)


def _people_xlsx(columns: Sequence[str], rows: Iterable[tuple[str, ...]], file: IO[bytes], bom: bool) -> None:
    # Strings stay strings here, so no apostrophe is needed.
    _write_xlsx("People", columns, rows, file, numbers=("position",))


def _write_xlsx(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], file: IO[bytes], numbers: tuple[str, ...] = ()
) -> None:
    """A workbook with one sheet, row by row: a list of 50,000 people fits into a few megabytes."""
    import xlsxwriter  # here, because it is large and only some exports need it

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    whole = TemporaryFile()  # a pipe cannot be written to out of order
    book = xlsxwriter.Workbook(whole, options)
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet(title)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(columns) - 1, 18)
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, bold)
    counted = {columns.index(name) for name in numbers}
    for number, row in enumerate(rows, start=1):
        for column, text in enumerate(row):
            if column in counted and text:
                sheet.write_number(number, column, int(text))
            elif text:
                sheet.write_string(number, column, text)
    book.close()
    whole.seek(0)
    shutil.copyfileobj(whole, file)
    whole.close()


def _people_json(columns: Sequence[str], rows: Iterable[tuple[str, ...]], file: IO[bytes], bom: bool) -> None:
    between = b"[\n"
    for row in rows:
        person: dict[str, object] = dict(zip(PEOPLE_COLUMNS, row, strict=False))
        person["position"] = int(str(person["position"])) if person["position"] else None
        person["attendance"] = person["attendance"] or None
        if len(columns) > len(PEOPLE_COLUMNS):
            asked = len(PEOPLE_COLUMNS)
            person["answers"] = dict(zip(columns[asked:], row[asked:], strict=True))
        file.write(between + json.dumps(person, ensure_ascii=False).encode())
        between = b",\n"
    file.write(b"[]\n" if between == b"[\n" else b"\n]\n")


_PEOPLE_WRITERS: dict[str, Callable[[Sequence[str], Iterable[tuple[str, ...]], IO[bytes], bool], None]] = {
    "csv": _people_csv,
    "xlsx": _people_xlsx,
    "json": _people_json,
}


def write_events_csv(session: Session, file: IO[bytes], *, bom: bool = False, joining: bool = True) -> None:
    """All events as the spreadsheet that `flask events import` reads, drafts included.

    joining: with the column of the links for joining online, which only those who run events see.
    """
    columns = event_columns(joining=joining)
    _write_csv(columns, _event_rows(session, columns), file, quote_cell, bom=bom)


def write_events_xlsx(session: Session, file: IO[bytes], *, joining: bool = True) -> None:
    """The same as an Excel workbook: every cell is text, and what would run is quoted as in CSV."""
    columns = event_columns(joining=joining)
    rows = ([quote_cell(cell) for cell in row] for row in _event_rows(session, columns))
    _write_xlsx("Events", columns, rows, file)


def event_columns(*, joining: bool) -> tuple[str, ...]:
    """The columns of the export of events. A file without one leaves it as it is when it is imported."""
    return tuple(name for name in EVENT_COLUMNS if joining or name != "joining_link")


def _event_rows(session: Session, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for events in events_in_order(session):
        ids = [event.id for event in events]
        topics, write_ups = topics_of(session, ids), first_write_ups(session, ids)
        facilitators = facilitators_of_each(session, ids)
        for event in events:
            names = tuple(topic.name for topic in topics[event.id])
            row = event_row(session, event, names, facilitators[event.id])
            written = write_ups.get(event.id)
            row |= {
                "write_up_status": written.state if written else "none",
                "write_up_title": written.title if written else "",
                "write_up_url": written.url if written else "",
            }
            yield tuple(row[column] for column in columns)


def write_events_ics(session: Session, file: IO[bytes], *, settings: Settings) -> None:
    """All events with a day as one calendar, for import elsewhere; drafts and month-only history are left out."""
    file.write(
        calendar_bytes(
            name="Co-production events",
            description="All events, as exported.",
            url=settings.base_url,
            source=None,
            vevents=_vevents(session, settings),
        )
    )


def _vevents(session: Session, settings: Settings) -> Iterator[bytes]:
    for events in events_in_order(session):
        for event in events:
            if event.state == "draft":
                continue
            stored = event.vevent
            if stored is None:
                entry = entry_for(event, settings=settings)
                stored = vevent_bytes(entry) if entry else None
            if stored is not None:
                yield stored


def _write_csv(
    columns: Iterable[str],
    rows: Iterable[tuple[str, ...]],
    file: IO[bytes],
    harmless: Callable[[str], str],
    *,
    bom: bool,
) -> None:
    """RFC 4180 with CRLF and UTF-8. harmless: what makes a text safe for spreadsheet programs."""
    if bom:
        file.write(BOM)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([harmless(cell) for cell in row])
    finally:
        text.flush()
        text.detach()  # the file stays open: it is the caller's

"""The rows of a spreadsheet by the names of their columns, whatever format it came in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from workshops.schedule.importing.csv_files import SAVE_AS, read_csv
from workshops.schedule.importing.tables import Record, Table, UnreadableSheet
from workshops.schedule.importing.workbooks import read_workbook
from workshops.schedule.rules.headers import KNOWN, Matching, Misfit, header_misfit, header_names
from workshops.schedule.rules.sheet_times import mixed_orders
from workshops.schedule.rules.spreadsheet import FILE_MAX_BYTES, ROWS_MAX, unquote_cell

#: A row of names longer than this is no list of events.
COLUMNS_MAX = 200
#: So many rows may stand above the names of the columns.
HEADINGS_MAX = 10
_DATES = ("starts", "ends", "start_date", "end_date", "opens", "closes")


@dataclass(frozen=True)
class NumberedRow:
    """One row of the file. number: as spreadsheet programs count, the row of names being 1."""

    number: int
    cells: dict[str, str]
    problem: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SheetFile:
    """A whole spreadsheet. misfit: what is wrong with its first row; then there are no rows.

    header: the names in the file.   problems: sentences about the file as a whole.   notes: what was assumed.
    """

    header: tuple[str, ...] = ()
    rows: tuple[NumberedRow, ...] = ()
    misfit: Misfit | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_sheet(data: bytes, filename: str = "", matching: Matching | None = None) -> SheetFile:
    """A CSV or XLSX file by the names of its columns, without the empty rows. Raises UnreadableSheet.

    matching: how strange names of columns are to be read.
    """
    if len(data) > FILE_MAX_BYTES:
        raise UnreadableSheet(f"The file is larger than {FILE_MAX_BYTES // 1_000_000} MB.")
    table = read_table(data, filename)
    header, records = _header(table)
    if len(header) > COLUMNS_MAX:
        raise UnreadableSheet(f"The first row has more than {COLUMNS_MAX} columns. Leave the ones to import.")
    matching = matching or Matching()
    misfit = header_misfit(header, matching)
    if misfit is not None:
        return SheetFile(tuple(header), misfit=misfit, notes=tuple(table.notes))
    names = matching.names(header)
    rows = list(_rows(records, names, matching))
    if not rows:
        raise UnreadableSheet("The file has the names of the columns and no row below them.")
    if any(row.cells.get("") for row in rows) and "" in header:
        table.notes.append("A column without a name in the first row is left out.")
    dates = ((row.number, [(name, row.cells[name].strip()) for name in _DATES if name in row.cells]) for row in rows)
    return SheetFile(tuple(header), tuple(rows), problems=tuple(mixed_orders(dates)), notes=tuple(table.notes))


def _header(table: Table) -> tuple[list[str], Iterator[Record]]:
    """The names of the columns, and the rows below them. People put a heading of their own above."""
    tops: list[Record] = []
    for record in table.records:
        tops.append(record)
        names = header_names(record.cells)
        if len({*names}.intersection(KNOWN)) >= 3 or len(tops) == HEADINGS_MAX:
            break
    if not tops:
        raise UnreadableSheet("The file is empty.")
    headers = [header_names(record.cells) for record in tops]
    at = max(range(len(tops)), key=lambda one: (len({*headers[one]}.intersection(KNOWN)) >= 3, -one))
    if at:
        table.notes.append(f"The names of the columns are in row {tops[at].number}. What is above them is left out.")
    return headers[at], chain(tops[at + 1 :], table.records)


def read_table(data: bytes, filename: str) -> Table:
    """The rows of a CSV or XLSX file, told apart by what is in it. Raises UnreadableSheet with what to do."""
    if data.startswith(b"PK\x03\x04"):
        return read_workbook(data)
    name = filename.lower()
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableSheet("This is an older Excel workbook (.xls), or one with a password. In your spreadsheet "
                              "program choose Save as, “Excel workbook (.xlsx)”, without a password.")
    if data.lstrip()[:200].lower().startswith((b"<!doctype html", b"<html", b"<table", b"<?xml")):
        what = f"calls itself {name[-5:].lstrip('.')} but is" if name.endswith((".xls", ".xlsx", ".csv")) else "is"
        raise UnreadableSheet(f"The file {what} a web page or XML and no spreadsheet. Open it in your spreadsheet "
                              "program and choose Save as, “Excel workbook (.xlsx)”.")
    if data.startswith(b"%PDF"):
        raise UnreadableSheet(f"This is a PDF and no spreadsheet. {SAVE_AS}")
    if data and not data.strip(b"\x00"):
        raise UnreadableSheet("The file holds nothing but zeros: it was not saved or copied to its end. Save it again.")
    return read_csv(data)


def _rows(records: Iterator[Record], names: Sequence[str], matching: Matching) -> Iterator[NumberedRow]:
    found = 0
    for record in records:
        if not any(cell.strip() for cell in record.cells) and not record.problems:
            continue
        found += 1
        if found > ROWS_MAX:
            raise UnreadableSheet(f"The file has more than {ROWS_MAX:,} rows. Split it up.")
        cells = [unquote_cell(cell) for cell in record.cells]
        problems = list(record.problems)
        if any(cell.strip() for cell in cells[len(names) :]):
            problems.append(f"The row has more cells than there are columns ({len(names)})")
        padded = [*cells, *[""] * (len(names) - len(cells))]
        by_name = {name: cell for name, cell in matching.for_all.items() if cell}
        for name, cell in zip(names, padded, strict=False):
            by_name[name] = by_name.get("", "") or cell.strip() if not name else cell
        yield NumberedRow(record.number, by_name, ". ".join(problems), record.notes)

"""Files of events as rows of text: reads a spreadsheet (CSV) and knows nothing of the database.

Calendar files are read by workshops.ical.reading.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from workshops.core.errors import DomainError
from workshops.schedule.rules.spreadsheet import (
    CELL_MAX,
    FILE_MAX_BYTES,
    ROWS_MAX,
    header_names,
    header_problem,
    unquote_cell,
)

_SAVE_AS = "In your spreadsheet program choose Save as, “CSV UTF-8 (comma delimited)”."


class UnreadableSheet(DomainError):
    """The file is no spreadsheet that can be taken, with one sentence that says why."""


@dataclass(frozen=True)
class NumberedRow:
    """One row of the file. number: as spreadsheet programs count, the row of names being 1."""

    number: int
    cells: dict[str, str]
    problem: str = ""


def is_calendar(filename: str, data: bytes) -> bool:
    """Whether a file is a calendar and not a spreadsheet, by its name or its first words."""
    return filename.lower().endswith((".ics", ".ical")) or data.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].upper() == (
        b"BEGIN:VCALENDAR"
    )


def read_sheet(data: bytes) -> list[NumberedRow]:
    """The rows of a CSV file, without the empty ones. Raises UnreadableSheet."""
    rows = _records(_decoded(data))
    header = next(rows, None)
    if header is None:
        raise UnreadableSheet("The file is empty.")
    names = header_names(header[1])
    if len(names) == 1 and (";" in names[0] or "\t" in header[1][0]):
        raise UnreadableSheet(f"The columns are not separated by commas. {_SAVE_AS}")
    problem = header_problem(names)
    if problem:
        raise UnreadableSheet(problem)
    found: list[NumberedRow] = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(found) == ROWS_MAX:
            raise UnreadableSheet(f"The file has more than {ROWS_MAX:,} rows. Split it up.")
        cells = [unquote_cell(cell) for cell in cells]
        extra = any(cell.strip() for cell in cells[len(names) :])
        problem = f"The row has more cells than there are columns ({len(names)})" if extra else ""
        padded = [*cells, *[""] * (len(names) - len(cells))]
        found.append(NumberedRow(number, dict(zip(names, padded, strict=False)), problem))
    if not found:
        raise UnreadableSheet("The file has the names of the columns and no row below them.")
    return found


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered records; a cell may hold line breaks, so rows are counted and not lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    # The limit is the process's, so it is only ever made larger; longer cells get their own sentence below it.
    csv.field_size_limit(max(csv.field_size_limit(), FILE_MAX_BYTES + CELL_MAX))
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise UnreadableSheet(
                f"The file cannot be read from row {number + 1} on: a quotation mark is not closed."
            ) from None
        number += 1
        yield number, cells


def _decoded(data: bytes) -> str:
    if len(data) > FILE_MAX_BYTES:
        raise UnreadableSheet(f"The file is larger than {FILE_MAX_BYTES // 1_000_000} MB.")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableSheet(f"This is a workbook and not a CSV file. {_SAVE_AS}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4000]:
        raise UnreadableSheet(f"The file is saved as UTF-16 (“Unicode text”). {_SAVE_AS}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableSheet(f"The file is not saved as UTF-8 but in an older form, such as Windows-1252. {_SAVE_AS}"
                              ) from None

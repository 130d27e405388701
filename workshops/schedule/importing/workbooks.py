"""XLSX workbooks as rows of text. A stranger's file: what it may unpack to is counted before it is opened.

Formulas are never worked out: what the program that saved the file kept as their result is taken, with a note.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries

from workshops.schedule.importing.tables import Record, Table, UnreadableSheet
from workshops.schedule.rules.spreadsheet import CELL_MAX, ROWS_MAX

#: What a workbook may hold. 5,000 rows with all columns are about 8 MB of XML in 20 files.
MEMBERS_MAX = 1_000
UNPACKED_MAX_BYTES = 40_000_000
STYLES_MAX_BYTES = 4_000_000
CELLS_MAX = 400_000
CELLS_IN_ROW_MAX = 2_000
STRINGS_MAX = 300_000
#: Read this far to the right and down; beyond it nothing but a sentence.
COLUMNS_READ = 201
SHEET_ROWS_MAX = 1_048_576
_PIECE = 1 << 16

_TAGS = re.compile(
    rb"<(?:[A-Za-z]\w*:)?(row|c|f|si|mergeCell|dxf|xf|cellStyle|definedName|sheet)(?=[\s/>])([^>]{0,80})"
)
_REF = re.compile(rb'ref="([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})"')
#: Tags of the small parts of a workbook; each becomes a heavy object when it is opened.
_SMALL_TAGS_MAX = 60_000
_OTHER = {
    "content.xml": "an OpenDocument spreadsheet (.ods)",
    "Index/": "a Numbers document",
    "index.apxl": "a Numbers document",
    "word/": "a text document",
    "ppt/": "a presentation",
    "xl/workbook.bin": "a binary workbook (.xlsb)",
}
_SAVE = "In your spreadsheet program choose Save as, “Excel workbook (.xlsx)”."
_DAMAGED = f"The workbook is damaged or was not saved to its end. {_SAVE}"


@dataclass
class _Sheet:
    """What a first look at a sheet's XML tells."""

    has_formulas: bool = False
    merged: list[str] = field(default_factory=list)


def read_workbook(data: bytes) -> Table:
    """The rows of the first sheet that has any. Raises UnreadableSheet, also while the rows are taken."""
    seen = _checked(data)
    book = _opened(data, data_only=True)
    with_rows = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    if not with_rows:
        raise UnreadableSheet("The workbook has no sheet with cells in it.")
    chosen = next((sheet for sheet in with_rows if _has_cells(sheet)), with_rows[0])
    notes = []
    others = [sheet.title for sheet in with_rows if sheet is not chosen and _has_cells(sheet)]
    if others:
        named = ", ".join(f"“{title[:40]}”" for title in others[:5])
        notes.append(f"The workbook has several sheets. The first, “{chosen.title[:40]}”, is read, and not {named}.")
    look = seen.get(str(getattr(chosen, "_worksheet_path", "")).lstrip("/"), _Sheet())
    formulas = None
    if look.has_formulas:
        formulas = next(sheet for sheet in _opened(data, data_only=False).worksheets if sheet.title == chosen.title)
    return Table(_records(chosen, formulas, _merged_from(look.merged)), notes)


def _checked(data: bytes) -> dict[str, _Sheet]:
    """Count what the file would unpack to, before anything is opened. Raises UnreadableSheet."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            for begins, what in _OTHER.items():
                if any(name.startswith(begins) for name in names):
                    raise UnreadableSheet(f"This is {what}. {_SAVE}")
            if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
                raise UnreadableSheet(f"This is a zip file and no workbook. {_SAVE}")
            if len(members) > MEMBERS_MAX or sum(member.file_size for member in members) > UNPACKED_MAX_BYTES:
                raise UnreadableSheet(f"The workbook unpacks to more than {UNPACKED_MAX_BYTES // 1_000_000} MB. Copy "
                                      "the rows alone into a new one.")
            counts = _Counts()
            return {member.filename: counts.look_at(archive, member) for member in members
                    if member.filename.endswith((".xml", ".rels", ".vml"))}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        raise UnreadableSheet(_DAMAGED) from None
    except Exception as error:
        # zlib.error and others of the unpackers have no common ancestor
        if isinstance(error, UnreadableSheet):
            raise
        raise UnreadableSheet(_DAMAGED) from None


class _Counts:
    """Counts tags through all parts of a workbook and stops at the limits."""

    def __init__(self) -> None:
        self.cells = self.strings = self.small = 0

    def look_at(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Sheet:
        sheet, in_row, rest = _Sheet(), 0, b""
        is_sheet = member.filename.startswith("xl/worksheets/")
        if not is_sheet and "sharedStrings" not in member.filename and member.file_size > STYLES_MAX_BYTES:
            raise UnreadableSheet("The workbook has too many styles. Copy the rows alone into a new one.")
        with archive.open(member) as opened:
            while piece := opened.read(_PIECE):
                if b"\x00" in piece or b"<!" in piece and (b"<!DOCTYPE" in piece or b"<!ENTITY" in piece):
                    raise UnreadableSheet(_DAMAGED)
                whole = rest + piece
                # a tag cut in two by the pieces is seen with the next one
                end = whole.rfind(b"<") if len(piece) == _PIECE else len(whole)
                end = end if end >= 0 and len(whole) - end < 4_096 else len(whole)
                for match in _TAGS.finditer(whole, 0, end):
                    in_row = self._count(match, sheet, in_row)
                rest = whole[end:]
        return sheet

    def _count(self, match: re.Match[bytes], sheet: _Sheet, in_row: int) -> int:
        tag = match[1]
        if tag == b"c":
            self.cells += 1
            if self.cells > CELLS_MAX or in_row >= CELLS_IN_ROW_MAX:
                raise UnreadableSheet(f"The workbook has more than {ROWS_MAX:,} rows or too many columns. Copy the "
                                      "rows to import alone into a new one.")
            return in_row + 1
        if tag == b"row":
            self.strings += 1
            in_row = 0
        elif tag == b"f":
            sheet.has_formulas = True
        elif tag == b"si":
            self.strings += 1
        elif tag == b"mergeCell":
            ref = _REF.search(match[2])
            if ref is not None:
                sheet.merged.append(ref[1].decode("ascii"))
            self.small += 1
        else:
            self.small += 1
        if self.strings > STRINGS_MAX or self.small > _SMALL_TAGS_MAX:
            raise UnreadableSheet("The workbook has too many parts. Copy the rows to import alone into a new one.")
        return in_row


def _opened(data: bytes, *, data_only: bool) -> Any:
    try:
        # What it says of styles and extensions that it leaves out is of no use to anybody here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)
    except Exception:
        # a reader of files from anywhere: whatever it stumbles over means the same to the person
        raise UnreadableSheet(_DAMAGED) from None


def _has_cells(sheet: Any) -> bool:
    return any(any(cell.strip() for cell in record.cells) for record in _records(sheet, None, {}, rows=200))


def _records(
    sheet: Any, formulas: Any | None, merged: dict[tuple[int, int], str], rows: int = SHEET_ROWS_MAX
) -> Iterator[Record]:
    sheet.reset_dimensions()  # a sheet may call itself a million rows and 16,000 columns large
    values = sheet.iter_rows(max_row=rows, max_col=COLUMNS_READ)
    formula_rows = iter(())
    if formulas is not None:
        formulas.reset_dimensions()
        formula_rows = formulas.iter_rows(max_row=rows, max_col=COLUMNS_READ)
    number = 0
    empty: Any = None
    while True:
        row: Any = None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for row in values:
                    number += 1
                    formula_row = next(formula_rows, ())
                    # rows that are not in the file are all one and the same object
                    if row is not empty and any(map(_is_used, (*row, *formula_row))):
                        break
                    empty, row = row, None
        except Exception:
            # as above: damaged in whatever way
            raise UnreadableSheet(_DAMAGED) from None
        if row is None:
            return
        yield _record(number, row, formula_row, merged)


def _record(
    number: int, row: tuple[Any, ...], formula_row: tuple[Any, ...], merged: dict[tuple[int, int], str]
) -> Record:
    cells: list[str] = []
    problems, notes = [], []
    width = max(
        column for cells_of in (row, formula_row) for column, cell in enumerate(cells_of, start=1) if _is_used(cell)
    )
    row = row[:width]
    for column, cell in enumerate(row, start=1):
        name = f"{get_column_letter(column)}{number}"
        text = _text(cell)
        if column <= len(formula_row) and formula_row[column - 1].data_type == "f":
            if cell.value is None:
                problems.append(f"The cell {name} holds a formula, and what it showed was not saved: paste its value")
            else:
                notes.append(f"{name} holds a formula: “{text[:60]}”, which it showed last, is taken")
        if cell.data_type == "e":
            problems.append(f"The cell {name} shows an error ({text[:20]})")
        if (number, column) in merged and number > 1:
            problems.append(f"The cell {name} is merged with {merged[number, column]}: take the merging off and fill "
                            "each cell")
        cells.append(text)
    return Record(number, cells, tuple(problems[:5]), tuple(notes[:5]))


def _is_used(cell: Any) -> bool:
    return cell.value is not None or cell.data_type == "f"


def _merged_from(ranges: list[str]) -> dict[tuple[int, int], str]:
    """Cells that lie under a merged one and so lost what they should say, by row and column."""
    found: dict[tuple[int, int], str] = {}
    for ref in ranges[:2_000]:
        left, top, right, bottom = range_boundaries(ref)
        first = f"{get_column_letter(left)}{top}"
        for row in range(top, min(bottom, top + ROWS_MAX) + 1):
            for column in range(left, min(right, COLUMNS_READ) + 1):
                if (row, column) != (top, left):
                    found[row, column] = first
            if len(found) > 100_000:
                return found
    return found


def _text(cell: Any) -> str:
    """What a cell says, as a person would write it into a CSV file."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return value[: CELL_MAX + 1]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _moment_text(value, str(cell.number_format))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return _nearest_second(datetime.combine(date(2000, 1, 1), value)).time().isoformat(timespec="minutes")
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, float) and "%" in str(cell.number_format):
        return f"{value * 100:g}%"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)[:CELL_MAX]


def _moment_text(value: datetime, shown_as: str) -> str:
    """A date cell: with its time, or without when neither it nor the way it is shown has one.

    "2016-11" typed into Excel becomes the first of that month, shown without a day: a month again here.
    """
    value = _nearest_second(value)
    shown = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", shown_as.lower())
    if (value.hour, value.minute, value.second) != (0, 0, 0) or "h" in shown:
        return value.isoformat(timespec="seconds" if value.second else "minutes")
    if value.day == 1 and "d" not in shown and "m" in shown and "y" in shown:
        return f"{value:%Y-%m}"
    return value.date().isoformat()


def _nearest_second(value: datetime) -> datetime:
    """Days are kept as fractions, so that 10:00 may be 9:59:59.999997."""
    return (value + timedelta(microseconds=500_000)).replace(microsecond=0)

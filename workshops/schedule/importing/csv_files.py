"""CSV as spreadsheet programs write it: UTF-8, UTF-16 or Windows-1252; commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from workshops.schedule.importing.tables import Record, Table, UnreadableSheet
from workshops.schedule.rules.headers import KNOWN, header_names, meant_for
from workshops.schedule.rules.spreadsheet import CELL_MAX, FILE_MAX_BYTES

SAVE_AS = "In your spreadsheet program choose Save as, “CSV UTF-8 (comma delimited)”."
#: What may stand between cells; the first one wins when it makes no difference.
_SEPARATORS = ",;\t"
_OLDER = ("The file is not saved as UTF-8 but in an older form, and was read as Windows-1252. Look whether names with "
          "accents are right. If they are not: in your spreadsheet program choose Save as, “CSV UTF-8”.")


def read_csv(data: bytes) -> Table:
    """The rows of a CSV file. Raises UnreadableSheet, also while the rows are taken."""
    text, notes = _decoded(data)
    return Table(_records(text, _separator(text)), notes)


def _decoded(data: bytes) -> tuple[str, list[str]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), []
        except UnicodeDecodeError:
            raise UnreadableSheet(f"The file begins as UTF-16 and cannot be read to its end. {SAVE_AS}") from None
    if b"\x00" in data:
        raise UnreadableSheet(f"The file holds bytes that are no text. {SAVE_AS}")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), [_OLDER]
    except UnicodeDecodeError:
        raise UnreadableSheet(f"The file is saved in a form of text that is not known here. {SAVE_AS}") from None


def _separator(text: str) -> str:
    """What stands between the cells: what makes most of the first row known."""
    def known(separator: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader(io.StringIO(text[:CELL_MAX], newline=""), delimiter=separator), [])
        except csv.Error:
            return 0, 0
        names = header_names(cells)
        return sum(name in KNOWN or bool(meant_for(name)) for name in names[:100]), len(names)

    return max(_SEPARATORS, key=known)


def _records(text: str, separator: str) -> Iterator[Record]:
    """Numbered records; a cell may hold line breaks, so rows are counted and not lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
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
        yield Record(number, cells)

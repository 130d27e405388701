"""Files of events as rows of text: reads spreadsheets (CSV, XLSX) and knows nothing of the database.

Calendar files are read by workshops.ical.reading.
"""

from __future__ import annotations

from workshops.schedule.importing.rows import NumberedRow, SheetFile, read_sheet
from workshops.schedule.importing.tables import UnreadableSheet
from workshops.schedule.rules.spreadsheet import FILE_MAX_BYTES

__all__ = ["FILE_MAX_BYTES", "NumberedRow", "SheetFile", "UnreadableSheet", "is_calendar", "read_sheet"]


def is_calendar(filename: str, data: bytes) -> bool:
    """Whether a file is a calendar and not a spreadsheet, by its name or its first words."""
    return filename.lower().endswith((".ics", ".ical", ".ifb", ".vcs")) or data.removeprefix(
        b"\xef\xbb\xbf"
    ).lstrip()[:15].upper() == b"BEGIN:VCALENDAR"

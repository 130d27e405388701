"""What people type, made safe to keep: one form of text for forms, spreadsheets and calendars.

Knows nothing of forms, the web or the database. Escaping belongs to each output and is not done here.
"""

from __future__ import annotations

import unicodedata

#: Characters that are never kept, with what takes their place in a single line and in several.
#: Controls break mail headers, calendar lines, XML and spreadsheets; bidi overrides and isolates
#: let a name show as something it is not (reference: threat 24 of the security page); lone
#: surrogates cannot be stored.
_BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_BREAKS = [0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029]
_NOTHING: dict[int, str | None] = dict.fromkeys(
    (*range(0x20), *range(0x7F, 0xA0), *_BIDI, *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF)
)
_IN_ONE_LINE = _NOTHING | dict.fromkeys(_BREAKS, " ") | {0x09: " "}
_IN_LINES = _NOTHING | dict.fromkeys(_BREAKS, "\n") | {0x09: "\t"}


def clean_text(value: object, *, multiline: bool = False) -> str:
    """Text as it is kept: NFC, trimmed, without control characters and bidi overrides.

    value: any text; None is "". In one line, line breaks and tabs become spaces, so that words do
    not run together; with multiline=True they stay, every kind of line break as "\\n".
    Cleaning twice gives the same. Source: Unicode Standard Annex 15 (NFC), Annex 9 (bidi).
    """
    if value is None:
        return ""
    text = str(value).replace("\r\n", "\n")
    text = text.translate(_IN_LINES if multiline else _IN_ONE_LINE)
    return unicodedata.normalize("NFC", text).strip()

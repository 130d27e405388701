"""Content lines of RFC 5545: escaping, parameters, folding. Knows no event, only names and values."""

from __future__ import annotations

from datetime import UTC, date, datetime

from workshops.core.london_time import LONDON

CRLF = b"\r\n"

#: Octets in a line without its CRLF (RFC 5545 3.1).
MAX_OCTETS = 75

#: How far a fold may move left to keep blanks away from the break.
_FOLD_SEARCH = 40

#: The last-Sunday rule of the VTIMEZONE holds in Britain since 1996; earlier times go out in UTC.
_RULE_SINCE = datetime(1996, 1, 1, tzinfo=UTC)

_TEXT_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_PARAMETER_ESCAPES = str.maketrans({"^": "^^", "\n": "^n", '"': "^'"})


def text_value(text: str) -> str:
    """Cleaned text as a TEXT value (RFC 5545 3.3.11)."""
    return text.translate(_TEXT_ESCAPES)


def parameter_value(text: str) -> str:
    """Cleaned text as a quoted parameter value (RFC 5545 3.2, RFC 6868)."""
    return f'"{text.translate(_PARAMETER_ESCAPES)}"'


def utc_value(instant: datetime) -> str:
    """An aware instant as a UTC DATE-TIME, to the second."""
    utc = instant.astimezone(UTC)
    return f"{_date_value(utc)}T{utc:%H%M%S}Z"


def needs_utc(when: datetime | date | None) -> bool:
    """Whether local time with TZID cannot say this instant.

    A local time that happens twice means its first pass (RFC 5545 3.3.5), so the second pass of
    the hour that autumn repeats is only to be said in UTC; so are times before 1996.
    """
    return isinstance(when, datetime) and (when < _RULE_SINCE or bool(when.astimezone(LONDON).fold))


def time_line(name: str, when: datetime | date, *, in_utc: bool) -> str:
    """DTSTART or DTEND of a day, or of an aware instant in UTC or in local time with TZID."""
    if not isinstance(when, datetime):
        return f"{name};VALUE=DATE:{_date_value(when)}"
    if in_utc:
        return f"{name}:{utc_value(when)}"
    local = when.astimezone(LONDON)
    return f"{name};TZID=Europe/London:{_date_value(local)}T{local:%H%M%S}"


def block(lines: list[str]) -> bytes:
    """The lines folded and ended with CRLF, as UTF-8."""
    return b"".join([folded(line) for line in lines])


def folded(line: str) -> bytes:
    """One content line, folded at 75 octets and never inside a character (RFC 5545 3.1)."""
    raw = line.encode("utf-8")
    if len(raw) <= MAX_OCTETS:
        return raw + CRLF
    pieces = []
    start, room = 0, MAX_OCTETS
    while len(raw) - start > room:
        cut = _fold_at(raw, start + room)
        pieces.append(raw[start:cut])
        # The blank that marks a continuation counts.
        start, room = cut, MAX_OCTETS - 1
    pieces.append(raw[start:])
    return b"\r\n ".join(pieces) + CRLF


def _fold_at(raw: bytes, limit: int) -> int:
    """The best place for a fold at or before limit.

    Mail systems trim blanks at line ends and some readers eat all blanks after a fold, so a place
    between two non-blanks is taken where one is near.
    """
    last = 0
    for cut in range(limit, limit - _FOLD_SEARCH, -1):
        if raw[cut] & 0xC0 == 0x80:
            continue
        last = last or cut
        if raw[cut] not in b" \t" and raw[cut - 1] not in b" \t":
            return cut
    return last


def _date_value(day: date) -> str:
    # %Y does not pad years below 1000 on every system.
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"

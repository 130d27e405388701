"""The outline of somebody else's calendar file: its lines and its parts, bounded before anything is parsed.

Tolerant of what does no harm; says in plain sentences what it cannot take. Only the few properties that are used
ever leave this module. VTIMEZONEs are not read: a name we know has one meaning here, any other is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from workshops.core.errors import DomainError

MAX_BYTES = 5_000_000
MAX_COMPONENTS = 5_000
MAX_DEPTH = 8

#: Characters in one property that we use; what is longer was not written by a person, and the
#: parser takes seconds for it.
MAX_PROPERTY = 100_000

#: Lines of one property that may stand there several times; what comes after is passed over.
MAX_LINES = 50

TEXTS = ("UID", "SUMMARY", "LOCATION", "DESCRIPTION", "URL", "STATUS", "ORGANIZER", "CLASS")
TIMES = ("DTSTART", "DTEND", "DURATION")
ONCE = (*TEXTS, *TIMES, "RRULE", "EXRULE", "RECURRENCE-ID")
SEVERAL = ("CATEGORIES", "RDATE", "EXDATE")
_WANTED = frozenset((*ONCE, *SEVERAL))

_PROPERTY_NAME = re.compile(r"[A-Za-z0-9-]+(?=[;:])")


class UnreadableCalendar(DomainError):
    """The file is no calendar, or cannot be taken as a whole; `reasons` has every sentence."""

    sentence = "This calendar file cannot be read."

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons) or None)
        self.reasons: tuple[str, ...] = reasons or (self.sentence,)


@dataclass
class Block:
    """The lines of one VEVENT that we use: the first of each property, and all of some."""

    line_number: int
    lines: dict[str, str] = field(default_factory=dict)
    several: dict[str, list[str]] = field(default_factory=dict)
    too_long: str = ""

    def add(self, line: str) -> None:
        """Keep a content line when it is one that we use."""
        match = _PROPERTY_NAME.match(line)
        name = match[0].upper() if match else ""
        if name not in _WANTED:
            return
        if len(line) > MAX_PROPERTY:
            self.too_long = name
        elif name not in SEVERAL:
            self.lines.setdefault(name, line)
        elif len(self.several.setdefault(name, [])) < MAX_LINES:
            self.several[name].append(line)


@dataclass
class Outline:
    """The events of a file. makers: the PRODIDs.   others: how many tasks and the like it holds besides."""

    blocks: list[Block] = field(default_factory=list)
    makers: set[str] = field(default_factory=set)
    others: int = 0


def outline_of(data: bytes) -> Outline:
    """The VEVENTs of the file, once its outline is sound. Raises UnreadableCalendar otherwise."""
    if len(data) > MAX_BYTES:
        raise UnreadableCalendar(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    if data and not data.strip(b"\x00"):
        raise UnreadableCalendar(
            "The file holds nothing but zeros: it was not saved or copied to its end. Save it again."
        )
    found = Outline()
    open_parts: list[str] = []
    components = 0
    for number, line in _unfolded(_decoded(data)):
        marker = line[:200].strip().upper()
        if marker.startswith("BEGIN:"):
            components += 1
            if components > MAX_COMPONENTS:
                raise UnreadableCalendar(f"The file holds more than {MAX_COMPONENTS:,} parts. Split it up.")
            open_parts.append(marker[6:])
            _check_place(open_parts, number)
            if open_parts == ["VCALENDAR", "VEVENT"]:
                found.blocks.append(Block(number))
            elif len(open_parts) == 2 and open_parts[1] != "VTIMEZONE":
                found.others += 1
        elif marker.startswith("END:"):
            if not open_parts or open_parts.pop() != marker[4:]:
                raise UnreadableCalendar(
                    f"Line {number} ends a part that was not open. The file is damaged or breaks off."
                )
        elif not open_parts and marker:
            raise UnreadableCalendar("This is not a calendar file: there is text outside BEGIN:VCALENDAR.")
        elif open_parts == ["VCALENDAR", "VEVENT"]:
            found.blocks[-1].add(line)
        elif open_parts == ["VCALENDAR"]:
            _look_at_header(found, marker)
    if open_parts:
        raise UnreadableCalendar("The file breaks off before its end. Download or save it again.")
    if not components:
        raise UnreadableCalendar("The file is empty: there is no calendar in it.")
    return found


def _look_at_header(found: Outline, marker: str) -> None:
    if marker.startswith("PRODID"):
        found.makers.add(marker.partition(":")[2])
    elif re.fullmatch(r"VERSION:1(\.0)?", marker):
        raise UnreadableCalendar("The file is in the old form vCalendar 1.0. Save or export it as iCalendar (.ics).")


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableCalendar("The file is not written in UTF-8. Save it again as UTF-8.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Content lines, each with the number of its first line in the file (RFC 5545 3.1)."""
    first, parts = 1, [""]
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith((" ", "\t")):
            parts.append(line[1:])
        else:
            yield first, "".join(parts)
            first, parts = number, [line]
    yield first, "".join(parts)


def _check_place(open_parts: list[str], number: int) -> None:
    depth, part = len(open_parts), open_parts[-1]
    if depth > MAX_DEPTH:
        raise UnreadableCalendar(f"Line {number} is nested more than {MAX_DEPTH} deep. The file is damaged.")
    if (part == "VCALENDAR") is not (depth == 1):
        raise UnreadableCalendar("This is not a calendar file: it does not begin with BEGIN:VCALENDAR.")
    if part == "VEVENT" and depth != 2:
        raise UnreadableCalendar(f"Line {number} begins an event inside another part. The file is damaged.")

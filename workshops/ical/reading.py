"""Reads somebody else's calendar file into plain values, for import. Tolerant of what does no harm,
and says in plain sentences what it cannot take.

The file is a stranger's: its size, its number of parts and its nesting are bounded before
anything is parsed, and only the few properties we use ever reach the parser. Its VTIMEZONEs are not
read at all: a name we know has one meaning here, and a name we do not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Event, vDDDTypes
from icalendar.parser import Contentline
from icalendar.prop import vBroken, vCategory
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from workshops.core.errors import DomainError
from workshops.core.london_time import LONDON
from workshops.ical.cleaning import clean_email, clean_line, clean_text, clean_url
from workshops.ical.entry import STATUSES, TITLE_PREFIXES

MAX_BYTES = 5_000_000
MAX_COMPONENTS = 5_000
MAX_DEPTH = 8

#: Characters in one property that we use; what is longer was not written by a person, and the
#: parser takes seconds for it.
MAX_PROPERTY = 100_000

#: Lines of CATEGORIES in one event; what comes after is passed over.
MAX_CATEGORY_LINES = 50

#: More sentences than this help nobody.
MAX_REASONS = 50

_TEXTS = ("UID", "SUMMARY", "LOCATION", "DESCRIPTION", "URL", "STATUS", "ORGANIZER")
_TIMES = ("DTSTART", "DTEND", "DURATION")
_REPEATS = ("RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID")
_WANTED = frozenset((*_TEXTS, *_TIMES, *_REPEATS, "CATEGORIES"))

_PROPERTY_NAME = re.compile(r"[A-Za-z0-9-]+(?=[;:])")


class UnreadableCalendar(DomainError):
    """The file is no calendar, or holds events that cannot be taken; `reasons` has every sentence."""

    sentence = "This calendar file cannot be read."

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons) or None)
        self.reasons: tuple[str, ...] = reasons or (self.sentence,)


@dataclass(frozen=True, kw_only=True)
class ReadEvent:
    """One VEVENT of a foreign file, in plain cleaned values.

    uid: theirs, or "" (for recognition only).   starts, ends: UTC instants, or dates when all_day;
    an `ends` date is the last day itself, and None means that the file gives no end.
    status: one of CONFIRMED, TENTATIVE, CANCELLED.   title_prefix: taken off the title of a
    cancelled event when it is one that our own feeds put there.
    organiser: a name, else a mail address, else "".
    """

    uid: str
    title: str
    starts: datetime | date
    ends: datetime | date | None
    all_day: bool
    location: str
    description: str
    url: str | None
    status: str
    categories: tuple[str, ...]
    organiser: str
    title_prefix: str = ""


class _Refused(Exception):
    """Why one event cannot be taken; becomes a sentence that names the event."""


@dataclass
class _Block:
    """The lines of one VEVENT that we use: the first of each property, and all CATEGORIES."""

    line_number: int
    lines: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    too_long: str = ""

    def add(self, line: str) -> None:
        match = _PROPERTY_NAME.match(line)
        name = match[0].upper() if match else ""
        if name not in _WANTED:
            return
        if len(line) > MAX_PROPERTY:
            self.too_long = name
        elif name != "CATEGORIES":
            self.lines.setdefault(name, line)
        elif len(self.categories) < MAX_CATEGORY_LINES:
            self.categories.append(line)


def read_events(data: bytes) -> tuple[ReadEvent, ...]:
    """Every event of a calendar file, in the order of the file; an empty calendar gives ().

    data: the bytes of the file, UTF-8 with or without BOM, with CRLF or LF.
    Times without a zone are taken as Europe/London, other components than VEVENT are passed over.
    Raises UnreadableCalendar when the file is too large, broken off, nested wrongly or no calendar,
    and, with one sentence for each such event, when an event repeats, has no title or no start that
    can be read, ends before it starts, or names a time zone that is not known.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableCalendar(f"The file is larger than {MAX_BYTES // 1_000_000} MB.")
    events: list[ReadEvent] = []
    reasons: list[str] = []
    for number, block in enumerate(_event_blocks(_decoded(data)), start=1):
        try:
            events.append(_read_event(block))
        except _Refused as refused:
            reasons.append(f"Event {number}{_named(block)} {refused}")
    if len(reasons) > MAX_REASONS:
        more = len(reasons) - MAX_REASONS
        reasons = [*reasons[:MAX_REASONS], f"{more} more events cannot be taken either."]
    if reasons:
        raise UnreadableCalendar(*reasons)
    return tuple(events)


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


def _event_blocks(text: str) -> list[_Block]:
    """The VEVENTs of the file, once its outline is sound. Raises UnreadableCalendar otherwise."""
    blocks: list[_Block] = []
    open_parts: list[str] = []
    components = 0
    for number, line in _unfolded(text):
        marker = line.strip().upper()
        if marker.startswith("BEGIN:"):
            components += 1
            if components > MAX_COMPONENTS:
                raise UnreadableCalendar(f"The file holds more than {MAX_COMPONENTS:,} parts. Split it up.")
            open_parts.append(marker[6:])
            _check_place(open_parts, number)
            if open_parts == ["VCALENDAR", "VEVENT"]:
                blocks.append(_Block(number))
        elif marker.startswith("END:"):
            if not open_parts or open_parts.pop() != marker[4:]:
                raise UnreadableCalendar(
                    f"Line {number} ends a part that was not open. The file is damaged or breaks off."
                )
        elif not open_parts and marker:
            raise UnreadableCalendar("This is not a calendar file: there is text outside BEGIN:VCALENDAR.")
        elif open_parts == ["VCALENDAR", "VEVENT"]:
            blocks[-1].add(line)
    if open_parts:
        raise UnreadableCalendar("The file breaks off before its end. Download or save it again.")
    if not components:
        raise UnreadableCalendar("The file is empty: there is no calendar in it.")
    return blocks


def _check_place(open_parts: list[str], number: int) -> None:
    depth, part = len(open_parts), open_parts[-1]
    if depth > MAX_DEPTH:
        raise UnreadableCalendar(f"Line {number} is nested more than {MAX_DEPTH} deep. The file is damaged.")
    if (part == "VCALENDAR") is not (depth == 1):
        raise UnreadableCalendar("This is not a calendar file: it does not begin with BEGIN:VCALENDAR.")
    if part == "VEVENT" and depth != 2:
        raise UnreadableCalendar(f"Line {number} begins an event inside another part. The file is damaged.")


def _read_event(block: _Block) -> ReadEvent:
    if block.too_long:
        raise _Refused(f"has a {block.too_long} of more than {MAX_PROPERTY:,} characters.")
    for name in _REPEATS:
        if name in block.lines:
            raise _Refused(f"repeats ({name}). Add each of its dates as an event of its own.")
    texts = _parsed(block)
    status = _text(texts, "STATUS").upper()
    if status not in STATUSES:
        status = "CONFIRMED"
    title, prefix = _title(texts, status)
    if not title:
        raise _Refused("has no title.")
    starts, ends = _span(block)
    return ReadEvent(
        uid=clean_line(_text(texts, "UID")),
        title=title,
        starts=starts,
        ends=ends,
        all_day=not isinstance(starts, datetime),
        location=_text(texts, "LOCATION"),
        description=_text(texts, "DESCRIPTION"),
        url=clean_url(_text(texts, "URL")),
        status=status,
        categories=tuple(dict.fromkeys(_categories(texts))),
        organiser=_organiser(texts),
        title_prefix=prefix,
    )


def _parsed(block: _Block) -> Event:
    """The text properties through icalendar, which passes over those that it cannot parse."""
    lines = [block.lines[name] for name in _TEXTS if name in block.lines]
    source = "\r\n".join(["BEGIN:VEVENT", *lines, *block.categories, "END:VEVENT", ""])
    try:
        event = Event.from_ical(source)
    except (ValueError, IndexError, KeyError):
        raise _Refused("cannot be read.") from None
    if not isinstance(event, Event):
        raise _Refused("cannot be read.")
    return event


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    return clean_text(str(value)) if isinstance(value, str) and not isinstance(value, vBroken) else ""


def _title(event: Event, status: str) -> tuple[str, str]:
    title = clean_line(_text(event, "SUMMARY"))
    for prefix in TITLE_PREFIXES:
        if prefix and status == "CANCELLED" and title.startswith(prefix):
            return title.removeprefix(prefix), prefix
    return title, ""


def _categories(event: Event) -> Iterator[str]:
    values = event.get("CATEGORIES", [])
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, vCategory):
            yield from filter(None, (clean_line(str(category)) for category in value.cats))


def _organiser(event: Event) -> str:
    value = event.get("ORGANIZER")
    if value is None or isinstance(value, vBroken):
        return ""
    name = clean_line(str(getattr(value, "params", {}).get("CN", "")))
    address = str(value)
    return name or clean_email(address[7:] if address.lower().startswith("mailto:") else address) or ""


def _span(block: _Block) -> tuple[datetime | date, datetime | date | None]:
    """When the event is: UTC instants, or dates with the last day itself as the end."""
    starts = _moment(block, "DTSTART", "start")
    if starts is None:
        raise _Refused("has no start.")
    try:
        ends = _end(block, starts)
    except OverflowError:
        raise _Refused("has an end that cannot be read.") from None
    if ends is None:
        return starts, None
    if isinstance(ends, datetime) is not isinstance(starts, datetime):
        raise _Refused("has a time on one side and a whole day on the other.")
    if ends < starts:
        raise _Refused("ends before it starts.")
    if isinstance(starts, datetime):
        return starts, ends if ends > starts else None
    # DTEND is the day after the last; several programs write the day itself for one-day events.
    return starts, max(starts, ends - timedelta(days=1))


def _end(block: _Block, starts: datetime | date) -> datetime | date | None:
    if "DTEND" in block.lines or "DURATION" not in block.lines:
        return _moment(block, "DTEND", "end")
    try:
        length = _value(block.lines["DURATION"])[0]
    except ValueError:
        length = None
    if not isinstance(length, timedelta):
        raise _Refused("has a duration that cannot be read.")
    return starts + length


def _moment(block: _Block, name: str, word: str) -> datetime | date | None:
    """One DTSTART or DTEND as a date or a UTC instant; None when the property is absent."""
    if name not in block.lines:
        return None
    try:
        when, tzid = _value(block.lines[name])
    except ValueError:
        raise _Refused(f"has {_article(word)} {word} that cannot be read.") from None
    if isinstance(when, datetime):
        try:
            return _instant(when, tzid)
        except OverflowError:
            raise _Refused(f"has {_article(word)} {word} that cannot be read.") from None
    if isinstance(when, date):
        return when
    raise _Refused(f"has {_article(word)} {word} that cannot be read.")


def _value(line: str) -> tuple[object, str]:
    """A date, a time or a duration as icalendar reads it, and the TZID beside it, or "".

    The TZID is kept from icalendar, so that it reads the wall time and nothing else.
    Raises ValueError when it cannot be read.
    """
    # These parts of icalendar 7.3 carry no annotations.
    _, parameters, value = Contentline(line).parts()  # type: ignore[no-untyped-call]
    read: object = vDDDTypes.from_ical(value.strip().upper())  # type: ignore[no-untyped-call]
    return read, str(parameters.get("TZID", ""))


def _instant(wall: datetime, tzid: str) -> datetime:
    """The UTC instant of a wall time. UTC wins over a TZID beside it, no zone means Europe/London."""
    if wall.tzinfo is not None:
        return wall.astimezone(UTC)
    if not tzid:
        return wall.replace(tzinfo=LONDON).astimezone(UTC)
    zone = _zone(tzid)
    if zone is None:
        raise _Refused(f"uses the time zone “{clean_line(tzid)[:60]}”, which is not known here.")
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _zone(tzid: str) -> ZoneInfo | None:
    """The zone of an Olson name, of a Windows name, or of a name with a maker's path in front."""
    name = tzid.strip().strip('"')
    parts = name.strip("/").split("/")
    candidates = [WINDOWS_TO_OLSON.get(name, name)]
    candidates += ["/".join(parts[-size:]) for size in (3, 2) if len(parts) > size]
    for candidate in candidates:
        try:
            return ZoneInfo(candidate)
        except (ValueError, OSError, KeyError):
            # ZoneInfoNotFoundError is a KeyError; a folder or an endless name is an OSError.
            continue
    return None


def _named(block: _Block) -> str:
    """Words that let a person find the event in their own calendar."""
    try:
        title = clean_line(_text(_parsed(block), "SUMMARY"))
    except _Refused:
        title = ""
    return f", “{title[:80]}”," if title else f" (line {block.line_number})"


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"

"""Reads somebody else's calendar file into plain values, for import.

The file is a stranger's: `outline` bounds it before anything is parsed. Of people it keeps nothing but the name of
the organiser: neither attendees nor addresses ever leave this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from icalendar import Event
from icalendar.prop import vBroken, vCategory

from workshops.ical.cleaning import clean_line, clean_text, clean_url
from workshops.ical.entry import STATUSES, TITLE_PREFIXES
from workshops.ical.foreign_times import Moment, Refused, Wall, dates_of, ends_of, repeats, replaced, span_of
from workshops.ical.html_words import is_html, words_of_html
from workshops.ical.outline import MAX_PROPERTY, TEXTS, Block, UnreadableCalendar, outline_of
from workshops.ical.serialise import PRODID

__all__ = ["EVENTS_MAX", "ReadCalendar", "ReadEvent", "UnreadableCalendar", "read_calendar"]

#: Dates of one file, repeats taken apart.
EVENTS_MAX = 5_000


@dataclass(frozen=True, kw_only=True)
class ReadEvent:
    """One date of a foreign calendar, in plain cleaned values.

    uid: theirs, or "" (for recognition only); a date of an entry that repeats has the uid and the date.
    starts, ends: UTC instants, or dates; an `ends` date is the last day itself, and None means that the file gives no
    end.   days: times for each of several days, in an export of ours.   status: CONFIRMED, TENTATIVE or CANCELLED.
    title_prefix: taken off the title of a cancelled event when it is one that our own feeds put there.
    organiser: a name that is no address, else "".   series: the uid of the entry that repeats, or "".
    problem: why it cannot be taken, a sentence without its full stop; the rest may then be empty.
    notes: what was assumed.
    """

    uid: str = ""
    title: str = ""
    starts: Moment | None = None
    ends: Moment | None = None
    location: str = ""
    description: str = ""
    url: str | None = None
    status: str = "CONFIRMED"
    categories: tuple[str, ...] = ()
    organiser: str = ""
    title_prefix: str = ""
    is_private: bool = False
    series: str = ""
    days: tuple[tuple[datetime, datetime], ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def all_day(self) -> bool:
        """Whether it is about whole days and not instants."""
        return self.starts is not None and not isinstance(self.starts, datetime)


@dataclass(frozen=True)
class ReadCalendar:
    """All events of a file. notes: what is true of the whole file."""

    events: tuple[ReadEvent, ...] = ()
    notes: tuple[str, ...] = ()


def read_calendar(data: bytes) -> ReadCalendar:
    """Every event of a calendar file, in the order of the file, repeats taken apart into their dates.

    data: the bytes of the file, UTF-8 with or without BOM, with CRLF or LF.
    Times without a zone are taken as Europe/London, other components than VEVENT are passed over. An event that
    repeats without an end, has no title or no start that can be read, ends before it starts, or names a time zone
    that is not known comes back with its `problem`.
    Raises UnreadableCalendar when the file is too large, broken off, nested wrongly or no calendar.
    """
    outline = outline_of(data)
    is_ours = outline.makers == {PRODID.upper()}
    stand_ins = _stand_ins(outline.blocks)
    events: list[ReadEvent] = []
    for block in outline.blocks:
        events.extend(_read_block(block, stand_ins, is_ours=is_ours))
        if len(events) > EVENTS_MAX:
            raise UnreadableCalendar(f"The file holds more than {EVENTS_MAX:,} dates. Split it up.")
    notes: tuple[str, ...] = ()
    if outline.others:
        are = "part is" if outline.others == 1 else "parts are"
        notes = (f"{outline.others:,} other {are} left out, such as tasks and busy times: only events are read.",)
    return ReadCalendar(tuple(events), notes)


def _stand_ins(blocks: list[Block]) -> dict[str, list[Block]]:
    """The blocks that stand in for one date of an entry that repeats, by the UID of that entry."""
    repeating = {_uid(block) for block in blocks if repeats(block)} - {""}
    found: dict[str, list[Block]] = {}
    for block in blocks:
        uid = _uid(block)
        if uid in repeating and "RECURRENCE-ID" in block.lines and not repeats(block):
            found.setdefault(uid, []).append(block)
    return found


def _uid(block: Block) -> str:
    return clean_line(block.lines.get("UID", "").partition(":")[2])


def _read_block(block: Block, stand_ins: dict[str, list[Block]], *, is_ours: bool) -> list[ReadEvent]:
    if any(block is one for one in stand_ins.get(_uid(block), ())):
        return []
    try:
        if repeats(block):
            dates = _read_dates(block, stand_ins.get(_uid(block), []), is_ours=is_ours)
            return [_as_one(dates)] if is_ours and dates else dates
        read = _read_event(block, is_ours=is_ours)
        own = replaced(block)
    except Refused as refused:
        return [ReadEvent(title=_title_alone(block), problem=str(refused))]
    except OverflowError:
        return [ReadEvent(title=_title_alone(block), problem="A date or time in it cannot be read")]
    return [read if own is None else replace(read, uid=_dated(read.uid, own))]


def _read_dates(block: Block, stand_ins: list[Block], *, is_ours: bool) -> list[ReadEvent]:
    """Each date of an entry that repeats as an event of its own. Raises Refused."""
    whole = _read_event(block, is_ours=is_ours)
    starts, length = span_of(block)
    instead: dict[Moment, Block] = {}
    for one in stand_ins:
        date_of = replaced(one)
        if date_of is not None:
            instead[date_of] = one
    found = []
    for wall in dates_of(block, starts):
        instant = wall.instant
        other = instead.get(instant)
        read = _read_event(other, is_ours=is_ours) if other is not None else replace(
            whole, starts=instant, ends=ends_of(wall, length), notes=_notes(wall, whole.notes)
        )
        found.append(replace(read, uid=_dated(whole.uid, instant), series=whole.uid))
    if not found:
        raise Refused("It repeats, and every one of its dates is left out")
    return found


def _dated(uid: str, instant: Moment) -> str:
    if not uid:
        return ""
    return f"{uid}|{instant:%Y%m%dT%H%M%SZ}" if isinstance(instant, datetime) else f"{uid}|{instant:%Y%m%d}"


def _as_one(dates: list[ReadEvent]) -> ReadEvent:
    """An event of ours with times for each day, which our files write as one entry that repeats."""
    days = tuple((one.starts, one.ends) for one in dates
                 if isinstance(one.starts, datetime) and isinstance(one.ends, datetime))
    first = dates[0]
    if len(days) != len(dates):
        return replace(first, problem="It repeats on whole days, which no file of ours does")
    return replace(first, uid=first.series, series="", starts=days[0][0], ends=days[-1][1], days=days)


def _read_event(block: Block, *, is_ours: bool = False) -> ReadEvent:
    if block.too_long:
        raise Refused(f"It has a {block.too_long} of more than {MAX_PROPERTY:,} characters")
    texts = _parsed(block)
    status = _text(texts, "STATUS").upper()
    if status not in STATUSES:
        status = "CONFIRMED"
    title, prefix = _title(texts, status)
    if not title:
        raise Refused(f"It has no title (line {block.line_number})")
    starts, length = span_of(block)
    description = _text(texts, "DESCRIPTION")
    notes: tuple[str, ...] = ()
    if is_html(description) and not is_ours:
        description, notes = words_of_html(description), ("The description was in HTML: its words alone are taken",)
    return ReadEvent(
        uid=clean_line(_text(texts, "UID")),
        title=title,
        starts=starts.instant,
        ends=ends_of(starts, length),
        location=_text(texts, "LOCATION"),
        description=description,
        url=clean_url(_text(texts, "URL")),
        status=status,
        categories=tuple(dict.fromkeys(_categories(texts))),
        organiser=_organiser(texts),
        title_prefix=prefix,
        is_private=_text(texts, "CLASS").upper() in ("PRIVATE", "CONFIDENTIAL"),
        notes=_notes(starts, notes),
    )


def _notes(starts: Wall, others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (starts.note(), *(note for note in others if "HTML" in note)))))


def _parsed(block: Block) -> Event:
    """The text properties through icalendar, which passes over those that it cannot parse."""
    lines = [block.lines[name] for name in TEXTS if name in block.lines]
    source = "\r\n".join(["BEGIN:VEVENT", *lines, *block.several.get("CATEGORIES", ()), "END:VEVENT", ""])
    try:
        event = Event.from_ical(source)
    except (ValueError, IndexError, KeyError):
        raise Refused("It cannot be read") from None
    if not isinstance(event, Event):
        raise Refused("It cannot be read")
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


def _title_alone(block: Block) -> str:
    """Words that let a person find the entry in their own calendar."""
    try:
        return clean_line(_text(_parsed(block), "SUMMARY"))[:200]
    except Refused:
        return ""


def _categories(event: Event) -> Iterator[str]:
    values = event.get("CATEGORIES", [])
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, vCategory):
            yield from filter(None, (clean_line(str(category)) for category in value.cats))


def _organiser(event: Event) -> str:
    """The name of the organiser; never an address, which is a person's own."""
    value = event.get("ORGANIZER")
    if value is None or isinstance(value, vBroken):
        return ""
    name = clean_line(str(getattr(value, "params", {}).get("CN", "")))
    return "" if "@" in name else name

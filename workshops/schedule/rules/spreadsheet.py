"""The events spreadsheet: what its columns mean, cell by cell (DESIGN 5). Pure: rows of text in, values out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from workshops.core.text import clean_text
from workshops.schedule.rules.audience import ADMITS, AUDIENCES
from workshops.schedule.rules.events import FACTS, STATES, EventDetails, Place, whole_number
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.own_questions import questions_cell, read_questions_cell
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.sheet_times import (
    days_cell,
    end_cell,
    instant_cell,
    order_note,
    read_days,
    read_instant,
    read_moment,
    span,
    start_cell,
)
from workshops.schedule.rules.slugs import is_slug
from workshops.schedule.rules.when import When

#: The columns of the sample, in its order, and those that may be there beside them.
COLUMNS = (
    "title",
    "programme",
    "kind",
    "host",
    "starts",
    "ends",
    "venue",
    "address",
    "postcode",
    "area",
    "mode",
    "booking",
    "capacity_in_person",
    "capacity_online",
    "topics",
    "summary",
    "registered",
    "attended",
    "write_up_status",
    "write_up_title",
    "write_up_url",
    "source_url",
)
OPTIONAL_COLUMNS = (
    "uid",
    "slug",
    "state",
    "description",
    "opens",
    "closes",
    "room",
    "audience",
    "days",
    "admits",
    "admitted_domains",
    "booking_url",
    "joining_link",
    "listed",
    "waiting_list",
    "bsl",
    "captions",
    "questions",
)
#: Without these there is no event. What a file has no column for stays as it is, or has its default.
NEEDED = ("title", "kind", "starts", "mode", "booking")
#: How people write starts and ends in several columns; read only, never written.
TIME_PARTS = ("start_date", "start_time", "end_date", "end_time")

FILE_MAX_BYTES = 5_000_000
ROWS_MAX = 5_000
CELL_MAX = 20_000

MODE_WORDS = {"in_person": "in person", "online": "online", "hybrid": "hybrid"}
BOOKING_WORDS = {
    "first_come": "first come",
    "by_approval": "by approval",
    "by_invitation": "by invitation",
    "elsewhere": "elsewhere",
    "none": "none",
    "closed": "closed",
}
#: Another word for the same: both keep places in order of coming, with a list when they are gone.
_BOOKINGS = {words: key for key, words in BOOKING_WORDS.items()} | {"waiting list": "first_come"}
_MODES = {words: key for key, words in MODE_WORDS.items()}

_WOULD_RUN = re.compile(r"'*[=+\-@\t\r]")
_QUOTED = re.compile(r"''*[=+\-@\t\r]")

Value = TypeVar("Value")


def quote_cell(text: str) -> str:
    """A cell that a spreadsheet program does not run: `'` before =, +, -, @, tab or return after any number of `'`."""
    return f"'{text}" if _WOULD_RUN.match(text) else text


def unquote_cell(text: str) -> str:
    """The text of a cell that quote_cell wrote: exactly one such `'` taken away."""
    return text[1:] if _QUOTED.match(text) else text


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One row with all cells read.

    values: fields of EventDetails that the row says, "when" and "title" always among them; what the file has no
    column for is not there, and stays as it is.   partial: of "venue", what the file does not say.
    state: None when the cell is empty or missing.   notes: what was assumed, in words.
    """

    values: Mapping[str, Any]
    uid: str = ""
    slug: str = ""
    state: str | None = None
    notes: tuple[str, ...] = ()
    partial: frozenset[str] = frozenset()
    has_days: bool = False

    @property
    def title(self) -> str:
        """The title."""
        return str(self.values["title"])

    @property
    def when(self) -> When:
        """The time."""
        when: When = self.values["when"]
        return when

    @property
    def host(self) -> str | None:
        """The host; None when the file does not say."""
        return self.values.get("host")


class _Cells:
    """Reads the cells of one row and gathers what does not fit."""

    def __init__(self, row: Mapping[str, str]) -> None:
        self.row = row
        self.problems: list[str] = []
        self.notes: list[str] = []

    def text(self, name: str) -> str:
        """One line of text."""
        return clean_text(self.row.get(name, ""))

    def read(self, name: str, parse: Callable[[str], Value], otherwise: Value) -> Value:
        """A cell through a parser; what it raises as ValueError or DetailsDoNotFit is gathered."""
        try:
            return parse(self.text(name))
        except DetailsDoNotFit as unfit:
            self.problems.extend(problem.sentence for problem in unfit.problems)
        except ValueError as error:
            self.problems.append(str(error))
        return otherwise

    def read_lines(self, name: str, parse: Callable[[str], Value]) -> Value | None:
        """The same for a cell of several lines."""
        try:
            return parse(clean_text(self.row.get(name, ""), multiline=True))
        except ValueError as error:
            self.problems.append(str(error))
        return None


def read_row(row: Mapping[str, str]) -> SheetRow | list[str]:
    """The values of a row, or the sentences that say why it does not fit.

    row: cells by column, as they stand in the file after unquote_cell; only columns that the file has.
    """
    too_long = [f"The cell {name} holds more than {CELL_MAX:,} characters" for name, cell in row.items()
                if len(cell) > CELL_MAX]
    if too_long:
        return too_long
    cells = _Cells(row)
    for name in ("title", "kind"):
        if not cells.text(name):
            cells.problems.append(f"There is no {name}")
    when = _read_when(cells)
    values: dict[str, Any] = {}
    for column, (field, parse) in _READERS.items():
        if column in row:
            values[field] = cells.read(column, parse, None)
    values |= {name: clean_text(row[name], multiline=True) for name in ("description",) if name in row}
    if "questions" in row:
        values["questions"] = cells.read_lines("questions", read_questions_cell)
    partial = frozenset(name for name in ("address", "postcode") if name not in row)
    if {"venue", "address", "postcode"}.intersection(row):
        place = Place(cells.text("venue"), cells.text("address"), cells.text("postcode"))
        values["venue"] = place if place.words else None
    slug = cells.read("slug", _slug, "")
    state = cells.read("state", _state, None)
    if cells.problems or when is None:
        return list(dict.fromkeys(cells.problems))
    values |= {"title": cells.text("title"), "kind": cells.text("kind"), "when": when}
    return SheetRow(values=values, uid=cells.text("uid"), slug=slug, state=state, notes=tuple(cells.notes),
                    partial=partial if "venue" in values else frozenset(), has_days="days" in row)


def merged(sheet: SheetRow, existing: EventDetails | None) -> EventDetails:
    """What an event is after a row: its cells over what is there already, or over the defaults."""
    base = existing or EventDetails(title=sheet.title, kind=sheet.values["kind"], when=sheet.when)
    values = dict(sheet.values)
    if not sheet.has_days and (base.when.starts_at, base.when.ends_at) == (sheet.when.starts_at, sheet.when.ends_at):
        # the same first start and last end: the times for each day in between stay
        values["when"] = replace(sheet.when, days=base.when.days)
    place, there = values.get("venue"), base.venue
    if sheet.partial and place is not None and there is not None and fold(place.name) == fold(there.name):
        values["venue"] = replace(place, **{name: getattr(there, name) for name in sheet.partial})
    if values.get("booking") == "elsewhere" and "booking_url" not in values:
        # The sample has one link; where people register is it, unless another one is known here already.
        source = values.get("source_url", "")
        values["booking_url"] = base.booking_url or source
        if not base.source_url and source == base.booking_url:
            values["source_url"] = ""
    return replace(base, **values)


def row_of(details: EventDetails, *, uid: str, slug: str, state: str) -> dict[str, str]:
    """The row of an event without the columns of its write-up: what read_row and merged take back unchanged."""
    place = details.venue or Place()
    return {
        "title": details.title,
        "programme": details.programme,
        "kind": details.kind,
        "host": details.host,
        "starts": start_cell(details.when),
        "ends": end_cell(details.when),
        "venue": place.name,
        "address": place.address,
        "postcode": place.postcode,
        "area": details.area,
        "mode": MODE_WORDS[details.mode],
        "booking": BOOKING_WORDS[details.booking],
        "capacity_in_person": _number_cell(details.capacity_in_person),
        "capacity_online": _number_cell(details.capacity_online),
        "topics": ";".join(details.topics),
        "summary": details.summary,
        "registered": _number_cell(details.reported_registered),
        "attended": _number_cell(details.reported_attended),
        "source_url": details.source_url,
        "uid": uid,
        "slug": slug,
        "state": state,
        "description": details.description,
        "opens": instant_cell(details.opens_at),
        "closes": instant_cell(details.closes_at),
        "room": details.room,
        "audience": details.audience.replace("_", " "),
        "days": days_cell(details.when),
        "admits": details.admits,
        "admitted_domains": ";".join(details.admitted_domains),
        "booking_url": details.booking_url,
        "joining_link": details.joining_link,
        "listed": "yes" if details.is_listed else "no",
        "waiting_list": "yes" if details.has_waiting_list else "no",
        "bsl": details.bsl.replace("_", " "),
        "captions": details.captions.replace("_", " "),
        "questions": questions_cell(details.questions),
    }


def recognition_key(title: str, when: When, host: str) -> tuple[str, str, str]:
    """What recognises an event without UID: title, starts and host, without accents and case."""
    return fold(title), start_cell(when), fold(host)


def _one_of(known: Mapping[str, str], column: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        words = fold(text).replace("-", " ").replace("_", " ")
        if words not in known:
            said = f"“{text[:60]}”" if text else "empty"
            raise ValueError(f"The cell {column} is {said}. Use one of: {', '.join(filter(None, known))}")
        return known[words]

    return parse


def _number(column: str) -> Callable[[str], int | None]:
    def parse(text: str) -> int | None:
        return whole_number(text, f"The cell {column}")

    return parse


def _slug(text: str) -> str:
    if text and not is_slug(text):
        raise ValueError(f"The slug “{text[:80]}” cannot stand in an address: use a to z, 0 to 9 and single hyphens")
    return text


def _state(text: str) -> str | None:
    word = fold(text)
    if word and word not in STATES:
        raise ValueError(f"The cell state is “{text[:60]}”. Use one of: {', '.join(STATES)}")
    return word or None


def _read_when(cells: _Cells) -> When | None:
    starts_cell, ends_cell = _span_cells(cells)
    if not starts_cell:
        cells.problems.append("There is no date in the cell starts")
        return None
    before = len(cells.problems)
    first = cells.read("starts", lambda _: read_moment(starts_cell, "starts"), None)
    last = cells.read("ends", lambda _: read_moment(ends_cell, "ends"), None)
    if first is None or len(cells.problems) > before:
        return None
    cells.notes.extend(filter(None, (order_note(starts_cell, "starts"), order_note(ends_cell, "ends"))))
    when = cells.read("ends", lambda _: span(first, last), None)
    days: tuple[tuple[datetime, datetime], ...] = ()
    days = cells.read("days", read_days, days)
    if when is None or not days:
        return when
    return cells.read("days", lambda _: _with_days(when, days), None)


def _with_days(when: When, days: tuple[tuple[datetime, datetime], ...]) -> When:
    whole = When(days=days)
    if (whole.first_day, whole.last_day) != (when.first_day, when.last_day):
        raise ValueError("The cell days does not begin and end on the days of starts and ends")
    if when.starts_at is not None and (whole.starts_at, whole.ends_at) != (when.starts_at, when.ends_at):
        raise ValueError("The cell days does not begin at starts and end at ends")
    return whole


def _span_cells(cells: _Cells) -> tuple[str, str]:
    """The cells starts and ends, also from a date and times in columns of their own (Outlook, Eventbrite)."""
    starts, ends = cells.text("starts"), cells.text("ends")
    if not starts and cells.text("start_date"):
        starts = f"{cells.text('start_date')} {cells.text('start_time')}".strip()
    if not ends and (cells.text("end_date") or cells.text("end_time")):
        day = cells.text("end_date") or cells.text("start_date") or starts.partition("T")[0].partition(" ")[0]
        timed = cells.text("start_time") or not cells.text("start_date")
        ends = f"{day} {cells.text('end_time') if timed else ''}".strip()
    return starts, ends


def _yes_no(column: str) -> Callable[[str], bool]:
    """Yes or no; what is empty is yes, which is the default of both."""
    def parse(text: str) -> bool:
        word = fold(text)
        if word not in ("", "yes", "y", "true", "1", "no", "n", "false", "0"):
            raise ValueError(f"The cell {column} is “{text[:60]}”. Use yes or no")
        return word not in ("no", "n", "false", "0")

    return parse


def _number_cell(number: int | None) -> str:
    return "" if number is None else str(number)


def _list(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(clean_text, text.split(";"))))


_AUDIENCES = {"": "", **{key.replace("_", " "): key for key in AUDIENCES},
              **{fold(words): key for key, words in AUDIENCES.items()}}
_FACTS = {"": "not_known", **{key.replace("_", " "): key for key in FACTS}, "unknown": "not_known"}
_ADMITS = {"": "anyone", **{key: key for key in ADMITS}}

#: Column -> the field of EventDetails it fills, and how its cell is read.
_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    **{name: (name, str) for name in ("programme", "host", "area", "summary", "source_url", "room", "booking_url",
                                      "joining_link")},
    "mode": ("mode", _one_of(_MODES, "mode")),
    "booking": ("booking", _one_of(_BOOKINGS, "booking")),
    "capacity_in_person": ("capacity_in_person", _number("capacity_in_person")),
    "capacity_online": ("capacity_online", _number("capacity_online")),
    "registered": ("reported_registered", _number("registered")),
    "attended": ("reported_attended", _number("attended")),
    "topics": ("topics", _list),
    "opens": ("opens_at", lambda text: read_instant(text, "opens", last=False)),
    "closes": ("closes_at", lambda text: read_instant(text, "closes", last=True)),
    "audience": ("audience", _one_of(_AUDIENCES, "audience")),
    "admits": ("admits", _one_of(_ADMITS, "admits")),
    "admitted_domains": ("admitted_domains", _list),
    "listed": ("is_listed", _yes_no("listed")),
    "waiting_list": ("has_waiting_list", _yes_no("waiting_list")),
    "bsl": ("bsl", _one_of(_FACTS, "bsl")),
    "captions": ("captions", _one_of(_FACTS, "captions")),
}


def repeated_rows(keys: Sequence[tuple[int, object]]) -> Iterator[tuple[int, int]]:
    """Rows that are the same event as an earlier row of the file: (row, earlier row)."""
    seen: dict[object, int] = {}
    for number, key in keys:
        if key in seen:
            yield number, seen[key]
        else:
            seen[key] = number

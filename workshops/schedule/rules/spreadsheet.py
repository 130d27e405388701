"""The events spreadsheet: what its columns mean, cell by cell (DESIGN 5). Pure: rows of text in, values out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from workshops.core.london_time import ImpossibleTime, from_london, start_of_day, to_london
from workshops.core.text import clean_text
from workshops.core.typed_dates import parse_date
from workshops.schedule.rules.events import STATES, EventDetails, Place, whole_number
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.slugs import is_slug
from workshops.schedule.rules.when import When, is_month

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
OPTIONAL_COLUMNS = ("uid", "slug", "state", "description", "opens", "closes")

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


def header_problem(names: Sequence[str]) -> str | None:
    """What is wrong with the first row, in one sentence, or None. names: as `header_names` gives them."""
    missing = [name for name in COLUMNS if name not in names]
    unknown = list(dict.fromkeys(name or "(no name)" for name in names if name not in (*COLUMNS, *OPTIONAL_COLUMNS)))
    twice = list(dict.fromkeys(name for name in names if name and names.count(name) > 1))
    if not (missing or unknown or twice):
        return None
    if len(missing) == len(COLUMNS):
        return f"The first row must hold the names of the columns: {', '.join(COLUMNS)}."
    parts = []
    if missing:
        parts.append(f"{_columns(missing)} missing: {', '.join(missing)}")
    if unknown:
        parts.append(f"{_columns(unknown)} not known: {', '.join(name[:60] for name in unknown[:20])}")
    if twice:
        parts.append(f"{_columns(twice)} there twice: {', '.join(twice)}")
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _columns(names: Sequence[str]) -> str:
    return "this column is" if len(names) == 1 else "these columns are"


def header_names(cells: Sequence[str]) -> list[str]:
    """The names of the columns as they are compared; empty columns at the end are left out."""
    names = [clean_text(cell).lower().replace(" ", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One row with all cells read. None in an optional column means that the file does not have it."""

    title: str
    kind: str
    when: When
    mode: str
    booking: str
    programme: str = ""
    host: str = ""
    venue: Place | None = None
    area: str = ""
    capacity_in_person: int | None = None
    capacity_online: int | None = None
    topics: tuple[str, ...] = ()
    summary: str = ""
    reported_registered: int | None = None
    reported_attended: int | None = None
    source_url: str = ""
    uid: str = ""
    slug: str = ""
    state: str | None = None
    description: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    #: Which of opens and closes the file has; an empty cell is then a value.
    has_opens: bool = False
    has_closes: bool = False


class _Cells:
    """Reads the cells of one row and gathers what does not fit."""

    def __init__(self, row: Mapping[str, str]) -> None:
        self.row = row
        self.problems: list[str] = []

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


def read_row(row: Mapping[str, str]) -> SheetRow | list[str]:
    """The values of a row, or the sentences that say why it does not fit.

    row: cells by column, as they stand in the file after unquote_cell.
    """
    too_long = [f"The cell {name} holds more than {CELL_MAX:,} characters" for name, cell in row.items()
                if len(cell) > CELL_MAX]
    if too_long:
        return too_long
    cells = _Cells(row)
    if not cells.text("title"):
        cells.problems.append("There is no title")
    when = _read_when(cells)
    values: dict[str, Any] = {
        "kind": cells.text("kind"),
        "mode": cells.read("mode", _one_of(_MODES, "mode"), ""),
        "booking": cells.read("booking", _one_of(_BOOKINGS, "booking"), ""),
        "capacity_in_person": cells.read("capacity_in_person", _number("capacity_in_person"), None),
        "capacity_online": cells.read("capacity_online", _number("capacity_online"), None),
        "reported_registered": cells.read("registered", _number("registered"), None),
        "reported_attended": cells.read("attended", _number("attended"), None),
        "slug": cells.read("slug", _slug, ""),
        "state": cells.read("state", _state, None) if "state" in row else None,
        "opens_at": cells.read("opens", lambda text: _instant(text, "opens", last=False), None),
        "closes_at": cells.read("closes", lambda text: _instant(text, "closes", last=True), None),
    }
    if not values["kind"]:
        cells.problems.append("There is no kind")
    if cells.problems or when is None:
        return cells.problems
    place = Place(cells.text("venue"), cells.text("address"), cells.text("postcode"))
    return SheetRow(
        title=cells.text("title"),
        when=when,
        programme=cells.text("programme"),
        host=cells.text("host"),
        venue=place if place.words else None,
        area=cells.text("area"),
        topics=tuple(filter(None, map(clean_text, cells.text("topics").split(";")))),
        summary=cells.text("summary"),
        source_url=cells.text("source_url"),
        uid=cells.text("uid"),
        description=clean_text(row["description"], multiline=True) if "description" in row else None,
        has_opens="opens" in row,
        has_closes="closes" in row,
        **values,
    )


def merged(sheet: SheetRow, existing: EventDetails | None) -> EventDetails:
    """What an event is after a row: its cells over what is there already, or over the defaults."""
    base = existing or EventDetails(title=sheet.title, kind=sheet.kind, when=sheet.when)
    values: dict[str, Any] = {
        name: getattr(sheet, name)
        for name in ("title", "kind", "when", "mode", "booking", "programme", "host", "venue", "area", "summary",
                     "capacity_in_person", "capacity_online", "topics", "reported_registered", "reported_attended",
                     "source_url")
    }
    if sheet.description is not None:
        values["description"] = sheet.description
    if sheet.has_opens:
        values["opens_at"] = sheet.opens_at
    if sheet.has_closes:
        values["closes_at"] = sheet.closes_at
    if sheet.booking == "elsewhere":
        # The sheet has one link; where people register is it, unless another one is known here already.
        values["booking_url"] = base.booking_url or sheet.source_url
        if not base.source_url and sheet.source_url == base.booking_url:
            values["source_url"] = ""
    return replace(base, **values)


def row_of(details: EventDetails, *, uid: str, slug: str, state: str) -> dict[str, str]:
    """The row of an event without the columns of its write-up: what read_row and merged take back unchanged."""
    place = details.venue or Place()
    elsewhere = details.booking_url if details.booking == "elsewhere" else ""
    return {
        "title": details.title,
        "programme": details.programme,
        "kind": details.kind,
        "host": details.host,
        "starts": _start_cell(details.when),
        "ends": _end_cell(details.when),
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
        "source_url": details.source_url or elsewhere,
        "uid": uid,
        "slug": slug,
        "state": state,
        "description": details.description,
        "opens": instant_cell(details.opens_at),
        "closes": instant_cell(details.closes_at),
    }


def recognition_key(title: str, when: When, host: str) -> tuple[str, str, str]:
    """What recognises an event without UID: title, starts and host, without accents and case."""
    return fold(title), _start_cell(when), fold(host)


def _one_of(known: Mapping[str, str], column: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        words = fold(text).replace("-", " ").replace("_", " ")
        if words not in known:
            said = f"“{text[:60]}”" if text else "empty"
            raise ValueError(f"The cell {column} is {said}. Use one of: {', '.join(known)}")
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
    starts = cells.text("starts")
    if not starts:
        cells.problems.append("There is no date in the cell starts")
        return None
    before = len(cells.problems)
    first = cells.read("starts", lambda text: _moment(text, "starts"), None)
    last = cells.read("ends", lambda text: _moment(text, "ends"), None)
    if first is None or len(cells.problems) > before:
        return None
    return cells.read("ends", lambda _: _span(first, last), None)


#: A month is a text here, so that three kinds of time are three types.
Moment = datetime | date | str


def _span(first: Moment, last: Moment | None) -> When:
    if isinstance(first, str):
        if last not in (None, first):
            raise ValueError("An event of which only the month is known starts and ends in the same month")
        return When(month=first)
    if last is not None and type(first) is not type(last):
        raise ValueError("starts and ends must be written alike: two dates with a time, or two without")
    if isinstance(first, datetime):
        return When(starts_at=first, ends_at=last if isinstance(last, datetime) else None)
    return When(starts_on=first, ends_on=last if isinstance(last, date) else None)


def _moment(text: str, column: str) -> Moment | None:
    """A date-time, a date or a month; also as British spreadsheet programs write the first two again."""
    if not text:
        return None
    if is_month(text):
        return text
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4})(?:[T ](\d{1,2}:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?",
                         text, re.ASCII)
    if match is None:
        raise ValueError(f"The cell {column} is “{text[:60]}”. Write a date and time such as 2017-11-14T10:00, "
                         "a date such as 2017-11-14 or a month such as 2016-11")
    try:
        day = parse_date(match[1])
        if match[2] is None:
            return day
        at = time.fromisoformat(match[2].zfill(5) if match[2].count(":") == 1 else match[2].zfill(8))
    except ValueError:
        raise ValueError(f"The cell {column} is “{text[:60]}”, which is no date or time that exists") from None
    return _at(day, at, match[3], column)


def _at(day: date, at: time, offset: str | None, column: str) -> datetime:
    try:
        if offset:
            return datetime.fromisoformat(f"{day}T{at}{offset.replace('Z', '+00:00')}").astimezone(UTC)
        return from_london(day, at)
    except ImpossibleTime as impossible:
        raise ValueError(f"In the cell {column}, {impossible}") from None
    except (ValueError, OverflowError):
        raise ValueError(f"The cell {column} holds an offset from UTC that does not exist") from None


def _instant(text: str, column: str, *, last: bool) -> datetime | None:
    """When registration opens or closes; a date means its beginning, or its end when last."""
    moment = _moment(text, column)
    if moment is None or isinstance(moment, datetime):
        return moment
    if isinstance(moment, str):
        raise ValueError(f"The cell {column} must be a date or a date and time")
    return start_of_day(moment + timedelta(days=1)) if last else start_of_day(moment)


def instant_cell(instant: datetime | None) -> str:
    """2017-11-14T10:00, local time; with its offset in the hour that autumn repeats, and for seconds."""
    if instant is None:
        return ""
    local = to_london(instant)
    text = local.replace(tzinfo=None).isoformat(timespec="seconds" if local.second else "minutes")
    return f"{text}+00:00" if local.fold else text


def _start_cell(when: When) -> str:
    if when.month is not None:
        return when.month
    return instant_cell(when.starts_at) if when.starts_at else when.first_day.isoformat()


def _end_cell(when: When) -> str:
    if when.month is not None:
        return when.month
    return instant_cell(when.ends_at) if when.starts_at else when.last_day.isoformat()


def _number_cell(number: int | None) -> str:
    return "" if number is None else str(number)


def repeated_rows(keys: Sequence[tuple[int, object]]) -> Iterator[tuple[int, int]]:
    """Rows that are the same event as an earlier row of the file: (row, earlier row)."""
    seen: dict[object, int] = {}
    for number, key in keys:
        if key in seen:
            yield number, seen[key]
        else:
            seen[key] = number

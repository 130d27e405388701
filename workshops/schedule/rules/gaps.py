"""The gap map of a programme: days by area, and topic by audience, with what is empty and what clashes. Pure.

Drafts count too, because planning happens before publishing; cancelled and postponed events do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from workshops.core.london_time import date_words, month_words
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.events import AREAS
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.slugs import slug_of

#: The 32 council areas: AREAS without what is no place.
COUNCILS = tuple(area for area in AREAS if area not in ("Scotland-wide", "Online"))
#: So many columns fit beside each other; a programme of more days is shown by week, by month, or by year.
MAX_COLUMNS = 16
#: Of a longer programme nobody asks which days are empty.
MAX_DAYS = 366
#: The key of what is not said: an event without an area, a topic or an audience.
NOT_SAID = "none"
#: Columns beside the days: outside the dates of the programme, and history of which only the month is known.
OTHER_DAYS = "other-days"
MONTH_ONLY = "month-only"
#: The clashes that count wherever the other event is.
_HARD = ("room", "venue", "facilitator")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One event of the programme. days: on which it is on, none when only its month is known.

    topics: slug -> name.   when, place: in words.
    """

    id: int
    slug: str
    title: str
    when: str
    place: str
    host: str
    is_draft: bool
    area: str
    audience: str
    topics: Mapping[str, str]
    days: Sequence[date]


@dataclass(frozen=True)
class Line:
    """A row or a column. key: in addresses.   text: short.   words: in full, for captions and screen readers."""

    key: str
    text: str
    words: str


@dataclass(frozen=True)
class Cell:
    """The events where a row and a column meet. clashing: how many of them clash (see clashing_in)."""

    events: tuple[Planned, ...] = ()
    clashing: int = 0

    @property
    def drafts(self) -> int:
        """How many of them are drafts."""
        return sum(event.is_draft for event in self.events)


@dataclass(frozen=True)
class Grid:
    """A table of cells by (row key, column key). Totals count an event once, however many cells it is in."""

    rows: tuple[Line, ...]
    columns: tuple[Line, ...]
    cells: Mapping[tuple[str, str], Cell]
    row_totals: Mapping[str, Cell]
    column_totals: Mapping[str, Cell]
    total: Cell

    def cell(self, row: str = "", column: str = "") -> Cell | None:
        """One cell, the total of a row or column, or of all; None when there is no such row or column."""
        known_row = not row or row in self.row_totals
        known_column = not column or column in self.column_totals
        if not (known_row and known_column):
            return None
        if row and column:
            return self.cells.get((row, column), Cell())
        return self.row_totals[row] if row else self.column_totals[column] if column else self.total


#: The clashes of each event, by its id.
Clashes = Mapping[int, Sequence[Clash]]
#: The keys of the rows, or of the columns, in which an event stands.
_Keys = Callable[[Planned], list[str]]


def clashing_in(events: Sequence[Planned], clashes: Clashes) -> int:
    """How many of these events clash: for room, venue or facilitator with any event, for their readers with each other.

    In a programme of many events something is always on at the same time elsewhere; that is no clash of a cell.
    """
    together = {event.id for event in events}
    return sum(
        any(clash.kind in _HARD or (clash.kind == "programme" and clash.event_id in together) for clash in found)
        for found in (clashes.get(event.id, ()) for event in events)
    )


def days_by_area(planned: Sequence[Planned], clashes: Clashes, span: tuple[date, date] | None) -> Grid:
    """Areas as rows, days as columns (weeks, months or years when there are many days).

    span: first and last day of the programme, or None without any.
    """
    days = day_columns(*span) if span else ()
    columns = [line for line, _, _ in days]

    def column_keys(event: Planned) -> list[str]:
        if not event.days:
            return [MONTH_ONLY]
        within = [line.key for line, first, last in days if any(first <= day <= last for day in event.days)]
        outside = span is None or any(not span[0] <= day <= span[1] for day in event.days)
        return within + ([OTHER_DAYS] if outside else [])

    used = {key for event in planned for key in column_keys(event)}
    if OTHER_DAYS in used:
        columns.append(Line(OTHER_DAYS, "Other days", "days outside the programme"))
    if MONTH_ONLY in used:
        columns.append(Line(MONTH_ONLY, "No day", "no day known"))
    with_events = {event.area for event in planned}
    known = [area for area in AREAS if area in with_events]
    named = [*known, *sorted(with_events - set(AREAS) - {""}, key=fold)]
    rows = [Line(slug_of(area, otherwise=NOT_SAID), area, area) for area in named]
    if "" in with_events:
        rows.append(Line(NOT_SAID, "No area given", "no area given"))
    return _grid(planned, clashes, rows, columns, lambda event: [slug_of(event.area, otherwise=NOT_SAID)], column_keys)


def topics_by_audience(planned: Sequence[Planned], clashes: Clashes) -> Grid:
    """Topics as rows in alphabetical order, audiences as columns."""
    topics = {slug: name for event in planned for slug, name in event.topics.items()}
    rows = [Line(slug, name, name) for slug, name in sorted(topics.items(), key=lambda pair: (fold(pair[1]), pair[0]))]
    if any(not event.topics for event in planned):
        rows.append(Line(NOT_SAID, "No topic given", "no topic given"))
    columns = [Line(key.replace("_", "-"), name, f"for {name.lower()}") for key, name in AUDIENCES.items()]
    if any(not event.audience for event in planned):
        columns.append(Line(NOT_SAID, "Not said", "not said who it is for"))
    return _grid(
        planned, clashes, rows, columns,
        lambda event: list(event.topics) or [NOT_SAID],
        lambda event: [event.audience.replace("_", "-") or NOT_SAID],
    )  # fmt: skip


def _grid(
    planned: Sequence[Planned], clashes: Clashes, rows: Sequence[Line], columns: Sequence[Line], row_keys: _Keys,
    column_keys: _Keys,
) -> Grid:  # fmt: skip
    inside: dict[tuple[str, str], list[Planned]] = {}
    by_row: dict[str, list[Planned]] = {row.key: [] for row in rows}
    by_column: dict[str, list[Planned]] = {column.key: [] for column in columns}
    for event in planned:
        across, down = row_keys(event), column_keys(event)
        for row in across:
            by_row[row].append(event)
            for column in down:
                inside.setdefault((row, column), []).append(event)
        for column in down:
            by_column[column].append(event)

    def cell(events: Sequence[Planned]) -> Cell:
        return Cell(tuple(events), clashing_in(events, clashes))

    return Grid(
        tuple(rows),
        tuple(columns),
        {key: cell(events) for key, events in inside.items()},
        # The clashes of a total are those of its cells: an overlap with another area is none.
        {key: Cell(tuple(events), 0) for key, events in by_row.items()},
        {key: Cell(tuple(events), 0) for key, events in by_column.items()},
        Cell(tuple(planned), 0),
    )


def day_columns(first: date, last: date) -> tuple[tuple[Line, date, date], ...]:
    """The columns of a span with their first and last days: days, or whole weeks, months or years if those are many."""
    days = (last - first).days + 1
    if days <= MAX_COLUMNS:
        each = [first + timedelta(days=number) for number in range(days)]
        return tuple((Line(day.isoformat(), f"{day:%a} {day.day} {day:%b}", date_words(day)), day, day) for day in each)
    if days <= (MAX_COLUMNS - 1) * 7:
        monday = first - timedelta(days=first.weekday())
        weeks = [monday + timedelta(days=7 * number) for number in range((last - monday).days // 7 + 1)]
        return tuple(
            (Line(day.isoformat(), f"Week of {day.day} {day:%b}", f"week of {date_words(day)}"),
             day, day + timedelta(days=6)) for day in weeks
        )  # fmt: skip
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months <= MAX_COLUMNS:
        found = []
        for number in range(months):
            year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
            begins = date(year, month + 1, 1)
            ends = (begins + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            line = Line(f"{begins:%Y-%m}", f"{begins:%b %Y}", month_words(year, month + 1))
            found.append((line, begins, ends))
        return tuple(found)
    return tuple(
        (Line(str(year), str(year), str(year)), date(year, 1, 1), date(year, 12, 31))
        for year in range(first.year, last.year + 1)
    )


def empty_areas(planned: Iterable[Planned]) -> list[str]:
    """The council areas without any event, in alphabetical order."""
    held = {event.area for event in planned}
    return [area for area in COUNCILS if area not in held]


def empty_days(planned: Sequence[Planned], span: tuple[date, date] | None) -> list[date]:
    """The days of the programme on which nothing is on; none when it lasts too long for that to say anything."""
    if span is None or (span[1] - span[0]).days > MAX_DAYS:
        return []
    held = {day for event in planned for day in event.days}
    days = (span[0] + timedelta(days=number) for number in range((span[1] - span[0]).days + 1))
    return [day for day in days if day not in held]


def empty_audiences(planned: Iterable[Planned]) -> list[str]:
    """The audiences for whom nothing is meant, in words; everyone is none of them."""
    held = {event.audience for event in planned}
    return [name for key, name in AUDIENCES.items() if key not in held and key != "everyone"]

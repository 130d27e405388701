"""What came of an import, row by row: for the check page, the command and whoever asks afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from workshops.schedule.rules.events import EventDetails
from workshops.schedule.rules.headers import Misfit
from workshops.schedule.rules.spreadsheet import row_of

NEW, CHANGED, UNCHANGED, SKIPPED, PROBLEM = "new", "changed", "unchanged", "skipped", "problem"

#: The columns in which a field of EventDetails stands, where they have other names.
_COLUMNS = {
    "venue": ("venue", "address", "postcode"),
    "is_listed": ("listed",),
    "has_waiting_list": ("waiting_list",),
    "reported_registered": ("registered",),
    "reported_attended": ("attended",),
    "opens_at": ("opens",),
    "closes_at": ("closes",),
}


@dataclass(frozen=True)
class CellChange:
    """One column of a row that differs from what is kept, as cells."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class RowResult:
    """What a row is or would be.

    outcome: new, changed, unchanged, skipped or problem.   fields: what changed, by field.   about: of a new event,
    when and where in words.   changes: before and after.   notes: what was assumed.
    """

    number: int
    title: str
    outcome: str
    fields: tuple[str, ...] = ()
    problem: str = ""
    about: str = ""
    changes: tuple[CellChange, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """What came of a file. problems: one sentence each, empty when everything fits; then all rows are saved,
    unless it was a dry run.

    header, misfit: of a spreadsheet whose columns do not fit.   notes: what was assumed about the whole file.
    made: names that are new with these rows, by what they are: hosts, venues, programmes, topics.
    """

    rows: tuple[RowResult, ...] = ()
    problems: tuple[str, ...] = ()
    dry_run: bool = False
    header: tuple[str, ...] = ()
    misfit: Misfit | None = None
    notes: tuple[str, ...] = ()
    made: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def saved(self) -> bool:
        """Whether anything was kept."""
        return not self.problems and not self.dry_run

    def count(self, outcome: str) -> int:
        """How many rows have this outcome."""
        return sum(row.outcome == outcome for row in self.rows)

    @property
    def seal(self) -> str:
        """The same for two looks at a file that would do the same: so that nothing is saved which nobody saw."""
        seen = [(row.number, row.title, row.outcome, row.fields, row.changes) for row in self.rows]
        return sha256(repr(seen).encode("utf-8", "replace")).hexdigest()


def cell_changes(before: EventDetails, after: EventDetails, fields: tuple[str, ...]) -> tuple[CellChange, ...]:
    """The cells in which the named fields differ."""
    old, new = (row_of(details, uid="", slug="", state="") for details in (before, after))
    columns = [column for name in fields for column in _COLUMNS.get(name, (name,)) if column in old]
    return tuple(CellChange(column, old[column], new[column]) for column in columns if old[column] != new[column])

"""A spreadsheet as its reader hands it over, whatever the format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from workshops.core.errors import DomainError


class UnreadableSheet(DomainError):
    """The file is no spreadsheet that can be taken, with one sentence that says why."""


@dataclass(frozen=True)
class Record:
    """One row of cells. number: as spreadsheet programs count, from 1.   problems, notes: of single cells."""

    number: int
    cells: list[str]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class Table:
    """All rows, the first one being the names of the columns. notes: what was assumed about the whole file."""

    records: Iterator[Record]
    notes: list[str] = field(default_factory=list)

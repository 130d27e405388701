"""Large and hostile files: bounded in memory and in the number of queries, whatever they hold."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from tests.schedule.test_import import ROW, Importer, events, load, outcomes, sheet  # noqa: F401 (a fixture)
from workshops.core.db import db


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that run inside."""
    seen: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)


def rows(number: int) -> list[dict[str, str]]:
    return [ROW | {"title": f"Event {one}", "topics": "power;stories", "venue": f"Hall {one % 7}",
                   "starts": f"2027-05-{one % 28 + 1:02d}T10:00", "ends": f"2027-05-{one % 28 + 1:02d}T12:00"}
            for one in range(number)]  # fmt: skip


def test_queries_grow_with_new_rows_and_not_with_those_that_are_here(
    session: Session, load: Importer, app: Flask  # noqa: F811
) -> None:
    few, many = sheet(*rows(30)), sheet(*rows(120))
    load(few)
    with counted() as at_few:
        assert outcomes(load(few)) == {"unchanged": 30}
    load(many)
    with counted() as at_many:
        assert outcomes(load(many)) == {"unchanged": 120}
    # 120 rows are still one portion of each look-up
    assert len(at_many) == len(at_few) < 40


CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n%s\r\nEND:VCALENDAR\r\n"
VEVENT = b"BEGIN:VEVENT\r\nSUMMARY:x\r\nDTSTART:20270504T090000Z\r\nEND:VEVENT"


def one_event(*lines: bytes) -> bytes:
    return CALENDAR % VEVENT.replace(b"SUMMARY:x", b"\r\n".join([*lines, b"SUMMARY:x"]))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (CALENDAR % b"\r\n".join([VEVENT] * 50_000), "more than 5,000 parts"),
        (CALENDAR % (b"BEGIN:X\r\n" * 10_000 + b"END:X\r\n" * 10_000), "nested more than 8 deep"),
        (one_event(b"SUMMARY:" + b"x" * 4_900_000), "more than 100,000 characters"),
        (one_event(b"RRULE:FREQ=DAILY;COUNT=3;BYDAY=" + b"MO," * 900_000), "more than 100,000 characters"),
        (one_event(b"EXDATE:" + b"20270504," * 9_000, b"RRULE:FREQ=DAILY;COUNT=3"), "cannot be read"),
        (b"BEGIN:VCALENDAR\r\n" + b" \r\n" * 1_600_000, "breaks off"),
        (b"\x00" * 5_000_001, "larger than 5 MB"),
        (b"\x00" * 4_999_999, "nothing but zeros"),
        ((CALENDAR % VEVENT)[:-30], "breaks off"),
    ],
    ids=["50,000 events", "10,000 deep", "long line", "long rule", "exceptions", "folds", "6 MB", "zeros", "cut"],
)  # fmt: skip
def test_hostile_calendars_get_a_sentence_within_bounds(
    session: Session, load: Importer, data: bytes, says: str  # noqa: F811
) -> None:
    tracemalloc.start()
    try:
        report = load(data, filename="a.ics")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert says in " ".join(report.problems), report.problems[:3]
    assert peak < 120_000_000
    assert events(session) == []


@pytest.mark.parametrize("cell", ["x" * 20_001, "\x00", "=cmd|' /C calc'!A0", "\u202egnp.exe", "'" * 1_000])
def test_hostile_cells_get_a_sentence_or_are_harmless(session: Session, load: Importer, cell: str) -> None:  # noqa: F811
    for column in ROW:
        load(sheet(ROW | {column: cell}), dry_run=True)
    assert events(session) == []


def test_a_row_of_a_hundred_thousand_cells_is_refused(load: Importer) -> None:  # noqa: F811
    out = io.StringIO()
    csv.writer(out).writerow(["title"] * 100_000)
    assert "more than 200 columns" in load(out.getvalue().encode()).problems[0]

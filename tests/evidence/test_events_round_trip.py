"""import(export(x)) changes nothing, for events of every kind in every format, on both engines."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tests.schedule.test_spreadsheet_rules import events as any_details
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.evidence import exports
from workshops.schedule import service
from workshops.schedule.models import Event, EventTopic, Host, Programme, Room, Series, Topic, Venue
from workshops.schedule.rules.events import EventDetails, check, cleaned
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.service.states import set_state

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
Write = Callable[..., None]


def fitting(details: EventDetails) -> EventDetails:
    """The details with what contradicts itself left empty, as no form would take it."""
    over = details.when.over_at
    details = replace(
        details,
        title=details.title[:100],
        capacity_in_person=None if details.mode == "online" else details.capacity_in_person,
        capacity_online=None if details.mode == "in_person" else details.capacity_online,
        closes_at=details.closes_at if details.closes_at and details.closes_at < over else None,
        questions=tuple(
            replace(one, text=f"Q{one.text}", options=("a", "b", *one.options), reason=one.reason or "Because")
            for one in details.questions
        ),
        booking_url=details.booking_url or ("https://example.org/book" if details.booking == "elsewhere" else ""),
        admitted_domains=details.admitted_domains or (("gov.scot",) if details.admits == "domains" else ()),
    )
    latest = details.closes_at or over
    return replace(details, opens_at=details.opens_at if details.opens_at and details.opens_at < latest else None)


def fits(details: EventDetails) -> bool:
    try:
        check(cleaned(details), now=NOW)
    except DetailsDoNotFit:
        return False
    return True


some_events = st.lists(
    st.tuples(any_details.map(fitting).filter(fits), st.sampled_from(["draft", "published", "postponed", "cancelled"])),
    min_size=1,
    max_size=4,
    unique_by=lambda one: (cleaned(one[0]).title.casefold(), one[0].when.sort_at),
)


def empty(session: Session) -> None:
    for model in (EventTopic, Event, Room, Venue, Host, Programme, Topic, Series):
        session.execute(delete(model))


def make(made: list[tuple[EventDetails, str]], settings: Settings) -> None:
    with transaction() as session:
        empty(session)
        for details, state in made:
            event = service.create_event(session, details=details, now=NOW, actor=COMMAND, settings=settings).event
            if state != "draft":
                set_state(session, event, state, reason="", now=NOW, settings=settings)


def written(file_format: str, settings: Settings) -> bytes:
    out = io.BytesIO()
    with transaction() as session:
        if file_format == "ics":
            exports.write_events_ics(session, out, settings=settings)
        else:
            {"csv": exports.write_events_csv, "xlsx": exports.write_events_xlsx}[file_format](session, out)
    return out.getvalue()


def read(data: bytes, file_format: str, settings: Settings) -> service.ImportReport:
    with transaction() as session:
        return service.import_rows(session, text_or_bytes=data, filename=f"events.{file_format}", publish=True,
                                   dry_run=False, now=NOW, actor=COMMAND, settings=settings)  # fmt: skip


def content(session: Session, *, without: tuple[str, ...] = ("uid",)) -> list[dict[str, str]]:
    session.rollback()
    rows = [service_row(session, event) for event in session.scalars(select(Event).order_by(Event.slug))]
    return [{name: cell for name, cell in row.items() if name not in without} for row in rows]


def service_row(session: Session, event: Event) -> dict[str, str]:
    from workshops.schedule.exporting import event_row

    return event_row(session, event)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@given(made=some_events)
@how(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_spreadsheet_goes_round(session: Session, settings: Settings, file_format: str, made: Any) -> None:
    make(made, settings)
    before = content(session)
    data = written(file_format, settings)
    again = read(data, file_format, settings)
    assert again.problems == () and again.count("unchanged") == len(made), again.rows
    assert content(session) == before
    with transaction() as writing:
        empty(writing)
    fresh = read(data, file_format, settings)
    assert fresh.problems == () and fresh.count("new") == len(made), fresh.rows
    assert content(session) == before
    # once more from there: a UID from elsewhere recognises them
    assert read(data, file_format, settings).count("unchanged") == len(made)


@given(made=some_events)
@how(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_calendar_goes_round(session: Session, settings: Settings, made: Any) -> None:
    make(made, settings)
    before = content(session)
    data = written("ics", settings)
    shown = sum(state != "draft" and details.when.month is None for details, state in made)
    again = read(data, "ics", settings)
    assert again.problems == () and again.count("unchanged") == shown, again.rows
    assert content(session) == before
    with transaction() as writing:
        empty(writing)
    fresh = read(data, "ics", settings)
    assert fresh.problems == () and fresh.count("new") == shown, fresh.rows
    assert calendar_content(written("ics", settings)) == calendar_content(data)
    assert read(data, "ics", settings).count("unchanged") == shown


def calendar_content(data: bytes) -> list[list[str]]:
    """What each VEVENT says of when, what and where, without what belongs to one instance."""
    lines = data.decode().replace("\r\n ", "").split("\r\n")
    kept = re.compile(r"(DTSTART|DTEND|RRULE|EXDATE|RECURRENCE-ID|SUMMARY|STATUS|LOCATION)[;:]")
    found: list[list[str]] = []
    for line in lines:
        if line == "BEGIN:VEVENT":
            found.append([])
        elif found and kept.match(line):
            found[-1].append(" ".join(line.split()))
    return sorted(found)

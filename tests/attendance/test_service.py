"""Attendance in a real database."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration
from workshops.attendance import queries, service
from workshops.attendance.rules import AttendanceCounts, UnknownStatus
from workshops.audit.models import AuditEntry
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.core.errors import NotFound
from workshops.schedule.models import Event


def mark(session: Session, clock: Any, event: Event, marks: dict[int, str | None]) -> frozenset[int]:
    with transaction() as writing:
        return service.set_marks(
            writing, event=writing.get_one(Event, event.id), marks=marks, now=clock.now, actor=COMMAND
        )


def test_marks_are_set_changed_and_taken_away(session: Session, clock: Any) -> None:
    event = make_event(session)
    people = [make_registration(session, event).id for _ in range(4)]
    assert queries.counts(session, event.id) == AttendanceCounts(places=4)
    wanted: dict[int, str | None] = {
        people[0]: "in_person",
        people[1]: "part",
        people[2]: "absent",
        people[3]: "excused",
    }
    assert mark(session, clock, event, wanted) == frozenset(people)
    assert queries.counts(session, event.id) == AttendanceCounts(places=4, came=2, excused=1, absent=1)
    assert mark(session, clock, event, {people[0]: None, people[1]: "online"}) == {people[0], people[1]}
    counts = queries.counts(session, event.id)
    assert (counts.came, counts.not_recorded) == (1, 1)
    assert {key: one.status for key, one in queries.attendance_of(session, event.id).items()} == {
        people[1]: "online",
        people[2]: "absent",
        people[3]: "excused",
    }


def test_the_same_marks_again_change_nothing_and_write_no_history(session: Session, clock: Any) -> None:
    event = make_event(session)
    person = make_registration(session, event).id
    mark(session, clock, event, {person: "in_person"})
    version = session.get_one(Event, event.id).version
    assert mark(session, clock, event, {person: "in_person"}) == frozenset()
    assert session.get_one(Event, event.id).version == version
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "attendance_marked")).all()
    assert [(one.subject_kind, one.subject_id, one.event_id) for one in entries] == [("registration", person, event.id)]


def test_the_events_page_is_told(session: Session, clock: Any) -> None:
    event = make_event(session)
    before = event.version
    mark(session, clock, event, {make_registration(session, event).id: "in_person"})
    assert session.get_one(Event, event.id).version > before


def test_people_of_another_event_or_without_a_place_are_refused(session: Session, clock: Any) -> None:
    event, other = make_event(session), make_event(session)
    stranger = make_registration(session, other).id
    waiting = make_registration(session, event, state="waiting").id
    known = make_registration(session, event).id
    for someone in (stranger, waiting, 999_999):
        with pytest.raises(NotFound):
            mark(session, clock, event, {known: "in_person", someone: "in_person"})
    assert queries.attendance_of(session, event.id) == {}


def test_an_unknown_status_saves_nothing(session: Session, clock: Any) -> None:
    event = make_event(session)
    people = [make_registration(session, event).id for _ in range(2)]
    with pytest.raises(UnknownStatus):
        mark(session, clock, event, {people[0]: "in_person", people[1]: "asleep"})
    assert queries.attendance_of(session, event.id) == {}


def test_everybody_with_a_place_by_name_and_nobody_else(session: Session) -> None:
    event = make_event(session)
    make_registration(session, event, name="Zoë Example")
    make_registration(session, event, name="anna example", organisation="Example Network")
    for state in ("waiting", "offered", "cancelled", "requested"):
        make_registration(session, event, state=state, name="Not Here")
    assert [one.name for one in queries.people_with_a_place(session, event.id)] == ["anna example", "Zoë Example"]
    assert [one.name for one in queries.people_with_a_place(session, event.id, "zoe")] == ["Zoë Example"]
    assert [one.name for one in queries.people_with_a_place(session, event.id, "network anna")] == ["anna example"]


def test_past_events_with_an_empty_register_are_named_to_who_runs_them(
    session: Session, clock: Any, staff: Any
) -> None:
    facilitator = staff("facilitator").account_id
    mine = make_event(session, title="Mine", owner_id=facilitator)
    others = make_event(session, title="Of others")
    recorded = make_event(session, title="Recorded")
    people = [make_registration(session, event).id for event in (mine, others, recorded)]
    mark(session, clock, recorded, {people[2]: "absent"})

    def named(role: str, account: int) -> list[str]:
        user = SimpleNamespace(role=role, id=account)
        found = service.attention_for(None, session=session, now=clock.now, user=user)
        return [str(one.url_values["slug"]) for one in found]

    assert named("organiser", 0) == []
    clock.advance(days=31)
    assert sorted(named("organiser", 0)) == sorted([mine.slug, others.slug])
    assert named("facilitator", facilitator) == [mine.slug]
    assert named("viewer", 0) == []
    clock.advance(days=60)
    assert named("organiser", 0) == []

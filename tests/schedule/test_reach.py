"""Who runs which event: admins all, organisers their programmes, facilitators their own, viewers none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session

from tests.factories import make_account, make_event, make_programme
from workshops.core.errors import NotAllowed
from workshops.schedule.models import Event, EventFacilitator, ProgrammeOrganiser
from workshops.schedule.queries.reach import may_run, reach_of, within_reach
from workshops.schedule.rules.reach import Reach


@dataclass(frozen=True)
class Row:
    id: int = 1
    owner_id: int | None = None
    programme_id: int | None = None


@pytest.mark.parametrize(
    ("role", "event", "may"),
    [
        ("admin", Row(owner_id=2, programme_id=8), True),
        ("organiser", Row(owner_id=2), True),
        ("organiser", Row(programme_id=7), True),
        ("organiser", Row(owner_id=2, programme_id=8), False),
        ("organiser", Row(owner_id=1, programme_id=8), True),
        ("organiser", Row(owner_id=2, programme_id=9), True),
        ("organiser", Row(id=5, owner_id=2, programme_id=8), True),
        ("facilitator", Row(owner_id=1), True),
        ("facilitator", Row(id=5, owner_id=2), True),
        ("facilitator", Row(owner_id=2), False),
        ("facilitator", Row(programme_id=7), False),
        ("viewer", Row(owner_id=1), False),
        ("viewer", Row(id=5), False),
        ("somebody", Row(owner_id=1), False),
    ],
)
def test_who_may_run_an_event(role: str, event: Row, may: bool) -> None:
    reach = Reach(1, role, frozenset({7}), frozenset({7, 8}), frozenset({5}))
    assert reach.may_run(event) is may
    if may:
        reach.require_may_run(event)
    else:
        with pytest.raises(NotAllowed):
            reach.require_may_run(event)


@pytest.mark.parametrize(
    ("role", "programme_id", "may"),
    [("admin", 8, True), ("organiser", 7, True), ("organiser", 8, False), ("organiser", None, True),
     ("organiser", 9, True), ("facilitator", 7, False), ("viewer", 7, False)],
)  # fmt: skip
def test_who_may_organise_a_programme(role: str, programme_id: int | None, may: bool) -> None:
    reach = Reach(1, role, frozenset({7}), frozenset({7, 8}))
    assert reach.may_organise(programme_id) is may
    if not may:
        with pytest.raises(NotAllowed):
            reach.require_may_organise(programme_id)


def test_the_database_says_the_same_as_the_rule(session: Session) -> None:
    people = [make_account(session, role=role) for role in ("admin", "organiser", "organiser", "facilitator", "viewer")]
    claimed, free = make_programme(session, "Claimed"), make_programme(session, "Free")
    session.add(ProgrammeOrganiser(programme_id=claimed.id, account_id=people[1].id))
    events = [make_event(session, programme_id=programme, owner_id=owner)
              for programme in (None, claimed.id, free.id) for owner in (None, *(person.id for person in people))]
    session.add(EventFacilitator(event_id=events[0].id, account_id=people[3].id))
    session.commit()
    for person in people:
        reach = reach_of(session, person)
        found = set(session.query(Event.id).filter(*within_reach(person)).order_by(Event.id))
        if person.role == "viewer":
            assert not any(reach.may_run(event) for event in events)
            continue
        assert {event_id for (event_id,) in found} == {event.id for event in events if reach.may_run(event)}
        assert may_run(session, person, events[0]) is reach.may_run(events[0])

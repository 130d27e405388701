"""Many people at once, in threads with connections of their own: places are never given twice.

The heavy race with real server processes stands elsewhere; this one is quick and says where to look.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event
from tests.registration.conftest import Desk
from workshops.audit.rules import person
from workshops.config import Settings
from workshops.core.db import db, transaction
from workshops.registration import rules, service

PEOPLE = 16


def at_once(app: Flask, number: int, run: Callable[[int], object]) -> list[object]:
    """Run something in so many threads that start together; what each returned or raised."""
    gate, answers = threading.Barrier(number), [None] * number

    def one(index: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                answers[index] = run(index)  # type: ignore[call-overload]
            except Exception as error:
                answers[index] = error  # type: ignore[call-overload]
            finally:
                db.session.remove()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(answers)


def test_parallel_registrations_never_overbook(
    app: Flask, session: Session, desk: Desk, clock: FakeClock, settings: Settings
) -> None:
    event = make_event(session, capacity_in_person=5)
    event_id = event.id
    session.rollback()

    def run(index: int) -> str:
        with transaction() as own:
            return service.register(
                own, event_id=event_id, details=service.Details("A", f"p{index}@example.org"), if_full="wait",
                now=clock.now, settings=settings,
            ).kind

    assert Counter(at_once(app, PEOPLE, run)) == {"place": 5, "waiting": PEOPLE - 5}
    kept = desk.event(event)
    assert (kept.taken_in_person, kept.waiting_in_person) == (5, PEOPLE - 5)


def test_one_person_sending_at_once_is_registered_once(
    app: Flask, session: Session, desk: Desk, clock: FakeClock, settings: Settings
) -> None:
    event = make_event(session, capacity_in_person=1)
    event_id = event.id
    session.rollback()

    def run(index: int) -> str:
        with transaction() as own:
            return service.register(
                own, event_id=event_id, details=service.Details("A", "ann@example.org"), form_key="k",
                now=clock.now, settings=settings,
            ).kind

    assert at_once(app, 8, run) == ["place"] * 8
    assert len(desk.states(event)) == len(desk.mails()) == 1


def test_an_offer_taken_in_two_tabs_has_one_winner(
    app: Flask, session: Session, desk: Desk, clock: FakeClock, settings: Settings
) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "bea@example.org", if_full="wait")
    desk.do(service.cancel_place, desk.person())
    id = desk.person("bea@example.org").id
    session.rollback()

    def run(index: int) -> str:
        use_case = service.take_offer if index % 2 else service.decline_offer
        with transaction() as own:
            return use_case(own, registration_id=id, now=clock.now, settings=settings, actor=person(id)).state

    answers = at_once(app, 6, run)
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert all(isinstance(answer, str | rules.OfferGone) for answer in answers)

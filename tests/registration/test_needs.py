"""Needs become things to arrange, with a lead time and an answer to the person, and are then forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event
from tests.journeys.person import Person
from tests.registration.conftest import Desk
from workshops.audit.models import AuditEntry
from workshops.core.bank_holidays import is_working_day
from workshops.core.db import transaction
from workshops.registration import service
from workshops.registration.models import NeedAnswer, Needs, NeedTask
from workshops.registration.rules.needs import (
    ACCESS_KINDS,
    KINDS,
    book_by,
    fingerprint,
    interpreter_may_be_late,
    kinds_in,
)
from workshops.schedule.models import Event

START = datetime(2027, 3, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "access, kinds",
    [
        ("I need a BSL interpreter", ["interpreter"]),
        ("I am deaf and would like captions", ["interpreter", "captions"]),
        ("Wheelchair user, with a carer", ["step_free", "assistance"]),
        ("Large print; a quiet room for breaks", ["formats", "quiet"]),
        ("A blue badge space and a hearing loop", ["hearing_loop", "parking"]),
        ("A chair with arms", ["access"]),
        ("Steppes of Kazakhstan", ["access"]),
        ("  ", []),
    ],
)
def test_what_people_write_is_found_by_words(access: str, kinds: list[str]) -> None:
    assert list(kinds_in(access, "")) == kinds
    assert list(kinds_in(access, "Vegan")) == [*kinds, "food"]


@given(st.text(), st.text())
def test_whoever_writes_something_has_something_to_arrange(access: str, food: str) -> None:
    found = kinds_in(access, food)
    assert bool(access.strip()) == any(kind != "food" for kind in found)
    assert ("food" in found) == bool(food.strip())
    assert list(found) == [kind for kind in KINDS if kind in found]


@given(st.dates(date(2017, 1, 1), date(2040, 1, 1)), st.sampled_from(ACCESS_KINDS))
def test_the_lead_time_is_whole_working_days(first_day: date, kind: object) -> None:
    day = book_by(kind, first_day)  # type: ignore[arg-type]
    between = [day + timedelta(days=number) for number in range((first_day - day).days)]
    assert is_working_day(day) and sum(map(is_working_day, between)) == kind.lead_days  # type: ignore[attr-defined]


def test_bank_holidays_count_and_lateness_begins_the_day_after() -> None:
    # Wednesday 31 March 2027; Good Friday 26 March is a bank holiday in Scotland, Easter Monday is none
    assert book_by(KINDS["interpreter"], date(2027, 3, 31)) == date(2027, 3, 16)
    assert not interpreter_may_be_late(date(2027, 3, 16), date(2027, 3, 31))
    assert interpreter_may_be_late(date(2027, 3, 17), date(2027, 3, 31))


@pytest.fixture
def event(session: Session, desk: Desk) -> Event:
    """Ann needs an interpreter, Bea one and a ramp, Cat eats no meat."""
    made = make_event(session, starts_at=START, capacity_in_person=10)
    desk.register(made, access_needs="A BSL interpreter")
    desk.register(made, "bea@example.org", name="Bea Example", access_needs="BSL, and a ramp")
    desk.register(made, "cat@example.org", name="Cat Example", dietary_needs="Vegetarian")
    return made


def counts(session: Session, event: Event) -> dict[str, tuple[int, int, int, int]]:
    session.rollback()
    return {
        one.kind.key: (len(one.to_do), one.arranged, one.not_possible, one.gone)
        for one in service.things_to_arrange(session, session.get_one(Event, event.id))
    }


def test_from_what_was_written_to_what_was_arranged(
    staff: Callable[..., FormClient], someone: Callable[[], Person], session: Session, desk: Desk, event: Event
) -> None:
    organiser = Person(staff("organiser"))
    page = organiser.open(f"/staff/events/{event.slug}/needs")
    assert "BSL interpreter 2 Tuesday 16 March 2027 Nobody yet" in page.words
    assert "Bea Example" not in page.words
    page.press("I see to this (BSL interpreter)")
    assert "You see to this: BSL interpreter." in page.words
    page.follow("Tell them about BSL interpreter")
    page.fill(state="not_possible").press("Tell them", 422)
    assert "Write what people can do instead" in page.words
    page.fill(state="arranged", message="Meet Olivia at the door.").press("Tell them")
    assert "2 people are told by email." in page.words
    assert counts(session, event) == {"interpreter": (0, 2, 0, 0), "step_free": (1, 0, 0, 0), "food": (1, 0, 0, 0)}
    for who in ("ann", "bea"):
        mail = desk.mails(f"{who}@example.org")[-1]
        assert mail.kind == "registration/need_arranged" and "Meet Olivia at the door." in mail.body_text
        assert "BSL" not in mail.body_text + mail.body_html + mail.subject, "the mail does not say what they need"
        place = someone().open(desk.link(f"{who}@example.org"))
        assert "BSL interpreter: we have arranged this." in place.words
    assert "Step-free access" not in place.words.replace("Step-free access: we", "")
    # nobody is told twice, and one person can be told otherwise
    page.open(f"/staff/events/{event.slug}/needs/interpreter/answer")
    assert "Nobody waits for an answer about this." in page.words
    bea = desk.person("bea@example.org")
    page.open(f"/staff/events/{event.slug}/needs/step_free/answer?person={bea.id}")
    page.fill(state="not_possible", message="The lift is broken; join online.").press("Tell them")
    assert desk.kinds("bea@example.org")[-1] == "need_not_possible"
    page.open(f"/staff/events/{event.slug}/needs").press("Show names")
    assert "Step-free access: cannot be arranged" in page.words and "Bea Example" in page.words


def test_what_changes_afterwards_is_looked_at_anew(session: Session, desk: Desk, event: Event) -> None:
    ann, bea = desk.person(), desk.person("bea@example.org")
    with transaction() as writing:
        service.answer_needs(writing, event_id=event.id, kind="interpreter", state="arranged", message="",
                             now=desk.clock.now, settings=desk.settings, actor=desk.actor)  # fmt: skip
    assert counts(session, event)["interpreter"] == (0, 2, 0, 0)
    desk.do(service.change_details, ann, changes=service.Changes(
        name="Ann Example", attending=None, access_needs="BSL, from 11am", dietary_needs=""))  # fmt: skip
    assert counts(session, event)["interpreter"] == (1, 1, 0, 0)
    desk.do(service.cancel_place, bea, reason="")
    assert counts(session, event)["interpreter"] == (1, 0, 0, 1), "what is booked for somebody who left is said"


def test_after_30_days_counts_are_left(
    session: Session, desk: Desk, event: Event, clock: FakeClock, staff: Callable[..., FormClient]
) -> None:
    with transaction() as writing:
        service.answer_needs(writing, event_id=event.id, kind="interpreter", state="arranged", message="",
                             now=clock.now, settings=desk.settings, actor=desk.actor)  # fmt: skip
    clock.now = START + timedelta(days=31)
    with transaction() as writing:
        assert service.erase_expired(writing, now=clock.now, dry_run=False)["access and food needs"] == 3
    session.rollback()
    assert session.query(Needs).count() == session.query(NeedAnswer).count() == 0
    left = {task.kind: (task.people, task.arranged, task.not_possible) for task in session.query(NeedTask)}
    assert left == {"interpreter": (2, 2, 0), "step_free": (1, 0, 0), "food": (1, 0, 0)}
    page = Person(staff("organiser")).open(f"/staff/events/{event.slug}/needs")
    assert "BSL interpreter 2 2 0" in page.words and "Vegetarian" not in page.words


def test_needs_have_a_permission_of_their_own(
    staff: Callable[..., FormClient], session: Session, desk: Desk, event: Event
) -> None:
    organiser = staff("organiser")
    path = f"/staff/events/{event.slug}/needs"
    boss = Person(staff("admin")).open(f"/staff/accounts/{organiser.account_id}")  # type: ignore[attr-defined]
    boss.fill(sees_needs="no").press("Save the account")
    for method, address in (("GET", path), ("POST", path), ("GET", f"{path}/food/answer"),
                            ("POST", f"{path}/food/answer"), ("POST", f"{path}/food/take-on")):  # fmt: skip
        answer = organiser.get(address) if method == "GET" else organiser.send(address)
        assert answer.status_code == 403 and "BSL" not in answer.text
    people, home = organiser.get(f"/staff/events/{event.slug}/people").text, organiser.get("/staff/").text
    assert "/needs" not in people and "what they need" not in home
    session.rollback()
    assert session.query(AuditEntry).filter_by(action="needs_seen").count() == 0


def test_staff_are_reminded_until_people_have_an_answer(
    staff: Callable[..., FormClient], session: Session, desk: Desk, event: Event
) -> None:
    organiser = Person(staff("organiser"))
    said = f"2 people wait for what they need at {event.title}: book by Tuesday 16 March 2027"
    assert said in organiser.open("/staff/").words
    for kind in ("interpreter", "step_free"):
        with transaction() as writing:
            service.answer_needs(writing, event_id=event.id, kind=kind, state="arranged", message="",
                                 now=desk.clock.now, settings=desk.settings, actor=desk.actor)  # fmt: skip
    assert "wait for what they need" not in organiser.open("/staff/").words


def test_the_fingerprint_keeps_no_words() -> None:
    assert "bsl" not in fingerprint("BSL") and fingerprint(" BSL ") == fingerprint("bsl") != fingerprint("BSL, 11am")

"""Needs are followed, answered once, told to whoever arranges them, and forgotten with counts left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event
from tests.journeys.person import Person
from tests.registration.conftest import Desk
from workshops.accounts.models import Account
from workshops.audit.models import AuditEntry
from workshops.audit.rules import staff as by_staff
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.messages.models import OutboxMessage
from workshops.registration import service
from workshops.registration.models import NeedAnswer, Needs, NeedTask, Registration
from workshops.registration.needs_queries import counts_of, needs_at, tasks_of_event, told_at_event
from workshops.registration.service.listeners import reason_not_to_send
from workshops.schedule.models import Event


def stands(desk: Desk, event: Event) -> dict[str, list[str]]:
    """Kind -> where it stands for each person."""
    desk.session.rollback()
    found: dict[str, list[str]] = {}
    for one in needs_at(desk.session, event.id):
        found.setdefault(one.kind, []).append(one.standing)
    return found


def answer(desk: Desk, event: Event, kind: str, state: str = "arranged", message: str = "", who: Any = None) -> int:
    ids = [who.id] if who is not None else range(1, 1000)
    desk.session.rollback()
    with transaction() as session:
        return service.answer_need(
            session, event_id=event.id, kind=kind, ids=ids, state=state, message=message, now=desk.clock.now,
            settings=desk.settings, actor=by_staff(1),
        )


def worker(desk: Desk, work: Any) -> int:
    desk.session.rollback()
    with transaction() as session:
        return int(work(session, now=desk.clock.now, settings=desk.settings))


def change(desk: Desk, **needs: str) -> None:
    desk.do(service.change_details, desk.person(), changes=service.Changes(name="Ann Example", **needs))


def test_each_need_is_to_be_arranged_from_the_moment_somebody_registers(desk: Desk, session: Session) -> None:
    event = make_event(session)
    desk.register(event, access_needs="BSL interpreter, and a hearing loop", dietary_needs="Vegan")
    desk.register(event, "bea@example.org", access_needs="None", dietary_needs="n/a")
    assert stands(desk, event) == {"interpreter": ["todo"], "hearing_loop": ["todo"], "vegan": ["todo"]}
    told = told_at_event(session, event.id)
    assert (told.access, told.food, told.unseen) == (1, 1, 2)


def test_we_have_arranged_this_reaches_each_person_once(desk: Desk, session: Session) -> None:
    event = make_event(session)
    desk.register(event, access_needs="BSL interpreter")
    desk.register(event, "bea@example.org", access_needs="BSL, and a ramp")
    desk.deliver()
    assert answer(desk, event, "interpreter", message="Meet Olivia at the door.") == 2
    assert answer(desk, event, "interpreter", message="Meet Olivia at the door.") == 0, "told already"
    assert stands(desk, event) == {"interpreter": ["arranged", "arranged"], "step_free": ["todo"]}
    (mail,) = [mail for mail in desk.mails("bea@example.org") if mail.kind.endswith("need_arranged")]
    assert "Meet Olivia at the door." in mail.body_text and mail.calendar is None
    assert "BSL" not in mail.body_text + mail.body_html + mail.subject, "the mail does not say what they need"
    assert reason_not_to_send(session, mail, desk.clock.now) is None


def test_another_answer_takes_the_place_of_one_that_waits(desk: Desk, session: Session, clock: FakeClock) -> None:
    event = make_event(session)
    desk.register(event, access_needs="BSL interpreter, captions")
    desk.deliver()
    with pytest.raises(DomainError, match="Write what people can do instead"):
        answer(desk, event, "interpreter", "not_possible")
    answer(desk, event, "captions")
    answer(desk, event, "interpreter")
    clock.now += timedelta(minutes=1)
    answer(desk, event, "interpreter", "not_possible", message="She is ill; ring us.")
    mails = [(mail.kind.rpartition("/")[2], mail.state) for mail in desk.mails() if "/need_" in mail.kind]
    assert mails == [("need_arranged", "due"), ("need_arranged", "cancelled"), ("need_not_possible", "due")]


def test_a_mail_about_what_no_longer_holds_does_not_go_out(desk: Desk, session: Session) -> None:
    event = make_event(session)
    desk.register(event, access_needs="Hearing loop")
    answer(desk, event, "hearing_loop")
    mail = desk.mails()[-1]
    assert reason_not_to_send(session, mail, desk.clock.now) is None
    session.get_one(Event, event.id).sort_at += timedelta(minutes=1)
    session.flush()
    assert reason_not_to_send(session, mail, desk.clock.now)
    session.rollback()
    session.get_one(Event, event.id).state = "postponed"
    session.flush()
    assert reason_not_to_send(session, mail, desk.clock.now) == "The event does not take place as planned."
    session.rollback()
    change(desk, access_needs="")
    assert reason_not_to_send(session, mail, desk.clock.now)


def test_needs_follow_who_changes_cancels_and_comes_from_the_waiting_list(
    desk: Desk, session: Session, clock: FakeClock
) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event, access_needs="BSL interpreter", dietary_needs="vegan")
    desk.register(event, "bea@example.org", access_needs="BSL", if_full="wait")
    assert stands(desk, event) == {"interpreter": ["todo", "maybe"], "vegan": ["todo"]}
    answer(desk, event, "interpreter")
    assert stands(desk, event)["interpreter"] == ["arranged", "maybe"], "who waits is not told yet"
    change(desk, access_needs="Captions", dietary_needs="vegan")
    assert stands(desk, event) == {"interpreter": ["undo", "maybe"], "captions": ["todo"], "vegan": ["todo"]}
    desk.do(service.cancel_place, desk.person())
    assert stands(desk, event) == {"interpreter": ["undo", "todo"], "captions": ["over"], "vegan": ["over"]}
    with transaction() as write:
        assert service.close_need(write, event_id=event.id, kind="interpreter", now=clock.now, actor=by_staff(1)) == 1
    assert stands(desk, event)["interpreter"] == ["todo"]


def test_what_somebody_needs_moves_along_and_is_arranged_anew(desk: Desk, session: Session, clock: FakeClock) -> None:
    event = make_event(session)
    desk.register(event, access_needs="BSL")
    answer(desk, event, "interpreter")
    session.get_one(Event, event.id).sort_at += timedelta(hours=1)
    session.commit()
    assert stands(desk, event) == {"interpreter": ["again"]}
    assert answer(desk, event, "interpreter") == 1, "and they are told that it is arranged once more"


def test_staff_who_read_the_words_say_what_there_is_to_arrange(desk: Desk, session: Session) -> None:
    event = make_event(session)
    desk.register(event, access_needs="I do not need a BSL interpreter, but parking would help")

    def choose(*kinds: str) -> None:
        desk.do(service.choose_kinds, desk.person(), kinds=kinds, actor=by_staff(1))

    def needed() -> set[str]:
        return {kind for kind, found in stands(desk, event).items() if found != ["over"]}

    assert needed() == {"interpreter", "parking"}
    choose("parking", "step_free")
    assert needed() == {"parking", "step_free"}
    choose("parking", "step_free")
    assert needed() == {"parking", "step_free"}
    answer(desk, event, "step_free")
    choose("interpreter", "parking")
    assert stands(desk, event) == {"interpreter": ["todo"], "step_free": ["undo"], "parking": ["todo"]}
    choose()
    assert needed() == {"step_free"}
    assert told_at_event(session, event.id).unseen == 0
    change(desk, access_needs="A hearing loop")
    assert needed() == {"hearing_loop", "step_free"} and told_at_event(session, event.id).unseen == 1


def owners_mails(desk: Desk) -> list[OutboxMessage]:
    return [mail for mail in desk.mails() if mail.kind == "registration/needs_due"]


def test_whoever_arranges_it_is_told_when_it_is_due_and_never_twice(
    desk: Desk, session: Session, clock: FakeClock
) -> None:
    owner = make_account(session, role="facilitator", name="Olga Owner")
    event = make_event(session, owner_id=owner.id, starts_at=clock.now + timedelta(days=60))
    desk.register(event, access_needs="BSL interpreter", dietary_needs="vegan")
    assert worker(desk, service.remind_owners) == 0, "far ahead"
    clock.now += timedelta(days=42)
    assert worker(desk, service.remind_owners) == 1
    (mail,) = owners_mails(desk)
    assert mail.to_email == owner.email and "BSL interpreter for 1 person. Book by" in mail.body_text
    assert "egan" not in mail.body_text and "Ann" not in mail.body_text
    assert service.reason_not_to_remind_owner(session, mail, clock.now) is None
    assert worker(desk, service.remind_owners) == 0
    # Somebody who tells us late: once more, but not on the same day.
    desk.register(event, "bea@example.org", access_needs="BSL")
    assert worker(desk, service.remind_owners) == 0
    clock.now += timedelta(days=1)
    assert worker(desk, service.remind_owners) == 1
    # What was arranged and is no longer needed.
    answer(desk, event, "interpreter")
    desk.do(service.cancel_place, desk.person())
    clock.now += timedelta(days=1)
    assert worker(desk, service.remind_owners) == 1
    assert "no longer needed" in owners_mails(desk)[-1].body_text
    assert worker(desk, service.remind_owners) == 0
    # Other words are to be looked at anew.
    desk.do(service.change_details, desk.person("bea@example.org"), changes=service.Changes(
        name="Bea", access_needs="BSL, from 11am"))  # fmt: skip
    clock.now += timedelta(days=1)
    assert stands(desk, event)["interpreter"] == ["undo", "todo"]
    assert worker(desk, service.remind_owners) == 1 and worker(desk, service.remind_owners) == 0
    # Nobody is reminded of what has been done since.
    answer(desk, event, "interpreter")
    with transaction() as write:
        service.close_need(write, event_id=event.id, kind="interpreter", now=clock.now, actor=by_staff(1))
    assert service.reason_not_to_remind_owner(session, mail, clock.now) == "Everything has been arranged since."


def test_what_was_booked_for_an_event_that_is_called_off_is_to_be_undone(
    desk: Desk, session: Session, clock: FakeClock
) -> None:
    owner = make_account(session, role="facilitator")
    event = make_event(session, owner_id=owner.id, starts_at=clock.now + timedelta(days=20))
    desk.register(event, access_needs="BSL interpreter", dietary_needs="vegan")
    assert worker(desk, service.remind_owners) == 1
    due = owners_mails(desk)[0]
    answer(desk, event, "interpreter")
    clock.now += timedelta(days=1)
    called_off = session.get_one(Event, event.id)
    called_off.state, called_off.state_changed_at = "cancelled", clock.now
    session.commit()
    assert stands(desk, event) == {"interpreter": ["undo"], "vegan": ["over"]}
    assert service.reason_not_to_remind_owner(session, due, clock.now) == "The event does not take place as planned."
    assert worker(desk, service.remind_owners) == 1
    clock.now += timedelta(minutes=1)
    undo = owners_mails(desk)[-1]
    assert "no longer needed" in undo.body_text and "Book" not in undo.body_text
    assert worker(desk, service.remind_owners) == 0


def test_somebody_else_can_arrange_it_if_they_may(desk: Desk, session: Session, clock: FakeClock) -> None:
    owner = make_account(session, role="facilitator")
    helper, other = make_account(session, role="organiser"), make_account(session, role="facilitator")
    blind, viewer = make_account(session, role="organiser"), make_account(session, role="viewer")
    blind.sees_needs = False
    event = make_event(session, owner_id=owner.id, starts_at=clock.now + timedelta(days=5))
    session.commit()
    desk.register(event, access_needs="BSL")

    def assign(account_id: int | None) -> bool:
        with transaction() as write:
            return service.assign_need(
                write, event_id=event.id, kind="interpreter", account_id=account_id, now=clock.now, actor=by_staff(1)
            )

    for nobody in (other.id, blind.id, viewer.id, 987654):
        with pytest.raises(DomainError, match="Choose somebody who runs this event"):
            assign(nobody)
    assert assign(helper.id) and not assign(helper.id)
    assert worker(desk, service.remind_owners) == 1
    mail = owners_mails(desk)[0]
    assert mail.to_email == helper.email
    # Whoever comes after has the same kind, and so the same person to arrange it.
    desk.register(event, "bea@example.org", access_needs="BSL")
    clock.now += timedelta(days=1)
    assert worker(desk, service.remind_owners) == 1 and owners_mails(desk)[1].to_email == helper.email
    session.get_one(Account, helper.id).sees_needs = False
    session.flush()
    assert service.reason_not_to_remind_owner(session, mail, clock.now)


@pytest.mark.parametrize("is_by_worker", [True, False])
def test_thirty_days_after_the_event_numbers_are_left_and_nothing_else(
    desk: Desk, session: Session, clock: FakeClock, is_by_worker: bool
) -> None:
    event = make_event(session)
    desk.register(event, access_needs="BSL interpreter, planted", dietary_needs="vegan")
    desk.register(event, "bea@example.org", access_needs="BSL")
    desk.register(event, "cy@example.org", access_needs="captions")
    desk.register(event, "dee@example.org", access_needs="captions")
    answer(desk, event, "interpreter", message="Planted answer")
    answer(desk, event, "captions", "not_possible", message="Planted too")
    desk.do(service.cancel_place, desk.person("dee@example.org"))
    desk.deliver()
    # Somebody who has everything deleted before is counted, too.
    clock.now = desk.event(event).over_at + timedelta(days=1)
    desk.do(service.delete_own_data, desk.person("bea@example.org"))
    assert session.scalar(select(func.count()).select_from(NeedAnswer)) == 3

    def erase() -> dict[str, int]:
        with transaction() as write:
            return service.erase_expired(write, now=clock.now, dry_run=False)

    clock.now = desk.event(event).over_at + timedelta(days=29)
    assert erase()["access and food needs"] == 0
    clock.now += timedelta(days=1)
    if is_by_worker:
        assert worker(desk, service.forget_needs) == 3 and worker(desk, service.forget_needs) == 0
    else:
        assert erase()["access and food needs"] == 3
    session.rollback()
    assert session.scalar(select(func.count()).select_from(NeedAnswer)) == 0
    assert session.scalar(select(func.count()).select_from(Needs)) == 0
    assert [mail for mail in desk.mails() if "lanted" in mail.body_text] == []
    counts = counts_of(needs_at(session, event.id), tasks_of_event(session, event.id))
    left = {kind: {which: number for which, number in counted.items() if number} for kind, counted in counts.items()}
    assert left == {"interpreter": {"arranged": 2}, "captions": {"not_possible": 1}, "vegan": {"todo": 1}}
    told = told_at_event(session, event.id)
    assert (told.access, told.food, told.unseen) == (3, 1, 0)
    assert session.scalar(select(func.sum(NeedTask.people))) == 8
    assert desk.person().name == "Ann Example", "names stay for a year"
    # No history of a person says what they needed.
    ids = session.scalars(select(Registration.id)).all()
    said = session.scalars(
        select(AuditEntry.action).where(AuditEntry.subject_kind == "registration", AuditEntry.subject_id.in_(ids))
    ).all()
    assert not any("need" in action for action in said)


def test_staff_are_reminded_until_people_have_an_answer(
    staff: Callable[..., FormClient], session: Session, desk: Desk, clock: FakeClock
) -> None:
    event = make_event(session, starts_at=clock.now + timedelta(days=30))
    desk.register(event, access_needs="A BSL interpreter")
    desk.register(event, "bea@example.org", access_needs="BSL, and a ramp")
    desk.register(event, "cat@example.org", dietary_needs="Vegetarian")
    organiser, title = Person(staff("organiser")), event.title
    said = f"2 people wait for what they need at {title}: book by Tuesday 16 March 2027"
    assert said in organiser.open("/staff/").words
    for kind in ("interpreter", "step_free"):
        answer(desk, event, kind)
    assert "wait for what they need" not in organiser.open("/staff/").words
    desk.do(service.cancel_place, desk.person())
    assert f"1 thing that was arranged is no longer needed at {title}" in organiser.open("/staff/").words

"""Needs as things to arrange: who does it, what people are told, and what is left when they are erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError, NotFound
from workshops.messages.models import OutboxMessage
from workshops.messages.queries import lock_waiting_messages
from workshops.messages.service import take_back
from workshops.registration.models import NeedAnswer, Needs, NeedTask, Registration
from workshops.registration.needs_queries import (
    TOLD_ACCESS,
    TOLD_FOOD,
    Need,
    holds_for,
    needs_at,
    needs_where,
    possible_owners,
    seen_what,
)
from workshops.registration.rules import ACTIVE_STATES
from workshops.registration.rules.needs import (
    AGAIN,
    ARRANGED,
    KINDS,
    MAYBE,
    NOT_POSSIBLE,
    OVER,
    TODO,
    UNDO,
    fingerprint,
    kinds_in,
    needs_something,
    text_for,
)
from workshops.registration.service.places import lock_place
from workshops.registration.service.telling import REPLACED, tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

#: Mails that say what was arranged; staff see their words together with names alone.
NEEDS_KINDS = ("registration/need_arranged", "registration/need_not_possible")
#: Of these staff can say how they stand; who waits for a place is answered once they have one.
ANSWERABLE = (TODO, AGAIN, ARRANGED, NOT_POSSIBLE)
#: Rows removed in one step.
BATCH = 500


def assign_need(
    session: Session, *, event_id: int, kind: str, account_id: int | None, now: datetime, actor: Actor
) -> bool:
    """Say who arranges one kind of need at an event; None: whoever looks after it. Whether that is new.

    Raises DomainError for the field owner, NotFound.
    """
    event = lock_event(session, event_id)
    if account_id is not None and account_id not in {one.id for one in possible_owners(session, event)}:
        raise DomainError("Choose somebody who runs this event and may read needs", field="owner")
    task = _task(session, event_id, _known(kind))
    if task.owner_id == account_id:
        return False
    task.owner_id = account_id
    for one in needs_at(session, event_id, fresh=True):
        if one.kind == kind and one.answer is not None:
            one.answer.reminded_at = None
    record(session, now=now, actor=actor, action="need_assigned", subject=("event", event_id), event_id=event_id,
           fields=("owner_id",), reason=kind)  # fmt: skip
    return True


def answer_need(
    session: Session,
    *,
    event_id: int,
    kind: str,
    ids: Iterable[int],
    state: str,
    message: str = "",
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> int:
    """Say that one kind of need is arranged, or cannot be, and tell those people; how many were told.

    ids: of registrations; those who do not need it (any more), and those who were told just so, are left aside.
    state: arranged or not_possible, which takes a message.   message: what they read in the mail and on My place.
    Raises DomainError for the field message, NotFound.
    """
    if state not in (ARRANGED, NOT_POSSIBLE):
        raise ValueError(f"{state!r} is no answer")
    if state == NOT_POSSIBLE and not message.strip():
        raise DomainError("Write what people can do instead, or whom they can ask", field="message")
    event, wanted = lock_event(session, event_id), set(ids)
    chosen = [
        one for one in needs_at(session, event_id, fresh=True)
        if one.kind == _known(kind) and one.registration.id in wanted and one.standing in ANSWERABLE
        and not (one.standing == state and one.answer is not None and one.answer.message == message.strip())
    ]  # fmt: skip
    for one in chosen:
        _answer(session, event, one, state, message.strip(), now=now, settings=settings)
    if chosen:
        # The event and not the people: the history is kept for longer than what they need.
        record(session, now=now, actor=actor, action=f"need_{state}", subject=("event", event_id), event_id=event_id,
               reason=kind)  # fmt: skip
    return len(chosen)


def _answer(
    session: Session, event: Event, one: Need, state: str, message: str, *, now: datetime, settings: Settings
) -> None:
    answer = one.answer or make_answer(session, one, now)
    answer.state, answer.message, answer.answered_at = state, message, now
    answer.answers_what, answer.arranged_for = fingerprint(one.words), holds_for(event)
    answer.reminded_at = None  # whoever did it hears when it is to be done again, or undone
    session.flush()
    news = f"need:{one.registration.id}:{one.kind}:"
    for waiting in lock_waiting_messages(session, event.id, NEEDS_KINDS):
        if waiting.dedupe_key.startswith(news):
            take_back(waiting, REPLACED)
    tell(session, event, one.registration, f"need_{state}", now=now, settings=settings,
         values={"message": message}, drop_after=event.sort_at,
         dedupe_key=f"{news}{state}:{int(now.timestamp() * 1_000_000)}")  # fmt: skip


def make_answer(session: Session, one: Need, now: datetime) -> NeedAnswer:
    """A row for a need of which nothing was said so far."""
    answer = NeedAnswer(
        registration_id=one.registration.id, kind=one.kind, state=TODO, answers_what=fingerprint(one.words),
        answered_at=now,
    )  # fmt: skip
    session.add(answer)
    return answer


def reason_not_to_tell_answer(session: Session, message: OutboxMessage) -> str | None:
    """Why an answer is not true any more, or None. Asked at the moment of sending."""
    kind, state = message.dedupe_key.split(":")[2:4]
    stands = {one.kind: one.standing for one in needs_where(session, Registration.id == message.about_id)}
    if stands.get(kind) != state:
        return "The event, or what this person needs, has changed since this was written."
    return None


def choose_kinds(
    session: Session, *, registration_id: int, kinds: Iterable[str], now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Staff, who read somebody's words, say what there is to arrange. Raises NotFound."""
    event, registration = lock_place(session, registration_id)
    needs = session.get(Needs, registration_id, populate_existing=True)
    if needs is None:
        raise NotFound()
    wanted, named = {kind for kind in kinds if kind in KINDS}, kinds_in(needs.access_needs, needs.dietary_needs)
    for kind in KINDS:
        answer = session.get(NeedAnswer, (registration_id, kind))
        what = fingerprint(text_for(kind, needs.access_needs, needs.dietary_needs))
        is_left_out = answer is not None and answer.state == "not_needed"
        if kind in wanted and (is_left_out or (answer is None and kind not in named)):
            answer = answer or _blank(session, registration_id, kind, now)
            answer.state, answer.answers_what, answer.is_chosen = TODO, what, kind not in named
        elif kind not in wanted and kind in named and not (is_left_out and answer and answer.answers_what == what):
            answer = answer or _blank(session, registration_id, kind, now)
            answer.state, answer.answers_what = "not_needed", what
        elif kind not in wanted and answer is not None and answer.is_chosen:
            answer.is_chosen = False
            if answer.state != "arranged":
                session.delete(answer)
    needs.seen_what = seen_what(needs)
    record(session, now=now, actor=actor, action="needs_sorted", subject=("event", event.id), event_id=event.id)
    return registration


def _blank(session: Session, registration_id: int, kind: str, now: datetime) -> NeedAnswer:
    answer = NeedAnswer(registration_id=registration_id, kind=kind, state=TODO, answers_what="", answered_at=now)
    session.add(answer)
    return answer


def note_needs_seen(session: Session, *, event_id: int, now: datetime, actor: Actor) -> None:
    """Write down that somebody looks at who needs what; to be called before the names are shown. Raises NotFound."""
    lock_event(session, event_id)
    for needs in session.scalars(
        select(Needs)
        .join(Registration, Registration.id == Needs.registration_id)
        .where(Registration.event_id == event_id, Registration.state.in_(ACTIVE_STATES))
        .order_by(Needs.registration_id)
    ):
        needs.seen_what = seen_what(needs)
    record(session, now=now, actor=actor, action="needs_seen", subject=("event", event_id), event_id=event_id)


def close_need(session: Session, *, event_id: int, kind: str, now: datetime, actor: Actor) -> int:
    """What was arranged and is not needed any more has been undone; how many. Raises NotFound."""
    lock_event(session, event_id)
    undone = [one for one in needs_at(session, event_id, fresh=True) if one.kind == kind and one.standing == UNDO]
    for one in undone:
        session.delete(one.answer)
    if undone:
        record(session, now=now, actor=actor, action="need_undone", subject=("event", event_id), event_id=event_id,
               reason=kind)  # fmt: skip
    return len(undone)


# --- forgetting ------------------------------------------------------------------------------------------------------


def erase_needs(session: Session, registration_ids: Sequence[int], *, now: datetime) -> None:
    """Remove what these people wrote, what was said about it, and the mails; counts of each kind stay by event."""
    for start in range(0, len(registration_ids), BATCH):
        some = list(registration_ids[start : start + BATCH])
        _keep_counts(session, some, now)
        for statement in (
            delete(NeedAnswer).where(NeedAnswer.registration_id.in_(some)),
            delete(Needs).where(Needs.registration_id.in_(some)),
            delete(OutboxMessage).where(
                OutboxMessage.kind.in_(NEEDS_KINDS), OutboxMessage.about_kind == "registration",
                OutboxMessage.about_id.in_(some),
            ),
        ):  # fmt: skip
            session.execute(statement, execution_options={"synchronize_session": False})


def _keep_counts(session: Session, ids: Sequence[int], now: datetime) -> None:
    of_people = Registration.id.in_(ids)
    for event_id in session.scalars(
        select(Registration.event_id).where(of_people).distinct().order_by(Registration.event_id)
    ).all():
        lock_event(session, event_id)  # somebody may be deleting their own at the same moment
    for one in needs_where(session, of_people, fresh=True):
        if one.standing not in (OVER, UNDO, MAYBE):
            task = _erased(session, one.registration.event_id, one.kind, now)
            task.arranged += one.standing in (ARRANGED, AGAIN)
            task.not_possible += one.standing == NOT_POSSIBLE
    told = session.execute(
        select(Registration.event_id, Needs.access_needs, Needs.dietary_needs)
        .join(Needs, Needs.registration_id == Registration.id)
        .where(of_people, Registration.state.in_(ACTIVE_STATES))
        .order_by(Registration.id)
    )
    for event_id, access, food in told.all():
        for kind, text in ((TOLD_ACCESS, access), (TOLD_FOOD, food)):
            if needs_something(text):
                _erased(session, event_id, kind, now)
    session.flush()


def _erased(session: Session, event_id: int, kind: str, now: datetime) -> NeedTask:
    """One more whose need is only a number from now on."""
    task = _task(session, event_id, kind)
    task.people, task.erased_at = task.people + 1, now
    return task


def _task(session: Session, event_id: int, kind: str) -> NeedTask:
    task = session.get(NeedTask, (event_id, kind))
    if task is None:
        task = NeedTask(event_id=event_id, kind=kind, people=0, arranged=0, not_possible=0)
        session.add(task)
    return task


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise DomainError("Choose one of the needs shown.")
    return kind


"""Needs as things to arrange: who sees to each kind, what people are told, and what is left when they are erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError
from workshops.core.london_time import london_date
from workshops.registration.models import NeedAnswer, Needs, NeedTask, Registration
from workshops.registration.rules import ACTIVE_STATES
from workshops.registration.rules.needs import KINDS, NeedKind, book_by, fingerprint, kinds_in, text_for
from workshops.registration.service.telling import tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event


@dataclass
class ToArrange:
    """One kind of need at an event, as counts. book_by: the day by which it is usually booked.

    to_do: the registrations nobody has answered yet.   gone: for how many it was arranged who come no longer.
    """

    kind: NeedKind
    book_by: date
    owner_id: int | None = None
    to_do: list[int] = field(default_factory=list)
    arranged: int = 0
    not_possible: int = 0
    gone: int = 0

    @property
    def people(self) -> int:
        """How many who may come need it."""
        return len(self.to_do) + self.arranged + self.not_possible


def things_to_arrange(session: Session, event: Event) -> list[ToArrange]:
    """All kinds of need that people at an event have, in the order of KINDS. Only reads."""
    first_day = event.starts_on or london_date(event.sort_at)
    owners = {
        task.kind: task.owner_id for task in session.scalars(select(NeedTask).where(NeedTask.event_id == event.id))
    }
    found = {
        key: ToArrange(kind, book_by(kind, first_day), owners.get(key)) for key, kind in KINDS.items()
    }
    rows = session.execute(
        select(Registration.id, Registration.state, Needs.access_needs, Needs.dietary_needs)
        .join(Needs, Needs.registration_id == Registration.id)
        .where(Registration.event_id == event.id)
        .order_by(Registration.id)
    ).all()
    answers = answers_of(session, [row.id for row in rows])
    for row in rows:
        for key, state in need_states(row.access_needs, row.dietary_needs, answers.get(row.id, ())).items():
            one = found[key]
            if row.state not in ACTIVE_STATES:
                one.gone += state == "arranged"
            elif state == "to_do":
                one.to_do.append(row.id)
            elif state == "arranged":
                one.arranged += 1
            else:
                one.not_possible += 1
    return [one for one in found.values() if one.people or one.gone]


def answers_of(session: Session, registration_ids: Sequence[int]) -> dict[int, list[NeedAnswer]]:
    """What was said about the needs of these people, by registration."""
    found: dict[int, list[NeedAnswer]] = {}
    for answer in session.scalars(select(NeedAnswer).where(NeedAnswer.registration_id.in_(registration_ids))):
        found.setdefault(answer.registration_id, []).append(answer)
    return found


def need_states(access: str, food: str, answers: Sequence[NeedAnswer]) -> dict[str, str]:
    """{kind: to_do, arranged or not_possible} of one person. An answer to what they wrote before does not count."""
    said = {answer.kind: answer for answer in answers}
    states = {}
    for kind in kinds_in(access, food):
        answer = said.get(kind)
        holds = answer is not None and answer.answers_what == fingerprint(text_for(kind, access, food))
        states[kind] = answer.state if answer is not None and holds else "to_do"
    return states


def take_need_on(
    session: Session, *, event_id: int, kind: str, account_id: int, now: datetime, actor: Actor
) -> NeedTask:
    """Somebody sees to one kind of need at an event. Raises NotFound, and DomainError for an unknown kind."""
    lock_event(session, event_id)
    task = _task(session, event_id, _kind(kind).key)
    if task.owner_id != account_id:
        task.owner_id = account_id
        record(session, now=now, actor=actor, action="need_taken_on", subject=("event", event_id), event_id=event_id,
               reason=kind)  # fmt: skip
    return task


def answer_needs(
    session: Session,
    *,
    event_id: int,
    kind: str,
    state: str,
    message: str,
    registration_id: int | None = None,
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> int:
    """Say that one kind of need is arranged, or cannot be, and tell those who need it; how many were told.

    state: arranged or not_possible, which takes a message.   message: what staff add, kept in the mail alone.
    registration_id: one person, whatever was said before; None is everybody who was not answered yet.
    Raises NotFound, DomainError for the field message or when nobody is left to tell.
    """
    known = _kind(kind)
    if state == "not_possible" and not message.strip():
        raise DomainError("Write what people can do instead, or whom they can ask", field="message")
    event = lock_event(session, event_id)
    here = select(Registration, Needs).join(Needs, Needs.registration_id == Registration.id).where(
        Registration.event_id == event_id, Registration.state.in_(ACTIVE_STATES)
    )
    if registration_id is not None:
        here = here.where(Registration.id == registration_id)
    rows = session.execute(here.order_by(Registration.id)).all()
    answers = answers_of(session, [registration.id for registration, _ in rows])
    told = 0
    for registration, needs in rows:
        before = need_states(needs.access_needs, needs.dietary_needs, answers.get(registration.id, ())).get(known.key)
        if before is None or (before == state if registration_id is not None else before != "to_do"):
            continue
        text = text_for(known.key, needs.access_needs, needs.dietary_needs)
        session.merge(NeedAnswer(registration_id=registration.id, kind=known.key, state=state,
                                 answers_what=fingerprint(text), answered_at=now))  # fmt: skip
        record(session, now=now, actor=actor, action=f"need_{state}", subject=("registration", registration.id),
               event_id=event_id)  # fmt: skip
        tell(session, event, registration, f"need_{state}", now=now, settings=settings,
             values={"message": message.strip()},
             dedupe_key=f"need:{registration.id}:{known.key}:{state}:{int(now.timestamp())}")  # fmt: skip
        told += 1
    if not told:
        raise DomainError("Everybody who needs this has been told already.")
    return told


def note_needs_seen(session: Session, *, event_id: int, now: datetime, actor: Actor) -> None:
    """Write down that somebody looked at who needs what; to be called before the names are shown."""
    record(session, now=now, actor=actor, action="needs_seen", subject=("event", event_id), event_id=event_id)


def keep_counts_of_needs(session: Session, registration_ids: Sequence[int], *, now: datetime) -> None:
    """Before the needs of these people are erased: keep how many needed what, and for how many it was arranged."""
    event_ids = session.scalars(
        select(Registration.event_id).where(Registration.id.in_(registration_ids)).distinct()
    ).all()
    for event_id in sorted(event_ids):
        event = session.get_one(Event, event_id)
        for one in things_to_arrange(session, event):
            task = _task(session, event_id, one.kind.key)
            task.people, task.arranged, task.not_possible = one.people, one.arranged, one.not_possible
            task.erased_at = now
    session.flush()


def _task(session: Session, event_id: int, kind: str) -> NeedTask:
    task = session.get(NeedTask, (event_id, kind))
    if task is None:
        task = NeedTask(event_id=event_id, kind=kind, people=0, arranged=0, not_possible=0)
        session.add(task)
    return task


def _kind(key: str) -> NeedKind:
    if key not in KINDS:
        raise DomainError("Choose one of the needs shown.")
    return KINDS[key]

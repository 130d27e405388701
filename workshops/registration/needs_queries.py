"""Reads needs as things to arrange: where each stands now, counts, and who can arrange them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.core.london_time import london_date
from workshops.registration.models import NeedAnswer, Needs, NeedTask, Registration
from workshops.registration.rules import ACTIVE_STATES
from workshops.registration.rules.needs import KINDS, Said, fingerprint, needs_something, standings, text_for
from workshops.schedule.models import Event, EventFacilitator
from workshops.schedule.queries.reach import may_run

#: States of an event for which nothing is to be arranged, and what was is to be undone.
CALLED_OFF = ("cancelled", "postponed")
#: Kept with the counts of kinds once needs are erased: how many people told us something.
TOLD_ACCESS, TOLD_FOOD = "told_access", "told_food"


def holds_for(event: Event) -> str:
    """What an arrangement is for: when the event starts, and where."""
    return f"{event.sort_at.isoformat()} {event.venue_id or ''} {event.room_id or ''}".strip()


def first_day_of(event: Event) -> date:
    """The first day of an event, in Scotland."""
    return event.starts_on or london_date(event.sort_at)


@dataclass(frozen=True)
class Need:
    """One kind of need of one person, and where it stands now. words: what they wrote about it."""

    kind: str
    standing: str
    registration: Registration
    words: str
    answer: NeedAnswer | None


def needs_where(session: Session, *where: ColumnElement[bool], fresh: bool = False) -> list[Need]:
    """Every need of the registrations that fit, of one after another as they registered. fresh: under the lock."""
    words = (
        select(Registration, Needs, Event)
        .join(Event, Event.id == Registration.event_id)
        .outerjoin(Needs, Needs.registration_id == Registration.id)
        .where(
            *where, or_(Needs.registration_id.is_not(None), select(NeedAnswer.kind).where(
                NeedAnswer.registration_id == Registration.id).exists()),
        )
        .order_by(Registration.registered_at, Registration.id)
    )  # fmt: skip
    answers = select(NeedAnswer).join(Registration, Registration.id == NeedAnswer.registration_id).join(
        Event, Event.id == Registration.event_id).where(*where)  # fmt: skip
    options = {"populate_existing": True} if fresh else {}
    answered: dict[int, dict[str, NeedAnswer]] = {}
    for answer in session.scalars(answers, execution_options=options):
        answered.setdefault(answer.registration_id, {})[answer.kind] = answer
    found = []
    for registration, needs, event in session.execute(words, execution_options=options):
        mine = answered.get(registration.id, {})
        access, food = (needs.access_needs, needs.dietary_needs) if needs is not None else ("", "")
        stand = standings(
            access, food, said_of(mine), place=registration.state, attending=registration.attending,
            holds_for=holds_for(event), takes_place=event.state not in CALLED_OFF,
        )  # fmt: skip
        found += [
            Need(kind, standing, registration, text_for(kind, access, food), mine.get(kind))
            for kind, standing in stand.items()
        ]
    return found


def said_of(answers: Mapping[str, NeedAnswer]) -> dict[str, Said]:
    """What was said, for the rules."""
    return {
        kind: Said(one.state, one.answers_what, one.is_chosen, one.arranged_for)
        for kind, one in answers.items() if kind in KINDS
    }  # fmt: skip


def needs_at(session: Session, event_id: int, *, fresh: bool = False) -> list[Need]:
    """Every need at an event, by kind and then in the order in which people registered."""
    order = list(KINDS)
    found = needs_where(session, Registration.event_id == event_id, fresh=fresh)
    return sorted(found, key=lambda one: order.index(one.kind))


@dataclass(frozen=True)
class Told:
    """How many people told us about access and about food, and whose words nobody has read."""

    access: int
    food: int
    unseen: int


def seen_what(needs: Needs) -> str:
    """Names what somebody wrote, to see whether it was read."""
    return fingerprint(f"{needs.access_needs}\0{needs.dietary_needs}")


def told_at_event(session: Session, event_id: int) -> Told:
    """People who are or may be coming and need something; with those whose needs are erased."""
    rows = session.scalars(
        select(Needs)
        .join(Registration, Registration.id == Needs.registration_id)
        .where(Registration.event_id == event_id, Registration.state.in_(ACTIVE_STATES))
        .order_by(Needs.registration_id)
    ).all()
    left = {task.kind: task.people for task in tasks_of_event(session, event_id).values()}
    return Told(
        sum(needs_something(one.access_needs) for one in rows) + left.get(TOLD_ACCESS, 0),
        sum(needs_something(one.dietary_needs) for one in rows) + left.get(TOLD_FOOD, 0),
        sum(one.seen_what != seen_what(one) for one in rows),
    )


def tasks_of_event(session: Session, event_id: int) -> dict[str, NeedTask]:
    """What is kept of each kind at an event: who arranges it, and what is left once needs are erased."""
    tasks = session.scalars(select(NeedTask).where(NeedTask.event_id == event_id).order_by(NeedTask.kind))
    return {task.kind: task for task in tasks}


def counts_of(needs: Iterable[Need], tasks: Mapping[str, NeedTask]) -> dict[str, Counter[str]]:
    """How many needs of each kind stand where, with those that are erased; kinds in their order."""
    found: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for one in needs:
        found[one.kind][one.standing] += 1
    for task in tasks.values():
        if task.kind in KINDS and task.erased_at is not None:
            found[task.kind] += Counter(
                arranged=task.arranged, not_possible=task.not_possible,
                todo=task.people - task.arranged - task.not_possible,
            )  # fmt: skip
    return {kind: counted for kind, counted in found.items() if any(counted.values())}


def possible_owners(session: Session, event: Event) -> Sequence[Account]:
    """Who can arrange what people need here: whoever runs the event and may see needs; by name."""
    beside = select(EventFacilitator.account_id).where(EventFacilitator.event_id == event.id)
    shown = func.lower(func.coalesce(func.nullif(Account.name, ""), Account.email))
    accounts = session.scalars(
        select(Account)
        .where(
            Account.is_active, Account.sees_needs, Account.role != "viewer",
            or_(Account.role.in_(("admin", "organiser")), Account.id == event.owner_id, Account.id.in_(beside)),
        )
        .order_by(shown, Account.id)
    )
    return [one for one in accounts if may_run(session, one, event)]


def owner_of(kind: str, event: Event, tasks: Mapping[str, NeedTask], possible: Sequence[Account]) -> Account | None:
    """Who arranges a kind: whoever was chosen, else whoever looks after the event; None when neither can."""
    able = {one.id: one for one in possible}
    task = tasks.get(kind)
    return able.get((task.owner_id if task else None) or 0) or able.get(event.owner_id or 0)

"""What somebody signed in may run, and who runs an event."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from workshops.accounts.rules import Signed
from workshops.schedule.models import Event, EventFacilitator, ProgrammeOrganiser
from workshops.schedule.queries.events import chunks
from workshops.schedule.rules.reach import Owned, Reach


def reach_of(session: Session, user: Signed) -> Reach:
    """What this account may do in the schedule; at most three small SELECTs, none for admins and viewers."""
    if user.role not in ("organiser", "facilitator"):
        return Reach(user.id, user.role)
    facilitates = session.scalars(
        select(EventFacilitator.event_id).where(EventFacilitator.account_id == user.id).order_by(
            EventFacilitator.event_id
        )
    )
    if user.role == "facilitator":
        return Reach(user.id, user.role, facilitates=frozenset(facilitates))
    named = session.execute(
        select(ProgrammeOrganiser.programme_id, ProgrammeOrganiser.account_id).order_by(
            ProgrammeOrganiser.programme_id, ProgrammeOrganiser.account_id
        )
    ).all()
    return Reach(
        user.id,
        user.role,
        organises=frozenset(programme for programme, account in named if account == user.id),
        claimed=frozenset(programme for programme, _ in named),
        facilitates=frozenset(facilitates),
    )


def may_run(session: Session, user: Signed, event: Owned) -> bool:
    """Whether this account may run this event. For lists, ask `reach_of` once."""
    return reach_of(session, user).may_run(event)


def require_may_run(session: Session, user: Signed, event: Owned) -> None:
    """Raise NotAllowed unless this account may run this event."""
    reach_of(session, user).require_may_run(event)


def runs(user: Signed) -> ColumnElement[bool]:
    """The WHERE of "their own events": those an account owns or runs beside the owner."""
    beside = select(EventFacilitator.event_id).where(EventFacilitator.account_id == user.id)
    return or_(Event.owner_id == user.id, Event.id.in_(beside))


def within_reach(user: Signed) -> list[ColumnElement[bool]]:
    """The WHERE of "events this account may run", as a list: empty where that is every event."""
    if user.role == "admin":
        return []
    if user.role != "organiser":
        return [runs(user)]
    claimed = select(ProgrammeOrganiser.programme_id)
    named = claimed.where(ProgrammeOrganiser.account_id == user.id)
    free = or_(Event.programme_id.is_(None), Event.programme_id.not_in(claimed), Event.programme_id.in_(named))
    return [or_(runs(user), free)]


def facilitators_of_each(session: Session, event_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """The same for many events; every id has its tuple."""
    found: dict[int, tuple[int, ...]] = dict.fromkeys(event_ids, ())
    for some in chunks(list(found)):
        rows = session.execute(
            select(EventFacilitator.event_id, EventFacilitator.account_id)
            .where(EventFacilitator.event_id.in_(some))
            .order_by(EventFacilitator.event_id, EventFacilitator.account_id)
        )
        for event_id, account_id in rows:
            found[event_id] = (*found[event_id], account_id)
    return found


def facilitators_of(session: Session, event_id: int | None) -> tuple[int, ...]:
    """The accounts that run an event beside its owner, by id."""
    if event_id is None:
        return ()
    return tuple(
        session.scalars(
            select(EventFacilitator.account_id)
            .where(EventFacilitator.event_id == event_id)
            .order_by(EventFacilitator.account_id)
        )
    )

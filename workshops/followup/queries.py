"""Reads notes and write-ups, each list in a total order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from workshops.accounts.models import Account
from workshops.audit.models import AuditEntry
from workshops.followup.models import Note, WriteUp
from workshops.followup.rules import is_overdue, needs_reminder
from workshops.registration.models import Registration
from workshops.schedule.models import Event

#: How many ids one IN may hold, so that no engine's limit on parameters is met.
CHUNK = 500


def notes_of(session: Session, event_id: int) -> Note | None:
    """The notes of an event, draft or published."""
    return session.get(Note, event_id)


def last_withdrawal(session: Session, event_id: int) -> AuditEntry | None:
    """The audit entry of the last time its notes were taken back."""
    return session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.subject_kind == "notes",
            AuditEntry.subject_id == event_id,
            AuditEntry.action == "notes_withdrawn",
        )
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(1)
    ).first()


def write_ups_of(session: Session, event_id: int) -> Sequence[WriteUp]:
    """All write-ups of an event, oldest first: the first is the one that the events spreadsheet holds."""
    return session.scalars(
        select(WriteUp).options(joinedload(WriteUp.owner)).where(WriteUp.event_id == event_id).order_by(WriteUp.id)
    ).all()


def first_write_ups(session: Session, event_ids: Sequence[int]) -> dict[int, WriteUp]:
    """The first write-up of each of these events that has one."""
    found: dict[int, WriteUp] = {}
    for start in range(0, len(event_ids), CHUNK):
        some = event_ids[start : start + CHUNK]
        first = select(func.min(WriteUp.id)).where(WriteUp.event_id.in_(some)).group_by(WriteUp.event_id)
        for write_up in session.scalars(select(WriteUp).where(WriteUp.id.in_(first)).order_by(WriteUp.id)):
            found[write_up.event_id] = write_up
    return found


def write_up_by_id(session: Session, write_up_id: int) -> WriteUp | None:
    """One write-up with its event and owner."""
    return session.scalars(
        select(WriteUp).options(joinedload(WriteUp.event), joinedload(WriteUp.owner)).where(WriteUp.id == write_up_id)
    ).one_or_none()


def lock_write_up(session: Session, write_up_id: int) -> WriteUp | None:
    """The write-up as it is now; call it after the event's lock."""
    return session.scalars(
        select(WriteUp)
        .options(joinedload(WriteUp.event))
        .where(WriteUp.id == write_up_id)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _public() -> Select[WriteUp]:
    """Published write-ups of events that stand in public lists: drafts and unlisted events are left out."""
    return (
        select(WriteUp)
        .join(WriteUp.event)
        .options(contains_eager(WriteUp.event))
        .where(WriteUp.state == "published", Event.state != "draft", Event.is_listed)
    )


def _newest_first() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    # Of imported history the day of publishing is not known: the event's own end stands for it in the order.
    return func.coalesce(WriteUp.published_on, func.date(Event.over_at)).desc(), WriteUp.id.desc()


def published_write_ups(session: Session, limit: int = 50) -> Sequence[WriteUp]:
    """The newest published write-ups with their events."""
    return session.scalars(_public().order_by(*_newest_first()).limit(limit)).all()


def page_of_write_ups(session: Session, page: int, size: int) -> tuple[Sequence[WriteUp], int]:
    """One page (from 1) of the published write-ups, newest first, and how many there are in all."""
    total = session.scalar(select(func.count()).select_from(_public().subquery())) or 0
    found = session.scalars(_public().order_by(*_newest_first()).limit(size).offset((page - 1) * size)).all()
    return found, total


def promised_write_ups(session: Session, *, owner_id: int | None = None) -> Sequence[WriteUp]:
    """Write-ups that are not published: those with a date first, the most overdue at the top.

    owner_id: owned by this account, or of an event it looks after; None: all.
    """
    found = (
        select(WriteUp)
        .join(WriteUp.event)
        .options(contains_eager(WriteUp.event), joinedload(WriteUp.owner))
        .where(WriteUp.state != "published")
        .order_by(WriteUp.due_on.is_(None), WriteUp.due_on, Event.over_at, WriteUp.id)
    )
    if owner_id is not None:
        found = found.where((WriteUp.owner_id == owner_id) | (Event.owner_id == owner_id))
    return session.scalars(found).all()


def count_to_remind(session: Session, *, today: date, owner_id: int | None = None) -> tuple[int, int]:
    """How many promised write-ups are overdue, and how many are due within a week."""
    promised = promised_write_ups(session, owner_id=owner_id)
    named = [one for one in promised if needs_reminder(one.state, one.due_on, today)]
    overdue = sum(is_overdue(one.state, one.due_on, today) for one in named)
    return overdue, len(named) - overdue


def published_counts(session: Session, event_ids: Iterable[int]) -> dict[int, tuple[bool, int]]:
    """For each event with something published: whether it has notes, and how many write-ups."""
    ids = list(event_ids)
    noted: set[int] = set()
    linked: dict[int, int] = {}
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        noted |= set(
            session.scalars(
                select(Note.event_id)
                .where(Note.event_id.in_(some), Note.published_text.is_not(None))
                .order_by(Note.event_id)
            )
        )
        rows = session.execute(
            select(WriteUp.event_id, func.count())
            .where(WriteUp.event_id.in_(some), WriteUp.state == "published")
            .group_by(WriteUp.event_id)
            .order_by(WriteUp.event_id)
        )
        linked.update((row[0], row[1]) for row in rows)
    return {key: (key in noted, linked.get(key, 0)) for key in ids if key in noted or key in linked}


def possible_owners(session: Session) -> Sequence[Account]:
    """Who may be asked to write: active accounts, by name."""
    return session.scalars(
        select(Account).where(Account.is_active).order_by(func.lower(Account.name), Account.email_key)
    ).all()


def names_at(session: Session, event_id: int) -> Sequence[str]:
    """Names of everybody who registered, to warn before they are published by mistake."""
    return session.scalars(
        select(Registration.name)
        .where(Registration.event_id == event_id, Registration.erased_at.is_(None))
        .order_by(Registration.id)
    ).all()

"""Who runs an event, and what they were sent for their own calendar."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.messages.models import OutboxMessage
from workshops.schedule.models import Event, EventFacilitator, RunInvitation


def team_of(session: Session, event: Event) -> Sequence[Account]:
    """Everybody who runs an event now or was told that they do, by id."""
    beside = select(EventFacilitator.account_id).where(EventFacilitator.event_id == event.id)
    told = select(RunInvitation.account_id).where(RunInvitation.event_id == event.id)
    return session.scalars(
        select(Account)
        .where(or_(Account.id == event.owner_id, Account.id.in_(beside), Account.id.in_(told)))
        .order_by(Account.id)
    ).all()


def run_invitations_of(session: Session, event_id: int) -> dict[int, RunInvitation]:
    """What each account was last sent about running an event."""
    rows = session.scalars(
        select(RunInvitation).where(RunInvitation.event_id == event_id).order_by(RunInvitation.account_id)
    )
    return {row.account_id: row for row in rows}


def run_sequences(session: Session, event_id: int) -> dict[str, int]:
    """The highest SEQUENCE that each address was sent for running an event, by its comparable form."""
    rows = session.execute(
        select(Account.email_key, func.max(RunInvitation.sequence))
        .join(Account, Account.id == RunInvitation.account_id)
        .where(RunInvitation.event_id == event_id)
        .group_by(Account.email_key)
    )
    return {key: sequence for key, sequence in rows if sequence is not None}


def run_sequence(session: Session, event_id: int, email_key: str) -> int | None:
    """The highest SEQUENCE that one address was sent for running an event, or None."""
    return session.scalar(
        select(func.max(RunInvitation.sequence))
        .join(Account, Account.id == RunInvitation.account_id)
        .where(RunInvitation.event_id == event_id, Account.email_key == email_key)
    )


def has_run_entry(session: Session, event_id: int, email_key: str) -> bool:
    """Whether an event stands in the calendar of an address because they run it."""
    return (
        session.scalar(
            select(RunInvitation.account_id)
            .join(Account, Account.id == RunInvitation.account_id)
            .where(
                RunInvitation.event_id == event_id, RunInvitation.method == "REQUEST", Account.email_key == email_key
            )
            .limit(1)
        )
        is not None
    )


def last_invitation_mail(session: Session, event_id: int, email_key: str) -> OutboxMessage | None:
    """The newest mail with a calendar object about an event to an address."""
    return session.scalar(
        select(OutboxMessage)
        .where(
            OutboxMessage.event_id == event_id,
            func.lower(OutboxMessage.to_email) == email_key,
            OutboxMessage.calendar_method.is_not(None),
        )
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    )

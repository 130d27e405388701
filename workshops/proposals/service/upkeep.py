"""Removes what its retention time has passed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, cast, delete, func, literal, or_, select, update
from sqlalchemy.orm import Session

from workshops.audit.rules import WORKER
from workshops.audit.service import record
from workshops.messages.service import forget_messages_about
from workshops.proposals.models import Proposal, ProposalStep, ProposalToken
from workshops.proposals.rules import CONFIRM_WITHIN, FINISHED_KEPT, UNANSWERED_KEPT
from workshops.registration.rules import PEOPLE_KEPT
from workshops.schedule.models import Event

#: What stands in the place of a name once it is removed.
ERASED_NAME = "Name removed"
#: What stands in the place of what they wrote.
ERASED_TITLE = "Words removed"
#: Rows changed by one statement.
BATCH = 500


def forget_unconfirmed(session: Session, *, now: datetime, settings: object = None) -> int:
    """Delete what nobody confirmed in time; returns how many. Done by the worker, so that none waits for a purge."""
    return _delete(session, _unconfirmed(now))


def erase_expired(session: Session, *, now: datetime, dry_run: bool) -> dict[str, int]:
    """Remove what its retention time has passed; returns how many of each. dry_run only counts.

    Unconfirmed ones go after 7 days, declined and withdrawn ones 30 days after the answer, unanswered ones a year
    after they last moved. Of those that became an event, the person goes with the people of that event; that there
    was a proposal stays, by number.
    """
    gone = or_(
        _unconfirmed(now),
        and_(Proposal.state.in_(("declined", "withdrawn")), Proposal.state_changed_at <= now - FINISHED_KEPT),
        and_(Proposal.state.in_(("waiting", "changes")), Proposal.state_changed_at <= now - UNANSWERED_KEPT),
    )
    over = and_(
        Proposal.state == "accepted",
        Proposal.erased_at.is_(None),
        Proposal.event_id.in_(select(Event.id).where(Event.over_at <= now - PEOPLE_KEPT)),
    )
    counts = {"proposals": _count(session, gone), "people who proposed events": _count(session, over)}
    if dry_run or not any(counts.values()):
        return counts
    _delete(session, gone)
    _erase(session, over, now)
    record(
        session, now=now, actor=WORKER, action="personal_values_removed", subject=("proposal", None),
        reason=", ".join(f"{number} {what}" for what, number in counts.items()),
    )  # fmt: skip
    session.flush()
    session.expire_all()
    return counts


def _unconfirmed(now: datetime) -> ColumnElement[bool]:
    return and_(Proposal.state == "unconfirmed", Proposal.created_at <= now - CONFIRM_WITHIN)


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Proposal).where(which)) or 0


def _ids(session: Session, which: ColumnElement[bool]) -> list[list[int]]:
    ids = list(session.scalars(select(Proposal.id).where(which).order_by(Proposal.id)))
    return [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]


def _delete(session: Session, which: ColumnElement[bool]) -> int:
    deleted = 0
    for some in _ids(session, which):
        forget_messages_about(session, "proposal", some)
        for table, column in ((ProposalToken, ProposalToken.proposal_id), (ProposalStep, ProposalStep.proposal_id)):
            session.execute(delete(table).where(column.in_(some)), execution_options={"synchronize_session": False})
        session.execute(
            delete(Proposal).where(Proposal.id.in_(some)), execution_options={"synchronize_session": False}
        )
        deleted += len(some)
    return deleted


def _erase(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    quietly = {"synchronize_session": False}
    for some in _ids(session, which):
        forget_messages_about(session, "proposal", some)
        session.execute(delete(ProposalToken).where(ProposalToken.proposal_id.in_(some)), execution_options=quietly)
        session.execute(
            update(ProposalStep).where(ProposalStep.proposal_id.in_(some)).values(words=""), execution_options=quietly
        )
        session.execute(
            update(Proposal)
            .where(Proposal.id.in_(some))
            .values(
                name=ERASED_NAME,
                # What they wrote went into the event, as far as it was meant for it; the rest may tell of anybody.
                organisation="",
                title=ERASED_TITLE,
                summary="",
                venue_name="",
                venue_address="",
                postcode="",
                topics="",
                email="",
                email_key=literal("erased:") + cast(Proposal.id, Text),
                message="",
                access="",
                when_words="",
                form_key_hash=None,
                shows_names=False,
                erased_at=now,
            ),
            execution_options=quietly,
        )

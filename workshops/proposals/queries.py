"""Reads proposals. Knows no write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session, joinedload

from workshops.accounts.rules import Signed
from workshops.core import db as database
from workshops.core.errors import NotFound
from workshops.core.tokens import looks_like_token, token_hash
from workshops.proposals.models import AskForm, Proposal, ProposalStep, ProposalToken
from workshops.proposals.rules import CONFIRM_WITHIN
from workshops.registration.models import Registration
from workshops.schedule.models import Event, Programme, ProgrammeOrganiser
from workshops.schedule.queries.events import WITH_NAMES

#: What tokens are bound to. A link that confirms an address opens no page, and the other way round.
CONFIRM, PROPOSAL = "confirm", "proposal"
#: On one page of the queue.
PAGE_SIZE = 50

_WITH = (joinedload(Proposal.programme), joinedload(Proposal.event).options(*WITH_NAMES))


def hash_for(purpose: str, token: str) -> str:
    """What is kept of a token of this slice."""
    return token_hash(f"proposal {purpose}", token)


def by_token(session: Session, purpose: str, token: str, *, now: datetime) -> Proposal | None:
    """The proposal that a link opens; None for wrong, ended, revoked and those of another purpose."""
    if not looks_like_token(token):
        return None
    wanted = [
        ProposalToken.token_hash == hash_for(purpose, token),
        ProposalToken.purpose == purpose,
        ProposalToken.revoked_at.is_(None),
        Proposal.erased_at.is_(None),
    ]
    if purpose == CONFIRM:
        wanted.append(or_(Proposal.state != "unconfirmed", Proposal.created_at > now - CONFIRM_WITHIN))
    else:
        wanted.append(Proposal.state != "unconfirmed")
    return session.scalar(
        select(Proposal)
        .join(ProposalToken, ProposalToken.proposal_id == Proposal.id)
        .options(*_WITH)
        .where(*wanted)
    )


def by_id(session: Session, proposal_id: int) -> Proposal | None:
    """A proposal that organisers may know of: not before its address is confirmed."""
    return session.scalar(
        select(Proposal).options(*_WITH).where(Proposal.id == proposal_id, Proposal.state != "unconfirmed")
    )


def lock_proposal(session: Session, proposal_id: int) -> Proposal:
    """The proposal, fresh, and nobody else decides about it until this transaction ends. Raises NotFound."""
    statement = select(Proposal).where(Proposal.id == proposal_id).execution_options(populate_existing=True)
    if database.locking_is_on and session.get_bind().dialect.name == "postgresql":
        statement = statement.with_for_update(of=Proposal)
    found = session.scalar(statement)
    if found is None:
        raise NotFound("This proposal is not kept any more.")
    return found


def of_event(session: Session, event_id: int) -> Proposal | None:
    """The proposal that an event was made of, unless its person was removed."""
    return session.scalar(select(Proposal).where(Proposal.event_id == event_id, Proposal.erased_at.is_(None)))


def steps_of(session: Session, proposal_id: int) -> Sequence[ProposalStep]:
    """What happened to it, newest first."""
    return session.scalars(
        select(ProposalStep)
        .options(joinedload(ProposalStep.account))
        .where(ProposalStep.proposal_id == proposal_id)
        .order_by(ProposalStep.at.desc(), ProposalStep.id.desc())
    ).all()


def last_words(session: Session, proposal_id: int, step: str) -> str:
    """The message of the latest step of this kind."""
    return session.scalar(
        select(ProposalStep.words)
        .where(ProposalStep.proposal_id == proposal_id, ProposalStep.step == step)
        .order_by(ProposalStep.at.desc(), ProposalStep.id.desc())
        .limit(1)
    ) or ""


def has_links(session: Session, proposal_id: int) -> bool:
    """Whether any link still opens its page."""
    return session.scalar(
        select(ProposalToken.id)
        .where(
            ProposalToken.proposal_id == proposal_id,
            ProposalToken.purpose == PROPOSAL,
            ProposalToken.revoked_at.is_(None),
        )
        .limit(1)
    ) is not None


def for_organiser(user: Signed) -> list[ColumnElement[bool]]:
    """The WHERE of "proposals this account answers": those of its programmes, and the general ones."""
    if user.role == "admin":
        return []
    if user.role != "organiser":
        return [false()]
    claimed = select(ProgrammeOrganiser.programme_id)
    named = claimed.where(ProgrammeOrganiser.account_id == user.id)
    return [
        or_(
            Proposal.programme_id.is_(None),
            Proposal.programme_id.not_in(claimed),
            Proposal.programme_id.in_(named),
        )
    ]


def queue(session: Session, user: Signed, state: str, *, page: int) -> Sequence[Proposal]:
    """One page of the proposals in a state: those that wait longest first, finished ones latest first."""
    order = (
        (Proposal.sent_at, Proposal.id)
        if state in ("waiting", "changes")
        else (Proposal.state_changed_at.desc(), Proposal.id.desc())
    )
    return session.scalars(
        select(Proposal)
        .options(joinedload(Proposal.programme), joinedload(Proposal.event))
        .where(Proposal.state == state, Proposal.erased_at.is_(None), *for_organiser(user))
        .order_by(*order)
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
    ).all()


def queue_counts(session: Session, user: Signed) -> dict[str, int]:
    """How many proposals are in each state; states without any are absent."""
    rows = session.execute(
        select(Proposal.state, func.count())
        .where(Proposal.state != "unconfirmed", Proposal.erased_at.is_(None), *for_organiser(user))
        .group_by(Proposal.state)
        .order_by(Proposal.state)
    )
    return {str(state): int(count) for state, count in rows}


def same_form(session: Session, form_hash: str) -> Proposal | None:
    """The proposal that was made when this very form was sent before."""
    return session.scalar(select(Proposal).where(Proposal.form_key_hash == form_hash))


def unconfirmed_of(session: Session, key: str, *, since: datetime) -> int:
    """How many proposals of an address wait to be confirmed."""
    return session.scalar(
        select(func.count())
        .select_from(Proposal)
        .where(Proposal.email_key == key, Proposal.state == "unconfirmed", Proposal.created_at > since)
    ) or 0


def ask_form(session: Session) -> AskForm:
    """The general ask form; closed while nobody has opened it."""
    return session.get(AskForm, 1) or AskForm(id=1, is_open=False, words="")


def programme_with_form(session: Session, slug: str) -> Programme | None:
    """The published programme at this address."""
    return session.scalar(select(Programme).where(Programme.slug == slug, Programme.is_published))


def coming_people(session: Session, event_id: int) -> list[tuple[str, str]]:
    """(name, attending) of everybody with a place, by name: what a host may read who was granted it. No addresses."""
    rows = session.execute(
        select(Registration.name, Registration.attending)
        .where(
            Registration.event_id == event_id,
            Registration.state == "confirmed",
            Registration.erased_at.is_(None),
        )
        .order_by(func.lower(Registration.name), Registration.id)
    )
    return [(name, attending) for name, attending in rows]


def event_of(session: Session, event_id: int) -> Event | None:
    """An event with all that is shown of it."""
    return session.scalar(select(Event).options(*WITH_NAMES).where(Event.id == event_id))

"""Mail about a proposal, and the history that stands beside it.

Each mail mints its own link; older ones stay valid until staff revoke them. Before an address is confirmed it is
sent nothing that somebody typed, so that nobody can write to others through us.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.tokens import new_token
from workshops.messages.mime import display_name
from workshops.messages.service import enqueue
from workshops.proposals.models import Proposal, ProposalStep, ProposalToken
from workshops.proposals.queries import PROPOSAL, hash_for

#: What stands in a shown letter in the place of the person's own link.
OWN_LINK = "(a link of their own)"


def mint_link(session: Session, proposal: Proposal, purpose: str, *, now: datetime, settings: Settings) -> str:
    """A new link, for this purpose alone. Older ones stay valid."""
    link, token = _new_link(proposal, purpose, now=now, settings=settings)
    session.add(token)
    return link


def _new_link(
    proposal: Proposal, purpose: str, *, now: datetime, settings: Settings
) -> tuple[str, ProposalToken]:
    token = new_token()
    kept = ProposalToken(
        proposal_id=proposal.id, purpose=purpose, token_hash=hash_for(purpose, token), created_at=now
    )
    path = f"proposals/{token}" if purpose == PROPOSAL else f"proposals/{purpose}/{token}"
    return f"{settings.base_url}/{path}", kept


def letter_values(proposal: Proposal, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What every mail to somebody whose address is confirmed may say."""
    return {
        "name": display_name(proposal.name),
        "purpose": proposal.purpose,
        "title": proposal.title,
        "programme": proposal.programme.title if proposal.programme else "",
        "message": "",
        **(more or {}),
    }


def tell(
    session: Session,
    proposal: Proposal,
    kind: str,
    *,
    now: datetime,
    settings: Settings,
    values: Mapping[str, Any] | None = None,
    dedupe_key: str,
    drop_after: datetime | None = None,
) -> bool:
    """Store one mail to the person behind a proposal, with a link of its own; False when it was told already.

    kind: the folder under templates/emails/proposals.   dedupe_key: names the news.
    """
    link, token = _new_link(proposal, PROPOSAL, now=now, settings=settings)
    message = enqueue(
        session,
        kind=f"proposals/{kind}",
        to_email=proposal.email,
        to_name=proposal.name,
        values=letter_values(proposal, values),
        links={"proposal": link},
        dedupe_key=f"proposal:{kind}:{proposal.id}:{dedupe_key}",
        about=("proposal", proposal.id),
        now=now,
        drop_after=drop_after,
        settings=settings,
    )
    if message is not None:
        session.add(token)
    return message is not None


def note(
    session: Session,
    proposal: Proposal,
    step: str,
    *,
    now: datetime,
    actor: Actor,
    words: str = "",
    fields: tuple[str, ...] = ("state",),
) -> None:
    """Write down what happened: with words beside the proposal, without them in the audit."""
    session.add(
        ProposalStep(
            proposal_id=proposal.id,
            at=now,
            step=step,
            words=words,
            account_id=actor.id if actor.kind == "staff" else None,
        )
    )
    record(
        session,
        now=now,
        actor=actor,
        action=step,
        subject=("proposal", proposal.id),
        event_id=proposal.event_id,
        fields=fields,
    )

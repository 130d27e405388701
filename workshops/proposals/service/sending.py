"""Somebody proposes an event or asks for one, and confirms that the address is theirs."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workshops.audit.rules import host
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.messages.service import enqueue
from workshops.proposals.models import Proposal
from workshops.proposals.queries import CONFIRM, ask_form, lock_proposal, same_form, unconfirmed_of
from workshops.proposals.rules import (
    CONFIRM_WITHIN,
    UNCONFIRMED_MOST,
    Details,
    FormClosed,
    WrongState,
    check_details,
    cleaned,
    refuse_rubbish,
)
from workshops.proposals.service.telling import mint_link, note, tell
from workshops.schedule.models import Programme

#: What is looked at for links and code.
TEXTS = ("organisation", "name", "title", "summary", "when_words", "venue_name", "venue_address", "topics", "message",
         "access")  # fmt: skip


def new_form_key() -> str:
    """A hidden value for a fresh form."""
    return secrets.token_urlsafe(16)


def propose(
    session: Session,
    *,
    purpose: str,
    programme_id: int | None,
    details: Details,
    email: str,
    form_key: str,
    now: datetime,
    settings: Settings,
) -> None:
    """Keep what was sent and mail a link to its address; nobody reads it before that link's button is pressed.

    The same form sent twice is one proposal, and an address with many unconfirmed ones gets no further mail; neither
    shows from outside. Raises FormClosed, or DetailsDoNotFit with all that is wrong.
    """
    programme = _open_programme(session, purpose, programme_id)
    details = cleaned(details)
    check_details(purpose, details, now=now)
    refuse_rubbish({name: getattr(details, name) for name in TEXTS})
    key = email_key(email)
    form_hash = hashlib.sha256(f"{form_key}\0{key}".encode()).hexdigest() if form_key else None
    if form_hash is not None and same_form(session, form_hash) is not None:
        return
    if unconfirmed_of(session, key, since=now - CONFIRM_WITHIN) >= UNCONFIRMED_MOST:
        return
    proposal = Proposal(
        purpose=purpose, programme=programme, state="unconfirmed", email=email, email_key=key, form_key_hash=form_hash,
        created_at=now, state_changed_at=now, **asdict(details),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(proposal)
    except IntegrityError:
        return  # the same form at the same moment: the other one is kept
    note(session, proposal, "proposal_made", now=now, actor=host(proposal.id))
    _ask_to_confirm(session, proposal, now=now, settings=settings)
    session.flush()


def _open_programme(session: Session, purpose: str, programme_id: int | None) -> Programme | None:
    """The programme whose form is open, or None for the general one. Raises FormClosed."""
    if programme_id is None:
        if purpose != "ask" or not ask_form(session).is_open:
            raise FormClosed
        return None
    programme = session.get(Programme, programme_id)
    if programme is None or not programme.is_published or not is_open(programme, purpose):
        raise FormClosed
    return programme


def is_open(programme: Programme, purpose: str) -> bool:
    """Whether this form of a programme is open."""
    return programme.host_form_is_open if purpose == "host" else programme.ask_form_is_open


def _ask_to_confirm(session: Session, proposal: Proposal, *, now: datetime, settings: Settings) -> None:
    # Nothing typed goes into this mail, the name included: the address may be that of somebody who never came here.
    enqueue(
        session,
        kind="proposals/confirm",
        to_email=proposal.email,
        values={
            "purpose": proposal.purpose,
            "programme": proposal.programme.title if proposal.programme else "",
            "until": now + CONFIRM_WITHIN,
        },
        links={"confirm": mint_link(session, proposal, CONFIRM, now=now, settings=settings)},
        dedupe_key=f"proposal:confirm:{proposal.id}",
        about=("proposal", proposal.id),
        now=now,
        drop_after=now + CONFIRM_WITHIN,
        settings=settings,
    )


def confirm(session: Session, *, proposal_id: int, now: datetime, settings: Settings) -> bool:
    """The address is its owner's, so the proposal enters the queue; False when it did before.

    Raises NotFound, or WrongState when it is too late.
    """
    proposal = lock_proposal(session, proposal_id)
    if proposal.state != "unconfirmed":
        return False
    if now >= proposal.created_at + CONFIRM_WITHIN:
        raise WrongState("It is more than 7 days since this was sent. Fill in the form again.")
    proposal.state, proposal.state_changed_at, proposal.sent_at = "waiting", now, now
    note(session, proposal, "proposal_confirmed", now=now, actor=host(proposal.id))
    tell(session, proposal, "received", now=now, settings=settings, dedupe_key="1")
    session.flush()
    return True


def details_of(proposal: Proposal) -> Details:
    """What a proposal says."""
    return Details(**{entry.name: getattr(proposal, entry.name) for entry in fields(Details)})


def write_details(proposal: Proposal, details: Details) -> tuple[str, ...]:
    """Put cleaned and checked details on a proposal; the names of what changed."""
    changed = tuple(
        entry.name for entry in fields(Details) if getattr(proposal, entry.name) != getattr(details, entry.name)
    )
    for name in changed:
        setattr(proposal, name, getattr(details, name))
    return changed

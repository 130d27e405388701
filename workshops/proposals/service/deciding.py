"""Organisers answer: accept, ask for changes, decline. Each answer is a message to the person, and goes once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError, EditClash
from workshops.core.text import clean_text
from workshops.core.versions import touch_public
from workshops.messages.render import Words, placeholder, render_words
from workshops.proposals.models import AskForm, Proposal, ProposalToken
from workshops.proposals.queries import PROPOSAL, ask_form, lock_proposal
from workshops.proposals.rules import MESSAGE_MAX, WrongState, require_decision
from workshops.proposals.service.telling import OWN_LINK, letter_values, note, tell
from workshops.schedule.models import Event
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.service import create_event

#: A decision -> its mail.
LETTERS = {"accept": "accepted", "ask": "changes_asked", "decline": "declined"}


def letter_for(proposal: Proposal, decision: str, message: str, *, settings: Settings) -> Words:
    """The very words that a decision would send, for somebody to read before it goes."""
    words = render_words(
        f"proposals/{LETTERS[decision]}",
        values=letter_values(proposal, {"message": clean_message(message, decision)}),
        links=("proposal",),
        settings=settings,
    )
    return Words(words.subject, words.text.replace(placeholder("proposal"), OWN_LINK), words.html)


def clean_message(typed: str, decision: str) -> str:
    """The message as it is sent. Raises DomainError when it is missing where it must not be, or long."""
    message = clean_text(typed, multiline=True)
    if not message and decision != "accept":
        raise DomainError(
            "Write what should be changed" if decision == "ask" else "Write why, so that they understand",
            field="message",
        )
    if len(message) > MESSAGE_MAX:
        raise DomainError(f"The message must be {MESSAGE_MAX:,} characters or fewer", field="message")
    return message


def accept(
    session: Session,
    *,
    proposal_id: int,
    edition: int,
    details: EventDetails,
    message: str,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> Event:
    """Make a draft event of it and tell the person.

    edition: that which was read.   details: of the draft, its programme and owner included.
    Raises NotFound, WrongState, EditClash, or DetailsDoNotFit with all that is wrong with the details.
    """
    proposal = _locked(session, proposal_id, "accept", edition)
    message = clean_message(message, "accept")
    event = create_event(session, details=details, now=now, actor=actor, settings=settings).event
    proposal.event_id = event.id
    if proposal.programme_id is None:
        proposal.programme_id = event.programme_id
    session.flush()
    _answer(session, proposal, "accepted", "accept", message, now=now, actor=actor, settings=settings)
    return event


def ask_for_changes(
    session: Session, *, proposal_id: int, edition: int, message: str, now: datetime, actor: Actor, settings: Settings
) -> None:
    """Give it back to the person, who changes it by link. Raises NotFound, WrongState, EditClash, DomainError."""
    proposal = _locked(session, proposal_id, "ask", edition)
    _answer(session, proposal, "changes", "ask", clean_message(message, "ask"), now=now, actor=actor,
            settings=settings)  # fmt: skip


def decline(
    session: Session, *, proposal_id: int, edition: int, message: str, now: datetime, actor: Actor, settings: Settings
) -> None:
    """Turn it down with a reason. Raises NotFound, WrongState, EditClash, DomainError."""
    proposal = _locked(session, proposal_id, "decline", edition)
    _answer(session, proposal, "declined", "decline", clean_message(message, "decline"), now=now, actor=actor,
            settings=settings)  # fmt: skip


def _locked(session: Session, proposal_id: int, decision: str, edition: int) -> Proposal:
    proposal = lock_proposal(session, proposal_id)
    if proposal.state == "unconfirmed" or proposal.erased_at is not None:
        raise WrongState("This proposal is not in the queue.")
    require_decision(decision, proposal.state)
    if proposal.edition != edition:
        raise EditClash("The person changed this while you were reading. Read it again: nothing was sent.")
    return proposal


def _answer(
    session: Session,
    proposal: Proposal,
    state: str,
    decision: str,
    message: str,
    *,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> None:
    proposal.state, proposal.state_changed_at = state, now
    # an answer counts as a turn of its own: the same page sent again finds another edition
    proposal.edition += 1
    note(session, proposal, f"proposal_{LETTERS[decision]}", now=now, actor=actor, words=message)
    tell(
        session, proposal, LETTERS[decision], now=now, settings=settings, values={"message": message},
        dedupe_key=str(proposal.edition),
    )  # fmt: skip
    session.flush()


def send_link(session: Session, *, proposal_id: int, now: datetime, actor: Actor, settings: Settings) -> None:
    """Mail a new link to the person's own address. Older ones stay valid. Raises NotFound, WrongState."""
    proposal = lock_proposal(session, proposal_id)
    _require_kept(proposal)
    note(session, proposal, "proposal_link_sent", now=now, actor=actor, fields=())
    tell(session, proposal, "your_link", now=now, settings=settings, dedupe_key=str(now.timestamp()))
    session.flush()


def revoke_links(session: Session, *, proposal_id: int, now: datetime, actor: Actor) -> None:
    """End every link to its page, at once. Raises NotFound, WrongState."""
    proposal = lock_proposal(session, proposal_id)
    _require_kept(proposal)
    session.execute(
        update(ProposalToken)
        .where(
            ProposalToken.proposal_id == proposal.id,
            ProposalToken.purpose == PROPOSAL,
            ProposalToken.revoked_at.is_(None),
        )
        .values(revoked_at=now),
        execution_options={"synchronize_session": False},
    )
    note(session, proposal, "proposal_links_revoked", now=now, actor=actor, fields=())
    session.flush()


def grant_names(
    session: Session, *, proposal_id: int, shows: bool, reason: str, now: datetime, actor: Actor
) -> None:
    """Let the host read who comes, or end it. reason: needed to grant it, kept in the history.

    Raises NotFound, WrongState, DomainError for the field reason.
    """
    proposal = lock_proposal(session, proposal_id)
    _require_kept(proposal)
    if proposal.purpose != "host" or proposal.state != "accepted":
        raise WrongState("Names can be shown to the host of an accepted event alone.")
    if proposal.shows_names == shows:
        return
    reason = clean_text(reason, multiline=True)
    if shows and not reason:
        raise DomainError("Write why the host needs the names", field="reason")
    if len(reason) > MESSAGE_MAX:
        raise DomainError(f"The reason must be {MESSAGE_MAX:,} characters or fewer", field="reason")
    proposal.shows_names = shows
    note(session, proposal, "proposal_names_granted" if shows else "proposal_names_ended", now=now, actor=actor,
         words=reason, fields=("shows_names",))  # fmt: skip
    session.flush()


def _require_kept(proposal: Proposal) -> None:
    if proposal.state == "unconfirmed" or proposal.erased_at is not None:
        raise WrongState("This proposal is not in the queue.")


def save_ask_form(session: Session, *, is_open: bool, words: str, now: datetime, actor: Actor) -> None:
    """Open or close the general "Ask us for an event" page. words: above the form, Markdown."""
    form: AskForm = ask_form(session)
    words = clean_text(words, multiline=True)
    if len(words) > MESSAGE_MAX:
        raise DomainError(f"These words must be {MESSAGE_MAX:,} characters or fewer", field="words")
    if (form.is_open, form.words) == (is_open, words):
        return
    form.is_open, form.words = is_open, words
    session.add(form)
    session.flush()
    # public pages link to it while it is open
    touch_public(session)
    record(
        session, now=now, actor=actor, action="ask_form_changed", subject=("ask_form", 1), fields=("is_open", "words")
    )

"""What staff do with a message that is not sent: hold, release, change, cancel, try again. Each is written down.

The caller has asked whether this account may; here only the state of the message decides.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError, NotFound
from workshops.messages import queries, rules
from workshops.messages.models import OutboxMessage
from workshops.messages.render import edited_words, placeholder, placeholders_in
from workshops.messages.service.writing import take_back

CANCELLED_BY_STAFF = "Cancelled by staff."
GIVEN_UP_HELD = "It was held until it was too late."
#: So many messages that were held too long are dropped at one look.
BATCH = 200


class OutOfReach(DomainError):
    """The message has moved on."""

    sentence = "This message has moved on since you opened the page. What it says below is how it stands now."


@dataclass(frozen=True)
class Edit:
    """New words of a message. seen: the fingerprint of the words that the writer began with."""

    subject: str
    text: str
    seen: str


def allowed_acts(message: OutboxMessage) -> frozenset[str]:
    """What staff may do with this message now."""
    return rules.acts_on(
        message.state, is_held=message.held_at is not None, bounced=message.bounced,
        is_dealt_with=message.dealt_with_at is not None,
        can_go_again=message.sealed_links is not None or not placeholders_in(message.body_text),
    )


def fingerprint(message: OutboxMessage) -> str:
    """Names the words of a message, so that two writers notice each other."""
    return hashlib.sha256(f"{message.subject}\0{message.body_text}".encode()).hexdigest()[:16]


def shown_text(message: OutboxMessage) -> str:
    """The text as it is sent, without the personal links: staff never see those."""
    text = message.body_text
    for name in set(placeholders_in(text)):
        text = text.replace(placeholder(name), "(their personal link)")
    return text


def _locked(session: Session, message_id: int, act: str) -> OutboxMessage:
    message = queries.lock_message(session, message_id)
    if message is None:
        raise NotFound
    if act not in allowed_acts(message):
        raise OutOfReach
    return message


def _note(
    session: Session, message: OutboxMessage, action: str, *, now: datetime, actor: Actor, fields: tuple[str, ...] = ()
) -> None:
    record(
        session, now=now, actor=actor, action=action, subject=("message", message.id), event_id=message.event_id,
        fields=fields,
    )


def hold_message(session: Session, *, message_id: int, now: datetime, actor: Actor) -> None:
    """Keep a message back until it is released. Raises NotFound, OutOfReach."""
    message = _locked(session, message_id, rules.HOLD)
    message.held_at = now
    _note(session, message, "message_held", now=now, actor=actor)


def release_message(session: Session, *, message_id: int, now: datetime, actor: Actor) -> None:
    """Let a held message go: it is sent when it is due. Raises NotFound, OutOfReach."""
    message = _locked(session, message_id, rules.RELEASE)
    message.held_at = None
    # the time it was held is no fault of the worker, which is judged by how long a message has been due
    message.due_at = max(message.due_at, now)
    _note(session, message, "message_released", now=now, actor=actor)


def cancel_message(session: Session, *, message_id: int, now: datetime, actor: Actor) -> None:
    """Never send it; its personal link is gone. Raises NotFound, OutOfReach."""
    message = _locked(session, message_id, rules.CANCEL)
    take_back(message, CANCELLED_BY_STAFF)
    message.held_at = None
    _note(session, message, "message_cancelled", now=now, actor=actor)


def retry_message(session: Session, *, message_id: int, now: datetime, actor: Actor) -> None:
    """Try it now; one that failed begins anew. Raises NotFound, OutOfReach."""
    message = _locked(session, message_id, rules.RETRY)
    if message.state == "failed":
        message.state, message.attempts = "due", 0
        message.dealt_with_at = message.refused_at = None
    message.due_at = now
    _note(session, message, "message_tried_again", now=now, actor=actor)


def deal_with_message(session: Session, *, message_id: int, now: datetime, actor: Actor) -> None:
    """Take a failed or returned message off the list of what needs attention. Raises NotFound, OutOfReach."""
    message = _locked(session, message_id, rules.DEAL_WITH)
    message.dealt_with_at = now
    _note(session, message, "message_dealt_with", now=now, actor=actor)


def edit_message(
    session: Session, *, message_id: int, edit: Edit, now: datetime, actor: Actor, settings: Settings
) -> None:
    """Give a message that waits other words; the HTML is made from the text, so that both say the same.

    Raises NotFound, OutOfReach, and DomainError with its field when the words changed in between, a personal link
    is missing, or there is one more.
    """
    message = _locked(session, message_id, rules.EDIT)
    if edit.seen != fingerprint(message):
        raise DomainError(
            "The words of this message changed while you were writing. Copy what you wrote, then open the page again.",
            field="text",
        )
    words = edited_words(edit.subject, edit.text, settings=settings)
    needed = set(placeholders_in(message.body_text))
    written = set(placeholders_in(words.text))
    missing, unknown = sorted(needed - written), sorted(written - needed)
    if missing:
        raise DomainError(
            f"Leave {placeholder(missing[0])} in the text: the person’s own link goes there.", field="text"
        )
    if unknown:
        raise DomainError(f"There is no link called {placeholder(unknown[0])} in this message.", field="text")
    if not words.subject:
        raise DomainError("Enter a subject", field="subject")
    before, after = (message.subject, message.body_text), (words.subject, words.text)
    changed = [name for name, old, new in zip(("subject", "text"), before, after, strict=True) if old != new]
    if not changed:
        return
    message.subject, message.body_text, message.body_html = words.subject, words.text, words.html
    _note(session, message, "message_edited", now=now, actor=actor, fields=tuple(changed))


def drop_held_too_long(session: Session, *, now: datetime) -> int:
    """Cancel messages that were held until their news had lost its worth; how many."""
    late = session.scalars(
        select(OutboxMessage)
        .where(
            OutboxMessage.held_at.is_not(None), OutboxMessage.state.in_(("due", "retry")),
            OutboxMessage.drop_after < now,
        )
        .order_by(OutboxMessage.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for message in late:
        take_back(message, GIVEN_UP_HELD)
        message.held_at = None
    return len(late)

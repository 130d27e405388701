"""Puts mail into the outbox, in the caller's transaction: saved with what it tells, or not at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.core.text import clean_text
from workshops.core.tokens import seal, unseal
from workshops.messages.models import OutboxMessage
from workshops.messages.render import render_words

#: The purpose under which personal links are sealed.
SEAL = "outbox links"

#: So many keys are looked for in one SELECT: SQLite takes 32,766 values, and a page of them is enough.
KEYS_AT_ONCE = 1_000

#: Names Message-IDs; any fixed UUID would do.
_NAMESPACE = uuid.UUID("6f0a3b52-5e1c-5f0e-9d0c-3f7a1c0f8e11")


def enqueue(
    session: Session,
    *,
    kind: str,
    to_email: str,
    to_name: str = "",
    values: Mapping[str, Any],
    links: Mapping[str, str] | None = None,
    dedupe_key: str,
    about: tuple[str, int | None] = ("", None),
    event_id: int | None = None,
    calendar: bytes | None = None,
    calendar_method: str | None = None,
    now: datetime,
    due_at: datetime | None = None,
    drop_after: datetime | None = None,
    settings: Settings,
) -> OutboxMessage | None:
    """Store one mail to one person; None when this news was told already.

    kind: "<slice>/<kind>", the folder of its templates, which get `values` and `links.<name>`.
    links: name -> absolute personal address; stored sealed, put into the bodies at the moment of sending.
    dedupe_key: names the news, such as "place_confirmed:17:0".   about: what it is about, (kind, id).
    calendar, calendar_method: an iTIP object and its METHOD, REQUEST or CANCEL; both or neither.
    due_at: not before (now).   drop_after: not after; then it is cancelled.   All instants aware, UTC.
    Raises ValueError for an address with control characters or a calendar part without its method.
    """
    if session.scalar(select(OutboxMessage.id).where(OutboxMessage.dedupe_key == dedupe_key)) is not None:
        return None
    letter = written(
        kind=kind, to_email=to_email, to_name=to_name, values=values, links=links, dedupe_key=dedupe_key, about=about,
        event_id=event_id, calendar=calendar, calendar_method=calendar_method, now=now, due_at=due_at,
        drop_after=drop_after, settings=settings,
    )
    statement = _insert(session).values(letter).on_conflict_do_nothing(index_elements=["dedupe_key"])
    return session.scalars(statement.returning(OutboxMessage)).one_or_none()


#: A mail that is written and not yet in the outbox: the values of its row.
Letter = dict[str, Any]


def written(
    *,
    kind: str,
    to_email: str,
    to_name: str = "",
    values: Mapping[str, Any],
    links: Mapping[str, str] | None = None,
    dedupe_key: str,
    about: tuple[str, int | None] = ("", None),
    event_id: int | None = None,
    calendar: bytes | None = None,
    calendar_method: str | None = None,
    now: datetime,
    due_at: datetime | None = None,
    drop_after: datetime | None = None,
    settings: Settings,
) -> Letter:
    """As enqueue, for `enqueue_all`, which stores many letters at once. Raises ValueError as enqueue does."""
    if (calendar is None) != (calendar_method is None):
        raise ValueError("a calendar part and its method come together")
    if to_email != clean_text(to_email) or " " in to_email:
        raise ValueError("an address is one line without blanks")
    links = dict(links or {})
    words = render_words(kind, values=values, links=links, settings=settings)
    return {
        "dedupe_key": dedupe_key,
        "kind": kind,
        "about_kind": about[0],
        "about_id": about[1],
        "event_id": event_id,
        "to_email": to_email,
        "to_name": clean_text(to_name),
        "subject": words.subject,
        "body_text": words.text,
        "body_html": words.html,
        "calendar": calendar,
        "calendar_method": calendar_method,
        "sealed_links": seal(settings.secret_key, SEAL, json.dumps(links)) if links else None,
        "message_id": message_id_for(dedupe_key, settings=settings),
        "state": "due",
        "created_at": now,
        "due_at": due_at or now,
        "drop_after": drop_after,
        "attempts": 0,
        "last_error": "",
    }


def enqueue_all(session: Session, letters: Sequence[Letter]) -> frozenset[str]:
    """Store many mails in a few statements; the dedupe_keys of those that were not told already."""
    told: set[str] = set()
    keys = [str(letter["dedupe_key"]) for letter in letters]
    for first in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[first : first + KEYS_AT_ONCE]
        told.update(session.scalars(select(OutboxMessage.dedupe_key).where(OutboxMessage.dedupe_key.in_(some))))
    fresh = {str(letter["dedupe_key"]): letter for letter in letters if letter["dedupe_key"] not in told}
    if fresh:
        statement = _insert(session).on_conflict_do_nothing(index_elements=["dedupe_key"])
        session.connection().execute(statement, list(fresh.values()))
    return frozenset(fresh)


def _insert(session: Session) -> Any:
    """An INSERT into the outbox that may find a conflict.

    Two transactions may tell the same news at once: the second finds a conflict and tells nothing, while an
    IntegrityError would spoil the caller's transaction.
    """
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    return insert(OutboxMessage)


def message_id_for(dedupe_key: str, *, settings: Settings) -> str:
    """The Message-ID of some news: the same at every try, another on every instance (RFC 5322 3.6.4)."""
    name = uuid.uuid5(_NAMESPACE, f"{settings.base_url}\0{dedupe_key}")
    return f"<{name}@{settings.mail_from.rpartition('@')[2]}>"


def unsealed_links(message: OutboxMessage, *, settings: Settings) -> dict[str, str] | None:
    """The personal links of a message that waits; None when they were sealed with another secret."""
    if message.sealed_links is None:
        return {}
    opened = unseal(settings.secret_key, SEAL, message.sealed_links)
    return None if opened is None else {str(name): str(link) for name, link in json.loads(opened).items()}


def take_back(message: OutboxMessage, why: str) -> None:
    """Cancel a message that waits, in the caller's transaction, which holds its lock; its personal links go.

    why: a sentence for staff, who see the message with it.
    """
    message.state = "cancelled"
    message.last_error = why
    message.sealed_links = None


def forget_old_messages(session: Session, *, before: datetime, dry_run: bool) -> int:
    """Delete messages that were finished (sent, failed or cancelled) and made before an instant, bodies and all.

    Returns how many there are; with dry_run nothing is deleted.
    """
    old = (OutboxMessage.state.in_(("sent", "failed", "cancelled")), OutboxMessage.created_at < before)
    count = session.scalar(select(func.count()).select_from(OutboxMessage).where(*old)) or 0
    if not dry_run and count:
        session.execute(delete(OutboxMessage).where(*old).execution_options(synchronize_session=False))
    return count


def forget_messages_about(session: Session, kind: str, ids: Sequence[int]) -> int:
    """Delete every message about these things (registrations, accounts), whatever its state; returns how many."""
    about = (OutboxMessage.about_kind == kind, OutboxMessage.about_id.in_(ids))
    done = session.execute(delete(OutboxMessage).where(*about).execution_options(synchronize_session=False))
    return int(getattr(done, "rowcount", 0))


def forget_messages(session: Session, dedupe_keys: Sequence[str]) -> int:
    """Delete the messages of some news, whatever their state; returns how many."""
    if not dedupe_keys:
        return 0
    named = delete(OutboxMessage).where(OutboxMessage.dedupe_key.in_(list(dedupe_keys)))
    done = session.execute(named.execution_options(synchronize_session=False))
    return int(getattr(done, "rowcount", 0))

"""Marks a message whose mail came back. A mark and no more: anybody can write a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.audit.rules import WORKER
from workshops.audit.service import record
from workshops.messages.models import OutboxMessage


def note_returned(
    session: Session, *, message_ids: Sequence[str], permanent: bool, words: str, now: datetime
) -> int | None:
    """Mark the message that one of these Message-IDs names; its id, or None when it is none of ours.

    permanent: given up; else it is still being tried elsewhere.   words: the server's.
    The same report again, or a delay told after the end, changes nothing.
    """
    message = session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.message_id.in_(list(message_ids)))
        .order_by(OutboxMessage.id)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if message is None:
        return None
    if message.attempts == 0 and message.state != "sending":
        return None  # it never left: this report is made up
    if message.bounced == "permanent" or (message.bounced == "delayed" and not permanent):
        return message.id
    message.bounced = "permanent" if permanent else "delayed"
    if message.state == "sent":
        message.last_error = words
    if permanent:
        message.refused_at, message.dealt_with_at = now, None
    record(
        session, now=now, actor=WORKER, action="message_came_back" if permanent else "message_is_delayed",
        subject=("message", message.id), event_id=message.event_id,
    )
    return message.id

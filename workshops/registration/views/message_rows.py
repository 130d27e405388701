"""What pages for staff say of a message."""

from __future__ import annotations

from typing import Any

from workshops.messages.models import OutboxMessage

#: States of messages, in the order in which staff think of them.
MESSAGE_STATES = {
    "due": "Waits to be sent",
    "sending": "Being sent",
    "retry": "Will be tried again",
    "sent": "Sent",
    "failed": "Could not be sent",
    "cancelled": "Not sent",
}
_BOUNCED = {"permanent": "Came back", "delayed": "Sent, and delayed on its way"}


def message_row(message: OutboxMessage) -> dict[str, Any]:
    """One line about a message."""
    return {
        "id": message.id,
        "to": message.to_name or message.to_email,
        "email": message.to_email,
        "subject": message.subject,
        "state": _BOUNCED.get(message.bounced) or MESSAGE_STATES[message.state],
        "at": message.sent_at or message.created_at,
        "is_sent": message.sent_at is not None,
        "why_not": message.last_error,
        "calendar": {"REQUEST": "Invitation", "CANCEL": "Calendar withdrawal"}.get(message.calendar_method or "", ""),
        "due_at": message.due_at if message.state == "retry" else None,
        "is_held": message.held_at is not None,
    }

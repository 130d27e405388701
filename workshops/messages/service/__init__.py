"""What is done with messages: written, read by staff and worked on, and marked when they come back."""

from __future__ import annotations

from workshops.messages.service.by_staff import (
    Edit,
    cancel_message,
    deal_with_message,
    drop_held_too_long,
    edit_message,
    hold_message,
    release_message,
    retry_message,
    shown_text,
)
from workshops.messages.service.returned import note_returned
from workshops.messages.service.writing import (
    KEYS_AT_ONCE,
    SEAL,
    Letter,
    enqueue,
    enqueue_all,
    forget_messages,
    forget_messages_about,
    forget_old_messages,
    message_id_for,
    take_back,
    unsealed_links,
    written,
)

__all__ = [
    "KEYS_AT_ONCE",
    "SEAL",
    "Edit",
    "Letter",
    "cancel_message",
    "deal_with_message",
    "drop_held_too_long",
    "edit_message",
    "enqueue",
    "enqueue_all",
    "forget_messages",
    "forget_messages_about",
    "forget_old_messages",
    "hold_message",
    "message_id_for",
    "note_returned",
    "release_message",
    "retry_message",
    "shown_text",
    "take_back",
    "unsealed_links",
    "written",
]

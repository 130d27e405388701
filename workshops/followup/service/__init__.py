"""What is done after an event: notes, write-ups, the number who came, and what these add to other pages."""

from __future__ import annotations

from workshops.followup.service.listening import attention_for, import_write_up, past_counts, public_panel
from workshops.followup.service.notes import NoteClash, publish_notes, record_headcount, save_draft, withdraw_notes
from workshops.followup.service.thanking import choose_thanks, reason_not_to_thank, send_thanks
from workshops.followup.service.write_ups import (
    add_write_up,
    change_write_up,
    details_of,
    publish_link,
    remove_write_up,
)

__all__ = [
    "NoteClash",
    "add_write_up",
    "attention_for",
    "change_write_up",
    "choose_thanks",
    "details_of",
    "import_write_up",
    "past_counts",
    "public_panel",
    "publish_link",
    "publish_notes",
    "reason_not_to_thank",
    "record_headcount",
    "remove_write_up",
    "save_draft",
    "send_thanks",
    "withdraw_notes",
]

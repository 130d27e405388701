"""The use cases of proposals. Each takes keywords after the session, flushes and never commits."""

from __future__ import annotations

from workshops.proposals.service.deciding import (
    accept,
    ask_for_changes,
    decline,
    grant_names,
    letter_for,
    revoke_links,
    save_ask_form,
    send_link,
)
from workshops.proposals.service.news import (
    attention_for,
    foresee_host_news,
    is_told_anyway,
    reason_not_to_send,
    tell_host_cancelled,
    tell_host_changed,
    tell_host_postponed,
    tell_host_published,
    tell_host_reinstated,
)
from workshops.proposals.service.own import EventFields, edit_event, edit_proposal, event_fields_of, withdraw
from workshops.proposals.service.sending import confirm, details_of, new_form_key, propose
from workshops.proposals.service.telling import mint_link
from workshops.proposals.service.upkeep import erase_expired, forget_unconfirmed

__all__ = [
    "EventFields",
    "accept",
    "ask_for_changes",
    "attention_for",
    "confirm",
    "decline",
    "details_of",
    "edit_event",
    "edit_proposal",
    "erase_expired",
    "event_fields_of",
    "foresee_host_news",
    "forget_unconfirmed",
    "grant_names",
    "is_told_anyway",
    "letter_for",
    "mint_link",
    "new_form_key",
    "propose",
    "reason_not_to_send",
    "revoke_links",
    "save_ask_form",
    "send_link",
    "tell_host_cancelled",
    "tell_host_changed",
    "tell_host_postponed",
    "tell_host_published",
    "tell_host_reinstated",
    "withdraw",
]

"""THE tables that connect slices upward: signal -> listeners; due work of the worker; checks at the moment of sending.

A lower slice sends news without knowing who listens; here stands who does. Listeners run inside the sender's
transaction: all of it is saved, or none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from blinker import Signal
from sqlalchemy.orm import Session

from workshops.accounts import service as accounts
from workshops.attendance import forecasts
from workshops.attendance import service as attendance
from workshops.config import Settings
from workshops.feeds import service as feeds
from workshops.followup import service as followup
from workshops.messages.mailbox import Handler, handle_returned
from workshops.messages.models import OutboxMessage
from workshops.messages.service import drop_held_too_long
from workshops.proposals import service as proposals
from workshops.proposals import signals as proposal_signals
from workshops.registration import service as registration
from workshops.registration import signals as registration_signals
from workshops.schedule import consequence_signals, public_signals, signals
from workshops.schedule import service as schedule
from workshops.schedule.planning import watch_planning
from workshops.web.rate_limits import forget_old_counters

Listener = Callable[..., Any]

#: News -> who acts on it, in this order.
LISTENERS: tuple[tuple[Signal, Listener], ...] = (
    (signals.way_of_taking_part_gone, registration.take_part_otherwise),
    (signals.event_changed, registration.tell_event_changed),
    (signals.event_changed_while_off, registration.note_change_while_off),
    (signals.event_cancelled, registration.tell_event_off),
    (signals.event_postponed, registration.tell_event_off),
    (signals.event_reinstated, registration.tell_event_reinstated),
    (signals.event_capacity_changed, registration.fill_free_places),
    (signals.calendars_asked, registration.what_is_in_calendars),
    (consequence_signals.people_asking_counted, registration.count_people_asking),
    (consequence_signals.registrations_looked_for, registration.has_registrations),
    (consequence_signals.consequences_composed, registration.foresee_news),
    (consequence_signals.consequences_composed, feeds.foresee_calendars),
    (consequence_signals.told_anyway_asked, proposals.is_told_anyway),
    (consequence_signals.consequences_composed, proposals.foresee_host_news),
    (signals.event_published, registration.offer_places_first),
    (signals.event_published, proposals.tell_host_published),
    (signals.event_changed, proposals.tell_host_changed),
    (signals.event_cancelled, proposals.tell_host_cancelled),
    (signals.event_postponed, proposals.tell_host_postponed),
    (signals.event_reinstated, proposals.tell_host_reinstated),
    (proposal_signals.host_counts_composed, attendance.count_for_host),
    (registration_signals.expectations_composed, forecasts.said_before),
    (signals.event_row_imported, followup.import_write_up),
    (signals.event_page_composed, followup.public_panel),
    (public_signals.past_list_composed, followup.past_counts),
    (signals.staff_home_composed, proposals.attention_for),
    (signals.staff_home_composed, registration.attention_for),
    (signals.staff_home_composed, registration.messages_needing_attention),
    (signals.staff_home_composed, registration.older_versions_for),
    (signals.staff_home_composed, attendance.attention_for),
    (signals.staff_home_composed, followup.attention_for),
)


def _forget_counters(session: Session, *, now: datetime, settings: Settings) -> int:
    return forget_old_counters(session, before=now - timedelta(days=1))


def _drop_held(session: Session, *, now: datetime, settings: Settings) -> int:
    return drop_held_too_long(session, now=now)


#: What the worker does besides sending: words -> work(session, *, now, settings) -> how many things it did.
DUE_WORK: dict[str, Callable[..., int]] = {
    "offers that ran out": registration.lapse_offers,
    "places that colleagues were asked about": registration.forget_passes,
    "shares that end": registration.release_shares,
    "are you still coming": registration.ask_again,
    "places without an answer": registration.free_unanswered,
    "forecasts of how many come": forecasts.keep_forecasts,
    "needs whose time has passed": registration.forget_needs,
    "needs to arrange soon": registration.remind_owners,
    "reminders": registration.make_reminders,
    "thanks": followup.send_thanks,
    "old counters": _forget_counters,
    "old counts of calendars": feeds.forget_old_fetches,
    "proposals that nobody confirmed": proposals.forget_unconfirmed,
    "messages held too long": _drop_held,
}

#: What a mail in our mailbox may be -> handler(session, mail, *, now, settings) -> whether it was that. In this order.
MAIL_HANDLERS: dict[str, Handler] = {
    "report that a mail did not arrive": handle_returned,
    "answer from a calendar": registration.handle_calendar_answer,
}

def _reason_about_a_place(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    reason = registration.reason_not_to_send(session, message, now)
    if reason is None and message.kind == "followup/thank_you":
        reason = followup.reason_not_to_thank(session, message, now)
    return reason


#: What a message is about -> check(session, message, now) -> reason not to send it any more, or None.
SEND_CHECKS: dict[str, Callable[[Session, OutboxMessage, datetime], str | None]] = {
    "account": accounts.reason_not_to_send,
    "invitee": registration.reason_not_to_send_invitation,
    "needs": registration.reason_not_to_remind_owner,
    "pass": registration.reason_not_to_send_pass,
    "proposal": proposals.reason_not_to_send,
    "registration": _reason_about_a_place,
    "team": schedule.reason_not_to_send,
}


def connect() -> None:
    """Connect every listener. Connecting twice has no effect."""
    watch_planning()
    for signal, listener in LISTENERS:
        signal.connect(listener, weak=False)

"""One mail for each person about all that is new to them, and the same said beforehand.

What somebody knows is what they were last told. A mail about a change that still waits in the outbox counts as not
told: the next news takes it back and says everything since. What was saved without telling is said with the next
change that is told. The caller holds the event's lock.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, literal, update
from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.messages.models import OutboxMessage
from workshops.messages.queries import lock_waiting_messages
from workshops.messages.service import take_back
from workshops.registration.models import Registration
from workshops.registration.queries import highest_invites, registrations_of
from workshops.registration.rules import ACTIVE_STATES, CALENDAR_STATES
from workshops.registration.rules.news import Known, News, news_for
from workshops.registration.service.reminding import REMINDER_KIND
from workshops.registration.service.telling import NEWS_KINDS, REPLACED, tell
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.models import Event

#: Why a mail was taken back when what it told was undone before it went out, for staff.
UNDONE = "What it told was changed back before it was sent."


@dataclass(frozen=True)
class PlannedNews:
    """What is new to one person. known: what they know; is_replaced: whether an earlier mail to them still waits."""

    registration: Registration
    known: Known
    news: News | None
    is_replaced: bool


def plan_news(
    session: Session, event: Event, *, before: Known, after: Known, waiting: Container[int]
) -> Iterator[PlannedNews]:
    """What is new to everybody registered, in the order in which they registered. Changes nothing.

    before: what held until now, which is what people know about whom nothing else is kept.
    waiting: the registrations for which an earlier mail about a change has not gone out.
    """
    for registration in registrations_of(session, event.id, ACTIVE_STATES):
        is_replaced = registration.id in waiting
        known = (registration.told_before if is_replaced else registration.told) or before
        news = news_for(known, after, state=registration.state, attending=registration.attending)
        yield PlannedNews(registration, known, news, is_replaced)


def tell_news(
    session: Session,
    event: Event,
    *,
    before: Known,
    after: Known,
    is_told: bool,
    but_not: Sequence[int] = (),
    now: datetime,
    settings: Settings,
) -> int:
    """Tell everybody registered what is new to them, or keep in mind what they were not told; how many were told.

    but_not: people whom an offer made a moment ago told everything.
    """
    _drop_reminders(session, event.id)
    waiting = waiting_news(session, event.id)
    if not is_told and not waiting:
        _keep_in_mind(session, event.id, before, after)
        return 0
    entry = entry_for(event, settings=settings)
    sent = highest_invites(session, event.id)
    told = 0
    for one in list(plan_news(session, event, before=before, after=after, waiting=waiting)):
        registration = one.registration
        if one.is_replaced:
            take_back(waiting[registration.id], REPLACED if one.news else UNDONE)
        if registration.id in but_not:
            continue
        # A mail that was already to go out goes out true, unless the event does not take place after all.
        goes = is_told or (one.is_replaced and one.news is not None and one.news.kind == "event_changed")
        if one.news is None or not goes or now >= event.over_at:
            registration.told = dict(one.known) if one.known != after else None
            registration.told_before = None
            continue
        told += _write(session, event, registration, one.news, entry=entry, sent=sent, now=now, settings=settings)
        registration.told, registration.told_before = None, dict(one.known)
    return told


def waiting_news(session: Session, event_id: int) -> dict[int, OutboxMessage]:
    """Mails about changes of an event that nobody has begun to send, by registration; each is locked."""
    found = lock_waiting_messages(session, event_id, NEWS_KINDS)
    return {message.about_id: message for message in found if message.about_id is not None}


def news_values(event: Event, registration: Registration, news: News) -> dict[str, Any]:
    """What a mail about a change says beside the event itself."""
    return {
        "changes": [{"label": label, "before": old, "after": new} for label, old, new in news.changes],
        "reason": event.state_reason,
        "until": registration.offer_expires_at,
    }


def _write(
    session: Session,
    event: Event,
    registration: Registration,
    news: News,
    *,
    entry: Any,
    sent: Mapping[str, int],
    now: datetime,
    settings: Settings,
) -> bool:
    return tell(
        session, event, registration, news.kind, now=now, settings=settings, entry=entry,
        method="REQUEST" if registration.state in CALENDAR_STATES else None,
        last_sent=sent.get(registration.email_key),
        values=news_values(event, registration, news),
    )


def _drop_reminders(session: Session, event_id: int) -> None:
    """A reminder that waits says what no longer holds: it goes, and is written anew while it is due."""
    for message in lock_waiting_messages(session, event_id, (REMINDER_KIND,)):
        session.delete(message)
    session.flush()


def _keep_in_mind(session: Session, event_id: int, before: Known, after: Known) -> None:
    """Nobody is told: those who knew all until now know what held before."""
    if before == after:
        return
    session.flush()
    session.execute(
        update(Registration)
        .where(
            Registration.event_id == event_id, Registration.state.in_(ACTIVE_STATES), Registration.told.is_(None)
        )
        .values(told=literal(dict(before), JSON()))
        .execution_options(synchronize_session="fetch")
    )

"""One mail for each person about all that is new to them, and the same said beforehand.

What somebody knows is what they were last told. A mail about a change that still waits in the outbox counts as not
told: the next news takes it back and says everything since. A mail that says all there is to know, such as "You have
a place", and still waits is written anew with what holds now, and is all its person gets. What was saved without
telling is said with the next change that is told. The caller holds the event's lock.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, literal, select, update
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
from workshops.registration.service.telling import (
    NEWS_KINDS,
    PLACE_KINDS,
    REPLACED,
    SAYS_ALL,
    WRITTEN_ANEW,
    Batch,
    event_words,
    store_batch,
    tell,
    tell_apart,
)
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.models import Event

#: Why a mail was taken back when what it told was undone before it went out, for staff.
UNDONE = "What it told was changed back before it was sent."


@dataclass(frozen=True)
class PlannedNews:
    """What is new to one person. known: what they know; is_replaced: whether an earlier mail to them still waits.

    is_anew: their mail about their place still waits, and is written anew instead.
    """

    registration: Registration
    known: Known
    news: News | None
    is_replaced: bool
    is_anew: bool = False


def plan_news(
    session: Session,
    event: Event,
    *,
    before: Known,
    after: Known,
    waiting: Container[int],
    places: Mapping[int, str],
) -> Iterator[PlannedNews]:
    """What is new to everybody registered, in the order in which they registered. Changes nothing.

    before: what held until now, which is what people know about whom nothing else is kept.
    waiting: the registrations for which an earlier mail about a change has not gone out.
    places: the kind of mail about their place that has not gone out, for those for whom there is one.
    """
    for registration in registrations_of(session, event.id, ACTIVE_STATES):
        is_replaced = registration.id in waiting
        known = (registration.told_before if is_replaced else registration.told) or before
        news = news_for(known, after, state=registration.state, attending=registration.attending)
        kind = places.get(registration.id, "").rpartition("/")[2]
        is_anew = news is not None and event.state == "published" and SAYS_ALL.get(kind) == registration.state
        yield PlannedNews(registration, known, None if is_anew else news, is_replaced, is_anew)


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
    _tell_apart(session, event.id, now=now, settings=settings)
    waiting = waiting_news(session, event.id)
    places = waiting_about_places(session, event.id, but_not)
    if not is_told and not waiting and not places:
        _keep_in_mind(session, event.id, before, after)
        return 0
    entry = entry_for(event, settings=settings)
    sent = highest_invites(session, event.id)
    kinds = {registration_id: message.kind for registration_id, message in places.items()}
    batch, words = Batch(), event_words(event, settings=settings, entry=entry)
    for one in list(plan_news(session, event, before=before, after=after, waiting=waiting, places=kinds)):
        registration = one.registration
        if one.is_replaced:
            take_back(waiting[registration.id], REPLACED if one.news or one.is_anew else UNDONE)
        if registration.id in but_not:
            continue
        if one.is_anew and now < event.over_at:
            registration.told_before = None
            _write_anew(session, event, registration, places[registration.id], entry=entry, sent=sent, now=now,
                        settings=settings)  # fmt: skip
            continue
        # A mail that was already to go out goes out true, unless the event does not take place after all.
        goes = is_told or (one.is_replaced and one.news is not None and one.news.kind == "event_changed")
        if one.news is None or not goes or now >= event.over_at:
            registration.told = dict(one.known) if one.known != after else None
            registration.told_before = None
            continue
        _write(session, event, registration, one.news, batch, entry=entry, words=words, sent=sent, now=now,
               settings=settings)  # fmt: skip
        registration.told, registration.told_before = None, dict(one.known)
    return store_batch(session, batch)


def waiting_news(session: Session, event_id: int) -> dict[int, OutboxMessage]:
    """Mails about changes of an event that nobody has begun to send, by registration; each is locked."""
    found = lock_waiting_messages(session, event_id, NEWS_KINDS)
    return {message.about_id: message for message in found if message.about_id is not None}


def waiting_about_places(session: Session, event_id: int, but_not: Container[int]) -> dict[int, OutboxMessage]:
    """Mails that tell people of their place and that nobody has begun to send, by registration; each is locked.

    but_not: people who were written to a moment ago. Of several to one person the newest counts: the others are
    about a state that is no longer theirs, or say the same.
    """
    found = lock_waiting_messages(session, event_id, PLACE_KINDS)
    return {one.about_id: one for one in found if one.about_id is not None and one.about_id not in but_not}


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
    batch: Batch,
    *,
    entry: Any,
    words: Mapping[str, Any],
    sent: Mapping[str, int],
    now: datetime,
    settings: Settings,
) -> None:
    tell(
        session, event, registration, news.kind, now=now, settings=settings, entry=entry, batch=batch, words=words,
        method="REQUEST" if registration.state in CALENDAR_STATES else None,
        last_sent=sent.get(registration.email_key),
        values=news_values(event, registration, news),
    )


def _write_anew(
    session: Session,
    event: Event,
    registration: Registration,
    old: OutboxMessage,
    *,
    entry: Any,
    sent: Mapping[str, int],
    now: datetime,
    settings: Settings,
) -> None:
    """The same mail about a place with what holds now; its calendar object goes above all that was sent before."""
    take_back(old, WRITTEN_ANEW)
    until = registration.offer_expires_at
    tell(
        session, event, registration, old.kind.rpartition("/")[2], now=now, settings=settings, entry=entry,
        method=old.calendar_method,  # type: ignore[arg-type]
        last_sent=sent.get(registration.email_key), values={"until": until}, drop_after=until,
    )


def _tell_apart(session: Session, event_id: int, *, now: datetime, settings: Settings) -> None:
    """Whoever registered for several events at once and has not had that mail gets one about each."""
    of_several = select(Registration).where(Registration.event_id == event_id, Registration.together.is_not(None))
    for registration in session.scalars(of_several.order_by(Registration.id)).all():
        tell_apart(session, registration, now=now, settings=settings)
    session.flush()


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

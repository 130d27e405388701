"""“Are you still coming?”: asked once for each date, answered with a button, and places freed where that was said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from workshops.audit.rules import WORKER, Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.london_time import london_date
from workshops.registration.models import Registration
from workshops.registration.rules import PlaceGone
from workshops.registration.rules.asking_again import Asking, asking_of, may_free
from workshops.registration.rules.reasons import no_answer
from workshops.registration.service.places import change_state, lock_place, settle
from workshops.registration.service.telling import tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.rules.place_rules import ASKED_AT_MOST_DAYS_BEFORE

#: Longer ahead nobody is asked; some days more for weekends and holidays before.
_AHEAD = timedelta(days=ASKED_AT_MOST_DAYS_BEFORE + 15)
#: Asked in one transaction; the rest follows at the worker's next look.
BATCH = 200


def asking_at(event: Event) -> Asking | None:
    """When people at this event are asked, or None."""
    if event.month is not None:
        return None
    first_day = event.starts_on or london_date(event.sort_at)
    return asking_of(first_day, event.sort_at, event.asks_days_before, event.frees_days_before)


def ask_again(session: Session, *, now: datetime, settings: Settings) -> int:
    """Ask people with a place at the events whose day to ask has come, at most BATCH of them; how many were asked."""
    asked = 0
    for event_id in _coming(session, now):
        asking = asking_at(session.get_one(Event, event_id))
        if asking is None or not asking.asked_at <= now or asked >= BATCH:
            continue
        if not _unasked(session, event_id, asking, BATCH - asked):
            continue
        # Under the lock: the event does not move, and nobody's place goes, while these are written.
        event = lock_event(session, event_id)
        asking = asking_at(event)
        if asking is None or event.state != "published" or not asking.asked_at <= now < event.sort_at:
            continue
        for one in _unasked(session, event_id, asking, BATCH - asked):
            one.asked_at, one.reconfirmed_at = now, None
            record(session, now=now, actor=WORKER, action="asked_again", subject=("registration", one.id),
                   event_id=event.id, fields=("asked_at",))  # fmt: skip
            asked += tell(
                session, event, one, "still_coming", now=now, settings=settings,
                values={"until": asking.freed_at if one.may_be_freed else None},
                dedupe_key=f"still_coming:{one.id}:{asking.asked_at.isoformat()}",
            )
    return asked


def say_still_coming(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Somebody with a place says that they come. Saying it twice changes nothing. Raises PlaceGone, NotFound."""
    event, registration = lock_place(session, registration_id)
    if registration.state != "confirmed":
        raise PlaceGone("You no longer have a place at this event.")
    if registration.reconfirmed_at is None:
        registration.reconfirmed_at = now
        record(session, now=now, actor=actor, action="still_coming", subject=("registration", registration.id),
               event_id=event.id, fields=("reconfirmed_at",))  # fmt: skip
    return registration


def free_unanswered(session: Session, *, now: datetime, settings: Settings) -> int:
    """Free the places of those who were asked, did not answer, and were told that this would happen; how many."""
    freed = 0
    for event_id in _coming(session, now):
        asking = asking_at(session.get_one(Event, event_id))
        if asking is None or asking.freed_at is None or now < asking.freed_at:
            continue
        if not _unanswered(session, event_id):
            continue
        event = lock_event(session, event_id)
        asking = asking_at(event)
        if asking is None or event.state != "published" or now >= event.sort_at:
            continue
        late = [
            one for one in _unanswered(session, event_id)
            if one.asked_at is not None and may_free(asking, one.asked_at, now)
        ]  # fmt: skip
        for one in late:
            change_state(one, "lapsed", now)
            record(session, now=now, actor=WORKER, action="place_freed", subject=("registration", one.id),
                   event_id=event.id, fields=("state",), reason=no_answer(one.asked_at, now))  # fmt: skip
            tell(session, event, one, "place_freed", now=now, settings=settings, method="CANCEL")
        if late:
            settle(session, event, now=now, actor=WORKER, settings=settings)
        freed += len(late)
    return freed


def _coming(session: Session, now: datetime) -> Sequence[int]:
    """The events that ask and are near enough, in the order in which events are locked."""
    return session.scalars(
        select(Event.id)
        .where(
            Event.state == "published", Event.asks_days_before.is_not(None),
            Event.sort_at > now, Event.sort_at <= now + _AHEAD,
        )
        .order_by(Event.id)
    ).all()


def _unasked(session: Session, event_id: int, asking: Asking, limit: int) -> Sequence[Registration]:
    """Who had a place when the question went out, and was not asked about this date."""
    return session.scalars(
        select(Registration)
        .where(
            Registration.event_id == event_id, Registration.state == "confirmed", Registration.erased_at.is_(None),
            # Who got a place after that has just said that they come.
            Registration.state_changed_at < asking.asked_at,
            or_(Registration.asked_at.is_(None), Registration.asked_at < asking.asked_at),
        )
        .order_by(Registration.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()


def _unanswered(session: Session, event_id: int) -> Sequence[Registration]:
    return session.scalars(
        select(Registration)
        .where(
            Registration.event_id == event_id, Registration.state == "confirmed", Registration.may_be_freed,
            Registration.asked_at.is_not(None), Registration.reconfirmed_at.is_(None),
        )
        .order_by(Registration.id)
        .execution_options(populate_existing=True)
    ).all()

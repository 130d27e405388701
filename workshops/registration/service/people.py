"""What staff do for one person: let in, decline, cancel, send the link again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError
from workshops.registration.models import Registration
from workshops.registration.queries import counts_of, queue_of, registrations_of, terms_of
from workshops.registration.rules import (
    ACTIVE_STATES,
    ChangeRefused,
    NoPlaces,
    PlaceGone,
    check_can_be_left,
    decide_approval,
)
from workshops.registration.rules.reasons import SKIP_REASONS
from workshops.registration.service.own_place import leave
from workshops.registration.service.places import change_state, lock_place, settle
from workshops.registration.service.telling import tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

_NO_REQUEST = "This person is not asking for a place any more, so nothing was changed."


def approve_person(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Let somebody in who asked: a place when one is free, else the waiting list.

    Raises ChangeRefused when they do not ask any more, NoPlaces when all is full and nobody can wait, NotFound.
    """
    event, registration = lock_place(session, registration_id)
    if registration.state != "requested":
        raise ChangeRefused(_NO_REQUEST)
    settle(session, event, now=now, actor=actor, settings=settings)
    room = counts_of(session, event).room(event, registration.attending, now)
    state = decide_approval(terms_of(event), room, now, registration.perspective)
    change_state(registration, state, now)
    record(
        session, now=now, actor=actor, action="request_approved", subject=("registration", registration.id),
        event_id=event.id, fields=("state",), reason=state,
    )
    settle(session, event, now=now, actor=actor, settings=settings)
    if state == "confirmed":
        tell(session, event, registration, "place_confirmed", now=now, settings=settings, method="REQUEST")
    else:
        # The tentative entry goes: who waits has nothing in the calendar.
        tell(session, event, registration, "on_waiting_list", now=now, settings=settings, method="CANCEL")
    return registration


@dataclass(frozen=True)
class Answered:
    """What came of answering several requests at once."""

    places: int = 0
    waiting: int = 0
    declined: int = 0
    #: Had been answered already, or taken back.
    gone: int = 0
    #: All was full and nobody can wait: these still ask.
    left: int = 0


def answer_people(
    session: Session, *, event_id: int, ids: Iterable[int], approve: bool, now: datetime, settings: Settings,
    actor: Actor,
) -> Answered:
    """Let several people in who asked, or turn them down, in the order in which they asked; each is told once.

    ids: of registrations; those of other events are left aside. Raises ChangeRefused when nobody can be let in.
    """
    event = lock_event(session, event_id)
    wanted = set(ids)
    asking = [one.id for one in registrations_of(session, event.id) if one.id in wanted]
    done: Counter[str] = Counter()
    for id in asking:
        try:
            one = (approve_person if approve else decline_person)(
                session, registration_id=id, now=now, settings=settings, actor=actor
            )
        except NoPlaces:
            done["left"] += 1
        except ChangeRefused as error:
            if str(error) != _NO_REQUEST:
                raise
            done["gone"] += 1
        else:
            done[{"confirmed": "places", "waiting": "waiting"}.get(one.state, "declined")] += 1
    return Answered(**done)


def decline_person(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Turn down somebody who asked for a place. Raises ChangeRefused when they do not ask any more, NotFound."""
    event, registration = lock_place(session, registration_id)
    if registration.state != "requested":
        raise ChangeRefused(_NO_REQUEST)
    leave(session, event, registration, "declined", "request_declined", now=now, settings=settings, actor=actor)
    settle(session, event, now=now, actor=actor, settings=settings)
    return registration


def cancel_for_person(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Staff take somebody off an event; the next person is offered the place. Raises PlaceGone, NotFound."""
    event, registration = lock_place(session, registration_id)
    try:
        check_can_be_left(registration.state, terms_of(event), now)
    except PlaceGone:
        raise PlaceGone(_why_not_for_staff(registration, event, now)) from None
    leave(session, event, registration, "declined", "place_cancelled", now=now, settings=settings, actor=actor)
    settle(session, event, now=now, actor=actor, settings=settings)
    return registration


def _why_not_for_staff(registration: Registration, event: Event, now: datetime) -> str:
    if registration.state not in ACTIVE_STATES:
        return "This person has no place any more, so there is nothing to cancel."
    return "This event has started, so places can no longer be cancelled. Record on the day who came."


def skip_person(
    session: Session, *, registration_id: int, reason: str, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Let the next person on the waiting list go first; somebody who waits moves back by one.

    reason: a key of SKIP_REASONS; it stands in the history of both. Nobody is mailed: a number on the list is no news.
    Raises ChangeRefused when they do not wait or nobody stands behind them, DomainError for the field reason, NotFound.
    """
    if reason not in SKIP_REASONS:
        raise DomainError("Choose why somebody else goes first", field="reason")
    event, registration = lock_place(session, registration_id)
    if registration.state != "waiting":
        raise ChangeRefused("This person does not wait any more, so nothing was changed.")
    queue = queue_of(session, event.id, registration.attending)
    place = next(number for number, one in enumerate(queue) if one.id == registration.id)
    if place + 1 == len(queue):
        raise ChangeRefused("Nobody waits behind this person, so nobody can go first.")
    first = queue[place + 1]
    registration.waiting_since = first.since + timedelta(microseconds=1)
    words = SKIP_REASONS[reason]
    for id, action, why in ((registration.id, "person_skipped", words), (first.id, "moved_up", "")):
        record(session, now=now, actor=actor, action=action, subject=("registration", id), event_id=event.id,
               fields=("waiting_since",), reason=why)  # fmt: skip
    settle(session, event, now=now, actor=actor, settings=settings)
    return registration


def resend_link(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> Registration:
    """Send somebody their link to My place again, with how things stand. Raises NotFound."""
    event, registration = lock_place(session, registration_id)
    record(
        session, now=now, actor=actor, action="link_sent_again", subject=("registration", registration.id),
        event_id=event.id,
    )
    tell(
        session, event, registration, "your_link", now=now, settings=settings,
        values={"until": registration.offer_expires_at},
    )
    return registration

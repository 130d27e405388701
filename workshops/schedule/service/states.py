"""Publishing, cancelling, postponing and reinstating an event."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime

from blinker import Signal
from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.versions import touch_public
from workshops.schedule import signals
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.consequence_signals import registrations_looked_for
from workshops.schedule.models import Event
from workshops.schedule.queries.locks import lock_event
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.states import (
    ALREADY_REGISTERED,
    CANCEL,
    POSTPONE,
    PUBLISH,
    REINSTATE,
    UNPUBLISH,
    Step,
    WrongState,
    check_publishable,
    clean_reason,
    take_step,
)
from workshops.schedule.service.calendar import renew
from workshops.schedule.service.details import all_counts_of, details_of
from workshops.schedule.service.events import tell_question
from workshops.schedule.service.team import tell_team


def publish_event(
    session: Session,
    *,
    event_id: int,
    now: datetime,
    actor: Actor,
    settings: Settings,
    uninvited: Container[int] = (),
) -> Event:
    """Make a draft public, and invite those who run it, except accounts that are named as uninvited.

    Raises NotFound, WrongState, or DetailsDoNotFit when something is missing.
    """
    event = lock_event(session, event_id)
    target = take_step(PUBLISH, event.state, over_at=event.over_at, now=now)
    check_publishable(details_of(session, event), now=now)
    set_state(session, event, target, reason="", now=now, settings=settings)
    _record(session, event, "event_published", now, actor)
    signals.event_published.send(event, session=session, now=now, actor=actor, settings=settings)
    tell_team(session, event, now=now, settings=settings, but_not=uninvited)
    return event


def unpublish_event(session: Session, *, event_id: int, now: datetime, actor: Actor, settings: Settings) -> Event:
    """Take a public event back to a draft, as long as nobody has ever registered: so nobody was told anything.

    Those who run it keep it in their calendar: a draft is still a plan. Raises NotFound or WrongState.
    """
    event = lock_event(session, event_id)
    target = take_step(UNPUBLISH, event.state, over_at=event.over_at, now=now)
    if anybody_registered(session, event):
        raise WrongState(ALREADY_REGISTERED)
    set_state(session, event, target, reason="", now=now, settings=settings)
    _record(session, event, "event_unpublished", now, actor)
    return event


def anybody_registered(session: Session, event: Event) -> bool:
    """Whether anybody ever registered for an event, whatever became of it."""
    return any(signals.answers(registrations_looked_for.send(event, session=session)))


def cancel_event(
    session: Session, *, event_id: int, reason: str, tell: bool | None, now: datetime, actor: Actor, settings: Settings
) -> Event:
    """Cancel an event; its page stays and its calendar entry says so.

    reason: public.   tell: must be said when somebody is registered. Raises NotFound, WrongState or DetailsDoNotFit.
    """
    return _leave(session, event_id, CANCEL, signals.event_cancelled, "event_cancelled", reason, tell, now, actor,
                  settings)


def postpone_event(
    session: Session, *, event_id: int, reason: str, tell: bool | None, now: datetime, actor: Actor, settings: Settings
) -> Event:
    """Take the date off an event until it is edited to a new one. As cancel_event."""
    return _leave(session, event_id, POSTPONE, signals.event_postponed, "event_postponed", reason, tell, now, actor,
                  settings)


def reinstate_event(
    session: Session, *, event_id: int, tell: bool | None, now: datetime, actor: Actor, settings: Settings
) -> Event:
    """Let a cancelled or postponed event take place after all, at its old date.

    tell: must be said when somebody is registered. Raises NotFound, WrongState or DetailsDoNotFit.
    """
    event = lock_event(session, event_id)
    target = take_step(REINSTATE, event.state, over_at=event.over_at, now=now)
    tells = _tells(session, event, tell)
    before, before_state = details_of(session, event), event.state
    set_state(session, event, target, reason="", now=now, settings=settings)
    _record(session, event, "event_reinstated", now, actor)
    signals.event_reinstated.send(event, session=session, now=now, actor=actor, settings=settings, tell=tells,
                                  before=before, before_state=before_state)  # fmt: skip
    tell_team(session, event, now=now, settings=settings)
    return event


def set_state(session: Session, event: Event, target: str, *, reason: str, now: datetime, settings: Settings) -> None:
    """Put a locked event into a state with all that follows from it."""
    topics = details_of(session, event).topics
    before = entry_for(event, settings=settings, topics=topics)
    event.state, event.state_reason, event.state_changed_at = target, reason, now
    renew(session, event, before, topics=topics, now=now, settings=settings)
    touch_public(session)


def _leave(
    session: Session,
    event_id: int,
    step: Step,
    signal: Signal,
    action: str,
    reason: str,
    tell: bool | None,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> Event:
    event = lock_event(session, event_id)
    target = take_step(step, event.state, over_at=event.over_at, now=now)
    problems: list[Problem] = []
    try:
        reason = clean_reason(reason)
    except DetailsDoNotFit as unfit:
        problems += unfit.problems
    try:
        tells = _tells(session, event, tell)
    except DetailsDoNotFit as unfit:
        problems += unfit.problems
    if problems:
        raise DetailsDoNotFit(*problems)
    before, before_state = details_of(session, event), event.state
    set_state(session, event, target, reason=reason, now=now, settings=settings)
    _record(session, event, action, now, actor)
    signal.send(event, session=session, now=now, actor=actor, settings=settings, tell=tells, before=before,
                before_state=before_state)
    tell_team(session, event, now=now, settings=settings)
    return event


def _tells(session: Session, event: Event, tell: bool | None) -> bool:
    people = all_counts_of(session, event).people
    if people and tell is None:
        raise DetailsDoNotFit(Problem("tell", tell_question(people)))
    return bool(people and tell)


def _record(session: Session, event: Event, action: str, now: datetime, actor: Actor) -> None:
    audit.record(
        session,
        now=now,
        actor=actor,
        action=action,
        subject=("event", event.id),
        event_id=event.id,
        fields=["state"],
    )

"""What a change of an event would mean for people, said before it is made. Nothing here leaves a trace.

A change of details is made inside a savepoint, looked at, and taken back, so what is shown is what would happen.
A step to another state writes nothing at all, because its page is shown by a GET.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import only_trying
from workshops.schedule.consequence_signals import (
    Audience,
    Example,
    Foreseen,
    consequences_composed,
    joined,
    told_anyway_asked,
)
from workshops.schedule.models import Event
from workshops.schedule.queries.clashes import Candidate, clashes_among, clashes_of_events
from workshops.schedule.queries.locks import lock_event, lock_schedule
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.events import EventDetails, change_notes, check, cleaned, decide_change
from workshops.schedule.rules.states import Step, take_step
from workshops.schedule.rules.when import When
from workshops.schedule.service.catalogue import Catalogue
from workshops.schedule.service.details import all_counts_of, details_of
from workshops.schedule.service.events import apply_change, told_changes
from workshops.schedule.service.team import count_team_to_tell
from workshops.schedule.signals import Change, answers


@dataclass(frozen=True)
class Consequences:
    """What follows from one change of one event.

    when: its time before, in words.   changes: what differs, before and after.   told: how many are emailed when
    the choice is to tell them.   asks: whether somebody must choose.   is_shown: whether the change should be
    looked at before it is saved.   seen: moves when somebody else changes the event in between.
    """

    event_id: int
    title: str
    when: str
    seen: str
    changes: tuple[Change, ...] = ()
    told: int = 0
    asks: bool = False
    is_shown: bool = False
    audiences: tuple[Audience, ...] = ()
    examples: tuple[Example, ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()


def foresee_change(
    session: Session, *, event_id: int, details: EventDetails, now: datetime, settings: Settings
) -> Consequences:
    """What follows when an event gets these details; needs a transaction, and takes back all it tried.

    Raises NotFound or DetailsDoNotFit, as change_event does.
    """
    lock_schedule(session)
    event = lock_event(session, event_id)
    details = cleaned(details)
    check(details, now=now)
    before, state = details_of(session, event), event.state
    counts = all_counts_of(session, event)
    decided = decide_change(before, details, state=state, counts=counts, now=now)
    seen, when = seen_words(event, before), when_words(before)
    title = event.title
    if not decided.needs_check and not (decided.told_labels and tells_others(session, event, now)):
        return Consequences(event_id, title, when, seen)
    changes = told_changes(before, details, decided)
    clashing = clash_words(clashes_of_events(session, [event_id], now=now)[event_id])
    with only_trying(session):
        apply_change(session, event, before, details, Catalogue(session), decided, now=now, settings=settings,
                     actor=COMMAND)  # fmt: skip
        foreseen = compose(session, event, before, details, state, now, settings)
        after = clashes_of_events(session, [event_id], now=now)[event_id]
    clashes = [words for words in clash_words(after) if words not in clashing]
    notes = change_notes(details, counts, decided)
    return consequences_of(event_id, title, when, seen, changes, foreseen, notes, clashes)


def tells_others(session: Session, event: Event, now: datetime) -> bool:
    """Whether somebody who is not registered learns of changes to this event, which then are shown first too."""
    if event.state not in ("published", "postponed") or event.over_at <= now:
        return False
    return any(answers(told_anyway_asked.send(event, session=session)))


def foresee_step(
    session: Session, *, event_id: int, step: Step, reason: str, now: datetime, settings: Settings
) -> Consequences:
    """What follows when an event is cancelled, postponed or reinstated. Only reads. Raises NotFound or WrongState."""
    event = session.get(Event, event_id, populate_existing=True)
    assert event is not None  # whoever asks has found it
    target = take_step(step, event.state, over_at=event.over_at, now=now)
    before, state = details_of(session, event), event.state
    seen, title, when = seen_words(event, before), event.title, when_words(before)
    with _as_if(session, event, target, reason):
        foreseen = compose(session, event, before, before, state, now, settings)
    changes = (Change("State", _STATE_WORDS[state], _STATE_WORDS[target]),)
    clashes: list[str] = []
    if target == "published":
        again = Candidate(before, event_id, target)
        clashes = clash_words(clashes_among(session, [again], now=now)[0])
    return consequences_of(event_id, title, when, seen, changes, foreseen, [], clashes)


_STATE_WORDS = {"published": "Takes place", "postponed": "Postponed, without a date", "cancelled": "Cancelled"}


def compose(
    session: Session,
    event: Event,
    before: EventDetails,
    after: EventDetails,
    before_state: str,
    now: datetime,
    settings: Settings,
) -> Foreseen:
    """What everybody says who hears of such a change, for an event as it would be. Only reads."""
    heard = consequences_composed.send(
        event, session=session, now=now, settings=settings, before=before, after=after, before_state=before_state
    )
    team = count_team_to_tell(session, event, now=now, settings=settings)
    how = "Invitation in their own calendar is brought up to date, whatever you choose"
    if event.state in ("cancelled", "postponed"):
        how = "It is taken out of their own calendar, whatever you choose"
    mine = [Foreseen(audiences=(Audience("People who run it", team, how),))] if team else []
    return joined([*answers(heard), *mine])


def consequences_of(
    event_id: int,
    title: str,
    when: str,
    seen: str,
    changes: tuple[Change, ...],
    foreseen: Foreseen,
    notes: list[str],
    clashes: list[str],
) -> Consequences:
    """One event's part of a check page, with what is said of any change."""
    sections = foreseen.sections
    if clashes:
        sections = (("New clashes", tuple(clashes)), *sections)
    if notes:
        sections = (("Good to know", tuple(notes)), *sections)
    feeds = Audience("People who follow a calendar of ours", None,
                     "See it when their calendar looks again, whatever you choose")
    return Consequences(
        event_id, title, when, seen, changes, foreseen.told, foreseen.told > 0, True,
        (*foreseen.audiences, feeds), foreseen.examples, sections,
    )


@contextmanager
def _as_if(session: Session, event: Event, state: str, reason: str) -> Iterator[None]:
    """The event in another state, as far as this object goes: nothing is written, and it is read anew afterwards."""
    with session.no_autoflush:
        set_committed_value(event, "state", state)
        set_committed_value(event, "state_reason", reason)
        try:
            yield
        finally:
            session.expire(event)


def clash_words(clashes: list[Clash]) -> list[str]:
    return [f"{clash.words}." for clash in clashes]


def seen_words(event: Event, details: EventDetails) -> str:
    """Changes with anything people are told of an event; not with somebody registering."""
    return hashlib.sha256(repr((event.id, event.state, details)).encode()).hexdigest()[:32]


def when_words(details: EventDetails) -> str:
    when: When = details.when
    return when.words(uk_time=details.mode == "online")

"""Making events and changing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.errors import DomainError
from workshops.core.versions import touch_public
from workshops.ical.identity import new_uid, uid_for_form
from workshops.ical.serialise import vevent_bytes
from workshops.schedule import signals
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.models import Event, Topic
from workshops.schedule.queries.events import WITH_NAMES
from workshops.schedule.queries.locks import lock_event, lock_schedule
from workshops.schedule.rules.events import (
    PLACES_LABEL,
    Decided,
    EventDetails,
    change_notes,
    check,
    cleaned,
    decide_change,
    told_words,
)
from workshops.schedule.rules.parts import PARTS
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.slugs import free_slug
from workshops.schedule.service.calendar import derive, renew, topic_names
from workshops.schedule.service.catalogue import Catalogue, Taken, slug_taken
from workshops.schedule.service.details import all_counts_of, details_of, link_details, put_details, write_details
from workshops.schedule.service.team import tell_team


class MustChoose(DetailsDoNotFit):
    """People are registered and it was not said whether they are emailed.

    people: how many they are.   changes: what they would be told, before and after.
    """

    def __init__(self, problem: Problem, *, people: int, changes: tuple[signals.Change, ...]) -> None:
        super().__init__(problem)
        self.people = people
        self.changes = changes


class EditedMeanwhile(DomainError):
    """Somebody else saved the event after it was read. edition: the one that is saved now."""

    def __init__(self, edition: int) -> None:
        super().__init__("Somebody else changed this event while you were editing it")
        self.edition = edition


@dataclass(frozen=True)
class SavedEvent:
    """What came of saving an event. notes: sentences the person should read (a time that happens twice ...).

    people: how many are emailed about it.
    """

    event: Event
    changed: tuple[str, ...] = ()
    told: bool = False
    notes: tuple[str, ...] = ()
    people: int = 0


def create_event(
    session: Session, *, details: EventDetails, form_key: str = "", now: datetime, actor: Actor, settings: Settings
) -> SavedEvent:
    """Make a draft; the same form with the same in it, sent again, finds it.

    form_key: the hidden value of a fresh form, or "" when there is none. Raises DetailsDoNotFit with all that is wrong.
    """
    lock_schedule(session)
    details = cleaned(details)
    check(details, now=now)
    uid = uid_for_form(form_key, f"new:{actor.id}:{details!r}")
    found = session.scalar(select(Event).where(Event.uid == uid))
    if found is not None:
        return SavedEvent(found)
    event = new_event(session, details, Catalogue(session), is_taken=slug_taken(session), now=now, settings=settings,
                      uid=uid)  # fmt: skip
    audit.record(session, now=now, actor=actor, action="event_created", subject=("event", event.id), event_id=event.id)
    return SavedEvent(event)


def new_event(
    session: Session,
    details: EventDetails,
    catalogue: Catalogue,
    *,
    is_taken: Taken,
    now: datetime,
    settings: Settings,
    slug: str = "",
    foreign_uid: str | None = None,
    uid: str = "",
    state: str = "draft",
) -> Event:
    """The row of a new event with all that is derived from it. details: cleaned and checked.

    slug: the one wished for, otherwise that of the title.   uid: one made by ical.identity for a form, otherwise new.
    state: what an import says it is; everything else is made as a draft.
    """
    event, topics = unsaved_event(session, details, catalogue, is_taken=is_taken, now=now, settings=settings,
                                  slug=slug, foreign_uid=foreign_uid, uid=uid, state=state)  # fmt: skip
    save_new(session, [(event, details, topics)])
    return event


def save_new(session: Session, made: Sequence[tuple[Event, EventDetails, Sequence[Topic]]]) -> None:
    """Write what `unsaved_event` made, in a few statements however many they are."""
    session.add_all(event for event, _, _ in made)
    session.flush()
    for event, details, topics in made:
        link_details(session, event, details, topics)
    session.flush()
    if any(event.state != "draft" for event, _, _ in made):
        touch_public(session)


def unsaved_event(
    session: Session,
    details: EventDetails,
    catalogue: Catalogue,
    *,
    is_taken: Taken,
    now: datetime,
    settings: Settings,
    slug: str = "",
    foreign_uid: str | None = None,
    uid: str = "",
    state: str = "draft",
) -> tuple[Event, list[Topic]]:
    """As new_event, not yet in the session: for `save_new`, which writes many at once."""
    event = Event(
        uid=uid or new_uid(),
        foreign_uid=foreign_uid,
        slug=free_slug(slug or details.title, is_taken, day=details.when.slug_day),
        state=state,
        state_changed_at=None if state == "draft" else now,
        created_at=now,
        revised_at=now,
        sequence=0,
        version=0,
        changed_from="",
        state_reason="",
    )
    topics = put_details(event, details, catalogue)
    derive(session, event, None, topics=[topic.name for topic in topics], now=now, settings=settings)
    return event, topics


def change_event(
    session: Session,
    *,
    event_id: int,
    details: EventDetails,
    tell: bool | None,
    now: datetime,
    actor: Actor,
    settings: Settings,
    edition: int | None = None,
) -> SavedEvent:
    """Change an event in any state; a postponed one that gets another time is published again.

    tell: whether to email everybody registered; must be said when `decide_change` asks for it, and is left
    aside otherwise. The same details again change nothing.
    edition: the one that was read, when that matters; None overwrites whatever is saved now.
    Raises NotFound, DetailsDoNotFit with all that is wrong, MustChoose when the choice is missing, or
    EditedMeanwhile when the event has another edition.
    """
    lock_schedule(session)
    event = lock_event(session, event_id)
    if edition is not None and event.edition != edition:
        raise EditedMeanwhile(event.edition)
    details = cleaned(details)
    check(details, now=now)
    before = details_of(session, event)
    counts, state = all_counts_of(session, event), event.state
    decided = decide_change(before, details, state=state, counts=counts, now=now)
    if not decided.fields:
        return SavedEvent(event)
    changes = told_changes(before, details, decided)
    if decided.needs_choice and tell is None:
        raise MustChoose(Problem("tell", tell_question(counts.people)), people=counts.people, changes=changes)
    raised = apply_change(session, event, before, details, Catalogue(session), decided, now=now, settings=settings,
                          actor=actor)  # fmt: skip
    audit.record(
        session,
        now=now,
        actor=actor,
        action="event_changed",
        subject=("event", event.id),
        event_id=event.id,
        fields=decided.fields,
    )
    news: dict[str, Any] = {
        "session": session, "now": now, "actor": actor, "settings": settings, "before": before, "before_state": state,
    }
    tells, people = bool(decided.needs_check and tell), 0
    if changes and event.state == "published":
        heard = signals.event_changed.send(event, changes=changes, tell=tells, raises_sequence=raised, **news)
        people = sum(told for told in signals.answers(heard) if isinstance(told, int))
    elif changes and event.state != "draft":
        signals.event_changed_while_off.send(event, changes=changes, **news)
    if decided.changes_places:
        signals.event_capacity_changed.send(event, **news)
    tell_team(session, event, now=now, settings=settings)
    return SavedEvent(event, decided.fields, tells, tuple(change_notes(details, counts, decided)), people)


def apply_change(
    session: Session,
    event: Event,
    before: EventDetails,
    details: EventDetails,
    catalogue: Catalogue,
    decided: Decided,
    *,
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> bool:
    """Write changed details on a locked event with all that follows; whether SEQUENCE was raised."""
    entry = entry_for(event, settings=settings, topics=before.topics)
    was_public = event.state != "draft"
    if decided.changes_time and event.state in ("published", "postponed") and before.when.over_at > now:
        event.changed_from = before.when.words(uk_time=before.mode == "online")
        if event.state == "postponed":
            event.state, event.state_reason, event.state_changed_at = "published", "", now
    event.edition += 1
    topics = write_details(session, event, details, catalogue)
    raised = renew(session, event, entry, topics=topics, now=now, settings=settings)
    if was_public:
        touch_public(session)
    if details.mode not in (before.mode, "hybrid"):
        signals.way_of_taking_part_gone.send(event, session=session, now=now, settings=settings, actor=actor)
    return raised


def keep_part(session: Session, *, event_id: int, part: str) -> None:
    """Note that a part of the task list was saved; changes nothing else of the event. Raises NotFound."""
    event = lock_event(session, event_id)
    if part in PARTS and part not in event.parts_done:
        event.parts_done = [*event.parts_done, part]
        session.flush()


def tell_question(people: int) -> str:
    """What is asked before people who registered learn of a change, or do not."""
    who = "the person who is" if people == 1 else f"the {people:,} people who are"
    return f"Choose whether to email {who} registered"


def told_changes(before: EventDetails, after: EventDetails, decided: Decided) -> tuple[signals.Change, ...]:
    """What people are told of a change, before and after, in words."""
    old, new = told_words(before), told_words(after)
    labels = (*decided.told_labels, *((PLACES_LABEL,) if decided.changes_places else ()))
    return tuple(signals.Change(label, old[label], new[label]) for label in labels if old[label] != new[label])


def fit_vevents(session: Session, *, settings: Settings) -> int:
    """Make all stored VEVENTs anew when they were made for another base address or sender; how many were different.

    The newest event that feeds show tells it for all, so that a start with thousands of events costs one look.
    """
    newest = session.scalar(
        select(Event)
        .options(*WITH_NAMES)
        .where(Event.state != "draft", Event.vevent.is_not(None))
        .order_by(Event.id.desc())
        .limit(1)
    )
    entry = entry_for(newest, settings=settings) if newest is not None else None
    if newest is None or entry is None or newest.vevent == vevent_bytes(entry):
        return 0
    return refresh_all_vevents(session, settings=settings)


def refresh_all_vevents(session: Session, *, settings: Settings) -> int:
    """Make every stored VEVENT anew after the base address changed; how many were different.

    Nothing else moves: what an event is did not change, only where it is served.
    """
    events = session.scalars(
        select(Event)
        .options(*WITH_NAMES)
        .order_by(Event.id)
        # somebody may be changing one of them: theirs is read after it is saved, and not written over
        .with_for_update(of=Event)
        .execution_options(populate_existing=True)
    ).all()
    names = topic_names(session, [event.id for event in events])
    changed = 0
    for event in events:
        entry = entry_for(event, settings=settings, topics=names[event.id])
        fresh = None if entry is None else vevent_bytes(entry)
        if event.vevent != fresh:
            event.vevent = fresh
            event.version += 1
            changed += 1
    if changed:
        touch_public(session)
    session.flush()
    return changed

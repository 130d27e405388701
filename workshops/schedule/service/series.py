"""A change or a cancellation of several dates of a series: worked out under lock, then done event by event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.london_time import date_words
from workshops.schedule.models import Event
from workshops.schedule.queries.locks import lock_event, lock_schedule
from workshops.schedule.queries.series import open_dates
from workshops.schedule.rules.events import EventDetails, check, cleaned, decide_change
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.reach import Reach
from workshops.schedule.rules.series import adapt, followers
from workshops.schedule.service.details import all_counts_of, details_of
from workshops.schedule.service.states import cancel_event, publish_event


@dataclass(frozen=True)
class DateChange:
    """One date with the details it is to have. kept: a sentence about what stays there as it is, or ""."""

    event_id: int
    details: EventDetails
    kept: str = ""


def plan_series_change(
    session: Session, *, event_id: int, details: EventDetails, scope: str, reach: Reach, now: datetime
) -> list[DateChange]:
    """What each date becomes when one of them gets these details, the one itself included, in the order of locks.

    scope: a key of rules.series.SCOPES. Past and cancelled dates stay as they are, and so do those that the asker
    does not run. Nothing is written. Raises NotFound, or DetailsDoNotFit with the date in the sentence.
    """
    lock_schedule(session)
    event = session.get_one(Event, event_id)
    ids = followers(event, [one for one in open_dates(session, event, now) if reach.may_run(one)], scope, now=now)
    events = {one: lock_event(session, one) for one in sorted({event_id, *ids})}
    before = details_of(session, events[event_id])
    after = cleaned(details)
    check(after, now=now)
    planned = []
    for one, row in events.items():
        if one == event_id:
            planned.append(DateChange(one, details))
        elif row.over_at > now:
            planned.append(_date_change(session, row, before, after, now))
    return planned


def _date_change(
    session: Session, row: Event, before: EventDetails, after: EventDetails, now: datetime
) -> DateChange:
    theirs = details_of(session, row)
    day = date_words(theirs.when.first_day)
    adapted = adapt(before, after, theirs)
    try:
        fitting = cleaned(adapted.details)
        if fitting != theirs:
            check(fitting, now=now)
            decide_change(theirs, fitting, state=row.state, counts=all_counts_of(session, row), now=now)
    except DetailsDoNotFit as unfit:
        raise DetailsDoNotFit(*(Problem(one.field, f"{day}: {one.sentence}") for one in unfit.problems)) from None
    kept = f"{day} keeps its own {_listed(adapted.kept)}, because it was different before" if adapted.kept else ""
    return DateChange(row.id, adapted.details, kept)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def dates_to_cancel(session: Session, event: Event, scope: str, reach: Reach, now: datetime) -> list[int]:
    """The ids of the dates that are cancelled with an event, itself included, in the order of locks.

    Only what was published can be cancelled: drafts stay drafts, and so does what the asker does not run.
    """
    others = [one for one in open_dates(session, event, now) if one.state != "draft" and reach.may_run(one)]
    ids = set(followers(event, others, scope, now=now))
    if event.state in ("published", "postponed") and event.over_at > now:
        ids.add(event.id)
    return sorted(ids)


def cancel_dates(
    session: Session,
    *,
    event_ids: Sequence[int],
    reason: str,
    tell: bool | None,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> list[Event]:
    """Cancel these dates, all of them or none; see cancel_event. Raises NotFound, WrongState or DetailsDoNotFit."""
    lock_schedule(session)
    return [
        cancel_event(session, event_id=one, reason=reason, tell=tell, now=now, actor=actor, settings=settings)
        for one in sorted(set(event_ids))
    ]


def publish_dates(
    session: Session, *, event_id: int, reach: Reach, now: datetime, actor: Actor, settings: Settings
) -> int:
    """Publish the drafts among the dates of an event that are still to come, all of them or none; how many.

    Those that the asker does not run stay drafts. Raises NotFound, or DetailsDoNotFit when something is missing.
    """
    event = session.get_one(Event, event_id)
    drafts = [one for one in (event, *open_dates(session, event, now)) if one.state == "draft" and reach.may_run(one)]
    published = 0
    for event_id in sorted(draft.id for draft in drafts):
        # somebody else may be publishing them at this moment
        if lock_event(session, event_id).state == "draft":
            publish_event(session, event_id=event_id, now=now, actor=actor, settings=settings)
            published += 1
    return published

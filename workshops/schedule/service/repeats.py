"""Events made from an event: a copy, another date, and all the dates of a repeat."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.london_time import ImpossibleTime
from workshops.core.versions import touch_public
from workshops.ical.identity import uid_for_form
from workshops.schedule.models import Event, Series
from workshops.schedule.queries.locks import lock_event, lock_schedule
from workshops.schedule.queries.place_rules import place_rules_of
from workshops.schedule.queries.series import starts_of_series
from workshops.schedule.rules.events import EventDetails, check, cleaned
from workshops.schedule.rules.place_rules import moved_along
from workshops.schedule.rules.repeats import moved_instant
from workshops.schedule.rules.when import When
from workshops.schedule.service.catalogue import Catalogue, Taken, slug_taken
from workshops.schedule.service.details import details_of
from workshops.schedule.service.events import SavedEvent, new_event
from workshops.schedule.service.place_rules import write_place_rules
from workshops.schedule.service.states import publish_event

NO_WAY_IN = (
    "Registration was on another website whose address is not known, so the copy takes no names yet. "
    "Choose how people register."
)


@dataclass(frozen=True)
class Repeated:
    """What came of a repeat: the events that were made, first ones first, and how many were there already."""

    events: tuple[Event, ...]
    there_already: int = 0


def new_form_key() -> str:
    """A hidden value for a fresh form that makes events; the same form sent twice makes them once."""
    return secrets.token_urlsafe(16)


def add_date(
    session: Session,
    *,
    event_id: int,
    when: When,
    form_key: str = "",
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> SavedEvent:
    """Copy an event as a draft at another time: another date of the same series, with its own UID and address.

    When registration opens and closes moves along by whole days; what no longer fits is left empty.
    Raises NotFound, or DetailsDoNotFit.
    """
    lock_schedule(session)
    source = lock_event(session, event_id)
    series = _series_of(session, source, now)
    maker = _Maker(session, source, form_key, now, actor, settings)
    event, _ = maker.make(at_another_time(details_of(session, source), when), "date", series)
    return SavedEvent(event)


def copy_event(
    session: Session,
    *,
    event_id: int,
    title: str,
    when: When,
    keeps_all: bool = True,
    owner_id: int | None = None,
    programme: str | None = None,
    form_key: str = "",
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> SavedEvent:
    """Make a draft with the content of any event, past ones and history without a day included.

    Content is copied: words, place, how people register, questions, who runs it. People, marks, figures, follow-up,
    state and series are not. keeps_all: False for somebody who does not run the event; then its joining link and
    those who run it stay behind, owner_id looks after the copy, and it goes into `programme`.
    Raises NotFound, or DetailsDoNotFit.
    """
    lock_schedule(session)
    source = lock_event(session, event_id)
    details = replace(at_another_time(details_of(session, source), when), title=title)
    if not keeps_all:
        details = replace(details, owner_id=owner_id, facilitators=(), joining_link="", programme=programme or "")
    notes: tuple[str, ...] = ()
    if details.booking == "elsewhere" and not details.booking_url and when.over_at > now:
        details, notes = replace(details, booking="closed"), (NO_WAY_IN,)
    event, _ = _Maker(session, source, form_key, now, actor, settings).make(details, "copy", None)
    return SavedEvent(event, notes=notes)


def repeat_event(
    session: Session,
    *,
    event_id: int,
    whens: Sequence[When],
    rhythm: str,
    publish: bool,
    form_key: str = "",
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> Repeated:
    """Make an event at each of these times too, all of them or none: dates of one series, drafts unless publish.

    rhythm: how the dates were made, in words, or "" when they were chosen. A time that the series has already is
    left aside. Raises NotFound, or DetailsDoNotFit with everything that is wrong with one of the dates.
    """
    lock_schedule(session)
    source = lock_event(session, event_id)
    had_series = source.series_id is not None
    series = _series_of(session, source, now)
    # A series that was made in two ways has no one rhythm.
    series.rhythm = rhythm if not had_series or series.rhythm in ("", rhythm) else ""
    taken = starts_of_series(session, source)
    details = details_of(session, source)
    maker = _Maker(session, source, form_key, now, actor, settings)
    made: list[Event] = []
    for when in whens:
        if (when.starts_at or when.starts_on) in taken:
            continue
        event, is_new = maker.make(at_another_time(details, when), "date", series)
        if not is_new:
            continue
        made.append(event)
        if publish:
            publish_event(session, event_id=event.id, now=now, actor=actor, settings=settings)
    return Repeated(tuple(made), len(whens) - len(made))


@dataclass
class _Maker:
    """Makes events from one source in one transaction, so that what they refer to by name is read once."""

    session: Session
    source: Event
    form_key: str
    now: datetime
    actor: Actor
    settings: Settings

    def __post_init__(self) -> None:
        self.catalogue = Catalogue(self.session)
        self.is_taken: Taken = slug_taken(self.session)
        self.place_rules = place_rules_of(self.source)

    def make(self, details: EventDetails, what: str, series: Series | None) -> tuple[Event, bool]:
        """The event of these details, and whether it is new: the same form sent again finds it."""
        details = cleaned(details)
        check(details, now=self.now)
        uid = uid_for_form(self.form_key, f"{what}:{self.source.uid}:{details.title}:{details.when!r}")
        found = self.session.scalar(select(Event).where(Event.uid == uid))
        if found is not None:
            return found, False
        event = new_event(self.session, details, self.catalogue, is_taken=self.is_taken, now=self.now,
                          settings=self.settings, uid=uid)  # fmt: skip
        event.series = series
        self.session.flush()
        write_place_rules(event, moved_along(self.place_rules, event.sort_at - self.source.sort_at))
        audit.record(self.session, now=self.now, actor=self.actor, action="event_created",
                     subject=("event", event.id), event_id=event.id)  # fmt: skip
        return event, True


def _series_of(session: Session, source: Event, now: datetime) -> Series:
    """The series of an event; one that is made now shows on its public page as other dates."""
    if source.series is None:
        source.series = Series(title=source.title, created_at=now, rhythm="")
        session.flush()
        if source.state != "draft":
            touch_public(session)
        source.version += 1
    return source.series


def at_another_time(details: EventDetails, when: When) -> EventDetails:
    """The details of a new date: registration opens and closes as long before it, and no figures are reported."""
    days = (when.first_day - details.when.first_day).days
    opens_at, closes_at = _moved(details.opens_at, days), _moved(details.closes_at, days)
    if closes_at is not None and closes_at > when.over_at:
        closes_at = None
    if opens_at is not None and opens_at >= (closes_at or when.over_at):
        opens_at = None
    return replace(
        details,
        when=when,
        opens_at=opens_at,
        closes_at=closes_at,
        reported_registered=None,
        reported_attended=None,
        source_url="",
    )


def _moved(instant: datetime | None, days: int) -> datetime | None:
    """The same time of day in Scotland so many days later."""
    if instant is None:
        return None
    try:
        return moved_instant(instant, days)
    except ImpossibleTime:
        return instant + timedelta(days=days)

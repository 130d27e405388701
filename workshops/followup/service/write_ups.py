"""Promises, drafts and links of write-ups."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.core.errors import NotFound
from workshops.core.london_time import london_date
from workshops.core.versions import touch_public
from workshops.followup.models import WriteUp
from workshops.followup.queries import lock_write_up
from workshops.followup.rules import WriteUpDetails, WriteUpProblem, checked_details, checked_link
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.service import touch_event

FIELDS = ("title", "state", "url", "owner_id", "due_on", "published_on")


def details_of(write_up: WriteUp) -> WriteUpDetails:
    """A stored write-up as a value."""
    return WriteUpDetails(
        write_up.title, write_up.state, write_up.url, write_up.owner_id, write_up.due_on, write_up.published_on
    )


def add_write_up(session: Session, *, event: Event, details: WriteUpDetails, now: datetime, actor: Actor) -> WriteUp:
    """Promise, or note down, a write-up. Raises WriteUpProblem with the field that does not fit."""
    event = lock_event(session, event.id)
    details = _checked(session, details, now)
    return store_new(session, event=event, details=details, now=now, actor=actor)


def change_write_up(
    session: Session, *, write_up: WriteUp, details: WriteUpDetails, now: datetime, actor: Actor
) -> WriteUp:
    """Change what is known about a write-up. Raises WriteUpProblem; NotFound when it is gone."""
    event, write_up = _locked(session, write_up)
    store_change(session, event=event, write_up=write_up, details=_checked(session, details, now), now=now, actor=actor)
    return write_up


def publish_link(session: Session, *, write_up: WriteUp, url: str, now: datetime, actor: Actor) -> WriteUp:
    """One pasted link keeps a promise: the write-up is published today under it. Raises WriteUpProblem."""
    event, write_up = _locked(session, write_up)
    known = details_of(write_up)
    today = london_date(now)
    published_on = known.published_on if known.state == "published" else today
    details = WriteUpDetails(known.title, "published", checked_link(url), known.owner_id, known.due_on, published_on)
    store_change(session, event=event, write_up=write_up, details=details, now=now, actor=actor)
    return write_up


def remove_write_up(session: Session, *, write_up: WriteUp, now: datetime, actor: Actor) -> None:
    """Take a write-up off the list, promised or published."""
    event, write_up = _locked(session, write_up)
    _record(session, event, write_up, "write_up_removed", (), now, actor)
    was_public = write_up.state == "published"
    session.delete(write_up)
    session.flush()
    shown_again(session, event, also_lists=was_public)


def store_new(session: Session, *, event: Event, details: WriteUpDetails, now: datetime, actor: Actor) -> WriteUp:
    """Save checked details as a new write-up."""
    write_up = WriteUp(event_id=event.id, uid=uuid.uuid4().urn, created_at=now, updated_at=now)
    _apply(write_up, details)
    session.add(write_up)
    session.flush()
    action = "write_up_published" if details.state == "published" else "write_up_promised"
    _record(session, event, write_up, action, (), now, actor)
    shown_again(session, event, also_lists=details.state == "published")
    return write_up


def store_change(
    session: Session, *, event: Event, write_up: WriteUp, details: WriteUpDetails, now: datetime, actor: Actor
) -> bool:
    """Save checked details over a write-up; False when nothing differs."""
    before = details_of(write_up)
    changed = tuple(name for name in FIELDS if getattr(before, name) != getattr(details, name))
    if not changed:
        return False
    _apply(write_up, details)
    write_up.updated_at = now
    newly = details.state == "published" != before.state
    _record(session, event, write_up, "write_up_published" if newly else "write_up_changed", changed, now, actor)
    session.flush()
    shown_again(session, event, also_lists="published" in (before.state, details.state))
    return True


def shown_again(session: Session, event: Event, *, also_lists: bool) -> None:
    """The event's page says what is promised and published; lists and Atom only what is published."""
    touch_event(session, event)
    if also_lists:
        touch_public(session)


def _apply(write_up: WriteUp, details: WriteUpDetails) -> None:
    for name in FIELDS:
        setattr(write_up, name, getattr(details, name))


def _checked(session: Session, details: WriteUpDetails, now: datetime) -> WriteUpDetails:
    details = checked_details(details, today=london_date(now))
    if details.owner_id is not None:
        owner = session.get(Account, details.owner_id)
        if owner is None:
            raise WriteUpProblem("Choose somebody from the list.", field="owner_id")
    return details


def _locked(session: Session, write_up: WriteUp) -> tuple[Event, WriteUp]:
    event = lock_event(session, write_up.event_id)
    fresh = lock_write_up(session, write_up.id)
    if fresh is None:
        raise NotFound("This write-up is not here any more.")
    return event, fresh


def _record(
    session: Session,
    event: Event,
    write_up: WriteUp,
    action: str,
    fields: tuple[str, ...],
    now: datetime,
    actor: Actor,
) -> None:
    audit.record(
        session,
        now=now,
        actor=actor,
        action=action,
        subject=("write_up", write_up.id),
        event_id=event.id,
        fields=fields,
    )

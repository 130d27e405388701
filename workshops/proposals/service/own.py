"""What the person behind the link can do: change the proposal, take it back, and change some of the draft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time

from sqlalchemy.orm import Session

from workshops.audit.rules import host
from workshops.config import Settings
from workshops.core.errors import EditClash
from workshops.core.london_time import to_london
from workshops.proposals.models import Proposal
from workshops.proposals.queries import lock_proposal
from workshops.proposals.rules import (
    Details,
    WrongState,
    check_details,
    cleaned,
    may_edit,
    may_edit_event,
    refuse_rubbish,
)
from workshops.proposals.service.sending import TEXTS, write_details
from workshops.proposals.service.telling import note
from workshops.schedule.models import Event
from workshops.schedule.queries.locks import lock_event, lock_schedule
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.when import When, when_typed
from workshops.schedule.service import change_event, details_of


def edit_proposal(session: Session, *, proposal_id: int, details: Details, now: datetime) -> None:
    """Change what was proposed; one that was given back goes into the queue again.

    Raises NotFound, WrongState once it is answered, or DetailsDoNotFit with all that is wrong.
    """
    proposal = lock_proposal(session, proposal_id)
    _require_open(proposal)
    details = cleaned(details)
    check_details(proposal.purpose, details, now=now)
    refuse_rubbish({name: getattr(details, name) for name in TEXTS})
    changed = write_details(proposal, details)
    comes_back = proposal.state == "changes"
    if not changed and not comes_back:
        return
    proposal.edition += 1
    if comes_back:
        proposal.state, proposal.state_changed_at, proposal.sent_at = "waiting", now, now
    step = "proposal_sent_back" if comes_back else "proposal_changed"
    note(session, proposal, step, now=now, actor=host(proposal.id), fields=changed)
    session.flush()


def withdraw(session: Session, *, proposal_id: int, now: datetime) -> None:
    """Take it back. Raises NotFound, WrongState once it is answered."""
    proposal = lock_proposal(session, proposal_id)
    if proposal.state == "withdrawn":
        return
    _require_open(proposal)
    proposal.state, proposal.state_changed_at = "withdrawn", now
    proposal.edition += 1
    note(session, proposal, "proposal_withdrawn", now=now, actor=host(proposal.id))
    session.flush()


def _require_open(proposal: Proposal) -> None:
    if not may_edit(proposal.state):
        raise WrongState("The organisers have answered in the meantime, so nothing was changed.")


@dataclass(frozen=True, kw_only=True)
class EventFields:
    """What of the draft its host may change. Everything else belongs to the organisers.

    has_times: False when the event has times for each of several days, which this form cannot say; they stay.
    places: of the one way in which people take part; of both, in person.
    """

    title: str
    summary: str
    description: str
    has_times: bool
    starts_on: date | None
    ends_on: date | None
    start_time: time | None
    end_time: time | None
    venue_name: str
    venue_address: str
    postcode: str
    places_in_person: int | None
    places_online: int | None


def event_fields_of(details: EventDetails) -> EventFields:
    """What the form of the host shows of an event."""
    when, venue = details.when, details.venue or Place()
    starts = to_london(when.starts_at) if when.starts_at else None
    ends = to_london(when.ends_at) if when.ends_at else None
    last = when.last_day if when.last_day != when.first_day else None
    return EventFields(
        title=details.title,
        summary=details.summary,
        description=details.description,
        has_times=not when.days and when.month is None,
        starts_on=when.first_day,
        ends_on=last,
        start_time=starts.time() if starts else None,
        end_time=ends.time() if ends else None,
        venue_name=venue.name,
        venue_address=venue.address,
        postcode=venue.postcode,
        places_in_person=details.capacity_in_person,
        places_online=details.capacity_online,
    )


def edit_event(
    session: Session,
    *,
    proposal_id: int,
    fields: EventFields,
    edition: int | None = None,
    now: datetime,
    settings: Settings,
) -> None:
    """Change the draft that was made of a proposal.

    edition: that of the event which was read; None overwrites whatever is saved now.
    Raises NotFound, WrongState once it is published, EditClash when the organisers changed it in between, or
    DetailsDoNotFit with all that is wrong.
    """
    event_id = session.get_one(Proposal, proposal_id).event_id
    if event_id is None:
        raise WrongState
    # The event goes before the proposal: who publishes it holds it, and then writes a mail about the proposal.
    lock_schedule(session)
    event: Event = lock_event(session, event_id)
    proposal = lock_proposal(session, proposal_id)
    if not may_edit_event(proposal.purpose, proposal.state, event.state):
        raise WrongState("The event is published now, so only its organisers can change it. Nothing was changed.")
    if edition is not None and event.edition != edition:
        raise EditClash("The organisers changed the draft while you were writing. Look at it again: nothing was saved.")
    before = details_of(session, event)
    after = _with_fields(before, fields)
    changed = tuple(name for name in EventDetails.__dataclass_fields__ if getattr(before, name) != getattr(after, name))
    if not changed:
        return
    change_event(
        session, event_id=event.id, details=after, tell=None, now=now, actor=host(proposal.id), settings=settings
    )
    note(session, proposal, "proposal_event_changed", now=now, actor=host(proposal.id), fields=changed)
    session.flush()


def _with_fields(before: EventDetails, fields: EventFields) -> EventDetails:
    place = Place(fields.venue_name, fields.venue_address, fields.postcode)
    venue = place if place.words and before.mode != "online" else None
    same_place = venue is not None and before.venue is not None and venue.key == before.venue.key
    return replace(
        before,
        title=fields.title,
        summary=fields.summary,
        description=fields.description,
        when=_when(before.when, fields),
        venue=venue if before.mode != "online" else before.venue,
        # a room belongs to its place
        room=before.room if same_place or before.mode == "online" else "",
        capacity_in_person=fields.places_in_person if before.mode != "online" else before.capacity_in_person,
        capacity_online=fields.places_online if before.mode != "in_person" else before.capacity_online,
    )


def _when(before: When, fields: EventFields) -> When:
    if not fields.has_times or fields.starts_on is None or before.days or before.month is not None:
        return before
    typed = when_typed(fields.starts_on, fields.start_time, fields.ends_on, fields.end_time)
    # one of two equal times in autumn: the boxes cannot say which, so unchanged words mean the same instant
    return before if typed.words() == before.words() else typed

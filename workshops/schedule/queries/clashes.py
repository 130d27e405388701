"""Clashes of events with each other, however many are asked for, in a fixed number of SELECTs.

What counts as a clash is for rules.clashes; here is only what it needs to know. For staff pages alone: the
sentences name people who run events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, tuple_
from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.schedule.models import Event, EventFacilitator, Programme, Room, Venue
from workshops.schedule.rules.clashes import COUNTING, Clash, Slot, find_clashes
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.when import When


@dataclass(frozen=True)
class Candidate:
    """Details as they would be saved, for the event of that id, or for one that is not there yet."""

    details: EventDetails
    event_id: int | None = None
    state: str = "draft"


def clashes_of(
    session: Session, *, details: EventDetails, event_id: int | None, now: datetime
) -> list[Clash]:
    """What stands in the way of an event with these details, among all the others.

    event_id: the event they are for, so that it does not clash with itself as it was; None for a new one.
    Six SELECTs at most. A venue, room or programme that is not in the database yet clashes with nothing.
    """
    return clashes_among(session, [Candidate(details, event_id)], now=now)[0]


def clashes_among(session: Session, candidates: Sequence[Candidate], *, now: datetime) -> list[list[Clash]]:
    """The same for many at once, and among them: one list each, in their order. Six SELECTs, however many."""
    slots = _slots_of_details(session, candidates)
    return find_clashes(slots, _others(session, slots, now), now=now)


def clashes_of_events(session: Session, event_ids: Iterable[int], *, now: datetime) -> dict[int, list[Clash]]:
    """The clashes of saved events with all the others; every id has its list. Five SELECTs, however many."""
    ids = list(dict.fromkeys(event_ids))
    if not ids:
        return {}
    slots = _with_people(session, [_slot(row) for row in session.execute(_saved().where(Event.id.in_(ids)))])
    lists = find_clashes(slots, _others(session, slots, now), now=now)
    found = {slot.event_id: clashes for slot, clashes in zip(slots, lists, strict=True)}
    return {event_id: found.get(event_id, []) for event_id in ids}


def _saved() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Event.id,
            Event.title,
            Event.slug,
            Event.state,
            Event.mode,
            Event.starts_at,
            Event.ends_at,
            Event.starts_on,
            Event.ends_on,
            Event.month,
            Event.days,
            Event.venue_id,
            Venue.name.label("venue_name"),
            Event.room_id,
            Room.name.label("room_name"),
            Event.owner_id,
            Event.programme_id,
            Event.audience,
        )
        .outerjoin(Venue, Venue.id == Event.venue_id)
        .outerjoin(Room, Room.id == Event.room_id)
        .order_by(Event.sort_at, Event.id)
    )


def _slot(row: Any) -> Slot:
    days = tuple((datetime.fromisoformat(starts), datetime.fromisoformat(ends)) for starts, ends in row.days)
    # A place that a page only knows by its town is nothing that can be taken; nor is one people join from home.
    place = row.venue_id if row.venue_name and row.mode != "online" else None
    return Slot(
        when=When(row.starts_at, row.ends_at, row.starts_on, row.ends_on, row.month, days),
        event_id=row.id,
        title=row.title,
        slug=row.slug,
        state=row.state,
        place=place,
        place_name=row.venue_name or "",
        room=row.room_id if place is not None else None,
        room_name=row.room_name or "",
        people={row.owner_id: ""} if row.owner_id else {},
        programme=row.programme_id,
        audience=row.audience,
    )


def _others(session: Session, slots: Sequence[Slot], now: datetime) -> list[Slot]:
    """The events that share a place, somebody or a programme with one of these, in the time between them all."""
    ahead = [slot for slot in slots if slot.when.over_at > now]
    if not ahead:
        return []
    people = sorted({account_id for slot in ahead for account_id in slot.people})
    beside = select(EventFacilitator.event_id).where(EventFacilitator.account_id.in_(people))
    shared: list[ColumnElement[bool]] = []
    for column, values in (
        (Event.venue_id, {slot.place for slot in ahead}),
        (Event.programme_id, {slot.programme for slot in ahead}),
        (Event.owner_id, set(people)),
    ):
        if known := sorted(value for value in values if isinstance(value, int)):
            shared.append(column.in_(known))
    if people:
        shared.append(Event.id.in_(beside))
    if not shared:
        return []
    rows = session.execute(
        _saved().where(
            Event.state.in_(COUNTING),
            Event.over_at > max(now, min(slot.when.sort_at for slot in ahead)),
            Event.sort_at < max(slot.when.over_at for slot in ahead),
            or_(*shared),
        )
    )
    return _with_people(session, [_slot(row) for row in rows])


def _with_people(session: Session, slots: list[Slot]) -> list[Slot]:
    """The same, with everybody who runs them and their names. One SELECT for those beside the owners, one for names."""
    ids = [slot.event_id for slot in slots if slot.event_id is not None]
    if not ids:
        return slots
    people: dict[int, list[int]] = {}
    for event_id, account_id in session.execute(
        select(EventFacilitator.event_id, EventFacilitator.account_id)
        .where(EventFacilitator.event_id.in_(ids))
        .order_by(EventFacilitator.event_id, EventFacilitator.account_id)
    ):
        people.setdefault(event_id, []).append(account_id)
    everybody = [one for some in (*(slot.people for slot in slots), *people.values()) for one in some]
    names = _names(session, everybody)
    return [
        replace(slot, people={one: names.get(one, "") for one in (*slot.people, *people.get(slot.event_id or 0, ()))})
        for slot in slots
    ]


def _names(session: Session, account_ids: Iterable[int]) -> dict[int, str]:
    ids = sorted(set(account_ids))
    if not ids:
        return {}
    rows = session.execute(select(Account.id, Account.name, Account.email).where(Account.id.in_(ids)))
    return {row.id: row.name or row.email for row in rows}


def _slots_of_details(session: Session, candidates: Sequence[Candidate]) -> list[Slot]:
    """What these details would hold. Three SELECTs: places with their rooms, programmes, names of people."""
    places = {one.details.venue.key for one in candidates if one.details.venue and one.details.mode != "online"}
    venues: dict[tuple[str, str, str], int] = {}
    rooms: dict[tuple[int, str], int] = {}
    if places:
        for row in session.execute(
            select(Venue.id, Venue.name_key, Venue.address_key, Venue.postcode, Room.id.label("room"), Room.name_key)
            .outerjoin(Room, Room.venue_id == Venue.id)
            .where(tuple_(Venue.name_key, Venue.address_key, Venue.postcode).in_(sorted(places)))
        ):
            venues[row[1], row[2], row[3]] = row.id
            rooms[row.id, row[5]] = row.room
    titles = {fold(one.details.programme) for one in candidates if one.details.programme}
    programmes: dict[str, int] = {}
    if titles:
        rows = session.execute(select(Programme.title_key, Programme.id).where(Programme.title_key.in_(sorted(titles))))
        programmes = {row[0]: row[1] for row in rows}
    running = [[*filter(None, [one.details.owner_id]), *one.details.facilitators] for one in candidates]
    names = _names(session, [account_id for people in running for account_id in people])
    return [
        _slot_of_details(one, venues, rooms, programmes, {person: names.get(person, "") for person in people})
        for one, people in zip(candidates, running, strict=True)
    ]


def _slot_of_details(
    candidate: Candidate,
    venues: dict[tuple[str, str, str], int],
    rooms: dict[tuple[int, str], int],
    programmes: dict[str, int],
    people: dict[int, str],
) -> Slot:
    details = candidate.details
    named = details.venue if details.venue and details.venue.name and details.mode != "online" else None
    # What is not saved yet is recognised by what is written, so that candidates still clash with each other.
    place = venues.get(named.key, named.key) if named else None
    room_key = fold(details.room)
    room = (rooms.get((place, room_key)) if isinstance(place, int) else None) or (place, room_key)
    programme = fold(details.programme)
    return Slot(
        when=details.when,
        event_id=candidate.event_id,
        title=details.title,
        state=candidate.state,
        place=place,
        place_name=named.name if named else "",
        room=room if named and room_key else None,
        room_name=details.room,
        people=people,
        programme=programmes.get(programme, programme) if programme else None,
        audience=details.audience,
    )

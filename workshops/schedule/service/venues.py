"""Venues and their rooms: made, changed, merged and deleted, and all events held there follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.text import clean_text
from workshops.schedule.models import VENUE_FACTS, Event, Room, Venue, VenueAlias
from workshops.schedule.queries.locks import lock_schedule
from workshops.schedule.rules.catalogue import HOW_TO_GET_THERE_MAX, StillUsed, check_capacity, clean_name
from workshops.schedule.rules.events import AREA_MAX, FACTS, NAME_MAX, POSTCODE_MAX, Place
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem, refuse
from workshops.schedule.service.moves import Heed, PlaceNews, moving


@dataclass(frozen=True, kw_only=True)
class VenueDetails:
    """What a venue's page says. The facts are keys of FACTS."""

    place: Place
    area: str = ""
    how_to_get_there: str = ""
    step_free: str = "not_known"
    hearing_loop: str = "not_known"
    accessible_toilet: str = "not_known"
    parking: str = "not_known"
    quiet_room: str = "not_known"
    bsl: str = "not_known"
    captions: str = "not_known"


def save_venue(
    session: Session,
    *,
    venue_id: int | None,
    details: VenueDetails,
    now: datetime,
    actor: Actor,
    settings: Settings,
    heed: Heed | None = None,
) -> Venue:
    """Change a venue, or make one when venue_id is None. The pages and calendar entries of its events follow.

    heed: what is done about events whose place then reads otherwise. Without it, people who are registered must not
    be concerned. Raises NotFound, or DetailsDoNotFit when it has no name and no address or is written like another
    one, or when nobody chose whether people are told.
    """
    lock_schedule(session)
    place = Place(clean_text(details.place.name), clean_text(details.place.address), details.place.key[2])
    _check_venue(session, venue_id, place, details)
    venue = Venue() if venue_id is None else _venue(session, venue_id)
    values = {
        "name": place.name,
        "address": place.address,
        "postcode": place.key[2],
        "area": clean_text(details.area),
        "how_to_get_there": clean_text(details.how_to_get_there, multiline=True),
        **{fact: getattr(details, fact) for fact in VENUE_FACTS},
    }
    changed = [name for name, value in values.items() if getattr(venue, name) != value]
    # A new venue has no events; with an id of None the question would be "events without a venue".
    mine = Event.venue_id == (venue_id or 0)
    heed = heed or PlaceNews(tell=None, now=now, actor=actor, settings=settings)
    seen = changed if venue_id is not None else ()
    with moving(session, mine, heed=heed, now=now, settings=settings, if_any=seen):
        for name, value in values.items():
            setattr(venue, name, value)
        venue.name_key, venue.address_key, _ = place.key
        session.add(venue)
        session.flush()
    if changed:
        action = "venue_made" if venue_id is None else "venue_changed"
        audit.record(session, now=now, actor=actor, action=action, subject=("venue", venue.id), fields=changed)
    return venue


def _check_venue(session: Session, venue_id: int | None, place: Place, details: VenueDetails) -> None:
    problems = []
    if not place.name and not place.address:
        problems.append(Problem("name", "Enter the name of the venue, or its address"))
    for name, words, text, most in (
        ("name", "The name", place.name, NAME_MAX),
        ("address", "The address", place.address, NAME_MAX),
        ("postcode", "The postcode", place.key[2], POSTCODE_MAX),
        ("area", "The area", details.area, AREA_MAX),
        ("how_to_get_there", "How to get there", details.how_to_get_there, HOW_TO_GET_THERE_MAX),
    ):
        if len(text) > most:
            problems.append(Problem(name, f"{words} must be {most:,} characters or fewer"))
    problems += [Problem(fact, "Choose yes, no or not known") for fact in VENUE_FACTS
                 if getattr(details, fact) not in FACTS]  # fmt: skip
    refuse(problems)
    name_key, address_key, postcode = place.key
    twin = session.scalar(
        select(Venue).where(Venue.name_key == name_key, Venue.address_key == address_key, Venue.postcode == postcode)
    )
    if twin is not None and twin.id != venue_id:
        raise DetailsDoNotFit(Problem("name", "There is a venue with this name, address and postcode already"))


def merge_venues(
    session: Session,
    *,
    gone_id: int,
    kept_id: int,
    now: datetime,
    actor: Actor,
    settings: Settings,
    heed: Heed | None = None,
) -> Venue:
    """Make one venue of two that are the same: events and rooms of the first go to the second.

    What is not known of the kept one is taken from the other. SEQUENCE rises only where the place reads otherwise;
    heed: as for save_venue. The words of the other are kept, so that a file which uses them finds the kept one.
    Raises NotFound, or DetailsDoNotFit when both are the same venue or nobody chose whether people are told.
    """
    lock_schedule(session)
    if gone_id == kept_id:
        raise DetailsDoNotFit(Problem("into", "Choose another venue than this one"))
    gone, kept = _venue(session, gone_id), _venue(session, kept_id)
    heed = heed or PlaceNews(tell=None, now=now, actor=actor, settings=settings)
    mine = Event.venue_id.in_((gone_id, kept_id))
    with moving(session, mine, heed=heed, now=now, settings=settings, if_any=["venue"]):
        for name in ("area", "how_to_get_there"):
            setattr(kept, name, getattr(kept, name) or getattr(gone, name))
        for fact in VENUE_FACTS:
            if getattr(kept, fact) == "not_known":
                setattr(kept, fact, getattr(gone, fact))
        rooms = _joined_rooms(session, gone_id, kept_id)
        for event in session.scalars(select(Event).where(Event.venue_id == gone_id).order_by(Event.id)):
            event.venue = kept
            event.room = rooms.get(event.room_id) if event.room_id is not None else None
        session.flush()
        session.execute(delete(Room).where(Room.venue_id == gone_id))
        session.execute(update(VenueAlias).where(VenueAlias.venue_id == gone_id).values(venue_id=kept_id))
        key = (gone.name_key, gone.address_key, gone.postcode)
        session.execute(
            delete(VenueAlias).where(
                VenueAlias.name_key == key[0], VenueAlias.address_key == key[1], VenueAlias.postcode == key[2]
            )
        )
        session.add(VenueAlias(venue_id=kept_id, name_key=key[0], address_key=key[1], postcode=key[2]))
        session.delete(gone)
        session.flush()
    audit.record(session, now=now, actor=actor, action="venues_merged", subject=("venue", kept_id), fields=["venue"])
    return kept


def _joined_rooms(session: Session, gone_id: int, kept_id: int) -> dict[int, Room]:
    """The rooms of a venue that is merged, by their ids before: those of the same name become one."""
    there = {room.name_key: room for room in rooms_by_name(session, kept_id)}
    joined = {}
    for room in rooms_by_name(session, gone_id):
        same = there.get(room.name_key)
        if same is None:
            room.venue_id = kept_id
        elif same.capacity is None:
            same.capacity = room.capacity
        joined[room.id] = same or room
    session.flush()
    return joined


def rooms_by_name(session: Session, venue_id: int) -> list[Room]:
    """The rooms of a venue by name."""
    return list(session.scalars(select(Room).where(Room.venue_id == venue_id).order_by(Room.name_key, Room.id)))


def delete_venue(session: Session, *, venue_id: int, now: datetime, actor: Actor) -> None:
    """Delete a venue and its rooms. Raises NotFound, or StillUsed while an event was or will be held there."""
    lock_schedule(session)
    venue = _venue(session, venue_id)
    events = session.scalar(select(func.count()).select_from(Event).where(Event.venue_id == venue_id))
    if events:
        raise StillUsed("Events were or will be held here, so it stays. If there is another venue for the same "
                        "place, merge the two.")
    session.execute(delete(Room).where(Room.venue_id == venue_id))
    session.delete(venue)
    session.flush()
    audit.record(session, now=now, actor=actor, action="venue_deleted", subject=("venue", venue_id))


def save_room(
    session: Session,
    *,
    venue_id: int,
    room_id: int | None,
    name: str,
    capacity: int | None,
    now: datetime,
    actor: Actor,
    settings: Settings,
    heed: Heed | None = None,
) -> Room:
    """Change a room of a venue, or add one when room_id is None; its events follow. capacity: None is not known.

    heed: as for save_venue. Raises NotFound, or DetailsDoNotFit when the name is missing, long or that of another
    room here, or when nobody chose whether people are told.
    """
    lock_schedule(session)
    _venue(session, venue_id)
    room = Room(venue_id=venue_id, name="", name_key="") if room_id is None else _room(session, venue_id, room_id)
    name = clean_name(name, "room")
    check_capacity(capacity)
    twin = session.scalar(select(Room).where(Room.venue_id == venue_id, Room.name_key == fold(name)))
    if twin is not None and twin is not room:
        raise DetailsDoNotFit(Problem("name", f"There is a room called “{twin.name}” here already"))
    changed = [field for field, value in (("name", name), ("capacity", capacity)) if getattr(room, field) != value]
    shown = changed if room_id is not None and "name" in changed else ()
    heed = heed or PlaceNews(tell=None, now=now, actor=actor, settings=settings)
    with moving(session, Event.room_id == (room_id or 0), heed=heed, now=now, settings=settings, if_any=shown):
        room.name, room.name_key, room.capacity = name, fold(name), capacity
        session.add(room)
        session.flush()
    if changed:
        action = "room_made" if room_id is None else "room_changed"
        audit.record(session, now=now, actor=actor, action=action, subject=("room", room.id), fields=changed)
    return room


def delete_room(session: Session, *, venue_id: int, room_id: int, now: datetime, actor: Actor) -> None:
    """Take a room away. Raises NotFound, or StillUsed when an event is in it."""
    lock_schedule(session)
    room = _room(session, venue_id, room_id)
    if session.scalar(select(func.count()).select_from(Event).where(Event.room_id == room_id)):
        raise StillUsed("An event uses this room, so it stays. Change the event first.")
    session.delete(room)
    session.flush()
    audit.record(session, now=now, actor=actor, action="room_deleted", subject=("room", room_id))


def _venue(session: Session, venue_id: int) -> Venue:
    venue = session.get(Venue, venue_id)
    if venue is None:
        raise NotFound("This venue is not here any more.")
    return venue


def _room(session: Session, venue_id: int, room_id: int) -> Room:
    room = session.get(Room, room_id)
    if room is None or room.venue_id != venue_id:
        raise NotFound("This room is not here any more.")
    return room

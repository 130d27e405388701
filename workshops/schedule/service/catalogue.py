"""Kinds, hosts, venues, programmes and topics: found by name or made, and changed with all that shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.text import clean_text
from workshops.schedule.models import (
    VENUE_FACTS,
    Event,
    EventTopic,
    Host,
    Kind,
    Programme,
    Room,
    Topic,
    TopicAlias,
    Venue,
)
from workshops.schedule.queries.locks import lock_schedule
from workshops.schedule.queries.staff import kinds_by_name
from workshops.schedule.rules.events import AREA_MAX, DESCRIPTION_MAX, FACTS, NAME_MAX, SUMMARY_MAX, Place
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem, refuse
from workshops.schedule.rules.slugs import free_slug
from workshops.schedule.service.calendar import refreshing

Named = TypeVar("Named", Host, Topic)


@dataclass
class Catalogue:
    """The things events refer to by name, read once and kept for one transaction. lock_schedule goes before it."""

    session: Session
    kinds: dict[str, Kind] = field(default_factory=dict)
    _hosts: dict[str, Host] | None = None
    _topics: dict[str, Topic] | None = None
    _programmes: dict[str, Programme] | None = None

    def __post_init__(self) -> None:
        self.kinds = {fold(kind.name): kind for kind in kinds_by_name(self.session)}

    def kind(self, name: str) -> Kind:
        """The kind of that name. Raises DetailsDoNotFit with the list of those there are."""
        kind = self.kinds.get(fold(name))
        if kind is None:
            names = ", ".join(kind.name for kind in self.kinds.values())
            raise DetailsDoNotFit(Problem("kind", f"There is no kind of event called “{name}”. Use one of: {names}"))
        return kind

    def host(self, name: str) -> Host | None:
        """The host of that name, made when it is new; None for an empty name."""
        if self._hosts is None:
            self._hosts = {fold(row.name): row for row in self.session.scalars(select(Host).order_by(Host.id))}
        return self._named(Host, self._hosts, name) if name else None

    def topics(self, names: tuple[str, ...]) -> list[Topic]:
        """The topics of these names, made when they are new."""
        if self._topics is None:
            self._topics = {fold(row.name): row for row in self.session.scalars(select(Topic).order_by(Topic.id))}
            for alias, topic in self.session.execute(
                select(TopicAlias.name_key, Topic).join(Topic, Topic.id == TopicAlias.topic_id).order_by(TopicAlias.id)
            ):
                self._topics.setdefault(alias, topic)
        return [self._named(Topic, self._topics, name) for name in names]

    def programme(self, title: str) -> Programme | None:
        """The programme of that title, made when it is new; None for an empty title."""
        if not title:
            return None
        if self._programmes is None:
            rows = self.session.scalars(select(Programme).order_by(Programme.id))
            self._programmes = {row.title_key: row for row in rows}
        found = self._programmes.get(fold(title))
        if found is None:
            taken = {row.slug for row in self._programmes.values()}
            slug = free_slug(title, taken.__contains__, otherwise="programme")
            found = Programme(title=title, title_key=fold(title), slug=slug)
            self.session.add(found)
            self._programmes[found.title_key] = found
        return found

    def venue(self, place: Place | None, area: str) -> Venue | None:
        """The venue that is written so, made when it is new; None without one."""
        if place is None:
            return None
        name_key, address_key, postcode = place.key
        found = self.session.scalar(
            select(Venue).where(
                Venue.name_key == name_key, Venue.address_key == address_key, Venue.postcode == postcode
            )
        )
        if found is None:
            found = Venue(name=place.name, name_key=name_key, address=place.address, address_key=address_key,
                          postcode=postcode, area=area)
            self.session.add(found)
            self.session.flush()
        return found

    def room(self, venue: Venue | None, name: str) -> Room | None:
        """The room of that name at a venue, made when it is new; None without one."""
        if venue is None or not name:
            return None
        found = self.session.scalar(select(Room).where(Room.venue_id == venue.id, Room.name_key == fold(name)))
        if found is None:
            found = Room(venue_id=venue.id, name=name, name_key=fold(name))
            self.session.add(found)
            self.session.flush()
        return found

    def _named(self, model: type[Named], known: dict[str, Named], name: str) -> Named:
        found = known.get(fold(name))
        if found is None:
            taken = {row.slug for row in known.values()}
            slug = free_slug(name, taken.__contains__, otherwise=model.__name__.lower())
            found = model(name=name, slug=slug)
            self.session.add(found)
            known[fold(name)] = found
        return found


def make_kind(session: Session, *, name: str, now: datetime, actor: Actor) -> Kind:
    """Add a kind of event. Raises DetailsDoNotFit when it has no name, a long one, or is there already."""
    lock_schedule(session)
    name = clean_text(name)
    kinds = {fold(kind.name): kind for kind in kinds_by_name(session)}
    if not name:
        raise DetailsDoNotFit(Problem("name", "Enter the name of the kind"))
    if len(name) > NAME_MAX:
        raise DetailsDoNotFit(Problem("name", f"The name must be {NAME_MAX} characters or fewer"))
    if fold(name) in kinds:
        raise DetailsDoNotFit(Problem("name", f"There is a kind called “{kinds[fold(name)].name}” already"))
    taken = {kind.slug for kind in kinds.values()}
    kind = Kind(name=name, slug=free_slug(name, taken.__contains__, otherwise="kind"))
    session.add(kind)
    session.flush()
    audit.record(session, now=now, actor=actor, action="kind_made", subject=("kind", kind.id))
    return kind


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
) -> Venue:
    """Change a venue, or make one when venue_id is None; its events show the new words at once.

    Raises NotFound, or DetailsDoNotFit when it has no name and no address or is written like another one.
    """
    lock_schedule(session)
    place = Place(clean_text(details.place.name), clean_text(details.place.address), details.place.key[2])
    _check_venue(session, venue_id, place, details)
    venue = session.get(Venue, venue_id) if venue_id is not None else Venue()
    if venue is None:
        raise NotFound("This venue is not here any more.")
    values = {
        "name": place.name,
        "address": place.address,
        "postcode": place.key[2],
        "area": clean_text(details.area),
        "how_to_get_there": clean_text(details.how_to_get_there, multiline=True),
        **{fact: getattr(details, fact) for fact in VENUE_FACTS},
    }
    changed = [name for name, value in values.items() if getattr(venue, name) != value]
    with refreshing(session, Event.venue_id == venue_id, now=now, settings=settings, if_any=changed):
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
    for name, words, text in (("name", "The name", place.name), ("address", "The address", place.address)):
        if len(text) > NAME_MAX:
            problems.append(Problem(name, f"{words} must be {NAME_MAX} characters or fewer"))
    if len(details.area) > AREA_MAX:
        problems.append(Problem("area", f"The area must be {AREA_MAX} characters or fewer"))
    if len(details.how_to_get_there) > 4_000:
        problems.append(Problem("how_to_get_there", "How to get there must be 4,000 characters or fewer"))
    problems += [Problem(fact, "Choose yes, no or not known") for fact in VENUE_FACTS
                 if getattr(details, fact) not in FACTS]
    refuse(problems)
    name_key, address_key, postcode = place.key
    twin = session.scalar(
        select(Venue).where(Venue.name_key == name_key, Venue.address_key == address_key, Venue.postcode == postcode)
    )
    if twin is not None and twin.id != venue_id:
        raise DetailsDoNotFit(Problem("name", "There is a venue with this name, address and postcode already"))


@dataclass(frozen=True, kw_only=True)
class ProgrammeDetails:
    """What a programme's page says. Without dates it runs from its first event to its last."""

    title: str
    summary: str = ""
    description: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    is_published: bool = True


def save_programme(
    session: Session,
    *,
    programme_id: int | None,
    details: ProgrammeDetails,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> Programme:
    """Change a programme, or make one when programme_id is None. Its address never changes.

    Raises NotFound, or DetailsDoNotFit with all that is wrong.
    """
    lock_schedule(session)
    values = {
        "title": clean_text(details.title),
        "summary": clean_text(details.summary),
        "description": clean_text(details.description, multiline=True),
        "starts_on": details.starts_on,
        "ends_on": details.ends_on,
        "is_published": details.is_published,
    }
    key = fold(str(values["title"]))
    _check_programme(session, programme_id, details, key)
    programme = session.get(Programme, programme_id) if programme_id is not None else Programme(title="", slug="")
    if programme is None:
        raise NotFound("This programme is not here any more.")
    changed = [name for name, value in values.items() if getattr(programme, name) != value]
    with refreshing(session, Event.programme_id == programme_id, now=now, settings=settings, if_any=changed):
        for name, value in values.items():
            setattr(programme, name, value)
        programme.title_key = key
        if not programme.slug:
            taken = set(session.scalars(select(Programme.slug)))
            programme.slug = free_slug(programme.title, taken.__contains__, otherwise="programme")
        session.add(programme)
        session.flush()
    if changed:
        action = "programme_made" if programme_id is None else "programme_changed"
        subject = ("programme", programme.id)
        audit.record(session, now=now, actor=actor, action=action, subject=subject, fields=changed)
    return programme


def _check_programme(session: Session, programme_id: int | None, details: ProgrammeDetails, key: str) -> None:
    problems = []
    if not key:
        problems.append(Problem("title", "Enter the name of the programme"))
    for name, words, text, most in (
        ("title", "The name", details.title, NAME_MAX),
        ("summary", "The summary", details.summary, SUMMARY_MAX),
        ("description", "The description", details.description, DESCRIPTION_MAX),
    ):
        if len(text) > most:
            problems.append(Problem(name, f"{words} must be {most:,} characters or fewer"))
    if details.starts_on and details.ends_on and details.ends_on < details.starts_on:
        problems.append(Problem("ends_on", "The last day must not be before the first day"))
    twin = session.scalar(select(Programme).where(Programme.title_key == key))
    if twin is not None and twin.id != programme_id:
        problems.append(Problem("title", f"There is a programme called “{twin.title}” already"))
    refuse(problems)


def rename_host(
    session: Session, *, host_id: int, name: str, now: datetime, actor: Actor, settings: Settings
) -> None:
    """Give a host another name; its address stays. Raises NotFound or DetailsDoNotFit."""
    _rename(session, Host, host_id, name, now, actor, settings)


def rename_topic(
    session: Session, *, topic_id: int, name: str, now: datetime, actor: Actor, settings: Settings
) -> None:
    """Give a topic another name; its address stays. Raises NotFound or DetailsDoNotFit."""
    _rename(session, Topic, topic_id, name, now, actor, settings)


def _rename(
    session: Session, model: type[Named], row_id: int, name: str, now: datetime, actor: Actor, settings: Settings
) -> None:
    lock_schedule(session)
    row, name, word = session.get(model, row_id), clean_text(name), model.__name__.lower()
    if row is None:
        raise NotFound(f"This {word} is not here any more.")
    if not name or len(name) > NAME_MAX:
        raise DetailsDoNotFit(Problem("name", f"Enter a name of {NAME_MAX} characters or fewer"))
    known = {fold(other.name): other for other in session.scalars(select(model).order_by(model.id))}
    if known.get(fold(name), row) is not row:
        raise DetailsDoNotFit(Problem("name", f"There is a {word} called “{known[fold(name)].name}” already"))
    if row.name == name:
        return
    mine = (
        Event.host_id == row_id
        if model is Host
        else Event.id.in_(select(EventTopic.event_id).where(EventTopic.topic_id == row_id))
    )
    with refreshing(session, mine, now=now, settings=settings, if_any=["name"]):
        row.name = name
        session.flush()
    audit.record(session, now=now, actor=actor, action=f"{word}_changed", subject=(word, row_id), fields=["name"])


Taken = Callable[[str], bool]


def slug_taken(session: Session) -> Taken:
    """A function that says whether an event has this slug."""
    return lambda slug: bool(session.scalar(select(func.count()).where(Event.slug == slug)))

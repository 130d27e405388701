"""Kinds, hosts, venues, programmes and topics: found by the name in a form or a file, or made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.core.text import clean_text
from workshops.schedule.models import (
    Event,
    Host,
    HostAlias,
    Kind,
    Programme,
    Room,
    Topic,
    TopicAlias,
    Venue,
    VenueAlias,
)
from workshops.schedule.queries.locks import lock_schedule
from workshops.schedule.queries.staff import kinds_by_name
from workshops.schedule.rules.events import NAME_MAX, Place
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.slugs import free_slug

Named = TypeVar("Named", Host, Topic)


@dataclass
class Catalogue:
    """The things events refer to by name, read once and kept for one transaction. lock_schedule goes before it."""

    session: Session
    kinds: dict[str, Kind] = field(default_factory=dict)
    _hosts: dict[str, Host] | None = None
    _venues: dict[tuple[str, str, str], Venue] = field(default_factory=dict)
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
        return self._named(Host, self._known_hosts(), name) if name else None

    def has_host(self, name: str) -> bool:
        """Whether a host of that name is here already."""
        return fold(name) in self._known_hosts()

    def _known_hosts(self) -> dict[str, Host]:
        if self._hosts is None:
            self._hosts = known_by_name(self.session, Host)
        return self._hosts

    def host_name(self, name: str) -> str:
        """How a host of that name is called now: a file may still use what it was called before."""
        found = self._known_hosts().get(fold(name))
        return found.name if found else name

    def topics(self, names: tuple[str, ...]) -> list[Topic]:
        """The topics of these names, each once, made when they are new: two names may mean the same one now."""
        known = self._known_topics()
        return list(dict.fromkeys(self._named(Topic, known, name) for name in names))

    def topic_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """As the topics are called here, each once: another name of a topic is that topic."""
        known = self._known_topics()
        return tuple(dict.fromkeys(known[fold(name)].name if fold(name) in known else name for name in names))

    def _known_topics(self) -> dict[str, Topic]:
        if self._topics is None:
            self._topics = known_by_name(self.session, Topic)
        return self._topics

    def programme(self, title: str) -> Programme | None:
        """The programme of that title, made when it is new; None for an empty title."""
        if not title:
            return None
        known = self._known_programmes()
        found = known.get(fold(title))
        if found is None:
            taken = {row.slug for row in known.values()}
            slug = free_slug(title, taken.__contains__, otherwise="programme")
            found = Programme(title=title, title_key=fold(title), slug=slug)
            self.session.add(found)
            known[found.title_key] = found
        return found

    def has_programme(self, title: str) -> bool:
        """Whether a programme of that title is here already."""
        return fold(title) in self._known_programmes()

    def _known_programmes(self) -> dict[str, Programme]:
        if self._programmes is None:
            rows = self.session.scalars(select(Programme).order_by(Programme.id))
            self._programmes = {row.title_key: row for row in rows}
        return self._programmes

    def venue(self, place: Place | None, area: str) -> Venue | None:
        """The venue that is written so, or was before it was merged; made when it is new; None without one."""
        if place is None:
            return None
        if place.key in self._venues:
            return self._venues[place.key]
        name_key, address_key, postcode = place.key
        found = self.session.scalar(
            select(Venue).where(
                Venue.name_key == name_key, Venue.address_key == address_key, Venue.postcode == postcode
            )
        ) or self.session.scalar(
            select(Venue)
            .join(VenueAlias, VenueAlias.venue_id == Venue.id)
            .where(
                VenueAlias.name_key == name_key,
                VenueAlias.address_key == address_key,
                VenueAlias.postcode == postcode,
            )
        )
        if found is None:
            found = Venue(name=place.name, name_key=name_key, address=place.address, address_key=address_key,
                          postcode=postcode, area=area)
            self.session.add(found)
            self.session.flush()
        self._venues[place.key] = found
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
            found = model(name=name, slug=new_slug(self.session, model, name))
            self.session.add(found)
            # The next new name must not choose the same slug.
            self.session.flush()
            known[fold(name)] = found
        return found


#: Where the earlier names of hosts and topics are kept.
ALIASES: dict[type[Host] | type[Topic], type[HostAlias] | type[TopicAlias]] = {Host: HostAlias, Topic: TopicAlias}


def known_by_name(session: Session, model: type[Named]) -> dict[str, Named]:
    """All hosts or topics by their folded names, then by the names they had before they were renamed or merged."""
    rows = {row.id: row for row in session.scalars(select(model).order_by(model.id))}
    known = {fold(row.name): row for row in rows.values()}
    alias = ALIASES[model]
    for name_key, row_id in session.execute(select(alias.name_key, alias.owner_id).order_by(alias.id)):
        known.setdefault(name_key, rows[row_id])
    return known


def new_slug(session: Session, model: type[Host] | type[Topic], name: str) -> str:
    """A slug that neither has one now nor had one before it was merged, so that old addresses stay true."""
    alias = ALIASES[model]
    taken = set(session.scalars(select(model.slug))) | set(session.scalars(select(alias.slug)))
    return free_slug(name, taken.__contains__, otherwise=model.__name__.lower())


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


Taken = Callable[[str], bool]


def slug_taken(session: Session) -> Taken:
    """A function that says whether an event has this slug."""
    return lambda slug: bool(session.scalar(select(func.count()).where(Event.slug == slug)))

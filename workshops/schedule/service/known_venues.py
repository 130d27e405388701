"""Venues that are here already, for rows that say less than a whole address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.schedule.calendar_entry import venue_words
from workshops.schedule.models import Venue, VenueAlias
from workshops.schedule.rules.events import Place
from workshops.schedule.rules.folding import fold


@dataclass
class KnownVenues:
    """Read once, when the first row asks."""

    session: Session
    _by_words: dict[str, list[Place]] | None = None
    _merged: dict[tuple[str, str, str], Place] | None = None

    def merged(self, place: Place) -> Place:
        """The place itself, or the venue it was merged into."""
        if self._merged is None:
            rows = self.session.execute(
                select(VenueAlias, Venue).join(Venue, Venue.id == VenueAlias.venue_id).order_by(VenueAlias.id)
            )
            self._merged = {
                (alias.name_key, alias.address_key, alias.postcode): Place(venue.name, venue.address, venue.postcode)
                for alias, venue in rows
            }
        return self._merged.get(place.key, place)

    def of(self, words: str) -> Place | None:
        """The one venue of that name, or that is written so in calendars; None when there is none or several."""
        if self._by_words is None:
            self._by_words = {}
            venues: Sequence[Venue] = self.session.scalars(select(Venue).order_by(Venue.id)).all()
            for venue in venues:
                place = Place(venue.name, venue.address, venue.postcode)
                for key in {venue.name_key, fold(venue_words(venue))} - {""}:
                    self._by_words.setdefault(key, []).append(place)
        found = self._by_words.get(fold(words), [])
        return found[0] if len(found) == 1 else None

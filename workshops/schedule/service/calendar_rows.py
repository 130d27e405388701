"""An event of a calendar file as a row of the spreadsheet, so that both are imported in one way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from workshops.config import Settings
from workshops.core.text import clean_text
from workshops.ical.cleaning import clean_url
from workshops.ical.entry import CalendarEntry
from workshops.ical.reading import ReadEvent
from workshops.schedule.calendar_entry import ORGANISER_NAME, entry_for, location_words
from workshops.schedule.models import Event
from workshops.schedule.rules.events import AREAS, SUMMARY_MAX, EventDetails, Place
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.spreadsheet import SheetRow
from workshops.schedule.rules.when import When
from workshops.schedule.service.catalogue import Catalogue
from workshops.schedule.service.known_venues import KnownVenues

#: A calendar has no kinds; this is what an event is when no category of it names one.
DEFAULT_KIND = "learning event"

#: Where people join a meeting online: nothing that may stand on a public page.
_JOINING = re.compile(
    r"https://(?:teams\.microsoft\.com/(?:l/meetup-join|meet)|teams\.live\.com/meet|[\w.-]{0,60}zoom\.us/(?:j|w|my|s)"
    r"|meet\.google\.com|[\w.-]{0,60}webex\.com)/[^\s<>\"]{1,1500}",
    re.IGNORECASE,
)
_ONLINE = frozenset({"online", "microsoft teams meeting", "microsoft teams", "teams", "zoom", "zoom meeting"})


def read_when(read: ReadEvent) -> When:
    """The time of an event of a calendar. Raises DetailsDoNotFit."""
    if read.days:
        return When(days=read.days)
    if isinstance(read.starts, datetime):
        return When(starts_at=read.starts, ends_at=read.ends if isinstance(read.ends, datetime) else None)
    ends: date | None = read.ends
    return When(starts_on=read.starts, ends_on=ends)


def calendar_row(
    read: ReadEvent,
    event: Event | None,
    existing: EventDetails | None,
    *,
    kinds: Sequence[str],
    catalogue: Catalogue,
    venues: KnownVenues,
    settings: Settings,
) -> SheetRow:
    """What a VEVENT says, in the values of a row. What a calendar cannot say stays as it is in `existing`.

    kinds: folded names.   event, existing: the one it was recognised as, or None.
    """
    notes: list[str] = []
    kept = entry_for(event, settings=settings, topics=existing.topics) if event and existing else None
    values: dict[str, Any] = {"title": read.title, "when": read_when(read)}
    if existing is not None and _squeezed(existing.title) == read.title:
        values["title"] = existing.title  # a calendar cannot say two spaces
    values |= _categories(read, existing, kept, kinds, catalogue)
    values |= _place(read, event, existing, venues)
    values |= _words(read, kept, notes)
    values |= _organised(read, existing, catalogue, notes)
    if existing is None and not (read.url or "").startswith(f"{settings.base_url}/"):
        values["source_url"] = read.url or ""
    mode = values["mode"]
    for name, only in (("capacity_in_person", "online"), ("capacity_online", "in_person")):
        if mode == only:
            values[name] = None
    return SheetRow(values=values, uid=read.uid, state=_state(read, event), notes=tuple(notes),
                    has_days=bool(read.days))


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _categories(
    read: ReadEvent,
    existing: EventDetails | None,
    kept: CalendarEntry | None,
    kinds: Sequence[str],
    catalogue: Catalogue,
) -> dict[str, Any]:
    if existing is not None and kept is not None and (
        tuple(dict.fromkeys(map(_squeezed, kept.categories))) == read.categories
    ):
        return {"kind": existing.kind, "programme": existing.programme, "topics": existing.topics}
    kind = next((category for category in read.categories if fold(category) in kinds), None)
    programme = existing.programme if existing else ""
    if not programme:
        programme = next((category for category in read.categories if catalogue.has_programme(category)), "")
    left = tuple(c for c in read.categories if c != kind and not (programme and fold(c) == fold(programme)))
    if existing is not None and not read.categories:
        left = existing.topics
    return {"kind": kind or (existing.kind if existing else DEFAULT_KIND), "programme": programme, "topics": left}


def _place(
    read: ReadEvent, event: Event | None, existing: EventDetails | None, venues: KnownVenues
) -> dict[str, Any]:
    if event is not None and existing is not None and read.location == location_words(event):
        return {"venue": existing.venue, "mode": existing.mode}
    words = clean_text(_JOINING.sub("", read.location))
    if _JOINING.search(read.location):
        words = words.strip(" ;,")
    if fold(words) in _ONLINE or (not words and _JOINING.search(read.location)):
        return {"venue": None, "mode": "online"}
    mode = existing.mode if existing else "in_person"
    if fold(words) == "in person and online":
        return {"venue": None, "mode": "hybrid"}
    if fold(words).endswith(" and online"):
        words, mode = words[: -len(" and online")], "hybrid"
    elif mode == "online" and words:
        mode = "in_person"
    if words in AREAS:
        return {"venue": None, "area": words, "mode": mode}
    return {"venue": (venues.of(words) or Place(name=words)) if words else None, "mode": mode}


def _words(read: ReadEvent, kept: CalendarEntry | None, notes: list[str]) -> dict[str, Any]:
    """Summary and description; links with which people join are kept apart from what the public sees."""
    if kept is not None and kept.description == read.description:
        return {}
    found = _JOINING.search(f"{read.description}\n{read.location}")
    description = read.description
    values: dict[str, Any] = {}
    if found is not None and (link := clean_url(found[0].rstrip(".,;)"))):
        values["joining_link"] = link
        description = _JOINING.sub("", description).strip()
        notes.append("The link for joining online is kept for people who register and taken out of the description")
    first, _, rest = description.partition("\n\n")
    if len(first) <= SUMMARY_MAX and "\n" not in first:
        return values | {"summary": first, "description": rest}
    return values | {"summary": "", "description": description}


def _organised(
    read: ReadEvent, existing: EventDetails | None, catalogue: Catalogue, notes: list[str]
) -> dict[str, Any]:
    """The host, when the organiser of the calendar is one that is known here: mostly it is a person."""
    if existing is not None or read.organiser in ("", ORGANISER_NAME):
        return {}
    if catalogue.has_host(read.organiser):
        return {"host": read.organiser}
    notes.append("The organiser in the calendar is no host here, so the host is left empty")
    return {}


def _state(read: ReadEvent, event: Event | None) -> str | None:
    if read.status != "CANCELLED":
        return "published" if event is not None and event.state in ("cancelled", "postponed") else None
    return "postponed" if read.title_prefix == "Postponed: " else "cancelled"

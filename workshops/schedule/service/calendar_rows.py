"""An event of a calendar file as a row of the spreadsheet, so that both are imported in one way."""

from __future__ import annotations

from datetime import datetime

from workshops.config import Settings
from workshops.ical.reading import ReadEvent
from workshops.schedule.calendar_entry import ORGANISER_NAME, entry_for, location_words
from workshops.schedule.models import Event
from workshops.schedule.rules.events import SUMMARY_MAX, EventDetails, Place
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.spreadsheet import SheetRow
from workshops.schedule.rules.when import When

#: A calendar has no kinds; this is what an event is when no category of it names one.
DEFAULT_KIND = "learning event"


def calendar_row(
    read: ReadEvent, event: Event | None, existing: EventDetails | None, *, kinds: list[str], settings: Settings
) -> SheetRow:
    """What a VEVENT says, in the values of a row. What a calendar cannot say stays as it is in `existing`.

    kinds: folded names.   event, existing: the one it was recognised as, or None.
    """
    if isinstance(read.starts, datetime):
        when = When(starts_at=read.starts, ends_at=read.ends if isinstance(read.ends, datetime) else None)
    else:
        when = When(starts_on=read.starts, ends_on=read.ends)
    kind, programme, topics = _categories(read, existing, kinds)
    venue, mode = _place(read, event, existing)
    summary, description = _words(read, event, existing, settings)
    own_page = (read.url or "").startswith(f"{settings.base_url}/")
    base = existing or EventDetails(title=read.title, kind=kind, when=when)
    return SheetRow(
        title=read.title,
        kind=kind,
        when=when,
        mode=mode,
        booking=base.booking,
        programme=programme,
        host=base.host if existing or read.organiser in ("", ORGANISER_NAME) else read.organiser,
        venue=venue,
        area=base.area,
        capacity_in_person=base.capacity_in_person if mode != "online" else None,
        capacity_online=base.capacity_online if mode != "in_person" else None,
        topics=topics,
        summary=summary,
        description=description,
        reported_registered=base.reported_registered,
        reported_attended=base.reported_attended,
        source_url=base.source_url if existing or own_page else read.url or "",
        uid=read.uid,
        state=_state(read, event),
    )


def _categories(read: ReadEvent, existing: EventDetails | None, kinds: list[str]) -> tuple[str, str, tuple[str, ...]]:
    kind = next((category for category in read.categories if fold(category) in kinds), None)
    programme = existing.programme if existing else ""
    left = tuple(c for c in read.categories if c != kind and not (programme and fold(c) == fold(programme)))
    if existing is not None and not read.categories:
        left = existing.topics
    return kind or (existing.kind if existing else DEFAULT_KIND), programme, left


def _place(read: ReadEvent, event: Event | None, existing: EventDetails | None) -> tuple[Place | None, str]:
    if event is not None and existing is not None and read.location == location_words(event):
        return existing.venue, existing.mode
    if fold(read.location) == "online":
        return None, "online"
    mode = existing.mode if existing else "in_person"
    return (Place(name=" ".join(read.location.split())) if read.location else None), mode


def _words(
    read: ReadEvent, event: Event | None, existing: EventDetails | None, settings: Settings
) -> tuple[str, str]:
    if event is not None and existing is not None:
        entry = entry_for(event, settings=settings, topics=existing.topics)
        if entry is not None and entry.description == read.description:
            return existing.summary, existing.description
    first, _, rest = read.description.partition("\n\n")
    if len(first) <= SUMMARY_MAX and "\n" not in first:
        return first, rest
    return "", read.description


def _state(read: ReadEvent, event: Event | None) -> str | None:
    if read.status != "CANCELLED":
        return "published" if event is not None and event.state in ("cancelled", "postponed") else None
    return "postponed" if read.title_prefix == "Postponed: " else "cancelled"

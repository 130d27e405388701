"""An event as calendars see it, and its stored VEVENT. The one place that turns an Event into an entry."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import object_session

from workshops.config import Settings
from workshops.ical.add_links import add_links
from workshops.ical.entry import CalendarEntry
from workshops.ical.serialise import vevent_bytes
from workshops.schedule.models import Event, Venue
from workshops.schedule.queries.events import topics_of
from workshops.schedule.rules.when import read_days
from workshops.web.markdown import plain_text

#: Who stands as ORGANIZER beside the address of the team.
ORGANISER_NAME = "Co-production events"

_PREFIXES = {"cancelled": "Cancelled: ", "postponed": "Postponed: "}


def entry_for(event: Event, *, settings: Settings, topics: Sequence[str] | None = None) -> CalendarEntry | None:
    """The calendar entry of an event, or None for history of which only the month is known.

    topics: their names, when the caller has them already; otherwise they are looked up.
    Postponed without a date is CANCELLED under another prefix, as DESIGN 5 promises.
    """
    starts = event.starts_at or event.starts_on
    if starts is None:
        return None
    if topics is None:
        session = object_session(event)
        topics = [topic.name for topic in topics_of(session, [event.id])[event.id]] if session else []
    programme = [event.programme.title] if event.programme else []
    return CalendarEntry(
        uid=event.uid,
        sequence=event.sequence,
        revised_at=event.revised_at,
        created_at=event.created_at,
        starts=starts,
        ends=event.ends_at if event.starts_at else event.ends_on,
        title=event.title,
        status="CANCELLED" if event.state in _PREFIXES else "CONFIRMED",
        title_prefix=_PREFIXES.get(event.state, ""),
        location=location_words(event),
        description=_description(event),
        url=f"{settings.base_url}/events/{event.slug}",
        categories=(event.kind.name, *programme, *topics),
        organiser_email=settings.mail_from,
        organiser_name=ORGANISER_NAME,
        # A whole day or week is something that is on, not somebody's time.
        transparent=event.starts_at is None,
        days=read_days(event.days or ()),
    )


def add_links_of(event: Event, *, settings: Settings) -> dict[str, str]:
    """Links that add a copy of an event to a calendar on the web; see ical.add_links."""
    entry = entry_for(event, settings=settings, topics=())
    return {} if entry is None else add_links(entry)


def refresh_vevent(event: Event, *, settings: Settings) -> None:
    """Make the stored VEVENT anew; to be called in the transaction that changes anything it shows."""
    entry = entry_for(event, settings=settings)
    event.vevent = None if entry is None else vevent_bytes(entry)


def entry_title(event: Event) -> str:
    """The title as calendars and feeds show it: "Cancelled: Example round-table"."""
    return _PREFIXES.get(event.state, "") + event.title


def location_words(event: Event) -> str:
    """Where, in one line: "Calton Heritage and Learning Centre, 423 London Road, Glasgow, G40 1AG and online"."""
    place = venue_words(event.venue) if event.venue else event.area
    if event.room is not None:
        place = f"{event.room.name}, {place}"
    if event.mode == "online":
        return "Online"
    if event.mode == "hybrid":
        return f"{place} and online" if place else "In person and online"
    return place


def venue_words(venue: Venue) -> str:
    """Name, address and postcode of a venue in one line, without saying anything twice."""
    parts: list[str] = []
    for part in (venue.name, venue.address, venue.postcode):
        if part and not any(part.casefold() in earlier.casefold() for earlier in parts):
            parts.append(part)
    return ", ".join(parts) or venue.area


def _description(event: Event) -> str:
    parts = [event.summary, plain_text(event.description)]
    if event.state in _PREFIXES and event.state_reason:
        parts.insert(0, event.state_reason)
    return "\n\n".join(part for part in parts if part)

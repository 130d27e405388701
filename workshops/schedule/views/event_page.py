"""What the page of one event shows, for the public and for the preview of staff alike."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import render_template, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from workshops.core.london_time import deadline_words, to_london
from workshops.schedule.calendar_entry import add_links_of, location_words, venue_words
from workshops.schedule.models import Event, Host
from workshops.schedule.queries import other_dates
from workshops.schedule.queries.public import event_view, sentence_case, short_place
from workshops.schedule.rules.audience import is_by_invitation, who_may_register
from workshops.schedule.rules.catalogue import VENUE_FACT_WORDS
from workshops.schedule.rules.public_state import (
    MANY_PLACES,
    EventView,
    PublicState,
    places_left,
    public_state,
    registration_closes_at,
    ways,
    when_text,
)
from workshops.schedule.signals import Panel, answers, event_page_composed
from workshops.web.filters import time_element
from workshops.web.guards import settings

_KNOWN = {"yes": "Yes", "no": "No", "not_known": "Not known"}
_ATTENDING = {"in_person": "In person", "online": "Online", "hybrid": "In person or online"}
_SCHEMA_MODES = {"in_person": "Offline", "online": "Online", "hybrid": "Mixed"}


def event_context(event: Event, session: Session, now: datetime) -> dict[str, Any]:
    """Everything templates/schedule/_event_body.html needs. Holds no joining link.

    The event's kind, host, programme and venue should be loaded with it.
    """
    panels = sorted(answers(event_page_composed.send(event, session=session, now=now)), key=lambda one: one.position)
    has_notes, has_write_ups = _hold(panels, "notes"), _hold(panels, "write_ups")
    view = event_view(event, has_follow_up=has_notes or has_write_ups, has_notes=has_notes)
    state = public_state(view, now)
    programme = event.programme if event.programme and event.programme.is_published else None
    return {
        "event": event,
        "kind": sentence_case(event.kind.name),
        "view": view,
        "state": state,
        "when": when_text(view),
        "who_may": who_may_register(event.booking, event.admits, event.admitted_domains),
        "facts": _facts(event, view, state),
        "programme": programme,
        "access": access_facts(event),
        "address": _in_room(event, venue_words(event.venue)) if event.venue and event.mode != "online" else "",
        "panels": [_rendered(panel, event) for panel in panels],
        "others": [(other, when_text(event_view(other)), _place(other)) for other in other_dates(session, event, now)],
        "contact": host_contact(event.host),
        "contact_email": (event.host.contact_email if event.host else "") or settings().mail_from,
        "json_ld": json_ld(event, view),
        "add_links": add_links_of(event, settings=settings()),
        "is_over": now >= event.over_at,
        "source_host": _host(event.source_url),
    }


def host_contact(host: Host | None) -> list[tuple[str, str, str]]:
    """(what, words, link or nothing) of whom to ask at the organisation that runs an event."""
    if host is None:
        return []
    site = host.website.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    return [
        one
        for one in (
            ("Ask", host.contact_name, ""),
            ("Email", host.contact_email, f"mailto:{host.contact_email}"),
            ("Telephone", host.contact_phone, _telephone(host.contact_phone)),
            ("Website", site, host.website),
        )
        if one[1]
    ]


def _telephone(typed: str) -> str:
    """A tel: link for what is a number, and none for "ask at reception"."""
    digits = re.sub(r"[\s().-]", "", typed)
    return f"tel:{digits}" if re.fullmatch(r"\+?[0-9]{5,15}", digits) else ""


def access_facts(event: Event) -> list[tuple[str, str]]:
    """(what, yes, no or not known): always all that fit the way of attending, so that silence never has to be read."""
    venue = event.venue if event.mode != "online" else None
    facts: list[tuple[str, str]] = []
    for name, words in VENUE_FACT_WORDS.items():
        answer = getattr(venue, name) if venue else "not_known"
        if name in ("bsl", "captions"):
            # What is arranged for this event goes first; the venue answers where nobody has said it.
            own = getattr(event, name)
            answer = own if own != "not_known" else answer
        elif event.mode == "online":
            continue
        facts.append((words, _KNOWN[answer]))
    return facts


def json_ld(event: Event, view: EventView) -> Markup:
    """schema.org/Event as the content of a data block; empty when no day is known.

    "<", ">" and "&" are written as escapes, so that no text can end the block.
    """
    starts, ends = event.starts_at or event.starts_on, event.ends_at or event.ends_on
    if starts is None:
        return Markup("")
    address = settings().base_url + url_for("schedule.event", slug=event.slug)
    places: list[dict[str, Any]] = []
    if event.mode != "online":
        where = _in_room(event, venue_words(event.venue)) if event.venue else event.area
        name = (event.venue.name if event.venue else "") or event.area or "To be announced"
        places.append({"@type": "Place", "name": name, "address": where or "Scotland"})
    if event.mode != "in_person":
        places.append({"@type": "VirtualLocation", "url": address})
    status = {"cancelled": "EventCancelled", "postponed": "EventPostponed"}.get(
        event.state, "EventRescheduled" if event.changed_from else "EventScheduled"
    )
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Event",
        "name": event.title,
        "description": event.summary or event.title,
        "startDate": _iso(starts),
        "eventStatus": f"https://schema.org/{status}",
        "eventAttendanceMode": f"https://schema.org/{_SCHEMA_MODES[event.mode]}EventAttendanceMode",
        "location": places[0] if len(places) == 1 else places,
        "url": address,
        "isAccessibleForFree": True,
    }
    if ends is not None:
        data["endDate"] = _iso(ends)
    if event.host is not None:
        data["organizer"] = {"@type": "Organization", "name": event.host.name}
    text = json.dumps(data, ensure_ascii=False, indent=None)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - every letter that HTML would read is escaped just above


def _facts(event: Event, view: EventView, state: PublicState) -> list[tuple[str, Any]]:
    """The short facts under the title; pairs without a value are left out by the component."""
    facts: list[tuple[str, Any]] = [
        ("Date and time", _date_fact(view, state)),
        ("Place", _place_fact(event, state)),
        ("How to attend", _ATTENDING[event.mode]),
        ("Run by", event.host.name if event.host else ""),
    ]
    if state.can_register and not is_by_invitation(view.booking, view.admits):
        facts.append(("Places", "; ".join(_places(view))))
    if state.can_register:
        facts.append(("Registration closes", deadline_words(registration_closes_at(view))))
    if state.key in ("past", "followed_up"):
        # Totals that a public page reported; what was counted here is in the panel of follow-up.
        facts.append(("People who registered", _total(event.reported_registered)))
        facts.append(("People who came", _total(event.reported_attended)))
    return facts


def _date_fact(view: EventView, state: PublicState) -> Markup | str:
    if state.key == "postponed":
        return "No new date yet"
    words = when_text(view)
    return time_element(view.starts_at or view.starts_on, words) or words


def _place_fact(event: Event, state: PublicState) -> str:
    if event.mode == "online":
        return ""  # "How to attend" says it
    return _in_room(event, _place(event)) or ("" if state.key in ("past", "followed_up") else "To be announced")


def _in_room(event: Event, place: str) -> str:
    """A place with the room in front, as mails and calendars say it."""
    return f"{event.room.name}, {place}" if event.room is not None and event.venue is not None else place


def _places(view: EventView) -> list[str]:
    """"12 left"; of a hybrid event "In person: none left", "Online: available"."""
    offered = ways(view)
    words = []
    for way, capacity, taken in offered:
        left = places_left(capacity, taken)
        number = "Available" if left is None or left >= MANY_PLACES else f"{left} left" if left else "None left"
        words.append(number if len(offered) == 1 else f"{_ATTENDING[way]}: {number[0].lower()}{number[1:]}")
    return words


def _total(number: int | None) -> str:
    # Small groups could be recognised, so no exact number below 5 (the service's rule for figures).
    return "" if number is None else ("Fewer than 5" if number < 5 else f"{number:,}")


def _place(event: Event) -> str:
    venue, area = (event.venue.name, event.venue.area) if event.venue else ("", "")
    return short_place(event.mode, venue, event.area or area) if venue or event.area or area else location_words(event)


def _rendered(panel: Panel, event: Event) -> Markup:
    # The template of another slice; autoescaping holds in it as everywhere.
    values = {**panel.values, "event": event, "values": panel.values}
    return Markup(render_template(panel.template, **values))  # noqa: S704


def _hold(panels: list[Panel], name: str) -> bool:
    """Whether a panel shows that: published notes, published write-ups."""
    return any(bool(panel.values.get(name)) for panel in panels)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return (parts.hostname or "").removeprefix("www.") if parts.scheme in ("http", "https") else ""


def _iso(value: Any) -> str:
    return to_london(value).isoformat() if isinstance(value, datetime) else str(value.isoformat())

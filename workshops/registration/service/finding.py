"""Somebody lost the mail with their link. The answer never tells whether an address is known."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.audit.rules import person
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.tokens import new_token
from workshops.messages.service import enqueue
from workshops.registration.models import Registration
from workshops.registration.queries import places_of_address
from workshops.registration.rules import ATTENDING_WORDS, state_words
from workshops.registration.service.telling import event_when, mint_link
from workshops.schedule.calendar_entry import location_words

#: More places than this in one mail are not listed; nobody has that many.
MOST_PLACES = 50


def find_my_place(session: Session, *, email: str, now: datetime, settings: Settings) -> None:
    """Send an address the links to all its upcoming places. Nothing is sent when there is none.

    The work is of the same shape either way: the places are looked up, a mail is written, and one row of
    history is kept; for an address without places the mail is taken back before anybody sees it.
    """
    places = list(places_of_address(session, email_key(email), not_over_at=now))[:MOST_PLACES]
    undone = session.begin_nested()
    links = {
        f"place_{_letters(number)}": mint_link(session, place, now=now, settings=settings)
        for number, place in enumerate(places)
    }
    enqueue(
        session,
        kind="registration/find_my_place",
        to_email=places[0].email if places else email,
        to_name=places[0].name if places else "",
        values={"places": [_words(place, name) for place, name in zip(places, links, strict=True)]},
        links=links or {"place_a": f"{settings.base_url}/find-my-place"},
        # Each asking is news of its own; the limits of the page say how many there may be.
        dedupe_key=f"find_my_place:{new_token()}",
        now=now,
        settings=settings,
    )
    session.flush()
    if places:
        undone.commit()
    else:
        undone.rollback()
    record(session, now=now, actor=person(), action="link_asked_for", subject=("address", None))


def _letters(number: int) -> str:
    """a, b, ... z, ba, bb: names of links hold letters only."""
    first, last = divmod(number, 26)
    return (chr(ord("a") + first) if first else "") + chr(ord("a") + last)


def _words(place: Registration, link: str) -> dict[str, Any]:
    event = place.event
    return {
        "link": link,
        "title": event.title,
        "when": event_when(event),
        "where": location_words(event),
        "attending": ATTENDING_WORDS[place.attending] if event.mode == "hybrid" else "",
        "state": state_words(place.state, offer_expires_at=place.offer_expires_at).heading,
    }

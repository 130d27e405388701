"""How the places of an event are given, as its rows say."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.schedule.models import Event, EventShare
from workshops.schedule.rules.place_rules import PlaceRules, Share


def shares_of(session: Session, event_id: int) -> tuple[Share, ...]:
    """The shares of an event, in a fixed order."""
    rows = session.scalars(
        select(EventShare).where(EventShare.event_id == event_id).order_by(EventShare.attending, EventShare.perspective)
    )
    return tuple(Share(row.attending, row.perspective, row.places) for row in rows)


def place_rules_of(session: Session, event: Event) -> PlaceRules:
    """How the places of an event are given."""
    return PlaceRules(
        gives=event.gives_places,
        overbook_in_person=event.overbook_in_person,
        overbook_online=event.overbook_online,
        asks_days_before=event.asks_days_before,
        frees_days_before=event.frees_days_before,
        declining_frees=event.declining_frees,
        shares=shares_of(session, event.id),
        shares_until=event.shares_until,
    )

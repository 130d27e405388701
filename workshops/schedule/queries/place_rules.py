"""How the places of an event are given, as its row says."""

from __future__ import annotations

from workshops.schedule.models import Event
from workshops.schedule.rules.place_rules import PlaceRules, read_shares


def place_rules_of(event: Event) -> PlaceRules:
    """How the places of an event are given."""
    return PlaceRules(
        gives=event.gives_places,
        overbook_in_person=event.overbook_in_person,
        overbook_online=event.overbook_online,
        asks_days_before=event.asks_days_before,
        frees_days_before=event.frees_days_before,
        declining_frees=event.declining_frees,
        shares=read_shares(event.shares),
        shares_until=event.shares_until,
    )

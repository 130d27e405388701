"""How the places of an event are given: read it, change it, take it over into a copy."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.versions import touch_public
from workshops.schedule import signals
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.queries.place_rules import place_rules_of
from workshops.schedule.rules.place_rules import PlaceRules, kept_shares, problems_of
from workshops.schedule.rules.problems import refuse

_SAME = ("overbook_in_person", "overbook_online", "asks_days_before", "frees_days_before", "declining_frees",
         "shares_until")  # fmt: skip


def change_place_rules(
    session: Session, *, event_id: int, rules: PlaceRules, now: datetime, actor: Actor, settings: Settings
) -> tuple[str, ...]:
    """Give an event's places by these rules from now on; the names of what changed.

    Places that become free by it go to whoever waits, in the same transaction.
    Raises NotFound, or DetailsDoNotFit with everything that does not fit.
    """
    event = lock_event(session, event_id)
    check_place_rules(event, rules)
    before = place_rules_of(event)
    changed = tuple(name for name in PlaceRules.__dataclass_fields__ if getattr(before, name) != getattr(rules, name))
    if not changed:
        return ()
    write_place_rules(event, rules)
    record(session, now=now, actor=actor, action="place_rules_changed", subject=("event", event.id),
           event_id=event.id, fields=changed)  # fmt: skip
    if event.state != "draft":
        event.version += 1
        touch_public(session)
    session.flush()
    signals.event_capacity_changed.send(event, session=session, now=now, actor=actor, settings=settings)
    return changed


def check_place_rules(event: Event, rules: PlaceRules) -> None:
    """Raise DetailsDoNotFit with everything that does not fit this event."""
    refuse(problems_of(rules, capacity_in_person=event.capacity_in_person, capacity_online=event.capacity_online,
                       starts_at=event.sort_at))  # fmt: skip


def write_place_rules(event: Event, rules: PlaceRules) -> None:
    """Write the rules on a locked or new event."""
    event.gives_places = rules.gives
    for name in _SAME:
        setattr(event, name, getattr(rules, name))
    event.shares = kept_shares(rules.shares)

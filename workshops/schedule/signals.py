"""News of the schedule for the slices above it, and what those may add to its pages.

workshops.wiring connects the listeners; nothing here knows them. The sender is the Event. Every signal
carries `session`, `now`, `actor` and `settings`, and what its comment names beside them. Listeners run in the
transaction of the change, so all of it happens or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blinker import Namespace

_signals = Namespace()


@dataclass(frozen=True)
class Change:
    """One thing people were told that is no longer so, in words: ("Place", "Room 1", "Room 2")."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Panel:
    """A part of the public event page that another slice fills. Lower positions stand first."""

    position: int
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Attention:
    """A line under "Needs your attention": its words, how many, and the page where it is put right."""

    text: str
    count: int
    url_endpoint: str
    url_values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InCalendar:
    """What another slice sent an address under an event's UID.

    sequence: the highest SEQUENCE, -1 when nothing was sent.   stands: whether an entry of it stands there now.
    """

    email_key: str
    sequence: int
    stands: bool


event_published = _signals.signal("event_published")
#: changes: tuple[Change, ...]; tell: bool; raises_sequence: bool; before: EventDetails; before_state: str.
event_changed = _signals.signal("event_changed")
#: An event that is postponed or cancelled was changed: nobody is told of it now. As event_changed, without tell.
event_changed_while_off = _signals.signal("event_changed_while_off")
#: The event is in person only or online only from now on: nobody can take part in the other way. Sent before people are
#: told, also while it is only looked at what would follow; what listeners then wrote is taken back.
way_of_taking_part_gone = _signals.signal("way_of_taking_part_gone")
#: The places of the event were made more or fewer; nobody loses one by that.
event_capacity_changed = _signals.signal("event_capacity_changed")
#: tell: bool.
event_cancelled = _signals.signal("event_cancelled")
#: tell: bool.
event_postponed = _signals.signal("event_postponed")
#: tell: bool.
event_reinstated = _signals.signal("event_reinstated")
#: row: dict[str, str]; changes: list[str], to which listeners add the columns they changed; dry_run: bool.
#: A listener raises DomainError when its columns do not fit.
event_row_imported = _signals.signal("event_row_imported")
#: session, email_keys. Listeners return a list of InCalendar: what these addresses have of the event already.
calendars_asked = _signals.signal("calendars_asked")
#: session, now. Listeners return a Panel, a list of them, or None.
event_page_composed = _signals.signal("event_page_composed")
#: The sender is None; session, now, user. Listeners return a list of Attention.
staff_home_composed = _signals.signal("staff_home_composed")


def answers(sent: list[tuple[Any, Any]]) -> list[Any]:
    """What the listeners of a signal returned, one flat list, in the order in which they are connected."""
    found: list[Any] = []
    for _, answer in sent:
        if isinstance(answer, list | tuple):
            found.extend(answer)
        elif answer is not None:
            found.append(answer)
    return found

"""How exports stay harmless in a spreadsheet, and how figures stay silent about small groups. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

#: The columns of the export of people, in their order (DESIGN 5). Needs are never among them.
PEOPLE_COLUMNS = (
    "reference",
    "name",
    "email",
    "organisation",
    "attending",
    "state",
    "position",
    "attendance",
    "registered_at",
)
PEOPLE_FORMATS = ("csv", "xlsx", "json")
EVENT_FORMATS = ("csv", "ics")

#: Counts of people below this are not shown. Source: reference/security.md D.2 row 21.
SMALL_NUMBER = 5

# What a spreadsheet program may take for a formula: = + - @, a tab, a line break, also in full width,
# and all of these behind any number of apostrophes, so that taking exactly one away is always right.
_RUNS = re.compile(r"'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]")


def spreadsheet_text(text: str) -> str:
    """Text for a cell of a CSV file that no spreadsheet program runs: "+44 131" becomes "'+44 131".

    The import of events takes exactly one such apostrophe away. Source: DESIGN 5; OWASP, CSV injection.
    """
    return f"'{text}" if _RUNS.match(text) else text


def instant_text(instant: datetime) -> str:
    """2026-11-23T10:00:00Z: ISO 8601, UTC, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class EventFigures:
    """One event as evidence. registered and came are None when nothing is known of them."""

    year: int
    programme: str
    kind: str
    places: int | None = None
    registered: int | None = None
    came: int | None = None
    promised: int = 0
    published: int = 0


@dataclass(frozen=True)
class People:
    """A number of people over several events, made only from numbers that may be shown.

    Events with fewer than 5 people are not added in but counted, so no difference of two totals, in any table
    or under any filter, gives such a number away.
    """

    shown: int = 0
    small_events: int = 0
    known_events: int = 0

    @property
    def words(self) -> str:
        """ "128", "128, and fewer than 5 at 2 events", "Fewer than 5", "Not known"."""
        if not self.known_events:
            return "Not known"
        hidden = f"ewer than {SMALL_NUMBER}"
        if not self.small_events:
            return f"{self.shown:,}"
        if self.small_events == self.known_events:
            return f"F{hidden}" if self.small_events == 1 else f"F{hidden} at each of {self.small_events} events"
        at = "1 event" if self.small_events == 1 else f"each of {self.small_events} events"
        return f"{self.shown:,}, and f{hidden} at {at}"


def add_people(numbers: Iterable[int | None]) -> People:
    """Add up the people of several events; None is an event of which nothing is known."""
    known = [number for number in numbers if number is not None]
    return People(
        shown=sum(number for number in known if number >= SMALL_NUMBER),
        small_events=sum(number < SMALL_NUMBER for number in known),
        known_events=len(known),
    )


@dataclass(frozen=True)
class Line:
    """A line of a table of figures."""

    name: str
    events: int
    places: int
    unlimited: int
    registered: People = field(default_factory=People)
    came: People = field(default_factory=People)
    promised: int = 0
    published: int = 0


def line_of(name: str, events: Iterable[EventFigures]) -> Line:
    """One line over some events. places: of those with a limit; unlimited: how many have none."""
    found = list(events)
    return Line(
        name=name,
        events=len(found),
        places=sum(event.places or 0 for event in found),
        unlimited=sum(event.places is None for event in found),
        registered=add_people(event.registered for event in found),
        came=add_people(event.came for event in found),
        promised=sum(event.promised for event in found),
        published=sum(event.published for event in found),
    )


def lines_by(events: Iterable[EventFigures], what: str, *, newest_first: bool = False) -> list[Line]:
    """A line for each programme, kind or year (what: the name of the field), in their order."""
    groups: dict[str | int, list[EventFigures]] = {}
    for event in events:
        groups.setdefault(getattr(event, what), []).append(event)
    order = sorted(groups, key=lambda name: (name == "", str(name).casefold()), reverse=newest_first)
    return [line_of(str(name), groups[name]) for name in order]

"""The page of a programme by day: what its template needs, from the events in the order in which they begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from flask import current_app, url_for

from workshops.core.london_time import date_words, london_date
from workshops.schedule.queries.public import ListedEvent
from workshops.schedule.queries.public_programmes import ListedProgramme
from workshops.schedule.rules.audience import is_by_invitation
from workshops.schedule.rules.days import at_the_same_time, days_on, month_of, part_words, time_on
from workshops.schedule.rules.programmes import PROGRAMME_STATES, programme_state

#: From so many events on, summaries are left to the pages of the events: the day must be seen in one glance.
COMPACT_FROM = 30
#: An event of more days than this stands under its first day alone.
REPEATED_DAYS = 14
EARLIER = "Earlier in this programme"


@dataclass(frozen=True)
class Slot:
    """One event under a day. time: its hours on that day.   when: its whole span, empty when it has one day."""

    event: ListedEvent
    time: str
    when: str


@dataclass(frozen=True)
class Part:
    """One day, or a month of which no more is known. going_on: what began before it, with "day 2 of 5"."""

    heading: str
    slots: Sequence[Slot]
    going_on: Sequence[tuple[ListedEvent, str]] = ()

    @property
    def count(self) -> int:
        """How many events are on."""
        return len(self.slots) + len(self.going_on)


def programme_context(programme: ListedProgramme, listed: Sequence[ListedEvent], now: datetime) -> dict[str, Any]:
    """Everything the template shows of a programme. listed: its events, first ones first."""
    today = london_date(now)
    parts, earlier = programme_parts(listed, today)
    state = programme_state(True, programme.first_on, programme.last_on, today)
    return {
        "programme": programme,
        "state": ("On now", "teal") if state == "running" else PROGRAMME_STATES[state],
        "is_over": bool(listed) and all(one.view.over_at <= now for one in listed),
        "parts": parts,
        "earlier": earlier,
        "events": listed,
        "with_follow_up": sum(bool(one.came_of) for one in listed),
        "clashes": {
            listed[number].id: [listed[other] for other in others]
            for number, others in enumerate(at_the_same_time([one.view for one in listed]))
            if others
        },
        "is_compact": len(listed) >= COMPACT_FROM,
        "has_feed": any(one.view.month is None for one in listed),
        "forms": open_forms(programme),
        "register": _register_address(programme, listed),
    }


def open_forms(programme: ListedProgramme) -> list[tuple[str, str]]:
    """(words, address) of the forms by which others may take part in planning, those that are open."""
    forms = (
        (programme.host_form_is_open, "Host an event", "proposals.host_an_event"),
        (programme.ask_form_is_open, "Ask us for an event", "proposals.ask_for_an_event"),
    )
    return [
        (words, url_for(endpoint, slug=programme.slug))
        for is_open, words, endpoint in forms
        if is_open and endpoint in current_app.view_functions
    ]


def _register_address(programme: ListedProgramme, listed: Sequence[ListedEvent]) -> str:
    """Where people register for several events at once; empty unless there are two to choose from."""
    can = sum(one.state.can_register and not is_by_invitation(one.view.booking, one.view.admits) for one in listed)
    endpoint = "registration.register_for_several"
    return url_for(endpoint, slug=programme.slug) if can > 1 and endpoint in current_app.view_functions else ""


def programme_parts(listed: Sequence[ListedEvent], today: date) -> tuple[list[Part], list[Part]]:
    """(what is shown first, what was earlier). Today, then each day to come; every day when all of it is over."""
    if all(one.last_on < today for one in listed):
        return by_day(listed), []
    on_today = [one for one in listed if one.view.month is None and today in days_on(one.view, today, today)]
    coming = [one for one in listed if one.last_on > today]
    first = [Part(f"Today, {date_words(today)}", [_slot(one, today) for one in on_today])] if on_today else []
    shown = {one.id for one in (*on_today, *coming)}
    return first + by_day(coming, after=today), by_day(one for one in listed if one.id not in shown)


def by_day(listed: Iterable[ListedEvent], *, after: date = date.min) -> list[Part]:
    """A part for each day after a day on which something is on, and one for each month of which no more is known."""
    begins: dict[date, list[ListedEvent]] = {}
    goes_on: dict[date, list[tuple[ListedEvent, str]]] = {}
    months: list[ListedEvent] = []
    for one in listed:
        days = days_on(one.view)
        if not days:
            months.append(one)
            continue
        if days[0] > after:
            begins.setdefault(days[0], []).append(one)
        for number, day in enumerate(days[1:REPEATED_DAYS], start=2):
            if day > after and len(days) <= REPEATED_DAYS:
                goes_on.setdefault(day, []).append((one, part_words(number, len(days))))
    parts = [(day, Part(date_words(day), [_slot(one, day) for one in begins.get(day, ())], goes_on.get(day, ())))
             for day in {*begins, *goes_on}]  # fmt: skip
    parts += [
        (month.first, Part(month.words, [Slot(one, "", "") for one in some]))
        for month, some in groupby(months, key=lambda one: month_of(one.first_on))
    ]
    return [part for _, part in sorted(parts, key=lambda pair: pair[0])]


def _slot(one: ListedEvent, day: date) -> Slot:
    return Slot(one, time_on(one.view, day), one.when if len(days_on(one.view)) > 1 else "")

"""The state of a programme, and what of an event is missing before it goes public. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from workshops.schedule.rules.events import EventDetails
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.states import check_publishable

ProgrammeState = Literal["draft", "announced", "running", "past"]

#: The word and the colour of its tag.
PROGRAMME_STATES: dict[ProgrammeState, tuple[str, str]] = {
    "draft": ("Draft", "grey"),
    "announced": ("Announced", "blue"),
    "running": ("Running", "green"),
    "past": ("Past", "grey"),
}


def programme_state(is_published: bool, first_on: date | None, last_on: date | None, today: date) -> ProgrammeState:
    """The state of a programme on a day in Scotland.

    Only "draft" is stored. first_on, last_on: its own days, or else those of its events; while neither is known
    a published programme is announced. Its first and its last day are days on which it runs.
    """
    if not is_published:
        return "draft"
    first, last = first_on or last_on, last_on or first_on
    if first is None or last is None or today < first:
        return "announced"
    return "past" if today > last else "running"


@dataclass(frozen=True)
class Missing:
    """What a draft lacks. must: without it the event cannot be public. should: what readers would look for."""

    must: tuple[str, ...] = ()
    should: tuple[str, ...] = ()


def missing_of(details: EventDetails, *, now: datetime) -> Missing:
    """What is missing in a draft, each in a few words without full stop. Nothing is asked of past events but a date."""
    must: list[str] = []
    try:
        check_publishable(details, now=now)
    except DetailsDoNotFit as unfit:
        must = [problem.sentence for problem in unfit.problems]
    if details.when.over_at <= now:
        return Missing(tuple(must))
    wanted = {
        "No summary": details.summary,
        "No place": details.mode == "online" or details.venue or details.area,
        "No joining link yet": details.mode == "in_person" or details.joining_link,
        "No organisation runs it": details.host,
        "Nobody looks after it": details.owner_id is not None,
        "No number of places": _has_places(details),
        "No address of the page where people register": details.booking != "elsewhere" or details.booking_url,
    }
    return Missing(tuple(must), tuple(words for words, is_there in wanted.items() if not is_there))


def _has_places(details: EventDetails) -> bool:
    if details.booking in ("none", "elsewhere", "closed"):
        return True
    capacities = {"in_person": (details.capacity_in_person,), "online": (details.capacity_online,)}.get(
        details.mode, (details.capacity_in_person, details.capacity_online)
    )
    return any(capacity is not None for capacity in capacities)


def organisers_note(before: Collection[int], after: Collection[int], actor_id: int | None, role: str) -> str:
    """A warning about what a change of the named organisers does, or an empty text.

    before, after: account ids.   actor_id, role: of the one who makes the change.
    """
    if before and not after:
        return "Nobody is named as an organiser now, so every organiser may change this programme and run its events."
    if role != "admin" and actor_id in before and actor_id not in after:
        return "You do not organise this programme any more. An organiser of it, or an admin, can name you again."
    if role != "admin" and after and actor_id not in after:
        return "You did not name yourself, so you cannot change this programme any more."
    return ""

"""Between the event form and EventDetails. Knows forms and rules, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from workshops.core.london_time import DoubleTime, ImpossibleTime, london_date, typed_instant, wall_time
from workshops.schedule.forms import FIELD_NAMES, QUESTION_FIELDS, EventForm
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.questions import Question
from workshops.schedule.rules.when import When, is_month, when_typed

#: What is taken over as it stands, under the same name.
_SAME = ("title", "mode", "summary", "description", "joining_link", "bsl", "captions", "booking", "booking_url",
         "capacity_in_person", "capacity_online", "host", "reported_registered", "reported_attended",
         "source_url")  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What the choices of the form stand for: kind names by slug, places by venue id, titles by programme id."""

    kinds: Mapping[str, str]
    venues: Mapping[int, Place]
    programmes: Mapping[int, str]
    #: Whether the person may give the event to somebody else.
    may_give_away: bool = False


def defaults() -> dict[str, Any]:
    """What a new form has chosen already."""
    return {"booking": "first_come", "when_full": "wait", "visible": "listed", "bsl": "not_known",
            "captions": "not_known"}  # fmt: skip


def form_values(details: EventDetails, known: Known) -> dict[str, Any]:
    """What the form shows of an event."""
    when = details.when
    starts, ends = when.starts_at, when.ends_at
    values = {name: getattr(details, name) for name in _SAME}
    values |= {f"question_{number}": one.text for number, one in enumerate(details.questions, start=1)}
    values |= {
        "kind": _key(known.kinds, details.kind),
        "venue": _key(known.venues, details.venue),
        "programme": _key(known.programmes, details.programme),
        "area": details.area,
        "topics": "; ".join(details.topics),
        "owner": details.owner_id,
        "when_full": "wait" if details.has_waiting_list else "close",
        "visible": "listed" if details.is_listed else "unlisted",
        "month": when.month,
        "starts_on": None if when.month else when.first_day,
        "ends_on": when.last_day if not when.month and when.last_day != when.first_day else None,
        "start_time": wall_time(starts) if starts else None,
        "end_time": wall_time(ends) if ends else None,
    }
    for name, instant in (("opens", details.opens_at), ("closes", details.closes_at)):
        values[f"{name}_on"] = london_date(instant) if instant else None
        values[f"{name}_time"] = wall_time(instant) if instant else None
    return values


def _key(known: Mapping[Any, Any], value: Any) -> Any:
    return next((key for key, name in known.items() if name == value), None)


def details_from(form: EventForm, known: Known, base: EventDetails | None, owner_id: int | None) -> EventDetails:
    """What a form that was read says. base: the event before, whose fields no form asks for are kept.

    owner_id: who looks after it unless the person may choose. Raises DetailsDoNotFit with all times that cannot be.
    """
    problems: list[Problem] = []
    when: When | None = None
    instants: dict[str, datetime | None] = {}
    try:
        when = _when(form, base)
    except DetailsDoNotFit as unfit:
        problems.extend(unfit.problems)
    for name, at in (("opens", time(0, 0)), ("closes", time(23, 59))):
        try:
            instants[f"{name}_at"] = _instant(form, name, at)
        except DetailsDoNotFit as unfit:
            problems.extend(unfit.problems)
    if problems or when is None:
        raise DetailsDoNotFit(*problems)
    values: dict[str, Any] = {name: form[name].data for name in _SAME} | instants
    values |= {
        "kind": known.kinds.get(form.kind.data, ""),
        "when": when,
        "venue": _venue(form, known),
        "area": form.area.data or "",
        "programme": known.programmes.get(form.programme.data, ""),
        "topics": tuple(form.topics.data.split(";")),
        "questions": tuple(Question(form[name].data) for name in QUESTION_FIELDS),
        "has_waiting_list": form.when_full.data != "close",
        "is_listed": form.visible.data != "unlisted",
        "owner_id": form.owner.data if known.may_give_away else owner_id,
    }
    return replace(base, **values) if base is not None else EventDetails(**values)


def show_problems(form: EventForm, unfit: DetailsDoNotFit) -> None:
    """Put what is wrong at the fields it belongs to."""
    for problem in unfit.problems:
        field = FIELD_NAMES.get(problem.field, problem.field)
        if problem.field == "venue":
            field = "venue_name"
        form.add_error(problem.sentence, field)


def _when(form: EventForm, base: EventDetails | None) -> When:
    first: date | None = form.starts_on.data
    month = (form.month.data or "").strip()
    if first is None and month:
        if not is_month(month):
            raise DetailsDoNotFit(Problem("month", "Enter a month with its year first, such as 2016-11"))
        return When(month=month)
    if first is None:  # the form asks for it before this
        raise DetailsDoNotFit(Problem("starts", "Enter the date"))
    if month:
        raise DetailsDoNotFit(Problem("month", "Leave the month empty, or the date: an event has one of the two"))
    starts, ends, last = form.start_time.data, form.end_time.data, form.ends_on.data
    # History whose end nobody knows may stay so; a new event says when it ends.
    endless = base is not None and base.when.starts_at is not None and base.when.ends_at is None
    if endless and starts is not None and ends is None and last is None:
        typed = when_typed(first, starts, None, time(23, 59)) if starts < time(23, 59) else base.when  # type: ignore[union-attr]
        return When(starts_at=typed.starts_at)
    when = when_typed(first, starts, last, ends)
    # The box cannot say which of two equal times in autumn is meant: unchanged words mean the same instant.
    if base is not None and base.when.starts_at is not None and base.when.words() == when.words():
        return base.when
    return when


def _venue(form: EventForm, known: Known) -> Place | None:
    typed = Place(form.venue_name.data, form.venue_address.data, form.venue_postcode.data)
    if typed.words:
        return typed
    return known.venues.get(form.venue.data)


def _instant(form: EventForm, name: str, otherwise: time) -> datetime | None:
    day: date | None = form[f"{name}_on"].data
    at: time | None = form[f"{name}_time"].data
    if day is None:
        if at is not None:
            raise DetailsDoNotFit(Problem(f"{name}_at", f"Enter the date on which registration {name}"))
        return None
    try:
        return typed_instant(day, at or otherwise)
    except (ImpossibleTime, DoubleTime) as unfit:
        raise DetailsDoNotFit(Problem(f"{name}_time", str(unfit))) from None

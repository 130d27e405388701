"""Between the event form and EventDetails. Knows forms and rules, no database."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from workshops.core.london_time import DoubleTime, ImpossibleTime, london_date, typed_instant, wall_time
from workshops.core.text import clean_text
from workshops.core.typed_dates import parse_month
from workshops.schedule.forms import FIELD_NAMES, QUESTION_FIELDS, WHEN_FIELDS, EventForm
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.questions import Question
from workshops.schedule.rules.when import When, when_typed

#: What is taken over as it stands, under the same name.
_SAME = ("title", "mode", "summary", "description", "joining_link", "bsl", "captions", "booking", "booking_url",
         "capacity_in_person", "capacity_online", "host", "reported_registered", "reported_attended",
         "source_url")  # fmt: skip
#: The fields that a whole page always sends, so that their absence says something.
_BOXES = ("facilitators", *(f"{name}_more" for name in QUESTION_FIELDS))
HAS_DAYS = "This event has times for each day. Change them on the page “When”"


@dataclass(frozen=True)
class Known:
    """What the choices of the form stand for: kind names by slug, places by venue id, titles by programme id."""

    kinds: Mapping[str, str]
    venues: Mapping[int, Place]
    programmes: Mapping[int, str]
    #: The topics there are, by name.
    topics: tuple[str, ...] = ()
    #: Whether the person may give the event to somebody else.
    may_give_away: bool = False
    #: Whether a topic that is not in the list yet is added to it, or refused.
    may_add_topics: bool = True


def defaults() -> dict[str, Any]:
    """What a new form has chosen already."""
    return {"booking": "first_come", "when_full": "wait", "visible": "listed", "bsl": "not_known",
            "captions": "not_known", "admits": "anyone"}  # fmt: skip


def shape_of(when: When) -> str:
    """Which of SHAPES an event has."""
    if when.month is not None:
        return "month"
    if when.days:
        return "days"
    if when.starts_at is None:
        return "bar"
    return "one" if when.last_day == when.first_day else "span"


def form_values(details: EventDetails, known: Known) -> dict[str, Any]:
    """What the form shows of an event."""
    values = {name: getattr(details, name) for name in _SAME} | _when_values(details.when)
    for name, one in zip(QUESTION_FIELDS, (*details.questions, *[Question("")] * 5), strict=False):
        values |= {
            name: one.text,
            f"{name}_kind": one.kind,
            f"{name}_options": "\n".join(one.options),
            f"{name}_more": [key for key, on in (("required", one.is_required), ("personal", one.is_personal)) if on],
            f"{name}_reason": one.reason,
        }
    values |= {
        "kind": _key(known.kinds, details.kind),
        "venue": _key(known.venues, details.venue),
        "room": details.room or None,
        "programme": _key(known.programmes, details.programme),
        "area": details.area,
        "audience": details.audience,
        "topics": "; ".join(details.topics),
        "owner": details.owner_id,
        "facilitators": list(details.facilitators),
        "when_full": "wait" if details.has_waiting_list else "close",
        "visible": "listed" if details.is_listed else "unlisted",
        # "By invitation" has answered this already, whatever is kept: two answers that differ would only puzzle.
        "admits": "invited" if details.booking == "by_invitation" else details.admits,
        "admitted_domains": "\n".join(details.admitted_domains),
    }
    for name, instant in (("opens", details.opens_at), ("closes", details.closes_at)):
        values[f"{name}_on"] = london_date(instant) if instant else None
        values[f"{name}_time"] = wall_time(instant) if instant else None
    return values


def _when_values(when: When) -> dict[str, Any]:
    starts, ends = when.starts_at, when.ends_at
    return {
        "shape": shape_of(when),
        "month": when.words() if when.month else None,
        "starts_on": None if when.month else when.first_day,
        "ends_on": when.last_day if not when.month and when.last_day != when.first_day else None,
        "start_time": wall_time(starts) if starts else None,
        "end_time": wall_time(ends) if ends else None,
    }


def _key(known: Mapping[Any, Any], value: Any) -> Any:
    return next((key for key, name in known.items() if name == value), None)


def keep_only(form: EventForm, asked: Collection[str], values: Mapping[str, Any]) -> None:
    """Give the fields that were neither on the page nor sent what the event has.

    An unticked box sends nothing, so only the page itself can say that it was there.
    """
    for name in _BOXES:
        if name not in asked and not form[name].raw_data:
            form[name].process(None, values.get(name, ()))


def details_from(form: EventForm, known: Known, base: EventDetails | None, owner_id: int | None) -> EventDetails:
    """What a form that was read says. base: the event before, whose fields no form asks for are kept.

    owner_id: who looks after it unless the person may choose. Raises DetailsDoNotFit with all times that cannot be.
    """
    problems: list[Problem] = []
    when: When | None = None
    instants: dict[str, datetime | None] = {}
    try:
        when = when_from(form, base)
    except DetailsDoNotFit as unfit:
        problems.extend(unfit.problems)
    for name, at in (("opens", time(0, 0)), ("closes", time(23, 59))):
        try:
            instants[f"{name}_at"] = _instant(form, name, at)
        except DetailsDoNotFit as unfit:
            problems.extend(unfit.problems)
    problems += _questions_without_words(form)
    problems += _topics_not_in_the_list(form, known, base)
    if problems or when is None:
        raise DetailsDoNotFit(*problems)
    values: dict[str, Any] = {name: form[name].data for name in _SAME} | instants
    venue = _venue(form, known)
    values |= {
        "kind": known.kinds.get(form.kind.data, ""),
        "when": when,
        "venue": venue,
        "room": _room(form, base, venue),
        "area": form.area.data or "",
        "programme": known.programmes.get(form.programme.data, ""),
        "audience": form.audience.data or "",
        "topics": tuple(form.topics.data.split(";")),
        "questions": tuple(_question(form, name) for name in QUESTION_FIELDS),
        "has_waiting_list": form.when_full.data != "close",
        "is_listed": form.visible.data != "unlisted",
        "admits": _admits(form, base),
        "admitted_domains": tuple(form.admitted_domains.data.replace(",", "\n").split()),
        "owner_id": form.owner.data if known.may_give_away else owner_id,
        "facilitators": tuple(form.facilitators.data),
    }
    if base is None:
        return EventDetails(**values)
    values |= _places_that_go(values, base)
    return replace(base, **values)


def _places_that_go(values: Mapping[str, Any], base: EventDetails) -> dict[str, None]:
    """When an event takes place in one way only from now on, the number of places of the other goes with it.

    Only a number that nobody touched: the form hides it then, or does not ask for it at all.
    """
    gone = {"online": "capacity_in_person", "in_person": "capacity_online"}.get(values["mode"])
    if gone is None or values["mode"] == base.mode or values[gone] != getattr(base, gone):
        return {}
    return {gone: None}


def _topics_not_in_the_list(form: EventForm, known: Known, base: EventDetails | None) -> list[Problem]:
    """Organisers keep the list of topics; who only runs events chooses from it. What an event has already may stay."""
    if known.may_add_topics:
        return []
    there = {fold(name) for name in (*known.topics, *(base.topics if base is not None else ()))}
    new = [clean_text(name) for name in form.topics.data.split(";") if fold(name) and fold(name) not in there]
    if not new:
        return []
    return [Problem("topics", f"“{new[0]}” is not in the list of topics. Choose one, or ask an organiser to add it")]


def show_problems(form: EventForm, unfit: DetailsDoNotFit) -> None:
    """Put what is wrong at the fields it belongs to."""
    asked = [name for name in QUESTION_FIELDS if form[name].data]
    for problem in unfit.problems:
        field = FIELD_NAMES.get(problem.field, problem.field)
        number = re.fullmatch(r"question_(\d)(.*)", field)
        if number is not None and int(number[1]) <= len(asked):
            # Rules count the questions that are asked; an empty one in between has a number here too.
            field = asked[int(number[1]) - 1] + number[2]
        if problem.field == "venue":
            field = "venue_name"
        form.add_error(problem.sentence, field)


def when_from(form: EventForm, base: EventDetails | None) -> When:
    """The time that a form says; "days" are asked for on a page of their own, see views.staff_event_days.

    Raises DetailsDoNotFit.
    """
    shape = form.shape.data
    untouched = base is not None and all(
        form[name].data == (value or "" if name == "month" else value)
        for name, value in _when_values(base.when).items()
        if name in WHEN_FIELDS or (name == "shape" and shape is not None)
    )
    if base is not None and untouched:
        # Words that nobody touched mean the same instants, whatever a form can and cannot say.
        return base.when
    if base is not None and base.when.days and shape in (None, "days"):
        raise DetailsDoNotFit(Problem("starts", HAS_DAYS))
    return _typed_by_shape(form, shape) if shape is not None else _typed(form, base)


def _typed_by_shape(form: EventForm, shape: str) -> When:
    first, last, starts, ends = form.starts_on.data, form.ends_on.data, form.start_time.data, form.end_time.data
    if shape == "month":
        return _month(form)
    if first is None:
        raise DetailsDoNotFit(Problem("starts", "Enter the date"))
    if shape == "bar":
        return when_typed(first, None, last, None)
    if shape == "span":
        if last is None:
            raise DetailsDoNotFit(Problem("ends", "Enter the last day"))
        if starts is None:
            raise DetailsDoNotFit(Problem("start_time", "Enter when it starts"))
        return when_typed(first, starts, last, ends)
    return when_typed(first, starts, None, ends)


def _month(form: EventForm) -> When:
    try:
        year, number = parse_month(form.month.data or "")
    except ValueError as unfit:
        raise DetailsDoNotFit(Problem("month", str(unfit))) from None
    return When(month=f"{year:04d}-{number:02d}")


def _typed(form: EventForm, base: EventDetails | None) -> When:
    """Without a shape, as on the first screen: what is filled in decides."""
    first: date | None = form.starts_on.data
    month = (form.month.data or "").strip()
    if first is None and month:
        return _month(form)
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
    return when_typed(first, starts, last, ends)


def _venue(form: EventForm, known: Known) -> Place | None:
    typed = Place(form.venue_name.data, form.venue_address.data, form.venue_postcode.data)
    if typed.words:
        return typed
    return known.venues.get(form.venue.data)


def _room(form: EventForm, base: EventDetails | None, venue: Place | None) -> str:
    """The room typed or chosen; one that belongs to the venue before goes with it."""
    if form.room_name.data:
        return str(form.room_name.data)
    before = base.venue if base is not None else None
    moved = before is not None and (venue is None or venue.key != before.key)
    return "" if moved and base is not None and form.room.data == base.room else form.room.data or ""


def _admits(form: EventForm, base: EventDetails | None) -> str:
    """Who may register. "By invitation" says it already: the other answer does not count, and changes nothing."""
    if form.booking.data != "by_invitation":
        return str(form.admits.data or "anyone")
    kept = base is not None and base.booking == "by_invitation" and base.admits != "domains"
    return base.admits if kept and base is not None else "invited"


def _question(form: EventForm, name: str) -> Question:
    more = form[f"{name}_more"].data
    personal = "personal" in more
    return Question(
        text=form[name].data,
        kind=form[f"{name}_kind"].data or "text",
        options=tuple(form[f"{name}_options"].data.split("\n")),
        is_personal=personal,
        reason=form[f"{name}_reason"].data if personal else "",
        is_required="required" in more,
    )


def _questions_without_words(form: EventForm) -> list[Problem]:
    """What was filled in around a question that is not there would be lost without a word."""
    return [
        Problem(name, "Enter the question, or empty everything below it")
        for name in QUESTION_FIELDS
        if not form[name].data and (form[f"{name}_options"].data or form[f"{name}_reason"].data)
    ]


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

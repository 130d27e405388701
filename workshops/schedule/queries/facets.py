"""What each filter of a list may be set to, with how many events that leaves: one SELECT for all of them.

The events are read once, as narrow rows, and counted from there: reading them again for every filter is what
a list of 10,000 events used to cost most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, func, literal, null, select, true, union_all
from sqlalchemy.orm import Session

from workshops.schedule.models import Event, EventTopic, Host, Kind, Programme, Topic
from workshops.schedule.queries.public import Found, Scope, chosen_condition, conditions_of, sentence_case
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.finding import COUNTED, without
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.slugs import slug_of


@dataclass(frozen=True)
class Option:
    """One value of a filter, and how many events of this list it would leave."""

    value: str
    text: str
    count: int

    @property
    def label(self) -> str:
        """As a list of choices writes it: "Workshop (12)"."""
        return f"{self.text} ({self.count:,})"


@dataclass(frozen=True)
class Facets:
    """How many events a question finds, all pages together, and the options of each filter in alphabetical order."""

    total: int
    options: dict[str, list[Option]]


def facets(session: Session, found: Found, *, scope: Scope, now: datetime) -> Facets:
    """The number of events, and what each filter may be set to with the others in force; one SELECT."""
    total = 0
    options: dict[str, list[Option]] = {name: [] for name in COUNTED}
    for row in session.connection().execute(_statement(found, scope, now)).all():
        if row.filter == "total":
            total = row.events
            continue
        value = slug_of(row.value, otherwise="") if row.filter == "area" else row.value
        if value:
            options[row.filter].append(Option(value, _text(row.filter, row.value, row.text), row.events))
    for name in COUNTED:
        chosen = getattr(found.filters, name)
        if chosen and all(option.value != chosen for option in options[name]):
            options[name].append(Option(chosen, found.names.get(name) or AUDIENCES.get(chosen, chosen), 0))
        options[name] = _sorted(name, options[name])
    return Facets(total, options)


def _text(name: str, value: str, text: str | None) -> str:
    if name == "audience":
        return AUDIENCES[value]
    written = text or value
    return sentence_case(written) if name in ("kind", "topic") else written


def _sorted(name: str, options: list[Option]) -> list[Option]:
    if name == "audience":
        order = list(AUDIENCES)
        return sorted(options, key=lambda option: order.index(option.value))
    return sorted(options, key=lambda option: (fold(option.text), option.value))


def _statement(found: Found, scope: Scope, now: datetime) -> Any:
    """All counts as rows (filter, value, text, events)."""
    chosen = [name for name in COUNTED if getattr(found.filters, name)]
    others = found
    for name in chosen:
        others = Found(without(others.filters, name), found.names, found.areas, found.matches_all)
    # What no counted filter decides is asked once; whether an event fits each filter that is set goes along with it.
    fitting = [
        chosen_condition(name, getattr(found.filters, name), found.areas).label(f"fits_{name}") for name in chosen
    ]
    narrow = select(
        Event.id, Event.kind_id, Event.host_id, Event.programme_id, Event.area, Event.audience, *fitting
    )
    events = narrow.where(*conditions_of(others, scope=scope, now=now)).cte("found")

    def fits(leave_out: str = "") -> ColumnElement[bool]:
        return and_(true(), *(events.c[f"fits_{name}"] for name in chosen if name != leave_out))

    total = select(
        literal("total").label("filter"), null().label("value"), null().label("text"), func.count().label("events")
    )
    parts: list[Any] = [total.select_from(events).where(fits())]
    parts += [_counted(name, events, fits(leave_out=name)) for name in COUNTED]
    return union_all(*parts)


def _counted(name: str, events: CTE, fits: ColumnElement[bool]) -> Select[Any]:
    """The values of one filter with how many of these events each leaves."""
    if name in ("area", "audience"):
        column = events.c[name]
        counted: Select[Any] = select(literal(name), column, null(), func.count())
        return counted.where(fits, column != "").group_by(column)
    model: Any = {"kind": Kind, "host": Host, "programme": Programme, "topic": Topic}[name]
    counts = select(func.count().label("events")).where(fits)
    if name == "topic":
        counts = counts.add_columns(EventTopic.topic_id.label("key")).select_from(events)
        counts = counts.join(EventTopic, EventTopic.event_id == events.c.id).group_by(EventTopic.topic_id)
    else:
        column = events.c[f"{name}_id"]
        counts = counts.add_columns(column.label("key")).group_by(column)
    each = counts.subquery()
    text = Programme.title if name == "programme" else model.name
    named: Select[Any] = select(literal(name), model.slug, text, each.c.events).join(each, each.c.key == model.id)
    return named.where(Programme.is_published) if name == "programme" else named

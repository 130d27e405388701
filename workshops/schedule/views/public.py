"""Public pages: what is on, one event, programmes, the archive and the month. The same for everybody.

Each answer is kept under its canonical query and the version of what it shows; see web.responses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from workshops.core.clock import now as clock_now
from workshops.core.db import db
from workshops.core.errors import NotFound
from workshops.core.london_time import date_words, london_date, start_of_day
from workshops.core.versions import public_version
from workshops.schedule.public_signals import what_came_of
from workshops.schedule.queries import public as queries
from workshops.schedule.queries import public_programmes, published_event
from workshops.schedule.queries.facets import facets
from workshops.schedule.queries.public import Found, ListedEvent, Scope
from workshops.schedule.rules import finding
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.days import month_of, parse_month
from workshops.schedule.rules.finding import ATTENDING, HEADINGS, PAGE_SIZE, PAST_SORTS, SORTS, Filters
from workshops.schedule.rules.month import days_of_month
from workshops.schedule.rules.public_state import public_state
from workshops.schedule.views import blueprint
from workshops.schedule.views.event_page import event_context
from workshops.schedule.views.programme_page import programme_context
from workshops.web.access import PUBLIC, access
from workshops.web.guards import settings
from workshops.web.responses import Built, public_answer

#: How many events the start page names.
NEXT_EVENTS = 5
#: How many programmes the start page names.
NEXT_PROGRAMMES = 3

Context = tuple[dict[str, Any], datetime | None]


class _BeyondTheEnd(Exception):
    """A page after the last one was asked for; carries the number of the last."""


@blueprint.get("/")
@access(PUBLIC)
def start() -> ResponseReturnValue:
    def context(session: Session, now: datetime) -> Context:
        today = london_date(now)
        programmes = [one for one in public_programmes.published_programmes(session, now)
                      if one.upcoming or (one.last_on and one.last_on >= today)]  # fmt: skip
        values = {
            "coming": queries.next_events(session, now, limit=NEXT_EVENTS),
            "programmes": programmes[:NEXT_PROGRAMMES],
        }
        return values, _until(session, now)

    return _list_page("schedule/start.html", "/", context)


@blueprint.get("/events")
@access(PUBLIC)
def events() -> ResponseReturnValue:
    return _find("schedule/events.html", "schedule.events", "upcoming", SORTS)


@blueprint.get("/past")
@access(PUBLIC)
def past() -> ResponseReturnValue:
    return _find("schedule/past.html", "schedule.past", "past", PAST_SORTS)


@blueprint.get("/events/<slug>")
@access(PUBLIC)
def event(slug: str) -> ResponseReturnValue:
    now = clock_now()
    version = queries.event_page_version(db.session(), slug)
    if version is None:
        raise NotFound

    def build() -> Built:
        session = db.session()
        found = published_event(session, slug)
        if found is None:  # it was taken away between the two SELECTs
            raise NotFound
        context = event_context(found, session, now)
        return _built(render_template("schedule/event.html", canonical=_canonical(), **context),
                      context["state"].changes_at)  # fmt: skip

    return public_answer(f"/events/{slug}", version, build, now=now)


@blueprint.get("/programmes")
@access(PUBLIC)
def programmes() -> ResponseReturnValue:
    def context(session: Session, now: datetime) -> Context:
        today = london_date(now)
        listed = public_programmes.published_programmes(session, now)
        over = [one for one in listed if one.last_on is not None and one.last_on < today]
        return {"coming": [one for one in listed if one not in over], "over": over}, _until(session, now)

    return _list_page("schedule/programmes.html", "/programmes", context)


@blueprint.get("/programmes/<slug>")
@access(PUBLIC)
def programme(slug: str) -> ResponseReturnValue:
    def context(session: Session, now: datetime) -> Context:
        found = public_programmes.published_programme(session, slug, now)
        if found is None:
            raise NotFound
        listed = _with_follow_up(session, queries.events_of_programme(session, found.id, now), now)
        return programme_context(found, listed, now), _until(session, now)

    return _list_page("schedule/programme.html", f"/programmes/{slug}", context)


@blueprint.get("/calendar")
@access(PUBLIC)
def month() -> ResponseReturnValue:
    this_month = month_of(london_date(clock_now()))
    shown = parse_month(request.args.get("month", "")) or this_month

    def context(session: Session, now: datetime) -> Context:
        rows = queries.dated_between(session, shown.first, shown.last)
        undated = queries.events_some_time_in(session, shown.text, now)
        values = {
            "month": shown,
            "this_month": this_month,
            "today": london_date(now),
            "days": days_of_month(shown, rows),
            "undated": undated,
            "total": len(rows) + len(undated),
            "address_of_day": lambda day: url_for("schedule.events")
            + finding.query_string(Filters(from_on=day, to_on=day)),
            "address_of_month": url_for("schedule.events")
            + finding.query_string(Filters(from_on=shown.first, to_on=shown.last)),
        }
        return values, _until(session, now)

    return _list_page("schedule/month.html", f"/calendar?month={shown.text}", context)


# --- lists ------------------------------------------------------------------------------------------------------


def _find(template: str, endpoint: str, scope: Scope, sorts: Mapping[str, str]) -> ResponseReturnValue:
    """A list with filters and pages."""
    asked = finding.parse_filters(request.args.items(multi=True), sorts=sorts)
    if scope == "past":
        asked = replace(asked, places=False)  # nobody takes a place in what is over

    def context(session: Session, now: datetime) -> Context:
        return _found_events(session, asked, endpoint=endpoint, scope=scope, sorts=sorts, now=now)

    try:
        return _list_page(template, url_for(endpoint) + finding.query_string(asked), context)
    except _BeyondTheEnd as beyond:
        last = int(str(beyond))
        address = url_for(endpoint) + finding.query_string(finding.with_page(asked, last))
        return make_response(render_template("schedule/_beyond.html", last=last, address=address), 404)


def _found_events(
    session: Session, asked: Filters, *, endpoint: str, scope: Scope, sorts: Mapping[str, str], now: datetime
) -> Context:
    found = queries.look_up(session, asked)
    filters = found.filters
    counted = facets(session, found, scope=scope, now=now)
    pages = max(1, -(-counted.total // PAGE_SIZE))
    if filters.page > pages:
        raise _BeyondTheEnd(str(pages))
    listed = _with_follow_up(session, queries.events_of_page(session, found, scope=scope, now=now), now)

    def address(changed: Filters) -> str:
        return url_for(endpoint) + finding.query_string(changed)

    months = [month_of(london_date(now)), month_of(london_date(now)).moved(1)]
    by_month = filters.sort != "added"
    values = {
        "filters": filters,
        "found": found,
        "total": counted.total,
        "pages": pages,
        "groups": _grouped(listed, by_year=scope == "past") if by_month else [("", listed)],
        "options": counted.options,
        "attending": ATTENDING,
        "sorts": sorts,
        "sort_fields": finding.pairs(replace(filters, sort="", page=1)),
        "facets": _facets(found, address),
        "page_link": lambda number: address(finding.with_page(filters, number)),
        "months": [(one.words, address(replace(filters, from_on=one.first, to_on=one.last, page=1)))
                   for one in months if one is not None],  # fmt: skip
        "years": [(year, count, address(replace(filters, from_on=date(year, 1, 1), to_on=date(year, 12, 31), page=1)))
                  for year, count in queries.past_years(session, now)] if scope == "past" else [],  # fmt: skip
        "feed": url_for("feeds.calendar_ics") + finding.query_string(finding.for_feed(filters)),
        "news": url_for("feeds.events_atom") + finding.query_string(finding.for_feed(filters)),
    }
    return values, _until(session, now)


def _facets(found: Found, address: Callable[[Filters], str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each filter in force with the address of the same list without it."""
    filters = found.filters
    texts = {
        "q": filters.q,
        **found.names,
        "audience": AUDIENCES.get(filters.audience, ""),
        "attending": ATTENDING.get(filters.attending, ""),
        "from": date_words(filters.from_on, weekday=False) if filters.from_on else "",
        "to": date_words(filters.to_on, weekday=False) if filters.to_on else "",
        "places": "Places available" if filters.places else "",
    }
    return [
        (heading, [(texts[name], address(finding.without(filters, name)))])
        for name, heading in HEADINGS.items()
        if texts.get(name)
    ]


def _grouped(listed: Iterable[ListedEvent], *, by_year: bool) -> list[tuple[str, list[ListedEvent]]]:
    """Events under the month, or the year, in which they begin, in the order they come in."""
    groups: list[tuple[str, list[ListedEvent]]] = []
    for one in listed:
        heading = str(one.first_on.year) if by_year else month_of(one.first_on).words
        if not groups or groups[-1][0] != heading:
            groups.append((heading, []))
        groups[-1][1].append(one)
    return groups


def _with_follow_up(session: Session, listed: Sequence[ListedEvent], now: datetime) -> list[ListedEvent]:
    """The same events; past ones say what is published about them."""
    over = [one.id for one in listed if one.view.over_at <= now]
    words = what_came_of(session, over, now) if over else {}
    return [_followed_up(one, words[one.id], now) if words.get(one.id) else one for one in listed]


def _followed_up(one: ListedEvent, words: str, now: datetime) -> ListedEvent:
    view = replace(one.view, has_follow_up=True, has_notes="notes" in words.lower())
    return replace(one, came_of=words, view=view, state=public_state(view, now))


# --- answers ----------------------------------------------------------------------------------------------------


def _list_page(template: str, key: str, context: Callable[[Session, datetime], Context]) -> ResponseReturnValue:
    """A page about many events: kept by the version of all that is public."""
    now = clock_now()
    version = public_version(db.session())

    def build() -> Built:
        values, until = context(db.session(), now)
        return _built(render_template(template, canonical=settings().base_url + key, **values), until)

    return public_answer(key, version, build, now=now)


def _built(html: str, until: datetime | None) -> Built:
    return Built(html.encode(), "text/html; charset=utf-8", until=until)


def _until(session: Session, now: datetime) -> datetime:
    """Until when a list holds: the first change by the clock, and never past midnight in Scotland."""
    midnight = start_of_day(london_date(now) + timedelta(days=1))
    change = queries.next_change(session, now)
    return midnight if change is None else min(midnight, change)


def _canonical() -> str:
    return settings().base_url + request.path

"""Feeds: calendars to subscribe to, single event files, one's own places, and the write-ups as Atom.

Public feeds are kept by version and joined from VEVENTs made before; one's own is made for each request
and kept nowhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

from flask import Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from workshops.core.clock import now as clock_now
from workshops.core.db import db
from workshops.core.errors import NotFound
from workshops.core.tokens import token_hash
from workshops.core.versions import public_version
from workshops.feeds import queries
from workshops.feeds.atom import AtomEntry, atom_bytes
from workshops.feeds.clients import family_of
from workshops.feeds.fetches import Fetches
from workshops.feeds.rules import MY_PLACES, NAME, Window, counted_as, feed_name, last_modified, window_of
from workshops.feeds.views import blueprint
from workshops.ical.cleaning import clean_url
from workshops.ical.identity import feed_uid
from workshops.ical.serialise import calendar_bytes, vevent_bytes
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.queries import public as schedule
from workshops.schedule.queries.facets import facets
from workshops.schedule.rules import finding
from workshops.web.access import BY_LINK, PUBLIC, access
from workshops.web.guards import settings
from workshops.web.headers import client_address
from workshops.web.responses import Built, Kept, conditional, public_answer

#: So many events show what a calendar holds while it is chosen.
NEXT_SHOWN = 5

CALENDAR = "text/calendar; charset=utf-8"
ATOM = "application/atom+xml; charset=utf-8"


@blueprint.get("/calendar.ics")
@access(PUBLIC)
def calendar_ics() -> ResponseReturnValue:
    asked = finding.for_feed(finding.parse_filters(request.args.items(multi=True)))
    query = finding.query_string(asked)
    # What cannot be any value matches nothing, and must not share its key with the feed without it.
    key = f"feed:all{query}!{','.join(asked.unknown)}"

    def build(session: Session, now: datetime) -> Built:
        found = schedule.look_up(session, asked)
        window = window_of(now, whole=bool(asked.from_on or asked.to_on))
        body = calendar_bytes(
            name=feed_name(found.filters, dict(found.names)),
            description="Events of the co-production team and its partners.",
            url=_absolute(url_for("schedule.events") + query),
            source=_absolute(url_for("feeds.calendar_ics") + query),
            vevents=queries.vevents_found(session, found, window, now),
        )
        return _feed(session, body, window, now, "co-production-events.ics")

    return _counted(_kept(key, build), counted_as(asked))


@blueprint.get("/events/<slug>.ics")
@access(PUBLIC)
def event_ics(slug: str) -> ResponseReturnValue:
    version = schedule.event_page_version(db.session(), slug)
    if version is None:
        raise NotFound

    def build(session: Session, now: datetime) -> Built:
        found = queries.event_file(session, slug)
        if found is None:
            raise NotFound  # no such event, or history of which only the month is known
        event_id, title, vevent, revised_at = found
        body = calendar_bytes(
            name=title,
            description="",
            url=_absolute(url_for("schedule.event", slug=slug)),
            source=_absolute(url_for("feeds.event_ics", slug=slug)),
            vevents=[vevent],
        )
        return Built(body, CALENDAR, last_modified=last_modified([revised_at], now), filename=f"{slug}.ics")

    return _counted(_kept(f"feed:event:{slug}", build, version=version), request.path)


@blueprint.get("/programmes/<slug>.ics")
@access(PUBLIC)
def programme_ics(slug: str) -> ResponseReturnValue:
    def build(session: Session, now: datetime) -> Built:
        programme = queries.programme_at(session, slug)
        if programme is None:
            raise NotFound
        window = window_of(now, whole=True)
        body = calendar_bytes(
            name=programme.title,
            description=programme.summary,
            url=_absolute(url_for("schedule.programme", slug=slug)),
            source=_absolute(url_for("feeds.programme_ics", slug=slug)),
            vevents=queries.vevents_of_programme(session, programme.id, window),
        )
        return _feed(session, body, window, now, f"{slug}.ics")

    return _counted(_kept(f"feed:programme:{slug}", build), request.path)


@blueprint.get("/hosts/<slug>.ics")
@access(PUBLIC)
def host_ics(slug: str) -> ResponseReturnValue:
    """All that a host runs and ran; the address of a host that was merged holds on."""
    own = url_for("feeds.host_ics", slug=slug)
    return _whole(own, lambda session: queries.host_at(session, slug), "Events run by {}.")


@blueprint.get("/venues/<int:venue_id>.ics")
@access(PUBLIC)
def venue_ics(venue_id: int) -> ResponseReturnValue:
    """All that is and was at one venue."""
    own = url_for("feeds.venue_ics", venue_id=venue_id)
    return _whole(own, lambda session: queries.venue_at(session, venue_id), "Events at {}.")


@blueprint.get("/series/<int:series_id>.ics")
@access(PUBLIC)
def series_ics(series_id: int) -> ResponseReturnValue:
    """All dates of one series."""
    own = url_for("feeds.series_ics", series_id=series_id)
    return _whole(own, lambda session: queries.series_at(session, series_id), "All dates of {}.")


def _whole(own: str, find: Callable[[Session], queries.Whole | None], words: str) -> Response:
    """A feed that is whole. own: its path.   words: what it holds, with {} where the name stands."""

    def build(session: Session, now: datetime) -> Built:
        found = find(session)
        if found is None:
            raise NotFound
        window = window_of(now, whole=True)
        body = calendar_bytes(
            name=f"{NAME}: {found.name}",
            description=words.format(found.name),
            url=_absolute(url_for("schedule.events")),
            source=_absolute(own),
            vevents=queries.vevents_of(session, found.which, window),
        )
        return _feed(session, body, window, now, f"{found.slug}.ics")

    return _counted(_kept(f"feed:{own}", build), own)


@blueprint.get("/calendars/<token>.ics")
@access(BY_LINK)
def my_calendar_ics(token: str) -> ResponseReturnValue:
    """One's own confirmed places: title, time and place, and nothing that leads anywhere."""
    session, now = db.session(), clock_now()
    mine = queries.calendar_of(session, token_hash("calendar", token))
    if mine is None:
        raise NotFound
    fetches().note_use(MY_PLACES, mine.id, now=now)
    vevents = []
    for event in queries.places_of_address(session, mine.email_key, window_of(now, whole=False)):
        entry = entry_for(event, settings=settings(), topics=())
        if entry is not None:
            vevents.append(vevent_bytes(replace(entry, description="", url=None, categories=(), organiser_email=None)))
    body = calendar_bytes(
        name="My co-production events",
        description="Events at which you have a place.",
        url=None,
        source=None,
        vevents=vevents,
    )
    return private_calendar(body, "my-events.ics")


def private_calendar(body: bytes, filename: str) -> Response:
    """A calendar behind a token. Never kept: only its bytes are compared with what the asker has."""
    etag = hashlib.sha256(body).hexdigest()[:32]
    answer = conditional(Kept(Built(body, CALENDAR, filename=filename), (), etag, None))
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@blueprint.get("/events.atom")
@access(PUBLIC)
def events_atom() -> ResponseReturnValue:
    """New events for feed readers, with the filters of /events."""
    asked = finding.for_feed(finding.parse_filters(request.args.items(multi=True)))
    query = finding.query_string(asked)

    def build(session: Session, now: datetime) -> Built:
        found = schedule.look_up(session, asked)
        entries = [
            AtomEntry(
                id=f"urn:uuid:{event.uid}",
                title=event.title,
                url=_absolute(url_for("schedule.event", slug=event.slug)),
                summary=event.summary,
                author=event.host or NAME,
                published_at=event.added_at,
                updated_at=event.updated_at,
            )
            for event in queries.new_events(session, found, now)
        ]
        body = atom_bytes(
            id=f"urn:uuid:{feed_uid(f'new-events{query}')}",
            title=f"{feed_name(found.filters, dict(found.names))} (new events)",
            page_url=_absolute(url_for("schedule.events") + query),
            own_url=_absolute(url_for("feeds.events_atom") + query),
            entries=entries,
        )
        return Built(body, ATOM, last_modified=last_modified([queries.last_change_at(session)], now))

    return _kept(f"feed:new{query}!{','.join(asked.unknown)}", build)


@blueprint.get("/write-ups.atom")
@access(PUBLIC)
def write_ups_atom() -> ResponseReturnValue:
    def build(session: Session, now: datetime) -> Built:
        entries = []
        for one in queries.published_write_ups(session):
            url = clean_url(one.url)
            if url is None:
                continue
            published = datetime.combine(one.published_on, time(12), UTC) if one.published_on else one.updated_at
            entries.append(
                AtomEntry(
                    id=one.uid if one.uid.startswith("urn:") else f"urn:uuid:{one.uid}",
                    title=one.title,
                    url=url,
                    about_url=_absolute(url_for("schedule.event", slug=one.event_slug)),
                    summary=f"About “{one.event_title}”, {one.event_when}.",
                    author=one.host or NAME,
                    published_at=published,
                    updated_at=one.updated_at,
                )
            )
        body = atom_bytes(
            id=f"urn:uuid:{feed_uid('write-ups')}",
            title="Co-production events: write-ups",
            page_url=_absolute(url_for("followup.write_ups")),
            own_url=_absolute(url_for("feeds.write_ups_atom")),
            entries=entries,
        )
        return Built(body, ATOM, last_modified=last_modified([queries.last_change_at(session)], now))

    return _kept("feed:write-ups", build)


@blueprint.get("/calendars")
@access(PUBLIC)
def calendars() -> ResponseReturnValue:
    asked = finding.for_feed(finding.parse_filters(request.args.items(multi=True)))
    asked = replace(asked, from_on=None, to_on=None)

    def build(session: Session, now: datetime) -> Built:
        found = schedule.look_up(session, asked)
        query = finding.query_string(found.filters)
        everything = replace(found, filters=finding.Filters(), areas=(), names={})
        values: dict[str, Any] = {
            "filters": found.filters,
            "name": feed_name(found.filters, dict(found.names)),
            "https": _absolute(url_for("feeds.calendar_ics") + query),
            "options": facets(session, everything, scope="upcoming", now=now).options,
            "chosen_names": found.names,
            "attending": finding.ATTENDING,
            "upcoming": queries.upcoming_count(session, found, now),
            "next_events": schedule.events_of_page(session, found, scope="upcoming", now=now)[:NEXT_SHOWN],
            "events_address": url_for("schedule.events") + query,
            "news": url_for("feeds.events_atom") + query,
        }
        # webcal is what calendar programs open with "subscribe"; behind it is the same address.
        values["webcal"] = "webcal:" + values["https"].partition(":")[2]
        html = render_template("feeds/calendars.html", canonical=_absolute(url_for("feeds.calendars")), **values)
        midnight, change = window_of(now, whole=True).until, schedule.next_change(session, now)
        until = midnight if change is None else min(midnight, change)
        return Built(html.encode(), "text/html; charset=utf-8", until=until)

    return _kept(f"/calendars{finding.query_string(asked)}", build)


def _feed(session: Session, body: bytes, window: Window, now: datetime, filename: str) -> Built:
    changed = last_modified([queries.last_change_at(session), window.today], now)
    return Built(body, CALENDAR, until=window.until, last_modified=changed, filename=filename)


def fetches() -> Fetches:
    """What this process counts of fetches; written by flask serve outside requests."""
    counted: Fetches = current_app.extensions["workshops.fetches"]
    return counted


def _counted(answer: Response, feed: str) -> Response:
    """The same answer, counted in memory: nothing is written here, and nothing about the asker is kept."""
    fetches().note(
        feed, family_of(request.headers.get("User-Agent", "")), client_address(),
        unchanged=answer.status_code == 304, now=clock_now(),
    )  # fmt: skip
    return answer


def _kept(
    key: str, build: Callable[[Session, datetime], Built], *, version: tuple[object, ...] | None = None
) -> Response:
    """A public answer by version; that of all that is public unless another one is given."""
    now = clock_now()
    version = public_version(db.session()) if version is None else version
    return public_answer(key, version, lambda: build(db.session(), now), now=now)


def _absolute(path: str) -> str:
    return settings().base_url + path

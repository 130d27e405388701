"""The calendars of staff: what they run, with rooms and how full it is. Never a name."""

from __future__ import annotations

from dataclasses import replace

from flask import flash, render_template, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.accounts.rules import Signed
from workshops.audit.rules import staff
from workshops.core.clock import now as clock_now
from workshops.core.db import db, transaction
from workshops.core.errors import NotFound
from workshops.core.tokens import token_hash
from workshops.feeds import queries, service
from workshops.feeds.rules import STAFF, STAFF_CALENDARS, STAFF_PURPOSE, window_of
from workshops.feeds.views import blueprint
from workshops.feeds.views.public import fetches, private_calendar
from workshops.ical.serialise import calendar_bytes, vevent_bytes
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.models import Event
from workshops.schedule.rules.audience import OWN_FORM
from workshops.schedule.rules.team import places_words
from workshops.web.access import BY_LINK, FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.get("/calendars/staff/<token>.ics")
@access(BY_LINK)
def staff_calendar_ics(token: str) -> ResponseReturnValue:
    """What somebody of the staff runs: title, time, room and numbers."""
    session, now = db.session(), clock_now()
    found = queries.staff_calendar_of(session, token_hash(STAFF_PURPOSE, token))
    if found is None or found[0].whose not in _theirs(found[1]):
        raise NotFound
    calendar, account = found
    fetches().note_use(STAFF, calendar.id, now=now)
    vevents = []
    for event in queries.events_run(session, account, calendar.whose, window_of(now, whole=False)):
        entry = entry_for(event, settings=settings(), topics=())
        if entry is not None:
            vevents.append(vevent_bytes(replace(entry, description=_numbers(event), organiser_email=None)))
    body = calendar_bytes(
        name=f"Co-production: {STAFF_CALENDARS[calendar.whose].lower()}",
        description="",
        url=None,
        source=None,
        vevents=vevents,
    )
    return private_calendar(body, "staff-events.ics")


def _numbers(event: Event) -> str:
    if event.booking not in OWN_FORM:
        return ""
    return places_words(
        mode=event.mode,
        taken=(event.taken_in_person, event.taken_online),
        capacity=(event.capacity_in_person, event.capacity_online),
        waiting=(event.waiting_in_person, event.waiting_online),
    )


def _theirs(user: Signed) -> tuple[str, ...]:
    """Which calendars somebody can have: viewers run nothing, facilitators nothing but their own."""
    return {"facilitator": ("mine",), "organiser": ("mine", "all"), "admin": ("mine", "all")}.get(user.role, ())


@blueprint.get("/staff/calendars")
@access(FACILITATOR)
def staff_calendars() -> ResponseReturnValue:
    made = queries.open_staff_calendars(db.session(), current_user.id)
    links = {whose: browser.pop(_key(whose), None) for whose in STAFF_CALENDARS}
    return render_template(
        "feeds/staff_calendars.html",
        calendars=[
            (whose, STAFF_CALENDARS[whose], made.get(whose), links[whose] if whose in made else None)
            for whose in _theirs(current_user)
        ],
    )


@blueprint.post("/staff/calendars/<any(mine, all):whose>")
@access(FACILITATOR)
def make_staff_calendar(whose: str) -> ResponseReturnValue:
    if whose not in _theirs(current_user):
        raise NotFound
    with transaction() as session:
        link = service.make_staff_calendar(
            session, account_id=current_user.id, whose=whose, now=clock_now(), settings=settings(),
            actor=staff(current_user.id),
        )
    # Only its hash is kept, so it waits in this browser's own cookie until the page that shows it.
    browser[_key(whose)] = link
    return see_other(url_for("feeds.staff_calendars") + f"#{whose}")


@blueprint.post("/staff/calendars/<any(mine, all):whose>/end")
@access(FACILITATOR)
def end_staff_calendar(whose: str) -> ResponseReturnValue:
    if whose not in _theirs(current_user):
        raise NotFound
    with transaction() as session:
        service.end_staff_calendar(
            session, account_id=current_user.id, whose=whose, now=clock_now(), actor=staff(current_user.id)
        )
    flash(f"The address of “{STAFF_CALENDARS[whose]}” has ended. Calendars that use it get nothing any more.")
    return see_other(url_for("feeds.staff_calendars"))


def _key(whose: str) -> str:
    return f"staff_calendar_{whose}"

"""The pages of the day: who is here, the register afterwards, and the sheet for signatures."""

from __future__ import annotations

from flask import Blueprint, flash, render_template, request, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.attendance import queries, service
from workshops.attendance.forecasts import said_afterwards, said_before
from workshops.attendance.forms import AttendanceForm, changed_marks, typed_marks
from workshops.attendance.rules import CAME, NOT_RECORDED, SHEET_KEPT_FOR, STATUSES, checked_status, status_when_here
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import london_date
from workshops.core.text import clean_text
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries import event_by_slug
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import require_may_run
from workshops.schedule.rules.public_state import when_text
from workshops.web.access import FACILITATOR, access
from workshops.web.responses import see_other

blueprint = Blueprint("attendance", __name__)

#: Names on one screen of the door page; the search box finds the others.
PAGE_SIZE = 100
#: Empty lines of the sheet, for people who turn up without a place.
BLANK_ROWS = 10
LOOKED_FOR_MAX = 100


def _own_event(slug: str) -> Event:
    """The event, when this account runs it. Raises NotFound, NotAllowed."""
    event = event_by_slug(db.session(), slug)
    if event is None:
        raise NotFound
    require_may_run(db.session(), current_user, event)
    return event


def _heading(event: Event) -> dict[str, object]:
    """What the frame of an event's pages shows."""
    return {"event": event, "when": when_text(event_view(event)), "where": location_words(event)}


@blueprint.get("/staff/events/<slug>/on-the-day")
@access(FACILITATOR)
def on_the_day(slug: str) -> ResponseReturnValue:
    """Who is here: one big button for each person."""
    event = _own_event(slug)
    looked_for = _looked_for(slug)
    people = queries.people_with_a_place(db.session(), event.id, looked_for)
    pages = max(1, -(-len(people) // PAGE_SIZE))
    page = min(request.args.get("page", 1, type=int) or 1, pages)
    page = max(page, 1)
    return render_template(
        "attendance/on_the_day.html",
        **_heading(event),
        people=people[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        found=len(people),
        counts=queries.counts(db.session(), event.id),
        looked_for=looked_for,
        page=page,
        pages=pages,
        came=CAME,
        statuses=STATUSES,
        has_begun=event.sort_at <= now(),
    )


@blueprint.post("/staff/events/<slug>/on-the-day")
@access(FACILITATOR)
def find_person(slug: str) -> ResponseReturnValue:
    """Show only the people that fit some words, until other words or none are sent.

    The words are kept in this browser's own cookie: a name must not stand in an address.
    """
    _own_event(slug)
    browser["door_search"] = [slug, clean_text(request.form.get("q"))[:LOOKED_FOR_MAX]]
    return see_other(url_for("attendance.on_the_day", slug=slug))


def _looked_for(slug: str) -> str:
    kept_for, words = browser.get("door_search", ["", ""])
    return str(words) if kept_for == slug else ""


@blueprint.post("/staff/events/<slug>/on-the-day/<int(max=2147483647):registration_id>")
@access(FACILITATOR)
def mark(slug: str, registration_id: int) -> ResponseReturnValue:
    """Here, or back to not recorded. status: "here", a status, or empty."""
    event = _own_event(slug)
    people = queries.people_with_a_place(db.session(), event.id)
    person = next((one for one in people if one.id == registration_id), None)
    if person is None:
        raise NotFound
    sent = clean_text(request.form.get("status"))
    status = status_when_here(person.attending) if sent == "here" else checked_status(sent)
    with transaction() as session:
        event = _own_event(slug)
        marks = {registration_id: status}
        service.set_marks(session, event=event, marks=marks, now=now(), actor=staff(current_user.id))
    page = request.form.get("page", 1, type=int)
    back = url_for(
        "attendance.on_the_day",
        slug=slug,
        page=page if page and page > 1 else None,
        _anchor=f"person-{registration_id}",
    )
    return see_other(back)


@blueprint.get("/staff/events/<slug>/attendance")
@access(FACILITATOR)
def attendance_after(slug: str) -> ResponseReturnValue:
    """The register after the event: a table of radios with one Save."""
    return _register_page(_own_event(slug), AttendanceForm(), {})


@blueprint.post("/staff/events/<slug>/attendance")
@access(FACILITATOR, keeps_typed=True)
def save_attendance(slug: str) -> ResponseReturnValue:
    """Everything in one POST: mark_<registration id> for each person."""
    event = _own_event(slug)
    known = [person.id for person in queries.people_with_a_place(db.session(), event.id)]
    form = AttendanceForm()
    if form.validate():
        try:
            marks = changed_marks(request.form, known)
            with transaction() as session:
                event = _own_event(slug)
                service.set_marks(session, event=event, marks=marks, now=now(), actor=staff(current_user.id))
            flash("Attendance saved.", "positive")
            return see_other(url_for("attendance.attendance_after", slug=slug))
        except DomainError as problem:
            form.add_error(str(problem))
            event = _own_event(slug)
    return _register_page(event, form, typed_marks(request.form, known)), 422


def _register_page(event: Event, form: AttendanceForm, typed: dict[int, str]) -> str:
    counted = queries.counts(db.session(), event.id)
    came = counted.came if counted.is_complete and counted.places else None
    return render_template(
        "attendance/attendance_after.html",
        **_heading(event),
        form=form,
        people=queries.people_with_a_place(db.session(), event.id),
        counts=counted,
        expected=said_afterwards(db.session(), event, came)
        if event.over_at <= now() else said_before(event, session=db.session(), now=now()).forecast,
        typed=typed,
        options=[*STATUSES.items(), ("", NOT_RECORDED)],
        has_begun=event.sort_at <= now(),
    )


@blueprint.get("/staff/events/<slug>/register-sheet")
@access(FACILITATOR)
def register_sheet(slug: str) -> ResponseReturnValue:
    """The sheet people sign in the room, for paper: no addresses, no needs, nobody who joins online."""
    event = _own_event(slug)
    people = queries.people_with_a_place(db.session(), event.id)
    return render_template(
        "attendance/register_sheet.html",
        **_heading(event),
        people=[person for person in people if person.attending == "in_person"],
        blank_rows=BLANK_ROWS,
        destroy_after=london_date(event.over_at + SHEET_KEPT_FOR),
    )

"""Making an event, looking at it, changing it, and seeing it as the public will."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.london_time import instant_words
from workshops.core.text import clean_text
from workshops.schedule import service
from workshops.schedule.event_form import (
    Known,
    defaults,
    details_from,
    form_values,
    show_problems,
)
from workshops.schedule.forms import GROUPS, EventForm
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import may_run
from workshops.schedule.queries.staff import (
    all_programmes,
    all_venues,
    kinds_by_name,
    possible_owners,
    series_of,
)
from workshops.schedule.rules.events import BOOKINGS, FACTS, MODES, EventDetails, Place
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.public_state import public_state, when_text
from workshops.schedule.rules.states import possible_steps
from workshops.schedule.views import blueprint
from workshops.schedule.views.event_page import event_context
from workshops.schedule.views.staff import actor, counts_words, found_event, own_event, sections
from workshops.schedule.views.staff_changes import goes_back, save_or_check
from workshops.web.access import FACILITATOR, VIEWER, access
from workshops.web.guards import settings
from workshops.web.markdown import render_markdown
from workshops.web.responses import see_other


@blueprint.route("/staff/events/new", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def new_event() -> ResponseReturnValue:
    form, known = _form(None, defaults() | {"owner": current_user.id})
    if request.method == "GET":
        return _new_page(form)
    if form.validate():
        try:
            saved = _create(form, known)
        except DetailsDoNotFit as unfit:
            show_problems(form, unfit)
        else:
            return _after_saving(*saved)
    return _new_page(form), 422


def _create(form: EventForm, known: Known) -> tuple[str, tuple[str, ...], str]:
    publish = request.form.get("action") == "publish"
    details = details_from(form, known, None, current_user.id)
    with transaction() as session:
        saved = service.create_event(session, details=details, now=now(), actor=actor(), settings=settings())
        if publish:
            service.publish_event(session, event_id=saved.event.id, now=now(), actor=actor(), settings=settings())
        slug = saved.event.slug
    return slug, saved.notes, "The event is published." if publish else "The draft is saved. Only staff can see it."


def _after_saving(slug: str, notes: tuple[str, ...], words: str) -> ResponseReturnValue:
    flash(words)
    for note in notes:
        flash(note, "info")
    return see_other(url_for("schedule.staff_event", slug=slug))


@blueprint.route("/staff/events/<slug>/edit", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_event(slug: str) -> ResponseReturnValue:
    event = own_event(slug)
    before = service.details_of(db.session(), event)
    form, known = _form(event, before)
    if request.method == "GET" or goes_back():
        return _edit_page(form, event)
    if form.validate():
        try:
            return save_or_check(event, details_from(form, known, before, event.owner_id))
        except DetailsDoNotFit as unfit:
            show_problems(form, unfit)
    # The transaction ended with what it had read, so the event is looked up again.
    return _edit_page(form, own_event(slug)), 422


@blueprint.post("/staff/preview-description")
@access(FACILITATOR, keeps_typed=True)
def preview_description() -> ResponseReturnValue:
    """The form again, filled, with its description as the public would read it. Saves nothing."""
    slug = clean_text(request.args.get("event"))
    event = own_event(slug) if slug else None
    values = service.details_of(db.session(), event) if event else defaults()
    form, _ = _form(event, values)
    preview = render_markdown(form.description.data)
    if event is None:
        return _new_page(form, preview=preview)
    return _edit_page(form, event, preview=preview)


@blueprint.get("/staff/events/<slug>")
@access(VIEWER)
def staff_event(slug: str) -> ResponseReturnValue:
    event, instant, session = found_event(slug), now(), db.session()
    details, view = service.details_of(session, event), event_view(event)
    runs = may_run(db.session(), current_user, event)
    return render_template(
        "schedule/staff_event.html",
        event=event,
        view=view,
        state=public_state(view, instant),
        when=when_text(view),
        sections=sections(event),
        groups=_summary(event, details, runs),
        runs=runs,
        steps=possible_steps(event.state, over_at=event.over_at, now=instant) if runs else (),
        people=service.counts_of(event).people,
        series=[(other, when_text(event_view(other)), public_state(event_view(other), instant))
                for other in series_of(session, event)],  # fmt: skip
        address=f"{settings().base_url}{url_for('schedule.event', slug=event.slug)}",
    )


@blueprint.get("/staff/events/<slug>/preview")
@access(VIEWER)
def preview_event(slug: str) -> ResponseReturnValue:
    event, session = found_event(slug), db.session()
    is_draft = event.state == "draft"
    if is_draft:
        # As it will look once it is published; said to the object alone, so that nothing is written.
        set_committed_value(event, "state", "published")
    with session.no_autoflush:
        page = render_template("schedule/preview_event.html", is_draft=is_draft, **event_context(event, session, now()))
    session.expire(event)
    return page


# --- what the pages are made of -----------------------------------------------------------------------------


def _form(event: Event | None, values: EventDetails | dict[str, Any]) -> tuple[EventForm, Known]:
    """The form with its choices, filled with what was sent or else with these values."""
    session: Session = db.session()
    venues, programmes, kinds = all_venues(session), all_programmes(session), kinds_by_name(session)
    known = Known(
        kinds={kind.slug: kind.name for kind in kinds},
        venues={venue.id: Place(venue.name, venue.address, venue.postcode) for venue in venues},
        programmes={programme.id: programme.title for programme in programmes},
        may_give_away=current_user.role in ("organiser", "admin"),
    )
    data = form_values(values, known) if isinstance(values, EventDetails) else values
    form = EventForm(data=data)
    form.kind.choices = [(kind.slug, kind.name.capitalize()) for kind in kinds]
    form.venue.choices = [(venue_id, place.words) for venue_id, place in known.venues.items()]
    form.programme.choices = list(known.programmes.items())
    form.owner.choices = [(account.id, account.name or account.email) for account in possible_owners(session)]
    if event is not None and event.owner is not None and event.owner_id not in dict(form.owner.choices):
        form.owner.choices.append((event.owner_id, event.owner.name or event.owner.email))
    areas = list(form.area.choices)
    if data.get("area") and data["area"] not in dict(areas):
        # An area that a spreadsheet brought along stays possible.
        areas.append((data["area"], data["area"]))
    form.area.choices = areas
    return form, known


def _new_page(form: EventForm, preview: Any = None) -> str:
    return render_template("schedule/new_event.html", form=form, groups=_groups(form), preview=preview, event=None)


def _edit_page(form: EventForm, event: Event, *, preview: Any = None) -> str:
    people = service.all_counts_of(db.session(), event).people
    asks = people if event.state in ("published", "postponed") and event.over_at > now() else 0
    return render_template(
        "schedule/edit_event.html",
        form=form,
        groups=_groups(form),
        event=event,
        preview=preview,
        asks=asks,
        only=request.args.get("part", ""),
    )


def _groups(form: EventForm) -> list[dict[str, Any]]:
    """The parts below the first screen; one that holds an error, or is asked for, stands open."""
    asked = request.args.get("part", "")
    may_give_away = current_user.role in ("organiser", "admin")
    return [
        {
            "id": key,
            "title": title,
            "fields": [form[name] for name in names if name != "owner" or may_give_away],
            "open": key == asked or any(form[name].errors for name in names),
        }
        for key, title, names in GROUPS
    ]


def _summary(event: Event, details: EventDetails, runs: bool) -> list[tuple[str, list[dict[str, Any]]]]:
    """The details under their headings, each with the way to change it."""

    def row(key: str, value: Any, part: str = "", **more: Any) -> dict[str, Any]:
        address = url_for("schedule.edit_event", slug=event.slug, part=part or None, _anchor=part or None)
        return {"key": key, "value": value, **more, **({"href": address} if runs else {})}

    places = [row("Places taken", counts_words(event), hidden="the number of places")]
    about = [
        row("Title", details.title),
        row("Kind", details.kind.capitalize()),
        row("Summary", details.summary, "about"),
        row("Description", render_markdown(details.description, first_heading=2), "about"),
        row("Programme", details.programme, "about"),
        row("Topics", "; ".join(details.topics), "about"),
    ]
    where = [
        row("Date and time", details.when.words(uk_time=details.mode == "online")),
        row("How people take part", MODES[details.mode]),
        row("Place", details.venue.words if details.venue else ""),
        row("Area", details.area, "where"),
        row("British Sign Language interpreter", FACTS[details.bsl], "where"),
        row("Captions", FACTS[details.captions], "where"),
    ]
    if runs:
        where.insert(4, row("Joining link", details.joining_link, "where"))
    registration = [row("How people register", BOOKINGS[details.booking], "registration"), *places]
    if details.booking == "elsewhere":
        registration.append(row("Page where people register", details.booking_url, "registration"))
    if details.booking in ("first_come", "by_approval"):
        registration += [
            row("When full", "A waiting list" if details.has_waiting_list else "No waiting list", "registration"),
            row("Opens", _instant_words(details.opens_at) or "When it is published", "registration"),
            row("Closes", _instant_words(details.closes_at) or "When the event starts", "registration"),
            row("Own questions", "\n".join(one.text for one in details.questions) or "None", "questions", lines=True),
        ]
    registration.append(row("Where it shows", "In lists, search and calendars" if details.is_listed
                            else "Only to people who have its address", "registration"))  # fmt: skip
    who = [
        row("Run by", details.host, "who"),
        row("Looked after by", (event.owner.name or event.owner.email) if event.owner else "Nobody yet", "who"),
    ]
    if details.reported_registered is not None or details.reported_attended is not None or details.source_url:
        who += [
            row("People who registered, as reported", details.reported_registered, "history"),
            row("People who came, as reported", details.reported_attended, "history"),
            row("Page this comes from", details.source_url, "history"),
        ]
    return [("When and where", where), ("Registration", registration), ("About the event", about), ("Who runs it", who)]


def _instant_words(instant: Any) -> str:
    return instant_words(instant) if instant else ""

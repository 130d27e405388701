"""Programmes, venues with their access facts, and kinds of events."""

from __future__ import annotations

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.accounts.rules import ROLES
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import NotAllowed, NotFound
from workshops.schedule import service
from workshops.schedule.forms import KindForm, ProgrammeForm, VenueForm
from workshops.schedule.models import Programme, Venue
from workshops.schedule.queries.public_programmes import span_words
from workshops.schedule.queries.staff import (
    all_programmes,
    all_venues,
    kind_counts,
    kinds_by_name,
    programme_by_slug,
    programme_counts,
    venue_counts,
)
from workshops.schedule.rules.events import FACTS, Place
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.service import ProgrammeDetails, VenueDetails
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import actor
from workshops.web.access import FACILITATOR, ORGANISER, VIEWER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

FACT_NAMES = ("step_free", "hearing_loop", "accessible_toilet", "parking", "quiet_room")


@blueprint.get("/staff/programmes")
@access(VIEWER)
def staff_programmes() -> ResponseReturnValue:
    session = db.session()
    return render_template(
        "schedule/staff_programmes.html",
        programmes=all_programmes(session),
        counts=programme_counts(session),
        span_words=span_words,
        may_edit=current_user.role in ("organiser", "admin"),
    )


@blueprint.route("/staff/programmes/new", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def new_programme() -> ResponseReturnValue:
    form = ProgrammeForm(data={"visible": "public"})
    if request.method == "POST" and form.validate() and _save_programme(form, None):
        return see_other(url_for("schedule.staff_programmes"))
    return render_template("schedule/new_programme.html", form=form), 200 if request.method == "GET" else 422


@blueprint.route("/staff/programmes/<slug>/edit", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def edit_programme(slug: str) -> ResponseReturnValue:
    programme = programme_by_slug(db.session(), slug)
    if programme is None:
        raise NotFound
    form = ProgrammeForm(
        data={
            "title": programme.title,
            "summary": programme.summary,
            "description": programme.description,
            "starts_on": programme.starts_on,
            "ends_on": programme.ends_on,
            "visible": "public" if programme.is_published else "staff",
        }
    )
    if request.method == "POST" and form.validate() and _save_programme(form, programme.id):
        return see_other(url_for("schedule.staff_programmes"))
    programme = programme_by_slug(db.session(), slug) or Programme(title="", slug=slug)
    page = render_template("schedule/edit_programme.html", form=form, programme=programme)
    return page, 200 if request.method == "GET" else 422


def _save_programme(form: ProgrammeForm, programme_id: int | None) -> bool:
    details = ProgrammeDetails(
        title=form.title.data,
        summary=form.summary.data,
        description=form.description.data,
        starts_on=form.starts_on.data,
        ends_on=form.ends_on.data,
        is_published=form.visible.data != "staff",
    )
    try:
        with transaction() as session:
            service.save_programme(session, programme_id=programme_id, details=details, now=now(), actor=actor(),
                                   settings=settings())  # fmt: skip
    except DetailsDoNotFit as unfit:
        for problem in unfit.problems:
            form.add_error(problem.sentence, problem.field)
        return False
    flash("The programme is saved.")
    return True


@blueprint.get("/staff/venues")
@access(VIEWER)
def staff_venues() -> ResponseReturnValue:
    session = db.session()
    venues = all_venues(session)
    return render_template(
        "schedule/staff_venues.html",
        venues=[(venue, sum(getattr(venue, fact) != "not_known" for fact in FACT_NAMES)) for venue in venues],
        facts=len(FACT_NAMES),
        counts=venue_counts(session),
        may_edit=current_user.role != "viewer",
    )


@blueprint.route("/staff/venues/<int:venue_id>/edit", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_venue(venue_id: int) -> ResponseReturnValue:
    venue = db.session().get(Venue, venue_id) if venue_id < 2**31 else None
    if venue is None:
        raise NotFound
    form = VenueForm(obj=venue)
    if venue.area and venue.area not in dict(form.area.choices):
        form.area.choices = [*form.area.choices, (venue.area, venue.area)]
    if request.method == "POST" and form.validate() and _save_venue(form, venue_id):
        return see_other(url_for("schedule.staff_venues"))
    count = venue_counts(db.session()).get(venue_id, 0)
    page = render_template("schedule/edit_venue.html", form=form, count=count, venue_id=venue_id)
    return page, 200 if request.method == "GET" else 422


def _save_venue(form: VenueForm, venue_id: int) -> bool:
    details = VenueDetails(
        place=Place(form.name.data, form.address.data, form.postcode.data),
        area=form.area.data or "",
        how_to_get_there=form.how_to_get_there.data,
        **{fact: form[fact].data or next(reversed(FACTS)) for fact in FACT_NAMES},
    )
    try:
        with transaction() as session:
            service.save_venue(session, venue_id=venue_id, details=details, now=now(), actor=actor(),
                               settings=settings())  # fmt: skip
    except DetailsDoNotFit as unfit:
        for problem in unfit.problems:
            form.add_error(problem.sentence, problem.field)
        return False
    flash("The venue is saved. The pages and calendar entries of its events follow.")
    return True


@blueprint.route("/staff/kinds", methods=["GET", "POST"])
@access(VIEWER, keeps_typed=True)
def staff_kinds() -> ResponseReturnValue:
    form, may_add = KindForm(), current_user.role == ROLES[-1]
    if request.method == "POST":
        if not may_add:
            raise NotAllowed("Only admins add kinds of events.")
        if form.validate() and _add_kind(form):
            return see_other(url_for("schedule.staff_kinds"))
    session = db.session()
    page = render_template("schedule/staff_kinds.html", form=form, kinds=kinds_by_name(session),
                           counts=kind_counts(session), may_add=may_add)  # fmt: skip
    return page, 200 if request.method == "GET" else 422


def _add_kind(form: KindForm) -> bool:
    try:
        with transaction() as session:
            service.make_kind(session, name=form.name.data, now=now(), actor=actor())
    except DetailsDoNotFit as unfit:
        form.add_error(str(unfit), "name")
        return False
    flash("The kind is added.")
    return True

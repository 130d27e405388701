"""What staff do with people beyond one button: write to them, correct them, move them, put two together."""

from __future__ import annotations

import hashlib

from flask import abort, flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.messages.render import Words
from workshops.registration import service
from workshops.registration.forms import CorrectForm, MergeForm, MovePersonForm, WriteForm
from workshops.registration.models import Registration
from workshops.registration.queries import by_id
from workshops.registration.rules import ACTIVE_STATES, FullChoice
from workshops.registration.rules.writing import AUDIENCES
from workshops.registration.views import blueprint
from workshops.registration.views.staff import _own_event, _own_person, _page
from workshops.schedule.models import Event
from workshops.schedule.queries import other_dates
from workshops.schedule.queries.events import upcoming_of_programme
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.rules.public_state import when_text
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.route("/staff/events/<slug>/people/write", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def write_to_people(slug: str) -> ResponseReturnValue:
    """Write to many, each in a mail of their own: looked at first, tried on oneself, then sent."""
    event = _own_event(slug)
    form, counts = WriteForm(), service.audience_counts(db.session(), event.id)
    form.audience.choices = [(one.key, one.words) for one in AUDIENCES]
    form.audience.hints = {
        one.key: "Nobody at the moment" if not counts[one.key]
        else "1 person" if counts[one.key] == 1 else f"{counts[one.key]:,} people" for one in AUDIENCES
    }  # fmt: skip
    if request.method != "POST":
        form.form_key.data = service.new_form_key()
        return _page("write_to_people", event, form=form, preview=None, number=0)
    if not form.validate():
        return _page("write_to_people", event, form=form, preview=None, number=0), 422
    subject, message, audience = form.subject.data, form.message.data, form.audience.data
    try:
        preview = service.preview_message(event, subject=subject, message=message, settings=settings())
    except DomainError as error:
        form.add_error(str(error), error.field)
        return _page("write_to_people", event, form=form, preview=None, number=0), 422
    looked_at = hashlib.sha256(f"{audience}\0{subject}\0{message}\0{counts[audience]}".encode()).hexdigest()[:24]
    action = request.form.get("action")
    if action == "test":
        return _test(event, form, preview, looked_at, counts[audience])
    if action != "send" or form.seen.data != looked_at:
        return _preview(event, form, preview, looked_at, counts[audience])
    event_id = event.id
    try:
        with transaction() as session:
            told = service.message_people(
                session, event_id=event_id, audience=audience, subject=subject, message=message,
                form_key=form.form_key.data or "", now=now(), settings=settings(), actor=staff(current_user.id),
            )
    except DomainError as error:
        form.add_error(str(error), error.field)
        return _preview(_own_event(slug), form, preview, looked_at, counts[audience], status=422)
    flash(f"The message goes to {told:,} {'person' if told == 1 else 'people'}, each in an email of their own."
          if told else "This message was sent already; nobody gets it twice.")  # fmt: skip
    return see_other(url_for("registration.event_messages", slug=slug))


def _preview(
    event: Event, form: WriteForm, preview: Words, looked_at: str, number: int, *, status: int = 200
) -> ResponseReturnValue:
    form.seen.data = looked_at
    return _page("write_to_people", event, form=form, preview=preview, number=number), status


def _test(event: Event, form: WriteForm, preview: Words, looked_at: str, number: int) -> ResponseReturnValue:
    event_id, slug = event.id, event.slug
    with transaction() as session:
        service.send_test(
            session, event_id=event_id, subject=form.subject.data, message=form.message.data,
            to_email=current_user.email, to_name=current_user.name, now=now(), settings=settings(),
        )
    flash("A test is on its way to you. Nobody else gets it.")
    return _preview(_own_event(slug), form, preview, looked_at, number)


@blueprint.route("/staff/events/<slug>/people/<int:registration_id>/correct", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def correct_person(slug: str, registration_id: int) -> ResponseReturnValue:
    """Put somebody's name, address or details right."""
    event, registration = _registered(slug, registration_id)
    form = CorrectForm(obj=registration)
    if event.mode != "hybrid":
        del form.attending
    if request.method != "POST":
        return _page("correct_person", event, form=form, registration=registration)
    if form.validate():
        correction = service.Correction(
            name=str(form.name.data), email=form.email.data, organisation=form.organisation.data,
            job_title=form.job_title.data, sector=form.sector.data or "",
            attending=form.attending.data if "attending" in form else None,
        )
        try:
            with transaction() as session:
                service.correct_person(
                    session, registration_id=registration_id, correction=correction, now=now(), settings=settings(),
                    actor=staff(current_user.id),
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash("The changes are saved.")
            return see_other(url_for("registration.person", slug=slug, registration_id=registration_id))
    event, registration = _own_person(slug, registration_id)
    return _page("correct_person", event, form=form, registration=registration), 422


@blueprint.route("/staff/events/<slug>/people/<int:registration_id>/move", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def move_person(slug: str, registration_id: int) -> ResponseReturnValue:
    """Another date of the series, or another event of the programme that this account runs too."""
    event, registration = _registered(slug, registration_id)
    form, targets = MovePersonForm(), _targets(event)
    form.to.choices = [(one.id, f"{one.title}, {when_text(event_view(one))}") for one in targets]
    if request.method != "POST":
        return _page("move_person", event, form=form, registration=registration, targets=targets)
    if form.validate():
        try:
            with transaction() as session:
                moved = service.move_place(
                    session, registration_id=registration_id, to_event_id=form.to.data,
                    if_full=form.if_full.data or "leave", by_staff=True, now=now(), settings=settings(),
                    actor=staff(current_user.id),
                )
                new_slug, new_id = moved.event.slug, moved.id
        except FullChoice as error:
            form.add_error(str(error), "if_full")
        except DomainError as error:
            form.add_error(str(error), error.field or "to")
        else:
            flash("They are moved, and told by email.")
            return see_other(url_for("registration.person", slug=new_slug, registration_id=new_id))
    event, registration = _own_person(slug, registration_id)
    return _page("move_person", event, form=form, registration=registration, targets=_targets(event)), 422


def _targets(event: Event) -> list[Event]:
    """Where somebody can be moved to: other dates first, then what else is to come in the programme."""
    reach = reach_of(db.session(), current_user)
    found = {one.id: one for one in other_dates(db.session(), event, now())}
    if event.programme_id is not None:
        found |= {one.id: one for one in upcoming_of_programme(db.session(), event.programme_id, now())
                  if one.id not in found}  # fmt: skip
    takes = ("first_come", "by_approval", "by_invitation")
    return [one for one in found.values() if one.id != event.id and one.booking in takes and reach.may_run(one)]


@blueprint.get("/staff/events/<slug>/people/twice")
@access(FACILITATOR)
def people_twice(slug: str) -> ResponseReturnValue:
    """Registrations that may be one person's. The program guesses; staff decide."""
    event = _own_event(slug)
    return _page("people_twice", event, pairs=service.looks_twice(db.session(), event.id))


@blueprint.route(
    "/staff/events/<slug>/people/<int:registration_id>/merge/<int:other_id>", methods=["GET", "POST"]
)
@access(FACILITATOR, keeps_typed=True)
def merge_people(slug: str, registration_id: int, other_id: int) -> ResponseReturnValue:
    """Both side by side; which address stays; one email."""
    event, first = _registered(slug, registration_id)
    second = by_id(db.session(), event.id, other_id)
    if second is None or second.state not in ACTIVE_STATES or registration_id == other_id:
        raise NotFound
    form = MergeForm()
    form.keep.choices = [(one.id, one.email) for one in (first, second)]
    if request.method != "POST":
        return _page("merge_people", event, form=form, both=(first, second), first=first, second=second)
    if form.validate():
        keep = form.keep.data
        try:
            with transaction() as session:
                service.merge_people(
                    session, keep_id=keep, other_id=other_id if keep == registration_id else registration_id,
                    now=now(), settings=settings(), actor=staff(current_user.id),
                )
        except DomainError as error:
            form.add_error(str(error))
        else:
            flash("The two are one now, and the person is told by one email.")
            return see_other(url_for("registration.person", slug=slug, registration_id=keep))
    event = _own_event(slug)
    both = [by_id(db.session(), event.id, one) for one in (registration_id, other_id)]
    if None in both:
        abort(404)
    return _page("merge_people", event, form=form, both=both, first=both[0], second=both[1]), 422


def _registered(slug: str, registration_id: int) -> tuple[Event, Registration]:
    event, registration = _own_person(slug, registration_id)
    if registration.state not in ACTIVE_STATES:
        raise NotFound
    return event, registration

"""Passing a place on, and what is kept: everything on My place that involves somebody else or the data itself."""

from __future__ import annotations

import json

from flask import Response, abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.audit.rules import person
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.core.london_time import london_date
from workshops.registration import service
from workshops.registration.forms import PassOnForm, TakeOverForm
from workshops.registration.models import PlacePass
from workshops.registration.needs_queries import first_day_of
from workshops.registration.queries import pass_by_token
from workshops.registration.rules.needs import lead_sentence
from workshops.registration.views import blueprint
from workshops.registration.views.place import _can_change, _mine, _page
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.questions import read_questions
from workshops.web.access import BY_LINK, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.route("/places/<token>/pass-on", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def pass_on(token: str) -> ResponseReturnValue:
    """Ask a colleague to take the place over."""
    registration = _mine(token)
    if not _can_change(registration):
        return see_other(url_for("registration.place", token=token))
    form = PassOnForm()
    if request.method == "POST" and form.validate():
        try:
            with transaction() as session:
                service.offer_pass(
                    session, registration_id=registration.id, name=str(form.name.data), email=form.email.data,
                    now=now(), settings=settings(), actor=person(registration.id),
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            return see_other(url_for("registration.place", token=token, saved="asked"))
    page = _page("pass_on", token, _mine(token), form=form)
    return (page, 422) if request.method == "POST" else page


@blueprint.post("/places/<token>/pass-on/take-back")
@access(BY_LINK)
def take_pass_back(token: str) -> ResponseReturnValue:
    """The button: I keep my place."""
    registration = _mine(token)
    with transaction() as session:
        service.take_pass_back(
            session, registration_id=registration.id, now=now(), settings=settings(), actor=person(registration.id)
        )
    return see_other(url_for("registration.place", token=token))


@blueprint.route("/passes/<token>", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def take_over(token: str) -> ResponseReturnValue:
    """What a colleague sees: the event, and a form to say yes. Opening it changes nothing."""
    found = _passed(token)
    event = found.registration.event
    pass_id, email, slug = found.id, found.email, event.slug
    form = TakeOverForm(data={"name": found.name})
    form.fit_to(mode="", questions=read_questions(event.questions), has_shares=bool(event.shares))
    if request.method == "POST" and form.validate():
        try:
            with transaction() as session:
                taken = service.take_pass(
                    session, pass_id=pass_id, details=form.details(email), now=now(), settings=settings()
                )
                outcome = taken.outcome
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            return see_other(url_for("registration.receipt", slug=slug, outcome=outcome))
    page = _take_over_page(token, form)
    return (page, 422) if request.method == "POST" else page


def _passed(token: str) -> PlacePass:
    found = pass_by_token(db.session(), token, now())
    if found is None:
        abort(make_response(render_template("registration/_pass_gone.html"), 404))
    return found


def _take_over_page(token: str, form: TakeOverForm) -> str:
    found = _passed(token)
    event = found.registration.event
    return render_template(
        "registration/take_over.html",
        token=token,
        form=form,
        event=event,
        email=found.email,
        until=found.expires_at,
        is_request=found.registration.state == "requested",
        when=when_text(event_view(event)),
        where=location_words(event),
        lead=lead_sentence(first_day_of(event), london_date(now())),
    )


@blueprint.get("/places/<token>/my-data.json")
@access(BY_LINK)
def my_data(token: str) -> ResponseReturnValue:
    """Everything that is kept about this registration, as a file."""
    registration = _mine(token)
    body = json.dumps(service.data_of(db.session(), registration), ensure_ascii=False, indent=2)
    answer = Response(body + "\n", content_type="application/json; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="my-data-{registration.reference}.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.route("/places/<token>/delete", methods=["GET", "POST"])
@access(BY_LINK)
def delete_my_data(token: str) -> ResponseReturnValue:
    """Am I sure? The button deletes, and this link with it."""
    registration = _mine(token)
    problem = ""
    try:
        service.check_can_be_deleted(db.session(), registration, now())
        if request.method == "POST":
            with transaction() as session:
                service.delete_own_data(
                    session, registration_id=registration.id, now=now(), settings=settings(),
                    actor=person(registration.id),
                )
            return make_response(render_template("registration/_deleted.html"))
    except DomainError as error:
        problem = str(error)
    page = _page("delete_my_data", token, _mine(token), problem=problem)
    return (page, 422) if request.method == "POST" else page

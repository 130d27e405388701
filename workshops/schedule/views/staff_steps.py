"""Publishing, cancelling, postponing and reinstating an event."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.core.clock import now
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.schedule import service
from workshops.schedule.forms import ReasonForm
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.states import CANCEL, POSTPONE, Step, take_step
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import actor, own_event
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.post("/staff/events/<slug>/publish")
@access(FACILITATOR)
def publish_event(slug: str) -> ResponseReturnValue:
    event_id = own_event(slug).id
    try:
        with transaction() as session:
            service.publish_event(session, event_id=event_id, now=now(), actor=actor(), settings=settings())
    except DomainError as error:
        flash(str(error), "error")
    else:
        flash("The event is published. Nobody was emailed.")
    return see_other(url_for("schedule.staff_event", slug=slug))


@blueprint.route("/staff/events/<slug>/cancel", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def cancel_event(slug: str) -> ResponseReturnValue:
    return _leave(slug, CANCEL, service.cancel_event, "schedule/cancel_event.html", "The event is cancelled.")


@blueprint.route("/staff/events/<slug>/postpone", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def postpone_event(slug: str) -> ResponseReturnValue:
    return _leave(slug, POSTPONE, service.postpone_event, "schedule/postpone_event.html", "The event is postponed.")


def _leave(slug: str, step: Step, leave: Callable[..., Event], template: str, done: str) -> ResponseReturnValue:
    event = own_event(slug)
    # Nothing to ask when this way does not lead on from here: said at once, and not after a reason was written.
    take_step(step, event.state, over_at=event.over_at, now=now())
    form, event_id = ReasonForm(), event.id
    if request.method == "GET":
        return _check_page(template, form, event)
    if form.validate():
        tell = {"now": True, "no": False}.get(form.tell.data)
        try:
            with transaction() as session:
                gone = leave(session, event_id=event_id, reason=form.reason.data, tell=tell, now=now(), actor=actor(),
                             settings=settings())  # fmt: skip
                people = service.counts_of(gone).people
        except DetailsDoNotFit as unfit:
            for problem in unfit.problems:
                form.add_error(problem.sentence, problem.field)
        else:
            flash(done + (f" {_people_words(people)} being emailed." if tell and people else " Nobody was emailed."))
            return see_other(url_for("schedule.staff_event", slug=slug))
    return _check_page(template, form, own_event(slug)), 422


def _check_page(template: str, form: ReasonForm, event: Event) -> str:
    return render_template(template, form=form, event=event, when=when_text(event_view(event)),
                           people=service.counts_of(event).people)  # fmt: skip


def _people_words(people: int) -> str:
    return "1 person is" if people == 1 else f"{people:,} people are"


@blueprint.post("/staff/events/<slug>/reinstate")
@access(FACILITATOR)
def reinstate_event(slug: str) -> ResponseReturnValue:
    event_id = own_event(slug).id
    # Two buttons, one for each choice: there is nothing to fill in.
    tell = {"now": True, "no": False}.get(request.form.get("tell", ""))
    try:
        with transaction() as session:
            back = service.reinstate_event(session, event_id=event_id, tell=tell, now=now(), actor=actor(),
                                           settings=settings())  # fmt: skip
            people = service.counts_of(back).people
    except DomainError as error:
        flash(str(error), "error")
    else:
        words = f" {_people_words(people)} being emailed." if tell and people else " Nobody was emailed."
        flash("The event takes place after all." + words)
    return see_other(url_for("schedule.staff_event", slug=slug))

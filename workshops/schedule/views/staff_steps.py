"""Publishing, unpublishing, cancelling, postponing and reinstating an event, each with what follows shown first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.core.text import clean_text
from workshops.schedule import service
from workshops.schedule.forms import ReasonForm, TellForm
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.states import CANCEL, POSTPONE, REINSTATE, Step, take_step
from workshops.schedule.service import Consequences
from workshops.schedule.views import blueprint
from workshops.schedule.views.series_choice import others_to_cancel
from workshops.schedule.views.staff import actor, own_event
from workshops.schedule.views.staff_changes import CHANGED_MEANWHILE, emailed_words, seen_of, tell_choice
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: Stands in the mail that is shown before a reason is written.
REASON_COMES = "(the reason that you enter stands here)"


@dataclass(frozen=True)
class Way:
    """A step with its page: the use case, the template, and what is said when it is done."""

    step: Step
    take: Callable[..., Event]
    template: str
    done: str


CANCELLING = Way(CANCEL, service.cancel_event, "schedule/cancel_event.html", "The event is cancelled.")
POSTPONING = Way(POSTPONE, service.postpone_event, "schedule/postpone_event.html", "The event is postponed.")
REINSTATING = Way(REINSTATE, service.reinstate_event, "schedule/reinstate_event.html",
                  "The event takes place after all.")  # fmt: skip


@blueprint.post("/staff/events/<slug>/publish")
@access(FACILITATOR)
def publish_event(slug: str) -> ResponseReturnValue:
    return _at_once(slug, service.publish_event, "The event is published.")


@blueprint.post("/staff/events/<slug>/unpublish")
@access(FACILITATOR)
def unpublish_event(slug: str) -> ResponseReturnValue:
    return _at_once(slug, service.unpublish_event, "The event is a draft again. Only staff can see it.")


def _at_once(slug: str, take: Callable[..., Event], done: str) -> ResponseReturnValue:
    event_id = own_event(slug).id
    try:
        with transaction() as session:
            take(session, event_id=event_id, now=now(), actor=actor(), settings=settings())
    except DomainError as error:
        flash(str(error), "error")
    else:
        flash(done)
    return see_other(url_for("schedule.staff_event", slug=slug))


@blueprint.route("/staff/events/<slug>/cancel", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def cancel_event(slug: str) -> ResponseReturnValue:
    return _step(slug, CANCELLING)


@blueprint.route("/staff/events/<slug>/postpone", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def postpone_event(slug: str) -> ResponseReturnValue:
    return _step(slug, POSTPONING)


@blueprint.route("/staff/events/<slug>/reinstate", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def reinstate_event(slug: str) -> ResponseReturnValue:
    return _step(slug, REINSTATING)


def _step(slug: str, way: Way) -> ResponseReturnValue:
    event = own_event(slug)
    if request.method == "POST" and event.state == way.step.target:
        # A second press of the same button: what it asks for is so, and nobody is told again.
        flash(way.step.refusals[event.state], "info")
        return see_other(url_for("schedule.staff_event", slug=slug))
    # Nothing to ask when this way does not lead on from here: said at once, and not after a reason was written.
    take_step(way.step, event.state, over_at=event.over_at, now=now())
    form: ReasonForm | TellForm = TellForm() if way is REINSTATING else ReasonForm()
    if request.method != "POST":
        return _page(way, form, event)
    if form.validate() and "show" not in request.form:
        try:
            return _take(way, form, event)
        except DetailsDoNotFit as unfit:
            for problem in unfit.problems:
                form.add_error(problem.sentence, problem.field)
    # The transaction ended with what it had read, so the event is looked up again.
    page = _page(way, form, own_event(slug))
    return page if "show" in request.form and not form.error_list() else (page, 422)


def _take(way: Way, form: ReasonForm | TellForm, event: Event) -> ResponseReturnValue:
    event_id, slug, checked = event.id, event.slug, request.form.get("checked", "")
    with transaction() as session:
        foreseen = _foreseen(session, event_id, way, _reason(form))
        if checked and checked != seen_of([foreseen]):
            raise DetailsDoNotFit(*_meanwhile())
        # Nobody has to choose when nobody learns anything new.
        tell = tell_choice() if foreseen.asks else False
        take = partial(way.take, reason=form.reason.data) if isinstance(form, ReasonForm) else way.take
        take(session, event_id=event_id, tell=tell, now=now(), actor=actor(), settings=settings())
    flash(f"{way.done} {emailed_words(foreseen.told if tell else 0) or 'Nobody was emailed.'}")
    return see_other(url_for("schedule.staff_event", slug=slug))


def _meanwhile() -> list[Problem]:
    return [Problem("", CHANGED_MEANWHILE)]


def _reason(form: ReasonForm | TellForm) -> str:
    return clean_text(form.reason.data or "") if isinstance(form, ReasonForm) else ""


def _foreseen(session: Session, event_id: int, way: Way, reason: str) -> Consequences:
    return service.foresee_step(
        session, event_id=event_id, step=way.step, reason=reason, now=now(), settings=settings()
    )


def _page(way: Way, form: ReasonForm | TellForm, event: Event) -> str:
    reason = _reason(form) or (REASON_COMES if isinstance(form, ReasonForm) else "")
    foreseen = _foreseen(db.session(), event.id, way, reason)
    return render_template(
        way.template, form=form, event=event, when=when_text(event_view(event)), one=foreseen,
        checked=seen_of([foreseen]), has_more=way is CANCELLING and bool(others_to_cancel(event)),
    )

"""Cancelling several dates of a series at once: which, why, what follows for whom, and then the choice."""

from __future__ import annotations

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.schedule import service
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.repeat_form import CancelDatesForm
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.states import CANCEL
from workshops.schedule.views import blueprint
from workshops.schedule.views.series_choice import others_to_cancel, scope_choices
from workshops.schedule.views.staff import actor, own_event
from workshops.schedule.views.staff_changes import (
    CHANGED_MEANWHILE,
    check_page,
    emailed_words,
    goes_back,
    seen_of,
    tell_choice,
)
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

NOTHING_LEFT = "No other date of this event can be cancelled: they are over, drafts, or cancelled already."


@blueprint.route("/staff/events/<slug>/dates/cancel", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def cancel_dates(slug: str) -> ResponseReturnValue:
    event = own_event(slug)
    form = CancelDatesForm()
    others = others_to_cancel(event)
    if not others:
        raise DomainError(NOTHING_LEFT)
    form.dates.choices = scope_choices(event, others)
    if request.method != "POST" or goes_back():
        return _page(form, event)
    if not form.validate():
        return _page(form, event), 422
    session, reach = db.session(), reach_of(db.session(), current_user)
    ids = service.dates_to_cancel(session, event, form.dates.data, reach, now())
    if not ids:
        form.add_error(NOTHING_LEFT, "dates")
        return _page(form, event), 422
    return _check_or_cancel(slug, ids, form.reason.data)


def _check_or_cancel(slug: str, ids: list[int], reason: str) -> ResponseReturnValue:
    back_to, tell, checked = url_for("schedule.dates_of_event", slug=slug), tell_choice(), request.form.get("checked")
    session = db.session()
    found = [
        service.foresee_step(session, event_id=one, step=CANCEL, reason=reason, now=now(), settings=settings())
        for one in ids
    ]
    asks = any(one.asks for one in found)
    problem = ""
    if checked is not None and checked != seen_of(found):
        problem = CHANGED_MEANWHILE
    elif checked is not None and asks and tell is None:
        problem = "Choose whether to tell the people it concerns"
    # A single POST with everything in it has chosen already.
    if problem or (checked is None and tell is None):
        heading = _heading(len(ids))
        return check_page(found, heading=heading, back_to=back_to, problem=problem, button="Cancel the dates",
                          is_alike=True)  # fmt: skip
    with transaction() as writing:
        service.cancel_dates(writing, event_ids=ids, reason=reason, tell=bool(tell), now=now(), actor=actor(),
                             settings=settings())  # fmt: skip
    words = "1 date is cancelled." if len(ids) == 1 else f"{len(ids)} dates are cancelled."
    flash(f"{words} {emailed_words(sum(one.told for one in found) if tell else 0)}".strip())
    return see_other(back_to)


def _heading(dates: int) -> str:
    return "Check before you cancel the date" if dates == 1 else f"Check before you cancel {dates} dates"


def _page(form: CancelDatesForm, event: Event) -> str:
    return render_template("schedule/cancel_dates.html", form=form, event=event, when=when_text(event_view(event)))

"""Which dates of a series a change is for: asked between the form and what follows from it."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.clock import now
from workshops.core.db import db
from workshops.schedule import service
from workshops.schedule.models import Event
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.queries.series import open_dates
from workshops.schedule.repeat_form import ScopeForm
from workshops.schedule.rules.events import EventDetails, changed_fields, cleaned
from workshops.schedule.rules.series import FOLLOWING, SCOPES, followers

#: The name under which the answer travels; `scope_asked` says that the question was on the page.
NAME, ASKED = "which_dates", "scope_asked"


def chosen_scope() -> str:
    """The answer: a key of SCOPES; "this" when nothing was asked."""
    answer = request.form.get(NAME, "")
    return answer if answer in SCOPES else "this"


def scope_question(event: Event, details: EventDetails, *, back_to: str) -> ResponseReturnValue | None:
    """The page that asks, or None when there is nothing to ask or it was answered.

    An event that has no other dates ahead never meets it, nor one that is over; a POST that says already whether
    people are told (a script that sends everything at once) is for the one event it names.
    """
    instant, session = now(), db.session()
    if request.form.get(NAME) in SCOPES or ("tell" in request.form and "checked" not in request.form):
        return None
    if event.series_id is None or event.over_at <= instant or event.state not in FOLLOWING:
        return None
    others = open_dates(session, event, instant)
    if not others or not changed_fields(service.details_of(session, event), cleaned(details)):
        return None
    form = ScopeForm(formdata=None)
    form.dates.name = NAME
    form.dates.choices = scope_choices(event, others)
    asked = ASKED in request.form
    if asked:
        form.add_error("Choose which dates to change", "dates")
    page = render_template(
        "schedule/_which_dates.html",
        form=form,
        event=event,
        carried=[(name, value) for name, value in request.form.items(multi=True)
                 if name not in ("csrf_token", NAME, ASKED, "back")],  # fmt: skip
        asked_name=ASKED,
        back_to=back_to,
    )
    return (page, 422) if asked else page


def others_to_cancel(event: Event) -> list[Event]:
    """The other dates of an event that may be cancelled by who asks."""
    session = db.session()
    reach = reach_of(session, current_user)
    return [one for one in open_dates(session, event, now()) if one.state != "draft" and reach.may_run(one)]


def scope_choices(event: Event, others: list[Event], *, with_this: bool = True) -> list[tuple[str, str]]:
    """The choices with how many dates each is; following ones only when there are some."""
    instant = now()
    choices = [("this", SCOPES["this"])] if with_this else []
    later = len(followers(event, others, "following", now=instant))
    if later and later != len(others):
        choices.append(("following", f"{SCOPES['following']} ({later + 1} dates)"))
    words = SCOPES["following"] if later == len(others) else SCOPES["all"]
    choices.append(("all" if later != len(others) else "following", f"{words} ({len(others) + 1} dates)"))
    return choices

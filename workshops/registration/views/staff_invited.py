"""People invited to an event: the list, adding to it after a look, telling them, taking somebody off."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.registration import service
from workshops.registration.forms import InviteForm
from workshops.registration.queries import invitees_of
from workshops.registration.rules import ACTIVE_STATES
from workshops.registration.views import blueprint
from workshops.registration.views.staff import PAGE_SIZE, _own_event, _page
from workshops.schedule.models import Event
from workshops.schedule.rules.audience import is_by_invitation, who_may_register
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: How many pasted people the check table shows; what does not fit is always among them.
ROWS_SHOWN = 200


@blueprint.route("/staff/events/<slug>/invited", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def invited(slug: str) -> ResponseReturnValue:
    """Who is invited; people are added in two steps: look at each of them, then add."""
    event = _own_event(slug)
    form = InviteForm()
    if request.method != "POST":
        return _list(event, form)
    event_id, asks = event.id, _can_be_told(event)
    adds = request.form.get("action") == "add"
    fits = form.validate()
    if fits and adds and asks and form.tell.is_blank():
        form.add_error("Choose whether to email the people you add", "tell")
        fits = False
    if fits and adds:
        try:
            with transaction() as session:
                came = service.invite_people(
                    session, event_id=event_id, text=form.people.data, tell=asks and form.tell.data == "yes",
                    now=now(), settings=settings(), actor=staff(current_user.id),
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash(_came_words(came))
            return see_other(url_for("registration.invited", slug=slug))
    return _check(_own_event(slug), form)


def _came_words(came: service.Invited) -> str:
    words = f"{came.added:,} {'person is' if came.added == 1 else 'people are'} added to the list"
    if not came.added:
        words = "Nobody was added: all of them are on the list already"
    words += f", and {came.told:,} {'is' if came.told == 1 else 'are'} emailed the invitation." if came.told else "."
    if came.left_out:
        words += f" {came.left_out:,} could not be used and {'was' if came.left_out == 1 else 'were'} left out."
    return words


def _check(event: Event, form: InviteForm) -> ResponseReturnValue:
    """What would become of each, before anything is kept."""
    rows: list[Any] = []
    if not form.people.errors and form.people.data:
        try:
            rows = service.look_at_people(db.session(), event_id=event.id, text=form.people.data)
        except DomainError as error:
            form.add_error(str(error), error.field)
    problems = [row for row in rows if row.outcome == "problem"]
    shown = rows if len(rows) <= ROWS_SHOWN else [*problems, *(r for r in rows if r.outcome != "problem")][:ROWS_SHOWN]
    answer = _list(
        event, form, rows=shown, hidden_rows=len(rows) - len(shown), problems=len(problems),
        new=sum(row.outcome == "new" for row in rows),
    )
    return answer, 422 if form.errors else 200


def _can_be_told(event: Event) -> bool:
    try:
        service.check_can_be_told(event, now())
    except DomainError:
        return False
    return True


def _list(event: Event, form: InviteForm, **values: Any) -> str:
    everybody = invitees_of(db.session(), event.id)
    pages = max(1, -(-len(everybody) // PAGE_SIZE))
    page = min(max(1, request.args.get("page", 1, type=int) or 1), pages)
    return _page(
        "invited",
        event,
        **{
            "form": form,
            "people": everybody[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
            "number": len(everybody),
            "untold": sum(invitee.told_at is None for invitee, _ in everybody),
            "registered": sum(state in ACTIVE_STATES for _, state in everybody),
            "by_invitation": is_by_invitation(event.booking, event.admits),
            "who_may": who_may_register(event.booking, event.admits, event.admitted_domains),
            "can_be_told": _can_be_told(event),
            "page": page,
            "pages": pages,
            "link": lambda number: url_for("registration.invited", slug=event.slug, page=number),
            "rows": [],
            "hidden_rows": 0,
            "problems": 0,
            "new": 0,
            **values,
        },
    )


def _do(slug: str, use_case: Any, done: str, **values: Any) -> ResponseReturnValue:
    """One button of the list: done, or why not, and back to it."""
    event_id = _own_event(slug).id
    try:
        with transaction() as session:
            came = use_case(session, event_id=event_id, now=now(), actor=staff(current_user.id), **values)
    except NotFound:
        raise
    except DomainError as error:
        flash(str(error), "warning")
    else:
        flash(done if came or came is None else "That was done a moment ago, so nothing was sent again.")
    return see_other(url_for("registration.invited", slug=slug))


@blueprint.post("/staff/events/<slug>/invited/tell")
@access(FACILITATOR)
def tell_invited(slug: str) -> ResponseReturnValue:
    """Email the invitation to everybody who was not told yet."""
    return _do(slug, service.tell_untold, "Everybody on the list is emailed the invitation now.", settings=settings())


@blueprint.post("/staff/events/<slug>/invited/<int:invitee_id>/tell")
@access(FACILITATOR)
def tell_invitee(slug: str, invitee_id: int) -> ResponseReturnValue:
    """Email one person the invitation, again if need be."""
    return _do(slug, service.tell_again, "The invitation is on its way.", invitee_id=invitee_id, settings=settings())


@blueprint.post("/staff/events/<slug>/invited/<int:invitee_id>/remove")
@access(FACILITATOR)
def remove_invitee(slug: str, invitee_id: int) -> ResponseReturnValue:
    """Take somebody off the list."""
    return _do(slug, service.remove_invitee, "They are taken off the list.", invitee_id=invitee_id)

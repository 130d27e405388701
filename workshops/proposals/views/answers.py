"""Accept, ask for changes, decline. First the form, then the very email, then it goes: once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, EditClash, NotAllowed
from workshops.proposals import service
from workshops.proposals.forms import AcceptForm, AnswerForm
from workshops.proposals.models import Proposal
from workshops.proposals.rules import require_decision
from workshops.proposals.rules.details import read_time
from workshops.proposals.views import blueprint
from workshops.proposals.views.shown import clashes_between, read_edition, rows_of, show_problems
from workshops.proposals.views.staff import actor, own_proposal
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.queries.staff import all_programmes, kinds_by_name, possible_owners
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.events import MODES, SUMMARY_MAX, EventDetails, Place, check, cleaned
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.when import when_typed
from workshops.web.access import ORGANISER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: What is sent along by the form itself and not again by the page that shows the email.
_NOT_AGAIN = ("csrf_token", "action")


@blueprint.route("/staff/proposals/<int:proposal_id>/decline", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def decline(proposal_id: int) -> ResponseReturnValue:
    """Turn it down, with a reason for the person."""
    return _message_only(proposal_id, "decline", service.decline, "It is declined, and they are being told.")


@blueprint.route("/staff/proposals/<int:proposal_id>/ask-for-changes", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def ask_for_changes(proposal_id: int) -> ResponseReturnValue:
    """Give it back to the person, with what should be changed."""
    return _message_only(proposal_id, "ask", service.ask_for_changes, "They are being asked to change it.")


def _message_only(proposal_id: int, decision: str, decide: Callable[..., Any], done: str) -> ResponseReturnValue:
    proposal = own_proposal(proposal_id)
    require_decision(decision, proposal.state)
    form = AnswerForm(data={"edition": proposal.edition})
    endpoint = {"ask": "ask_for_changes"}.get(decision, decision)
    template = f"proposals/{endpoint}.html"
    if request.method != "POST" or (action() == "edit" and form.validate()):
        return render_template(template, form=form, proposal=proposal, rows=rows_of(proposal))
    if form.validate():
        try:
            if action() != "send":
                letter = service.letter_for(proposal, decision, form.message.data, settings=settings())
                return _letter_page(proposal, endpoint, letter)
            with transaction() as session:
                decide(session, proposal_id=proposal_id, edition=read_edition(form), message=form.message.data,
                       now=now(), actor=actor(), settings=settings())  # fmt: skip
        except EditClash as clash:
            form.add_error(str(clash))
            form.edition.data = str(own_proposal(proposal_id).edition)
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash(done)
            return see_other(url_for("proposals.staff_proposal", proposal_id=proposal_id))
    proposal = own_proposal(proposal_id)
    return render_template(template, form=form, proposal=proposal, rows=rows_of(proposal)), 422


def action() -> str:
    """Which button was pressed: check (the first), edit (back from the email) or send."""
    return request.form.get("action", "check")


def _letter_page(proposal: Proposal, endpoint: str, letter: Any, **values: Any) -> str:
    """The very email, with everything that was typed carried along."""
    return render_template(
        "proposals/_letter.html",
        proposal=proposal,
        address=url_for(f"proposals.{endpoint}", proposal_id=proposal.id),
        endpoint=endpoint,
        letter=letter,
        carried=[
            (name, value) for name, value in request.form.items(multi=True) if name not in _NOT_AGAIN
        ],
        **values,
    )


# --- accepting -------------------------------------------------------------------------------------------------


@blueprint.route("/staff/proposals/<int:proposal_id>/accept", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def accept(proposal_id: int) -> ResponseReturnValue:
    """Make a draft event of it, and tell the person."""
    proposal = own_proposal(proposal_id)
    require_decision("accept", proposal.state)
    form = _accept_form(proposal)
    if request.method != "POST" or (action() == "edit" and form.validate()):
        return _accept_page(proposal, form)
    if form.validate():
        try:
            details = _event_details(proposal, form)
            if action() != "send":
                letter = service.letter_for(proposal, "accept", form.message.data, settings=settings())
                return _letter_page(proposal, "accept", letter, rows=_rows(details, form),
                                    clashes=clashes_between(details, now()))  # fmt: skip
            with transaction() as session:
                event = service.accept(
                    session, proposal_id=proposal_id, edition=read_edition(form), details=details,
                    message=form.message.data, now=now(), actor=actor(), settings=settings(),
                )  # fmt: skip
                slug = event.slug
        except DetailsDoNotFit as unfit:
            show_problems(form, unfit)
        except EditClash as clash:
            form.add_error(str(clash))
            form.edition.data = str(own_proposal(proposal_id).edition)
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash("The draft is made, and they are being told. Only staff and its host can see it.")
            return see_other(url_for("schedule.staff_event", slug=slug))
    return _accept_page(own_proposal(proposal_id), form), 422


def _accept_page(proposal: Proposal, form: AcceptForm) -> str:
    return render_template("proposals/accept.html", form=form, proposal=proposal, rows=rows_of(proposal))


def _accept_form(proposal: Proposal) -> AcceptForm:
    is_host = proposal.purpose == "host"
    form = AcceptForm(
        data={
            **{name: getattr(proposal, name) for name in (
                "edition", "title", "kind", "audience", "topics", "mode", "venue_name", "venue_address", "postcode",
                "area", "places")},
            "programme": proposal.programme_id,
            # who asks is not who hosts
            "host": proposal.organisation if is_host else "",
            "summary": proposal.summary if is_host or len(proposal.summary) <= SUMMARY_MAX else "",
            "starts_on": proposal.starts_on,
            "ends_on": proposal.ends_on if is_host else None,
            "start_time": read_time(proposal.start_time),
            "end_time": read_time(proposal.end_time),
            "owner": current_user.id,
        }
    )  # fmt: skip
    session = db.session()
    reach = reach_of(session, current_user)
    form.kind.choices = [(kind.name, kind.name[:1].upper() + kind.name[1:]) for kind in kinds_by_name(session)]
    form.owner.choices = [(account.id, account.name or account.email) for account in possible_owners(session)]
    form.programme.choices = [(one.id, one.title) for one in all_programmes(session) if reach.may_organise(one.id)]
    if proposal.programme_id is not None:
        del form.programme
    return form


def _event_details(proposal: Proposal, form: AcceptForm) -> EventDetails:
    """The draft that the form says. Raises DetailsDoNotFit with all that is wrong, NotAllowed for another programme."""
    programme = proposal.programme
    if programme is None and form.programme and form.programme.data:
        programme = next(one for one in all_programmes(db.session()) if one.id == form.programme.data)
    if programme is not None and not reach_of(db.session(), current_user).may_organise(programme.id):
        raise NotAllowed
    mode, places = form.mode.data, form.places.data
    place = Place(form.venue_name.data, form.venue_address.data, form.postcode.data)
    try:
        when = when_typed(form.starts_on.data, form.start_time.data, form.ends_on.data, form.end_time.data)
    except DetailsDoNotFit as unfit:
        raise DetailsDoNotFit(*(
            Problem("ends_on" if problem.field == "ends" else problem.field, problem.sentence)
            for problem in unfit.problems
        )) from None
    details = cleaned(
        EventDetails(
            title=form.title.data,
            kind=form.kind.data or "",
            when=when,
            mode=mode,
            summary=form.summary.data,
            host=form.host.data,
            programme=programme.title if programme else "",
            venue=place if place.words and mode != "online" else None,
            area=form.area.data or "",
            audience=form.audience.data or "",
            owner_id=form.owner.data,
            capacity_in_person=places if mode != "online" else None,
            capacity_online=places if mode == "online" else None,
            topics=tuple(form.topics.data.split(";")),
        )
    )
    check(details, now=now())
    return details


def _rows(details: EventDetails, form: AcceptForm) -> list[dict[str, Any]]:
    """The draft that will be made, as question and answer."""
    capacity = details.capacity_online if details.mode == "online" else details.capacity_in_person
    asked = (
        ("Title", details.title),
        ("Kind", details.kind[:1].upper() + details.kind[1:]),
        ("Programme", details.programme),
        ("Organisation that runs it", details.host),
        ("Summary", details.summary),
        ("Who it is for", AUDIENCES.get(details.audience, "")),
        ("Topics", "; ".join(details.topics)),
        ("Date and time", details.when.words(uk_time=details.mode == "online")),
        ("Taking part", MODES[details.mode]),
        ("Place", details.venue.words if details.venue else ""),
        ("Area", details.area),
        ("Places", "No limit" if capacity is None else f"{capacity:,}"),
        ("Who looks after it", dict(form.owner.choices).get(details.owner_id, "")),
    )
    return [{"key": key, "value": value, "lines": True} for key, value in asked if value]

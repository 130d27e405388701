"""The queue for those who answer: the list, one proposal with its history, its links, and who sees names."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit import rules as audit_rules
from workshops.audit.rules import Actor
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotAllowed, NotFound
from workshops.messages.queries import messages_about
from workshops.proposals import service
from workshops.proposals.forms import AskSettingsForm, NamesForm
from workshops.proposals.models import Proposal
from workshops.proposals.queries import PAGE_SIZE, ask_form, by_id, has_links, of_event, queue, queue_counts, steps_of
from workshops.proposals.rules import (
    PURPOSES,
    QUEUE_STATES,
    STATE_WORDS,
    age_words,
    may_decide,
    may_edit,
    may_edit_event,
    staff_words,
)
from workshops.proposals.views import blueprint
from workshops.proposals.views.shown import clashes_for, rows_of
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.rules.public_state import public_state
from workshops.web.access import FACILITATOR, ORGANISER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

STEP_WORDS = {
    "proposal_made": "Sent; the address was not confirmed yet",
    "proposal_confirmed": "Address confirmed: it came into the queue",
    "proposal_changed": "Changed by the person",
    "proposal_sent_back": "Changed and sent back",
    "proposal_withdrawn": "Taken back",
    "proposal_changes_asked": "Changes asked for",
    "proposal_accepted": "Accepted: a draft was made",
    "proposal_declined": "Declined",
    "proposal_event_changed": "The draft was changed by its host",
    "proposal_link_sent": "A new link was sent",
    "proposal_links_revoked": "All links were ended",
    "proposal_names_granted": "The host may see names",
    "proposal_names_ended": "The host may no longer see names",
}
MESSAGE_STATES = {
    "due": "Waits to be sent",
    "sending": "Being sent",
    "retry": "Will be tried again",
    "sent": "Sent",
    "failed": "Could not be sent",
    "cancelled": "Not sent",
}


def actor() -> Actor:
    """Who is signed in, for the audit."""
    return audit_rules.staff(current_user.id)


def readable(proposal_id: int) -> Proposal:
    """The proposal, for those who answer it and those who run the event made of it. Raises NotFound, NotAllowed."""
    found = by_id(db.session(), proposal_id)
    if found is None:
        raise NotFound
    reach = reach_of(db.session(), current_user)
    runs_it = found.event is not None and reach.may_run(found.event)
    if not runs_it and not reach.may_organise(found.programme_id):
        raise NotAllowed("This proposal is for the organisers of its programme.")
    return found


def own_proposal(proposal_id: int) -> Proposal:
    """The proposal, for those who answer it. Raises NotFound, NotAllowed."""
    found = by_id(db.session(), proposal_id)
    if found is None:
        raise NotFound
    reach_of(db.session(), current_user).require_may_organise(found.programme_id)
    return found


@blueprint.get("/staff/proposals")
@access(ORGANISER)
def proposals() -> ResponseReturnValue:
    """Everything in the queue, by state, with its age."""
    session, instant = db.session(), now()
    counts = queue_counts(session, current_user)
    asked = request.args.get("state", "")
    shown = asked if asked in QUEUE_STATES else "waiting"
    pages = max(1, -(-counts.get(shown, 0) // PAGE_SIZE))
    page = min(max(1, request.args.get("page", 1, type=int) or 1), pages)
    found = queue(session, current_user, shown, page=page)
    return render_template(
        "proposals/proposals.html",
        rows=[(one, age_words(_since(one), instant)) for one in found],
        counts=counts,
        shown=shown,
        states=STATE_WORDS,
        purposes=PURPOSES,
        page=page,
        pages=pages,
        ask_is_open=ask_form(session).is_open,
        link=lambda number: url_for("proposals.proposals", state=shown, page=number),
    )


def _since(proposal: Proposal) -> Any:
    in_queue = proposal.state == "waiting" and proposal.sent_at is not None
    return proposal.sent_at if in_queue else proposal.state_changed_at


@blueprint.get("/staff/proposals/<int:proposal_id>")
@access(FACILITATOR)
def staff_proposal(proposal_id: int) -> ResponseReturnValue:
    """One proposal with all that is known about it, and what can be answered."""
    proposal = readable(proposal_id)
    session, instant = db.session(), now()
    event = proposal.event
    answers = reach_of(session, current_user).may_organise(proposal.programme_id)
    return render_template(
        "proposals/staff_proposal.html",
        proposal=proposal,
        words=STATE_WORDS[proposal.state],
        purpose=PURPOSES[proposal.purpose],
        age=age_words(_since(proposal), instant),
        rows=rows_of(proposal),
        clashes=clashes_for(proposal, instant) if proposal.state in ("waiting", "changes") else [],
        may={name: answers and may_decide(name, proposal.state) for name in ("accept", "ask", "decline")},
        answers=answers,
        event=event,
        event_state=public_state(event_view(event), instant) if event else None,
        steps=[
            {"at": step.at, "what": STEP_WORDS.get(step.step, step.step), "words": step.words,
             "who": (step.account.name or step.account.email) if step.account else "The person"}
            for step in steps_of(session, proposal.id)
        ],
        messages=[
            {"subject": message.subject, "state": MESSAGE_STATES[message.state],
             "why": message.last_error if message.state in ("failed", "cancelled", "retry") else "",
             "at": message.sent_at or message.created_at}
            for message in messages_about(session, "proposal", proposal.id)
        ],
        has_links=has_links(session, proposal.id),
        link_changes=_changeable(proposal),
    )  # fmt: skip


def _changeable(proposal: Proposal) -> str:
    """What the person's link can change now, in words."""
    if may_edit(proposal.state):
        return "it until you answer"
    event_state = proposal.event.state if proposal.event else None
    return "some of the draft" if may_edit_event(proposal.purpose, proposal.state, event_state) else ""


@blueprint.post("/staff/proposals/<int:proposal_id>/send-link")
@access(ORGANISER)
def send_link(proposal_id: int) -> ResponseReturnValue:
    """Mail a new link to the person."""
    own_proposal(proposal_id)
    with transaction() as session:
        service.send_link(session, proposal_id=proposal_id, now=now(), actor=actor(), settings=settings())
    flash("A new link is on its way to them.")
    return see_other(url_for("proposals.staff_proposal", proposal_id=proposal_id))


@blueprint.post("/staff/proposals/<int:proposal_id>/revoke-links")
@access(ORGANISER)
def revoke_links(proposal_id: int) -> ResponseReturnValue:
    """End every link of the person."""
    own_proposal(proposal_id)
    with transaction() as session:
        service.revoke_links(session, proposal_id=proposal_id, now=now(), actor=actor())
    flash("No link to this proposal works any more. Nobody was emailed.")
    return see_other(url_for("proposals.staff_proposal", proposal_id=proposal_id))


@blueprint.route("/staff/proposals/<int:proposal_id>/names", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def names(proposal_id: int) -> ResponseReturnValue:
    """Let the host read who comes: with a reason, which is kept."""
    proposal = own_proposal(proposal_id)
    back = url_for("proposals.staff_proposal", proposal_id=proposal_id)
    if proposal.purpose != "host" or proposal.state != "accepted":
        return see_other(back)
    form = NamesForm()
    if request.method != "POST":
        return render_template("proposals/names.html", form=form, proposal=proposal)
    if form.validate():
        try:
            with transaction() as session:
                service.grant_names(
                    session, proposal_id=proposal_id, shows=True, reason=form.reason.data, now=now(), actor=actor()
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash("The host sees the names on their page once the event is published. Nobody was emailed.")
            return see_other(back)
    return render_template("proposals/names.html", form=form, proposal=own_proposal(proposal_id)), 422


@blueprint.post("/staff/proposals/<int:proposal_id>/names/end")
@access(ORGANISER)
def end_names(proposal_id: int) -> ResponseReturnValue:
    """Numbers only, from now on."""
    own_proposal(proposal_id)
    with transaction() as session:
        service.grant_names(session, proposal_id=proposal_id, shows=False, reason="", now=now(), actor=actor())
    flash("The host sees numbers only.")
    return see_other(url_for("proposals.staff_proposal", proposal_id=proposal_id))


@blueprint.route("/staff/ask-form", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def edit_ask_form() -> ResponseReturnValue:
    """Open or close the general "Ask us for an event" page."""
    kept = ask_form(db.session())
    form = AskSettingsForm(data={"is_open": kept.is_open, "words": kept.words})
    if request.method != "POST":
        return render_template("proposals/edit_ask_form.html", form=form, is_open=kept.is_open)
    if form.validate():
        is_open = bool(form.is_open.data)
        try:
            with transaction() as session:
                service.save_ask_form(session, is_open=is_open, words=form.words.data, now=now(), actor=actor())
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash("Anybody can ask us for an event now." if is_open else "The form is closed.")
            return see_other(url_for("proposals.edit_ask_form"))
    return render_template("proposals/edit_ask_form.html", form=form, is_open=ask_form(db.session()).is_open), 422


@blueprint.app_template_global("proposal_behind")
def proposal_behind(event: Event) -> dict[str, str] | None:
    """The words and address of the proposal that an event was made of, for the page of those who run it; or None."""
    found = of_event(db.session(), event.id)
    if found is None:
        return None
    return {
        "words": staff_words(found.purpose, found.organisation, event.state),
        "address": url_for("proposals.staff_proposal", proposal_id=found.id),
    }

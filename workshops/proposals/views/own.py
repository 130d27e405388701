"""Everything behind the link of a proposal. Opening a page changes nothing; every change is a button."""

from __future__ import annotations

from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, EditClash
from workshops.proposals import service
from workshops.proposals.forms import EditAskForm, EditHostForm, EventForm, proposal_values
from workshops.proposals.models import Proposal
from workshops.proposals.queries import PROPOSAL, by_token, coming_people, last_words
from workshops.proposals.rules import may_edit, may_edit_event, own_words
from workshops.proposals.signals import host_counts_composed
from workshops.proposals.views import blueprint
from workshops.proposals.views.shown import link_gone, read_edition, rows_of, show_problems
from workshops.registration.rules import ATTENDING_WORDS
from workshops.schedule import service as schedule
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.staff import kinds_by_name
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.signals import answers
from workshops.web.access import BY_LINK, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: The step whose message the person reads in each state.
_SAID = {"changes": "proposal_changes_asked", "declined": "proposal_declined", "accepted": "proposal_accepted"}


def _mine(token: str) -> Proposal:
    found = by_token(db.session(), PROPOSAL, token, now=now())
    if found is None:
        abort(link_gone())
    return found


def _page(name: str, token: str, proposal: Proposal, **values: Any) -> str:
    return render_template(f"proposals/{name}.html", token=token, proposal=proposal, **values)


def _event_state(proposal: Proposal) -> str | None:
    return proposal.event.state if proposal.event else None


def _can_edit_event(proposal: Proposal) -> bool:
    return may_edit_event(proposal.purpose, proposal.state, _event_state(proposal))


@blueprint.get("/proposals/<token>")
@access(BY_LINK)
def proposal(token: str) -> ResponseReturnValue:
    """How it stands, and what can be done."""
    mine = _mine(token)
    event, session = mine.event, db.session()
    heading, next_words = own_words(mine.purpose, mine.state, _event_state(mine))
    is_public = event is not None and event.state != "draft"
    shows_counts = is_public and mine.purpose == "host"
    return _page(
        "proposal",
        token,
        mine,
        heading_words=heading,
        next_words=next_words,
        said=last_words(session, mine.id, _SAID[mine.state]) if mine.state in _SAID else "",
        rows=rows_of(mine),
        event=event,
        is_public=is_public,
        when=when_text(event_view(event)) if event else "",
        where=location_words(event) if event else "",
        address=settings().base_url + url_for("schedule.event", slug=event.slug) if event else "",
        counts=_counts(event) if event is not None and shows_counts else [],
        people=_people(event) if event is not None and shows_counts and mine.shows_names else None,
        can_edit=may_edit(mine.state),
        can_edit_event=_can_edit_event(mine),
        saved=request.args.get("saved"),
    )


def _counts(event: Event) -> list[tuple[str, int]]:
    """Numbers alone: how many have a place, how many wait, and how many came once that is known."""
    taken = [("Places taken", event.taken_in_person + event.taken_online)]
    waiting = event.waiting_in_person + event.waiting_online
    heard = host_counts_composed.send(event, session=db.session(), now=now())
    return taken + ([("Waiting", waiting)] if waiting else []) + answers(heard)


def _people(event: Event) -> list[tuple[str, str]]:
    """Names and ways of attending, for a host who was granted them. Neither addresses nor needs."""
    return [(name, ATTENDING_WORDS[attending]) for name, attending in coming_people(db.session(), event.id)]


@blueprint.route("/proposals/<token>/edit", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def edit_proposal(token: str) -> ResponseReturnValue:
    """Change what was proposed, and send it back when that was asked for."""
    mine = _mine(token)
    if not may_edit(mine.state):
        return see_other(url_for("proposals.proposal", token=token))
    form, proposal_id = _edit_form(mine), mine.id
    if request.method != "POST":
        return _edit_page(token, mine, form)
    if form.validate():
        came_back = mine.state == "changes"
        try:
            with transaction() as session:
                service.edit_proposal(session, proposal_id=proposal_id, details=form.details(), now=now())
        except DetailsDoNotFit as unfit:
            show_problems(form, unfit)
        except DomainError as error:
            form.add_error(str(error))
        else:
            return see_other(url_for("proposals.proposal", token=token, saved="sent" if came_back else "details"))
    return _edit_page(token, _mine(token), form), 422


def _edit_form(mine: Proposal) -> EditHostForm | EditAskForm:
    if mine.purpose == "ask":
        return EditAskForm(data=proposal_values(mine))
    form = EditHostForm(data=proposal_values(mine))
    kinds = [kind.name for kind in kinds_by_name(db.session())]
    form.kind.choices = [(name, name[0].upper() + name[1:]) for name in kinds]
    return form


def _edit_page(token: str, mine: Proposal, form: EditHostForm | EditAskForm) -> str:
    said = last_words(db.session(), mine.id, _SAID["changes"]) if mine.state == "changes" else ""
    return _page("edit_proposal", token, mine, form=form, said=said)


@blueprint.route("/proposals/<token>/event", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def edit_draft(token: str) -> ResponseReturnValue:
    """Change some of the draft, until it is published."""
    mine = _mine(token)
    if not _can_edit_event(mine) or mine.event is None:
        return see_other(url_for("proposals.proposal", token=token))
    form, proposal_id = _event_form(mine.event), mine.id
    if request.method != "POST":
        return _page("edit_draft", token, mine, form=form, event=mine.event, when=when_text(event_view(mine.event)))
    if form.validate():
        try:
            with transaction() as session:
                service.edit_event(
                    session, proposal_id=proposal_id, fields=form.fields_typed(), edition=read_edition(form), now=now(),
                    settings=settings(),
                )  # fmt: skip
        except DetailsDoNotFit as unfit:
            show_problems(form, unfit)
        except EditClash as clash:
            form.add_error(str(clash))
            # what was typed stays; sent once more it is what the person wants, having been told
            form.edition.data = _edition_now(token)
        except DomainError as error:
            form.add_error(str(error))
        else:
            return see_other(url_for("proposals.proposal", token=token, saved="event"))
    mine = _mine(token)
    assert mine.event is not None
    page = _page("edit_draft", token, mine, form=form, event=mine.event, when=when_text(event_view(mine.event)))
    return page, 422


def _edition_now(token: str) -> str:
    event = _mine(token).event
    return str(event.edition) if event is not None else ""


def _event_form(event: Event) -> EventForm:
    shown = service.event_fields_of(schedule.details_of(db.session(), event))
    values = {name: getattr(shown, name) for name in shown.__dataclass_fields__}
    form = EventForm(data=values | {"edition": event.edition})
    form.fit_to(mode=event.mode, has_times=shown.has_times)
    return form


@blueprint.route("/proposals/<token>/take-back", methods=["GET", "POST"])
@access(BY_LINK)
def withdraw(token: str) -> ResponseReturnValue:
    """Am I sure? The button takes it back."""
    mine = _mine(token)
    if not may_edit(mine.state):
        return see_other(url_for("proposals.proposal", token=token))
    if request.method != "POST":
        return _page("withdraw", token, mine)
    proposal_id = mine.id
    try:
        with transaction() as session:
            service.withdraw(session, proposal_id=proposal_id, now=now())
    except DomainError:
        pass  # answered in the meantime: its page says how
    return see_other(url_for("proposals.proposal", token=token))

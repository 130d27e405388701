"""Registering for several events of a programme at once: choose, then one form and one send.

What is chosen stands in the address and names nobody. Nothing here tells whether an email address is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import date_words, london_date
from workshops.registration import service
from workshops.registration.forms import EventPart, SeveralForm
from workshops.registration.rules import interpreter_may_be_late
from workshops.registration.rules.asking_again import asking_words
from workshops.registration.views import blueprint
from workshops.registration.views.public import _private, _too_many
from workshops.schedule.models import Event
from workshops.schedule.queries import events_by_slug, public_programmes
from workshops.schedule.queries.public import ListedEvent, events_of_programme
from workshops.schedule.queries.public_programmes import ListedProgramme
from workshops.schedule.rules.audience import is_by_invitation, who_may_register
from workshops.schedule.rules.days import at_the_same_time, time_on
from workshops.schedule.rules.questions import read_questions
from workshops.web.access import PUBLIC, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

NOTHING_CHOSEN = "Choose at least one event"
TOO_MANY_CHOSEN = f"Choose at most {service.AT_ONCE_MAX} events; send again for the others"

#: What the receipt may say of an event, and the part of the address that names such events.
OUTCOMES = ("place", "waiting", "requested", "none")


@dataclass(frozen=True)
class Chosen:
    """One event that somebody wants to go to, as listed and as stored, with the part of the form about it."""

    listed: ListedEvent
    event: Event
    part: EventPart
    same_time: Sequence[ListedEvent]
    who_may: str
    asking: str


@blueprint.route("/programmes/<slug>/register", methods=["GET", "POST"])
@access(PUBLIC, keeps_typed=True)
def register_for_several(slug: str) -> ResponseReturnValue:
    """Choose among the events, or, once some are chosen, one form for all of them."""
    at = now()
    programme = _programme(slug, at)
    offered = open_for_several(events_of_programme(db.session(), programme.id, at))
    asked = list(dict.fromkeys((request.form if request.method == "POST" else request.args).getlist("event")))
    wanted = [one for one in offered if one.slug in asked]
    gone = len(set(asked) - {one.slug for one in wanted})
    if request.method != "POST" and (request.args.get("choose") or not asked):
        return _choose(programme, offered, wanted)
    if not wanted:
        return _choose(programme, offered, wanted, error=NOTHING_CHOSEN, gone=gone)
    if len(wanted) > service.AT_ONCE_MAX:
        return _choose(programme, offered, wanted, error=TOO_MANY_CHOSEN, gone=gone)
    chosen = _chosen(wanted, at)
    form = SeveralForm()
    form.fit_to_all(
        has_food=any(one.event.mode != "online" for one in chosen), has_shares=any(one.event.shares for one in chosen)
    )
    if request.method == "POST":
        return _send(programme, chosen, form, gone=gone)
    form.form_key.data = service.new_form_key()
    return _form_page(programme, chosen, form, gone=gone)


def open_for_several(listed: Sequence[ListedEvent]) -> list[ListedEvent]:
    """The events that can be ticked: our own form takes people for them now, and not only those invited."""
    return [
        one for one in listed if one.state.can_register and not is_by_invitation(one.view.booking, one.view.admits)
    ]


def _programme(slug: str, at: datetime) -> ListedProgramme:
    programme = public_programmes.published_programme(db.session(), slug, at)
    if programme is None:
        raise NotFound
    return programme


def _chosen(wanted: Sequence[ListedEvent], at: datetime) -> list[Chosen]:
    stored = events_by_slug(db.session(), [one.slug for one in wanted])
    chosen = []
    for one, others in zip(wanted, at_the_same_time([one.view for one in wanted]), strict=True):
        event = stored[one.slug]
        part = EventPart(prefix=f"e{event.id}-")
        part.fit_to(mode=event.mode, questions=read_questions(event.questions))
        asking = service.asking_at(event) if event.booking != "by_approval" else None
        chosen.append(
            Chosen(
                one, event, part, [wanted[other] for other in others],
                who_may_register(event.booking, event.admits, event.admitted_domains),
                asking_words(asking, at) if asking is not None else "",
            )
        )
    return chosen


def _choose(
    programme: ListedProgramme,
    offered: Sequence[ListedEvent],
    ticked: Sequence[ListedEvent],
    *,
    error: str = "",
    gone: int = 0,
) -> ResponseReturnValue:
    others = at_the_same_time([one.view for one in offered])
    days = [
        (date_words(day), list(some))
        for day, some in groupby(offered, key=lambda one: one.first_on)
    ]
    page = render_template(
        "registration/_choose_events.html",
        programme=programme,
        days=days,
        times={one.id: time_on(one.view, one.first_on) for one in offered if one.first_on == one.last_on},
        ticked={one.slug for one in ticked},
        same_time={one.id: [offered[other] for other in some] for one, some in zip(offered, others, strict=True)},
        error=error,
        gone=gone,
    )
    return _private(make_response(page, 422 if error else 200))


def _form_page(
    programme: ListedProgramme, chosen: Sequence[Chosen], form: SeveralForm, *, gone: int = 0, status: int = 200
) -> ResponseReturnValue:
    page = render_template(
        "registration/register_for_several.html",
        programme=programme,
        chosen=chosen,
        clashing=[one for one in chosen if one.same_time],
        form=form,
        errors=_errors(form, chosen),
        gone=gone,
        back=url_for("registration.register_for_several", slug=programme.slug, choose=1,
                     event=[one.event.slug for one in chosen]),
        asks_if_full=any(one.event.has_waiting_list and one.event.booking != "by_approval" for one in chosen),
        interpreter_late=any(
            interpreter_may_be_late(london_date(now()), one.listed.first_on) for one in chosen
        ),
    )  # fmt: skip
    return _private(make_response(page, status))


def _errors(form: SeveralForm, chosen: Sequence[Chosen]) -> list[tuple[str, str]]:
    """What is wrong in the order of the page, with the event it is about where several could be meant."""
    found = form.error_list()
    for one in chosen:
        found += [(anchor, f"{one.event.title}: {words}") for anchor, words in one.part.error_list()]
    return found


def _send(
    programme: ListedProgramme, chosen: Sequence[Chosen], form: SeveralForm, *, gone: int
) -> ResponseReturnValue:
    if not any(one.event.has_waiting_list and one.event.booking != "by_approval" for one in chosen):
        form.if_full.data = "leave"
    # All of them are looked at, so that everything that is wrong is said at once.
    if not all([form.validate(), *(one.part.validate() for one in chosen)]):
        return _form_page(programme, chosen, form, gone=gone, status=422)
    too_many = _too_many(form.email.data)
    if too_many is not None:
        form.add_error(str(too_many))
        response = make_response(_form_page(programme, chosen, form, gone=gone, status=429))
        response.headers["Retry-After"] = str(too_many.retry_after_s)
        return response
    slugs = {one.event.id: one.event.slug for one in chosen}
    details = {one.event.id: form.details(one.part) for one in chosen}
    wanted = (details, form.if_full.data or "leave", form.form_key.data or None)
    try:
        try:
            came_to = _register(programme.title, *wanted)
        except service.RegisteredMeanwhile:
            # The last guard of the table held; a second look finds the first registration.
            came_to = _register(programme.title, *wanted)
    except DomainError as error:
        form.add_error(str(error), error.field)
        return _form_page(programme, _again(chosen), form, gone=gone, status=422)
    said: dict[str, Any] = {kind: [slugs[one.event_id] for one in came_to if one.kind == kind] for kind in OUTCOMES}
    return see_other(url_for("registration.receipt_for_several", slug=programme.slug, **said))


def _again(chosen: Sequence[Chosen]) -> list[Chosen]:
    """The same after a transaction that came to nothing: the rows were let go with it."""
    stored = events_by_slug(db.session(), [one.listed.slug for one in chosen])
    return [
        Chosen(one.listed, stored[one.listed.slug], one.part, one.same_time, one.who_may, one.asking)
        for one in chosen
    ]


def _register(
    programme: str, details: dict[int, service.Details], if_full: str, form_key: str | None
) -> list[service.OneOfSeveral]:
    with transaction() as session:
        return service.register_for_several(
            session, programme=programme, details=details, if_full=if_full, form_key=form_key, now=now(),
            settings=settings(),
        )


@blueprint.get("/programmes/<slug>/registered")
@access(PUBLIC)
def receipt_for_several(slug: str) -> ResponseReturnValue:
    """What the last send came to, event by event: the same for everybody, so it can be reloaded and kept."""
    at = now()
    programme = _programme(slug, at)
    listed = {one.slug: one for one in events_of_programme(db.session(), programme.id, at)}
    said = {
        kind: [listed[one] for one in dict.fromkeys(request.args.getlist(kind)) if one in listed] for kind in OUTCOMES
    }
    if not any(said.values()):
        return see_other(url_for("schedule.programme", slug=slug))
    page = render_template("registration/receipt_for_several.html", programme=programme, said=said)
    return _private(make_response(page))

"""Programmes for staff: the list, one page for each, and publishing or cancelling all of its events in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.clock import now
from workshops.core.db import db
from workshops.core.errors import NotFound
from workshops.schedule import service
from workshops.schedule.catalogue_forms import CancelEventsForm, ProgrammeForm, PublishForm
from workshops.schedule.models import Event, Programme
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.queries.staff import (
    events_where,
    organisers_of,
    possible_organisers,
    programme_by_slug,
    staff_programme_rows,
)
from workshops.schedule.rules.programmes import Missing, missing_of, organisers_note
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.states import CANCEL
from workshops.schedule.service import Consequences, ProgrammeDetails
from workshops.schedule.views import blueprint
from workshops.schedule.views.many_events import many_events
from workshops.schedule.views.staff import actor, asked_page, keep, programme_shown, rows_of
from workshops.schedule.views.staff_changes import emailed_words, seen_of, tell_choice
from workshops.schedule.views.staff_steps import REASON_COMES
from workshops.web.access import ORGANISER, VIEWER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: A programme's page shows this many events at once: a day of a large festival, or a whole small one.
EVENTS_A_PAGE = 50


@blueprint.get("/staff/programmes")
@access(VIEWER)
def staff_programmes() -> ResponseReturnValue:
    rows = staff_programme_rows(db.session(), now())
    return render_template(
        "schedule/staff_programmes.html",
        programmes=[programme_shown(row) for row in rows],
        may_make=current_user.role in ("organiser", "admin"),
    )


@blueprint.get("/staff/programmes/<slug>")
@access(VIEWER)
def staff_programme(slug: str) -> ResponseReturnValue:
    session, programme = db.session(), _programme(slug)
    (row,) = staff_programme_rows(session, now(), programme.id)
    page = events_where(session, Event.programme_id == programme.id, page=asked_page(), size=EVENTS_A_PAGE)
    return render_template(
        "schedule/staff_programme.html",
        programme=programme,
        shown=programme_shown(row),
        organisers=organisers_of(session, programme.id),
        page=page,
        rows=rows_of(page.events),
        page_address=lambda number: url_for("schedule.staff_programme", slug=slug, page=number),
        has_gap_map="schedule.gap_map" in current_app.view_functions,
        may_edit=reach_of(session, current_user).may_organise(programme.id),
    )


@blueprint.route("/staff/programmes/new", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def new_programme() -> ResponseReturnValue:
    form = ProgrammeForm(data={"visible": "public", "organisers": _always_named()})
    _offer_organisers(form)
    if request.method == "POST" and form.validate():
        slug = _save_programme(form, None)
        if slug is not None:
            flash("The programme is saved.")
            return see_other(url_for("schedule.staff_programme", slug=slug))
    return render_template("schedule/new_programme.html", form=form), 200 if request.method != "POST" else 422


def _always_named() -> list[int]:
    """An organiser who makes a programme organises it; an admin may in any case."""
    return [current_user.id] if current_user.role == "organiser" else []


@blueprint.route("/staff/programmes/<slug>/edit", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def edit_programme(slug: str) -> ResponseReturnValue:
    programme = _own_programme(slug)
    named = [account.id for account in organisers_of(db.session(), programme.id)]
    form = ProgrammeForm(
        data={
            "title": programme.title,
            "summary": programme.summary,
            "description": programme.description,
            "starts_on": programme.starts_on,
            "ends_on": programme.ends_on,
            "visible": "public" if programme.is_published else "staff",
            "organisers": named,
            "forms": [name for name, is_open in (("host", programme.host_form_is_open),
                                                 ("ask", programme.ask_form_is_open)) if is_open],
            "host_form_words": programme.host_form_words,
        }
    )  # fmt: skip
    _offer_organisers(form, named)
    if request.method == "POST" and form.validate() and _save_programme(form, programme.id) is not None:
        note = organisers_note(named, form.organisers.data, current_user.id, current_user.role)
        flash("The programme is saved.")
        if note:
            flash(note, "warning")
        return see_other(url_for("schedule.staff_programme", slug=slug))
    page = render_template("schedule/edit_programme.html", form=form, programme=_programme(slug))
    return page, 200 if request.method != "POST" else 422


def _offer_organisers(form: ProgrammeForm, named: Sequence[int] = ()) -> None:
    people = possible_organisers(db.session(), named)
    form.organisers.coerce = int
    form.organisers.choices = [(one.id, f"{one.name}, {one.email}" if one.name else one.email) for one in people]


def _save_programme(form: ProgrammeForm, programme_id: int | None) -> str | None:
    """The slug of the saved programme; None when something does not fit, which the form says."""
    named = form.organisers.data if programme_id else {*form.organisers.data, *_always_named()}
    details = ProgrammeDetails(
        title=form.title.data,
        summary=form.summary.data,
        description=form.description.data,
        starts_on=form.starts_on.data,
        ends_on=form.ends_on.data,
        is_published=form.visible.data != "staff",
        host_form_is_open="host" in form.forms.data,
        ask_form_is_open="ask" in form.forms.data,
        host_form_words=form.host_form_words.data,
        organisers=tuple(named),
    )
    return keep(form, lambda session, **by: service.save_programme(
        session, programme_id=programme_id, details=details, settings=settings(), **by).slug)  # fmt: skip


# --- all events in one go -------------------------------------------------------------------------------------


@blueprint.route("/staff/programmes/<slug>/publish", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def publish_programme(slug: str) -> ResponseReturnValue:
    """What each draft lacks, then all of them in one go. Those that cannot be public stay drafts."""
    programme_id, form = _own_programme(slug).id, PublishForm()
    if request.method == "POST" and form.validate():
        ids = _ids(form.events.data)
        done = keep(form, lambda session, **by: service.publish_drafts(
            session, programme_id=programme_id, event_ids=ids, settings=settings(), **by))  # fmt: skip
        if done is not None:
            flash(_published_words(*done))
            return see_other(url_for("schedule.staff_programme", slug=slug))
    instant, session = now(), db.session()
    drafts = _drafts(programme_id, instant)
    form.events.data = " ".join(str(event.id) for event, _, missing in drafts if not missing.must)
    ready = _ids(form.events.data)
    mine = len(service.run_by(session, ready, actor()))
    page = render_template("schedule/publish_programme.html", form=form, programme=_programme(slug), drafts=drafts,
                           ready=len(ready), many_mine=mine if mine > service.INVITATIONS_AT_ONCE else 0)  # fmt: skip
    session.rollback()
    return page, 200 if request.method != "POST" else 422


def _drafts(programme_id: int, instant: Any) -> list[tuple[Event, str, Missing]]:
    session = db.session()
    condition = (Event.programme_id == programme_id) & (Event.state == "draft")
    events = events_where(session, condition, size=10_000).events
    return [(event, when_text(event_view(event)), missing_of(details, now=instant))
            for event, details in service.details_of_all(session, events)]  # fmt: skip


def _published_words(published: int, left: int) -> str:
    words = "1 event is" if published == 1 else f"{published:,} events are"
    stays = "" if not left else " 1 stays a draft." if left == 1 else f" {left:,} stay drafts."
    return f"{words} published.{stays}"


@blueprint.route("/staff/programmes/<slug>/cancel", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def cancel_programme(slug: str) -> ResponseReturnValue:
    """Which events go, who is told in which words, then all of them in one go."""
    programme_id, form = _own_programme(slug).id, CancelEventsForm()
    if request.method == "POST" and form.validate() and "show" not in request.form:
        shown, ids = form.checked.data, _ids(form.events.data)
        done = keep(form, lambda session, **by: service.cancel_events(
            session, programme_id=programme_id, event_ids=ids, reason=form.reason.data, tell=tell_choice(),
            is_as_shown=lambda: shown in ("", seen_of(_foreseen(programme_id, form.reason.data))),
            settings=settings(), **by))  # fmt: skip
        if done is not None:
            words = "1 event is" if done.events == 1 else f"{done.events:,} events are"
            told = emailed_words(done.people if tell_choice() else 0) or "Nobody was emailed."
            flash(f"{words} cancelled. {told}")
            return see_other(url_for("schedule.staff_programme", slug=slug))
    found = _foreseen(programme_id, form.reason.data or REASON_COMES)
    form.events.data = " ".join(str(one.event_id) for one in found)
    form.checked.data = seen_of(found)
    page = render_template("schedule/cancel_programme.html", form=form, programme=_programme(slug), found=found,
                           all=many_events(found), people=sum(one.told for one in found))  # fmt: skip
    is_shown = request.method != "POST" or ("show" in request.form and not form.error_list())
    return page, 200 if is_shown else 422


def _foreseen(programme_id: int, reason: str) -> list[Consequences]:
    """What follows for each event of a programme that is still to come. Only reads."""
    session, instant = db.session(), now()
    condition = (Event.programme_id == programme_id) & Event.state.in_(CANCEL.sources) & (Event.over_at > instant)
    ids = [event.id for event in events_where(session, condition, size=10_000).events]
    return [service.foresee_step(session, event_id=event_id, step=CANCEL, reason=reason, now=instant,
                                 settings=settings()) for event_id in ids]  # fmt: skip


def _ids(typed: str | None) -> list[int]:
    """The events that a page listed; anything else in that field is nobody's id."""
    parts = (typed or "").split()[:10_000]
    return [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 10]


def _programme(slug: str) -> Programme:
    """The programme at this address, or 404."""
    programme = programme_by_slug(db.session(), slug)
    if programme is None:
        raise NotFound
    return programme


def _own_programme(slug: str) -> Programme:
    """The programme, or 404; 403 unless the person signed in organises it."""
    programme = _programme(slug)
    reach_of(db.session(), current_user).require_may_organise(programme.id)
    return programme

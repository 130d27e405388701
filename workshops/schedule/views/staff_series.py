"""Events made from an event: another date, a copy, and repeats whose dates are shown before anything is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.core.london_time import date_words, london_date
from workshops.schedule import service
from workshops.schedule.models import Event
from workshops.schedule.queries.clashes import Candidate, clashes_among, clashes_of_events
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import may_run, reach_of
from workshops.schedule.queries.series import dates_of_series, starts_of_series
from workshops.schedule.repeat_form import (
    CopyForm,
    NewDateForm,
    RepeatForm,
    days_from,
    new_when,
    repeat_defaults,
    rhythm_hints,
    times_of,
)
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.public_state import public_state, when_text
from workshops.schedule.rules.repeats import DatesDoNotFit, PlannedDate, plan_dates
from workshops.schedule.service.repeats import at_another_time
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import actor, counts_words, found_event, own_event
from workshops.web.access import FACILITATOR, VIEWER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: What the page of dates adds to the form; all else is carried along from the first step.
_ADDED = ("csrf_token", "action", "make", "shown")
MONTH_ONLY = "Only the month of this event is known, so it cannot repeat. Copy it, and give the copy a date."
NO_DATE_LEFT = "Tick at least one date"


@dataclass(frozen=True)
class ShownDate:
    """A date of a repeat on the page that shows them. can_be_made: False leaves no box to tick."""

    planned: PlannedDate
    words: str
    clashes: Sequence[Clash]
    is_there: bool
    is_ticked: bool

    @property
    def value(self) -> str:
        """What its box sends."""
        return self.planned.day.isoformat()

    @property
    def can_be_made(self) -> bool:
        """Whether it can be ticked at all."""
        return self.planned.when is not None and not self.is_there

    @property
    def flags(self) -> list[str]:
        """What to know about it, in sentences without a full stop."""
        flags = [clash.words for clash in self.clashes]
        if self.planned.problem or self.planned.note:
            flags.insert(0, (self.planned.problem or self.planned.note).rstrip("."))
        return flags


# --- repeats --------------------------------------------------------------------------------------------------------


@blueprint.route("/staff/events/<slug>/repeat", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def repeat_event(slug: str) -> ResponseReturnValue:
    event = own_event(slug)
    when = service.when_of(event)
    if when.month is not None:
        raise DomainError(MONTH_ONLY)
    form = RepeatForm(data=repeat_defaults(when.first_day) | {"form_key": service.new_form_key()})
    action = request.form.get("action", "check")
    if request.method != "POST" or (action == "back" and form.validate()):
        return _repeat_page(form, event)
    if not form.validate():
        return _repeat_page(form, event), 422
    try:
        days, rhythm = days_from(form, when.first_day, today=london_date(now()))
    except DatesDoNotFit as unfit:
        form.add_error(str(unfit), unfit.field)
        return _repeat_page(form, event), 422
    planned = plan_dates(when, days)
    ticked = _ticked(planned) if request.form.get("shown") else None
    if action not in ("save", "publish") or ticked is None:
        # Nothing is saved that was not shown.
        return _dates_page(form, event, planned, rhythm, ticked)
    if not ticked:
        form.make_error = NO_DATE_LEFT
        return _dates_page(form, event, planned, rhythm, ticked), 422
    return _make_dates(form, event, [one for one in planned if one.day in ticked], planned, rhythm, action == "publish")


def _ticked(planned: Sequence[PlannedDate]) -> set[date]:
    sent = set(request.form.getlist("make"))
    return {one.day for one in planned if one.when is not None and one.day.isoformat() in sent}


def _make_dates(
    form: RepeatForm,
    event: Event,
    chosen: Sequence[PlannedDate],
    planned: Sequence[PlannedDate],
    rhythm: str,
    publish: bool,
) -> ResponseReturnValue:
    slug, event_id = event.slug, event.id
    try:
        with transaction() as session:
            done = service.repeat_event(
                session, event_id=event_id, whens=[one.when for one in chosen if one.when is not None], rhythm=rhythm,
                publish=publish, form_key=form.form_key.data or "", now=now(), actor=actor(), settings=settings(),
            )  # fmt: skip
            made, there = len(done.events), done.there_already
    except DetailsDoNotFit as unfit:
        for problem in unfit.problems:
            form.add_error(problem.sentence)
        return _dates_page(form, own_event(slug), planned, rhythm, {one.day for one in chosen}), 422
    flash(_made_words(made, there, publish))
    return see_other(url_for("schedule.dates_of_event", slug=slug))


def _made_words(made: int, there: int, published: bool) -> str:
    if not made:
        return "These dates are there already, so nothing was made."
    words = "1 date is" if made == 1 else f"{made} dates are"
    drafts = "saved as a draft. Look it over, then publish it." if made == 1 else (
        "saved as drafts. Look them over, then publish them.")
    done = f"{words} " + ("published." if published else drafts)
    return f"{done} {there} {'was' if there == 1 else 'were'} there already." if there else done


def _repeat_page(form: RepeatForm, event: Event) -> str:
    day = service.when_of(event).first_day
    form.rhythm.hints = rhythm_hints(day)
    usual = repeat_defaults(day)
    return render_template(
        "schedule/repeat_event.html", form=form, event=event, when=when_text(event_view(event)),
        other_weekday=bool(form.position.errors or form.weekday.errors)
        or (form.position.data, form.weekday.data) != (usual["position"], usual["weekday"]),
    )  # fmt: skip


def _dates_page(
    form: RepeatForm, event: Event, planned: Sequence[PlannedDate], rhythm: str, ticked: set[date] | None
) -> str:
    session = db.session()
    details, there = service.details_of(session, event), starts_of_series(session, event)
    possible = [one for one in planned if one.when is not None]
    candidates = [Candidate(at_another_time(details, one.when)) for one in possible if one.when is not None]
    found = dict(zip((one.day for one in possible), clashes_among(session, candidates, now=now()), strict=True))
    shown = [
        ShownDate(
            one,
            one.when.words(uk_time=details.mode == "online") if one.when else date_words(one.day),
            found.get(one.day, []),
            one.when is not None and (one.when.starts_at or one.when.starts_on) in there,
            ticked is None or one.day in ticked,
        )
        for one in planned
    ]
    carried = [(name, value) for name, value in request.form.items(multi=True) if name not in _ADDED]
    return render_template(
        "schedule/_repeat_dates.html", form=form, event=event, dates=shown, rhythm=rhythm, carried=carried,
        flagged=sum(bool(one.flags) and not one.is_there for one in shown),
        possible=sum(one.can_be_made for one in shown),
    )  # fmt: skip


# --- one more date, and copies --------------------------------------------------------------------------------------


@blueprint.route("/staff/events/<slug>/add-date", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def add_date(slug: str) -> ResponseReturnValue:
    event = own_event(slug)
    source = service.when_of(event)
    form = NewDateForm(data=times_of(source) | {"form_key": service.new_form_key()})
    if request.method != "POST":
        return _new_date_page("schedule/add_date.html", form, event)
    if form.validate():
        event_id = event.id
        try:
            when = new_when(form, source)
            with transaction() as session:
                saved = service.add_date(session, event_id=event_id, when=when, form_key=form.form_key.data or "",
                                         now=now(), actor=actor(), settings=settings())  # fmt: skip
                made = saved.event.id, saved.event.slug
        except DetailsDoNotFit as unfit:
            _show_problems(form, unfit)
        else:
            return _after_making(*made, "The new date is saved as a draft. Look it over, then publish it.")
    return _new_date_page("schedule/add_date.html", form, own_event(slug)), 422


@blueprint.route("/staff/events/<slug>/copy", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def copy_event(slug: str) -> ResponseReturnValue:
    """Everybody who makes events may start from any event; what only its own people may see stays behind."""
    event = found_event(slug)
    source = service.when_of(event)
    form = CopyForm(data=times_of(source) | {"title": event.title, "form_key": service.new_form_key()})
    if request.method != "POST":
        return _new_date_page("schedule/copy_event.html", form, event)
    if form.validate():
        event_id, reach = event.id, reach_of(db.session(), current_user)
        keeps_all = reach.may_run(event)
        programme = event.programme.title if event.programme and reach.may_organise(event.programme_id) else ""
        try:
            when = new_when(form, source)
            with transaction() as session:
                saved = service.copy_event(
                    session, event_id=event_id, title=form.title.data, when=when, keeps_all=keeps_all,
                    owner_id=current_user.id, programme=programme, form_key=form.form_key.data or "", now=now(),
                    actor=actor(), settings=settings(),
                )  # fmt: skip
                made = saved.event.id, saved.event.slug
        except DetailsDoNotFit as unfit:
            _show_problems(form, unfit)
        else:
            return _after_making(*made, "The copy is saved as a draft. Look it over, then publish it.", saved.notes)
    return _new_date_page("schedule/copy_event.html", form, found_event(slug)), 422


def _new_date_page(template: str, form: NewDateForm, event: Event) -> str:
    return render_template(template, form=form, event=event, when=when_text(event_view(event)),
                           has_days=bool(event.days), runs=may_run(db.session(), current_user, event))  # fmt: skip


def _show_problems(form: NewDateForm, unfit: DetailsDoNotFit) -> None:
    for problem in unfit.problems:
        form.add_error(problem.sentence, problem.field)


def _after_making(event_id: int, slug: str, words: str, notes: Sequence[str] = ()) -> ResponseReturnValue:
    """To the new event, with what stands in its way."""
    flash(words)
    for note in notes:
        flash(note, "info")
    for clash in clashes_of_events(db.session(), [event_id], now=now())[event_id]:
        flash(f"{clash.words}.", "info")
    return see_other(url_for("schedule.staff_event", slug=slug))


# --- all dates of a series ------------------------------------------------------------------------------------------


@blueprint.get("/staff/events/<slug>/dates")
@access(VIEWER)
def dates_of_event(slug: str) -> ResponseReturnValue:
    event, session, instant = found_event(slug), db.session(), now()
    dates = dates_of_series(session, event)
    clashes = clashes_of_events(session, [one.id for one in dates if one.over_at > instant], now=instant)
    reach = reach_of(session, current_user)
    rows: list[dict[str, Any]] = [
        {
            "event": one,
            "when": when_text(event_view(one)),
            "state": public_state(event_view(one), instant),
            "places": counts_words(one) if one.booking not in ("none", "elsewhere") and not one.month else "",
            "clashes": clashes.get(one.id, []),
        }
        for one in dates
    ]
    return render_template(
        "schedule/dates_of_event.html",
        event=event,
        rows=rows,
        rhythm=event.series.rhythm if event.series else "",
        runs=reach.may_run(event),
        drafts=sum(one.over_at > instant and one.state == "draft" and reach.may_run(one) for one in dates),
        ahead=sum(one.over_at > instant and one.state in ("published", "postponed") and reach.may_run(one)
                  for one in dates),  # fmt: skip
    )


@blueprint.post("/staff/events/<slug>/dates/publish")
@access(FACILITATOR)
def publish_dates(slug: str) -> ResponseReturnValue:
    event_id, reach = own_event(slug).id, reach_of(db.session(), current_user)
    try:
        with transaction() as session:
            number = service.publish_dates(session, event_id=event_id, reach=reach, now=now(), actor=actor(),
                                           settings=settings())  # fmt: skip
    except DomainError as error:
        flash(str(error), "error")
    else:
        words = "1 date is published." if number == 1 else f"{number} dates are published."
        flash(words if number else "There was no draft to publish.")
    return see_other(url_for("schedule.dates_of_event", slug=slug))

"""Times for each day of an event: one row a day, from the first to the last."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.core.london_time import date_words, london_date, wall_time
from workshops.core.typed_dates import parse_date, parse_time
from workshops.schedule import service
from workshops.schedule.forms import days_form
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.when import DAYS_MAX, TypedDay, When, check_days, days_typed
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import own_event
from workshops.schedule.views.staff_changes import goes_back
from workshops.schedule.views.staff_event_form import Editing, asks_to_tell, editing, save
from workshops.schedule.views.staff_event_parts import after
from workshops.web.access import FACILITATOR, access
from workshops.web.responses import see_other


@blueprint.route("/staff/events/<slug>/edit/days", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_days(slug: str) -> ResponseReturnValue:
    page = editing(slug, ())
    days, values = _days(page.before.when)
    if not days:
        return see_other(url_for("schedule.edit_part", slug=slug, part="when"))
    form = days_form({day: date_words(day) for day in days})(data=values)
    if not form.edition.data:
        form.edition.data = str(page.event.edition)
    if request.method != "POST" or goes_back():
        return _page(page, form, days)
    page.form.edition.data = form.edition.data
    if form.validate():
        typed = [TypedDay(day, form[f"starts_{day}"].data, form[f"ends_{day}"].data) for day in days]
        try:
            when = days_typed(typed)
            details = replace(page.before, when=when)
            words = f"Saved: {when.words(uk_time=details.mode == 'online')}."
            return save(page, details, address=after(page, "when"), words=words, part="when")
        except service.EditedMeanwhile as meanwhile:
            event = own_event(slug)
            saved = service.when_of(event).words(uk_time=event.mode == "online")
            form.add_error("Somebody else changed this event while you were editing it. Its time is now saved as: "
                           f"{saved}. Save again to put yours in its place")  # fmt: skip
            form.edition.data = str(meanwhile.edition)
        except DetailsDoNotFit as unfit:
            for problem in unfit.problems:
                form.add_error(problem.sentence, problem.field if problem.field != "days" else f"starts_{days[0]}")
    return _page(page, form, days), 422


def _days(when: When) -> tuple[list[date], dict[str, Any]]:
    """The days to ask for, and the times to begin with: those of the address, or those the event has."""
    try:
        first, last = (parse_date(request.args.get(name, "")) for name in ("first", "last"))
        check_days(first, last)
    except (ValueError, DetailsDoNotFit):
        if not when.days:
            return [], {}
        first, last = when.first_day, london_date(when.days[-1][0])
    days = [first + timedelta(days=number) for number in range(min((last - first).days + 1, 10 * DAYS_MAX))]
    kept = {london_date(starts): (wall_time(starts), wall_time(ends)) for starts, ends in when.days}
    usual = (_time("start"), _time("end"))
    chosen = {day: usual if any(usual) else kept.get(day, usual) for day in days}
    values: dict[str, Any] = {}
    for day, (starts, ends) in chosen.items():
        values |= {f"starts_{day}": starts, f"ends_{day}": ends}
    return days, values


def _time(name: str) -> Any:
    try:
        return parse_time(request.args.get(name, ""))
    except ValueError:
        return None


def _page(page: Editing, form: Any, days: list[date]) -> str:
    event = own_event(page.event.slug) if request.method == "POST" else page.event
    return render_template(
        "schedule/edit_days.html",
        event=event,
        form=form,
        rows=[(date_words(day), form[f"starts_{day}"], form[f"ends_{day}"]) for day in days],
        asks=asks_to_tell(event),
        span={name: request.args[name] for name in ("first", "last", "start", "end") if name in request.args},
    )

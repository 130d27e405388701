"""The parts of an event, each a page of its own that can be left and resumed, and the check before publishing."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.core.clock import now
from workshops.core.db import db
from workshops.core.errors import NotFound
from workshops.schedule import service
from workshops.schedule.event_form import show_problems
from workshops.schedule.forms import PART_FIELDS
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.rules.parts import PARTS, missing_of, next_part
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.when import check_days
from workshops.schedule.views import blueprint
from workshops.schedule.views.event_summary import summary_of
from workshops.schedule.views.staff import own_event
from workshops.schedule.views.staff_changes import goes_back
from workshops.schedule.views.staff_event_form import (
    Editing,
    NotSaved,
    asks_to_tell,
    clashes_for,
    editing,
    event_address,
    move_hidden_errors,
    room_warning,
    save_page,
    wants_list,
)
from workshops.web.access import FACILITATOR, access
from workshops.web.markdown import render_markdown
from workshops.web.responses import see_other

TITLES = {**PARTS, "history": "Figures reported elsewhere"}


@blueprint.route("/staff/events/<slug>/edit/<part>", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_part(slug: str, part: str) -> ResponseReturnValue:
    if part not in PART_FIELDS:
        raise NotFound
    page = editing(slug, PART_FIELDS[part])
    if request.method != "POST" or goes_back():
        return part_page(page, part)
    if request.form.get("action") == "look":
        return part_page(page, part, preview=render_markdown(page.form.description.data))
    answer: ResponseReturnValue | NotSaved = NotSaved()
    if page.form.validate():
        if part == "when" and page.form.shape.data == "days":
            answer = _on_to_days(page)
        else:
            answer = save_page(page, address=after(page, part), words=partial(saved_words, page, part), part=part)
    if isinstance(answer, NotSaved):
        return part_page(page, part, answer), 422
    return answer


def _on_to_days(page: Editing) -> ResponseReturnValue | NotSaved:
    """The page on which each day gets its times, with what was typed here."""
    form = page.form
    first, last = form.starts_on.data, form.ends_on.data
    try:
        check_days(first, last or first)
    except DetailsDoNotFit as unfit:
        show_problems(form, unfit)
        return NotSaved()
    times = {"start": form.start_time.data, "end": form.end_time.data}
    was = page.before.when
    if was.days and (was.first_day, was.last_day) == (first, last):
        return see_other(url_for("schedule.edit_days", slug=page.event.slug))
    typed = {name: at.strftime("%H:%M") for name, at in times.items() if at is not None}
    days = {"first": first.isoformat(), "last": last.isoformat()}
    return see_other(url_for("schedule.edit_days", slug=page.event.slug, **days, **typed))


def after(page: Editing, part: str) -> str:
    """Where to go once a part is saved: the next part of a draft, the list, or the summary."""
    slug = page.event.slug
    if page.event.state != "draft" or part not in PARTS or wants_list():
        return event_address(slug)
    following = next_part(part)
    if following == "check":
        return url_for("schedule.check_event", slug=slug)
    return url_for("schedule.edit_part", slug=slug, part=following)


def saved_words(page: Editing, part: str, details: EventDetails) -> str:
    """What is said once a part is saved; a time is read back in words."""
    if part == "when":
        return f"Saved: {details.when.words(uk_time=details.mode == 'online')}."
    return f"“{TITLES[part]}” is saved." if page.event.state == "draft" else "The changes are saved."


def part_page(page: Editing, part: str, found: NotSaved | None = None, *, preview: Any = None) -> str:
    """The page of one part."""
    # A transaction that failed ended with what it had read, so the event is looked up again.
    event = own_event(page.event.slug) if request.method == "POST" else page.event
    move_hidden_errors(page.form, page.names)
    is_named = "registration.invited" in current_app.view_functions
    return render_template(
        "schedule/edit_part.html",
        event=event,
        form=page.form,
        part=part,
        title=TITLES[part],
        together=found.together if found else None,
        preview=preview,
        asks=asks_to_tell(event),
        words=page.before.when.words(uk_time=page.before.mode == "online"),
        may_give_away=page.known.may_give_away,
        invited_address=url_for("registration.invited", slug=event.slug) if is_named else None,
        room_warning=room_warning(event, page.before),
    )


@blueprint.get("/staff/events/<slug>/edit/check")
@access(FACILITATOR)
def check_event(slug: str) -> ResponseReturnValue:
    event = own_event(slug)
    if event.state != "draft":
        return see_other(event_address(slug))
    details = service.details_of(db.session(), event)
    missing = missing_of(details, now=now())
    return render_template(
        "schedule/check_event.html",
        event=event,
        when=details.when.words(uk_time=details.mode == "online"),
        groups=summary_of(event, details, runs=True),
        missing=missing,
        can_publish=not any(one.blocks for one in missing),
        clashes=clashes_for(event, details),
        room_warning=room_warning(event, details),
        titles=PARTS,
    )

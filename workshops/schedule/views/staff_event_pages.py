"""Making an event, looking at it, changing all of it on one page, and seeing it as the public will."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm.attributes import set_committed_value

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.text import clean_text
from workshops.schedule import service
from workshops.schedule.event_form import Known, defaults, details_from, show_problems
from workshops.schedule.forms import FIRST_SCREEN, GROUPS, WHEN_FIELDS, EventForm
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import may_run
from workshops.schedule.queries.staff import series_of
from workshops.schedule.rules.parts import PART_WORDS, progress_words, tasks_of
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.public_state import public_state, when_text
from workshops.schedule.rules.states import possible_steps
from workshops.schedule.views import blueprint
from workshops.schedule.views.event_page import event_context
from workshops.schedule.views.event_summary import summary_of
from workshops.schedule.views.staff import actor, found_event, own_event, sections
from workshops.schedule.views.staff_changes import goes_back
from workshops.schedule.views.staff_event_form import (
    Editing,
    NotSaved,
    asks_to_tell,
    clashes_for,
    editing,
    event_address,
    event_form,
    move_hidden_errors,
    room_warning,
    save_page,
)
from workshops.web.access import FACILITATOR, VIEWER, access
from workshops.web.guards import settings
from workshops.web.markdown import render_markdown
from workshops.web.responses import see_other

#: The first screen of a new event; history may be known by its month alone.
NEW_SCREEN = (*FIRST_SCREEN, "month")
#: All fields on the page with everything.
WHOLE = (*FIRST_SCREEN, *(name for _, _, names in GROUPS for name in names))


@blueprint.route("/staff/events/new", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def new_event() -> ResponseReturnValue:
    form, known = event_form(
        None, defaults() | {"owner": current_user.id, "form_key": service.new_form_key()}, NEW_SCREEN
    )
    if request.method != "POST":
        return _new_page(form)
    if form.validate():
        try:
            return _create(form, known)
        except DetailsDoNotFit as unfit:
            show_problems(form, unfit)
    return _new_page(form), 422


def _create(form: EventForm, known: Known) -> ResponseReturnValue:
    publish = request.form.get("action") == "publish"
    details = details_from(form, known, None, current_user.id)
    with transaction() as session:
        saved = service.create_event(session, details=details, form_key=form.form_key.data or "", now=now(),
                                     actor=actor(), settings=settings())  # fmt: skip
        # The first screen asks for all there is to say about the usual time.
        service.keep_part(session, event_id=saved.event.id, part="when")
        # A second press of the button finds it published.
        if publish and saved.event.state == "draft":
            service.publish_event(session, event_id=saved.event.id, now=now(), actor=actor(), settings=settings())
        slug = saved.event.slug
    when = details.when.words(uk_time=details.mode == "online")
    flash(f"The event is published: {when}." if publish else f"The draft is saved: {when}. Only staff can see it.")
    for note in saved.notes:
        flash(note, "info")
    return see_other(event_address(slug))


@blueprint.route("/staff/events/<slug>/edit", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_event(slug: str) -> ResponseReturnValue:
    page = editing(slug, WHOLE)
    if request.method != "POST" or goes_back():
        return _edit_page(page)
    found = NotSaved()
    if page.form.validate():
        answer = save_page(page, address=event_address(slug), words=lambda _: "The changes are saved.")
        if not isinstance(answer, NotSaved):
            return answer
        found = answer
    return _edit_page(page, found), 422


@blueprint.post("/staff/preview-description")
@access(FACILITATOR, keeps_typed=True)
def preview_description() -> ResponseReturnValue:
    """The form again, filled, with its description as the public would read it. Saves nothing."""
    slug = clean_text(request.args.get("event"))
    if slug:
        page = editing(slug, WHOLE)
        return _edit_page(page, preview=render_markdown(page.form.description.data))
    form, _ = event_form(None, defaults(), NEW_SCREEN)
    return _new_page(form, preview=render_markdown(form.description.data))


@blueprint.get("/staff/events/<slug>")
@access(VIEWER)
def staff_event(slug: str) -> ResponseReturnValue:
    event, instant, session = found_event(slug), now(), db.session()
    details, view = service.details_of(session, event), event_view(event)
    runs = may_run(db.session(), current_user, event)
    tasks = tasks_of(details, event.parts_done, now=instant) if runs and event.state == "draft" else []
    return render_template(
        "schedule/staff_event.html",
        event=event,
        view=view,
        state=public_state(view, instant),
        when=when_text(view),
        sections=sections(event),
        tasks=[_task_line(event.slug, task) for task in tasks],
        progress=progress_words(tasks) if tasks else "",
        groups=summary_of(event, details, runs=runs) if not tasks else [],
        clashes=clashes_for(event, details) if runs else [],
        room_warning=room_warning(event, details) if runs and event.over_at > instant else "",
        runs=runs,
        steps=possible_steps(event.state, over_at=event.over_at, now=instant,
                             has_people=service.anybody_registered(session, event)) if runs else (),  # fmt: skip
        people=service.counts_of(event).people,
        series=[(other, when_text(event_view(other)), public_state(event_view(other), instant))
                for other in series_of(session, event)],  # fmt: skip
        address=f"{settings().base_url}{url_for('schedule.event', slug=event.slug)}",
    )


def _task_line(slug: str, task: Any) -> dict[str, Any]:
    """A line of the task list; a part that cannot start yet is no link."""
    address = (
        url_for("schedule.check_event", slug=slug)
        if task.key == "check"
        else url_for("schedule.edit_part", slug=slug, part=task.key)
    )
    return {
        "title": task.title,
        "status": task.status,
        "summary": f"{task.why}." if task.why else PART_WORDS[task.key],
        "href": "" if task.why else address,
    }


@blueprint.get("/staff/events/<slug>/preview")
@access(VIEWER)
def preview_event(slug: str) -> ResponseReturnValue:
    event, session = found_event(slug), db.session()
    is_draft = event.state == "draft"
    if is_draft:
        # As it will look once it is published; said to the object alone, so that nothing is written.
        set_committed_value(event, "state", "published")
    with session.no_autoflush:
        page = render_template("schedule/preview_event.html", is_draft=is_draft, **event_context(event, session, now()))
    session.expire(event)
    return page


# --- what the pages are made of -----------------------------------------------------------------------------


def _new_page(form: EventForm, preview: Any = None) -> str:
    """The first screen. What was sent for fields that are not on it is carried along, or shown where it is wrong."""
    sent = {name.rsplit("-", 1)[0] if name.endswith(("-day", "-month", "-year")) else name for name in request.form}
    other = [field for field in form if field.name in sent and field.name not in NEW_SCREEN
             and field.name not in ("csrf_token", "form_key", "edition", "was")]  # fmt: skip
    shown = [field for field in other if field.errors]
    if preview is not None and form.description not in shown:
        shown.append(form.description)
    names = {name for field in other if field not in shown for name in _sent_names(field.name)}
    move_hidden_errors(form, {*NEW_SCREEN, *(field.name for field in shown)})
    return render_template(
        "schedule/new_event.html",
        form=form,
        shown=shown,
        carried=[(name, value) for name, value in request.form.items(multi=True) if name in names],
        preview=preview,
        event=None,
    )


def _sent_names(name: str) -> tuple[str, ...]:
    return (name, f"{name}-day", f"{name}-month", f"{name}-year")


def _edit_page(page: Editing, found: NotSaved = NotSaved(), *, preview: Any = None) -> str:  # noqa: B008 - frozen
    # A transaction that failed ended with what it had read, so the event is looked up again.
    event = own_event(page.event.slug) if request.method == "POST" else page.event
    has_days = bool(page.before.when.days)
    names = [name for name in WHOLE if not (has_days and name in WHEN_FIELDS)]
    move_hidden_errors(page.form, set(names))
    return render_template(
        "schedule/edit_event.html",
        form=page.form,
        groups=_groups(page.form, names, preview is not None),
        event=event,
        together=found.together,
        preview=preview,
        has_days=has_days,
        when=page.before.when.words(uk_time=page.before.mode == "online"),
        asks=asks_to_tell(event),
    )


def _groups(form: EventForm, shown: list[str], has_preview: bool) -> list[dict[str, Any]]:
    """The parts below the first screen; one that holds an error, or is asked for, stands open."""
    asked = request.args.get("part", "")
    may_give_away = current_user.role in ("organiser", "admin")
    groups = [
        {
            "id": key,
            "title": title,
            "fields": [form[name] for name in names if name in shown and (name != "owner" or may_give_away)],
            "open": key == asked or any(form[name].errors for name in names) or (has_preview and key == "about"),
        }
        for key, title, names in GROUPS
    ]
    return [group for group in groups if group["fields"]]

"""What events choose from: organisations, topics and kinds. And "More", the page that leads to all of it."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.db import db
from workshops.core.errors import NotAllowed, NotFound
from workshops.schedule import service
from workshops.schedule.catalogue_forms import HostForm, KindForm, MergeForm, TopicForm
from workshops.schedule.models import Event, Host, Topic
from workshops.schedule.queries.names import alike_names, count_of, earlier_names, hosts_page, topics_page
from workshops.schedule.queries.staff import events_where, kind_counts, kinds_by_name
from workshops.schedule.rules.catalogue import HostDetails
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import asked_page, asked_words, keep, rows_of
from workshops.web.access import ORGANISER, VIEWER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.get("/staff/more")
@access(VIEWER)
def staff_more() -> ResponseReturnValue:
    return render_template("schedule/staff_more.html")


def _may_curate() -> bool:
    return current_user.role in ("organiser", "admin")


# --- organisations --------------------------------------------------------------------------------------------


@blueprint.get("/staff/hosts")
@access(VIEWER)
def staff_hosts() -> ResponseReturnValue:
    words = asked_words()
    return render_template(
        "schedule/staff_hosts.html",
        found=hosts_page(db.session(), words, asked_page()),
        words=words,
        page_address=lambda number: url_for("schedule.staff_hosts", q=words or None, page=number),
        may_edit=_may_curate(),
    )


@blueprint.get("/staff/hosts/<int:host_id>")
@access(VIEWER)
def staff_host(host_id: int) -> ResponseReturnValue:
    session, host = db.session(), _found(Host, host_id)
    page = events_where(session, Event.host_id == host_id, page=asked_page(), latest_first=True)
    return render_template(
        "schedule/staff_host.html",
        host=host,
        page=page,
        rows=rows_of(page.events),
        earlier=earlier_names(session, "host", host_id),
        page_address=lambda number: url_for("schedule.staff_host", host_id=host_id, page=number),
        may_edit=_may_curate(),
    )


@blueprint.route("/staff/hosts/new", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def new_host() -> ResponseReturnValue:
    form = HostForm()
    if request.method == "POST" and form.validate():
        host_id = _save_host(form, None)
        if host_id is not None:
            flash("The organisation is added.")
            return see_other(url_for("schedule.staff_host", host_id=host_id))
    return render_template("schedule/new_host.html", form=form), 200 if request.method != "POST" else 422


@blueprint.route("/staff/hosts/<int:host_id>/edit", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def edit_host(host_id: int) -> ResponseReturnValue:
    form = HostForm(obj=_found(Host, host_id))
    if request.method == "POST" and form.validate() and _save_host(form, host_id) is not None:
        flash("The organisation is saved. The pages of its events follow.")
        return see_other(url_for("schedule.staff_host", host_id=host_id))
    page = render_template("schedule/edit_host.html", form=form, host=_found(Host, host_id),
                           count=count_of(db.session(), "host", host_id))  # fmt: skip
    return page, 200 if request.method != "POST" else 422


def _save_host(form: HostForm, host_id: int | None) -> int | None:
    details = HostDetails(
        name=form.name.data,
        contact_name=form.contact_name.data,
        contact_email=form.contact_email.data,
        contact_phone=form.contact_phone.data,
        website=form.website.data,
        description=form.description.data,
    )
    return keep(form, lambda session, **by: service.save_host(
        session, host_id=host_id, details=details, settings=settings(), **by).id)  # fmt: skip


@blueprint.route("/staff/hosts/<int:host_id>/merge", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def merge_host(host_id: int) -> ResponseReturnValue:
    return _merge(Host, host_id)


@blueprint.post("/staff/hosts/<int:host_id>/delete")
@access(ORGANISER)
def delete_host(host_id: int) -> ResponseReturnValue:
    return _delete(Host, host_id)


# --- topics ---------------------------------------------------------------------------------------------------


@blueprint.route("/staff/topics", methods=["GET", "POST"])
@access(VIEWER, keeps_typed=True)
def staff_topics() -> ResponseReturnValue:
    form = TopicForm()
    if request.method == "POST":
        if not _may_curate():
            raise NotAllowed("Only organisers and admins change the list of topics.")
        if form.validate() and keep(form, lambda session, **by: service.save_topic(
                session, topic_id=None, name=form.name.data, settings=settings(), **by)):  # fmt: skip
            flash("The topic is added.")
            return see_other(url_for("schedule.staff_topics"))
    words = asked_words()
    page = render_template(
        "schedule/staff_topics.html",
        form=form,
        found=topics_page(db.session(), words, asked_page()),
        words=words,
        page_address=lambda number: url_for("schedule.staff_topics", q=words or None, page=number),
        may_edit=_may_curate(),
    )
    return page, 200 if request.method != "POST" else 422


@blueprint.route("/staff/topics/<int:topic_id>/edit", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def edit_topic(topic_id: int) -> ResponseReturnValue:
    form = TopicForm(obj=_found(Topic, topic_id))
    if request.method == "POST" and form.validate() and keep(form, lambda session, **by: service.save_topic(
            session, topic_id=topic_id, name=form.name.data, settings=settings(), **by)):  # fmt: skip
        flash("The topic is saved. Its events, their pages and calendar entries follow.")
        return see_other(url_for("schedule.staff_topics"))
    session, topic = db.session(), _found(Topic, topic_id)
    page = render_template(
        "schedule/edit_topic.html",
        form=form,
        topic=topic,
        count=count_of(session, "topic", topic_id),
        earlier=earlier_names(session, "topic", topic_id),
    )
    return page, 200 if request.method != "POST" else 422


@blueprint.route("/staff/topics/<int:topic_id>/merge", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def merge_topic(topic_id: int) -> ResponseReturnValue:
    return _merge(Topic, topic_id)


@blueprint.post("/staff/topics/<int:topic_id>/delete")
@access(ORGANISER)
def delete_topic(topic_id: int) -> ResponseReturnValue:
    return _delete(Topic, topic_id)


# --- both -----------------------------------------------------------------------------------------------------


def _merge(model: type[Host] | type[Topic], row_id: int) -> ResponseReturnValue:
    """First into which one, then a page that says what follows, then the merge."""
    what = "host" if model is Host else "topic"
    form = MergeForm(data={"into": request.args.get("into", "")})
    _found(model, row_id)
    other = _other(model, form.into.data, row_id)
    if request.method == "POST" and form.validate() and other is None:
        form.add_error("Choose the one that stays")
    elif request.method == "POST" and form.validate() and other is not None:
        kept_id, name = other.id, other.name
        use_case: Any = service.merge_hosts if model is Host else service.merge_topics
        if keep(form, lambda session, **by: use_case(
                session, gone_id=row_id, kept_id=kept_id, settings=settings(), **by)) is not None:  # fmt: skip
            flash(f"The two are one now: {name}. Its events, pages and calendar entries follow.")
            return see_other(_address(model, kept_id))
    return _merge_page(what, model, form, row_id), 200 if request.method != "POST" else 422


def _merge_page(what: Any, model: type[Host] | type[Topic], form: MergeForm, row_id: int) -> str:
    session, words = db.session(), asked_words()
    row, other = _found(model, row_id), _other(model, form.into.data, row_id)
    search = hosts_page if model is Host else topics_page
    choices = search(session, words).rows[:20] if words else alike_names(session, model, row)
    return render_template(
        f"schedule/merge_{what}.html",
        form=form,
        row=row,
        other=other,
        words=words,
        choices=[(one.id, one.name, "") for one in choices if one.id != row_id],
        count=count_of(session, what, row_id),
    )


def _delete(model: type[Host] | type[Topic], row_id: int) -> ResponseReturnValue:
    what: Any = "host" if model is Host else "topic"
    name = _found(model, row_id).name
    if keep(None, lambda session, **by: service.delete_name(session, what=what, row_id=row_id, **by)):
        flash(f"“{name}” is deleted.")
        return see_other(url_for("schedule.staff_hosts" if model is Host else "schedule.staff_topics"))
    return see_other(_address(model, row_id))


def _address(model: type[Host] | type[Topic], row_id: int) -> str:
    if model is Host:
        return url_for("schedule.staff_host", host_id=row_id)
    return url_for("schedule.edit_topic", topic_id=row_id)


def _found(model: Any, row_id: int) -> Any:
    row = db.session().get(model, row_id) if row_id < 2**31 else None
    if row is None:
        raise NotFound
    return row


def _other(model: Any, typed: str | None, row_id: int) -> Any:
    if not typed or not typed.isascii() or not typed.isdigit() or len(typed) > 9 or int(typed) == row_id:
        return None
    return db.session().get(model, int(typed))


# --- kinds ----------------------------------------------------------------------------------------------------


@blueprint.route("/staff/kinds", methods=["GET", "POST"])
@access(VIEWER, keeps_typed=True)
def staff_kinds() -> ResponseReturnValue:
    form, may_add = KindForm(), current_user.role == "admin"
    if request.method == "POST":
        if not may_add:
            raise NotAllowed("Only admins add kinds of events.")
        if form.validate() and keep(form, lambda session, **by: service.make_kind(session, name=form.name.data, **by)):
            flash("The kind is added.")
            return see_other(url_for("schedule.staff_kinds"))
    session = db.session()
    page = render_template("schedule/staff_kinds.html", form=form, kinds=kinds_by_name(session),
                           counts=kind_counts(session), may_add=may_add)  # fmt: skip
    return page, 200 if request.method != "POST" else 422

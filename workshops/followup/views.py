"""The pages of the time afterwards: what is left, notes, write-ups, and the public list of write-ups."""

from __future__ import annotations

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.attendance import queries as attendance
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotAllowed, NotFound
from workshops.core.london_time import london_date
from workshops.core.versions import public_version
from workshops.followup import queries, service
from workshops.followup.forms import HeadcountForm, LinkForm, NotesForm, WithdrawForm, WriteUpForm
from workshops.followup.models import WriteUp
from workshops.followup.rules import PAGE_SIZE, WriteUpDetails, due_words, is_overdue, personal_data_in, thanks_due
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries import event_by_slug
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import may_run, reach_of, require_may_run
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.reach import Reach
from workshops.web.access import FACILITATOR, PUBLIC, VIEWER, access
from workshops.web.responses import Built, public_answer, see_other

blueprint = Blueprint("followup", __name__)


def _own_event(slug: str) -> Event:
    """The event, when this account runs it. Raises NotFound, NotAllowed."""
    event = event_by_slug(db.session(), slug)
    if event is None:
        raise NotFound
    require_may_run(db.session(), current_user, event)
    return event


def _heading(event: Event) -> dict[str, object]:
    """What the frame of an event's pages shows."""
    return {"event": event, "when": when_text(event_view(event)), "where": location_words(event)}


def _own_write_up(write_up_id: int) -> WriteUp:
    """The write-up, when this account runs its event or was asked to write it. Raises NotFound, NotAllowed."""
    write_up = queries.write_up_by_id(db.session(), write_up_id)
    if write_up is None:
        raise NotFound
    if not _may_write(write_up):
        raise NotAllowed
    return write_up


def _may_write(write_up: WriteUp, reach: Reach | None = None) -> bool:
    """Whether this account runs its event or was asked to write it. reach: of the account, when it is known already."""
    if current_user.role == "viewer":
        return False
    reach = reach or reach_of(db.session(), current_user)
    return write_up.owner_id == current_user.id or reach.may_run(write_up.event)


# --- public --------------------------------------------------------------------------------------------------


@blueprint.get("/write-ups")
@access(PUBLIC)
def write_ups() -> ResponseReturnValue:
    """Everything published about past events, newest first."""
    asked = request.args.get("page", "")
    page = max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1

    def build() -> Built:
        found, total = queries.page_of_write_ups(db.session(), page, PAGE_SIZE)
        pages = max(1, -(-total // PAGE_SIZE))
        if page > pages:
            raise _BeyondTheEnd(pages)
        html = render_template("followup/write_ups.html", write_ups=found, total=total, page=page, pages=pages)
        return Built(html.encode(), "text/html; charset=utf-8")

    try:
        return public_answer(f"write-ups?page={page}", public_version(db.session()), build, now=now())
    except _BeyondTheEnd as beyond:
        address = url_for("followup.write_ups", page=beyond.pages if beyond.pages > 1 else None)
        return render_template("schedule/_beyond.html", last=beyond.pages, address=address), 404


class _BeyondTheEnd(Exception):
    """A page after the last one was asked for."""

    def __init__(self, pages: int) -> None:
        self.pages = pages


# --- an event afterwards -------------------------------------------------------------------------------------


@blueprint.get("/staff/events/<slug>/afterwards")
@access(FACILITATOR)
def afterwards(slug: str) -> ResponseReturnValue:
    """What is left to do after the event."""
    event = _own_event(slug)
    return _afterwards_page(event, HeadcountForm(came=event.reported_attended))


def _afterwards_page(event: Event, headcount: HeadcountForm) -> str:
    session = db.session()
    return render_template(
        "followup/afterwards.html",
        **_heading(event),
        counts=attendance.counts(session, event.id),
        note=queries.notes_of(session, event.id),
        write_ups=queries.write_ups_of(session, event.id),
        headcount=headcount,
        withdraw=WithdrawForm(formdata=None),
        is_over=event.over_at <= now(),
        thanks_at=thanks_due(event.over_at)[0] if thanks_due(event.over_at)[1] > now() else None,
        today=london_date(now()),
        is_overdue=is_overdue,
        due_words=due_words,
    )


@blueprint.post("/staff/events/<slug>/headcount")
@access(FACILITATOR, keeps_typed=True)
def record_headcount(slug: str) -> ResponseReturnValue:
    """Keep the number counted in the room."""
    event = _own_event(slug)
    form = HeadcountForm()
    if form.validate():
        with transaction() as session:
            event = _own_event(slug)
            service.record_headcount(session, event=event, came=form.came.data, now=now(), actor=staff(current_user.id))
        flash("The number who came is saved.")
        return see_other(url_for("followup.afterwards", slug=slug))
    return _afterwards_page(event, form), 422


@blueprint.post("/staff/events/<slug>/thanks")
@access(FACILITATOR)
def choose_thanks(slug: str) -> ResponseReturnValue:
    """Thank people by mail the morning after, or do not."""
    _own_event(slug)
    sends = request.form.get("thanks") == "yes"
    with transaction() as session:
        service.choose_thanks(session, event=_own_event(slug), sends=sends, now=now(), actor=staff(current_user.id))
    flash("People are thanked by email the morning after." if sends else "Nobody is thanked by email.")
    return see_other(url_for("followup.afterwards", slug=slug))


# --- notes ---------------------------------------------------------------------------------------------------


@blueprint.route("/staff/events/<slug>/notes", methods=("GET", "POST"))
@access(FACILITATOR, keeps_typed=True)
def edit_notes(slug: str) -> ResponseReturnValue:
    """Write the notes. The button sent as `then` says what follows saving: stay, preview or publish."""
    event = _own_event(slug)
    if request.method == "POST":
        form = NotesForm()
        if form.validate():
            return _save_notes(event.slug, form)
        return _notes_page(event, form), 422
    note = queries.notes_of(db.session(), event.id)
    return _notes_page(event, NotesForm(text=note.text if note else "", revision=str(note.revision if note else 0)))


def _save_notes(slug: str, form: NotesForm) -> ResponseReturnValue:
    then = request.form.get("then", "save")
    keep = service.publish_notes if then == "publish" else service.save_draft
    try:
        with transaction() as session:
            keep(
                session,
                event=_own_event(slug),
                text=form.text.data,
                revision=form.shown_revision(),
                now=now(),
                actor=staff(current_user.id),
            )
    except service.NoteClash as clash:
        # both versions are shown; saving once more keeps what stands in the field, knowingly
        form.revision.data = str(clash.revision)
        form.add_error(str(clash), "text")
        return _notes_page(_own_event(slug), form, theirs=clash.theirs), 422
    except DomainError as problem:
        form.add_error(str(problem), problem.field)
        return _notes_page(_own_event(slug), form), 422
    if then == "preview":
        return see_other(url_for("followup.preview", slug=slug))
    flash("The notes are published." if then == "publish" else "The draft is saved.")
    return see_other(url_for("followup.afterwards" if then == "publish" else "followup.edit_notes", slug=slug))


def _notes_page(event: Event, form: NotesForm, theirs: str | None = None) -> str:
    note = queries.notes_of(db.session(), event.id)
    return render_template("followup/edit_notes.html", **_heading(event), form=form, note=note, theirs=theirs)


@blueprint.get("/staff/events/<slug>/notes/preview")
@access(FACILITATOR)
def preview(slug: str) -> ResponseReturnValue:
    """The saved draft as the public would read it, with what looks personal in it."""
    event = _own_event(slug)
    note = queries.notes_of(db.session(), event.id)
    if note is None:
        raise NotFound
    found = personal_data_in(note.text, queries.names_at(db.session(), event.id))
    return render_template("followup/preview.html", **_heading(event), note=note, personal=found)


@blueprint.post("/staff/events/<slug>/notes/publish")
@access(FACILITATOR)
def publish_notes(slug: str) -> ResponseReturnValue:
    """Publish the draft that the preview showed."""
    event = _own_event(slug)
    form = NotesForm()
    try:
        with transaction() as session:
            event = _own_event(slug)
            service.publish_notes(
                session, event=event, revision=form.shown_revision(), now=now(), actor=staff(current_user.id)
            )
    except DomainError as problem:
        flash(f"{problem} Nothing was published: read the preview again.", "warning")
        return see_other(url_for("followup.preview", slug=slug))
    flash("The notes are published.")
    return see_other(url_for("followup.afterwards", slug=slug))


@blueprint.post("/staff/events/<slug>/notes/withdraw")
@access(FACILITATOR)
def withdraw_notes(slug: str) -> ResponseReturnValue:
    """Take published notes off the event's page."""
    form = WithdrawForm()
    _own_event(slug)
    with transaction() as session:
        service.withdraw_notes(
            session, event=_own_event(slug), reason=form.chosen(), now=now(), actor=staff(current_user.id)
        )
    flash("The notes are removed from the event's page. The draft is still here.")
    return see_other(url_for("followup.afterwards", slug=slug))


# --- write-ups -----------------------------------------------------------------------------------------------


@blueprint.get("/staff/write-ups")
@access(VIEWER)
def staff_write_ups() -> ResponseReturnValue:
    """Every promise that is still open, the most overdue first, and the one field that keeps it."""
    return _write_ups_page(LinkForm(formdata=None), None)


def _write_ups_page(form: LinkForm, failed: int | None) -> str:
    session = db.session()
    mine = request.args.get("whose") == "mine"
    reach = reach_of(session, current_user)
    promised = queries.promised_write_ups(session, owner_id=current_user.id if mine else None)
    return render_template(
        "followup/staff_write_ups.html",
        promised=promised,
        published=queries.published_write_ups(session, limit=20),
        form=form,
        failed=failed,
        mine=mine,
        may_write=lambda write_up: _may_write(write_up, reach),
        today=london_date(now()),
        is_overdue=is_overdue,
        due_words=due_words,
    )


@blueprint.post("/staff/write-ups/<int(max=2147483647):write_up_id>/link")
@access(FACILITATOR, keeps_typed=True)
def publish_link(write_up_id: int) -> ResponseReturnValue:
    """Publish a write-up by its pasted link."""
    slug = _own_write_up(write_up_id).event.slug
    form = LinkForm()
    if form.validate():
        try:
            with transaction() as session:
                service.publish_link(
                    session,
                    write_up=_own_write_up(write_up_id),
                    url=form.url.data,
                    now=now(),
                    actor=staff(current_user.id),
                )
            flash("The write-up is published and linked from its event.")
            if request.form.get("back") == "event":
                return see_other(url_for("followup.afterwards", slug=slug))
            return see_other(url_for("followup.staff_write_ups"))
        except DomainError as problem:
            form.add_error(str(problem), problem.field)
    return _write_ups_page(form, write_up_id), 422


@blueprint.route("/staff/events/<slug>/write-ups/new", methods=("GET", "POST"))
@access(FACILITATOR, keeps_typed=True)
def new_write_up(slug: str) -> ResponseReturnValue:
    """Promise a write-up, or link one that exists."""
    event = _own_event(slug)
    form = WriteUpForm() if request.method == "POST" else WriteUpForm(title=event.title, state="to be written")
    _offer_owners(form)
    if request.method == "POST":
        if form.validate():
            try:
                with transaction() as session:
                    service.add_write_up(
                        session,
                        event=_own_event(slug),
                        details=_details(form),
                        now=now(),
                        actor=staff(current_user.id),
                    )
                flash("The write-up is saved.")
                return see_other(url_for("followup.afterwards", slug=slug))
            except DomainError as problem:
                form.add_error(str(problem), problem.field)
        return render_template("followup/new_write_up.html", **_heading(_own_event(slug)), form=form), 422
    return render_template("followup/new_write_up.html", **_heading(event), form=form)


@blueprint.route("/staff/write-ups/<int(max=2147483647):write_up_id>", methods=("GET", "POST"))
@access(FACILITATOR, keeps_typed=True)
def edit_write_up(write_up_id: int) -> ResponseReturnValue:
    """Change a write-up."""
    write_up = _own_write_up(write_up_id)
    form = WriteUpForm() if request.method == "POST" else WriteUpForm(data=vars(service.details_of(write_up)))
    _offer_owners(form, also=write_up.owner_id)
    if request.method == "POST":
        if form.validate():
            try:
                with transaction() as session:
                    changed = service.change_write_up(
                        session,
                        write_up=_own_write_up(write_up_id),
                        details=_details(form),
                        now=now(),
                        actor=staff(current_user.id),
                    )
                    slug = changed.event.slug
                flash("The write-up is saved.")
                return _after_write_up(slug, write_up_id)
            except DomainError as problem:
                form.add_error(str(problem), problem.field)
        return _edit_page(write_up_id, form), 422
    return _edit_page(write_up_id, form)


def _after_write_up(slug: str, write_up_id: int) -> ResponseReturnValue:
    """Back to the event for who runs it, to the list of write-ups for who was only asked to write."""
    event = event_by_slug(db.session(), slug)
    if event is not None and may_run(db.session(), current_user, event):
        return see_other(url_for("followup.afterwards", slug=slug))
    return see_other(url_for("followup.staff_write_ups"))


def _edit_page(write_up_id: int, form: WriteUpForm) -> str:
    write_up = _own_write_up(write_up_id)
    return render_template("followup/edit_write_up.html", **_heading(write_up.event), write_up=write_up, form=form)


@blueprint.post("/staff/write-ups/<int(max=2147483647):write_up_id>/remove")
@access(FACILITATOR)
def remove_write_up(write_up_id: int) -> ResponseReturnValue:
    """Take a write-up off the list."""
    slug = _own_write_up(write_up_id).event.slug
    with transaction() as session:
        service.remove_write_up(session, write_up=_own_write_up(write_up_id), now=now(), actor=staff(current_user.id))
    flash("The write-up is removed.")
    return _after_write_up(slug, write_up_id)


def _offer_owners(form: WriteUpForm, also: int | None = None) -> None:
    owners = [(one.id, one.name or one.email) for one in queries.possible_owners(db.session())]
    if also is not None and also not in dict(owners):
        owners.append((also, "Somebody whose account is closed"))
    form.owner_id.choices = owners


def _details(form: WriteUpForm) -> WriteUpDetails:
    return WriteUpDetails(
        title=form.title.data,
        state=form.state.data,
        url=form.url.data,
        owner_id=form.owner_id.data,
        due_on=form.due_on.data,
        published_on=form.published_on.data,
    )

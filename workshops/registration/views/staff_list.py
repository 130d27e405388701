"""A list of people from a spreadsheet: looked at row by row first, saved by a second button."""

from __future__ import annotations

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.forms import PeopleListForm
from workshops.registration.views import blueprint
from workshops.registration.views.staff import _own_event, _page
from workshops.schedule.models import Event
from workshops.schedule.rules.spreadsheet import FILE_MAX_BYTES
from workshops.web.access import FACILITATOR, access
from workshops.web.carried import CARRIED_MAX, packed, unpacked
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.route("/staff/events/<slug>/people/import", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def import_people(slug: str) -> ResponseReturnValue:
    """Choose a file, look at each row, say whether people are told, save."""
    event, form = _own_event(slug), PeopleListForm()
    if request.method != "POST":
        return _list_page(event, form, None)
    chosen = form.file.data
    data = chosen.stream.read(FILE_MAX_BYTES + 1) if chosen is not None else unpacked(
        request.form.get("content", ""), max_bytes=FILE_MAX_BYTES
    )
    filename = (chosen.filename or "") if chosen is not None else request.form.get("filename", "")[:200]
    fits = form.validate()
    if data is None:
        form.file.errors = form.file.errors or ["Choose a file"]
        return _list_page(event, form, None), 422
    try:
        listed = service.read_people(db.session(), event, data=data, filename=filename, now=now())
    except DomainError as error:
        form.file.errors = [str(error)]
        return _list_page(event, form, None), 422
    carried = packed(data)
    carried = carried if len(carried) <= CARRIED_MAX else ""
    saves = request.form.get("action") == "save" and chosen is None
    if saves and fits and form.tell.data not in ("yes", "no"):
        form.add_error("Choose whether to email them", "tell")
        fits = False
    if not fits:
        return _list_page(event, form, listed, carried, filename), 422
    if not saves:
        return _list_page(event, form, listed, carried, filename), 422 if listed.count("problem") else 200
    event_id = event.id
    try:
        with transaction() as session:
            done = service.add_people(
                session, event_id=event_id, data=data, filename=filename, seal=request.form.get("seal", ""),
                is_told=form.tell.data == "yes", now=now(), settings=settings(), actor=staff(current_user.id),
            )
    except DomainError as error:
        event = _own_event(slug)
        form.add_error(str(error))
        listed = service.read_people(db.session(), event, data=data, filename=filename, now=now())
        return _list_page(event, form, listed, carried, filename), 422
    added = done.count("place") + done.count("waiting")
    told = "They are told by email." if form.tell.data == "yes" else "Nobody was emailed."
    words = f"{added} {'person is' if added == 1 else 'people are'} added"
    flash(f"{words}, {done.count('known')} were registered already. {told if added else ''}".strip())
    return see_other(url_for("registration.people", slug=slug))


def _list_page(
    event: Event, form: PeopleListForm, listed: service.PeopleList | None, carried: str = "", filename: str = ""
) -> str:
    return _page(
        "import_people", event, form=form, listed=listed, carried=carried, filename=filename,
        outcomes=service.OUTCOMES, can_add=event.state in ("published", "postponed") and now() < event.over_at,
    )

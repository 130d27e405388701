"""Messages for staff: those of one event, and those of all events they run; read, hold, change, cancel, send again.

Messages that belong to no event (accounts, proposals, somebody's lost link) are for admins alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement, select

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotAllowed, NotFound
from workshops.messages import queries, service
from workshops.messages.models import OutboxMessage
from workshops.messages.rules import CANCEL, DEAL_WITH, EDIT, HOLD, RELEASE, RETRY
from workshops.messages.service.by_staff import allowed_acts, fingerprint
from workshops.registration.forms import MessageForm
from workshops.registration.rules.ledger import headline
from workshops.registration.service import NEEDS_KINDS, ledger_of
from workshops.registration.views import blueprint
from workshops.registration.views.message_rows import MESSAGE_STATES, message_row
from workshops.registration.views.needs_shown import shown_until
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries import event_by_slug
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import require_may_run, within_reach
from workshops.schedule.rules.public_state import when_text
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: Messages on the page of an event.
MOST_MESSAGES = 500
#: Messages on one page of all.
PAGE_SIZE = 50
#: Longer words are looked for no further.
MOST_WORDS = 100

#: What the list can be narrowed to -> its words.
SHOWN = {
    "attention": "Did not arrive",
    "": "All",
    "due": MESSAGE_STATES["due"],
    "held": "Held",
    "sending": MESSAGE_STATES["sending"],
    "retry": MESSAGE_STATES["retry"],
    "sent": MESSAGE_STATES["sent"],
    "failed": MESSAGE_STATES["failed"],
    "cancelled": MESSAGE_STATES["cancelled"],
}

#: Act -> what does it, and what is said when it is done.
_ACTS: dict[str, tuple[Any, str]] = {
    HOLD: (service.hold_message, "The message is held. It is not sent until you release it."),
    RELEASE: (service.release_message, "The message is released and goes out now."),
    CANCEL: (service.cancel_message, "The message is cancelled and will not be sent."),
    RETRY: (service.retry_message, "The message is tried again now."),
    DEAL_WITH: (service.deal_with_message, "The message is marked as dealt with."),
}


def _event_frame(event: Event) -> dict[str, Any]:
    return {"event": event, "when": when_text(event_view(event)), "where": location_words(event)}


def _own(message_id: int) -> tuple[OutboxMessage, Event | None]:
    """A message within reach of this account, with its event. Raises NotFound, NotAllowed."""
    message = db.session.get(OutboxMessage, message_id)
    if message is None:
        raise NotFound
    event = db.session.get(Event, message.event_id) if message.event_id is not None else None
    if event is not None:
        require_may_run(db.session(), current_user, event)
    elif current_user.role != "admin":
        raise NotAllowed
    return message, event


def _address(message: OutboxMessage, event: Event | None) -> str:
    if event is None:
        return url_for("registration.message", message_id=message.id)
    return url_for("registration.event_message", slug=event.slug, message_id=message.id)


def _reach() -> list[ColumnElement[bool]]:
    mine = within_reach(current_user)
    return [OutboxMessage.event_id.in_(select(Event.id).where(*mine))] if mine else []


@blueprint.get("/staff/messages")
@access(FACILITATOR)
def messages() -> ResponseReturnValue:
    """All messages of the events this account runs, by state, newest first."""
    session, reach = db.session(), _reach()
    counts = queries.counts_within(session, reach)
    counts[""] = sum(count for state, count in counts.items() if state in MESSAGE_STATES or state == "held")
    asked = request.args.get("state", "attention" if counts["attention"] else "")
    which = asked if asked in SHOWN else ""
    words = request.args.get("q", "").strip().replace("\0", "")[:MOST_WORDS]
    page = max(1, min(request.args.get("page", 1, type=int) or 1, 1_000_000))
    found, total = queries.messages_page(
        session, reach, which=which, words=words, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE
    )
    ids = {message.event_id for message in found if message.event_id is not None}
    events = {event.id: event for event in session.scalars(select(Event).where(Event.id.in_(ids)))}
    rows = []
    for message in found:
        event = events.get(message.event_id or 0)
        rows.append(
            {**message_row(message), "event": event.title if event else "", "address": _address(message, event)}
        )
    return render_template(
        "registration/messages.html",
        rows=rows,
        counts=counts,
        shown=SHOWN,
        which=which,
        words=words,
        total=total,
        page=page,
        pages=max(1, -(-total // PAGE_SIZE)),
        link=lambda number: url_for("registration.messages", state=which, q=words or None, page=number),
    )


@blueprint.get("/staff/messages/<int:message_id>")
@access(FACILITATOR)
def message(message_id: int) -> ResponseReturnValue:
    """One message; that of an event stands among the pages of the event."""
    found, event = _own(message_id)
    if event is not None:
        return see_other(_address(found, event))
    return render_template("registration/message.html", **_shown(found))


@blueprint.post("/staff/messages/<int:message_id>")
@access(FACILITATOR)
def act_on_message(message_id: int) -> ResponseReturnValue:
    """One button on the page of a message: done, or why not, and back to the page."""
    back = _address(*_own(message_id))
    act, done = _ACTS.get(request.form.get("do", ""), (None, ""))
    if act is None:
        flash("Choose what to do with this message.", "warning")
        return see_other(back)
    try:
        with transaction() as session:
            act(session, message_id=message_id, now=now(), actor=staff(current_user.id))
    except NotFound:
        raise
    except DomainError as error:
        flash(str(error), "warning")
    else:
        flash(done)
    return see_other(back)


@blueprint.route("/staff/messages/<int:message_id>/edit", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_message(message_id: int) -> ResponseReturnValue:
    """Other words for a message that is not sent yet."""
    found, event = _own(message_id)
    back = _address(found, event)
    if _says_needs(found):
        flash("Show names on the page of needs first. That you looked is written down.", "warning")
        return see_other(back)
    if EDIT not in allowed_acts(found):
        flash("This message can no longer be changed.", "warning")
        return see_other(back)
    form = MessageForm(data={"subject": found.subject, "text": found.body_text, "seen": fingerprint(found)})
    if request.method != "POST":
        return _edit_page(form, found, event)
    if form.validate():
        try:
            with transaction() as session:
                service.edit_message(
                    session, message_id=message_id, edit=form.edit(), now=now(), actor=staff(current_user.id),
                    settings=settings(),
                )
        except NotFound:
            raise
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash("The new words are saved.")
            return see_other(back)
    found, event = _own(message_id)
    return _edit_page(form, found, event), 422


def _edit_page(form: MessageForm, message: OutboxMessage, event: Event | None) -> str:
    return render_template(
        "registration/edit_message.html", form=form, back=_address(message, event),
        action=url_for("registration.edit_message", message_id=message.id),
        **message_row(message) | {"label": event.title if event else ""},
    )


@blueprint.get("/staff/events/<slug>/messages")
@access(FACILITATOR)
def event_messages(slug: str) -> ResponseReturnValue:
    """What was told to whom, what waits, and why something was not sent."""
    event = _own_event(slug)
    found = queries.messages_of_event(db.session(), event.id, MOST_MESSAGES)
    standings = [one.standing for one in ledger_of(db.session(), event)]
    return render_template(
        "registration/event_messages.html",
        messages=[message_row(message) for message in found],
        totals=Counter(MESSAGE_STATES[message.state] for message in found),
        headline=headline(standings) if standings else "",
        most=MOST_MESSAGES if len(found) == MOST_MESSAGES else None,
        **_event_frame(event),
    )


@blueprint.get("/staff/events/<slug>/messages/<int:message_id>")
@access(FACILITATOR)
def event_message(slug: str, message_id: int) -> ResponseReturnValue:
    """One message as plain text; the personal link in it is not shown to staff."""
    event = _own_event(slug)
    message = db.session.get(OutboxMessage, message_id)
    if message is None or message.event_id != event.id:
        raise NotFound
    return render_template("registration/event_message.html", **_shown(message), **_event_frame(event))


def _own_event(slug: str) -> Event:
    event = event_by_slug(db.session(), slug)
    if event is None:
        raise NotFound
    require_may_run(db.session(), current_user, event)
    return event


def _shown(message: OutboxMessage) -> dict[str, Any]:
    """A message; what one says about somebody's needs only where names are shown, see views.needs_shown."""
    acts = allowed_acts(message)
    if _says_needs(message):
        return {"message": message_row(message), "body": None, "acts": [act for act in acts if act != EDIT]}
    return {"message": message_row(message), "body": service.shown_text(message), "acts": acts}


def _says_needs(message: OutboxMessage) -> bool:
    return message.kind in NEEDS_KINDS and shown_until(message.event_id) is None

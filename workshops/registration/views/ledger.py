"""Who holds which version of an event: the page for staff, sending it again, and the list for the day."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.rules.ledger import WORDS, headline
from workshops.registration.service import LedgerLine
from workshops.registration.views import blueprint
from workshops.registration.views.staff import _own_event, _own_person
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.public_state import when_text
from workshops.web.access import FACILITATOR, access
from workshops.web.filters import plural
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.get("/staff/events/<slug>/calendars")
@access(FACILITATOR)
def ledger(slug: str) -> ResponseReturnValue:
    """Who has what holds now, who does not, and why."""
    event = _own_event(slug)
    lines = service.ledger_of(db.session(), event)
    return render_template(
        "registration/ledger.html",
        headline=headline([one.standing for one in lines]),
        lines=[_shown(one) for one in sorted(lines, key=_order)],
        to_reach=sum(one.is_to_reach for one in lines),
        is_over=now() >= event.over_at,
        **_frame(event),
    )


@blueprint.get("/staff/events/<slug>/to-reach")
@access(FACILITATOR)
def to_reach(slug: str) -> ResponseReturnValue:
    """For the day, on paper: whom to reach another way, then everybody with a place."""
    event = _own_event(slug)
    lines = [_shown(one) for one in service.ledger_of(db.session(), event)]
    return render_template(
        "registration/to_reach.html",
        first=[one for one in lines if one["is_to_reach"]],
        rest=[one for one in lines if not one["is_to_reach"]],
        **_frame(event),
    )


@blueprint.post("/staff/events/<slug>/calendars/send")
@access(FACILITATOR)
def send_to_all(slug: str) -> ResponseReturnValue:
    """What holds now, to everybody who does not have it."""
    event = _own_event(slug)
    return _send(slug, event.id, None)


@blueprint.post("/staff/events/<slug>/calendars/<int:registration_id>/send")
@access(FACILITATOR)
def send_to_one(slug: str, registration_id: int) -> ResponseReturnValue:
    """What holds now, to one person."""
    event, registration = _own_person(slug, registration_id)
    return _send(slug, event.id, registration.id)


def _send(slug: str, event_id: int, registration_id: int | None) -> ResponseReturnValue:
    try:
        with transaction() as session:
            sent = service.send_again(
                session, event_id=event_id, registration_id=registration_id, now=now(), settings=settings(),
                actor=staff(current_user.id),
            )  # fmt: skip
    except DomainError as error:
        flash(f"{error}.", "warning")
    else:
        flash(f"{plural(sent, 'email')} will go out now." if sent else "Everybody has it, or it is on its way.")
    return see_other(url_for("registration.ledger", slug=slug))


def _frame(event: Event) -> dict[str, Any]:
    return {"event": event, "when": when_text(event_view(event)), "where": location_words(event)}


def _order(line: LedgerLine) -> tuple[int, int]:
    return list(WORDS).index(line.standing), line.registration.id


def _shown(line: LedgerLine) -> dict[str, Any]:
    return {
        "registration": line.registration,
        "standing": WORDS[line.standing],
        "is_to_reach": line.is_to_reach,
        "why": line.mail.why if line.mail and line.is_to_reach else "",
        "changes": line.news.changes if line.news else (),
        "message_id": line.mail.id if line.mail else None,
    }

"""What people need, for those who arrange it: counts first, names after a press that is written down."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import flash, request, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.accounts.queries import names_of
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotAllowed, NotFound
from workshops.core.london_time import london_date
from workshops.registration import service
from workshops.registration.forms import AnswerNeedForm
from workshops.registration.queries import by_id, erased_need_tasks, needs_of_event
from workshops.registration.rules import needs_kept_until
from workshops.registration.rules.needs import KINDS, NeedKind
from workshops.registration.views import blueprint
from workshops.registration.views.staff import _own_event, _page
from workshops.schedule.models import Event
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

NOT_FOR_YOU = "Your account may not read access and food needs. Ask an admin, or whoever arranges them for this event."


@blueprint.route("/staff/events/<slug>/needs", methods=["GET", "POST"])
@access(FACILITATOR)
def needs(slug: str) -> ResponseReturnValue:
    """What must be arranged: counts first; whose needs they are, after a second press that is written down."""
    event = _event_with_needs(slug)
    if request.method == "POST":
        event_id = event.id
        with transaction() as session:
            service.note_needs_seen(session, event_id=event_id, now=now(), actor=staff(current_user.id))
        browser["needs_shown"] = event_id
        return see_other(url_for("registration.needs", slug=slug) + "#names")
    found = needs_of_event(db.session(), event.id)
    to_arrange = service.things_to_arrange(db.session(), event)
    erased = erased_need_tasks(db.session(), event.id)
    return _page(
        "needs",
        event,
        to_arrange=to_arrange,
        owners=names_of(db.session(), [one.owner_id for one in to_arrange if one.owner_id is not None]),
        today=london_date(now()),
        is_over=now() >= event.over_at,
        erased=[(KINDS[task.kind].words, task) for task in erased if task.kind in KINDS],
        access=_summed(need.access_needs for _, need in found),
        food=_summed(need.dietary_needs for _, need in found),
        number=len(found),
        # Shown once; loading the page again asks again.
        named=_named(found) if browser.pop("needs_shown", None) == event.id else None,
        kept_until=needs_kept_until(event.over_at),
    )


@blueprint.post("/staff/events/<slug>/needs/<kind>/take-on")
@access(FACILITATOR)
def take_need_on(slug: str, kind: str) -> ResponseReturnValue:
    """The button: I see to this."""
    event_id, known = _event_with_needs(slug).id, _known(kind)
    with transaction() as session:
        service.take_need_on(
            session, event_id=event_id, kind=kind, account_id=current_user.id, now=now(),
            actor=staff(current_user.id),
        )
    flash(f"You see to this: {known.words}.")
    return see_other(url_for("registration.needs", slug=slug))


@blueprint.route("/staff/events/<slug>/needs/<kind>/answer", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def answer_need(slug: str, kind: str) -> ResponseReturnValue:
    """Say that something is arranged, or cannot be, to everybody who waits for it or to one person."""
    event, known = _event_with_needs(slug), _known(kind)
    person = request.values.get("person", type=int)
    if person is not None and by_id(db.session(), event.id, person) is None:
        raise NotFound
    form = AnswerNeedForm()
    if request.method == "GET" or not form.validate():
        return _answer_page(event, known, form, person), 200 if request.method == "GET" else 422
    event_id = event.id
    try:
        with transaction() as session:
            told = service.answer_needs(
                session, event_id=event_id, kind=kind, state=form.state.data, message=form.message.data,
                registration_id=person, now=now(), settings=settings(), actor=staff(current_user.id),
            )
    except DomainError as error:
        form.add_error(str(error), error.field)
        return _answer_page(_event_with_needs(slug), known, form, person), 422
    flash("One person is told by email." if told == 1 else f"{told} people are told by email.")
    return see_other(url_for("registration.needs", slug=slug))


def _answer_page(event: Event, kind: NeedKind, form: AnswerNeedForm, person: int | None) -> str:
    waiting = next((one.to_do for one in service.things_to_arrange(db.session(), event) if one.kind == kind), [])
    return _page("answer_need", event, kind=kind, form=form, person=person, number=len(waiting))


def _event_with_needs(slug: str) -> Event:
    event = _own_event(slug)
    if not current_user.sees_needs:
        raise NotAllowed(NOT_FOR_YOU)
    return event


def _known(kind: str) -> NeedKind:
    if kind not in KINDS:
        raise NotFound
    return KINDS[kind]


def _named(found: Any) -> list[dict[str, Any]]:
    """Everybody who needs something, with what was said to them about each kind of it."""
    answers = service.answers_of(db.session(), [registration.id for registration, _ in found])
    return [
        {
            "registration": registration,
            "needs": needs,
            "kinds": [
                (KINDS[kind], state)
                for kind, state in service.need_states(
                    needs.access_needs, needs.dietary_needs, answers.get(registration.id, ())
                ).items()
            ],
        }
        for registration, needs in found
    ]


def _summed(texts: Any) -> list[tuple[str, int]]:
    """The same words counted together, whatever their case: [("vegetarian", 3), ...], most first."""
    words = [text.strip() for text in texts if text.strip()]
    counts = Counter(text.casefold() for text in words)
    first = {text.casefold(): text for text in reversed(words)}
    return [(first[key], number) for key, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]

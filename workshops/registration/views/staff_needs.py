"""What people at an event need: counts first, things to arrange, and names behind a second press that is written down.

A permission of its own: who runs the event, where the account may read needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.accounts.models import Account
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotAllowed, NotFound
from workshops.core.london_time import london_date
from workshops.registration import service
from workshops.registration.models import NeedTask
from workshops.registration.needs_form import AnswerNeedForm, KindsForm
from workshops.registration.needs_queries import (
    CALLED_OFF,
    Need,
    counts_of,
    first_day_of,
    needs_at,
    owner_of,
    possible_owners,
    tasks_of_event,
    told_at_event,
)
from workshops.registration.queries import by_id, needs_of_event
from workshops.registration.rules import needs_kept_until
from workshops.registration.rules.needs import (
    ARRANGED,
    KINDS,
    MAYBE,
    NOT_POSSIBLE,
    OPEN,
    OVER,
    STANDINGS,
    TODO,
    UNDO,
    due_words,
)
from workshops.registration.views import blueprint
from workshops.registration.views.needs_shown import hide_names, show_names, shown_until
from workshops.registration.views.staff import _own_event, _page
from workshops.schedule.models import Event
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

NOT_FOR_YOU = "Your account may not read access and food needs. Ask an admin, or whoever arranges them for this event."


#: A kind in one word, when nothing of it is to be arranged.
_SHORT = {UNDO: "To be undone", ARRANGED: "Arranged", NOT_POSSIBLE: "Answered", MAYBE: "Not yet", OVER: "Not needed"}


def _event_with_needs(slug: str) -> Event:
    """The event, when this account runs it and may read needs. Raises NotFound, NotAllowed."""
    event = _own_event(slug)
    if not current_user.sees_needs:
        raise NotAllowed(NOT_FOR_YOU)
    return event


@blueprint.route("/staff/events/<slug>/needs", methods=["GET", "POST"])
@access(FACILITATOR)
def needs(slug: str) -> ResponseReturnValue:
    """What must be arranged, in numbers; whose needs they are, after a second press that is written down."""
    event = _event_with_needs(slug)
    if request.method == "POST":
        event_id = event.id
        with transaction() as session:
            service.note_needs_seen(session, event_id=event_id, now=now(), actor=staff(current_user.id))
        show_names(event_id)
        return see_other(url_for("registration.needs", slug=slug) + "#names")
    return _needs_page(event)


def _needs_page(event: Event) -> str:
    session = db.session()
    found, tasks = needs_at(session, event.id), tasks_of_event(session, event.id)
    counts, possible = counts_of(found, tasks), possible_owners(session, event)
    until = shown_until(event.id)
    return _page(
        "needs",
        event,
        told=told_at_event(session, event.id),
        totals=sum(counts.values(), Counter()),
        to_do=sum(counted[which] for counted in counts.values() for which in OPEN),
        kinds=[_kind_row(event, kind, counted, found, tasks, possible) for kind, counted in counts.items()],
        undo=[(KINDS[kind].words, kind, counted[UNDO]) for kind, counted in counts.items() if counted[UNDO]],
        named=_named(event, found) if until is not None else None,
        shown_until=until,
        kept_until=needs_kept_until(event.over_at),
        is_over=now() >= event.sort_at,
        is_erased=now() >= needs_kept_until(event.over_at),
        takes_place=event.state not in CALLED_OFF,
    )


def _kind_row(
    event: Event, kind: str, counted: Counter[str], found: Sequence[Need], tasks: dict[str, NeedTask],
    possible: Sequence[Account],
) -> dict[str, Any]:
    mine = [one for one in found if one.kind == kind]
    counts = "; ".join(f"{counted[which]} {words}" for which, words in STANDINGS.items() if counted[which])
    summary = [f"{counts}."]
    to_do = sum(counted[which] for which in OPEN)
    if any(one.standing in OPEN for one in mine) and now() < event.sort_at:
        owner = owner_of(kind, event, tasks, possible)
        summary.append(due_words(KINDS[kind], first_day_of(event), london_date(now())))
        summary.append(f"{_name(owner)} arranges it." if owner else "Nobody arranges it yet: choose who does.")
    short = [words for which, words in _SHORT.items() if counted[which]]
    can_be_answered = any(one.standing in service.ANSWERABLE for one in mine)
    return {
        "title": KINDS[kind].words,
        "href": url_for("registration.answer_need", slug=event.slug, kind=kind) if can_be_answered else "",
        "summary": " ".join(summary),
        "status": (f"{to_do} not answered" if now() >= event.sort_at else f"{to_do} to do") if to_do else short[0],
    }


def _name(account: Account) -> str:
    return account.name or account.email


def _named(event: Event, found: Sequence[Need]) -> list[dict[str, Any]]:
    """Everybody who told us something, with where each kind of it stands."""
    people = []
    for registration, needs in needs_of_event(db.session(), event.id):
        mine = [one for one in found if one.registration.id == registration.id and one.standing != OVER]
        form = KindsForm(prefix=f"p{registration.id}-", formdata=None,
                         data={"kind": [one.kind for one in mine if one.standing != UNDO]})  # fmt: skip
        people.append(
            {
                "registration": registration, "needs": needs, "form": form,
                "kinds": [
                    (KINDS[one.kind].words, STANDINGS[one.standing],
                     one.answer.message if one.answer and one.standing in (ARRANGED, NOT_POSSIBLE) else "")
                    for one in mine
                ],
            }
        )  # fmt: skip
    return people


@blueprint.post("/staff/events/<slug>/needs/hide")
@access(FACILITATOR)
def hide_needs(slug: str) -> ResponseReturnValue:
    """Names are shown no longer in this browser."""
    _event_with_needs(slug)
    hide_names()
    return see_other(url_for("registration.needs", slug=slug))


@blueprint.post("/staff/events/<slug>/needs/people/<int:registration_id>")
@access(FACILITATOR)
def choose_kinds(slug: str, registration_id: int) -> ResponseReturnValue:
    """What there is to arrange for one person, as somebody who read their words says."""
    event = _event_with_needs(slug)
    if by_id(db.session(), event.id, registration_id) is None:
        raise NotFound
    form = KindsForm(prefix=f"p{registration_id}-")
    if not form.validate():
        flash("Choose from the answers shown.", "warning")
    else:
        with transaction() as session:
            service.choose_kinds(
                session, registration_id=registration_id, kinds=form.kind.data, now=now(), settings=settings(),
                actor=staff(current_user.id),
            )
        flash("What there is to arrange is saved.")
    return see_other(url_for("registration.needs", slug=slug) + f"#person-{registration_id}")


@blueprint.route("/staff/events/<slug>/needs/<kind>/answer", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def answer_need(slug: str, kind: str) -> ResponseReturnValue:
    """One kind of need: who arranges it, and "we have arranged this", which goes to the people."""
    event = _event_with_needs(slug)
    form, rows = _answer_form(event, kind)
    if request.method != "POST":
        return _answer_page(event, kind, form, rows)
    event_id, told = event.id, 0
    if form.validate():
        how: dict[str, Any] = {"event_id": event_id, "kind": kind, "now": now(), "actor": staff(current_user.id)}
        try:
            with transaction() as session:
                service.assign_need(session, account_id=form.owner.data, **how)
                if form.state.data != TODO:
                    told = service.answer_need(
                        session, ids=form.person.data, state=form.state.data, message=form.message.data,
                        settings=settings(), **how,
                    )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash("Saved." if form.state.data == TODO else _told_words(told))
            return see_other(url_for("registration.needs", slug=slug))
    event = _event_with_needs(slug)
    return _answer_page(event, kind, form, _answerable(event, kind)), 422


def _told_words(told: int) -> str:
    if not told:
        return "Saved. Nobody is emailed, because they were told this already."
    return "One person is told by email." if told == 1 else f"{told:,} people are told by email."


def _answerable(event: Event, kind: str) -> list[Need]:
    """Who can be answered about one kind. Raises NotFound when nobody needs it."""
    rows = [one for one in needs_at(db.session(), event.id) if one.kind == kind and one.standing in service.ANSWERABLE]
    if not rows:
        raise NotFound
    return rows


def _answer_form(event: Event, kind: str) -> tuple[AnswerNeedForm, list[Need]]:
    session, rows = db.session(), _answerable(event, kind)
    possible, task = possible_owners(session, event), tasks_of_event(session, event.id).get(kind)
    chosen = task.owner_id if task is not None and task.owner_id in {one.id for one in possible} else None
    form = AnswerNeedForm(data={
        "state": TODO, "owner": chosen, "person": [one.registration.id for one in rows if one.standing in OPEN],
    })  # fmt: skip
    looks_after = next((_name(one) for one in possible if one.id == event.owner_id), "nobody who can")
    named = shown_until(event.id) is not None
    form.fit_to(
        owners=[(one.id, _name(one)) for one in possible],
        nobody=f"Whoever looks after the event ({looks_after})",
        people=[
            (one.registration.id,
             f"{one.registration.name if named else f'Person {number}'}: {STANDINGS[one.standing]}")
            for number, one in enumerate(rows, 1)
        ],
    )  # fmt: skip
    return form, rows


def _answer_page(event: Event, kind: str, form: AnswerNeedForm, rows: Sequence[Need]) -> str:
    is_open = any(one.standing in OPEN for one in rows) and now() < event.sort_at
    return _page(
        "answer_need",
        event,
        form=form,
        kind=kind,
        words=KINDS[kind].words,
        due=due_words(KINDS[kind], first_day_of(event), london_date(now())) if is_open else "",
        named=shown_until(event.id) is not None,
    )


@blueprint.post("/staff/events/<slug>/needs/<kind>/undone")
@access(FACILITATOR)
def close_need(slug: str, kind: str) -> ResponseReturnValue:
    """What was arranged and is not needed any more has been undone."""
    event_id = _event_with_needs(slug).id
    with transaction() as session:
        service.close_need(session, event_id=event_id, kind=kind, now=now(), actor=staff(current_user.id))
    return see_other(url_for("registration.needs", slug=slug))

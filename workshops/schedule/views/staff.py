"""Pages of the schedule behind sign-in: "My events", and what the other staff pages share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from workshops.audit import rules as audit_rules
from workshops.audit.rules import Actor
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.text import clean_text
from workshops.schedule.models import Event
from workshops.schedule.queries import event_by_slug
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.public_programmes import span_words
from workshops.schedule.queries.reach import may_run, reach_of, require_may_run
from workshops.schedule.queries.staff import Shown, StaffProgramme, staff_events, staff_programme_rows
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.programmes import PROGRAMME_STATES
from workshops.schedule.rules.public_state import public_state, when_text
from workshops.schedule.rules.reach import Reach
from workshops.schedule.signals import answers, staff_home_composed
from workshops.schedule.views import blueprint
from workshops.web.access import VIEWER, access
from workshops.web.fields import Form

#: So many programmes stand above the events at most; all of them are under Programmes.
PROGRAMMES_SHOWN = 5

SHOWN: dict[Shown, str] = {"upcoming": "Upcoming", "drafts": "Drafts", "past": "Past"}


def actor() -> Actor:
    """Who is signed in, for the audit."""
    return audit_rules.staff(current_user.id)


def keep(form: Form | None, use_case: Callable[..., Any]) -> Any:
    """Run a use case in a transaction of its own; what came of it (True for nothing), or None when it was refused.

    use_case(session, now=..., actor=...). What does not fit is said at the form's fields; without a form, above
    the next page.
    """
    try:
        with transaction() as session:
            came = use_case(session, now=now(), actor=actor())
            return True if came is None else came
    except DetailsDoNotFit as unfit:
        if form is None:
            flash(str(unfit), "error")
            return None
        for problem in unfit.problems:
            form.add_error(problem.sentence, problem.field)
    except NotFound:
        raise
    except DomainError as refused:
        flash(str(refused), "error")
    return None


def asked_page() -> int:
    """The page of a list that the address asks for; anything else than a number is the first."""
    number = request.args.get("page", "1")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1


def asked_words() -> str:
    """What somebody looks for in a list of staff."""
    return clean_text(request.args.get("q"))[:100]


def found_event(slug: str) -> Event:
    """The event at this address for reading, or 404."""
    event = event_by_slug(db.session(), slug)
    if event is None:
        raise NotFound
    return event


def own_event(slug: str) -> Event:
    """The event at this address, or 404; 403 unless the person signed in may run it."""
    event = found_event(slug)
    require_may_run(db.session(), current_user, event)
    return event


@blueprint.app_template_global("staff_sections")
def sections(event: Event) -> list[tuple[str, str]]:
    """The places of an event for staff, for every page of it. One with nothing in it is absent."""
    items = [("Details", url_for("schedule.staff_event", slug=event.slug))]
    if event.state == "draft":
        return items
    people = event.taken_in_person + event.taken_online + event.waiting_in_person + event.waiting_online
    if event.month is None and may_run(db.session(), current_user, event):
        if people or event.booking not in ("none", "elsewhere"):
            items += [
                ("People", url_for("registration.people", slug=event.slug)),
                ("Messages", url_for("registration.event_messages", slug=event.slug)),
                ("On the day", url_for("attendance.on_the_day", slug=event.slug)),
            ]
    return [*items, ("Afterwards", url_for("followup.afterwards", slug=event.slug))]


def counts_words(event: Event) -> str:
    """12 of 20, 3 waiting: how full an event is, for a table."""
    parts = []
    for mode, taken, capacity, waiting, words in (
        ("in_person", event.taken_in_person, event.capacity_in_person, event.waiting_in_person, "in person"),
        ("online", event.taken_online, event.capacity_online, event.waiting_online, "online"),
    ):
        if event.mode not in (mode, "hybrid"):
            continue
        text = f"{taken:,} of {capacity:,}" if capacity is not None else f"{taken:,}"
        text += f" {words}" if event.mode == "hybrid" else ""
        text += ", no limit" if capacity is None else ""
        parts.append(f"{text}, {waiting:,} waiting" if waiting else text)
    return "; ".join(parts)


@blueprint.get("/staff/")
@access(VIEWER)
def staff_home() -> ResponseReturnValue:
    asked = request.args.get("show", "upcoming")
    shown: Shown = asked if asked in SHOWN else "upcoming"  # type: ignore[assignment]
    # Organisers run everything; a facilitator's day is about their own events.
    mine_first = "mine" if current_user.role == "facilitator" else "all"
    whose = request.args.get("whose", mine_first)
    whose = whose if whose in ("mine", "all") else mine_first
    session, instant = db.session(), now()
    page = staff_events(
        session,
        shown=shown,
        mine=current_user if whose == "mine" else None,
        now=instant,
        page=asked_page(),
    )
    reach = reach_of(session, current_user)
    heard = staff_home_composed.send(None, session=session, now=instant, user=current_user)
    return render_template(
        "schedule/staff_home.html",
        attention=answers(heard),
        programmes=own_programmes(session, reach, instant),
        page=page,
        rows=[row_of(event, instant, reach) for event in page.events],
        shown=shown,
        whose=whose,
        all_shown=SHOWN,
        page_address=lambda number: url_for("schedule.staff_home", show=shown, whose=whose, page=number),
    )


def own_programmes(session: Session, reach: Reach, instant: datetime) -> list[dict[str, Any]]:
    """The programmes an organiser has work with, for the top of "My events": named in, and neither past nor many."""
    if not reach.organises:
        return []
    mine = [row for row in staff_programme_rows(session, instant) if row.id in reach.organises and row.state != "past"]
    return [programme_shown(row) for row in mine[:PROGRAMMES_SHOWN]]


def programme_shown(row: StaffProgramme) -> dict[str, Any]:
    """What tables say of a programme."""
    words, colour = PROGRAMME_STATES[row.state]
    return {"row": row, "when": span_words(row.first_on, row.last_on, is_exact=row.is_exact), "state": words,
            "colour": colour}  # fmt: skip


def rows_of(events: Sequence[Event]) -> list[dict[str, Any]]:
    """What a table shows of these events, for who is signed in."""
    instant, reach = now(), reach_of(db.session(), current_user)
    return [row_of(event, instant, reach) for event in events]


def row_of(event: Event, instant: Any, reach: Reach) -> dict[str, Any]:
    """What a table shows of an event."""
    view = event_view(event)
    return {
        "event": event,
        "when": when_text(view),
        "state": public_state(view, instant),
        "places": counts_words(event) if event.booking not in ("none", "elsewhere") and not event.month else "",
        "may_run": reach.may_run(event),
    }

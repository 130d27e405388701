"""The page between a change and its consequences: what changes, who learns of it, in which words, and the choice.

A view that changes events hands the new details to `save_or_check`. What nobody has to learn of is saved at once.
Anything else is shown first; all that was typed travels along as hidden fields, so that the same view gets the same
form again with `tell` and saves it. One POST with everything and `tell` saves at once too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from workshops.core.clock import now
from workshops.core.db import transaction
from workshops.schedule import service
from workshops.schedule.forms import TellForm
from workshops.schedule.models import Event
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.service import Consequences, SavedEvent
from workshops.schedule.views.staff import actor
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: What the check page adds to a form; all else is carried along.
_OWN = ("csrf_token", "tell", "checked", "back")
CHANGED_MEANWHILE = "Someone else changed this in between. Look at what follows now, then choose again."


@dataclass(frozen=True)
class Planned:
    """One event with the details it is to have."""

    event_id: int
    details: EventDetails


#: save(session, planned, tell) -> what came of it. Raises DetailsDoNotFit.
Save = Callable[[Session, Planned, bool | None], SavedEvent]


def goes_back() -> bool:
    """Whether "Go back and change" was pressed: the view shows its form again, filled, with 200."""
    return request.method == "POST" and "back" in request.form


def tell_choice() -> bool | None:
    """What was chosen: tell everyone, or save without telling; None when nothing was."""
    return {"now": True, "no": False}.get(request.form.get("tell", ""))


def save_or_check(
    event: Event,
    details: EventDetails,
    *,
    back_to: str | None = None,
    words: str = "The changes are saved.",
    save: Save | None = None,
) -> ResponseReturnValue:
    """Save one event's new details, or show first what follows from them for people.

    To be called from a view that has read and checked its form (ask `goes_back` before that). back_to: where to go
    once saved; the event's page when not given.   save: does the saving in one transaction; change_event when not
    given. Raises DetailsDoNotFit, which the view shows at its form.
    """
    address = back_to or url_for("schedule.staff_event", slug=event.slug)
    return save_or_check_all([Planned(event.id, details)], back_to=address, words=words, save=save)


def save_or_check_all(
    planned: Sequence[Planned],
    *,
    back_to: str,
    words: str = "The changes are saved.",
    save: Save | None = None,
    heading: str = "Check before you save",
) -> ResponseReturnValue:
    """The same for several events at once: one page, one choice, one transaction."""
    tell, checked = tell_choice(), request.form.get("checked", "")
    saved: list[SavedEvent] | None = None
    with transaction() as session:
        # A single POST with everything in it has chosen already; nothing needs to be looked at.
        found = [] if tell is not None and not checked else _foresee(session, planned)
        moved = bool(checked) and checked != seen_of(found)
        unsaid = tell is None and any(one.asks or (one.is_shown and not checked) for one in found)
        if not moved and not unsaid:
            saved = [(save or _change)(session, one, bool(tell) if found else tell) for one in planned]
            changed, people = any(one.changed for one in saved), sum(one.people for one in saved)
            notes = list(dict.fromkeys(note for one in saved for note in one.notes))
    if saved is None:
        problem = CHANGED_MEANWHILE if moved else _choose_words(found) if checked else ""
        return check_page(found, heading=heading, back_to=back_to, problem=problem)
    flash(f"{words} {emailed_words(people)}".strip() if changed else "Nothing was changed.")
    for note in notes:
        flash(note, "info")
    return see_other(back_to)


def _change(session: Session, planned: Planned, tell: bool | None) -> SavedEvent:
    return service.change_event(
        session, event_id=planned.event_id, details=planned.details, tell=tell, now=now(), actor=actor(),
        settings=settings(),
    )


def _foresee(session: Session, planned: Sequence[Planned]) -> list[Consequences]:
    return [
        service.foresee_change(session, event_id=one.event_id, details=one.details, now=now(), settings=settings())
        for one in planned
    ]


def seen_of(found: Sequence[Consequences]) -> str:
    """What the check page sends along, so that a change in between is noticed."""
    return sha256(" ".join(one.seen for one in found).encode()).hexdigest()[:32]


def _choose_words(found: Sequence[Consequences]) -> str:
    people = sum(one.told for one in found)
    return f"Choose whether to tell {people_words(people)}" if people else ""


def people_words(people: int) -> str:
    """Who is told, in a sentence."""
    return "the one person it concerns" if people == 1 else f"the {people:,} people it concerns"


def emailed_words(people: int) -> str:
    """What is said once something is saved."""
    if not people:
        return ""
    return "1 person is being emailed." if people == 1 else f"{people:,} people are being emailed."


def check_page(
    found: Sequence[Consequences],
    *,
    heading: str,
    back_to: str,
    problem: str = "",
    button: str = "Save",
) -> ResponseReturnValue:
    """The page with what follows. problem: why it is shown again, which makes it a 422."""
    form = TellForm(formdata=None)
    shown = [one for one in found if one.is_shown]
    if problem:
        form.add_error(problem, None if problem == CHANGED_MEANWHILE else "tell")
    page = render_template(
        "schedule/_check_changes.html",
        form=form,
        heading=heading,
        shown=shown,
        people=sum(one.told for one in shown),
        asks=any(one.asks for one in shown),
        carried=[(name, value) for name, value in request.form.items(multi=True) if name not in _OWN],
        checked=seen_of(found),
        back_to=back_to,
        button_words=button,
    )
    return (page, 422) if problem else page

"""The page between a change and its consequences: what changes, who learns of it, in which words, and the choice.

A view that changes events hands the new details to `save_or_check`. What nobody has to learn of is saved at once.
Anything else is shown first; all that was typed travels along as hidden fields, so that the same view gets the same
form again with `tell` and saves it. One POST with everything and `tell` saves at once too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.schedule import service
from workshops.schedule.forms import TellForm
from workshops.schedule.models import Event
from workshops.schedule.queries.clashes import Candidate, clashes_among, clashes_of_events
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.service import Consequences, SavedEvent
from workshops.schedule.views.many_events import many_events
from workshops.schedule.views.series_choice import ASKED, chosen_scope, scope_question
from workshops.schedule.views.staff import actor
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: What the check page adds to a form; all else is carried along.
_OWN = ("csrf_token", "tell", "checked", "back", ASKED)
#: The heading under which clashes stand among what follows; see service.consequences.
NEW_CLASHES = "New clashes"
CHANGED_MEANWHILE = "Someone else changed this in between. Look at what follows now, then choose again."


@dataclass(frozen=True)
class Planned:
    """One event with the details it is to have. note: a sentence about what stays as it is there, or ""."""

    event_id: int
    details: EventDetails
    note: str = ""


#: save(session, planned, tell) -> what came of it. Raises DetailsDoNotFit.
Save = Callable[[Session, Planned, bool | None], SavedEvent]
#: Works out what is to be saved inside the transaction, when it depends on what else is there. In the order of locks.
Plan = Callable[[Session], Sequence[Planned]]


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
    given. An event that has other dates ahead is asked about them first, and they follow as its series says.
    Raises DetailsDoNotFit, which the view shows at its form.
    """
    address = back_to or url_for("schedule.staff_event", slug=event.slug)
    question = scope_question(event, details, back_to=address)
    if question is not None:
        return question
    if (scope := chosen_scope()) == "this":
        return save_or_check_all([Planned(event.id, details)], back_to=address, words=words, save=save)
    event_id, reach = event.id, reach_of(db.session(), current_user)

    def plan(session: Session) -> list[Planned]:
        changes = service.plan_series_change(
            session, event_id=event_id, details=details, scope=scope, reach=reach, now=now()
        )
        return [Planned(one.event_id, one.details, one.kept) for one in changes]

    def save_each(session: Session, one: Planned, tell: bool | None) -> SavedEvent:
        # What the view does beside changing details is about the event of its page.
        return (save if save and one.event_id == event_id else _change)(session, one, tell)

    return save_or_check_all(plan, back_to=address, words=words, save=save_each)


def save_or_check_all(
    planned: Sequence[Planned] | Plan,
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
        plan = planned(session) if callable(planned) else planned
        # A single POST with everything in it has chosen already; nothing needs to be looked at.
        found = [] if tell is not None and not checked else _foresee(session, plan)
        moved = bool(checked) and checked != seen_of(found)
        unsaid = tell is None and any(one.asks or (one.is_shown and not checked) for one in found)
        if not moved and not unsaid:
            saved = [(save or _change)(session, one, bool(tell) if found else tell) for one in plan]
            changed, people = any(one.changed for one in saved), sum(one.people for one in saved)
            notes = list(dict.fromkeys(note for one in saved for note in one.notes))
            notes += [f"{one.note}." for one in plan if one.note]
    if saved is None:
        problem = CHANGED_MEANWHILE if moved else _choose_words(found) if checked else ""
        kept = [one.note for one in plan if one.note]
        after = {one.event_id: one.details.when.words(uk_time=one.details.mode == "online") for one in plan}
        return check_page(found, heading=heading, back_to=back_to, problem=problem, kept=kept, after=after)
    others = sum(bool(one.changed) for one in saved) - 1
    also = f" {others} other {'date' if others == 1 else 'dates'} changed too." if others > 0 else ""
    flash(f"{words}{also} {emailed_words(people)}".strip() if changed else "Nothing was changed.")
    for note in notes:
        flash(note, "info")
    return see_other(back_to)


def _change(session: Session, planned: Planned, tell: bool | None) -> SavedEvent:
    return service.change_event(
        session, event_id=planned.event_id, details=planned.details, tell=tell, now=now(), actor=actor(),
        settings=settings(),
    )


def _foresee(session: Session, planned: Sequence[Planned]) -> list[Consequences]:
    found = [
        service.foresee_change(session, event_id=one.event_id, details=one.details, now=now(), settings=settings())
        for one in planned
    ]
    if len(planned) == 1:
        return found
    # Several dates move together, so none of them clashes with where another one was.
    instant, ids = now(), [one.event_id for one in planned]
    old = clashes_of_events(session, ids, now=instant)
    lists = clashes_among(session, [Candidate(one.details, one.event_id, "published") for one in planned], now=instant)
    return [
        replace(one, sections=_with_clashes(one, [clash.words for clash in new if clash.words not in before]))
        for one, new, before in zip(found, lists, ([c.words for c in old[one]] for one in ids), strict=True)
    ]


def _with_clashes(one: Consequences, clashes: list[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    rest = tuple(section for section in one.sections if section[0] != NEW_CLASHES)
    return ((NEW_CLASHES, tuple(clashes)), *rest) if clashes else rest


def seen_of(found: Sequence[Consequences]) -> str:
    """What the check page was about, so that a later POST can tell whether it still is so."""
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
    kept: Sequence[str] = (),
    after: Mapping[int, str] | None = None,
    label: str = "",
    is_alike: bool = False,
) -> ResponseReturnValue:
    """The page with what follows. problem: why it is shown again, which makes it a 422.

    kept: sentences about what stays as it is on other dates.   after: the time of each event afterwards, in words.
    is_alike: the same is done to all of them, so that one table names them.   label: what the page is about.
    """
    form = TellForm(formdata=None)
    # Of many dates, those about which nobody has to be told are named in one list.
    is_alike = is_alike and len(found) > 1
    shown = [one for one in found if is_alike or (one.is_shown and (len(found) == 1 or one.told or one.sections))]
    if problem:
        form.add_error(problem, None if problem == CHANGED_MEANWHILE else "tell")
    page = render_template(
        "schedule/_check_changes.html",
        form=form,
        heading=heading,
        label=label,
        shown=shown,
        is_alike=is_alike,
        all=many_events(shown),
        people=sum(one.told for one in shown),
        asks=any(one.asks for one in shown),
        carried=[(name, value) for name, value in request.form.items(multi=True) if name not in _OWN],
        checked=seen_of(found),
        back_to=back_to,
        button_words=button,
        kept=kept,
        quiet=[(one.when, (after or {}).get(one.event_id, one.when)) for one in found if one not in shown]
        if len(found) > 1 else [],
    )
    return (page, 422) if problem else page

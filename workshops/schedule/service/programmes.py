"""Programmes: made and changed, their organisers named, and all of their events published or cancelled in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.text import clean_text
from workshops.core.versions import touch_public
from workshops.schedule.models import Event, EventFacilitator, Programme, ProgrammeOrganiser
from workshops.schedule.queries.locks import lock_schedule
from workshops.schedule.rules.events import DESCRIPTION_MAX, NAME_MAX, SUMMARY_MAX
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem, refuse
from workshops.schedule.rules.slugs import free_slug
from workshops.schedule.rules.states import WrongState, clean_reason
from workshops.schedule.service.calendar import refreshing
from workshops.schedule.service.details import all_counts_of
from workshops.schedule.service.events import tell_question
from workshops.schedule.service.states import cancel_event, publish_event


@dataclass(frozen=True, kw_only=True)
class ProgrammeDetails:
    """What is kept of a programme. Without dates it runs from its first event to its last.

    organisers: the accounts named; empty is every organiser's, None leaves them as they are.
    """

    title: str
    summary: str = ""
    description: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    is_published: bool = True
    host_form_is_open: bool = False
    ask_form_is_open: bool = False
    host_form_words: str = ""
    organisers: tuple[int, ...] | None = None


def save_programme(
    session: Session,
    *,
    programme_id: int | None,
    details: ProgrammeDetails,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> Programme:
    """Change a programme, or make one when programme_id is None. Its address never changes.

    Raises NotFound, or DetailsDoNotFit with all that is wrong.
    """
    lock_schedule(session)
    values = {
        "title": clean_text(details.title),
        "summary": clean_text(details.summary),
        "description": clean_text(details.description, multiline=True),
        "starts_on": details.starts_on,
        "ends_on": details.ends_on,
        "is_published": details.is_published,
        "host_form_is_open": details.host_form_is_open,
        "ask_form_is_open": details.ask_form_is_open,
        "host_form_words": clean_text(details.host_form_words, multiline=True),
    }
    key = fold(str(values["title"]))
    _check_programme(session, programme_id, details, key)
    programme = session.get(Programme, programme_id) if programme_id is not None else Programme(title="", slug="")
    if programme is None:
        raise NotFound("This programme is not here any more.")
    changed = [name for name, value in values.items() if getattr(programme, name) != value]
    # Its events show its name, and link to it when it is public; nothing else of it.
    seen = [name for name in changed if name in ("title", "is_published")] if programme_id is not None else []
    with refreshing(session, Event.programme_id == (programme_id or 0), now=now, settings=settings, if_any=seen):
        for name, value in values.items():
            setattr(programme, name, value)
        programme.title_key = key
        if not programme.slug:
            taken = set(session.scalars(select(Programme.slug)))
            programme.slug = free_slug(programme.title, taken.__contains__, otherwise="programme")
        session.add(programme)
        session.flush()
    if details.organisers is not None and _name_organisers(session, programme.id, details.organisers):
        changed.append("organisers")
    if changed:
        touch_public(session)
        action = "programme_made" if programme_id is None else "programme_changed"
        subject = ("programme", programme.id)
        audit.record(session, now=now, actor=actor, action=action, subject=subject, fields=changed)
    return programme


def _check_programme(session: Session, programme_id: int | None, details: ProgrammeDetails, key: str) -> None:
    problems = []
    if not key:
        problems.append(Problem("title", "Enter the name of the programme"))
    for name, words, text, most in (
        ("title", "The name", details.title, NAME_MAX),
        ("summary", "The summary", details.summary, SUMMARY_MAX),
        ("description", "The description", details.description, DESCRIPTION_MAX),
        ("host_form_words", "The words above the forms", details.host_form_words, DESCRIPTION_MAX),
    ):
        if len(text) > most:
            problems.append(Problem(name, f"{words} must be {most:,} characters or fewer"))
    if details.starts_on and details.ends_on and details.ends_on < details.starts_on:
        problems.append(Problem("ends_on", "The last day must not be before the first day"))
    if (details.host_form_is_open or details.ask_form_is_open) and not details.is_published:
        problems.append(Problem("forms", "Announce the programme before its forms are open to everybody"))
    twin = session.scalar(select(Programme).where(Programme.title_key == key))
    if twin is not None and twin.id != programme_id:
        problems.append(Problem("title", f"There is a programme called “{twin.title}” already"))
    wanted = set(details.organisers or ())
    if wanted and wanted - set(
        session.scalars(select(Account.id).where(Account.id.in_(wanted), Account.role.in_(("organiser", "admin"))))
    ):
        problems.append(Problem("organisers", "Only organisers and admins can organise a programme"))
    refuse(problems)


def _name_organisers(session: Session, programme_id: int, wanted: tuple[int, ...]) -> bool:
    """Name exactly these accounts; whether that changes anything."""
    mine = ProgrammeOrganiser.programme_id == programme_id
    before = set(session.scalars(select(ProgrammeOrganiser.account_id).where(mine)))
    if before == set(wanted):
        return False
    session.execute(delete(ProgrammeOrganiser).where(mine))
    session.add_all(ProgrammeOrganiser(programme_id=programme_id, account_id=one) for one in sorted(set(wanted)))
    session.flush()
    return True


#: Who publishes more than this of their own events in one go knows of them, and is not sent as many invitations.
INVITATIONS_AT_ONCE = 10


def run_by(session: Session, event_ids: Iterable[int], actor: Actor) -> set[int]:
    """Which of these events somebody signed in runs, as their owner or beside the owner."""
    if actor.kind != "staff":
        return set()
    beside = select(EventFacilitator.event_id).where(EventFacilitator.account_id == actor.id)
    mine = session.scalars(select(Event.id).where(or_(Event.owner_id == actor.id, Event.id.in_(beside))))
    return set(mine) & set(event_ids)


def publish_drafts(
    session: Session,
    *,
    programme_id: int,
    event_ids: Iterable[int],
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> tuple[int, int]:
    """Publish those drafts of a programme that were shown; (how many were published, how many stay drafts).

    event_ids: what the page listed; what is no draft of this programme any more is left alone, and so is what
    lacks something that the public needs. Those who run them are invited; see INVITATIONS_AT_ONCE.
    """
    published = left = 0
    ids = _of_programme(session, programme_id, event_ids, ("draft",))
    uninvited = (actor.id,) if actor.id and len(run_by(session, ids, actor)) > INVITATIONS_AT_ONCE else ()
    for event_id in ids:
        try:
            publish_event(session, event_id=event_id, now=now, actor=actor, settings=settings, uninvited=uninvited)
        except DetailsDoNotFit:
            left += 1
        except WrongState:
            continue  # somebody else published it at this moment
        else:
            published += 1
    return published, left


@dataclass(frozen=True)
class CancelledEvents:
    """What came of cancelling the events of a programme. people: registered or waiting, over all of them."""

    events: int
    people: int


def cancel_events(
    session: Session,
    *,
    programme_id: int,
    event_ids: Iterable[int],
    reason: str,
    tell: bool | None,
    is_as_shown: Callable[[], bool] = lambda: True,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> CancelledEvents:
    """Cancel those events of a programme that were shown and are not over, all of them or none.

    reason: public, on each event's page.   tell: must be said when anybody is registered for any of them.
    is_as_shown: whether what follows is still what somebody looked at.   Raises DetailsDoNotFit.
    """
    ids = [
        event_id
        for event_id in _of_programme(session, programme_id, event_ids, ("published", "postponed"))
        if (event := session.get(Event, event_id)) is not None and event.over_at > now
    ]
    people = sum(all_counts_of(session, session.get_one(Event, event_id)).people for event_id in ids)
    if not is_as_shown():
        raise DetailsDoNotFit(Problem("", "Something changed in between. Look at what follows now, then choose again"))
    problems: list[Problem] = []
    try:
        reason = clean_reason(reason)
    except DetailsDoNotFit as unfit:
        problems += unfit.problems
    if people and tell is None:
        problems.append(Problem("tell", tell_question(people)))
    refuse(problems)
    for event_id in ids:
        cancel_event(session, event_id=event_id, reason=reason, tell=bool(tell), now=now, actor=actor,
                     settings=settings)  # fmt: skip
    return CancelledEvents(len(ids), people)


def _of_programme(
    session: Session, programme_id: int, event_ids: Iterable[int], states: tuple[str, ...]
) -> list[int]:
    """Which of these events are of the programme and in one of these states, by id: the order of locks."""
    wanted = set(event_ids)
    found = session.scalars(
        select(Event.id).where(Event.programme_id == programme_id, Event.state.in_(states)).order_by(Event.id)
    )
    return [event_id for event_id in found if event_id in wanted]

"""Telling those who arrange what people need: by mail when it is time, and on the start page until it is done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.config import Settings
from workshops.core.london_time import date_words, london_date
from workshops.messages.models import OutboxMessage
from workshops.messages.service import enqueue
from workshops.registration.models import NeedAnswer, Registration
from workshops.registration.needs_queries import (
    CALLED_OFF,
    Need,
    first_day_of,
    needs_at,
    needs_where,
    owner_of,
    possible_owners,
    tasks_of_event,
)
from workshops.registration.rules.needs import ABOUT_FOOD, KINDS, OPEN, UNDO, book_by, due_words, fingerprint, is_told
from workshops.registration.service.needs import make_answer
from workshops.registration.service.telling import event_words
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.queries.reach import within_reach
from workshops.schedule.signals import Attention

#: Nothing takes so long to arrange, the reminder before it and holidays included.
_AHEAD = timedelta(days=60)
#: Of events that people know of; what was arranged for one that is called off is to be undone.
_STATES = ("published", *CALLED_OFF)


def remind_owners(session: Session, *, now: datetime, settings: Settings) -> int:
    """Mail whoever arranges things that are due soon, late, or arranged and not needed any more; how many mails.

    Each thing is told of once, and nobody is written to twice a day about one event.
    """
    made = 0
    # One look at all of them, which is all there is to do nearly always.
    due = {one.registration.event_id for one in needs_where(session, *_coming_with_needs(now)) if _is_untold(one, now)}
    for event_id in sorted(due):  # in the order in which events are locked
        event = lock_event(session, event_id)
        if event.sort_at <= now:
            continue
        possible, tasks = possible_owners(session, event), tasks_of_event(session, event_id)
        mine: dict[int, list[Need]] = defaultdict(list)
        for one in needs_at(session, event_id, fresh=True):
            if not _is_untold(one, now):
                continue
            owner = owner_of(one.kind, event, tasks, possible)
            if owner is not None:
                mine[owner.id].append(one)
        for owner in possible:
            if owner.id in mine:
                made += _remind(session, event, owner, mine[owner.id], now=now, settings=settings)
    return made


def _coming_with_needs(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The events near enough, and those further ahead with something arranged: it may be to undo at any time."""
    arranged = select(Registration.event_id).join(NeedAnswer, NeedAnswer.registration_id == Registration.id).where(
        NeedAnswer.state == "arranged", NeedAnswer.reminded_at.is_(None))  # fmt: skip
    near = Event.sort_at < now + _AHEAD
    return Event.state.in_(_STATES), Event.sort_at > now, near | Event.id.in_(arranged)


def _is_untold(one: Need, now: datetime) -> bool:
    if one.standing == UNDO:
        return not _was_told(one)
    if one.standing not in OPEN:
        return False
    last_day = book_by(KINDS[one.kind], first_day_of(one.registration.event))
    return is_told(last_day, london_date(now)) and not _was_told(one)


def _was_told(one: Need) -> bool:
    answer = one.answer
    if answer is None or answer.reminded_at is None:
        return False
    return one.standing == UNDO or answer.answers_what == fingerprint(one.words)


def _remind(
    session: Session, event: Event, owner: Account, needs: Sequence[Need], *, now: datetime, settings: Settings
) -> bool:
    today = london_date(now)
    stored = enqueue(
        session, kind="registration/needs_due", to_email=owner.email, to_name=owner.name,
        values={
            **event_words(event, settings=settings), "name": owner.name,
            "kinds": _by_kind([one for one in needs if one.standing != UNDO], event, today),
            "undo": _by_kind([one for one in needs if one.standing == UNDO], event, today),
            "needs_url": f"{settings.base_url}/staff/events/{event.slug}/needs",
        },
        dedupe_key=f"needs_due:{event.id}:{owner.id}:{today.isoformat()}", about=("needs", owner.id),
        event_id=event.id, now=now, drop_after=event.sort_at, settings=settings,
    )  # fmt: skip
    if stored is None:
        return False  # told of others today; these go out tomorrow
    for one in needs:
        answer = one.answer or make_answer(session, one, now)
        answer.reminded_at = now
        if one.standing in OPEN and answer.answers_what != fingerprint(one.words):
            # An answer to other words says nothing any more.
            answer.state, answer.message, answer.answers_what = "todo", "", fingerprint(one.words)
    return True


def _by_kind(needs: Iterable[Need], event: Event, today: date) -> list[dict[str, Any]]:
    """Kinds with how many people, and by when; no names: mail is not where these belong."""
    return [
        {"what": KINDS[kind].words, "people": f"{number} {'person' if number == 1 else 'people'}",
         "when": due_words(KINDS[kind], first_day_of(event), today)}
        for kind, number in Counter(one.kind for one in needs).items()
    ]  # fmt: skip


def reason_not_to_remind_owner(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why a mail to whoever arranges things must not go out any more, or None. Asked at the moment of sending."""
    event = session.get(Event, message.event_id) if message.event_id is not None else None
    if event is None or (event.state in CALLED_OFF and _is_older(message, event)):
        return "The event does not take place as planned."
    if message.about_id not in {one.id for one in possible_owners(session, event)}:
        return "This account does not arrange what people need there any more."
    if not any(one.standing in (*OPEN, UNDO) for one in needs_at(session, event.id)):
        return "Everything has been arranged since."
    return None


def _is_older(message: OutboxMessage, event: Event) -> bool:
    return event.state_changed_at is None or message.created_at <= event.state_changed_at


def needs_to_arrange(
    sender: object = None, *, session: Session, now: datetime, user: Any, **_: Any
) -> list[Attention]:
    """Events of this account with access needs that nobody has answered, or something arranged that is to be undone."""
    if user.role == "viewer" or not user.sees_needs:
        return []
    by_event: dict[int, list[Need]] = defaultdict(list)
    own = (Event.over_at > now, Event.state.in_(_STATES), *within_reach(user))
    for one in needs_where(session, *own):
        if one.standing == UNDO or (one.standing in OPEN and one.kind not in ABOUT_FOOD):
            by_event[one.registration.event_id].append(one)
    found = []
    for event in sorted((session.get_one(Event, id) for id in by_event), key=lambda one: (one.sort_at, one.id)):
        for words, number in _attention_words(event, by_event[event.id]):
            found.append(Attention(words, number, "registration.needs", {"slug": event.slug}))
    return found


def _attention_words(event: Event, needs: Sequence[Need]) -> list[tuple[str, int]]:
    found = []
    to_do = [one for one in needs if one.standing != UNDO]
    if to_do:
        people = len({one.registration.id for one in to_do})
        first = date_words(min(book_by(KINDS[one.kind], first_day_of(event)) for one in to_do))
        who = "1 person waits" if people == 1 else f"{people} people wait"
        found.append((f"{who} for what they need at {event.title}: book by {first}", people))
    undo = len(needs) - len(to_do)
    if undo:
        what = "thing that was arranged is" if undo == 1 else "things that were arranged are"
        found.append((f"{undo} {what} no longer needed at {event.title}", undo))
    return found

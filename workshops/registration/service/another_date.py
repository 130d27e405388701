"""Those who got no place start the next event: they are asked which day suits, and are offered its places first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor, person
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import ImpossibleTime, date_words
from workshops.core.tokens import new_token, token_hash
from workshops.messages.mime import display_name
from workshops.messages.service import enqueue
from workshops.registration.models import DatePoll, DatePollAnswer, Registration
from workshops.registration.queries import POLL_PURPOSE, place_in_queue, same_address
from workshops.registration.rules import ACTIVE_STATES
from workshops.registration.service.places import settle
from workshops.registration.service.registering import copy_to
from workshops.registration.service.telling import event_words, tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.rules.repeats import DatesDoNotFit, moved_to
from workshops.schedule.rules.when import When
from workshops.schedule.service import add_date, change_event, details_of, when_of

#: People choose among so many days at most.
DAYS_MAX = 5


class PollClosed(DomainError):
    """The day is chosen; an answer comes too late."""

    sentence = "The date is chosen by now, so answers are no longer taken."


@dataclass(frozen=True)
class PollPicture:
    """What has been answered, as counts. suits: day -> how many people it suits."""

    asked: int
    answered: int
    suits: dict[str, int]
    none: int


def people_to_ask(session: Session, event_id: int) -> list[Registration]:
    """Who waits for a place and got none, and who gave theirs up because of the date; longest first."""
    statement = (
        select(Registration)
        .where(
            Registration.event_id == event_id, Registration.erased_at.is_(None),
            or_(
                Registration.state == "waiting",
                (Registration.state == "cancelled") & Registration.wants_another_date,
            ),
        )
        .order_by(Registration.registered_at, Registration.id)
    )
    found = session.scalars(statement).all()
    # Whoever came back after cancelling is asked once.
    return list({one.email_key: one for one in reversed(found)}.values())[::-1]


def ask_for_dates(
    session: Session, *, event_id: int, days: Sequence[date], now: datetime, settings: Settings, actor: Actor
) -> DatePoll:
    """Draft another date of an event and ask everybody who wants one which of these days suits.

    days: first days, one to DAYS_MAX; the times of day stay. The draft is on the first of them until one is chosen.
    Raises NotFound, DomainError when nobody is to be asked or a question is open, DatesDoNotFit, DetailsDoNotFit.
    """
    if not 1 <= len(days) <= DAYS_MAX:
        raise DatesDoNotFit(f"Enter one to {DAYS_MAX} dates", field="dates")
    event = lock_event(session, event_id)
    if open_poll(session, event_id) is not None:
        raise DomainError("People are being asked already. Choose one of those dates first.")
    people = people_to_ask(session, event_id)
    if not people:
        raise DomainError("Nobody waits for a place or has asked for another date.")
    source = when_of(event)
    whens = [_moved(source, day) for day in days]
    made = add_date(session, event_id=event_id, when=whens[0], now=now, actor=actor, settings=settings)
    poll = DatePoll(event_id=event_id, draft_id=made.event.id, days=[day.isoformat() for day in days], created_at=now)
    session.add(poll)
    session.flush()
    for registration in people:
        token = new_token()
        session.add(
            DatePollAnswer(
                poll_id=poll.id, registration_id=registration.id, token_hash=token_hash(POLL_PURPOSE, token)
            )
        )
        enqueue(
            session, kind="registration/date_poll", to_email=registration.email, to_name=registration.name,
            values={
                **event_words(event, settings=settings),
                "name": display_name(registration.name),
                "days": [date_words(day) for day in days],
                "waited": registration.state == "waiting",
            },
            links={"poll": f"{settings.base_url}/date-polls/{token}"},
            dedupe_key=f"date_poll:{poll.id}:{registration.id}", about=("registration", registration.id),
            event_id=event_id, now=now, settings=settings,
        )  # fmt: skip
    record(session, now=now, actor=actor, action="dates_asked", subject=("event", event_id), event_id=event_id)
    session.flush()
    return poll


def _moved(source: When, day: date) -> When:
    try:
        return moved_to(source, day)
    except ImpossibleTime as problem:
        raise DatesDoNotFit(f"{date_words(day)}: {problem}", field="dates") from None
    except ValueError:
        raise DatesDoNotFit("This event has no day of its own that could be moved", field="dates") from None


def open_poll(session: Session, event_id: int) -> DatePoll | None:
    """The question that is open, or whose chosen draft is not published yet."""
    return session.scalar(
        select(DatePoll)
        .where(DatePoll.event_id == event_id, DatePoll.offered_at.is_(None))
        .order_by(DatePoll.id.desc())
        .limit(1)
    )


def is_still_asked(session: Session, registration: Registration) -> bool:
    """Whether somebody still looks for another date, and an answer still counts. Asked at the moment of sending."""
    looks = registration.state == "waiting" or (
        registration.state == "cancelled" and registration.wants_another_date
    )
    answer = (
        select(DatePollAnswer.id)
        .join(DatePoll, DatePoll.id == DatePollAnswer.poll_id)
        .where(DatePollAnswer.registration_id == registration.id, DatePoll.chosen.is_(None))
        .limit(1)
    )
    return looks and session.scalar(answer) is not None


def picture_of(session: Session, poll: DatePoll) -> PollPicture:
    """The answers so far, as counts."""
    answers = session.scalars(select(DatePollAnswer.days).where(DatePollAnswer.poll_id == poll.id)).all()
    given = [days for days in answers if days is not None]
    suits = Counter(day for days in given for day in days)
    return PollPicture(len(answers), len(given), {day: suits[day] for day in poll.days}, given.count([]))


def answer_poll(session: Session, *, answer_id: int, days: Sequence[str], now: datetime) -> DatePollAnswer:
    """Keep which days suit somebody; a later answer takes the place of an earlier. Raises PollClosed, NotFound."""
    known = session.get(DatePollAnswer, answer_id)
    if known is None:
        raise NotFound()
    lock_event(session, known.poll.event_id)
    session.refresh(known.poll)
    if known.poll.chosen is not None:
        raise PollClosed()
    known.days, known.answered_at = [day for day in known.poll.days if day in days], now
    record(session, now=now, actor=person(known.registration_id), action="dates_answered",
           subject=("registration", known.registration_id), event_id=known.poll.event_id)  # fmt: skip
    return known


def choose_date(
    session: Session, *, event_id: int, day: str, now: datetime, settings: Settings, actor: Actor
) -> Event:
    """The draft gets this day, and no more answers are taken; its places are offered when it is published.

    Raises NotFound, DomainError for the field day, DetailsDoNotFit.
    """
    event = lock_event(session, event_id)
    poll = open_poll(session, event_id)
    if poll is None:
        raise NotFound()
    if day not in poll.days:
        raise DomainError("Choose one of the dates that people were asked about", field="day")
    draft = session.get_one(Event, poll.draft_id)
    if draft.state != "draft":
        raise DomainError("The new date is published already.")
    details = replace(details_of(session, draft), when=moved_to(when_of(event), date.fromisoformat(day)))
    change_event(session, event_id=draft.id, details=details, tell=False, now=now, actor=actor, settings=settings)
    poll.chosen = day
    record(session, now=now, actor=actor, action="date_chosen", subject=("event", draft.id), event_id=draft.id)
    return draft


def offer_places_first(
    event: Event, *, session: Session, now: datetime, settings: Settings, actor: Actor, **_: Any
) -> int:
    """An event is published: whom its date suits is put on its list and offered its places before anybody else."""
    poll = session.scalar(
        select(DatePoll).where(
            DatePoll.draft_id == event.id, DatePoll.chosen.is_not(None), DatePoll.offered_at.is_(None)
        )
    )
    if poll is None or event.booking in ("elsewhere", "none"):
        return 0
    session.flush()
    lock_event(session, event.id)
    poll.offered_at = now
    answers = session.scalars(
        select(DatePollAnswer)
        .join(Registration, Registration.id == DatePollAnswer.registration_id)
        .where(DatePollAnswer.poll_id == poll.id, Registration.erased_at.is_(None))
        .order_by(Registration.registered_at, Registration.id)
    ).all()
    state = "requested" if event.booking == "by_approval" else "waiting"
    added = []
    for answer in answers:
        old = answer.registration
        if poll.chosen not in (answer.days or ()):
            continue
        if any(one.state in ACTIVE_STATES for one in same_address(session, event.id, old.email_key)):
            continue
        made = copy_to(session, old, event, state=state, outcome=state, now=now,
                       waiting_since=now if state == "waiting" else None)  # fmt: skip
        record(session, now=now, actor=actor, action="put_on_list", subject=("registration", made.id),
               event_id=event.id, fields=("state",), reason=state)  # fmt: skip
        added.append(made)
    offered = settle(session, event, now=now, actor=actor, settings=settings)
    for made in added:
        if state == "requested":
            tell(session, event, made, "request_received", now=now, settings=settings, method="REQUEST")
        elif made.id not in offered:
            tell(session, event, made, "on_waiting_list", now=now, settings=settings,
                 values={"position": place_in_queue(session, made)[0]})  # fmt: skip
    return len(added)

"""Which version of an event each person was last told, with what result; and what holds now sent to them again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Registration
from workshops.registration.queries import registrations_of, together_key
from workshops.registration.rules import CALENDAR_STATES
from workshops.registration.rules.ledger import NOTHING, TO_REACH, LastMail, standing_of
from workshops.registration.rules.news import Known, News, known_words, news_for
from workshops.registration.service.news import news_values
from workshops.registration.service.telling import NEWS_KINDS, PLACE_KINDS, SAYS_ALL, tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.queries.reach import within_reach
from workshops.schedule.service import details_of, details_of_all
from workshops.schedule.signals import Attention


@dataclass(frozen=True)
class LedgerLine:
    """One person: how things stand, what is new to them, and the mail that told them last."""

    registration: Registration
    standing: str
    news: News | None
    mail: LastMail | None

    @property
    def is_to_reach(self) -> bool:
        """Whether they do not hold what is true, and nothing is on its way."""
        return self.standing in TO_REACH


def ledger_of(session: Session, event: Event) -> list[LedgerLine]:
    """Everybody who holds or asked for a place, in the order in which they registered; three SELECTs, however many."""
    people = registrations_of(session, event.id, CALENDAR_STATES)
    now_known = known_words(details_of(session, event), event.state)
    mails = _last_mails(session, event.id, people)
    return [_line(event, one, now_known, mails.get(one.id)) for one in people]


def _line(event: Event, registration: Registration, now_known: Known, mail: LastMail | None) -> LedgerLine:
    news = _news(registration, registration.told, now_known)
    standing = standing_of(news, mail)
    if news is None and standing in TO_REACH:
        # What they hold is older by what the mail that did not reach them would have told.
        news = _news(registration, registration.told_before, now_known)
    return LedgerLine(registration, standing, news, mail)


def _news(registration: Registration, known: Known | None, now_known: Known) -> News | None:
    if known is None:
        return None
    return news_for(known, now_known, state=registration.state, attending=registration.attending)


def older_versions_for(
    sender: object = None, *, session: Session, now: datetime, user: Any, **_: Any
) -> list[Attention]:
    """A line for each event ahead that changed without everybody being told; a fixed number of SELECTs."""
    if user.role == "viewer":
        return []
    rows = session.execute(
        select(Registration, Event)
        .join(Event, Event.id == Registration.event_id)
        .where(
            Registration.state.in_(CALENDAR_STATES), Registration.told.is_not(None), Event.over_at > now,
            Event.state == "published", *within_reach(user),
        )
        .order_by(Event.sort_at, Event.id, Registration.id)
    ).all()  # fmt: skip
    events = list({event.id: event for _, event in rows}.values())
    known = {event.id: known_words(details, event.state) for event, details in details_of_all(session, events)}
    older = Counter(event.id for one, event in rows if _news(one, one.told, known[event.id]) is not None)
    return [
        Attention(
            f"{older[event.id]:,} {'person was' if older[event.id] == 1 else 'people were'} not told what changed at "
            f"{event.title}",
            older[event.id], "registration.ledger", {"slug": event.slug},
        )
        for event in events
        if older[event.id]
    ]  # fmt: skip


def _last_mails(session: Session, event_id: int, people: Sequence[Registration]) -> dict[int, LastMail]:
    """The newest mail that says when and where, by registration."""
    by_key = {together_key(one.together): one.id for one in people if one.together is not None}
    message = OutboxMessage.__table__.c
    rows = session.execute(
        select(
            message.id, message.dedupe_key, message.about_id, message.state, message.bounced, message.held_at,
            message.last_error,
        )
        .where(
            or_(
                (message.event_id == event_id)
                & (message.about_kind == "registration")
                & (message.kind.in_((*PLACE_KINDS, *NEWS_KINDS)) | message.calendar_method.is_not(None)),
                message.dedupe_key.in_(list(by_key)),
            )
        )
        .order_by(message.id)
    )  # fmt: skip
    found: dict[int, LastMail] = {}
    for row in rows:
        mail = LastMail(row.id, row.state, row.bounced, row.held_at is not None, row.last_error)
        found[by_key.get(row.dedupe_key, row.about_id)] = mail
    return found


def send_again(
    session: Session, *, event_id: int, registration_id: int | None = None, now: datetime, settings: Settings,
    actor: Actor,
) -> int:  # fmt: skip
    """What holds now, to one person or to everybody who does not have it; how many mails were stored.

    Whoever has it, or to whom it is on its way, gets nothing, so pressing twice sends once. Raises NotFound, and
    DomainError when the event is over.
    """
    event = lock_event(session, event_id)
    if now >= event.over_at:
        raise DomainError("This event is over, so nothing about it is sent any more")
    lines = [one for one in ledger_of(session, event) if one.is_to_reach]
    chosen = [one for one in lines if registration_id is None or one.registration.id == registration_id]
    for one in chosen:
        _send(session, event, one, now=now, settings=settings)
        record(session, now=now, actor=actor, action="sent_again", event_id=event.id,
               subject=("registration", one.registration.id))  # fmt: skip
    return len(chosen)


def _send(session: Session, event: Event, line: LedgerLine, *, now: datetime, settings: Settings) -> None:
    registration, news = line.registration, line.news
    known = registration.told or registration.told_before
    if event.state != "published" and news is None:
        news = News(f"event_{event.state}")
    if news is None:
        kinds = {state: kind for kind, state in SAYS_ALL.items()}
        kind, values = kinds[registration.state], {"until": registration.offer_expires_at}
    else:
        kind, values = news.kind, news_values(event, registration, news)
    tell(
        session, event, registration, kind, now=now, settings=settings, method="REQUEST", values=values,
        dedupe_key=f"again:{registration.id}:{event.version}:{line.mail.id if line.mail else NOTHING}",
    )  # fmt: skip
    if news is not None:
        registration.told = None
        registration.told_before = dict(known) if known else None

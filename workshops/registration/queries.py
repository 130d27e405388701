"""SELECTs of registration. Every list has a total order; what a lock protects is read fresh."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from workshops.core.addresses import email_key
from workshops.core.tokens import looks_like_token, token_hash
from workshops.messages.models import OutboxMessage
from workshops.messages.queries import message_by_key, messages_about
from workshops.registration.models import (
    CalendarToken,
    DatePollAnswer,
    Invitee,
    Needs,
    PlacePass,
    PlaceToken,
    Registration,
)
from workshops.registration.rules import ACTIVE_STATES, HOLDING_STATES, Room, Terms, Waiting
from workshops.schedule.models import Event, EventTopic, Topic
from workshops.schedule.queries.team import run_sequence, run_sequences
from workshops.schedule.rules.audience import admission, is_by_invitation
from workshops.schedule.rules.place_rules import PERSPECTIVES, read_shares

#: What place and calendar tokens are good for; a token of one purpose opens nothing else.
PLACE_PURPOSE = "place"
CALENDAR_PURPOSE = "calendar"
PASS_PURPOSE = "pass"
POLL_PURPOSE = "date_poll"


def terms_of(event: Event) -> Terms:
    """What the rules want to know of an event."""
    return Terms(
        state=event.state,
        booking=event.booking,
        mode=event.mode,
        has_waiting_list=event.has_waiting_list,
        starts_at=event.sort_at,
        over_at=event.over_at,
        opens_at=event.opens_at,
        closes_at=event.closes_at,
        month_only=event.month is not None,
        gives=event.gives_places,
        shares_until=event.shares_until,
    )


def sides_of(event: Event) -> tuple[str, ...]:
    """The ways of attending an event has."""
    return ("in_person", "online") if event.mode == "hybrid" else (event.mode,)


#: (way of attending, state, perspective); the last is empty for everybody at an event without shares.
_Kind = tuple[str, str, str]


@dataclass
class Counts:
    """How many registrations an event has, by way of attending, state and, with shares, perspective."""

    numbers: dict[_Kind, int]

    def of(self, attending: str, *states: str) -> int:
        """How many are in any of these states."""
        return sum(number for (side, state, _), number in self.numbers.items() if side == attending and state in states)

    def by_perspective(self, attending: str, *states: str) -> dict[str, int]:
        """The same, by perspective."""
        found: dict[str, int] = {}
        for (side, state, perspective), number in self.numbers.items():
            if side == attending and state in states:
                found[perspective] = found.get(perspective, 0) + number
        return found

    def add(self, attending: str, state: str, number: int = 1, *, perspective: str = "") -> None:
        """Keep up with a change without asking the database again."""
        key = (attending, state, perspective)
        self.numbers[key] = self.numbers.get(key, 0) + number

    def room(self, event: Event, attending: str, now: datetime) -> Room:
        """One way of attending as the rules see it at an instant."""
        online = attending == "online"
        room = Room(
            event.capacity_online if online else event.capacity_in_person,
            self.of(attending, *HOLDING_STATES),
            self.of(attending, "waiting"),
            event.overbook_online if online else event.overbook_in_person,
        )
        if not event.shares or not terms_of(event).keeps_shares(now):
            return room
        shares = {one.perspective: one.places for one in read_shares(event.shares) if one.attending == attending}
        return replace(
            room,
            shares=shares,
            taken_by=self.by_perspective(attending, *HOLDING_STATES),
            waiting_by=self.by_perspective(attending, "waiting"),
        )


def counts_of(session: Session, event: Event) -> Counts:
    """Count everybody at an event with one query; exact while the event's row is locked."""
    # By perspective only where that matters: the rest is answered by the index alone.
    perspective = Registration.perspective if event.shares else literal("")
    columns = (Registration.attending, Registration.state, *((perspective,) if event.shares else ()))
    rows = session.execute(
        select(Registration.attending, Registration.state, perspective, func.count())
        .where(Registration.event_id == event.id)
        .group_by(*columns)
    )
    return Counts({(attending, state, said): number for attending, state, said, number in rows})


@dataclass(frozen=True)
class SharePicture:
    """One perspective at an event, as counts. kept: places, None when none are kept (any more) for it."""

    words: str
    kept: int | None
    taken: int
    waiting: int
    warning: str = ""


def shares_picture(session: Session, event: Event, now: datetime) -> list[SharePicture]:
    """Who is in the room, by perspective; empty for an event without shares."""
    if not event.shares:
        return []
    counts = counts_of(session, event)
    keeps = terms_of(event).keeps_shares(now)
    found = []
    for key, words in {**PERSPECTIVES, "": "Not said"}.items():
        taken = sum(counts.by_perspective(side, *HOLDING_STATES).get(key, 0) for side in sides_of(event))
        waiting = sum(counts.by_perspective(side, "waiting").get(key, 0) for side in sides_of(event))
        kept = sum(share.places for share in read_shares(event.shares) if share.perspective == key)
        if key or taken or waiting:
            warning = "Nobody has booked" if kept and not taken else ""
            found.append(SharePicture(words, kept if kept and keeps else None, taken, waiting, warning))
    return found


def has_not_answered(registration: Registration) -> bool:
    """Whether somebody with a place was asked if they still come, and has not said."""
    return (
        registration.state == "confirmed"
        and registration.asked_at is not None
        and registration.reconfirmed_at is None
    )


def people_counts(session: Session, event_id: int) -> dict[str, int]:
    """How many people are in each state; states without anybody are absent."""
    rows = session.execute(
        select(Registration.state, func.count().label("number"))
        .where(Registration.event_id == event_id)
        .group_by(Registration.state)
        .order_by(Registration.state)
    )
    return {row.state: row.number for row in rows}


def registrations_of(
    session: Session, event_id: int, states: Iterable[str] | None = None
) -> Sequence[Registration]:
    """Everybody at an event in the order in which they registered; states: only those in one of them."""
    statement = select(Registration).where(Registration.event_id == event_id)
    if states is not None:
        statement = statement.where(Registration.state.in_(list(states)))
    return session.scalars(statement.order_by(Registration.registered_at, Registration.id)).all()


def by_id(session: Session, event_id: int, registration_id: int) -> Registration | None:
    """One person at this event; None also when the number belongs to another event."""
    return session.scalar(
        select(Registration).where(Registration.id == registration_id, Registration.event_id == event_id)
    )


def fresh_registration(session: Session, registration_id: int) -> Registration | None:
    """A registration as it is now, whatever this session read before; to be asked under the event's lock."""
    return session.get(Registration, registration_id, populate_existing=True)


def same_address(session: Session, event_id: int, email_key: str) -> Sequence[Registration]:
    """All registrations of an address at an event, past ones too, newest first."""
    return session.scalars(
        select(Registration)
        .where(Registration.email_key == email_key, Registration.event_id == event_id)
        .order_by(Registration.id.desc())
        .execution_options(populate_existing=True)
    ).all()


def queue_of(session: Session, event_id: int, attending: str, *, limit: int | None = None) -> tuple[Waiting, ...]:
    """Who waits for a way of attending, longest first."""
    rows = session.execute(
        select(Registration.id, Registration.waiting_since, Registration.registered_at, Registration.perspective)
        .where(
            Registration.event_id == event_id, Registration.state == "waiting", Registration.attending == attending
        )
        .order_by(Registration.waiting_since, Registration.id)
        .limit(limit)
    )
    return tuple(
        Waiting(row.id, attending, row.waiting_since or row.registered_at, row.perspective) for row in rows
    )


def end_of_queue(session: Session, event_id: int, attending: str) -> datetime | None:
    """Since when the last one in a queue waits; None when nobody does."""
    return session.scalar(
        select(func.max(Registration.waiting_since)).where(
            Registration.event_id == event_id, Registration.state == "waiting", Registration.attending == attending
        )
    )


def queue_positions(session: Session, event_id: int) -> dict[int, int]:
    """The position of everybody who waits, from 1 in each queue."""
    rows = session.execute(
        select(Registration.id, Registration.attending)
        .where(Registration.event_id == event_id, Registration.state == "waiting")
        .order_by(Registration.attending, Registration.waiting_since, Registration.id)
    )
    found: dict[int, int] = {}
    before: dict[str, int] = {}
    for id, attending in rows:
        before[attending] = before.get(attending, 0) + 1
        found[id] = before[attending]
    return found


def place_in_queue(session: Session, registration: Registration) -> tuple[int, int]:
    """The position of somebody who waits, from 1, and how many wait for that way of attending."""
    same = (
        Registration.event_id == registration.event_id,
        Registration.state == "waiting",
        Registration.attending == registration.attending,
    )
    since = registration.waiting_since or registration.registered_at
    before = or_(
        Registration.waiting_since < since,
        and_(Registration.waiting_since == since, Registration.id < registration.id),
    )
    ahead = session.scalar(select(func.count()).select_from(Registration).where(*same, before)) or 0
    return ahead + 1, session.scalar(select(func.count()).select_from(Registration).where(*same)) or 0


def highest_invites(session: Session, event_id: int) -> dict[str, int]:
    """The highest SEQUENCE that each address was ever sent under an event's UID, for a place or for running it."""
    rows = session.execute(
        select(Registration.email_key, func.max(Registration.invite_sequence))
        .where(Registration.event_id == event_id, Registration.invite_sequence.is_not(None))
        .group_by(Registration.email_key)
    )
    found = run_sequences(session, event_id)
    for key, sequence in rows:
        found[key] = max(found.get(key, -1), sequence if sequence is not None else -1)
    return found


def highest_invite(session: Session, event_id: int, email_key: str) -> int | None:
    """The highest SEQUENCE that one address was ever sent under an event's UID, or None."""
    as_guest = session.scalar(
        select(func.max(Registration.invite_sequence)).where(
            Registration.event_id == event_id, Registration.email_key == email_key
        )
    )
    return highest(as_guest, run_sequence(session, event_id, email_key))


def highest(*sequences: int | None) -> int | None:
    """The highest of those that are known, or None."""
    return max((one for one in sequences if one is not None), default=None)


def person_by_token(session: Session, token: str) -> Registration | None:
    """Whom a personal link belongs to, with the event; None for a wrong, revoked or erased one."""
    if not looks_like_token(token):
        return None
    return session.scalar(
        select(Registration)
        .join(PlaceToken, PlaceToken.registration_id == Registration.id)
        .join(Event, Event.id == Registration.event_id)
        .options(contains_eager(Registration.event).options(joinedload(Event.kind), joinedload(Event.venue)))
        .where(
            PlaceToken.token_hash == token_hash(PLACE_PURPOSE, token),
            PlaceToken.revoked_at.is_(None),
            Registration.erased_at.is_(None),
        )
    )


def pass_by_token(session: Session, token: str, now: datetime) -> PlacePass | None:
    """What a colleague was asked to take over; None for a wrong, ended or late link."""
    if not looks_like_token(token):
        return None
    return session.scalar(
        select(PlacePass)
        .join(Registration, Registration.id == PlacePass.registration_id)
        .where(
            PlacePass.token_hash == token_hash(PASS_PURPOSE, token),
            PlacePass.ended_at.is_(None),
            PlacePass.expires_at > now,
            Registration.erased_at.is_(None),
        )
    )


def poll_answer_by_token(session: Session, token: str) -> DatePollAnswer | None:
    """Whose answer a link is about; None for a wrong link, or when the person is no longer kept."""
    if not looks_like_token(token):
        return None
    return session.scalar(
        select(DatePollAnswer)
        .join(Registration, Registration.id == DatePollAnswer.registration_id)
        .where(DatePollAnswer.token_hash == token_hash(POLL_PURPOSE, token), Registration.erased_at.is_(None))
    )


@dataclass(frozen=True)
class Wanted:
    """One event at which people got no place, or could not come on its date. area: of its place, or Online."""

    event_id: int
    slug: str
    title: str
    sort_at: datetime
    area: str
    waiting: int
    another_date: int

    @property
    def people(self) -> int:
        """How many would like another date."""
        return self.waiting + self.another_date


def wanted_events(session: Session, *, since: datetime, within: Sequence[ColumnElement[bool]]) -> list[Wanted]:
    """Events with people who would like another date, most people first. within: the WHERE of what may be seen."""
    waiting = func.count(case((Registration.state == "waiting", 1)))
    another = func.count(case(((Registration.state == "cancelled") & Registration.wants_another_date, 1)))
    area = case((Event.mode == "online", "Online"), else_=func.coalesce(func.nullif(Event.area, ""), "Not said"))
    rows = session.execute(
        select(Event.id, Event.slug, Event.title, Event.sort_at, area.label("area"), waiting.label("waiting"),
               another.label("another"))
        .join(Registration, Registration.event_id == Event.id)
        .where(Event.over_at > since, Event.state != "draft", *within)
        .group_by(Event.id)
        .having(waiting + another > 0)
        .order_by((waiting + another).desc(), Event.sort_at, Event.id)
    )  # fmt: skip
    return [Wanted(*row) for row in rows]


def topics_wanted(session: Session, wanted: Sequence[Wanted]) -> list[tuple[str, int]]:
    """How many people would like another date, by topic, most first. Somebody counts for each topic of an event."""
    people = {one.event_id: one.people for one in wanted}
    rows = session.execute(
        select(Topic.name, EventTopic.event_id)
        .join(EventTopic, EventTopic.topic_id == Topic.id)
        .where(EventTopic.event_id.in_(list(people)))
    )
    found: dict[str, int] = {}
    for name, event_id in rows:
        found[name] = found.get(name, 0) + people[event_id]
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def address_by_calendar_token(session: Session, token: str) -> CalendarToken | None:
    """The personal feed a token opens (its .email_key says whose places), or None."""
    if not looks_like_token(token):
        return None
    return session.scalar(
        select(CalendarToken).where(
            CalendarToken.token_hash == token_hash(CALENDAR_PURPOSE, token), CalendarToken.revoked_at.is_(None)
        )
    )


def places_of_address(
    session: Session, email_key: str, *, states: Iterable[str] = ACTIVE_STATES, not_over_at: datetime | None = None
) -> Sequence[Registration]:
    """The registrations of an address with their events, first event first.

    states: only these; not_over_at: only events that are not over at this instant.
    """
    statement = (
        select(Registration)
        .join(Event, Event.id == Registration.event_id)
        .options(contains_eager(Registration.event))
        .where(Registration.email_key == email_key, Registration.state.in_(list(states)), Event.state != "draft")
    )
    if not_over_at is not None:
        statement = statement.where(Event.over_at > not_over_at)
    return session.scalars(statement.order_by(Event.sort_at, Event.id, Registration.id)).all()


def admission_of(session: Session, event: Event, email: str) -> str:
    """Whether an address may register for an event: in, elsewhere or not_invited."""
    return admission(
        booking=event.booking,
        admits=event.admits,
        domains=[str(domain) for domain in event.admitted_domains],
        email=email,
        is_on_list=is_by_invitation(event.booking, event.admits) and is_invited(session, event.id, email_key(email)),
    )


def is_invited(session: Session, event_id: int, key: str) -> bool:
    """Whether an address stands on the list of people invited. key: as addresses are compared."""
    return (
        session.scalar(select(Invitee.id).where(Invitee.event_id == event_id, Invitee.email_key == key)) is not None
    )


def invitees_of(session: Session, event_id: int) -> Sequence[tuple[Invitee, str | None]]:
    """Everybody invited, in the order in which they were put on the list, with the state of their registration.

    The state is that of an active registration, else of the newest one, else None.
    """
    states: dict[str, str] = {}
    rows = session.execute(
        select(Registration.email_key, Registration.state)
        .join(Invitee, and_(Invitee.event_id == Registration.event_id, Invitee.email_key == Registration.email_key))
        .where(Registration.event_id == event_id)
        .order_by(Registration.id)
    )
    for key, state in rows:
        if states.get(key) not in ACTIVE_STATES:
            states[key] = state
    people = session.scalars(select(Invitee).where(Invitee.event_id == event_id).order_by(Invitee.id))
    return [(invitee, states.get(invitee.email_key)) for invitee in people]


def invitee_by_id(session: Session, event_id: int, invitee_id: int) -> Invitee | None:
    """One person invited to this event; None also when the number belongs to another event."""
    return session.scalar(select(Invitee).where(Invitee.id == invitee_id, Invitee.event_id == event_id))


def invited_count(session: Session, event_id: int) -> int:
    """How many people stand on the list of an event."""
    return session.scalar(select(func.count()).select_from(Invitee).where(Invitee.event_id == event_id)) or 0


def calendar_of_address(session: Session, email_key: str) -> CalendarToken | None:
    """The personal calendar of an address that works."""
    return session.scalar(
        select(CalendarToken)
        .where(CalendarToken.email_key == email_key, CalendarToken.revoked_at.is_(None))
        .order_by(CalendarToken.id.desc())
        .limit(1)
    )


def needs_of_event(session: Session, event_id: int) -> Sequence[tuple[Registration, Needs]]:
    """Who needs what, of those who are or may be coming, in the order in which they registered."""
    rows = session.execute(
        select(Registration, Needs)
        .join(Needs, Needs.registration_id == Registration.id)
        .where(Registration.event_id == event_id, Registration.state.in_(ACTIVE_STATES))
        .order_by(Registration.registered_at, Registration.id)
    )
    return [(registration, needs) for registration, needs in rows]


def questions_counts(session: Session, event_id: int) -> int:
    """How many people left a question for the event."""
    return session.scalar(
        select(func.count())
        .select_from(Registration)
        .where(
            Registration.event_id == event_id, Registration.question != "", Registration.state.in_(ACTIVE_STATES)
        )
    ) or 0


def together_key(together: str) -> str:
    """The dedupe_key of the one mail about several registrations of one send."""
    return f"places_together:{together}"


def mails_about(session: Session, registration: Registration) -> list[OutboxMessage]:
    """All mail about a registration, newest first, with the one that told of it beside others."""
    found = list(messages_about(session, "registration", registration.id))
    if registration.together is not None:
        shared = message_by_key(session, together_key(registration.together))
        if shared is not None and shared.about_id != registration.id:
            found = sorted([*found, shared], key=lambda mail: (mail.created_at, mail.id), reverse=True)
    return found

"""Due work: offers that ran out go to the next, and personal values are removed when their time has passed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Select, Text, and_, cast, delete, func, literal, select, update
from sqlalchemy.orm import Session

from workshops.audit.rules import WORKER
from workshops.audit.service import record
from workshops.config import Settings
from workshops.messages.service import forget_messages, forget_messages_about
from workshops.registration.models import CalendarToken, Needs, PlacePass, PlaceToken, Registration
from workshops.registration.queries import registrations_of, together_key
from workshops.registration.rules import NEEDS_KEPT, PEOPLE_KEPT
from workshops.registration.rules.reasons import ran_out
from workshops.registration.service.inviting import erase_invitees
from workshops.registration.service.needs import erase_needs
from workshops.registration.service.personal_answers import erase_personal_answers
from workshops.registration.service.places import change_state, settle
from workshops.registration.service.telling import tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

#: What stands in the place of a name once it is removed.
ERASED_NAME = "Name removed"
#: Rows changed by one statement, so that no statement grows without limit.
BATCH = 500


def lapse_offers(session: Session, *, now: datetime, settings: Settings) -> int:
    """End every offer whose deadline has passed and offer the places to the next; returns how many ended."""
    events = session.scalars(
        select(Registration.event_id)
        .where(Registration.state == "offered", Registration.offer_expires_at <= now)
        .distinct()
        .order_by(Registration.event_id)
    ).all()
    ended = 0
    for event_id in events:
        event = lock_event(session, event_id)
        for registration in registrations_of(session, event_id, ("offered",)):
            session.refresh(registration)
            until = registration.offer_expires_at
            if registration.state != "offered" or until is None or until > now:
                continue
            change_state(registration, "lapsed", now)
            record(
                session, now=now, actor=WORKER, action="offer_lapsed", subject=("registration", registration.id),
                event_id=event_id, fields=("state",), reason=ran_out(until),
            )
            if now < event.sort_at:
                tell(
                    session, event, registration, "offer_lapsed", now=now, settings=settings, values={"until": until}
                )
            ended += 1
        settle(session, event, now=now, actor=WORKER, settings=settings)
    return ended


def release_shares(session: Session, *, now: datetime, settings: Settings) -> int:
    """Give out the places that shares kept until now; returns at how many events."""
    ended = session.scalars(
        select(Event.id)
        .where(
            Event.shares_until <= now,
            (Event.held_in_person > 0) | (Event.held_online > 0),
            Event.state == "published",
        )
        .order_by(Event.id)
    ).all()
    for event_id in ended:
        settle(session, lock_event(session, event_id), now=now, actor=WORKER, settings=settings)
    return len(ended)


def _late_needs(now: datetime) -> Select[int]:
    """Whose needs have had their time."""
    return (
        select(Needs.registration_id)
        .join(Registration, Registration.id == Needs.registration_id)
        .join(Event, Event.id == Registration.event_id)
        .where(Event.over_at <= now - NEEDS_KEPT)
    )


def forget_needs(session: Session, *, now: datetime, settings: Settings) -> int:
    """Erase the needs whose time has passed, at most BATCH people's at once; how many. As erase_expired does."""
    late = session.scalars(_late_needs(now).order_by(Needs.registration_id).limit(BATCH)).all()
    if late:
        erase_needs(session, late, now=now)
        record(
            session, now=now, actor=WORKER, action="personal_values_removed", subject=("registration", None),
            reason=f"{len(late)} access and food needs",
        )
        session.expire_all()
    return len(late)


def erase_expired(session: Session, *, now: datetime, dry_run: bool) -> dict[str, int]:
    """Remove what its retention time has passed; returns how many of each. dry_run only counts.

    Access and food needs with what was arranged for them, and answers to personal questions, go 30 days after the
    event, and counts of needs stay; names, addresses and
    everything written 12 months after.
    State, way of attending and sector stay, so that figures about the past do not change.
    """
    late_needs = _late_needs(now)
    late_people = and_(
        Registration.erased_at.is_(None),
        Registration.event_id.in_(select(Event.id).where(Event.over_at <= now - PEOPLE_KEPT)),
    )
    counts = {
        "access and food needs": _count(session, late_needs.subquery()),
        "answers to personal questions": erase_personal_answers(session, now=now, dry_run=dry_run),
        "people": session.scalar(select(func.count()).select_from(Registration).where(late_people)) or 0,
        "personal calendars": 0,
        "people invited": erase_invitees(session, now=now, dry_run=dry_run),
    }
    if dry_run:
        counts["personal calendars"] = session.scalar(
            select(func.count()).select_from(CalendarToken).where(_calendar_without_people(late_people))
        ) or 0
        return counts
    erase_needs(session, session.scalars(late_needs.order_by(Needs.registration_id)).all(), now=now)
    _erase_people(session, late_people, now)
    counts["personal calendars"] = _rowcount(
        session.execute(
            delete(CalendarToken).where(_calendar_without_people(None)),
            execution_options={"synchronize_session": False},
        )
    )
    if any(counts.values()):
        record(
            session, now=now, actor=WORKER, action="personal_values_removed", subject=("registration", None),
            reason=", ".join(f"{number} {what}" for what, number in counts.items()),
        )
    session.flush()
    session.expire_all()
    return counts


def erase_person(session: Session, registration: Registration, now: datetime) -> None:
    """Remove everything personal of one registration: who it was, needs, answers, links and mail."""
    erase_needs(session, [registration.id], now=now)
    _erase_people(session, Registration.id == registration.id, now)
    session.expire(registration)


def _erase_people(session: Session, late_people: ColumnElement[bool], now: datetime) -> None:
    ids = session.scalars(select(Registration.id).where(late_people).order_by(Registration.id)).all()
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        session.execute(
            delete(PlacePass).where(PlacePass.registration_id.in_(some)),
            execution_options={"synchronize_session": False},
        )
        session.execute(
            delete(PlaceToken).where(PlaceToken.registration_id.in_(some)),
            execution_options={"synchronize_session": False},
        )
        # later mail, such as a link sent again, has not reached its own age yet and names the same person
        forget_messages_about(session, "registration", some)
        together = session.scalars(
            select(Registration.together).where(Registration.id.in_(some), Registration.together.is_not(None))
        ).all()
        forget_messages(session, [together_key(str(one)) for one in together])
        session.execute(
            update(Registration)
            .where(Registration.id.in_(some))
            .values(
                name=ERASED_NAME,
                email="",
                # Different for each, because one active registration per address is a rule of the table.
                email_key=literal("erased:") + cast(Registration.id, Text),
                organisation="",
                job_title="",
                question="",
                answers={},
                cancel_reason="",
                form_key_hash=None,
                together=None,
                erased_at=now,
            ),
            execution_options={"synchronize_session": False},
        )


def _calendar_without_people(leaving: ColumnElement[bool] | None) -> ColumnElement[bool]:
    """A personal calendar of an address nobody is registered with any more (those leaving left out)."""
    staying = select(Registration.email_key).where(Registration.erased_at.is_(None))
    if leaving is not None:
        staying = staying.where(~leaving)
    return CalendarToken.email_key.not_in(staying)


def _count(session: Session, rows: object) -> int:
    return session.scalar(select(func.count()).select_from(rows)) or 0  # type: ignore[arg-type]


def _rowcount(result: object) -> int:
    return int(getattr(result, "rowcount", 0))

"""Staff write to the people of an event: one mail for each, never a copy to others, and none to who left since."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import DomainError
from workshops.messages.mime import display_name
from workshops.messages.models import OutboxMessage
from workshops.messages.render import Words, render_words
from workshops.messages.service import enqueue
from workshops.registration.models import Registration
from workshops.registration.rules.writing import AUDIENCES, Audience, audience_of, check_fields, filled_in
from workshops.registration.service.telling import Batch, event_words, store_batch, tell
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event

KIND = "from_organiser"
#: So many messages to people of one event in a day, tests to oneself not counted.
A_DAY = 5
#: Who cannot be reached within this time does not get it any more.
KEPT_FOR = timedelta(days=3)


def audience_counts(session: Session, event_id: int) -> dict[str, int]:
    """How many people each audience has just now, by key."""
    rows = session.execute(
        select(Registration.state, Registration.attending, func.count())
        .where(Registration.event_id == event_id)
        .group_by(Registration.state, Registration.attending)
    ).all()
    return {
        one.key: sum(
            number for state, attending, number in rows
            if state in one.states and attending == (one.attending or attending)
        )
        for one in AUDIENCES
    }  # fmt: skip


def preview_message(event: Event, *, subject: str, message: str, settings: Settings) -> Words:
    """The mail as a person called Example Person gets it. Raises DomainError for a field that is none."""
    check_fields(subject, "subject")
    check_fields(message, "message")
    return render_words(
        f"registration/{KIND}", settings=settings, links={"place": f"{settings.base_url}/find-my-place"},
        values=_values(event, "Example Person", "ABCD2345", subject, message, settings=settings),
    )


def send_test(
    session: Session, *, event_id: int, subject: str, message: str, to_email: str, to_name: str, now: datetime,
    settings: Settings,
) -> None:  # fmt: skip
    """Send the message to whoever writes it. Raises DomainError for a field that is none, NotFound."""
    event = lock_event(session, event_id)
    check_fields(subject, "subject")
    check_fields(message, "message")
    said = hashlib.sha256(f"{subject}\0{message}".encode()).hexdigest()[:16]
    values = _values(event, to_name or "Example Person", "ABCD2345", f"Test: {subject}", message, settings=settings)
    enqueue(
        session, kind=f"registration/{KIND}", to_email=to_email, to_name=to_name, values=values,
        links={"place": f"{settings.base_url}/find-my-place"}, event_id=event.id,
        dedupe_key=f"test:{event.id}:{said}:{to_email}:{int(now.timestamp())}", now=now, settings=settings,
    )


def message_people(
    session: Session,
    *,
    event_id: int,
    audience: str,
    subject: str,
    message: str,
    form_key: str,
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> int:
    """Write to everybody of an audience, each in a mail of their own; how many.

    form_key: of the page; the same page sent again writes to nobody twice. Raises DomainError for a field of the form,
    when nobody is in the audience, or after A_DAY messages within a day; NotFound.
    """
    event = lock_event(session, event_id)
    chosen = audience_of(audience)
    check_fields(subject, "subject")
    check_fields(message, "message")
    key = hashlib.sha256(f"{event.id}\0{form_key}".encode()).hexdigest()[:24]
    if session.scalar(select(OutboxMessage.id).where(OutboxMessage.dedupe_key.like(f"written:{key}:%")).limit(1)):
        return 0
    if _sent_within_a_day(session, event.id, now) >= A_DAY:
        raise DomainError(f"You have written to people of this event {A_DAY} times within a day. Try again tomorrow.")
    people = _people(session, event.id, chosen)
    if not people:
        raise DomainError("Nobody is there to write to", field="audience")
    batch, words = Batch(), event_words(event, settings=settings)
    for one in people:
        values = _values(event, one.name, one.reference, subject, message, settings=settings)
        tell(
            session, event, one, KIND, now=now, settings=settings, batch=batch, words=words,
            values={"subject": values["subject"], "message": values["message"]}, drop_after=now + KEPT_FOR,
            dedupe_key=f"written:{key}:{one.id}",
        )  # fmt: skip
    record(session, now=now, actor=actor, action="people_written_to", subject=("event", event.id), event_id=event.id,
           reason=f"{chosen.key}, {len(people)}")  # fmt: skip
    return store_batch(session, batch)


def _people(session: Session, event_id: int, audience: Audience) -> list[Registration]:
    here = [Registration.event_id == event_id, Registration.state.in_(audience.states)]
    if audience.attending:
        here.append(Registration.attending == audience.attending)
    return list(session.scalars(select(Registration).where(*here).order_by(Registration.id)))


def _sent_within_a_day(session: Session, event_id: int, now: datetime) -> int:
    """How many messages, each to many, were written within a day: they share the first part of their keys."""
    keys = session.scalars(
        select(OutboxMessage.dedupe_key).where(
            OutboxMessage.event_id == event_id, OutboxMessage.kind == f"registration/{KIND}",
            OutboxMessage.created_at > now - timedelta(days=1), OutboxMessage.dedupe_key.like("written:%"),
        )
    )
    return len({key.split(":")[1] for key in keys})


def _values(
    event: Event, name: str, reference: str, subject: str, message: str, *, settings: Settings
) -> dict[str, str]:
    words = event_words(event, settings=settings)
    fields = {"name": display_name(name), "event": words["title"], "when": words["when"], "where": words["where"],
              "reference": reference}  # fmt: skip
    return {
        **words, "name": fields["name"], "reference": reference,
        "subject": filled_in(subject, fields), "message": filled_in(message, fields),
    }  # fmt: skip

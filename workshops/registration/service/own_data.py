"""What somebody may have and may have deleted: all that is kept about their registration."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.audit.queries import history_of
from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.registration.models import Needs, Registration
from workshops.registration.needs_queries import needs_where
from workshops.registration.queries import mails_about
from workshops.registration.rules import ACTIVE_STATES, ChangeRefused
from workshops.registration.rules.needs import KINDS, OWN_STANDINGS
from workshops.registration.rules.reasons import history_sentence
from workshops.registration.service.places import lock_place
from workshops.registration.service.telling import event_when
from workshops.registration.service.upkeep import erase_person
from workshops.schedule.calendar_entry import location_words

#: Mail in these states is still on its way, and its person waits for it.
_ON_ITS_WAY = ("due", "sending", "retry")


def data_of(session: Session, registration: Registration) -> dict[str, Any]:
    """Everything that is kept about a registration, in plain values: instants in ISO 8601, UTC."""
    event, needs = registration.event, session.get(Needs, registration.id)
    return {
        "event": {"title": event.title, "when": event_when(event), "where": location_words(event)},
        "you": {
            name: getattr(registration, name)
            for name in ("name", "email", "organisation", "job_title", "sector", "perspective", "question")
        },
        "answers": dict(registration.answers),
        "access_needs": needs.access_needs if needs else "",
        "dietary_needs": needs.dietary_needs if needs else "",
        "arranged": [
            {
                "what": KINDS[one.kind].words, "state": OWN_STANDINGS.get(one.standing, "no longer needed"),
                "told": one.answer.message if one.answer else "",
            }
            for one in needs_where(session, Registration.id == registration.id)
        ],
        "registration": {
            "reference": registration.reference,
            "attending": registration.attending,
            "state": registration.state,
            "registered_at": registration.registered_at.isoformat(),
            "why_you_cannot_come": registration.cancel_reason,
        },
        "history": [
            {"at": entry.at.isoformat(), "what": sentence}
            for entry in reversed(history_of(session, "registration", registration.id))
            if (sentence := history_sentence(entry.action, entry.reason, entry.fields))
        ],
        "emails": [
            {"subject": mail.subject, "state": mail.state, "written_at": mail.created_at.isoformat()}
            for mail in reversed(mails_about(session, registration))
        ],
    }


def check_can_be_deleted(session: Session, registration: Registration, now: datetime) -> None:
    """Raise ChangeRefused with what to do first: give up the place, or wait for the mail that is on its way."""
    if registration.state in ACTIVE_STATES and now < registration.event.over_at:
        raise ChangeRefused("Cancel your place first. Then what you told us can be deleted.")
    if any(mail.state in _ON_ITS_WAY for mail in mails_about(session, registration)):
        raise ChangeRefused("An email to you is still on its way. Come back to this page in a few minutes.")


def delete_own_data(
    session: Session, *, registration_id: int, now: datetime, settings: Settings, actor: Actor
) -> None:
    """Remove everything personal of a registration now instead of a year after the event; counts stay.

    Its links stop working. Raises ChangeRefused with what to do first, NotFound.
    """
    event, registration = lock_place(session, registration_id)
    check_can_be_deleted(session, registration, now)
    erase_person(session, registration, now)
    record(session, now=now, actor=actor, action="own_data_deleted", subject=("registration", registration_id),
           event_id=event.id)  # fmt: skip

"""What becomes of the event, told to the person who proposed it or asked for it; and what staff find on their page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.messages.models import OutboxMessage
from workshops.proposals.models import Proposal
from workshops.proposals.queries import of_event, queue_counts
from workshops.proposals.service.telling import tell
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.signals import Attention, Change


def tell_host_published(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> bool:
    """The event can be found now."""
    return _tell(event, "event_published", session=session, now=now, settings=settings)


def tell_host_changed(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    changes: Sequence[Change] = (),
    **_: Any,
) -> bool:
    """The organisers moved it. The joining link is for people with a place and is left out.

    Whether people who registered are told is the organiser's choice; who runs the event with us is always told.
    """
    told = [
        {"label": change.label, "before": change.before, "after": change.after}
        for change in changes
        if "join" not in change.label.casefold()
    ]
    if not told:
        return False
    return _tell(event, "event_changed", session=session, now=now, settings=settings, values={"changes": told})


def tell_host_cancelled(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> bool:
    """It does not take place."""
    return _tell(event, "event_cancelled", session=session, now=now, settings=settings)


def tell_host_postponed(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> bool:
    """It has no date for now."""
    return _tell(event, "event_postponed", session=session, now=now, settings=settings)


def tell_host_reinstated(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> bool:
    """It takes place after all."""
    return _tell(event, "event_reinstated", session=session, now=now, settings=settings)


def _tell(
    event: Event,
    kind: str,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    values: dict[str, Any] | None = None,
) -> bool:
    session.flush()
    proposal = of_event(session, event.id)
    if proposal is None or now >= event.over_at:
        return False
    return tell(
        session,
        proposal,
        kind,
        now=now,
        settings=settings,
        values={
            "title": event.title,
            "when": when_text(event_view(event)),
            "where": location_words(event),
            "event_url": f"{settings.base_url}/events/{event.slug}",
            "reason": event.state_reason,
            "changes": [],
            **(values or {}),
        },
        dedupe_key=f"{event.version}:{int(now.timestamp())}",
        drop_after=event.over_at,
    )


#: Kind of mail -> the states of a proposal in which it is still true.
_STILL_TRUE = {
    "confirm": ("unconfirmed",),
    "changes_asked": ("changes",),
    "declined": ("declined",),
    "accepted": ("accepted",),
}


def reason_not_to_send(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why a mail about a proposal must not go out any more, or None. Asked at the moment of sending."""
    proposal = session.get(Proposal, message.about_id) if message.about_id is not None else None
    if proposal is None or proposal.erased_at is not None:
        return "The proposal is no longer kept."
    wanted = _STILL_TRUE.get(message.kind.rpartition("/")[2])
    if wanted is not None and proposal.state not in wanted:
        return "Things have changed since this was written."
    return None


def attention_for(sender: object = None, *, session: Session, now: datetime, user: Any, **_: Any) -> list[Attention]:
    """How many proposals wait for an answer of this member of staff."""
    if user.role not in ("organiser", "admin"):
        return []
    waiting = queue_counts(session, user).get("waiting", 0)
    if not waiting:
        return []
    words = "1 proposal waits for an answer" if waiting == 1 else f"{waiting} proposals wait for an answer"
    return [Attention(words, waiting, "proposals.proposals")]

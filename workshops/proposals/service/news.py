"""What becomes of the event, told to the person who proposed it or asked for it; and what staff find on their page.

Listeners answer nothing: whoever sends the news counts the people who are registered, and these are not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.messages.models import OutboxMessage
from workshops.messages.render import placeholder, render_words
from workshops.proposals.models import Proposal
from workshops.proposals.queries import of_event, queue_counts
from workshops.proposals.service.telling import OWN_LINK, letter_values, tell
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.consequence_signals import Audience, Example, Foreseen
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.events import Counts, EventDetails, decide_change
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.service import details_of
from workshops.schedule.service.events import told_changes
from workshops.schedule.signals import Attention, Change


def tell_host_published(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> None:
    """The event can be found now."""
    _tell(event, "event_published", session=session, now=now, settings=settings)


def tell_host_changed(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    changes: Sequence[Change] = (),
    **_: Any,
) -> None:
    """The organisers moved it. The joining link is for people with a place and is left out.

    Whether people who registered are told is the organiser's choice; who runs the event with us is always told.
    """
    told = _changes_to_tell(changes)
    if told:
        _tell(event, "event_changed", session=session, now=now, settings=settings, values={"changes": told})


def _changes_to_tell(changes: Sequence[Change]) -> list[dict[str, str]]:
    return [
        {"label": change.label, "before": change.before, "after": change.after}
        for change in changes
        if "join" not in change.label.casefold()
    ]


def tell_host_cancelled(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> None:
    """It does not take place."""
    _tell(event, "event_cancelled", session=session, now=now, settings=settings)


def tell_host_postponed(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> None:
    """It has no date for now."""
    _tell(event, "event_postponed", session=session, now=now, settings=settings)


def tell_host_reinstated(event: Event, *, session: Session, now: datetime, settings: Settings, **_: Any) -> None:
    """It takes place after all."""
    _tell(event, "event_reinstated", session=session, now=now, settings=settings)


def _tell(
    event: Event,
    kind: str,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    values: dict[str, Any] | None = None,
) -> None:
    session.flush()
    proposal = of_event(session, event.id)
    if proposal is None or now >= event.over_at:
        return
    tell(
        session,
        proposal,
        kind,
        now=now,
        settings=settings,
        values={**_event_values(event, settings), **(values or {})},
        dedupe_key=f"{event.version}:{int(now.timestamp())}",
        drop_after=event.over_at,
    )


def _event_values(event: Event, settings: Settings) -> dict[str, Any]:
    return {
        "title": event.title,
        "when": when_text(event_view(event)),
        "where": location_words(event),
        "event_url": f"{settings.base_url}/events/{event.slug}",
        "reason": event.state_reason,
        "changes": [],
    }


def foresee_host_news(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    before: EventDetails,
    before_state: str,
    **_: Any,
) -> Foreseen:
    """Before the click: whoever proposed the event or asked for it is told too, and in which words. Only reads.

    event: as it would be afterwards. They are not counted among the people to choose for: they are told anyway.
    """
    proposal = of_event(session, event.id)
    if proposal is None or now >= event.over_at:
        return Foreseen()
    kind, changes = _foreseen_kind(session, event, before, before_state, now)
    if not kind:
        return Foreseen()
    values = letter_values(proposal, {**_event_values(event, settings), "changes": changes})
    words = render_words(f"proposals/{kind}", values=values, links=["proposal"], settings=settings)
    who = "The partner who proposed it" if proposal.purpose == "host" else "The person who asked for it"
    text = words.text.replace(placeholder("proposal"), OWN_LINK)
    return Foreseen(
        audiences=(Audience(who, 1, "Email, whatever you choose"),),
        examples=(Example(who[0].lower() + who[1:], 1, words.subject, text, kind),),
    )


def is_told_anyway(event: Event, *, session: Session, **_: Any) -> bool:
    """Whether somebody proposed this event or asked for it, and so is told what becomes of it."""
    return of_event(session, event.id) is not None


def _foreseen_kind(
    session: Session, event: Event, before: EventDetails, before_state: str, now: datetime
) -> tuple[str, list[dict[str, str]]]:
    """The kind of mail that follows, or "", with what it says has changed."""
    if event.state != before_state and event.state in ("cancelled", "postponed"):
        return f"event_{event.state}", []
    if event.state != "published":
        return "", []
    after = details_of(session, event)
    decided = decide_change(before, after, state=before_state, counts=Counts(), now=now)
    changes = _changes_to_tell(told_changes(before, after, decided))
    if changes:
        return "event_changed", changes
    return ("event_reinstated", []) if before_state in ("cancelled", "postponed") else ("", [])


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

"""What other slices tell the schedule: that an event's page changed, and how many places are taken."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from workshops.core.versions import touch_public
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.public_state import list_words, page_words, registration_closes_at


def touch_event(session: Session, event: Event) -> None:
    """Say that the event's public page shows something else after this transaction."""
    event.version += 1


def record_places(
    session: Session,
    event: Event,
    *,
    taken_in_person: int,
    taken_online: int,
    waiting_in_person: int,
    waiting_online: int,
    held_in_person: int = 0,
    held_online: int = 0,
) -> None:
    """Keep the counts of an event; its row must be locked by the caller.

    taken: confirmed and open offers; waiting: how many wait; held: free places that shares keep just now. The page
    and the lists are only told when their words change: "19 places left" to "18" moves them, 80 to 79 within "Places
    available" does not.
    """
    page, lists = _open_words(event)
    event.taken_in_person, event.taken_online = taken_in_person, taken_online
    event.waiting_in_person, event.waiting_online = waiting_in_person, waiting_online
    event.held_in_person, event.held_online = held_in_person, held_online
    page_after, lists_after = _open_words(event)
    if page_after != page:
        touch_event(session, event)
    if event.state != "draft" and event.is_listed and lists_after != lists:
        touch_public(session)


def _open_words(event: Event) -> tuple[tuple[object, ...], tuple[str, ...]]:
    """What the page and the lists say while registration is open: the only time at which counts show in them."""
    view = event_view(event)
    open_at = min(registration_closes_at(view), view.sort_at) - timedelta(seconds=1)
    return page_words(view, open_at), list_words(view, open_at)

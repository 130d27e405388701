"""What slices above the schedule add to its lists. workshops.wiring connects the listeners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blinker import Namespace
from sqlalchemy.orm import Session

_signals = Namespace()

#: The sender is None; session, event_ids, now. A listener returns what is published about these events, in words:
#: {7: "Notes, 2 write-ups"}; events about which nothing is published are left out.
past_list_composed = _signals.signal("past_list_composed")


def what_came_of(session: Session, event_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """What the listeners say about these events, joined: {7: "Notes, 2 write-ups"}."""
    found: dict[int, str] = {}
    for _, answer in past_list_composed.send(None, session=session, event_ids=list(event_ids), now=now):
        for event_id, words in (answer or {}).items():
            found[event_id] = ", ".join(filter(None, (found.get(event_id, ""), words)))
    return found

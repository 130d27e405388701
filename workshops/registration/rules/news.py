"""What is new to one person about an event: the difference between what they were last told and what holds now.

However many things changed, and however often, it is one piece of news; what was changed back is none at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from workshops.core.london_time import UK_TIME
from workshops.schedule.rules.events import PLACES_LABEL, EventDetails, told_words

#: What a person knows of an event, by label: "Date and time" -> words. The joining link stands as a fingerprint.
Known = Mapping[str, str]

STATE = "State"
TIME = "Date and time"
JOINING = "Joining link"
#: Changes in the order in which a mail names them.
_LABELS = (TIME, "How to take part", "Place")
_OFF = ("cancelled", "postponed")


@dataclass(frozen=True)
class News:
    """One mail to write: its kind, and what it names as changed, as (label, before, after)."""

    kind: str
    changes: tuple[tuple[str, str, str], ...] = ()


def known_words(details: EventDetails, state: str) -> dict[str, str]:
    """What somebody knows who was told everything about an event that is so and in this state."""
    words = told_words(details)
    words[JOINING] = sha256(words[JOINING].encode()).hexdigest()[:16] if words[JOINING] else ""
    return {**words, STATE: state}


def news_for(known: Known, now: Known, *, state: str, attending: str) -> News | None:
    """What to tell a person who knows `known` when `now` holds; None when nothing of it is new to them.

    state, attending: of their registration. How to join is news for people with a place online alone, and how many
    places there are for those who wait.
    """
    was, is_now = known.get(STATE, "published"), now[STATE]
    if is_now in _OFF:
        return None if was == is_now else News(f"event_{is_now}")
    changes = [
        (label, known[label], now[label])
        for label in _LABELS
        # that it is UK time is said once it is online: the time is the same
        if label in known and known[label].removesuffix(UK_TIME) != now[label].removesuffix(UK_TIME)
    ]
    if state == "confirmed" and attending == "online" and known.get(JOINING, now[JOINING]) != now[JOINING]:
        before = "the link we sent you before" if known[JOINING] else ""
        changes.append((JOINING, before, "the link below" if now[JOINING] else "we will send it to you"))
    if state == "waiting" and known.get(PLACES_LABEL, now[PLACES_LABEL]) != now[PLACES_LABEL]:
        changes.append((PLACES_LABEL, known[PLACES_LABEL], now[PLACES_LABEL]))
    if was == "cancelled" or (was == "postponed" and not any(label == TIME for label, _, _ in changes)):
        return News("event_reinstated", tuple(changes))
    return News("event_changed", tuple(changes)) if changes else None

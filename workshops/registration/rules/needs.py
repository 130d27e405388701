"""What people need becomes things to arrange: what kind, by when, and what was said about it. Pure.

What somebody wrote is theirs; the kinds are found by words in it and only say what may have to be arranged. Lead
times are working days in Scotland: how long before an event something is usually booked.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, timedelta

from workshops.core.bank_holidays import is_working_day

#: Staff say about a need: that it is arranged, or that it cannot be.
NEED_STATES = ("arranged", "not_possible")


@dataclass(frozen=True)
class NeedKind:
    """Something to arrange. lead_days: working days before the event by which it is booked."""

    key: str
    words: str
    lead_days: int
    pattern: str = ""

    def is_in(self, text: str) -> bool:
        """Whether a text speaks of this."""
        return bool(self.pattern) and re.search(self.pattern, text, re.IGNORECASE) is not None


#: In the order in which they are shown; what nothing else fits is the last of access needs.
ACCESS_KINDS = (
    NeedKind("interpreter", "BSL interpreter", 10, r"\bbsl\b|\bsign(ed)?[- ]language|\binterpret|\bdeaf\b"),
    NeedKind("captions", "Captions or speech-to-text", 10,
             r"\bcaption|\bsubtitle|speech[- ]to[- ]text|\bpalantyp|note[- ]?tak"),
    NeedKind("hearing_loop", "Hearing loop", 5, r"\bloops?\b|\bhearing aid|hard of hearing|hearing loss"),
    NeedKind("step_free", "Step-free access", 5,
             r"wheel ?chair|\bsteps?\b|step[- ]free|\bstairs?\b|\blifts?\b|\bramps?\b|\bmobility|\bscooter|\bcrutch"
             r"|\bwalking"),
    NeedKind("formats", "Papers in another format", 5,
             r"large print|larger font|\bbraille|easy[- ]read|screen[- ]?reader|\bblind\b|visual(ly)? impair|dyslexi"),
    NeedKind("assistance", "Room for an assistant or a dog", 3,
             r"\bcarers?\b|personal assistant|support worker|assistance dog|guide dog"),
    NeedKind("quiet", "Quiet room or breaks", 3,
             r"\bquiet\b|\bbreaks?\b|\bautis|\badhd\b|\banxi|\bsensory|neurodiver|breast ?feed"),
    NeedKind("parking", "Parking", 3, r"\bparking\b|blue badge|\bpark\b"),
    NeedKind("access", "Something else for access", 5),
)  # fmt: skip
FOOD = NeedKind("food", "Food", 5)
KINDS = {kind.key: kind for kind in (*ACCESS_KINDS, FOOD)}
#: What takes longest to book; said beside the question when people register.
LONGEST = ACCESS_KINDS[0]


def kinds_in(access: str, food: str) -> tuple[str, ...]:
    """What may have to be arranged for somebody who wrote this: keys of KINDS, in their order."""
    found = [kind.key for kind in ACCESS_KINDS if kind.is_in(access)]
    if access.strip() and not found:
        found = [ACCESS_KINDS[-1].key]
    return (*found, *([FOOD.key] if food.strip() else []))


def text_for(kind: str, access: str, food: str) -> str:
    """The text in which a kind was found."""
    return food if kind == FOOD.key else access


def fingerprint(text: str) -> str:
    """Names what somebody wrote without keeping it: who writes something else is looked at anew."""
    return hashlib.sha256(" ".join(text.split()).casefold().encode()).hexdigest()[:16]


def book_by(kind: NeedKind, first_day: date) -> date:
    """The last working day that leaves the kind's lead time before the first day of an event."""
    day, left = first_day, kind.lead_days
    while left:
        day -= timedelta(days=1)
        left -= is_working_day(day)
    return day


def interpreter_may_be_late(today: date, starts_on: date) -> bool:
    """Whether it is too late to book an interpreter with the usual lead time."""
    return book_by(LONGEST, starts_on) < today

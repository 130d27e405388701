"""What can be said about somebody's attendance, and how it is counted. Pure.

Nobody's absence is guessed: who has no mark is "not recorded", never "absent".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from workshops.core.errors import DomainError
from workshops.schedule.rules.folding import fold

#: What is stored -> what people read. Not recorded is the absence of a mark.
STATUSES: Mapping[str, str] = {
    "in_person": "Here in person",
    "online": "Online",
    "part": "Here for part",
    "excused": "Excused",
    "absent": "Not here",
}
NOT_RECORDED = "Not recorded"
#: The marks that count as having come.
CAME = frozenset({"in_person", "online", "part"})

#: For how long a past event without a single mark stays under "Needs your attention".
REMIND_FOR = timedelta(days=60)
#: A signed sheet is needed until attendance is recorded from it, not longer.
SHEET_KEPT_FOR = timedelta(days=30)


class UnknownStatus(DomainError):
    """Something other than the answers on the page was sent."""

    sentence = "Choose one of the answers shown for each person."


@dataclass(frozen=True)
class AttendanceCounts:
    """How many people have a place and what is known of them. came + excused + absent + not_recorded = places."""

    places: int = 0
    came: int = 0
    excused: int = 0
    absent: int = 0

    @property
    def not_recorded(self) -> int:
        """People with a place of whom nothing is known yet."""
        return self.places - self.came - self.excused - self.absent

    @property
    def is_complete(self) -> bool:
        """Whether everybody with a place has a mark."""
        return self.not_recorded == 0

    @property
    def is_begun(self) -> bool:
        """Whether anybody has a mark."""
        return self.not_recorded < self.places


def checked_status(text: str) -> str | None:
    """A status as it was sent, or None for "not recorded" (an empty text). Raises UnknownStatus."""
    if text == "":
        return None
    if text not in STATUSES:
        raise UnknownStatus
    return text


def status_when_here(attending: str) -> str:
    """What the button "Here" means for somebody who holds a place of this kind (in_person or online)."""
    return "online" if attending == "online" else "in_person"


def marks_to_change(before: Mapping[int, str | None], wanted: Mapping[int, str | None]) -> dict[int, str | None]:
    """Only what differs, by registration: saving the same page twice changes nothing."""
    return {key: status for key, status in wanted.items() if before.get(key) != status}


def is_found(looked_for: str, *texts: str) -> bool:
    """Whether every word looked for stands in one of the texts, whatever accents and case; no word finds everybody."""
    whole = " ".join(fold(text) for text in texts)
    return all(word in whole for word in fold(looked_for).split())

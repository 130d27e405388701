"""What those who run an event are told for their own calendar, and when they are told nothing. Pure.

One comparison decides: what they were told last against how things are now. So it does not matter how many
things changed in between, or how often it is asked: nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Method = Literal["REQUEST", "CANCEL"]

#: Kinds of mail -> the METHOD of the calendar object that goes with it.
METHODS: dict[str, Method] = {
    "run_invited": "REQUEST",
    "run_changed": "REQUEST",
    "run_off": "CANCEL",
    "run_removed": "CANCEL",
}
_LABELS = {"title": "Event", "when": "Date and time", "where": "Place"}


@dataclass(frozen=True)
class Told:
    """What somebody who runs an event knows of it, in words. joining: stands for the joining link, not the link."""

    state: str
    title: str
    when: str
    where: str
    joining: str = ""

    def kept(self) -> dict[str, str]:
        """As it is kept: JSON."""
        return asdict(self)


def read_told(kept: Mapping[str, Any]) -> Told:
    """From what is kept; what is missing was never told."""
    return Told(**{name: str(kept.get(name, "")) for name in Told.__dataclass_fields__})


def news_for(*, runs: bool, now: Told, before: Told | None, method: Method | None) -> str | None:
    """The kind of mail somebody gets, or None: they know all of it.

    runs: whether they run the event now.   before, method: what they were sent last, None when nothing was.
    """
    stands = method == "REQUEST"
    if now.state not in ("published", "postponed", "cancelled"):
        return None
    if now.state != "published":
        return "run_off" if stands else None
    if not runs:
        return "run_removed" if stands else None
    if before is None or (not stands and before.state == "published"):
        return "run_invited"
    return "run_changed" if not stands or now != before else None


def changed_words(before: Told, now: Told) -> list[dict[str, str]]:
    """What is different, before and after: [{"label": "Place", "before": ..., "after": ...}]."""
    old, new = before.kept(), now.kept()
    return [
        {"label": label, "before": old[name], "after": new[name]}
        for name, label in _LABELS.items()
        if old[name] != new[name]
    ]


def places_words(
    *, mode: str, taken: tuple[int, int], capacity: tuple[int | None, int | None], waiting: tuple[int, int]
) -> str:
    """How many places are taken: "In person: 12 of 20 taken, 3 waiting. Online: 4 taken".

    Each pair is (in person, online); a capacity of None is no limit.
    """
    parts = []
    for number, (way, words) in enumerate((("in_person", "In person"), ("online", "Online"))):
        if mode not in (way, "hybrid"):
            continue
        limit = capacity[number]
        text = f"{taken[number]:,} taken" if limit is None else f"{taken[number]:,} of {limit:,} taken"
        text += f", {waiting[number]:,} waiting" if waiting[number] else ""
        parts.append(f"{words}: {text}" if mode == "hybrid" else text)
    return ". ".join(parts)

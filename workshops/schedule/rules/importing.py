"""What an import may do to an event without asking: its state, and what people would have to be told."""

from __future__ import annotations

from datetime import datetime

from workshops.schedule.rules.events import Counts, Decided
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem


def target_state(
    current: str, asked: str | None, *, over_at: datetime, now: datetime, publish: bool, is_new: bool
) -> str:
    """The state of an event after its row.

    asked: the cell `state`, None when it is empty or the column is missing. Events already over leave the draft,
    upcoming ones only with publish (DESIGN 5). Raises DetailsDoNotFit when a public event should be a draft.
    """
    if current == "draft":
        wanted = asked or "published"
        return wanted if publish or over_at <= now else "draft"
    if asked is None or is_new:
        return current
    if asked == "draft":
        raise DetailsDoNotFit(Problem("state", f"The event is {current} already, and a row cannot make it a draft "
                                      "again. Leave the cell state empty"))
    return asked


def refuse_untold(decided: Decided, *, moves: bool, state: str, counts: Counts, is_over: bool) -> None:
    """Raise DetailsDoNotFit when people are registered who would have to be told, because an import mails nobody."""
    if is_over or state == "draft":
        return
    people = counts.people
    if people and (moves or decided.needs_choice):
        are = "person is" if people == 1 else "people are"
        what = "state" if moves and not decided.told_labels else "time or place"
        raise DetailsDoNotFit(Problem("starts", f"{people} {are} registered and an import emails nobody. Change the "
                                      f"{what} on the event's own page"))
    if counts.waiting and decided.changes_places:
        raise DetailsDoNotFit(Problem("capacity_in_person", "People are waiting for a place and an import emails "
                                      "nobody. Change the number of places on the event's own page"))

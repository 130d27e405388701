"""The states of an event and the ways between them: draft, published, postponed, cancelled; past by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from workshops.core.errors import DomainError
from workshops.core.text import clean_text
from workshops.schedule.rules.events import REASON_MAX, EventDetails
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem


class WrongState(DomainError):
    """The event is in a state from which this way does not lead."""


@dataclass(frozen=True)
class Step:
    """A way from some states to another one.

    refusals: state -> what somebody reads who tries to take it from there.   over: what they read when the event is
    over; empty when it can be taken then too.
    """

    name: str
    sources: tuple[str, ...]
    target: str
    refusals: Mapping[str, str]
    over: str = ""


#: All ways between the states, with a sentence for every way that does not lead on. A postponed event that is given
#: another time is published again too; that is a change of details (`service.change_event`).
PUBLISH = Step("publish", ("draft",), "published", {
    "published": "This event is published already.",
    "postponed": "This event is postponed. Give it a new date, or let it take place as planned.",
    "cancelled": "This event is cancelled. Let it take place after all instead.",
})  # fmt: skip
UNPUBLISH = Step("unpublish", ("published",), "draft", {
    "draft": "This event is a draft already.",
    "postponed": "This event is postponed and its page says so. It cannot become a draft again.",
    "cancelled": "This event is cancelled and its page says so. It cannot become a draft again.",
}, over="This event is over. It stays public, as part of what happened.")  # fmt: skip
POSTPONE = Step("postpone", ("published",), "postponed", {
    "draft": "This event is a draft that only staff can see. Change its date instead.",
    "postponed": "This event is postponed already.",
    "cancelled": "This event is cancelled. Let it take place after all first.",
}, over="This event is over, so it can no longer be postponed.")  # fmt: skip
CANCEL = Step("cancel", ("published", "postponed"), "cancelled", {
    "draft": "This event is a draft that only staff can see, so there is nothing to cancel.",
    "cancelled": "This event is cancelled already.",
}, over="This event is over, so it can no longer be cancelled.")  # fmt: skip
REINSTATE = Step("reinstate", ("cancelled", "postponed"), "published", {
    "draft": "This event is a draft. Publish it instead.",
    "published": "This event takes place already.",
}, over="This event would be over by now. Add another date of it instead.")  # fmt: skip
STEPS = (PUBLISH, CANCEL, POSTPONE, REINSTATE, UNPUBLISH)

ALREADY_REGISTERED = "People have registered for this event, so it cannot become a draft again. Cancel or postpone it."


def take_step(step: Step, state: str, *, over_at: datetime, now: datetime) -> str:
    """The state after a step. Raises WrongState with a sentence when it cannot be taken."""
    if state not in step.sources:
        raise WrongState(step.refusals[state])
    if step.over and over_at <= now:
        raise WrongState(step.over)
    return step.target


def possible_steps(state: str, *, over_at: datetime, now: datetime, has_people: bool = False) -> tuple[str, ...]:
    """The names of the steps that a page may offer. has_people: whether anybody ever registered."""
    return tuple(
        step.name
        for step in STEPS
        if state in step.sources and not (step.over and over_at <= now) and not (step is UNPUBLISH and has_people)
    )


def check_publishable(details: EventDetails, *, now: datetime) -> None:
    """Raise DetailsDoNotFit when an event lacks what the public needs: title, kind, time."""
    if details.when.month is not None and details.when.over_at > now:
        raise DetailsDoNotFit(Problem("starts", "Enter the date before you publish: only past events may have a month"))


def clean_reason(typed: str) -> str:
    """The public reason of a cancellation or postponement. Raises DetailsDoNotFit when it is missing or long."""
    reason = clean_text(typed)
    if not reason:
        raise DetailsDoNotFit(Problem("reason", "Enter the reason. It is shown on the event's page"))
    if len(reason) > REASON_MAX:
        raise DetailsDoNotFit(Problem("reason", f"The reason must be {REASON_MAX} characters or fewer"))
    return reason

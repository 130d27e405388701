"""The states of an event and the ways between them: draft, published, postponed, cancelled; past by the clock."""

from __future__ import annotations

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
    """A way from some states to another one. reverse_words: what somebody reads who comes too late or too early."""

    name: str
    sources: tuple[str, ...]
    target: str
    #: Whether it can still be taken when the event is over.
    when_over: bool = False


PUBLISH = Step("publish", ("draft",), "published", when_over=True)
CANCEL = Step("cancel", ("published", "postponed"), "cancelled")
POSTPONE = Step("postpone", ("published",), "postponed")
REINSTATE = Step("reinstate", ("cancelled", "postponed"), "published")
STEPS = (PUBLISH, CANCEL, POSTPONE, REINSTATE)

_STATE_WORDS = {
    "draft": "still a draft",
    "published": "published",
    "postponed": "postponed",
    "cancelled": "cancelled",
}


def take_step(step: Step, state: str, *, over_at: datetime, now: datetime) -> str:
    """The state after a step. Raises WrongState with a sentence when it cannot be taken."""
    if state not in step.sources:
        raise WrongState(f"This event is {_STATE_WORDS[state]}, so nothing was changed.")
    if over_at <= now and not step.when_over:
        raise WrongState("This event is over, so nothing was changed.")
    return step.target


def possible_steps(state: str, *, over_at: datetime, now: datetime) -> tuple[str, ...]:
    """The names of the steps that a page may offer."""
    return tuple(step.name for step in STEPS if state in step.sources and (step.when_over or over_at > now))


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

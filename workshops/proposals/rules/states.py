"""The states of a proposal, who may do what in each, and how long each is kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from workshops.core.errors import DomainError
from workshops.core.london_time import london_date

#: unconfirmed: nobody has shown yet that the address is theirs; in no queue.   waiting: for the organisers.
#: changes: for the person, who was asked to change something.   accepted: an event was made of it.
STATES = ("unconfirmed", "waiting", "changes", "accepted", "declined", "withdrawn")
#: In the order of the queue's page. What is not confirmed is nobody's business yet.
QUEUE_STATES = ("waiting", "changes", "accepted", "declined", "withdrawn")
OPEN_STATES = ("waiting", "changes")

#: Who did not confirm within this time never will.
CONFIRM_WITHIN = timedelta(days=7)
#: Declined and taken back: long enough for a second thought.
FINISHED_KEPT = timedelta(days=30)
#: What nobody answered, or nobody changed.
UNANSWERED_KEPT = timedelta(days=365)
#: Unconfirmed proposals of one address at a time, so that nobody's mailbox is filled through us.
UNCONFIRMED_MOST = 3

#: What can be decided, and from where. A refusal can be taken back as long as it is kept.
_DECISIONS = {
    "accept": ("waiting", "changes", "declined"),
    "ask": ("waiting", "declined"),
    "decline": ("waiting", "changes"),
}


@dataclass(frozen=True)
class StateWords:
    """A state for staff: the tag, its colour, and the heading of its part of the queue."""

    tag: str
    colour: str
    heading: str


STATE_WORDS = {
    "waiting": StateWords("Waits for you", "yellow", "Waiting for an answer"),
    "changes": StateWords("Changes asked for", "blue", "Waiting for the person"),
    "accepted": StateWords("Accepted", "green", "Accepted"),
    "declined": StateWords("Declined", "grey", "Declined"),
    "withdrawn": StateWords("Taken back", "grey", "Taken back by the person"),
}


class WrongState(DomainError):
    """Too late or too early for this."""

    sentence = "This has been answered already, so nothing was changed."


class FormClosed(DomainError):
    """The form is not open."""

    sentence = "This form is closed."


def may_decide(decision: str, state: str) -> bool:
    """Whether organisers can accept, ask or decline now."""
    return state in _DECISIONS[decision]


def require_decision(decision: str, state: str) -> None:
    """Raise WrongState, with what is so instead, when it cannot be decided so."""
    if not may_decide(decision, state):
        words = {
            "accepted": "This was accepted already, so nothing was sent.",
            "declined": "This was declined already, so nothing was sent.",
            "withdrawn": "The person has taken this back, so nothing was sent.",
            "changes": "Changes were asked for already. Wait until the person sends it back, or answer otherwise.",
        }
        raise WrongState(words.get(state))


def may_edit(state: str) -> bool:
    """Whether the person can still change what they proposed."""
    return state in OPEN_STATES


def may_edit_event(purpose: str, state: str, event_state: str | None) -> bool:
    """Whether the host can change some of the event that was made: until it is published."""
    return purpose == "host" and state == "accepted" and event_state == "draft"


def own_words(purpose: str, state: str, event_state: str | None) -> tuple[str, str]:
    """What the person behind the link reads: the state as a heading, and what happens next."""
    if state == "accepted":
        return _accepted_words(purpose, event_state)
    return {
        "waiting": ("The organisers have it", "They read it and answer by email. You can change it until they have."),
        "changes": (
            "The organisers ask for changes",
            "Change it and send it back. Then they read it again and answer by email.",
        ),
        "declined": ("The organisers have declined it", "It is deleted 30 days after their answer."),
        "withdrawn": ("You have taken it back", "Nobody does anything with it, and it is deleted after 30 days."),
    }[state]


def _accepted_words(purpose: str, event_state: str | None) -> tuple[str, str]:
    return {
        "draft": (
            "It is accepted",
            "There is a draft of the event. You can change it until the organisers publish it; we email you when "
            "they do." if purpose == "host" else
            "The organisers are preparing the event. We email you when it is published.",
        ),
        "published": ("Your event is published" if purpose == "host" else "The event is published",
                      "It is on the website, and people can find it."),
        "postponed": ("The event is postponed", "We email you when it has a new date."),
        "cancelled": ("The event is cancelled", "Its page stays and says so."),
    }.get(event_state or "draft", ("It is accepted", ""))  # fmt: skip


def staff_words(purpose: str, organisation: str, event_state: str) -> str:
    """Whose event it is, for those who run it, and what follows from that."""
    if purpose == "ask":
        return f"{organisation} asked for this event, and is emailed when you publish, move or cancel it."
    if event_state == "draft":
        return (
            f"{organisation} proposed this event. Until you publish it, they can change its words, time, place and "
            "number of places by a link; they are emailed when you publish it."
        )
    return f"{organisation} proposed this event. They are emailed whenever you move, postpone or cancel it."


def age_words(since: datetime, now: datetime) -> str:
    """How long something has been so, in days in Scotland: "Today", "1 day", "12 days"."""
    days = (london_date(now) - london_date(since)).days
    return "Today" if days <= 0 else "1 day" if days == 1 else f"{days} days"

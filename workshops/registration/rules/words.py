"""What people read about registrations, the values a registration may hold, and how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from workshops.core.london_time import deadline_words

STATES = ("requested", "confirmed", "waiting", "offered", "cancelled", "lapsed", "declined")
#: Somebody in one of these counts as registered.
ACTIVE_STATES = ("requested", "confirmed", "waiting", "offered")
#: These count against the capacity.
HOLDING_STATES = ("confirmed", "offered")
#: These stand in the queue.
QUEUE_STATES = ("waiting",)
#: Somebody in one of these has the event in their calendar; who waits has nothing there.
CALENDAR_STATES = ("confirmed", "requested")

ATTENDING_WORDS = {"in_person": "In person", "online": "Online"}

SECTORS = {
    "government": "Scottish or UK Government",
    "public_body": "Public body or agency",
    "council": "Council",
    "health": "Health and social care",
    "third_sector": "Third sector",
    "community": "Community group, or here for myself",
    "other": "Something else",
}

#: Characters a person may type.
NAME_MAX = 200
EMAIL_MAX = 254
ORGANISATION_MAX = 120
JOB_TITLE_MAX = 120
TEXT_MAX = 1000
ANSWER_MAX = 1000

#: Access and food needs are deleted this long after the event.
NEEDS_KEPT = timedelta(days=30)
#: Names and everything else personal are deleted this long after the event; counts stay.
PEOPLE_KEPT = timedelta(days=365)


@dataclass(frozen=True)
class StateWords:
    """A state for the person it is about: what is so, and what happens or can be done next."""

    heading: str
    next: str


def state_words(state: str, *, offer_expires_at: datetime | None = None) -> StateWords:
    """The words on My place for a state. offer_expires_at is needed for an offer."""
    if state == "offered" and offer_expires_at is not None:
        return StateWords(
            f"We are holding a place for you until {deadline_words(offer_expires_at)}",
            "Take the place if you can come. If you cannot, let it go, and the next person gets it.",
        )
    return _WORDS[state]


_WORDS = {
    "requested": StateWords(
        "You have asked for a place",
        "The organiser decides who can come. We will e-mail you as soon as they have.",
    ),
    "confirmed": StateWords(
        "You have a place",
        "If you cannot come, cancel your place so that someone else can have it.",
    ),
    "waiting": StateWords(
        "You are on the waiting list",
        "If a place becomes free, it is offered to the person who has waited longest. We will e-mail you.",
    ),
    "offered": StateWords(
        "We are holding a place for you",
        "Take the place if you can come. If you cannot, let it go, and the next person gets it.",
    ),
    "cancelled": StateWords(
        "You have cancelled your place",
        "You can register again while registration is open.",
    ),
    "lapsed": StateWords(
        "The place we held for you has gone to someone else",
        "You are no longer on the waiting list. You can register again while registration is open.",
    ),
    "declined": StateWords(
        "The organiser could not give you a place",
        "Contact us if you think that this is a mistake.",
    ),
}

_STAFF_WORDS = {
    "requested": ("Waits for approval", "purple"),
    "confirmed": ("Has a place", "green"),
    "waiting": ("On the waiting list", "orange"),
    "offered": ("Place offered", "yellow"),
    "cancelled": ("Cancelled", "grey"),
    "lapsed": ("Offer ran out", "grey"),
    "declined": ("Declined by the organiser", "grey"),
}


def staff_words(state: str) -> tuple[str, str]:
    """The words and the tag colour of a state for staff."""
    return _STAFF_WORDS[state]


def needs_kept_until(over_at: datetime) -> datetime:
    """When the access and food needs for an event are deleted."""
    return over_at + NEEDS_KEPT

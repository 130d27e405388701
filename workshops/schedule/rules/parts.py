"""The task list of a new event: its parts, how far each is, and what is missing before it is published. Pure.

Only a title, a kind and a time are needed; everything else is advice, with the part in which it can be given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from workshops.schedule.rules.events import EventDetails
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.states import check_publishable

#: The parts in the order in which they are gone through; the last one is its own page. No key ever changes.
PARTS = {
    "about": "About",
    "when": "When",
    "where": "Where and access",
    "registration": "Places and registration",
    "questions": "Questions",
    "who": "Who runs it",
    "check": "Check and publish",
}
#: What a part is for, under its name in the list.
PART_WORDS = {
    "about": "Title, kind, summary, description, topics and who it is meant for",
    "when": "One day, several days, or times for each day",
    "where": "Place and room, joining link, interpreters and captions",
    "registration": "How many places, how people register and who may",
    "questions": "Up to five questions of your own",
    "who": "The organisation, and the people beside you",
    "check": "Everything in one place, and what the public will see",
}
#: The ways of registering in which people answer questions here.
ASKING = ("first_come", "by_approval", "by_invitation")

NOT_STARTED, IN_PROGRESS, COMPLETED, CANNOT_START = "Not started", "In progress", "Completed", "Cannot start yet"


@dataclass(frozen=True)
class Task:
    """One line of the task list. why: what must come first, when it cannot start yet."""

    key: str
    title: str
    status: str
    why: str = ""


@dataclass(frozen=True)
class Missing:
    """Something that is not said. part: where to say it.   blocks: whether it cannot be published without."""

    sentence: str
    part: str
    blocks: bool = False


def tasks_of(details: EventDetails, done: Collection[str], *, now: datetime) -> list[Task]:
    """The task list of a draft. done: keys of parts that somebody saved."""
    tasks = []
    for key, title in PARTS.items():
        why = _waits_for(key, details, now)
        if why:
            tasks.append(Task(key, title, CANNOT_START, why))
        elif key in done and key != "check":
            tasks.append(Task(key, title, COMPLETED))
        else:
            tasks.append(Task(key, title, IN_PROGRESS if _is_begun(key, details) else NOT_STARTED))
    return tasks


def progress_words(tasks: list[Task]) -> str:
    """You have completed 4 of 7 parts."""
    return f"You have completed {sum(task.status == COMPLETED for task in tasks)} of {len(tasks)} parts."


def next_part(key: str) -> str:
    """The part after this one; after the last, the last."""
    keys = list(PARTS)
    return keys[min(keys.index(key) + 1, len(keys) - 1)] if key in keys else "check"


def _waits_for(key: str, details: EventDetails, now: datetime) -> str:
    if key == "questions" and details.booking not in ASKING:
        return "Nobody registers here, so nobody can be asked. Choose another way under “Places and registration” first"
    if key == "check":
        return next((missing.sentence for missing in missing_of(details, now=now) if missing.blocks), "")
    return ""


def _is_begun(key: str, details: EventDetails) -> bool:
    """Whether anything of a part is said that the first screen did not choose by itself."""
    return {
        "about": True,
        "when": True,
        "where": True,
        "registration": details.capacity_in_person is not None or details.capacity_online is not None
        or details.booking != "first_come",
        "questions": bool(details.questions),
        "who": bool(details.host or details.facilitators),
    }.get(key, False)  # fmt: skip


def missing_of(details: EventDetails, *, now: datetime) -> list[Missing]:
    """What the public or the people who come will look for and not find, the most important first."""
    return list(_missing(details, now))


def _missing(details: EventDetails, now: datetime) -> Iterator[Missing]:
    try:
        check_publishable(details, now=now)
    except DetailsDoNotFit as unfit:
        yield Missing(str(unfit), "when", blocks=True)
    if details.when.over_at <= now:
        yield Missing("The date is over, so it will stand under past events", "when")
    if details.mode != "online" and details.venue is None:
        yield Missing("No place is given yet. The page will say that it is to be announced", "where")
    if details.mode != "in_person" and not details.joining_link and details.when.over_at > now:
        yield Missing("There is no joining link yet, so people cannot be told how to join", "where")
    if not details.summary:
        yield Missing("There is no summary, so lists show the title alone", "about")
    if not details.host:
        yield Missing("No organisation is named as running it", "who")
    if details.owner_id is None:
        yield Missing("Nobody looks after it", "who")
    if "not_known" in (details.bsl, details.captions) and details.when.over_at > now:
        yield Missing("It is not said whether there is an interpreter and whether there are captions", "where")


def room_words(details: EventDetails, room_capacity: int | None) -> str:
    """A warning when more places are offered in person than the room holds; otherwise ""."""
    places = details.capacity_in_person
    if not details.room or room_capacity is None or details.mode == "online":
        return ""
    holds = f"{details.room} holds {room_capacity:,} {'person' if room_capacity == 1 else 'people'}"
    if places is None:
        return f"{holds}, and places in person have no limit"
    return f"{holds}, and {places:,} places in person are offered" if places > room_capacity else ""

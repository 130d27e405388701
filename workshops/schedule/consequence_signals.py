"""What slices above the schedule say of a change before it is made. workshops.wiring connects the listeners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from blinker import Namespace

_signals = Namespace()


@dataclass(frozen=True)
class Audience:
    """Some people, and by which way the news reaches them. number: None when nobody can count them."""

    who: str
    number: int | None
    how: str


@dataclass(frozen=True)
class Example:
    """A mail as it will be written, to an example person. number: how many people get this version.

    sort: the same for mails of several events that differ in nothing but the event.
    """

    who: str
    number: int
    subject: str
    text: str
    sort: str = ""


@dataclass(frozen=True)
class Foreseen:
    """What one listener says follows from a change. sections: heading -> sentences.

    told: how many people are emailed when the choice is to tell them.
    """

    told: int = 0
    audiences: tuple[Audience, ...] = ()
    examples: tuple[Example, ...] = ()
    sections: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())


#: The sender is the Event as it would be afterwards; session, now, settings, before: EventDetails, after:
#: EventDetails, before_state: str. Listeners write nothing and return a Foreseen.
consequences_composed = _signals.signal("consequences_composed")
#: The sender is the Event; session. A listener returns how many ask for a place, as (in person, online).
people_asking_counted = _signals.signal("people_asking_counted")
#: The sender is the Event; session. A listener returns whether anybody ever registered, whatever became of it.
registrations_looked_for = _signals.signal("registrations_looked_for")
#: The sender is the Event; session. A listener returns True when somebody beside the people registered is told of what
#: becomes of it, such as a partner who proposed it: then a change is shown first too.
told_anyway_asked = _signals.signal("told_anyway_asked")


def joined(heard: Sequence[Foreseen]) -> Foreseen:
    """What all listeners say, as one."""
    sections: dict[str, tuple[str, ...]] = {}
    for one in heard:
        for heading, sentences in one.sections:
            sections[heading] = (*sections.get(heading, ()), *sentences)
    return Foreseen(
        sum(one.told for one in heard),
        tuple(audience for one in heard for audience in one.audiences),
        tuple(example for one in heard for example in one.examples),
        tuple(sections.items()),
    )

"""What staff write to many people: to whom it can go, and the fields that are filled in for each. Pure.

There are no templates made by users: a field is a word in braces out of a fixed list, and nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from workshops.core.errors import DomainError

#: What may stand in braces -> what it becomes, for staff.
FIELDS: Mapping[str, str] = {
    "name": "their name",
    "event": "the title of the event",
    "when": "when it is",
    "where": "where it is",
    "reference": "the reference of their registration",
}
_FIELD = re.compile(r"\{([^{}\n]*)\}")
#: So long at most, in characters.
SUBJECT_MAX, MESSAGE_MAX = 120, 5_000


@dataclass(frozen=True)
class Audience:
    """To whom staff can write. attending: "" is both ways."""

    key: str
    words: str
    states: tuple[str, ...]
    attending: str = ""


AUDIENCES = (
    Audience("places", "Everybody with a place", ("confirmed",)),
    Audience("in_person", "Who comes in person", ("confirmed",), "in_person"),
    Audience("online", "Who takes part online", ("confirmed",), "online"),
    Audience("waiting", "Who is on the waiting list", ("waiting", "offered")),
    Audience("requested", "Who has asked for a place", ("requested",)),
    Audience("everybody", "Everybody who is registered", ("confirmed", "waiting", "offered", "requested")),
)


def audience_of(key: str) -> Audience:
    """The audience with this key. Raises DomainError for the field audience."""
    for one in AUDIENCES:
        if one.key == key:
            return one
    raise DomainError("Choose who gets the message", field="audience")


def check_fields(text: str, field: str) -> None:
    """Raise DomainError for `field` when braces hold something that is no field."""
    for name in _FIELD.findall(text):
        if name not in FIELDS:
            known = ", ".join("{" + one + "}" for one in FIELDS)
            raise DomainError(f"{{{name[:40]}}} is not a field. These are: {known}", field=field)


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields filled in. What is filled in is not looked at again."""
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), text)

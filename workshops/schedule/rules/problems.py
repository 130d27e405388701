"""What does not fit, field by field, in words that a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workshops.core.errors import DomainError


@dataclass(frozen=True)
class Problem:
    """A sentence without full stop, and the field of EventDetails or of the form that it belongs to."""

    field: str
    sentence: str


class DetailsDoNotFit(DomainError):
    """Some of what was given cannot be kept; `problems` holds all of it, the message is the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems[0].sentence, field=problems[0].field)
        self.problems: tuple[Problem, ...] = problems


def refuse(problems: Iterable[Problem]) -> None:
    """Raise DetailsDoNotFit when there is any problem."""
    found = tuple(problems)
    if found:
        raise DetailsDoNotFit(*found)

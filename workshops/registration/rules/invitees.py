"""Reading a pasted list of people to invite: one a line, or with commas or semicolons between them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workshops.core.addresses import clean_email
from workshops.core.text import clean_text
from workshops.registration.rules.words import NAME_MAX

#: Addresses read at once, and kept for one event.
PASTED_MAX = 1000
PASTED_TEXT_MAX = 100_000
INVITEES_MAX = 5000

_IN_BRACKETS = re.compile(r"^(?P<name>[^<>]*)<\s*(?P<email>[^<>]*?)\s*>$")


@dataclass(frozen=True)
class Typed:
    """One of the pasted people. problem: why the address cannot be used, else empty."""

    text: str
    email: str = ""
    name: str = ""
    problem: str = ""


def read_people(text: str) -> list[Typed]:
    """Everybody in a pasted text, in its order: "Ann <ann@example.org>", "ann@example.org", "Ann ann@example.org"."""
    return [_read(piece) for piece in _pieces(clean_text(text, multiline=True))]


def _pieces(text: str) -> Iterator[str]:
    """The text cut between people. A comma also stands inside names ("Example, Ann"), so one cuts only after an @."""
    for line in re.split(r"[\n;]+", text):
        gathered = ""
        for part in line.split(","):
            gathered = f"{gathered},{part}" if gathered else part
            if "@" in part:
                yield from _apart(gathered)
                gathered = ""
        if gathered.strip(" ,\t"):
            yield gathered.strip(" ,\t")


def _apart(piece: str) -> Iterator[str]:
    piece = piece.strip(" ,\t")
    words = piece.split()
    if "<" not in piece and sum("@" in word for word in words) > 1:
        yield from words
    elif piece:
        yield piece


def _read(piece: str) -> Typed:
    found = _IN_BRACKETS.match(piece)
    if found:
        name, address = found["name"], found["email"]
    else:
        *before, address = piece.split() if "@" in piece else [piece]
        name = " ".join(before)
    shown = piece if len(piece) <= 100 else f"{piece[:99]}…"
    if "@" not in address:
        return Typed(shown, problem="There is no email address in this")
    try:
        email = clean_email(address.removeprefix("mailto:"))
    except ValueError as error:
        return Typed(shown, problem=str(error))
    return Typed(shown, email, clean_text(name).strip(" \"'“”,")[:NAME_MAX])

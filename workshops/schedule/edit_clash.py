"""Two people who edit the same event: what each of them wrote, so that neither is lost. Knows forms, no database.

A page carries the edition that was read, and a short hash of what each of its fields held then. When somebody else
saved in between, fields that only one of the two touched follow that one; what both changed is for the person to
choose.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, time
from hashlib import sha256
from typing import Any

from workshops.core.london_time import date_words, time_words
from workshops.schedule.forms import EventForm


@dataclass(frozen=True)
class BothChanged:
    """One field that both changed. mine: as typed now.   theirs: as it is saved. Both in words."""

    label: str
    mine: str
    theirs: str


def mark_read(form: EventForm, fresh: EventForm, names: Iterable[str], edition: int) -> None:
    """Write on a form what was read. fresh: a form that holds what is saved, and nothing that was sent."""
    form.edition.data = str(edition)
    form.was.data = " ".join(f"{name}={_hash(fresh[name])}" for name in names)


def read_edition(form: EventForm) -> int | None:
    """The edition that a form was read at; None when it does not say, as a script may."""
    typed = form.edition.data or ""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


def take_together(form: EventForm, fresh: EventForm, names: Collection[str]) -> list[BothChanged]:
    """Bring both versions together in `form`; what both changed, as yet with the person's own words in it.

    fresh: a form that holds what is saved now.
    """
    was = dict(part.split("=", 1) for part in (form.was.data or "").split(" ") if "=" in part)
    both = []
    for name in names:
        mine, theirs = form[name], fresh[name]
        if mine.errors or _hash(mine) == _hash(theirs) or _hash(theirs) == was.get(name):
            continue
        if _hash(mine) == was.get(name):
            mine.process(None, theirs.data)
        else:
            both.append(BothChanged(str(mine.label.text), _words(mine), _words(theirs)))
    return both


def _hash(field: Any) -> str:
    return sha256(json.dumps(field.data, default=str).encode()).hexdigest()[:10]


def _words(field: Any) -> str:
    value = field.data
    choices = dict(getattr(field, "choices", None) or ())
    if isinstance(value, list):
        return "; ".join(str(choices.get(one, one)) for one in value) or "None"
    if value in choices:
        return str(choices[value])
    if isinstance(value, time):
        return time_words(value)
    if isinstance(value, date):
        return date_words(value)
    return "Nothing" if value is None or value == "" else str(value)

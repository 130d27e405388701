"""The last part of an address, made from a title once and never changed (DESIGN 5, slugs)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from workshops.schedule.rules.folding import without_marks

MAX_LENGTH = 80
#: Words that stand in the same place of staff addresses.
RESERVED = frozenset({"new"})

_APOSTROPHES = dict.fromkeys(map(ord, "'’‘ʼʹ′`´＇"))
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def slug_of(title: str, *, otherwise: str = "event") -> str:
    """The slug of a title: marks and apostrophes dropped, lower case, every other run a hyphen, 80 at most.

    otherwise: what a title without a single Latin letter or digit gets.
    """
    # Apostrophes go first: NFKD would make a space and a mark of some of them.
    plain = without_marks(title.translate(_APOSTROPHES)).translate(_APOSTROPHES).lower()
    return _cut(re.sub(r"[^a-z0-9]+", "-", plain).strip("-"), MAX_LENGTH) or otherwise


def is_slug(text: str) -> bool:
    """Whether a text could stand in an address as it is."""
    return len(text) <= MAX_LENGTH and _SLUG.fullmatch(text) is not None


def free_slug(title: str, is_taken: Callable[[str], bool], *, day: str = "", otherwise: str = "event") -> str:
    """The first slug of a title that is not taken.

    day: "2016-11-14", or "2016-11" when only the month is known, or "" for what has no date. On a clash the
    newer one gets -2016, then -2016-11-14, then -2, -3 and so on.
    """
    for slug in _candidates(slug_of(title, otherwise=otherwise), day):
        if slug not in RESERVED and not is_taken(slug):
            return slug
    raise AssertionError("the numbers do not run out")


def _candidates(base: str, day: str) -> Iterator[str]:
    yield base
    if day:
        yield _with(base, day[:4])
        yield _with(base, day)
    number = 2
    while True:
        yield _with(base, str(number))
        number += 1


def _with(base: str, ending: str) -> str:
    return f"{_cut(base, MAX_LENGTH - len(ending) - 1)}-{ending}"


def _cut(slug: str, length: int) -> str:
    return slug[:length].rstrip("-")

"""One form of text for recognition and search: without accents, without case."""

from __future__ import annotations

import unicodedata


def without_marks(text: str) -> str:
    """NFKD, and the combining marks dropped: "Dùn Èideann" becomes "Dun Eideann"."""
    if text.isascii():
        return text
    letters = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in letters if not unicodedata.category(letter).startswith("M"))


def fold(text: str) -> str:
    """The text as it is compared and searched: no accents, no case, one space between words."""
    # A second time, because casefold may bring marks of its own (the Turkish dotted capital I).
    return " ".join(without_marks(without_marks(text).casefold()).split())

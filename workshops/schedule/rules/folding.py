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


#: Signs that people write for an apostrophe, or leave out: "Women’s", "Women's" and "Womens" are found alike.
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛ʼʻʹ′`´"))
#: Signs that people write for a hyphen, with the plain one they stand for.
_HYPHENS = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")


def search_words(text: str) -> list[str]:
    """The words to look for: folded, without apostrophes; "h-Eileanan" is one word, "heileanan"."""
    joined = (token.replace("-", "") for token in _search_tokens(text))
    return [word for word in joined if word]


def search_text(text: str) -> str:
    """The text in which search looks: each word of search_words, and the parts of what a hyphen joins.

    So "Na h-Eileanan Siar" is found by "h-eileanan", "heileanan" and "na h eileanan", and "co-production" by
    "coproduction". Idempotent.
    """
    words: list[str] = []
    for token in _search_tokens(text):
        parts = [part for part in token.split("-") if part]
        words += parts
        if len(parts) > 1:
            words.append("".join(parts))
    return " ".join(words)


def _search_tokens(text: str) -> list[str]:
    return fold(text.translate(_APOSTROPHES)).translate(_HYPHENS).translate(_APOSTROPHES).split()

"""A minimum of sense that every proposal has, so that advertisements stay outside. Pure, and explained in words.

It keeps out what no organiser should have to read: texts made of links, links where a name belongs, and the code
that programs write into forms. Whoever writes about a real event hardly notices it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from workshops.schedule.rules.problems import Problem, refuse

#: In all texts of a form together.
LINKS_MOST = 3
#: Fewer letters than this, links left out, say nothing.
LETTERS_LEAST = 10
_LINK = re.compile(
    r"(?:https?:|ftp:)\S*|\bwww\.\S+|\b\w+\.(?:com|net|org|info|biz|ru|cn|top|xyz|shop)/\S*", re.IGNORECASE
)
_CODE = re.compile(r"<[a-z/!][^>]*>|\[/?(?:url|link|img|b|i)\b[^\]]*\]", re.IGNORECASE)
#: One line each; no link belongs into them.
_SHORT = {
    "title": "Leave links out of the title",
    "organisation": "Leave links out of the name of your organisation",
    "name": "Leave links out of your name",
    "topics": "Leave links out of the topics",
    "venue_name": "Leave links out of the name of the place",
    "venue_address": "Leave links out of the address",
}
#: Texts that have to say something.
_TELLING = {
    "title": (3, "Say in a few words what it is"),
    "summary": (LETTERS_LEAST, "Say a little more about it, in words"),
}


def refuse_rubbish(texts: Mapping[str, str]) -> None:
    """Raise DetailsDoNotFit when a form holds what no person writes about an event.

    texts: what was typed, by field.
    """
    refuse(_problems(texts))


def _problems(texts: Mapping[str, str]) -> Iterator[Problem]:
    found: set[str] = set()
    for name, text in texts.items():
        if _CODE.search(text):
            found.add(name)
            yield Problem(name, "Write plain words, without code such as <a> or [url]")
    for name, sentence in _SHORT.items():
        if name not in found and _LINK.search(texts.get(name, "")):
            found.add(name)
            yield Problem(name, sentence)
    for name, (least, sentence) in _TELLING.items():
        if name in texts and name not in found and _letters(_LINK.sub(" ", texts[name])) < least:
            found.add(name)
            yield Problem(name, sentence)
    links = {name: len(_LINK.findall(text)) for name, text in texts.items()}
    if sum(links.values()) > LINKS_MOST and not found:
        yield Problem(max(links, key=lambda name: links[name]), f"Give {LINKS_MOST} links or fewer")


def _letters(text: str) -> int:
    return sum(unicodedata.category(letter)[0] in "LN" for letter in text)

"""How people look for events: the query arguments of /events, /past, /calendar and the feeds.

Pure. What was asked becomes a frozen `Filters`, always the same one for the same question, so that an
answer can be kept under its canonical query. Whether a value exists is looked up later, by queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from workshops.core.text import clean_text
from workshops.core.typed_dates import parse_date
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.folding import search_words
from workshops.schedule.rules.slugs import slug_of

#: Longer searches are cut: nobody types them, and every word costs the database a comparison.
MAX_SEARCH_LENGTH = 200
MAX_WORDS = 10
#: Events on one page of a list.
PAGE_SIZE = 20
#: No list is longer than this; a larger number is a page past the end.
MAX_PAGE = 1_000_000

#: What a filter accepts when the list of values is fixed. In person and online find hybrid events too.
ATTENDING = {"in_person": "In person", "online": "Online", "hybrid": "In person and online"}
SORTS = {"soonest": "Soonest first", "added": "Recently added"}
PAST_SORTS = {"newest": "Newest first", "oldest": "Oldest first"}

#: Filters whose values are rows or words of the database, by their address parameter.
CHOSEN = ("programme", "kind", "topic", "area", "host")
#: Filters that say how many events each of their values leaves.
COUNTED = (*CHOSEN, "audience")
#: What each filter is called where it can be taken away.
HEADINGS = {
    "q": "Search",
    "programme": "Programme",
    "kind": "Kind",
    "topic": "Topic",
    "area": "Area",
    "host": "Run by",
    "audience": "Who it is for",
    "attending": "How to attend",
    "from": "From",
    "to": "To",
    "places": "Places",
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What is asked for. Empty means: not asked. The chosen values are in the form of a slug.

    unknown: parameters whose value cannot be any (a date that is none); a page ignores them, a feed with
    one of them matches nothing.   page: from 1.
    """

    q: str = ""
    programme: str = ""
    kind: str = ""
    topic: str = ""
    area: str = ""
    host: str = ""
    audience: str = ""
    attending: str = ""
    from_on: date | None = None
    to_on: date | None = None
    places: bool = False
    sort: str = ""
    page: int = 1
    unknown: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words to look for, folded, each once."""
        return tuple(dict.fromkeys(search_words(self.q)))[:MAX_WORDS]

    @property
    def asks_anything(self) -> bool:
        """Whether any filter is in force; page and sort are none."""
        return bool(pairs(replace(self, sort="", page=1)))

    def chosen(self) -> dict[str, str]:
        """The filters in force whose values stand in the database: {"kind": "round-table"}."""
        return {name: getattr(self, name) for name in CHOSEN if getattr(self, name)}


def parse_filters(arguments: Iterable[tuple[str, str]], *, sorts: Mapping[str, str] = SORTS) -> Filters:
    """The filters of a query string.

    arguments: (name, value) pairs in their order; of a repeated name the last one counts, unknown names
    are ignored, an empty value is the same as none.   sorts: which orders there are, the first the default.
    """
    given = {name: clean_text(value)[:MAX_SEARCH_LENGTH] for name, value in arguments}
    unknown: list[str] = []

    def day(name: str) -> date | None:
        if not given.get(name):
            return None
        try:
            return parse_date(given[name])
        except ValueError:
            unknown.append(name)
            return None

    def one_of(name: str, known: Mapping[str, str]) -> str:
        value = slug_of(given.get(name, ""), otherwise="").replace("-", "_")
        if value and value not in known:
            unknown.append(name)
            return ""
        return value

    audience = one_of("audience", AUDIENCES)
    attending = one_of("attending", ATTENDING)
    return Filters(
        q=given.get("q", ""),
        **{name: _slug(given.get(name, "")) for name in CHOSEN},
        audience=audience,
        attending=attending,
        from_on=day("from"),
        to_on=day("to"),
        places=given.get("places") == "1",
        sort=given.get("sort", "") if given.get("sort") in list(sorts)[1:] else "",
        page=_page(given.get("page", "")),
        unknown=tuple(unknown),
    )


def pairs(filters: Filters) -> list[tuple[str, str]]:
    """The canonical (name, value) pairs of what is asked; the default of each is left out."""
    named: dict[str, str] = {
        "q": filters.q,
        **{name: getattr(filters, name) for name in CHOSEN},
        "audience": filters.audience,
        "attending": filters.attending,
        "from": filters.from_on.isoformat() if filters.from_on else "",
        "to": filters.to_on.isoformat() if filters.to_on else "",
        "places": "1" if filters.places else "",
        "sort": filters.sort,
        "page": str(filters.page) if filters.page > 1 else "",
    }
    return [(name, value) for name, value in named.items() if value]


def query_string(filters: Filters) -> str:
    """The canonical query: "?kind=workshop&page=2", or empty."""
    found = pairs(filters)
    return f"?{urlencode(found)}" if found else ""


def with_page(filters: Filters, page: int) -> Filters:
    """The same question, another page of its answer."""
    return replace(filters, page=page)


def without(filters: Filters, name: str) -> Filters:
    """The same question with one filter taken away, from its first page. name: an address parameter."""
    field = {"from": "from_on", "to": "to_on"}.get(name, name)
    empty: Any = getattr(Filters(), field)
    return replace(filters, page=1, **{field: empty})


def for_feed(filters: Filters) -> Filters:
    """What of a question has an effect in a feed: page, places and sort have none."""
    return replace(filters, page=1, places=False, sort="")


def like_pattern(word: str) -> str:
    """A LIKE pattern that finds the word anywhere, with "\\" as its escape character."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _slug(value: str) -> str:
    """A chosen value in the form of a slug; what has no letter of one stays something no slug is."""
    return slug_of(value, otherwise="?") if value else ""


def _page(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        return 1
    # int() of a very long number costs time; every such page is past the end anyway.
    return min(max(1, int(value)), MAX_PAGE) if len(value) <= 7 else MAX_PAGE

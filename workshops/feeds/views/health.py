"""How feeds are fetched: which programs, how often, and at least how many readers. Numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from workshops.core.clock import now as clock_now
from workshops.core.db import db
from workshops.core.london_time import london_date
from workshops.feeds import queries
from workshops.feeds.clients import FAMILIES
from workshops.feeds.fetches import OTHER_FEEDS
from workshops.feeds.rules import (
    FEWEST_INTERVALS,
    KEEP_FETCHES_DAYS,
    LOOKED_AT_DAYS,
    SEARCHES,
    Health,
    interval_words,
)
from workshops.feeds.views import blueprint
from workshops.schedule.rules.finding import HEADINGS
from workshops.web.access import ORGANISER, access

_TITLED = {"events": "Event", "programmes": "Programme", "hosts": "Run by"}
_NUMBERED = {"venues": "Venue", "series": "Series"}


@blueprint.get("/staff/feeds")
@access(ORGANISER)
def feed_health() -> ResponseReturnValue:
    session = db.session()
    found = queries.health(session, london_date(clock_now()))
    names = _names(session, found)
    return render_template(
        "feeds/feed_health.html",
        rows=[
            (names[one.feed], one.feed if one.feed.startswith("/") else "", FAMILIES.get(one.family, one.family),
             one.last_at, one.readers, interval_words(one.interval))
            for one in found
        ],
        weeks=LOOKED_AT_DAYS // 7,
        fewest=FEWEST_INTERVALS,
        kept_days=KEEP_FETCHES_DAYS,
    )  # fmt: skip


def _names(session: Session, found: Sequence[Health]) -> dict[str, str]:
    """What each feed is about, in words; a fixed number of SELECTs."""
    slugs: dict[str, dict[str, str]] = {what: {} for what in _TITLED}
    names: dict[str, str] = {}
    for feed in dict.fromkeys(one.feed for one in found):
        names[feed] = _plain_name(feed)
        what, _, rest = feed.strip("/").partition("/")
        if what in slugs and rest.endswith(".ics"):
            slugs[what][rest.removesuffix(".ics")] = feed
    for what, wanted in slugs.items():
        titles = queries.titles_of(session, what, wanted)
        names |= {feed: f"{_TITLED[what]}: {titles.get(slug, slug)}" for slug, feed in wanted.items()}
    return names


def _plain_name(feed: str) -> str:
    if feed == OTHER_FEEDS:
        return "Other feeds, together"
    if feed == SEARCHES:
        return "Searches and dates, together"
    address = urlsplit(feed)
    what, _, rest = address.path.strip("/").partition("/")
    if what in _NUMBERED:
        return f"{_NUMBERED[what]} {rest.removesuffix('.ics')}"
    asked = parse_qsl(address.query)
    if not asked:
        return "All events"
    return ", ".join(f"{HEADINGS.get(name, name)}: {value.replace('-', ' ')}" for name, value in asked)

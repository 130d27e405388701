"""What a feed holds and for how long: pure, in days of Europe/London."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from workshops.core.london_time import date_words, london_date, start_of_day
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.finding import ATTENDING, Filters, query_string

#: Without dates of its own, a feed reaches this many days back.
DAYS_BACK = 60
#: A cancelled event stays, said to be cancelled, for so many days; then calendars let it go.
DAYS_CANCELLED = 30
#: Tokens of the calendars of staff are bound to this, and open nothing else.
STAFF_PURPOSE = "staff_calendar"
#: The calendars that somebody of the staff can have, with what each is called.
STAFF_CALENDARS = {"mine": "Events I run", "all": "All events I may run"}
#: Personal calendars whose last use is kept: of somebody's places, and of staff.
MY_PLACES, STAFF = "my_places", "staff"
#: How long is kept how often a feed was fetched, and what of it pages look at.
KEEP_FETCHES_DAYS = 90
LOOKED_AT_DAYS = 28
#: Searches and dates are counted together: words that people type are not kept.
SEARCHES = "searches"
LONGEST_COUNTED = 200
#: Fewer intervals than this, or a shorter time, say nothing about the next one.
FEWEST_INTERVALS = 5
SHORTEST_SEEN = timedelta(days=1)
#: What every feed is called, alone or in front of what it is about.
NAME = "Co-production events"


@dataclass(frozen=True)
class Window:
    """What the clock decides of a feed. All instants are midnights in Scotland, so a feed changes only there.

    ends_after: events over before it are left out; None in a feed that is whole.
    cancelled_since: events cancelled or postponed before it are left out.   until: when it must be built again.
    """

    ends_after: datetime | None
    cancelled_since: datetime
    until: datetime

    @property
    def today(self) -> datetime:
        """The beginning of the day: what left the window last did so then."""
        return start_of_day(london_date(self.until) - timedelta(days=1))


def window_of(now: datetime, *, whole: bool) -> Window:
    """The window at an instant. whole: a feed with dates of its own, or of one event, programme or series."""
    today = london_date(now)
    return Window(
        ends_after=None if whole else start_of_day(today - timedelta(days=DAYS_BACK)),
        cancelled_since=start_of_day(today - timedelta(days=DAYS_CANCELLED)),
        until=start_of_day(today + timedelta(days=1)),
    )


def feed_name(filters: Filters, names: dict[str, str]) -> str:
    """What calendars call a feed: "Co-production events: Round-table – Glasgow City".

    Without commas: some programs show the backslash that RFC 5545 puts before one.
    """
    about = [names[name] for name in ("programme", "kind", "topic", "area", "host") if name in names]
    if filters.audience:
        about.append(f"for {AUDIENCES[filters.audience].lower()}")
    if filters.attending:
        about.append(ATTENDING[filters.attending].lower())
    if filters.q:
        about.append(f"“{filters.q}”")
    if filters.from_on:
        about.append(f"from {date_words(filters.from_on, weekday=False)}")
    if filters.to_on:
        about.append(f"to {date_words(filters.to_on, weekday=False)}")
    return f"{NAME}: {' – '.join(about)}" if about else NAME


def counted_as(filters: Filters) -> str:
    """The name under which fetches of a filtered feed are counted: its address, without what people typed freely."""
    if filters.q or filters.from_on or filters.to_on or filters.unknown:
        return SEARCHES
    address = f"/calendar.ics{query_string(filters)}"
    return address if len(address) <= LONGEST_COUNTED else SEARCHES


def last_modified(changes: list[datetime | None], now: datetime) -> datetime | None:
    """Last-Modified of a feed, or None when it could lie.

    changes: when anything that may show in it last changed, a midnight that moved its window among them.
    A change in this very second may be followed by another one in it, and a date says no more than seconds
    (RFC 9110 8.8.2.2): then only the ETag is given.
    """
    latest = max((change for change in changes if change is not None), default=None)
    return latest if latest is not None and latest < now else None


@dataclass(frozen=True)
class Health:
    """How one feed was fetched by one family of programs in the last weeks. readers: at least, None: not countable."""

    feed: str
    family: str
    first_at: datetime
    last_at: datetime
    fetches: int
    readers: int | None

    @property
    def interval(self) -> timedelta | None:
        """How long one reader usually waits between two fetches; None when too few were seen to say."""
        readers = self.readers or 1
        intervals = self.fetches - readers
        seen = self.last_at - self.first_at
        return seen * readers / intervals if intervals >= FEWEST_INTERVALS and seen >= SHORTEST_SEEN else None


def interval_words(interval: timedelta | None) -> str:
    """ "About every 3 hours", or that it is not known."""
    if interval is None:
        return "Too few seen to say"
    minutes = max(1, round(interval / timedelta(minutes=1)))
    if minutes < 50:
        return "About every minute" if minutes == 1 else f"About every {minutes} minutes"
    hours = round(minutes / 60)
    if hours < 36:
        return "About every hour" if hours == 1 else f"About every {hours} hours"
    days = round(hours / 24)
    return f"About every {days} days"


def seen_by(health: Sequence[Health], now: datetime) -> dict[str, datetime | None]:
    """By family, until when a change made now will probably have been fetched; None when too little is known.

    The longest of the usual intervals counts: who waits longest is who would be told something wrong.
    """
    slowest: dict[str, timedelta | None] = {}
    for one in health:
        known = slowest.get(one.family)
        slowest[one.family] = max(filter(None, (known, one.interval)), default=None)
    return {family: now + interval if interval else None for family, interval in slowest.items()}

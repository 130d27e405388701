"""What a feed holds and for how long: pure, in days of Europe/London."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from workshops.core.london_time import date_words, london_date, start_of_day
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.finding import ATTENDING, Filters

#: Without dates of its own, a feed reaches this many days back.
DAYS_BACK = 60
#: A cancelled event stays, said to be cancelled, for so many days; then calendars let it go.
DAYS_CANCELLED = 30
#: Tokens of the calendars of staff are bound to this, and open nothing else.
STAFF_PURPOSE = "staff_calendar"
#: The calendars that somebody of the staff can have, with what each is called.
STAFF_CALENDARS = {"mine": "Events I run", "all": "All events I may run"}
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


def last_modified(changes: list[datetime | None], now: datetime) -> datetime | None:
    """Last-Modified of a feed, or None when it could lie.

    changes: when anything that may show in it last changed, a midnight that moved its window among them.
    A change in this very second may be followed by another one in it, and a date says no more than seconds
    (RFC 9110 8.8.2.2): then only the ETag is given.
    """
    latest = max((change for change in changes if change is not None), default=None)
    return latest if latest is not None and latest < now else None

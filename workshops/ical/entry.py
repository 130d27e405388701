"""One event as a calendar sees it: what the schedule hands over and the serialiser writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from workshops.ical.cleaning import clean_email, clean_line, clean_text, clean_url

STATUSES = ("CONFIRMED", "TENTATIVE", "CANCELLED")

#: Said in the title too, because several calendars do not show STATUS.
TITLE_PREFIXES = ("", "Cancelled: ", "Postponed: ")


@dataclass(frozen=True, kw_only=True)
class CalendarEntry:
    """One VEVENT in plain values (RFC 5545 3.6.1), cleaned as it is made.

    uid: permanent, from `identity.new_uid`.   sequence: the event's SEQUENCE, >= 0.
    revised_at, created_at: aware; revised_at is DTSTAMP and LAST-MODIFIED alike.
    starts, ends: both aware instants, or both dates; an `ends` date is the last day itself, and
    None means that no end is known. An end that does not lie after the start becomes None.
    days: times for each of several days, in order, as pairs of aware instants; starts is then the first start and
    ends the last end. Empty for one span.
    title_prefix: one of TITLE_PREFIXES.   location, description: plain text.
    url: the public page; organiser_email: the team's address; either becomes None when unusable.

    Text is cleaned, never refused. Raises ValueError only for what a person cannot type: an empty
    uid, a naive or mixed time, an unknown status or prefix, a SEQUENCE below 0.
    """

    uid: str
    sequence: int
    revised_at: datetime
    created_at: datetime
    starts: datetime | date
    ends: datetime | date | None = None
    title: str
    status: str = "CONFIRMED"
    title_prefix: str = ""
    location: str = ""
    description: str = ""
    url: str | None = None
    categories: tuple[str, ...] = ()
    organiser_email: str | None = None
    organiser_name: str = ""
    transparent: bool = False
    days: tuple[tuple[datetime, datetime], ...] = ()

    def __post_init__(self) -> None:
        self._set("uid", clean_line(self.uid))
        if not self.uid or self.sequence < 0:
            raise ValueError("A calendar entry needs a uid and a sequence of 0 or more.")
        if self.status not in STATUSES or self.title_prefix not in TITLE_PREFIXES:
            raise ValueError(f"Unknown status {self.status!r} or title prefix {self.title_prefix!r}.")
        self._set("revised_at", _second(self.revised_at))
        self._set("created_at", _second(self.created_at))
        self._clean_times()
        for name in ("title", "location", "description"):
            self._set(name, clean_text(getattr(self, name)))
        self._set("url", clean_url(self.url))
        self._set("organiser_email", clean_email(self.organiser_email))
        self._set("organiser_name", clean_line(self.organiser_name))
        cleaned = (clean_text(category) for category in self.categories)
        self._set("categories", tuple(dict.fromkeys(category for category in cleaned if category)))

    @property
    def summary(self) -> str:
        """The title as calendars show it, with what has become of the event in front."""
        return self.title_prefix + (self.title or "Untitled event")

    @property
    def all_day(self) -> bool:
        """Whether it is about whole days and not instants."""
        return not isinstance(self.starts, datetime)

    def _clean_times(self) -> None:
        self._set("days", tuple((_second(starts), _second(ends)) for starts, ends in self.days))
        if self.days and any(ends <= starts for starts, ends in self.days):
            raise ValueError("Each day must end after it starts.")
        self._set("starts", _moment(self.starts))
        if self.ends is None:
            return
        if isinstance(self.ends, datetime) is self.all_day:
            raise ValueError("The start and the end must both be instants or both be dates.")
        self._set("ends", _moment(self.ends))
        # One day is all of that day; an event of no length has no end to speak of.
        too_early = self.ends < self.starts if self.all_day else self.ends <= self.starts
        if too_early:
            self._set("ends", None)

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _moment(when: datetime | date) -> datetime | date:
    return _second(when) if isinstance(when, datetime) else when


def _second(instant: datetime) -> datetime:
    """The instant in UTC and to the second, which is all that RFC 5545 can say."""
    if instant.tzinfo is None:
        raise ValueError("A calendar entry takes aware times only.")
    return instant.astimezone(UTC).replace(microsecond=0)

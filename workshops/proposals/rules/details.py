"""What a proposal says: limits, cleaning, and what cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any

from workshops.core.london_time import date_words, london_date
from workshops.core.text import clean_text
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.events import AREAS, MODES, SUMMARY_MAX, TITLE_MAX, clean_postcode
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem, refuse
from workshops.schedule.rules.when import When, when_typed

NAME_MAX = 200
EMAIL_MAX = 254
WHEN_MAX = 500
MESSAGE_MAX = 2_000
NEED_MAX = 2_000
ACCESS_MAX = 1_000
TOPICS_TEXT_MAX = 300
#: More than any hall holds; a proposal is no place for a stadium.
PLACES_MAX = 100_000

#: host: somebody offers an event of their own.   ask: somebody asks us for one.
PURPOSES = {"host": "Host an event", "ask": "Ask us for an event"}
#: What tells who somebody is: removed when its time has passed.
CONTACT_FIELDS = ("organisation", "name", "email")

_LINES = ("summary", "when_words", "message", "access")
_TIMES = ("start_time", "end_time")


@dataclass(frozen=True, kw_only=True)
class Details:
    """What somebody wrote, cleaned. The address is kept beside it, because it can never be changed.

    title: of a proposed event; what is needed, in a few words, of one asked for.   summary: what it is, or what they
    need.   kind: the name of a kind or empty.   starts_on, ends_on: days in Scotland; of one asked for, between
    which days it would suit.   start_time, end_time: as written_time writes them, or empty.   when_words: more about
    the time.   mode: a key of MODES.   places: how many people, or None.   topics: with semicolons between them.
    """

    organisation: str
    name: str
    title: str
    summary: str = ""
    kind: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    start_time: str = ""
    end_time: str = ""
    when_words: str = ""
    mode: str = "in_person"
    venue_name: str = ""
    venue_address: str = ""
    postcode: str = ""
    area: str = ""
    places: int | None = None
    audience: str = ""
    topics: str = ""
    message: str = ""
    access: str = ""

    @property
    def when(self) -> When:
        """The time of a proposed event. Raises DetailsDoNotFit, and ValueError when there is no day."""
        if self.starts_on is None:
            raise ValueError("no day is known")
        return when_typed(self.starts_on, read_time(self.start_time), self.ends_on, read_time(self.end_time))


def written_time(at: time | None) -> str:
    """A time of day as it is kept: "14:30", or nothing."""
    return f"{at:%H:%M}" if at is not None else ""


def read_time(kept: str) -> time | None:
    """The time of day that was kept."""
    return time.fromisoformat(kept) if kept else None


def cleaned(details: Details) -> Details:
    """The details as they are kept."""
    values: dict[str, Any] = {entry.name: getattr(details, entry.name) for entry in fields(details)}
    for name, value in values.items():
        if isinstance(value, str) and name not in _TIMES:
            values[name] = clean_text(value, multiline=name in _LINES)
    values["postcode"] = clean_postcode(details.postcode)
    if details.mode == "online":
        values |= {"venue_name": "", "venue_address": "", "postcode": ""}
    return Details(**values)


def check_details(purpose: str, details: Details, *, now: datetime) -> None:
    """Raise DetailsDoNotFit with everything that is wrong with cleaned details."""
    refuse([*_missing(purpose, details), *_times(purpose, details, now), *_choices(details)])


def _missing(purpose: str, details: Details) -> Iterator[Problem]:
    if not details.name:
        yield Problem("name", "Enter your name")
    if not details.organisation:
        yield Problem("organisation", "Enter the name of your organisation" if purpose == "host" else
                      "Enter the name of your team or community")
    if not details.title:
        yield Problem("title", "Enter a title" if purpose == "host" else "Enter what you need in a few words")
    if not details.summary:
        yield Problem("summary", "Say what the event is" if purpose == "host" else "Say what you need")
    longest = {"title": TITLE_MAX, "summary": SUMMARY_MAX if purpose == "host" else NEED_MAX, "name": NAME_MAX,
               "organisation": NAME_MAX, "when_words": WHEN_MAX, "message": MESSAGE_MAX, "access": ACCESS_MAX,
               "topics": TOPICS_TEXT_MAX, "venue_name": NAME_MAX, "venue_address": NAME_MAX}  # fmt: skip
    for name, most in longest.items():
        if len(getattr(details, name)) > most:
            yield Problem(name, f"Write {most:,} characters or fewer")


def _times(purpose: str, details: Details, now: datetime) -> Iterator[Problem]:
    today = london_date(now)
    if purpose == "host":
        if details.starts_on is None:
            yield Problem("starts_on", "Enter the date")
            return
        try:
            when = details.when
        except DetailsDoNotFit as unfit:
            for problem in unfit.problems:
                yield Problem("ends_on" if problem.field == "ends" else problem.field, problem.sentence)
            return
        if when.over_at <= now:
            yield Problem("starts_on", "Enter a date that is still to come")
        return
    if not details.when_words and details.starts_on is None:
        yield Problem("when_words", "Say when it would suit you, as closely as you know")
    if details.starts_on and details.ends_on and details.ends_on < details.starts_on:
        yield Problem("ends_on", "The latest date must not be before the earliest")
    last = details.ends_on or details.starts_on
    if last is not None and last < today:
        yield Problem("ends_on" if details.ends_on else "starts_on", "Enter a date that is still to come")


def _choices(details: Details) -> Iterator[Problem]:
    if details.mode not in MODES:
        yield Problem("mode", "Choose in person, online or both")
    if details.audience and details.audience not in AUDIENCES:
        yield Problem("audience", "Choose who it is for")
    if details.area and details.area not in AREAS:
        yield Problem("area", "Choose an area")
    if details.places is not None and not 0 <= details.places <= PLACES_MAX:
        yield Problem("places", f"Enter a whole number up to {PLACES_MAX:,}")


def when_typed_words(purpose: str, details: Details) -> str:
    """When it is meant to be, in words."""
    parts = []
    if purpose == "host" and details.starts_on is not None:
        try:
            parts.append(details.when.words(uk_time=details.mode == "online"))
        except DetailsDoNotFit:
            parts.append(date_words(details.starts_on))
    elif details.starts_on and details.ends_on:
        parts.append(f"From {date_words(details.starts_on)} to {date_words(details.ends_on)}")
    elif details.starts_on:
        parts.append(f"From {date_words(details.starts_on)}")
    elif details.ends_on:
        parts.append(f"By {date_words(details.ends_on)}")
    return "\n".join(filter(None, [*parts, details.when_words]))

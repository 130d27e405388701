"""What holds for notes and write-ups, whoever asks. Pure.

A write-up goes from "to be written" through "drafted" to "published", and is published under its link alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlsplit

from workshops.core.errors import DomainError
from workshops.core.london_time import from_london, london_date
from workshops.core.text import clean_text

#: In the order in which a write-up goes through them.
WRITE_UP_STATES = ("to be written", "drafted", "published")
TITLE_MAX = 200
URL_MAX = 2000
NOTES_MAX = 50_000
#: A write-up is named in "Needs your attention" from so many days before its date.
REMIND_DAYS_BEFORE = 7
#: Counts of people below this are not published: they could tell who it was.
SMALL_NUMBER = 5
PAGE_SIZE = 20

#: Why notes were taken back -> the words of the public page. Fixed answers, so that no name gets in.
WITHDRAW_REASONS: Mapping[str, str] = {
    "": "",
    "mistake": "they held a mistake",
    "asked": "somebody named in them asked for it",
    "elsewhere": "they are published elsewhere",
}


class WriteUpProblem(DomainError, ValueError):
    """Details of a write-up that do not fit, with a sentence."""


class NotesEmpty(DomainError):
    """Nothing to publish."""

    sentence = "Write the notes before you publish them."


@dataclass(frozen=True)
class WriteUpDetails:
    """What is known about a write-up, checked."""

    title: str
    state: str
    url: str = ""
    owner_id: int | None = None
    due_on: date | None = None
    published_on: date | None = None


def is_web_address(text: str) -> bool:
    """Whether a text is an absolute http or https address that is safe to link to."""
    if re.search(r"[\s\\<>\"\x00-\x1f\x7f]", text) or not re.match(r"https?://", text, re.IGNORECASE):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc


def checked_link(text: str) -> str:
    """A pasted link as it is kept. Raises WriteUpProblem for anything but http and https."""
    url = clean_text(text)
    if len(url) > URL_MAX:
        raise WriteUpProblem(f"The link must be {URL_MAX:,} characters or fewer.", field="url")
    if not is_web_address(url):
        raise WriteUpProblem("The link must begin with https:// or http://.", field="url")
    return url


def checked_details(details: WriteUpDetails, *, today: date) -> WriteUpDetails:
    """The details as they are kept: cleaned, and with today as the date of publishing where none was given.

    Raises WriteUpProblem with the field that does not fit.
    """
    title = clean_text(details.title)
    if not title:
        raise WriteUpProblem("Enter a title.", field="title")
    if len(title) > TITLE_MAX:
        raise WriteUpProblem(f"The title must be {TITLE_MAX} characters or fewer.", field="title")
    if details.state not in WRITE_UP_STATES:
        raise WriteUpProblem("Choose to be written, drafted or published.", field="state")
    url = checked_link(details.url) if clean_text(details.url) else ""
    published = details.state == "published"
    if published and not url:
        raise WriteUpProblem("Paste the link of the published write-up.", field="url")
    published_on = (details.published_on or today) if published else None
    if published_on is not None and published_on > today:
        raise WriteUpProblem("The date of publishing must not be in the future.", field="published_on")
    return WriteUpDetails(title, details.state, url, details.owner_id, details.due_on, published_on)


def row_details(row: Mapping[str, str], *, event_title: str) -> WriteUpDetails | None:
    """The write-up of a row of the events spreadsheet, or None when it has none.

    Columns: write_up_status (none, to be written, drafted, published; empty means none), write_up_title (the
    event's title when empty), write_up_url. Raises WriteUpProblem with a sentence that names the column.
    """
    status = clean_text(row.get("write_up_status")).lower()
    title = clean_text(row.get("write_up_title"))
    url = clean_text(row.get("write_up_url"))
    if status in ("", "none"):
        if url:
            raise WriteUpProblem("write_up_url is given, so write_up_status must be drafted or published.")
        return None
    if status not in WRITE_UP_STATES:
        raise WriteUpProblem(f"write_up_status is “{status[:40]}”: it must be none, {', '.join(WRITE_UP_STATES)}.")
    if len(title) > TITLE_MAX:
        raise WriteUpProblem(f"write_up_title must be {TITLE_MAX} characters or fewer.")
    if url and (not is_web_address(url) or len(url) > URL_MAX):
        raise WriteUpProblem("write_up_url must begin with https:// or http://.")
    if status == "published" and not url:
        raise WriteUpProblem("write_up_status is published, so write_up_url must hold the link.")
    return WriteUpDetails(title or event_title[:TITLE_MAX], status, url)


def recognised(details: WriteUpDetails, known: Sequence[WriteUpDetails]) -> int | None:
    """Which of an event's write-ups a row means; None: a new one.

    By link, else by title, else the first that is still promised: a row that gives a promise its real title or
    link means that promise.
    """
    if details.url:
        for place, one in enumerate(known):
            if one.url == details.url:
                return place
    for place, one in enumerate(known):
        if one.title.casefold() == details.title.casefold():
            return place
    return next((place for place, one in enumerate(known) if one.state != "published"), None)


def imported(details: WriteUpDetails, known: WriteUpDetails) -> WriteUpDetails:
    """A known write-up after a row was read: never a step back, never a link lost.

    An old spreadsheet that still says "to be written" does not undo what was published since.
    """
    if WRITE_UP_STATES.index(details.state) < WRITE_UP_STATES.index(known.state):
        return known
    return WriteUpDetails(
        details.title, details.state, details.url or known.url, known.owner_id, known.due_on, known.published_on
    )


def is_overdue(state: str, due_on: date | None, today: date) -> bool:
    """Whether a promise has passed its date."""
    return state != "published" and due_on is not None and due_on < today


def needs_reminder(state: str, due_on: date | None, today: date) -> bool:
    """Whether a promise is overdue or due within a week."""
    return state != "published" and due_on is not None and due_on <= today + timedelta(days=REMIND_DAYS_BEFORE)


def due_words(days: int) -> str:
    """How far a date is away: days from today, negative when it has passed."""
    if days < 0:
        return f"{-days} day{'s' if days != -1 else ''} overdue"
    return {0: "due today", 1: "due tomorrow"}.get(days, f"due in {days} days")


def came_words(number: int | None) -> str:
    """How many came, as the public reads it; empty when it is not known. Source: reference/pages.md P14."""
    if number is None:
        return ""
    return f"{number:,}" if number >= SMALL_NUMBER else f"fewer than {SMALL_NUMBER}"


def count_words(*, has_notes: bool, write_ups: int) -> str:
    """What came of a past event, for a list: "Notes, 2 write-ups"; empty when nothing is published."""
    parts = ["Notes"] if has_notes else []
    if write_ups:
        parts.append("1 write-up" if write_ups == 1 else f"{write_ups} write-ups")
    words = ", ".join(parts)
    return words[:1].upper() + words[1:]


_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w/.-])(?:\+44\s?|0)(?:\d[\s-]?){9,10}(?!\w)")


def personal_data_in(text: str, names: Iterable[str]) -> list[str]:
    """What in a text looks like a person's: addresses, phone numbers, names of people who were registered.

    A warning before publishing, never a block: some of it may be meant. In the order of these three, each once.
    """
    found = [*_ADDRESS.findall(text), *(match.strip() for match in _PHONE.findall(text))]
    lowered = text.casefold()
    # a single word could be any word; with first and last name it is that person
    whole = sorted({name for name in names if len(name.split()) > 1})
    found += [name for name in whole if re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", lowered)]
    return list(dict.fromkeys(found))


#: Thanks go out at this time of the morning after, and are dropped when they come later than this.
THANKS_AT = time(10, 0)
THANKS_KEPT = timedelta(days=7)
#: No thanks are due later than this after the end.
THANKS_UNTIL = timedelta(days=2)


def thanks_due(over_at: datetime) -> tuple[datetime, datetime]:
    """From when to when people are thanked for coming to an event that was over then; both aware, UTC."""
    due_at = from_london(london_date(over_at) + timedelta(days=1), THANKS_AT)
    return due_at, due_at + THANKS_KEPT

"""When SEQUENCE rises, and which one an invitation carries (RFC 5545 3.8.7.4, RFC 5546 2.1.4)."""

from __future__ import annotations

from workshops.ical.entry import CalendarEntry


def raises_sequence(before: CalendarEntry, after: CalendarEntry) -> bool:
    """Whether this change is one that calendars must not miss.

    Start, end, place and what has become of the event (status, or the prefix that says cancelled
    or postponed) raise SEQUENCE. Wording (title, description, categories, link, organiser) does not.
    """
    return _essentials(before) != _essentials(after)


def next_sequence(event_sequence: int, last_sent: int | None) -> int:
    """The SEQUENCE of the next REQUEST or CANCEL to one person.

    event_sequence: that of the event now, >= 0.   last_sent: the highest this person was sent
    under this UID, or None when nothing was.
    Never below the event's and above all that the person was sent: a REQUEST at n after a CANCEL
    at n + 1 is thrown away as stale, and whoever left and came back would have no entry.
    """
    return event_sequence if last_sent is None else max(event_sequence, last_sent + 1)


def _essentials(entry: CalendarEntry) -> tuple[object, ...]:
    return (entry.starts, entry.ends, entry.days, entry.location, entry.status, entry.title_prefix)

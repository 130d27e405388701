"""Feeds as bytes: one VEVENT at a time, and whole calendars joined from VEVENTs made before.

Written by hand rather than with icalendar, because the bytes must stay the same for the same
input (they are stored, hashed and compared) whatever version of a library is installed; the
tests read them back with independent readers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from workshops.ical.cleaning import clean_text, clean_url, mailto
from workshops.ical.entry import CalendarEntry
from workshops.ical.lines import block, needs_utc, parameter_value, text_value, time_line, utc_value
from workshops.ical.recurrence import recurrence_id_line, recurrence_lines, recurrence_of

PRODID = "-//Co-production events//Workshops//EN"

#: A CSS3 colour name (RFC 7986 5.9), near the blue of the public pages.
COLOUR = "mediumblue"

#: Britain's rule since 1996: both changes at 01:00 UTC, on the last Sundays of March and October.
#: Rules instead of dates, so that it neither grows nor runs out (RFC 5545 3.6.5). The 1970 start
#: is what every large calendar sends for London and no time before 1996 refers to it.
VTIMEZONE_LINES = (
    "BEGIN:VTIMEZONE",
    "TZID:Europe/London",
    "BEGIN:DAYLIGHT",
    "TZNAME:BST",
    "TZOFFSETFROM:+0000",
    "TZOFFSETTO:+0100",
    "DTSTART:19700329T010000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
    "END:DAYLIGHT",
    "BEGIN:STANDARD",
    "TZNAME:GMT",
    "TZOFFSETFROM:+0100",
    "TZOFFSETTO:+0000",
    "DTSTART:19701025T020000",
    "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    "END:STANDARD",
    "END:VTIMEZONE",
)
VTIMEZONE = block(list(VTIMEZONE_LINES))
FOOTER = b"END:VCALENDAR\r\n"

_DURATION = re.compile(r"P(?:\d+W|(?=\d|T\d)(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)")


def vevent_bytes(entry: CalendarEntry) -> bytes:
    """One event for feeds and files: UTF-8, CRLF, folded, the same bytes for the same entry.

    With times for each day it is several VEVENTs of one UID.

    DTSTAMP equals LAST-MODIFIED, because a feed has no METHOD (RFC 5545 3.8.7.2). There is no
    ATTENDEE, no alarm and no joining link.
    """
    after = [f"STATUS:{entry.status}"]
    if entry.organiser_email:
        after.append(address_line("ORGANIZER", "", entry.organiser_name, entry.organiser_email))
    identity = identity_lines(entry, stamped_at=entry.revised_at, sequence=entry.sequence)
    return vevent_blocks(entry, identity=identity, after=after)


def vevent_blocks(
    entry: CalendarEntry, *, identity: list[str], after: list[str], instances: bool = True
) -> bytes:
    """The VEVENT of an entry; with times for each day its master, then the days that differ from the first.

    identity, after: lines that stand in each of them before and after its content. instances: False leaves the
    single days out, as a CANCEL of all of them does.
    """
    if len(entry.days) < 2:
        return _vevent(identity, [], content_lines(entry), after)
    recurrence = recurrence_of(entry.days)
    blocks = [_vevent(identity, recurrence_lines(recurrence), _day_lines(entry, recurrence.master), after)]
    for override in recurrence.overrides if instances else ():
        blocks.append(_vevent(identity, [recurrence_id_line(override)], _day_lines(entry, override.span), after))
    return b"".join(blocks)


def _vevent(identity: list[str], which: list[str], content: list[str], after: list[str]) -> bytes:
    return block(["BEGIN:VEVENT", *identity, *which, *content, *after, "END:VEVENT"])


def _day_lines(entry: CalendarEntry, span: tuple[datetime, datetime]) -> list[str]:
    in_utc = any(map(needs_utc, span))
    times = [time_line("DTSTART", span[0], in_utc=in_utc), time_line("DTEND", span[1], in_utc=in_utc)]
    return times + words_lines(entry)


def calendar_bytes(
    *,
    name: str,
    description: str,
    url: str | None,
    source: str | None,
    vevents: Iterable[bytes],
    refresh: str = "PT1H",
) -> bytes:
    """A whole calendar without METHOD, joined from ready-made VEVENTs in the order given.

    url: the page the feed belongs to; source: the feed's own address, None for a feed by token.
    Both are left out when they are no http or https link.
    vevents: what `vevent_bytes` gave; may be empty, the calendar then holds its VTIMEZONE alone.
    refresh: how often to look again, an RFC 5545 3.3.6 duration.
    The calendar carries no UID of its own, though RFC 7986 5.3 allows one: vdirsyncer would take it for the UID of
    each event, and keep one event of all.
    Raises ValueError for a refresh that is no duration. Source: RFC 7986 5, MS-OXCICAL.
    """
    if not _DURATION.fullmatch(refresh):
        raise ValueError(f"{refresh!r} is no duration of RFC 5545 3.3.6.")
    title, words = text_value(clean_text(name)), text_value(clean_text(description))
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODID}",
        "CALSCALE:GREGORIAN",
        f"NAME:{title}",
        f"X-WR-CALNAME:{title}",
    ]
    if words:
        lines += [f"DESCRIPTION:{words}", f"X-WR-CALDESC:{words}"]
    lines += [
        "X-WR-TIMEZONE:Europe/London",
        f"REFRESH-INTERVAL;VALUE=DURATION:{refresh}",
        f"X-PUBLISHED-TTL:{refresh}",
        f"COLOR:{COLOUR}",
    ]
    page, own_address = clean_url(url), clean_url(source)
    if page:
        lines.append(f"URL:{page}")
    if own_address:
        lines.append(f"SOURCE;VALUE=URI:{own_address}")
    return b"".join([block(lines), VTIMEZONE, *vevents, FOOTER])


def identity_lines(entry: CalendarEntry, *, stamped_at: datetime, sequence: int) -> list[str]:
    """UID, version and the three instants about the object itself."""
    return [
        f"UID:{text_value(entry.uid)}",
        f"DTSTAMP:{utc_value(stamped_at)}",
        f"CREATED:{utc_value(entry.created_at)}",
        f"LAST-MODIFIED:{utc_value(entry.revised_at)}",
        f"SEQUENCE:{sequence}",
    ]


def content_lines(entry: CalendarEntry) -> list[str]:
    """What the event is: when, what, where; the same in a feed and in an invitation."""
    end = _written_end(entry)
    # Local time stays right when a calendar is shown in another zone, so it is what we prefer. Both
    # ends are written the same way: readers compute a wrong length from a mixed pair.
    in_utc = needs_utc(entry.starts) or needs_utc(end)
    lines = [time_line("DTSTART", entry.starts, in_utc=in_utc)]
    if end is not None:
        lines.append(time_line("DTEND", end, in_utc=in_utc))
    return lines + words_lines(entry)


def words_lines(entry: CalendarEntry) -> list[str]:
    """What and where, without when."""
    lines = [f"SUMMARY:{text_value(entry.summary)}"]
    if entry.description:
        lines.append(f"DESCRIPTION:{text_value(entry.description)}")
    if entry.location:
        lines.append(f"LOCATION:{text_value(entry.location)}")
    if entry.url:
        lines.append(f"URL:{entry.url}")
    if entry.categories:
        lines.append("CATEGORIES:" + ",".join(text_value(category) for category in entry.categories))
    lines.append("TRANSP:TRANSPARENT" if entry.transparent else "TRANSP:OPAQUE")
    return lines


def address_line(name: str, parameters: str, common_name: str, email: str) -> str:
    """ORGANIZER or ATTENDEE. parameters: ready-made, each with its leading semicolon."""
    shown = f";CN={parameter_value(common_name)}" if common_name else ""
    return f"{name}{parameters}{shown}:{mailto(email)}"


def _written_end(entry: CalendarEntry) -> datetime | date | None:
    """DTEND as RFC 5545 3.8.2.2 wants it: for days, the day after the last one."""
    if not entry.all_day:
        return entry.ends
    last = entry.ends or entry.starts
    return None if last == date.max else last + timedelta(days=1)

"""Dates and times of somebody else's calendar: zones by their many names, starts, ends, and how an entry repeats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import vDDDTypes
from icalendar.parser import Contentline
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from workshops.core.london_time import LONDON, date_words, time_words, to_london
from workshops.ical.cleaning import clean_line
from workshops.ical.outline import Block

#: So many dates are taken from one entry that repeats, and not further ahead than so many years.
DATES_MAX = 200
YEARS_MAX = 5
#: Dates in one line of EXDATE or RDATE.
VALUES_MAX = 1_000

_PARTS = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"})
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_ONE_BY_ONE = "Take the dates you want as entries of their own, or use a spreadsheet"

Moment = datetime | date


class Refused(Exception):
    """Why one entry cannot be taken, in a sentence without its full stop."""


@dataclass(frozen=True)
class Wall:
    """A date or time as it stands in the file. zone: None when it is a date.

    is_floating: no zone was named, so that Europe/London is taken.
    """

    when: Moment
    zone: ZoneInfo | None = None
    is_floating: bool = False

    @property
    def instant(self) -> Moment:
        """The UTC instant, or the date. Raises OverflowError far from any year we know."""
        if not isinstance(self.when, datetime):
            return self.when
        return self.when.replace(tzinfo=self.zone).astimezone(UTC)

    def at(self, when: Moment) -> Wall:
        """Another time of the same clock."""
        return Wall(when, self.zone, self.is_floating)

    def note(self) -> str:
        """What was assumed, in words; "" when there was nothing to assume."""
        if not isinstance(self.when, datetime):
            return ""
        if self.is_floating:
            return "The times name no time zone and are taken as UK time"
        if self.zone is None or self.zone.key in ("Europe/London", "UTC", "GB", "Etc/UTC", "GMT"):
            return ""
        instant = self.instant
        assert isinstance(instant, datetime)
        local = to_london(instant)
        day = "" if local.date() == self.when.date() else f" on {date_words(local.date())}"
        return f"{time_words(self.when.time())} in {self.zone.key} is {time_words(local.time())} in the UK{day}"


def span_of(block: Block) -> tuple[Wall, timedelta | None]:
    """When an entry starts, and how long it is: None when the file gives no end; of whole days, to the day after.

    Raises Refused.
    """
    starts = _wall(block, "DTSTART", "start")
    if starts is None:
        raise Refused("It has no start")
    try:
        length = _length(block, starts)
    except OverflowError:
        raise Refused("It has an end that cannot be read") from None
    if length is not None and length < timedelta(0):
        raise Refused("It ends before it starts")
    return starts, length


def ends_of(starts: Wall, length: timedelta | None) -> Moment | None:
    """The end as an instant, or the last day itself; None when it is not known."""
    if length is None:
        return None
    begins = starts.instant
    try:
        if isinstance(begins, datetime):
            return begins + length if length else None
        # DTEND is the day after the last; several programs write the day itself for one-day events.
        return max(begins, begins + length - timedelta(days=1))
    except OverflowError:
        raise Refused("It has an end that cannot be read") from None


def _length(block: Block, starts: Wall) -> timedelta | None:
    if "DTEND" in block.lines or "DURATION" not in block.lines:
        ends = _wall(block, "DTEND", "end")
        if ends is None:
            return None
        last, first = ends.instant, starts.instant
        if isinstance(last, datetime) and isinstance(first, datetime):
            return last - first
        if isinstance(last, datetime) or isinstance(first, datetime):
            raise Refused("It has a time on one side and a whole day on the other")
        return last - first
    try:
        length = _value(block.lines["DURATION"])[0]
    except ValueError:
        length = None
    if not isinstance(length, timedelta):
        raise Refused("It has a duration that cannot be read")
    begins = starts.instant
    if not isinstance(begins, datetime) and length % timedelta(days=1):
        raise Refused("It has a time on one side and a whole day on the other")
    _ = begins + length
    return length


def _wall(block: Block, name: str, word: str) -> Wall | None:
    if name not in block.lines:
        return None
    walls = _walls(block.lines[name], f"It has {'an' if word == 'end' else 'a'} {word} that cannot be read")
    return walls[0]


def _walls(line: str, otherwise: str) -> list[Wall]:
    """The dates or times of a line; EXDATE and RDATE may hold several. Raises Refused(otherwise)."""
    try:
        values, tzid = _value(line, several=True)
    except ValueError:
        raise Refused(otherwise) from None
    found = []
    assert isinstance(values, list)
    for value in values:
        if isinstance(value, datetime):
            found.append(_clocked(value, tzid))
        elif isinstance(value, date):
            found.append(Wall(value))
        else:
            raise Refused(otherwise)
        try:
            _ = found[-1].instant
        except OverflowError:
            raise Refused(otherwise) from None
    return found


def _value(line: str, *, several: bool = False) -> tuple[object, str]:
    """A date, a time or a duration as icalendar reads it, or a list of them; and the TZID beside it, or "".

    The TZID is kept from icalendar, so that it reads the wall time and nothing else.
    Raises ValueError when it cannot be read.
    """
    # These parts of icalendar 7.3 carry no annotations.
    _, parameters, value = Contentline(line).parts()  # type: ignore[no-untyped-call]
    texts = value.strip().upper().split(",") if several else [value.strip().upper()]
    if len(texts) > VALUES_MAX:
        raise ValueError(f"more than {VALUES_MAX} values")
    read: list[object] = [vDDDTypes.from_ical(text) for text in texts]  # type: ignore[no-untyped-call]
    return read if several else read[0], str(parameters.get("TZID", ""))


def _clocked(wall: datetime, tzid: str) -> Wall:
    """A time by its clock. UTC wins over a TZID beside it, no zone means Europe/London."""
    if wall.tzinfo is not None:
        return Wall(wall.astimezone(UTC).replace(tzinfo=None), ZoneInfo("UTC"))
    if not tzid:
        return Wall(wall, LONDON, is_floating=True)
    zone = _zone(tzid)
    if zone is None:
        raise Refused(f"It uses the time zone “{clean_line(tzid)[:60]}”, which is not known here. Choose UK time or "
                      "UTC in the calendar it comes from")
    return Wall(wall, zone)


def _zone(tzid: str) -> ZoneInfo | None:
    """The zone of an Olson name, of a Windows name, or of a name with a maker's path in front."""
    name = tzid.strip().strip('"')
    if re.search(r"\bEdinburgh\b", name):
        return LONDON  # "(UTC+00:00) Dublin, Edinburgh, Lisbon, London", as Outlook shows and older ones write it
    parts = name.strip("/").split("/")
    candidates = [WINDOWS_TO_OLSON.get(name, name)]
    candidates += ["/".join(parts[-size:]) for size in (3, 2) if len(parts) > size]
    for candidate in candidates:
        try:
            return ZoneInfo(candidate)
        except (ValueError, OSError, KeyError):
            # ZoneInfoNotFoundError is a KeyError; a folder or an endless name is an OSError.
            continue
    return None


# --- repeats ----------------------------------------------------------------------------------------------------


def repeats(block: Block) -> bool:
    """Whether an entry stands for several dates."""
    return any(name in block.lines for name in ("RRULE", "EXRULE")) or "RDATE" in block.several


def replaced(block: Block) -> Moment | None:
    """The date of a repeating entry that this one stands in for (RECURRENCE-ID). Raises Refused."""
    line = block.lines.get("RECURRENCE-ID")
    if line is None:
        return None
    if "RANGE=" in line.partition(":")[0].upper():
        raise Refused(f"It changes all later dates of an entry that repeats. {_ONE_BY_ONE}")
    return _walls(line, "The date it stands for (RECURRENCE-ID) cannot be read")[0].instant


def dates_of(block: Block, starts: Wall) -> list[Wall]:
    """All dates of an entry that repeats, in order. Raises Refused when they have no end or are too many."""
    if "EXRULE" in block.lines:
        raise Refused(f"It repeats with exceptions by a rule (EXRULE). {_ONE_BY_ONE}")
    found = [starts, *_ruled(block.lines["RRULE"], starts)] if "RRULE" in block.lines else [starts]
    for line in block.several.get("RDATE", ()):
        found += _walls(line, f"It repeats on dates that cannot be read (RDATE). {_ONE_BY_ONE}")
    left_out = {
        wall.instant
        for line in block.several.get("EXDATE", ())
        for wall in _walls(line, "A date that is left out (EXDATE) cannot be read")
    }
    unique = {wall.instant: wall for wall in found if isinstance(wall.when, datetime) is isinstance(
        starts.when, datetime)}
    if len(unique) > DATES_MAX:
        raise Refused(f"It repeats more than {DATES_MAX} times. {_ONE_BY_ONE}")
    # some programs leave whole days out of an entry that has times
    return [
        wall for instant, wall in sorted(unique.items())
        if not left_out.intersection((instant, wall.when.date() if isinstance(wall.when, datetime) else wall.when))
    ]


def _ruled(line: str, starts: Wall) -> list[Wall]:
    parts = dict(part.partition("=")[::2] for part in line.partition(":")[2].strip().upper().split(";") if part)
    count, until = parts.pop("COUNT", ""), parts.pop("UNTIL", "")
    strange = sorted(set(parts) - _PARTS) or [parts.get("FREQ", "")] * (parts.get("FREQ", "") not in _FREQUENCIES)
    if strange:
        raise Refused(f"It repeats in a way that is not known here (RRULE, {clean_line(strange[0])[:30]}). "
                      f"{_ONE_BY_ONE}")
    if not count and not until:
        raise Refused("It repeats without an end (RRULE). Give the repeat a last date in the calendar it comes from")
    if count and not (count.isdigit() and len(count) < 6):
        raise Refused(f"It repeats in a way that is not known here (RRULE, COUNT). {_ONE_BY_ONE}")
    if count and int(count) > DATES_MAX:
        raise Refused(f"It repeats more than {DATES_MAX} times. {_ONE_BY_ONE}")
    last = _walls(f"UNTIL:{until}", "The last date of its repeat cannot be read (RRULE, UNTIL)")[0] if until else None
    found: list[Wall] = []
    for when in _walked(parts, starts):
        wall = starts.at(when)
        if last is not None and _is_after(wall, last):
            break
        found.append(wall)
        if len(found) > DATES_MAX:
            raise Refused(f"It repeats more than {DATES_MAX} times. {_ONE_BY_ONE}")
        if count and len(found) == int(count):
            break
    else:
        if count or last is None or _is_after(last, _horizon(starts)):
            raise Refused(f"It repeats for more than {YEARS_MAX} years. {_ONE_BY_ONE}")
    return found


def _is_after(wall: Wall, other: Wall) -> bool:
    one, two = wall.instant, other.instant
    if isinstance(one, datetime) and isinstance(two, datetime):
        return one > two
    days = [when.when.date() if isinstance(when.when, datetime) else when.when for when in (wall, other)]
    return days[0] > days[1]


def _horizon(starts: Wall) -> Wall:
    return starts.at(starts.when + timedelta(days=366 * YEARS_MAX))


def _walked(parts: dict[str, str], starts: Wall) -> list[Moment]:
    """The dates of a rule up to the horizon, which bounds the work whatever the rule says."""
    interval = parts.get("INTERVAL", "1")
    if not (interval.isdigit() and 1 <= int(interval[:6]) <= 1_000):
        raise Refused(f"It repeats in a way that is not known here (RRULE, INTERVAL). {_ONE_BY_ONE}")
    is_timed = isinstance(starts.when, datetime)
    first = starts.when if isinstance(starts.when, datetime) else datetime.combine(starts.when, time(0))
    try:
        until = first + timedelta(days=366 * YEARS_MAX)
        rule = ";".join(f"{name}={value[:200]}" for name, value in parts.items())
        walk = rrulestr(f"{rule};UNTIL={until:%Y%m%dT%H%M%S}", dtstart=first)
        found = []
        for when in walk:
            found.append(when if is_timed else when.date())
            if len(found) > DATES_MAX + 1:
                break
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError):
        raise Refused(f"It repeats in a way that is not known here (RRULE). {_ONE_BY_ONE}") from None
    return found

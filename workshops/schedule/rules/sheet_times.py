"""Dates and times as they stand in cells of a spreadsheet: what they mean, and how they are written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from workshops.core.london_time import ImpossibleTime, date_words, from_london, start_of_day, to_london
from workshops.core.typed_dates import parse_date, parse_time
from workshops.schedule.rules.when import When, is_month

#: A month is a text here, so that three kinds of time are three types.
Moment = datetime | date | str

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4})(?:[T ](\d{1,2}:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_DATE_THEN_TIME = re.compile(
    r"(?P<date>.*\d{4})[T ]+(?:at )?(?P<time>(?:\d{1,2}(?:[:.]?\d\d)?(?P<seconds>:\d\d)? ?(?:[ap]\.?m\.?|noon)?)"
    r"|noon|midday|midnight)",
    re.ASCII | re.IGNORECASE,
)
_NUMBERS_ONLY = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?!\d)", re.ASCII)
_INTERVAL = re.compile(r"(.+?)(?:/| to )(.+)")


def read_moment(text: str, column: str) -> Moment | None:
    """A date-time, a date or a month, as exports, spreadsheet programs and people write them; None for "".

    In numbers alone the day comes first, as in British use. Raises ValueError with a sentence.
    """
    if not text:
        return None
    if is_month(text):
        return text
    if date_order(text) == "month first":
        raise ValueError(f"The cell {column} is “{text[:60]}”, which is a date only when the month comes first. "
                         "Here the day comes first: write it like 2017-11-14")
    match = _ISO.fullmatch(text)
    if match is None:
        return _worded(" ".join(text.replace(",", " ").split()), text, column)
    try:
        day = parse_date(match[1])
        if match[2] is None:
            return day
        at = time.fromisoformat(match[2].zfill(5) if match[2].count(":") == 1 else match[2].zfill(8))
    except ValueError:
        raise ValueError(f"The cell {column} is “{text[:60]}”, which is no date or time that exists") from None
    return _at(day, at, match[3], column)


def _worded(text: str, typed: str, column: str) -> Moment:
    """"14 Nov 2017", "Tuesday 14 November 2017 10am", "November 2016"."""
    try:
        return parse_date(text)
    except ValueError:
        pass
    month = re.fullmatch(r"([A-Za-z]{3,9}\.?) (\d{4})", text, re.ASCII)
    parts = _DATE_THEN_TIME.fullmatch(text)
    try:
        if month:
            return f"{parse_date(('1', month[1], month[2])):%Y-%m}"
        if parts:
            spoken = parts["time"]
            if parts["seconds"]:
                spoken = spoken.replace(parts["seconds"], "", 1) if spoken.count(":") > 1 else spoken
            return _at(parse_date(parts["date"].strip()), parse_time(spoken), None, column)
    except ValueError as problem:
        if str(problem).startswith("In the cell"):
            raise
    raise ValueError(f"The cell {column} is “{typed[:60]}”. Write a date and time such as 2017-11-14T10:00, "
                     "a date such as 2017-11-14 or a month such as 2016-11")


def _at(day: date, at: time, offset: str | None, column: str) -> datetime:
    try:
        if offset:
            return datetime.fromisoformat(f"{day}T{at}{offset.replace('Z', '+00:00')}").astimezone(UTC)
        return from_london(day, at)
    except ImpossibleTime as impossible:
        raise ValueError(f"In the cell {column}, {impossible}") from None
    except (ValueError, OverflowError):
        raise ValueError(f"The cell {column} holds an offset from UTC that does not exist") from None


def read_instant(text: str, column: str, *, last: bool) -> datetime | None:
    """When registration opens or closes; a date means its beginning, or its end when last."""
    moment = read_moment(text, column)
    if moment is None or isinstance(moment, datetime):
        return moment
    if isinstance(moment, str):
        raise ValueError(f"The cell {column} must be a date or a date and time")
    return start_of_day(moment + timedelta(days=1)) if last else start_of_day(moment)


def span(first: Moment, last: Moment | None) -> When:
    """The time of an event from its cells starts and ends. Raises ValueError or DetailsDoNotFit."""
    if isinstance(first, str):
        if last not in (None, first):
            raise ValueError("An event of which only the month is known starts and ends in the same month")
        return When(month=first)
    if last is not None and type(first) is not type(last):
        raise ValueError("starts and ends must be written alike: two dates with a time, or two without")
    if isinstance(first, datetime):
        return When(starts_at=first, ends_at=last if isinstance(last, datetime) else None)
    return When(starts_on=first, ends_on=last if isinstance(last, date) else None)


def read_days(text: str) -> tuple[tuple[datetime, datetime], ...]:
    """Times for each of several days: "2027-05-04T10:00/2027-05-04T16:00;2027-05-05T10:00/2027-05-05T12:00".

    Between start and end of a day stands "/" or "to", between days ";". Raises ValueError with a sentence.
    """
    days = []
    for part in filter(None, (one.strip() for one in text.split(";"))):
        match = _INTERVAL.fullmatch(part)
        if match is None:
            raise ValueError(f"The cell days holds “{part[:60]}”. Write each day like "
                             "2027-05-04T10:00/2027-05-04T16:00, with ; between the days")
        starts, ends = (read_moment(match[side].strip(), "days") for side in (1, 2))
        if not isinstance(starts, datetime) or not isinstance(ends, datetime):
            raise ValueError(f"The cell days holds “{part[:60]}”: each day needs a start and an end with a time")
        days.append((starts, ends))
    return tuple(days)


def days_cell(when: When) -> str:
    """The cell `days` of an event: empty without times for each day."""
    return ";".join(f"{instant_cell(starts)}/{instant_cell(ends)}" for starts, ends in when.days)


def instant_cell(instant: datetime | None) -> str:
    """2017-11-14T10:00, local time; with its offset in the hour that autumn repeats, and for seconds."""
    if instant is None:
        return ""
    local = to_london(instant)
    text = local.replace(tzinfo=None).isoformat(timespec="seconds" if local.second else "minutes")
    return f"{text}+00:00" if local.fold else text


def start_cell(when: When) -> str:
    """The cell `starts` of an event."""
    if when.month is not None:
        return when.month
    return instant_cell(when.starts_at) if when.starts_at else when.first_day.isoformat()


def end_cell(when: When) -> str:
    """The cell `ends` of an event."""
    if when.month is not None:
        return when.month
    return instant_cell(when.ends_at) if when.starts_at else when.last_day.isoformat()


# --- two orders -------------------------------------------------------------------------------------------------


def date_order(text: str) -> str:
    """How a date in numbers can be read: "day first", "month first", "either", or "" when it is none of them."""
    match = _NUMBERS_ONLY.match(text)
    if match is None:
        return ""
    first, second = int(match[1]), int(match[2])
    if first == second and 1 <= first <= 12:
        return ""
    if 1 <= second <= 12 and 1 <= first <= 12:
        return "either"
    if 1 <= second <= 12 and first <= 31:
        return "day first"
    return "month first" if 1 <= first <= 12 and second <= 31 else ""


def order_note(text: str, column: str) -> str:
    """What is said where a date could be read in two ways; "" elsewhere."""
    if date_order(text) != "either":
        return ""
    match = _NUMBERS_ONLY.match(text)
    assert match is not None
    try:
        return f"{column}: {match[0]} is read with the day first, as {date_words(parse_date(match[0]), weekday=False)}"
    except ValueError:
        return ""


def mixed_orders(rows: Iterable[tuple[int, Sequence[tuple[str, str]]]]) -> list[str]:
    """A sentence for each column in which some dates can only be read with the month first.

    rows: each with its number and its (column, cell) pairs of dates.
    """
    seen: dict[str, dict[str, tuple[int, str]]] = {}
    for number, cells in rows:
        for column, cell in cells:
            order = date_order(cell)
            if order in ("day first", "month first"):
                seen.setdefault(column, {}).setdefault(order, (number, cell))
    sentences = []
    for column, orders in seen.items():
        if "month first" not in orders:
            continue
        number, cell = orders["month first"]
        if "day first" in orders:
            other, british = orders["day first"]
            sentences.append(f"The column {column} holds dates in two orders: {british[:20]} in row {other} has the "
                             f"day first, {cell[:20]} in row {number} the month. Write all of them like 2017-11-14.")
        else:
            sentences.append(f"The column {column} has the month first, as in {cell[:20]} in row {number}. Here the "
                             "day comes first: write all of them like 2017-11-14.")
    return sentences

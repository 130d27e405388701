"""Dates and times as people type them. Pure: no clock, no forms.

Each function returns a date or a time, or raises ValueError with a sentence for the person.
How dates are written for people is the business of london_time.
"""

from __future__ import annotations

import re
from datetime import date, time

from workshops.core.london_time import BST, GMT, date_words

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Years outside these are slips of the keyboard ("217", "20177").
FIRST_YEAR, LAST_YEAR = 1900, 2100

NOT_A_DATE = "Enter a real date, for example 14 11 2017"
NOT_A_TIME = "Enter a time, for example 10am or 2:30pm"
NOT_A_MONTH = "Enter a month with its year, for example November 2016"
AM_OR_PM = "Add am or pm to the time, for example 2pm"


def parse_date(typed: str | tuple[str, str, str]) -> date:
    """The date that was typed: three parts (day, month, year) or one text.

    A text is "2017-11-14", "14/11/2017", "14 Nov 2017", "Tuesday 14 November 2017" and the like:
    the day comes first, as in British use, unless the year has four digits and leads. A month is a
    number, a name or its first three letters. A day of the week, where one is written, must be the right one.
    Raises ValueError with a sentence, also for "".
    """
    if isinstance(typed, str):
        found = parse_date(split_date(typed))
        _check_weekday(typed, found)
        return found
    day, month, year = (part.strip() for part in typed)
    if not month and not year and split_date(day)[1]:
        # Somebody wrote all of it into the first box.
        return parse_date(day)
    missing = [name for name, part in (("day", day), ("month", month), ("year", year)) if not part]
    if len(missing) == 3:
        raise ValueError("Enter a date")
    if missing:
        raise ValueError("The date must include a " + " and a ".join(missing))
    if not re.fullmatch(r"\d{4}", year, re.ASCII):
        raise ValueError("The year must have 4 digits, for example 2017")
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise ValueError(f"The year must be between {FIRST_YEAR} and {LAST_YEAR}")
    if not re.fullmatch(r"\d{1,2}", day, re.ASCII):
        raise ValueError(NOT_A_DATE)
    try:
        return date(int(year), _month_number(month), int(day))
    except ValueError:
        raise ValueError(NOT_A_DATE) from None


def _check_weekday(typed: str, day: date) -> None:
    """A weekday that does not belong to the date is a slip in one of the two, and only the person knows in which."""
    first = re.match(r"\s*([a-z]{3,9})[.,]?\s", typed, re.IGNORECASE)
    if first is None:
        return
    named = [name for name in _WEEKDAYS if name.startswith(first[1].lower())]
    if named and named != [f"{day:%A}".lower()]:
        raise ValueError(f"{date_words(day, weekday=False)} is a {day:%A}, not a {named[0].capitalize()}")


def _month_number(month: str) -> int:
    if re.fullmatch(r"\d{1,2}", month, re.ASCII):
        return int(month)
    word = month.lower().rstrip(".")
    found = [number for number, name in enumerate(_MONTHS, 1) if len(word) >= 3 and name.startswith(word)]
    if word == "sept":
        return 9
    if len(found) != 1:
        raise ValueError(NOT_A_DATE)
    return found[0]


def parse_month(typed: str) -> tuple[int, int]:
    """The year and the number of the month that was typed.

    Accepts November 2016, Nov 2016, 11/2016, 11 2016, 2016-11 and 2016 November. Raises ValueError with a sentence.
    """
    parts = [part for part in re.split(r"[\s,/.\-]+", typed.strip()) if part]
    if len(parts) == 2 and re.fullmatch(r"\d{4}", parts[0], re.ASCII):
        parts.reverse()
    try:
        found = parse_date(("1", parts[0], parts[1])) if len(parts) == 2 else None
    except ValueError as unfit:
        raise ValueError(str(unfit) if "between" in str(unfit) else NOT_A_MONTH) from None
    if found is None:
        raise ValueError(NOT_A_MONTH)
    return found.year, found.month


def split_date(text: str) -> tuple[str, str, str]:
    """The day, month and year of a date typed as one text; the whole text as the day if it cannot be told.

    Whatever comes back shows in the three boxes again, so nothing that was typed is lost.
    """
    parts = [part for part in re.split(r"[\s,/.\-]+", text.strip()) if part and part.lower() not in ("of", "the")]
    if len(parts) == 4 and parts[0].isalpha():
        parts = parts[1:]
    if len(parts) != 3:
        return text.strip(), "", ""
    if re.fullmatch(r"\d{4}", parts[0], re.ASCII):
        return parts[2], parts[1], parts[0]
    return re.sub(r"(?<=\d)(st|nd|rd|th)$", "", parts[0], flags=re.IGNORECASE), parts[1], parts[2]


_ZONES = {"gmt": GMT, "bst": BST}
_ZONE = re.compile(r"(?P<time>.*\S)\s*\b(?P<zone>gmt|bst)", re.ASCII)
_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2})|(?P<joined>(?<=\d{2})\d{2}))?\s*(?P<half>am|pm|noon|midday|midnight)?",
    re.ASCII,
)


def parse_time(typed: str) -> time:
    """The time of day that was typed.

    Accepts 10, 10am, 10 a.m., 10:00, 10.00, 1000, 14:30, 2:30pm, noon, midday, 12 noon, midnight.
    A bare hour from 1 to 6 ("2", "2:30") is refused with the advice to add am or pm: it is nearly
    always meant for the afternoon, and 2am would be a wrong calendar. "02:30" is taken as it says.
    "GMT" or "BST" behind it says which of the two is meant in the night the clocks go back; the time then carries it.
    Raises ValueError with a sentence for the person.
    """
    text = re.sub(r"\s+", " ", typed.strip().lower())
    zoned = _ZONE.fullmatch(text)
    if zoned is not None:
        return _parse_clock(zoned["time"]).replace(tzinfo=_ZONES[zoned["zone"]])
    return _parse_clock(text)


def _parse_clock(text: str) -> time:
    text = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", text)
    if text in ("noon", "midday", "midnight"):
        text = f"12 {text}"
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(NOT_A_TIME)
    hour, minute = int(match["hour"]), int(match["minute"] or match["joined"] or 0)
    half = match["half"]
    if half:
        if not 1 <= hour <= 12 or (half not in ("am", "pm") and (hour, minute) != (12, 0)):
            raise ValueError(NOT_A_TIME)
        hour = hour % 12 + (12 if half in ("pm", "noon", "midday") else 0)
    elif len(match["hour"]) == 1 and 1 <= hour <= 6:
        raise ValueError(AM_OR_PM)
    if hour > 23 or minute > 59:
        raise ValueError(NOT_A_TIME)
    return time(hour, minute)

"""Bank holidays and working days in Scotland, from the kept library `holidays`. Pure: no clock.

Compared for 2025 to 2030 with what the Banking and Financial Dealings Act 1971 gives Scotland: 2 January and
St Andrew's Day with their substitute days, the summer holiday on the first Monday of August, the spring one on the
last Monday of May, no Easter Monday (tests/core/test_bank_holidays.py). Council areas keep local holidays beside
these; nothing knows them all, so nothing is said of them.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import holidays

from workshops.core.london_time import date_words

#: Longer spans (a campaign of a year) are not searched: a holiday within them surprises nobody.
SPAN_MAX_DAYS = 31

#: The library's names, where gov.uk and mygov.scot write them otherwise.
_NAMES = {
    "New Year Holiday": "2 January holiday",
    "May Day": "Early May bank holiday",
    "Spring Bank Holiday": "Spring bank holiday",
    "Summer Bank Holiday": "Summer bank holiday",
    "Saint Andrew's Day": "St Andrew's Day",
}
_SUBSTITUTE = " (observed)"


@lru_cache(maxsize=256)
def _year(year: int) -> dict[date, str]:
    found = holidays.country_holidays("GB", subdiv="SCT", years=year, language="en_GB")
    return {day: _name(name) for day, name in found.items() if day.year == year}


def _name(name: str) -> str:
    plain = name.removesuffix(_SUBSTITUTE)
    words = _NAMES.get(plain, plain)
    return f"{words} (substitute day)" if name.endswith(_SUBSTITUTE) else words


def bank_holiday(day: date) -> str:
    """The name of the bank holiday that a day is in Scotland, or ""."""
    return _year(day.year).get(day, "")


def is_working_day(day: date) -> bool:
    """Monday to Friday, bank holidays in Scotland left out."""
    return day.weekday() < 5 and not bank_holiday(day)


def bank_holidays_between(first: date, last: date) -> list[tuple[date, str]]:
    """The bank holidays from first to last, both included, in order; none of a span over SPAN_MAX_DAYS days."""
    if (last - first).days >= SPAN_MAX_DAYS:
        return []
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [(day, name) for day in days if (name := bank_holiday(day))]


def holiday_sentence(day: date, name: str) -> str:
    """Monday 2 August 2027 is a bank holiday in Scotland: Summer bank holiday.

    One that falls on a weekend is named as the day it is: the bank holiday itself is its substitute day.
    """
    if day.weekday() >= 5:
        return f"{date_words(day)} is a public holiday in Scotland: {name}"
    return f"{date_words(day)} is a bank holiday in Scotland: {name}"


def working_days_before(day: date, number: int) -> date:
    """The working day that lies so many working days before a day; number is 1 or more.

    Ten working days before Thursday 26 March 2026 is Thursday 12 March: the day itself is not counted.
    """
    found = day
    while number > 0:
        found -= timedelta(days=1)
        if is_working_day(found):
            number -= 1
    return found

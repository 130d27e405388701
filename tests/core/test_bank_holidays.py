"""Scottish bank holidays as the library gives them, against dates taken from the Act and the published lists."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from workshops.core.bank_holidays import SPAN_MAX_DAYS, bank_holiday, bank_holidays_between, holiday_sentence


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2025, 1, 2), "2 January holiday"),
        (date(2025, 8, 4), "Summer bank holiday"),
        (date(2025, 12, 1), "St Andrew's Day (substitute day)"),
        (date(2026, 8, 3), "Summer bank holiday"),
        (date(2026, 11, 30), "St Andrew's Day"),
        (date(2026, 12, 28), "Boxing Day (substitute day)"),
        (date(2027, 1, 4), "2 January holiday (substitute day)"),
        (date(2027, 3, 26), "Good Friday"),
        (date(2027, 5, 3), "Early May bank holiday"),
        (date(2027, 5, 31), "Spring bank holiday"),
        (date(2027, 8, 2), "Summer bank holiday"),
        (date(2027, 11, 30), "St Andrew's Day"),
        (date(2027, 12, 27), "Christmas Day (substitute day)"),
        (date(2028, 1, 3), "New Year's Day (substitute day)"),
        (date(2028, 1, 4), "2 January holiday (substitute day)"),
        (date(2029, 8, 6), "Summer bank holiday"),
        (date(2030, 12, 2), "St Andrew's Day (substitute day)"),
    ],
)
def test_holidays_of_scotland(day: date, name: str) -> None:
    assert bank_holiday(day) == name


@pytest.mark.parametrize("year", range(2025, 2031))
def test_no_holiday_of_england_is_taken_for_one_of_scotland(year: int) -> None:
    first_of_august = date(year, 8, 1)
    last_monday = max(
        day for day in (first_of_august + timedelta(days=n) for n in range(31)) if day.weekday() == 0
    )
    assert bank_holiday(last_monday) == ""
    good_friday = next(
        day for day in (date(year, 3, 1) + timedelta(days=n) for n in range(60)) if bank_holiday(day) == "Good Friday"
    )
    assert bank_holiday(good_friday + timedelta(days=3)) == "", "Easter Monday is none in Scotland"


@pytest.mark.parametrize("year", range(2025, 2031))
def test_each_year_has_its_nine_holidays_on_working_days(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(365)]
    working = [day for day in days if bank_holiday(day) and day.weekday() < 5]
    # In 2026 the football gives one more, by proclamation.
    assert len(working) == (10 if year == 2026 else 9)


def test_a_span_names_its_holidays_in_order_unless_it_is_long() -> None:
    first = date(2027, 5, 1)
    assert bank_holidays_between(first, first + timedelta(days=SPAN_MAX_DAYS - 1)) == [
        (date(2027, 5, 3), "Early May bank holiday"),
        (date(2027, 5, 31), "Spring bank holiday"),
    ]
    assert bank_holidays_between(first, first + timedelta(days=SPAN_MAX_DAYS)) == []


def test_the_sentence_says_which_day_and_why() -> None:
    monday = date(2027, 8, 2)
    assert holiday_sentence(monday, bank_holiday(monday)) == (
        "Monday 2 August 2027 is a bank holiday in Scotland: Summer bank holiday"
    )
    saturday = date(2026, 12, 26)
    assert holiday_sentence(saturday, bank_holiday(saturday)) == (
        "Saturday 26 December 2026 is a public holiday in Scotland: Boxing Day"
    )

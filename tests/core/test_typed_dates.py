"""Dates and times as people type them."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.london_time import date_words, time_words
from workshops.core.typed_dates import (
    AM_OR_PM,
    NOT_A_DATE,
    NOT_A_MONTH,
    NOT_A_TIME,
    parse_date,
    parse_month,
    parse_time,
    split_date,
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("10", time(10)),
        ("10am", time(10)),
        ("10 AM", time(10)),
        ("10 a.m.", time(10)),
        ("10:00", time(10)),
        ("10.00", time(10)),
        ("1030", time(10, 30)),
        ("14:30", time(14, 30)),
        ("2:30pm", time(14, 30)),
        ("2.30 p.m.", time(14, 30)),
        ("02:30", time(2, 30)),
        ("9", time(9)),
        ("0:15", time(0, 15)),
        ("noon", time(12)),
        ("Midday", time(12)),
        ("12 noon", time(12)),
        ("12pm", time(12)),
        ("12am", time(0)),
        ("12 midnight", time(0)),
        ("  10:05  ", time(10, 5)),
    ],
)
def test_times_that_are_understood(typed: str, meant: time) -> None:
    assert parse_time(typed) == meant


@pytest.mark.parametrize(
    "typed", ["", "ten", "25:00", "24:00", "10:60", "13pm", "0am", "10-12", "1:3", "11 noon", "१०", "10:00:00", "123"]
)
def test_times_that_are_not(typed: str) -> None:
    with pytest.raises(ValueError, match=NOT_A_TIME):
        parse_time(typed)


@pytest.mark.parametrize("typed", ["2", "2:30", "6.15"])
def test_a_bare_hour_of_the_afternoon_is_asked_back(typed: str) -> None:
    with pytest.raises(ValueError, match=AM_OR_PM):
        parse_time(typed)


@given(st.times())
def test_what_we_write_we_can_read(at: time) -> None:
    at = at.replace(second=0, microsecond=0)
    assert parse_time(time_words(at)) == at


@pytest.mark.parametrize(
    "typed",
    [
        ("14", "11", "2017"),
        (" 14 ", "Nov", "2017"),
        ("14", "november", " 2017"),
        "2017-11-14",
        "14/11/2017",
        "14.11.2017",
        "14 Nov 2017",
        "14th November 2017",
        "the 14th of November 2017",
        "Tue 14 Nov 2017",
        ("14 Nov 2017", "", ""),
        ("14/11/2017", "", ""),
        "Tuesday, 14 November 2017",
    ],
)
def test_dates_that_are_understood(typed: str | tuple[str, str, str]) -> None:
    assert parse_date(typed) == date(2017, 11, 14)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("31", "2", "2017"), NOT_A_DATE),
        (("29", "2", "2017"), NOT_A_DATE),
        (("x", "2", "2017"), NOT_A_DATE),
        (("1", "Ju", "2017"), NOT_A_DATE),
        (("1", "13", "2017"), NOT_A_DATE),
        (("14", "", "2017"), "The date must include a month"),
        (("", "", "2017"), "The date must include a day and a month"),
        (("14", "11", "17"), "The year must have 4 digits, for example 2017"),
        (("14", "11", "0217"), "The year must be between 1900 and 2100"),
        (("", "", ""), "Enter a date"),
        ("soon", "The date must include a month and a year"),
    ],
)
def test_dates_that_are_not(typed: str | tuple[str, str, str], sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_date(typed)
    assert str(refused.value) == sentence


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_every_date_is_read_back_from_iso_words_and_parts(day: date) -> None:
    assert parse_date(day.isoformat()) == day
    assert parse_date(date_words(day)) == day
    assert parse_date((str(day.day), day.strftime("%b"), str(day.year))) == day


def test_a_text_that_is_no_date_is_not_lost() -> None:
    assert split_date("next Tuesday") == ("next Tuesday", "", "")


@given(st.text())
def test_anything_else_gets_a_sentence_and_nothing_worse(text: str) -> None:
    for parse in (parse_date, parse_time):
        try:
            parse(text)
        except ValueError as refused:
            assert refused.args[0][0].isupper()


@pytest.mark.parametrize("typed", ["Monday 14 November 2017", "Wed 14 Nov 2017"])
def test_a_weekday_that_is_another_one_is_asked_back(typed: str) -> None:
    with pytest.raises(ValueError, match="14 November 2017 is a Tuesday, not a"):
        parse_date(typed)


@pytest.mark.parametrize("typed", ["November 2016", "Nov. 2016", "nov 2016 ", "11/2016", "11 2016", "2016-11"])
def test_months_that_are_understood(typed: str) -> None:
    assert parse_month(typed) == (2016, 11)


@pytest.mark.parametrize("typed", ["", "November", "2016", "2016-13", "14 Nov 2016", "N 2016", "some time", "Nov 16"])
def test_months_that_are_not(typed: str) -> None:
    with pytest.raises(ValueError, match=NOT_A_MONTH):
        parse_month(typed)

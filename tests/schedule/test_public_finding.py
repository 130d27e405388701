"""What is asked of a list, in one canonical form, and the month as weeks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.schedule.test_public_state import BASE
from workshops.schedule.rules.days import Month, at_the_same_time, parse_month
from workshops.schedule.rules.finding import (
    MAX_PAGE,
    PAST_SORTS,
    Filters,
    for_feed,
    like_pattern,
    parse_filters,
    query_string,
    without,
)


def asked(query: str) -> Filters:
    return parse_filters(parse_qsl(query))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("nothing=1&q=", {}),
        ("q=one&q=two", {"q": "two"}),
        ("kind=Round-table&area=Glasgow+City", {"kind": "round-table", "area": "glasgow-city"}),
        ("host=D%C3%B9n+%C3%88ideann", {"host": "dun-eideann"}),
        ("attending=in+person", {"attending": "in_person"}),
        ("attending=sideways", {"unknown": ("attending",)}),
        ("from=2027-03-01&to=14/11/2027", {"from_on": date(2027, 3, 1), "to_on": date(2027, 11, 14)}),
        ("from=32/1/2027&to=soon", {"unknown": ("from", "to")}),
        ("places=1&page=3", {"places": True, "page": 3}),
        ("places=yes&page=-1&sort=sideways", {}),
        ("page=0", {}),
        ("page=²", {}),
        (f"page={'9' * 5000}", {"page": MAX_PAGE}),
        ("kind=%21%21", {"kind": "?"}),
        ("sort=added", {"sort": "added"}),
        ("sort=soonest", {}),
    ],
)
def test_arguments_become_filters(query: str, expected: dict[str, object]) -> None:
    assert asked(query) == Filters(**expected)  # type: ignore[arg-type]


def test_the_archive_has_its_own_orders() -> None:
    assert parse_filters([("sort", "oldest")], sorts=PAST_SORTS).sort == "oldest"
    assert parse_filters([("sort", "added")], sorts=PAST_SORTS).sort == ""


def test_a_filter_is_taken_away_and_the_list_begins_anew() -> None:
    filters = asked("q=power&kind=workshop&from=2027-03-01&page=4")
    assert query_string(without(filters, "from")) == "?q=power&kind=workshop"
    assert query_string(without(filters, "kind")) == "?q=power&from=2027-03-01"


def test_page_places_and_sort_have_no_effect_in_a_feed() -> None:
    assert for_feed(asked("kind=workshop&places=1&page=7&sort=added")) == asked("kind=workshop")


def test_words_are_folded_and_counted_once() -> None:
    assert asked("q=Dùn+dun+ÈIDEANN").words == ("dun", "eideann")


def test_what_like_would_read_is_escaped() -> None:
    assert like_pattern("100%_\\") == "%100\\%\\_\\\\%"


@given(st.dictionaries(st.sampled_from(["q", "kind", "area", "from", "to", "attending", "places", "page", "sort"]),
                       st.text(max_size=30)))  # fmt: skip
def test_the_canonical_query_asks_the_same(arguments: dict[str, str]) -> None:
    filters = parse_filters(arguments.items())
    again = parse_filters(parse_qsl(query_string(filters).removeprefix("?"), keep_blank_values=True))
    assert again == replace(filters, unknown=())


@pytest.mark.parametrize("text", ["", "2027", "2027-13", "2027-00", "0001-01", "27-03", "x"])
def test_what_is_no_month_is_none(text: str) -> None:
    assert parse_month(text) is None


@pytest.mark.parametrize("text", ["2027-03", "2027-3", "March 2027", "Mar 2027", "03/2027"])
def test_a_month_is_read_as_people_write_it(text: str) -> None:
    assert parse_month(text) == Month(2027, 3)


@given(st.integers(1900, 2100), st.integers(1, 12))
def test_a_month_holds_its_days_once(year: int, number: int) -> None:
    month = Month(year, number)
    days = [day for week in month.weeks() for day in week if day]
    assert days == [month.first + timedelta(days=n) for n in range((month.last - month.first).days + 1)]
    assert all(len(week) == 7 for week in month.weeks())
    assert parse_month(month.text) == month
    after = month.moved(1)
    assert after is None or after.moved(-1) == month


def test_events_at_the_same_time_name_each_other() -> None:
    later = replace(BASE, sort_at=BASE.over_at, over_at=BASE.over_at + timedelta(hours=1), starts_at=BASE.over_at)
    within = replace(BASE, sort_at=BASE.sort_at + timedelta(minutes=30), starts_at=BASE.sort_at)
    whole_day = replace(BASE, starts_at=None)
    cancelled = replace(BASE, state="cancelled")
    assert at_the_same_time([BASE, later, within, whole_day, cancelled]) == [[2], [], [0], [], []]

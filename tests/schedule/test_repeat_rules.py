"""The dates of a rhythm and times moved to other days: always in order, on the right weekday, by the wall clock."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.london_time import ImpossibleTime, from_london, to_london
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.repeats import (
    DATES_MAX,
    POSITIONS,
    DatesDoNotFit,
    Rhythm,
    chosen_days,
    moved_by,
    moved_to,
    plan_dates,
    position_of,
    repeat_days,
    weekday_of_month,
)
from workshops.schedule.rules.when import When

#: Sixty dates a year apart still end before the years that dates may have.
days = st.dates(date(2010, 1, 1), date(2038, 12, 31))
rhythms = st.one_of(
    st.just(Rhythm("weekly")),
    st.integers(1, 52).map(lambda weeks: Rhythm("weeks", weeks=weeks)),
    st.builds(Rhythm, st.just("monthly"), st.just(1), st.sampled_from(sorted(POSITIONS)), st.integers(0, 6)),
)


@given(rhythms, days, st.integers(1, DATES_MAX), days)
def test_a_rhythm_gives_as_many_dates_as_asked_for_in_order(
    rhythm: Rhythm, first: date, times: int, today: date
) -> None:
    found = repeat_days(rhythm, first, today=today, times=times)
    assert len(found) == times
    assert all(one < other for one, other in pairwise(found))
    assert found[0] > max(first, today)
    weekday = rhythm.weekday if rhythm.kind == "monthly" else first.weekday()
    assert {day.weekday() for day in found} == {weekday}
    if rhythm.kind == "monthly":
        months = [day.year * 12 + day.month for day in found]
        assert all(other - one == 1 for one, other in pairwise(months)), "each month has its one"
    else:
        step = timedelta(weeks=rhythm.weeks if rhythm.kind == "weeks" else 1)
        assert all(other - one == step for one, other in pairwise(found))
        assert (found[0] - first) % step == timedelta(0), "the rhythm is kept, whatever day it is today"


@given(st.integers(1950, 2099), st.integers(1, 12), st.integers(0, 6), st.sampled_from(sorted(POSITIONS)))
def test_a_weekday_of_a_month_is_the_one_it_says(year: int, month: int, weekday: int, position: int) -> None:
    day = weekday_of_month(year, month, weekday, position)
    assert (day.year, day.month, day.weekday()) == (year, month, weekday)
    same = [
        date(year, month, number)
        for number in range(1, calendar.monthrange(year, month)[1] + 1)
        if date(year, month, number).weekday() == weekday
    ]
    assert day == same[position - 1 if position > 0 else -1]


@given(days)
def test_the_position_of_a_day_leads_back_to_it_unless_it_is_the_last_but_one(day: date) -> None:
    assert weekday_of_month(day.year, day.month, day.weekday(), position_of(day)) == day


def test_the_last_tuesday_is_the_fourth_or_the_fifth_and_a_leap_day_is_a_day() -> None:
    last_tuesday = Rhythm("monthly", position=-1, weekday=1)
    assert repeat_days(last_tuesday, date(2027, 12, 28), today=date(2027, 12, 1), times=4) == [
        date(2028, 1, 25), date(2028, 2, 29), date(2028, 3, 28), date(2028, 4, 25),
    ]  # fmt: skip
    assert last_tuesday.words(date(2027, 12, 28)) == "Every month on the last Tuesday"
    assert Rhythm("weeks", weeks=2).words(date(2027, 12, 28)) == "Every 2 weeks on Tuesday"
    assert Rhythm("weekly").words(date(2027, 12, 28)) == "Every week on Tuesday"


def test_the_fifth_of_its_weekday_becomes_the_last() -> None:
    assert position_of(date(2027, 3, 30)) == -1
    last_tuesday = Rhythm("monthly", position=-1, weekday=1)
    found = repeat_days(last_tuesday, date(2027, 3, 30), today=date(2027, 3, 1), times=2)
    assert found == [date(2027, 4, 27), date(2027, 5, 25)]


@pytest.mark.parametrize(
    ("until", "times", "words"),
    [
        (None, None, "Enter the last date, or how many more dates"),
        (None, 10_000, "That would be 10,000 dates. Make 60 or fewer at a time"),
        (date(2100, 12, 31), None, "That would be 3,851 dates. Make 60 or fewer at a time"),
        (date(2027, 3, 12), None, "There is no such date between Tuesday 9 March 2027 and the last date"),
    ],
)
def test_a_repeat_without_end_or_of_ten_thousand_dates_gets_a_sentence(
    until: date | None, times: int | None, words: str
) -> None:
    with pytest.raises(DatesDoNotFit) as refused:
        repeat_days(Rhythm("weekly"), date(2027, 3, 9), today=date(2027, 3, 1), until=until, times=times)
    assert str(refused.value) == words


def test_until_and_times_stop_at_whichever_comes_first() -> None:
    def found(until: date | None, times: int | None) -> int:
        return len(repeat_days(Rhythm("weekly"), date(2027, 3, 9), today=date(2027, 3, 1), until=until, times=times))

    assert found(date(2027, 3, 30), None) == 3
    assert found(date(2027, 3, 30), 2) == 2
    assert found(date(2027, 3, 30), 9) == 3


def test_chosen_dates_are_read_as_people_type_them() -> None:
    typed = "14 Nov 2027\n\n 1/9/2027 \n2027-10-05,\n14 November 2027\n"
    assert chosen_days(typed, today=date(2027, 3, 1)) == [date(2027, 9, 1), date(2027, 10, 5), date(2027, 11, 14)]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter the dates, one on each line"),
        (" \n ,\n", "Enter the dates, one on each line"),
        ("14 Nov 2027\n31 11 2027", "Line 2: "),
        ("1 2 2027", "Line 1: Monday 1 February 2027 is not after today"),
        ("\n".join(["14 Nov 2027"] * 61), "That would be 61 dates. Make 60 or fewer at a time"),
    ],
)
def test_chosen_dates_that_do_not_fit_are_named_by_line(typed: str, words: str) -> None:
    with pytest.raises(DatesDoNotFit) as refused:
        chosen_days(typed, today=date(2027, 3, 1))
    assert str(refused.value).startswith(words)


walls = st.datetimes(datetime(2020, 1, 1), datetime(2060, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0))  # noqa: DTZ001


@given(walls, st.integers(1, 300), st.integers(-800, 800))
def test_a_moved_time_keeps_its_clock_on_the_wall(wall: datetime, minutes: int, shift: int) -> None:
    try:
        starts = from_london(wall.date(), wall.time())
        when = When(starts, starts + timedelta(minutes=minutes))
        moved = moved_by(when, shift)
    except (ImpossibleTime, DetailsDoNotFit):
        return
    assert when.starts_at and when.ends_at and moved.starts_at and moved.ends_at
    for before, after in ((when.starts_at, moved.starts_at), (when.ends_at, moved.ends_at)):
        old, new = to_london(before), to_london(after)
        assert (new.date() - old.date()).days == shift
        assert (new.hour, new.minute) == (old.hour, old.minute)
    assert moved.ends_at > moved.starts_at


def test_ten_oclock_stays_ten_oclock_when_the_clocks_change() -> None:
    winter = When(datetime(2027, 3, 23, 10, tzinfo=UTC), datetime(2027, 3, 23, 12, tzinfo=UTC))
    assert moved_to(winter, date(2027, 3, 30)).starts_at == datetime(2027, 3, 30, 9, tzinfo=UTC)


def test_a_date_in_the_hour_that_spring_leaves_out_is_said_to_be_impossible() -> None:
    night = When(datetime(2027, 3, 21, 1, 30, tzinfo=UTC), datetime(2027, 3, 21, 2, 30, tzinfo=UTC))
    gone, there = plan_dates(night, [date(2027, 3, 28), date(2027, 4, 4)])
    assert gone.when is None and "does not exist on Sunday 28 March 2027" in gone.problem
    assert there.when is not None and there.problem == ""


def test_a_date_in_the_hour_that_autumn_repeats_is_said_to_be_double() -> None:
    night = When(from_london(date(2027, 10, 24), time(1, 30)), from_london(date(2027, 10, 24), time(3, 0)))
    (double,) = plan_dates(night, [date(2027, 10, 31)])
    assert double.note == "The clocks go back that night, so 1:30am happens twice; the first one is meant."


def test_whole_days_and_days_with_times_move_as_they_are() -> None:
    bar = moved_to(When(starts_on=date(2027, 3, 8), ends_on=date(2027, 3, 12)), date(2028, 2, 28))
    assert (bar.starts_on, bar.ends_on) == (date(2028, 2, 28), date(2028, 3, 3)), "across 29 February"
    days_ = When(days=tuple((datetime(2027, 3, day, 10, tzinfo=UTC), datetime(2027, 3, day, 12, tzinfo=UTC))
                            for day in (9, 11)))  # fmt: skip
    moved = moved_to(days_, date(2027, 12, 30))
    assert [to_london(starts).date() for starts, _ in moved.days] == [date(2027, 12, 30), date(2028, 1, 1)]
    with pytest.raises(ValueError, match="month"):
        moved_to(When(month="2016-11"), date(2027, 1, 1))

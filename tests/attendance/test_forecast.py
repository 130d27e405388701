"""How many will come: the arithmetic, the history it reads, what staff see, and whether it was right."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as sql_event
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event, make_registration
from tests.journeys.person import Person
from workshops.attendance import forecasts
from workshops.attendance.models import AttendanceForecast, AttendanceMark
from workshops.attendance.rules.forecast import (
    EVENTS_GOOD,
    EVENTS_MIN,
    Group,
    History,
    Past,
    beta_binomial,
    forecast_sentence,
    lead_of,
    outcome_sentence,
    suggestion_sentence,
)
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.schedule.models import Event

EARLY = (1, "in_person", 0)
LATE = (1, "in_person", 2)


def past(events: int, places: int, came: int) -> History:
    return History(Past(number, EARLY, places, came) for number in range(events))


groups = st.dictionaries(
    st.tuples(st.integers(1, 3), st.sampled_from(["in_person", "online"]), st.integers(0, 2)), st.integers(0, 60),
    max_size=4,
)  # fmt: skip
histories = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 3), st.sampled_from(["in_person", "online"]), st.integers(0, 2),
              st.integers(0, 40), st.integers(0, 40)), max_size=40,
).map(lambda rows: History(
    Past(event, (kind, attending, lead), max(places, came), came) for event, kind, attending, lead, places, came in rows
))  # fmt: skip


@given(st.integers(0, 300), st.floats(0.01, 200), st.floats(0.01, 200))
def test_the_chances_are_chances(number: int, alpha: float, beta: float) -> None:
    chances = beta_binomial(number, alpha, beta)
    assert len(chances) == number + 1 and all(chance >= 0 for chance in chances)
    assert sum(chances) == pytest.approx(1, abs=1e-6)
    mean = sum(k * chance for k, chance in enumerate(chances))
    assert mean == pytest.approx(number * alpha / (alpha + beta), rel=1e-4, abs=1e-4)


@given(histories, groups)
def test_a_forecast_lies_between_nobody_and_everybody(history: History, groups: dict[Group, int]) -> None:
    forecast = history.forecast(groups)
    assert (forecast is None) == (not history.is_enough or not sum(groups.values()))
    if forecast is not None:
        assert 0 <= forecast.low <= forecast.high <= forecast.places
        assert forecast.low <= forecast.expected + 1 and forecast.expected - 1 <= forecast.high
    for capacity in (0, 1, 10, 41):
        suggestion = history.suggestion(groups, capacity)
        assert suggestion is None or 0 <= suggestion <= capacity // 2


def test_more_history_makes_the_range_narrower_and_more_people_stay_away_the_more_can_be_given() -> None:
    few, many = past(3, 20, 14), past(40, 20, 14)
    group = {EARLY: 40}
    narrow, wide = many.forecast(group), few.forecast(group)
    assert narrow is not None and wide is not None
    assert narrow.high - narrow.low < wide.high - wide.low and wide.is_wide and not narrow.is_wide
    assert few.suggestion(group, 30) is None
    given_beyond = [past(40, 20, came).suggestion(group, 30) for came in (20, 16, 12, 8)]
    assert given_beyond == sorted(given_beyond, key=lambda number: number or 0) and given_beyond[0] == 0
    assert 0 < (given_beyond[2] or 0) <= 15


def test_what_is_suggested_keeps_the_risk_it_names() -> None:
    """People of one event behave alike; with the suggestion too many come to at most about 1 event in 20."""
    chance = random.Random(7)
    history = []
    for number in range(60):
        share = chance.betavariate(12, 6)
        history.append(Past(number, EARLY, 30, sum(chance.random() < share for _ in range(30))))
    known = History(history)
    beyond = known.suggestion({EARLY: 40}, 40)
    assert beyond is not None and beyond > 0
    forecast = known.forecast({EARLY: 40})
    assert forecast is not None
    too_many = inside = 0
    for _ in range(2_000):
        share = chance.betavariate(12, 6)
        came = sum(chance.random() < share for _ in range(40 + beyond))
        too_many += came > 40
        inside += forecast.low <= sum(chance.random() < share for _ in range(40)) <= forecast.high
    assert too_many / 2_000 < 0.075
    assert 0.85 < inside / 2_000 < 0.97


def test_a_small_group_leans_on_the_wider_one() -> None:
    known = History([*(Past(number, EARLY, 30, 24) for number in range(10)), Past(11, LATE, 2, 0)])
    assert 0.5 < known.share(LATE) < 0.8 and known.share(EARLY) == pytest.approx(0.8, abs=0.03)
    assert known.share((9, "in_person", 1)) == pytest.approx(known.share((8, "in_person", 1)))


def test_the_words_say_how_much_is_known() -> None:
    nothing = History([Past(1, EARLY, 20, 10)])
    assert forecast_sentence(nothing.forecast({EARLY: 9}), nothing) == (
        "It cannot be said yet how many will come: attendance is recorded for 1 event with 20 people. From 3 events "
        "and 50 people on there is a forecast."
    )
    some = past(EVENTS_MIN, 20, 14)
    assert "That is a small sample" in forecast_sentence(some.forecast({EARLY: 40}), some)
    good = past(EVENTS_GOOD, 20, 14)
    words = forecast_sentence(good.forecast({EARLY: 40}), good)
    assert words.startswith("Of 40 people with a place, ") and "160 people at 8 events" in words
    assert "small sample" not in words
    assert suggestion_sentence(None, 30, "") == "" and "1 event in 20 at most" in suggestion_sentence(2, 30, "")
    assert outcome_sentence(26, 33, 29) == "We expected 26 to 33, and 29 came: as expected."
    assert outcome_sentence(26, 33, 20).endswith("fewer than expected.")
    assert [lead_of(days) for days in (30, 14, 13.9, 3, 2.9, -1)] == [0, 0, 1, 1, 2, 2]


@pytest.fixture
def held(session: Session, clock: FakeClock) -> Callable[..., Event]:
    """held(days_ago, places, came): a past event with recorded attendance."""

    def make(days_ago: int, places: int, came: int, **values: object) -> Event:
        starts = clock.now - timedelta(days=days_ago)
        event = make_event(session, starts_at=starts, capacity_in_person=places, **values)
        for number in range(places):
            person = make_registration(session, event, registered_at=starts - timedelta(days=20))
            status = "in_person" if number < came else "absent"
            session.add(AttendanceMark(registration_id=person.id, status=status, marked_at=starts))
        session.commit()
        return event

    return make


def test_history_is_read_by_group_with_one_select(
    session: Session, clock: FakeClock, held: Callable[..., Event]
) -> None:
    first = held(30, 6, 4)
    held(20, 6, 3)
    held(4 * 365, 6, 6)  # too long ago
    door = make_event(session, starts_at=clock.now - timedelta(days=10))
    late = make_registration(session, first, registered_at=first.sort_at - timedelta(days=1))
    session.add(AttendanceMark(registration_id=late.id, status="excused", marked_at=clock.now))
    for _ in range(4):  # no more than "Here" was pressed at the door: it would say that everybody comes
        person = make_registration(session, door, registered_at=door.sort_at - timedelta(days=20))
    session.add(AttendanceMark(registration_id=person.id, status="in_person", marked_at=clock.now))
    session.commit()
    asked: list[str] = []
    sql_event.listen(session.get_bind(), "before_cursor_execute", lambda *a: asked.append(a[2]))
    known = forecasts.history(session, now=clock.now)
    assert len([words for words in asked if words.startswith("SELECT")]) == 1
    kind = first.kind_id
    assert sorted((one.group, one.places, one.came) for one in known.past) == [
        ((kind, "in_person", 0), 6, 3), ((kind, "in_person", 0), 6, 4), ((kind, "in_person", 2), 1, 0),
    ]


def test_staff_read_it_where_they_decide_and_see_afterwards_whether_it_was_right(
    staff: Callable[..., FormClient], session: Session, clock: FakeClock, settings: Settings, held: Callable[..., Event]
) -> None:
    for number in range(10):
        held(10 + number, 20, 12 + number % 3)
    coming = make_event(session, starts_at=clock.now + timedelta(days=20), capacity_in_person=20)
    people = [make_registration(session, coming) for _ in range(20)]
    session.commit()
    organiser = Person(staff("organiser"))
    page = organiser.open(f"/staff/events/{coming.slug}/place-rules")
    assert "Of 20 people with a place, " in page.words and "200 people at 10 events" in page.words
    assert "beyond the capacity of 20, more people than chairs would come to 1 event in 20 at most." in page.words
    assert not any(person.name in page.words for person in people)
    make_registration(session, coming, state="waiting")
    waiting = organiser.open(f"/staff/events/{coming.slug}/waiting-list")
    assert "Of 20 people with a place, " in waiting.words and "beyond the capacity of 20" in waiting.words
    clock.now += timedelta(days=20, minutes=5)

    def keep() -> int:
        with transaction() as writing:
            return forecasts.keep_forecasts(writing, now=clock.now, settings=settings)

    assert (keep(), keep()) == (1, 0), "it stays as it was said"
    clock.now += timedelta(hours=5)
    for number, person in enumerate(people):
        status = "in_person" if number < 13 else "absent"
        session.add(AttendanceMark(registration_id=person.id, status=status, marked_at=clock.now))
    session.commit()
    kept = session.get_one(AttendanceForecast, coming.id)
    assert kept.low is not None and kept.high is not None and kept.low <= 13 <= kept.high
    organiser = Person(staff("organiser", email="later@example.org"))  # signed in anew, weeks later
    page = organiser.open(f"/staff/events/{coming.slug}/attendance")
    assert f"We expected {kept.low} to {kept.high}, and 13 came: as expected." in page.words
    assert "At 1 of 1 event with attendance for everybody" in organiser.open("/staff/evidence").words


def test_with_little_history_nothing_is_promised(
    staff: Callable[..., FormClient], session: Session, clock: FakeClock, settings: Settings
) -> None:
    coming = make_event(session, starts_at=clock.now + timedelta(hours=1), capacity_in_person=20)
    make_registration(session, coming)
    session.commit()
    page = Person(staff("organiser")).open(f"/staff/events/{coming.slug}/place-rules")
    assert "It cannot be said yet how many will come" in page.words and "1 event in 20" not in page.words
    clock.now += timedelta(hours=2)
    with transaction() as writing:
        assert forecasts.keep_forecasts(writing, now=clock.now, settings=settings) == 1
    assert session.get_one(AttendanceForecast, coming.id).low is None
    assert forecasts.how_good(session) == (0, 0)

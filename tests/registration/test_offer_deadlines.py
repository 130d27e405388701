"""How long an offer is held: in working hours, shorter near the event, never ending at night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.bank_holidays import is_working_day
from workshops.core.london_time import from_london, to_london
from workshops.registration.rules import NEAR_THE_EVENT, SHORTEST_OFFER, offer_deadline
from workshops.registration.rules.working_hours import CLOSES, DAY_BEGINS, DAY_ENDS, OPENS, after_working_time


def at(text: str) -> datetime:
    """"2027-03-01 09:00" in Scotland."""
    local = datetime.fromisoformat(text)
    return from_london(local.date(), local.time())


@pytest.mark.parametrize(
    ("now", "starts", "until"),
    [
        # two working days, however late it is offered
        ("2027-03-01 09:00", "2027-03-31 10:00", "2027-03-02 17:00"),
        ("2027-03-01 11:30", "2027-03-31 10:00", "2027-03-03 11:30"),
        ("2027-03-01 23:59", "2027-03-31 10:00", "2027-03-03 17:00"),
        # a weekend does not count
        ("2027-03-05 16:00", "2027-03-31 10:00", "2027-03-09 16:00"),
        # nor does Easter: Good Friday is a bank holiday in Scotland, Easter Monday is none
        ("2027-03-25 12:00", "2027-05-31 10:00", "2027-03-30 12:00"),
        # nor the turn of the year with its two bank holidays and the weekend after, and Christmas before
        ("2026-12-31 15:00", "2027-02-10 10:00", "2027-01-06 15:00"),
        ("2026-12-24 15:00", "2027-02-10 10:00", "2026-12-30 15:00"),
        # one working day within a week
        ("2027-03-01 11:30", "2027-03-08 10:00", "2027-03-02 11:30"),
        # three hours within two days
        ("2027-03-01 11:30", "2027-03-02 16:00", "2027-03-01 14:30"),
        ("2027-03-01 16:00", "2027-03-02 16:00", "2027-03-02 11:00"),
        # an event on a Saturday: the last working moment before it
        ("2027-03-05 15:00", "2027-03-06 10:00", "2027-03-05 17:00"),
        # no working time left: it ends by day, here on Friday night at nine and not at eight on Saturday morning
        ("2027-03-05 18:00", "2027-03-06 10:00", "2027-03-05 21:00"),
        ("2027-03-05 18:00", "2027-03-06 14:00", "2027-03-06 12:00"),
        # nothing left at all: until it starts
        ("2027-03-06 08:00", "2027-03-06 10:00", "2027-03-06 10:00"),
        ("2027-03-05 23:00", "2027-03-06 09:00", "2027-03-06 09:00"),
    ],
)
def test_when_an_offer_ends(now: str, starts: str, until: str) -> None:
    assert offer_deadline(at(now), at(starts)) == at(until)


def test_nothing_is_offered_once_it_has_begun() -> None:
    assert offer_deadline(at("2027-03-06 10:00"), at("2027-03-06 10:00")) is None


FIRST = datetime(2025, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), timedelta(days=2100)).map(lambda later: FIRST + later)


@given(now=instants, ahead=st.timedeltas(timedelta(minutes=1), timedelta(days=60)), hour=st.integers(8, 20))
def test_an_offer_gives_time_to_answer_and_never_ends_at_night(now: datetime, ahead: timedelta, hour: int) -> None:
    starts = to_london(now + ahead).replace(hour=hour, minute=0, second=0, microsecond=0).astimezone(UTC)
    until = offer_deadline(now, starts)
    if until is None:
        assert now >= starts
        return
    assert now < until <= starts
    if until < starts:
        assert until - now >= SHORTEST_OFFER and until <= starts - NEAR_THE_EVENT
    local = to_london(until)
    assert DAY_BEGINS <= local.time() <= DAY_ENDS, local
    in_time = after_working_time(now, timedelta(hours=16))
    if in_time <= starts - timedelta(days=8):
        assert is_working_day(local.date()) and OPENS <= local.time() <= CLOSES
        assert until == in_time


@given(now=instants, worked=st.timedeltas(timedelta(minutes=1), timedelta(hours=40)))
def test_working_time_is_counted_minute_by_minute(now: datetime, worked: timedelta) -> None:
    until = after_working_time(now, worked)
    day, counted = to_london(now).date(), timedelta(0)
    while from_london(day, OPENS) < until:
        begins, ends = max(now, from_london(day, OPENS)), min(until, from_london(day, CLOSES))
        counted += max(timedelta(0), ends - begins) if is_working_day(day) else timedelta(0)
        day += timedelta(days=1)
    assert counted == worked

"""When a message is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.messages import rules

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def test_the_first_delays_grow_by_five() -> None:
    waits = [rules.next_retry_at(attempts, NOW, jitter=0) for attempts in (1, 2, 3, 4)]
    assert waits == [NOW + timedelta(minutes=minutes) for minutes in (1, 5, 25, 125)]


@given(st.floats(0, 1))
def test_a_mail_server_may_be_down_for_a_whole_day(jitter: float) -> None:
    instant, attempts = NOW, 1
    while (later := rules.next_retry_at(attempts, instant, jitter=jitter)) is not None:
        assert later > instant
        instant, attempts = later, attempts + 1
    assert instant - NOW >= timedelta(hours=24)
    assert attempts < 20


@given(st.integers(1, 30), st.floats(0, 1))
def test_a_refused_message_is_not_tried_again(attempts: int, jitter: float) -> None:
    assert rules.after_failure(attempts, NOW, permanent=True, jitter=jitter) == rules.Outcome("failed", None)


@given(st.integers(1, 30), st.floats(0, 1))
def test_a_message_put_off_waits_or_is_given_up(attempts: int, jitter: float) -> None:
    outcome = rules.after_failure(attempts, NOW, permanent=False, jitter=jitter)
    assert (outcome.state == "retry") == (outcome.try_at is not None)
    assert (outcome.state == "failed") == (attempts > len(rules.DELAYS_MIN))


@pytest.mark.parametrize(("attempts", "jitter"), [(0, 0.5), (-1, 0.5), (1, -0.1), (1, 1.1)])
def test_arguments_out_of_range_are_refused(attempts: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="attempts"):
        rules.next_retry_at(attempts, NOW, jitter=jitter)


def test_too_late_means_after_the_instant() -> None:
    assert not rules.is_too_late(None, NOW)
    assert not rules.is_too_late(NOW, NOW)
    assert rules.is_too_late(NOW, NOW + timedelta(seconds=1))

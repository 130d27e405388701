"""Notes and write-ups, without an application."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.followup.rules import (
    WRITE_UP_STATES,
    WriteUpDetails,
    WriteUpProblem,
    came_words,
    checked_details,
    checked_link,
    count_words,
    due_words,
    imported,
    is_overdue,
    needs_reminder,
    personal_data_in,
    recognised,
    row_details,
)

TODAY = date(2027, 3, 1)
LINK = "https://example.org/blog"

details = st.builds(
    WriteUpDetails,
    title=st.sampled_from(["One", "Two", "Three"]),
    state=st.sampled_from(WRITE_UP_STATES),
    url=st.sampled_from(["https://example.org/1", "https://example.org/2"]),
)


@pytest.mark.parametrize(
    "typed",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "//example.org/x",
        "example.org/x",
        "https://",
        "https://user@example.org/",
        "https://example.org:99999999/",
        'https://example.org/"onclick=',
        "ftp://example.org",
        "https://example.org/" + "x" * 2000,
        "",
    ],
)
def test_only_links_to_web_pages_are_taken(typed: str) -> None:
    with pytest.raises(WriteUpProblem) as raised:
        checked_link(typed)
    assert raised.value.field == "url"


def test_a_pasted_link_is_trimmed() -> None:
    assert checked_link(f"  {LINK}\n") == LINK


def test_published_needs_a_link() -> None:
    with pytest.raises(WriteUpProblem) as raised:
        checked_details(WriteUpDetails("A title", "published"), today=TODAY)
    assert raised.value.field == "url"


def test_published_is_published_today_unless_said_otherwise() -> None:
    assert checked_details(WriteUpDetails("A", "published", LINK), today=TODAY).published_on == TODAY
    before = TODAY - timedelta(days=3)
    assert (
        checked_details(WriteUpDetails("A", "published", LINK, published_on=before), today=TODAY).published_on == before
    )
    with pytest.raises(WriteUpProblem):
        checked_details(WriteUpDetails("A", "published", LINK, published_on=TODAY + timedelta(days=1)), today=TODAY)


def test_what_is_not_published_has_no_date_of_publishing() -> None:
    assert checked_details(WriteUpDetails("A", "drafted", published_on=TODAY), today=TODAY).published_on is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"write_up_status": "done"}, "write_up_status"),
        ({"write_up_status": "published"}, "write_up_url"),
        ({"write_up_status": "published", "write_up_url": "javascript:alert(1)"}, "write_up_url"),
        ({"write_up_status": "none", "write_up_url": LINK}, "write_up_status"),
        ({"write_up_status": "drafted", "write_up_title": "x" * 201}, "write_up_title"),
    ],
)
def test_a_row_that_does_not_fit_names_its_column(row: dict[str, str], words: str) -> None:
    with pytest.raises(WriteUpProblem, match=words):
        row_details(row, event_title="An event")
    with pytest.raises(ValueError):
        row_details(row, event_title="An event")


@pytest.mark.parametrize("row", [{}, {"write_up_status": ""}, {"write_up_status": "none"}, {"write_up_status": "None"}])
def test_a_row_without_a_write_up_promises_none(row: dict[str, str]) -> None:
    assert row_details(row, event_title="An event") is None


def test_a_promise_in_a_row_takes_the_title_of_the_event() -> None:
    assert row_details({"write_up_status": "To be written"}, event_title="An event") == WriteUpDetails(
        "An event", "to be written"
    )


@given(details, st.lists(details, max_size=4))
def test_a_row_read_twice_doubles_nothing(row: WriteUpDetails, known: list[WriteUpDetails]) -> None:
    place = recognised(row, known)
    after = [*known, row] if place is None else [*known[:place], imported(row, known[place]), *known[place + 1 :]]
    again = recognised(row, after)
    assert again is not None
    assert imported(row, after[again]) == after[again]


@given(details, details)
def test_an_import_takes_no_step_back(row: WriteUpDetails, known: WriteUpDetails) -> None:
    after = imported(row, known)
    assert WRITE_UP_STATES.index(after.state) >= WRITE_UP_STATES.index(known.state)
    assert after.url


def test_overdue_and_due_soon() -> None:
    assert is_overdue("drafted", TODAY - timedelta(days=1), TODAY)
    assert not is_overdue("drafted", TODAY, TODAY)
    assert not is_overdue("published", TODAY - timedelta(days=1), TODAY)
    assert not is_overdue("to be written", None, TODAY)
    assert needs_reminder("to be written", TODAY + timedelta(days=7), TODAY)
    assert not needs_reminder("to be written", TODAY + timedelta(days=8), TODAY)


@pytest.mark.parametrize(
    ("days", "words"),
    [(-2, "2 days overdue"), (-1, "1 day overdue"), (0, "due today"), (1, "due tomorrow"), (9, "due in 9 days")],
)
def test_dates_are_said_as_distances(days: int, words: str) -> None:
    assert due_words(days) == words


@given(st.integers(0, 10_000))
def test_small_groups_are_not_counted_in_public(number: int) -> None:
    assert came_words(number) == ("fewer than 5" if number < 5 else f"{number:,}")


def test_what_came_of_an_event_in_words() -> None:
    assert count_words(has_notes=True, write_ups=2) == "Notes, 2 write-ups"
    assert count_words(has_notes=False, write_ups=1) == "1 write-up"
    assert count_words(has_notes=False, write_ups=0) == ""


def test_what_looks_personal_is_named_before_publishing() -> None:
    text = "Ask Jane Example (jane@example.org, 0131 496 0000). Rob said it was good. See https://example.org/0131."
    found = personal_data_in(text, ["Jane Example", "Rob", "Someone Else"])
    assert found == ["jane@example.org", "0131 496 0000", "Jane Example"]


def test_plain_notes_hold_nothing_personal() -> None:
    assert personal_data_in("We agreed 3 actions in 2027, see room 0.12.", ["Jane Example"]) == []

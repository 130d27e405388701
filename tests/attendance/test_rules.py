"""Attendance, without an application."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.attendance.forms import changed_marks
from workshops.attendance.rules import (
    STATUSES,
    UnknownStatus,
    checked_status,
    is_found,
    marks_to_change,
    status_when_here,
)

statuses = st.one_of(st.none(), st.sampled_from(sorted(STATUSES)))
marks = st.dictionaries(st.integers(1, 30), statuses)


@given(marks, marks)
def test_saving_the_same_register_twice_changes_nothing(
    before: dict[int, str | None], wanted: dict[int, str | None]
) -> None:
    after = {**before, **marks_to_change(before, wanted)}
    assert marks_to_change(after, wanted) == {}
    assert all(after.get(key) == status for key, status in wanted.items())
    assert all(after[key] == before[key] for key in before if key not in wanted)


@given(st.text())
def test_only_the_answers_of_the_page_are_taken(text: str) -> None:
    if text in STATUSES or text == "":
        assert checked_status(text) == (text or None)
    else:
        with pytest.raises(UnknownStatus):
            checked_status(text)


@pytest.mark.parametrize(("attending", "status"), [("in_person", "in_person"), ("online", "online")])
def test_here_means_the_way_of_the_place(attending: str, status: str) -> None:
    assert status_when_here(attending) == status


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", True),
        ("moire", True),
        ("NETWORK", True),
        ("mòire net", True),
        ("t0001", True),
        ("jane", False),
        ("moire jane", False),
    ],
)
def test_a_person_is_found_by_any_part_without_accents(words: str, found: bool) -> None:
    assert is_found(words, "Mòire Example", "Example Network", "T0001") is found


def test_a_page_opened_before_does_not_undo_what_was_marked_since() -> None:
    # the page showed nothing for 1 and 2; the writer answered for 1 only
    sent = {"mark_1": "absent", "was_1": "", "mark_2": "", "was_2": "", "mark_99": "online", "mark_x": "1"}
    assert changed_marks(sent, [1, 2]) == {1: "absent"}


def test_not_recorded_can_be_chosen_again() -> None:
    assert changed_marks({"mark_1": "", "was_1": "absent"}, [1]) == {1: None}

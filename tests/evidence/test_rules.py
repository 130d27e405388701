"""Exports that run nothing, and figures that give nobody away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.evidence.rules import EventFigures, People, add_people, line_of, lines_by, spreadsheet_text

events = st.lists(
    st.builds(
        EventFigures,
        year=st.sampled_from([2016, 2017]),
        programme=st.sampled_from(["", "A week"]),
        kind=st.sampled_from(["workshop", "festival"]),
        places=st.one_of(st.none(), st.integers(0, 300)),
        registered=st.one_of(st.none(), st.integers(0, 300)),
        came=st.one_of(st.none(), st.integers(0, 12)),
    ),
    max_size=12,
)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+44 131 496 0000", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''=1", "＝1+1", "＋1", "－1", "＠x"],
)
def test_what_a_spreadsheet_would_run_gets_one_apostrophe(text: str) -> None:
    assert spreadsheet_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Example", "'quoted'", "1=1", "a+b", "O'Example", "0131 496 0000", "' =1"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert spreadsheet_text(text) == text


@given(st.text(alphabet="'=+-@\tx＝", max_size=8))
def test_taking_one_apostrophe_away_gives_the_text_back(text: str) -> None:
    safe = spreadsheet_text(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    assert (safe[1:] if safe != text else safe) == text


@given(events)
def test_no_total_depends_on_a_small_number(found: list[EventFigures]) -> None:
    """Whatever the small numbers are, all tables say the same: no difference can tell them."""

    def with_small(number: int) -> list[EventFigures]:
        return [
            EventFigures(**{**vars(event), "came": number if event.came is not None and event.came < 5 else event.came})
            for event in found
        ]

    for what in ("programme", "kind", "year"):
        assert lines_by(with_small(1), what) == lines_by(with_small(4), what) == lines_by(found, what)
    assert line_of("All", with_small(0)) == line_of("All", with_small(3))


@given(events)
def test_the_lines_of_a_table_add_up_to_its_total(found: list[EventFigures]) -> None:
    total = line_of("All", found)
    for what in ("programme", "kind", "year"):
        lines = lines_by(found, what)
        assert sum(line.events for line in lines) == total.events == len(found)
        assert sum(line.places for line in lines) == total.places
        assert sum(line.came.shown for line in lines) == total.came.shown
        assert sum(line.came.small_events for line in lines) == total.came.small_events


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([], "Not known"),
        ([None], "Not known"),
        ([4], "Fewer than 5"),
        ([4, 3], "Fewer than 5 at each of 2 events"),
        ([128, None], "128"),
        ([1200, 28], "1,228"),
        ([128, 4], "128, and fewer than 5 at 1 event"),
        ([128, 4, 2], "128, and fewer than 5 at each of 2 events"),
    ],
)
def test_people_in_words(numbers: list[int | None], words: str) -> None:
    assert add_people(numbers).words == words


def test_years_stand_newest_first() -> None:
    found = [EventFigures(2016, "", "workshop"), EventFigures(2017, "", "workshop")]
    assert [line.name for line in lines_by(found, "year", newest_first=True)] == ["2017", "2016"]
    assert People().words == "Not known"

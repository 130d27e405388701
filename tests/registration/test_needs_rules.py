"""Needs from words to things to arrange: what is found, by when, and where each stands."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.bank_holidays import is_working_day
from workshops.registration.rules.needs import (
    ABOUT_FOOD,
    ACCESS_KINDS,
    KINDS,
    OWN_STANDINGS,
    STANDINGS,
    Said,
    book_by,
    due_words,
    fingerprint,
    interpreter_may_be_late,
    is_told,
    kinds_in,
    lead_sentence,
    needs_something,
    staff_lead_sentence,
    standings,
)

BSL = KINDS["interpreter"]


@pytest.mark.parametrize(
    "access, kinds",
    [
        ("I need a BSL interpreter", ["interpreter"]),
        ("I am deaf and would like captions", ["interpreter", "captions"]),
        ("Wheelchair user, with a carer", ["step_free", "assistance"]),
        ("Large print; a quiet room for breaks", ["formats", "quiet"]),
        ("The slides in advance", ["formats"]),
        ("A blue badge space and a hearing loop", ["hearing_loop", "parking"]),
        ("A chair with arms", ["access"]),
        ("Steppes of Kazakhstan", ["access"]),
        ("  ", []), ("None", []), ("n/a", []), ("No.", []), ("No thank you", []), ("no access needs", []),
    ],
)  # fmt: skip
def test_what_people_write_about_access_is_found_by_words(access: str, kinds: list[str]) -> None:
    assert list(kinds_in(access, "")) == kinds


@pytest.mark.parametrize(
    "food, kinds",
    [
        ("Vegetarian", ["vegetarian"]),
        ("vegan, allergic to nuts", ["vegan", "allergy"]),
        ("Coeliac", ["gluten_free"]),
        ("Halal please", ["halal"]),
        ("no mushrooms", ["food"]),
        ("no", []),
    ],
)
def test_what_people_write_about_food_is_found_by_words(food: str, kinds: list[str]) -> None:
    assert list(kinds_in("", food)) == kinds


@given(st.text(), st.text())
def test_whoever_writes_something_has_something_to_arrange(access: str, food: str) -> None:
    found = kinds_in(access, food)
    assert needs_something(access) == any(kind not in ABOUT_FOOD for kind in found)
    assert needs_something(food) == any(kind in ABOUT_FOOD for kind in found)
    assert list(found) == [kind for kind in KINDS if kind in found]


@given(st.text(alphabet="abcdefgh ", min_size=3, max_size=40).filter(str.strip))
def test_only_words_that_say_so_name_nothing(text: str) -> None:
    assert needs_something(text)


@given(st.dates(date(2017, 1, 1), date(2040, 1, 1)), st.sampled_from(ACCESS_KINDS))
def test_the_lead_time_is_whole_working_days(first_day: date, kind: Any) -> None:
    day = book_by(kind, first_day)
    between = [day + timedelta(days=number) for number in range((first_day - day).days)]
    assert is_working_day(day) and sum(map(is_working_day, between)) == kind.lead_days


def test_bank_holidays_count_and_lateness_begins_the_day_after() -> None:
    # Wednesday 31 March 2027; Good Friday 26 March is a bank holiday in Scotland, Easter Monday is none
    assert book_by(BSL, date(2027, 3, 31)) == date(2027, 3, 16)
    assert not interpreter_may_be_late(date(2027, 3, 16), date(2027, 3, 31))
    assert interpreter_may_be_late(date(2027, 3, 17), date(2027, 3, 31))
    # 25, 26 December, 1 and 2 January are none either
    assert book_by(BSL, date(2026, 1, 8)) == date(2025, 12, 19)


def test_by_when_in_words() -> None:
    event, early, last, late = date(2026, 3, 26), date(2026, 3, 2), date(2026, 3, 12), date(2026, 3, 13)
    assert due_words(BSL, event, early) == "Book by Thursday 12 March 2026; this is 10 working days before the event."
    assert due_words(BSL, event, last) == "Book this today; it is 10 working days before the event."
    assert due_words(BSL, event, late).startswith("Late: this is usually booked by Thursday 12 March 2026")
    assert "tell us by Thursday 12 March 2026" in lead_sentence(event, last)
    assert "we will try" in lead_sentence(event, late)
    assert "by Thursday 12 March 2026" in staff_lead_sentence(event, last)
    assert "you will try" in staff_lead_sentence(event, late)
    assert is_told(last, date(2026, 3, 5)) and not is_told(last, date(2026, 3, 4))


WORDS = "I use a wheelchair"


def stands(state: str | None, *, access: str = WORDS, kind: str = "step_free", **more: Any) -> str | None:
    how: dict[str, Any] = {"place": "confirmed", "attending": "in_person", "holds_for": "now", "takes_place": True}
    row = {"answers_what": fingerprint(WORDS), "arranged_for": "now"}
    for key, value in more.items():
        (how if key in how else row)[key] = value
    said = {} if state is None else {kind: Said(state, **row)}
    return standings(access, "", said, **how).get(kind)


@pytest.mark.parametrize(
    "state, more, expected",
    [
        (None, {}, "todo"),
        (None, {"place": "offered"}, "todo"),
        (None, {"place": "requested"}, "todo"),
        (None, {"place": "waiting"}, "maybe"),
        (None, {"place": "cancelled"}, "over"),
        (None, {"attending": "online"}, "over"),
        (None, {"access": "none"}, None),
        ("todo", {}, "todo"),
        ("arranged", {}, "arranged"),
        ("arranged", {"arranged_for": ""}, "arranged"),
        ("arranged", {"place": "waiting"}, "arranged"),
        ("arranged", {"place": "cancelled"}, "undo"),
        ("arranged", {"place": "lapsed"}, "undo"),
        ("arranged", {"attending": "online"}, "undo"),
        ("arranged", {"access": "BSL"}, "undo"),
        ("arranged", {"access": ""}, "undo"),
        ("arranged", {"access": "A lift, from 11am"}, "todo"),
        ("arranged", {"holds_for": "another day"}, "again"),
        (None, {"takes_place": False}, "over"),
        ("arranged", {"takes_place": False}, "undo"),
        ("not_possible", {}, "not_possible"),
        ("not_possible", {"access": "A lift, from 11am"}, "todo"),
        ("not_possible", {"place": "declined"}, "over"),
        ("not_needed", {}, "over"),
        ("not_needed", {"access": "A lift, from 11am"}, "todo"),
        ("todo", {"kind": "parking", "is_chosen": True}, "todo"),
        ("todo", {"kind": "parking", "is_chosen": True, "access": "BSL"}, "todo"),
        ("todo", {"kind": "parking", "is_chosen": True, "access": "no"}, "over"),
        ("arranged", {"kind": "parking", "is_chosen": True}, "arranged"),
    ],
)
def test_where_a_need_stands_follows_the_person_the_words_and_the_event(
    state: str | None, more: dict[str, Any], expected: str | None
) -> None:
    assert stands(state, **more) == expected
    assert expected is None or expected in STANDINGS and set(OWN_STANDINGS) < set(STANDINGS)


def test_an_interpreter_is_wanted_online_too() -> None:
    online = standings("BSL", "vegan", {}, place="confirmed", attending="online", holds_for="")
    assert online == {"interpreter": "todo", "vegan": "over"}


def test_the_fingerprint_keeps_no_words() -> None:
    assert "bsl" not in fingerprint("BSL") and fingerprint(" BSL ") == fingerprint("bsl") != fingerprint("BSL, 11am")

"""The status table, row by row, and what must hold of it whatever the event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.schedule.rules.public_state import (
    EventView,
    has_room,
    is_nearly_full,
    list_words,
    page_words,
    places_left,
    places_words,
    public_state,
    when_text,
)

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
STARTS = datetime(2027, 3, 31, 9, tzinfo=UTC)
BASE = EventView(
    state="published",
    mode="in_person",
    booking="first_come",
    sort_at=STARTS,
    over_at=STARTS + timedelta(hours=2),
    starts_at=STARTS,
    ends_at=STARTS + timedelta(hours=2),
    capacity_in_person=40,
)
HYBRID = {"mode": "hybrid", "capacity_in_person": 10, "capacity_online": 30}

#: what is special about the event, -> key, tags, whether our form takes people.
TABLE = [
    ({"state": "draft"}, "draft", ["Draft/grey"], False),
    ({"opens_at": datetime(2027, 3, 8, 9, tzinfo=UTC)}, "not_open",
     ["Registration opens Monday 8 March 2027, 9am/blue"], False),
    ({}, "open", ["Places available/green"], True),
    ({"capacity_in_person": None}, "open", ["Places available/green"], True),
    ({"taken_in_person": 20}, "open", ["Places available/green"], True),
    ({"taken_in_person": 21}, "open", ["19 places left/green"], True),
    ({"taken_in_person": 36}, "nearly_full", ["4 places left/yellow"], True),
    ({"taken_in_person": 39}, "nearly_full", ["1 place left/yellow"], True),
    ({"capacity_in_person": 500, "taken_in_person": 450}, "nearly_full", ["Places available/yellow"], True),
    ({"taken_in_person": 40}, "full_list", ["Full – join the waiting list/orange"], True),
    ({"taken_in_person": 43}, "full_list", ["Full – join the waiting list/orange"], True),
    ({"taken_in_person": 40, "has_waiting_list": False}, "full", ["Full/orange"], False),
    ({"capacity_in_person": 0, "has_waiting_list": False}, "full", ["Full/orange"], False),
    ({"closes_at": NOW}, "closed", ["Registration closed/grey"], False),
    ({"booking": "closed"}, "closed", ["Registration closed/grey"], False),
    ({"changed_from": "Monday 1 March 2027"}, "changed", ["Date changed/purple", "Places available/green"], True),
    ({"state": "postponed"}, "postponed", ["Postponed/purple"], False),
    ({"state": "cancelled"}, "cancelled", ["Cancelled/red"], False),
    ({"sort_at": NOW}, "on_now", ["On now/teal"], False),
    ({"sort_at": NOW, "closes_at": NOW + timedelta(days=1)}, "on_now", ["On now/teal"], True),
    ({"over_at": NOW, "sort_at": NOW}, "past", ["Past/grey"], False),
    ({"over_at": NOW, "has_follow_up": True, "has_notes": True}, "followed_up", ["Notes published/darkblue"], False),
    ({"over_at": NOW, "has_follow_up": True}, "followed_up", ["Write-up published/darkblue"], False),
    ({"state": "cancelled", "over_at": NOW}, "cancelled", ["Cancelled/red"], False),
    ({"booking": "by_invitation"}, "by_invitation", ["By invitation/purple"], True),
    ({"admits": "invited"}, "by_invitation", ["By invitation/purple"], True),
    ({"booking": "by_approval", "admits": "invited"}, "by_invitation", ["By invitation/purple"], True),
    ({"booking": "none", "admits": "invited"}, "no_booking", ["No registration needed/green"], False),
    ({"admits": "domains"}, "open", ["Places available/green"], True),
    ({"booking": "by_approval"}, "open", ["Places by approval/green"], True),
    ({"booking": "by_approval", "taken_in_person": 40}, "full_list", ["Full – register your interest/orange"], True),
    ({"booking": "elsewhere", "booking_url": "https://example.org/x"}, "elsewhere", ["Booking elsewhere/blue"], False),
    ({"booking": "none"}, "no_booking", ["No registration needed/green"], False),
    ({**HYBRID}, "open", ["Places available/green"], True),
    ({**HYBRID, "taken_in_person": 10}, "open", ["Places available online/green"], True),
    ({**HYBRID, "taken_online": 30}, "open", ["10 places left in person/green"], True),
    ({**HYBRID, "taken_in_person": 10, "taken_online": 30}, "full_list", ["Full – join the waiting list/orange"], True),
]  # fmt: skip


@pytest.mark.parametrize(("special", "key", "tags", "can_register"), TABLE)
def test_each_row_of_the_status_table(
    special: dict[str, object], key: str, tags: list[str], can_register: bool
) -> None:
    state = public_state(replace(BASE, **special), NOW)  # type: ignore[arg-type]
    assert [f"{tag.text}/{tag.colour}" for tag in state.tags] == tags
    assert (state.key, state.can_register) == (key, can_register)


@pytest.mark.parametrize(
    ("special", "label"),
    [
        ({}, "Register for this event"),
        ({"taken_in_person": 40}, "Join the waiting list"),
        ({"booking": "by_approval"}, "Register your interest"),
        ({"booking": "elsewhere", "booking_url": "https://www.example.org/x"}, "Register on example.org"),
        ({"state": "cancelled"}, ""),
    ],
)
def test_the_one_button_says_what_it_does(special: dict[str, object], label: str) -> None:
    assert public_state(replace(BASE, **special), NOW).register_label == label  # type: ignore[arg-type]


def test_a_hybrid_event_says_which_way_is_full() -> None:
    state = public_state(replace(BASE, **HYBRID, taken_in_person=10), NOW)  # type: ignore[arg-type]
    assert state.full_attending == "in person"
    assert state.sentence == (
        "All places in person are taken. Places available online. You can join the waiting list to attend in person."
    )


def test_a_closed_event_says_when_it_closed() -> None:
    state = public_state(replace(BASE, closes_at=NOW - timedelta(days=1)), NOW)
    assert state.sentence == "Registration closed at 9am on Sunday 28 February 2027."


def test_what_the_clock_changes_comes_in_order() -> None:
    view = replace(BASE, opens_at=NOW + timedelta(days=1), closes_at=NOW + timedelta(days=20))
    seen, at = [], NOW
    while True:
        state = public_state(view, at)
        seen.append(state.key)
        if state.changes_at is None:
            break
        at = state.changes_at
    assert seen == ["not_open", "open", "closed", "on_now", "past"]


def test_between_its_days_an_event_says_when_it_goes_on() -> None:
    days = [("2027-03-01T10:00:00+00:00", "2027-03-01T16:00:00+00:00"),
            ("2027-03-02T10:00:00+00:00", "2027-03-02T16:00:00+00:00"),
            ("2027-03-04T10:00:00+00:00", "2027-03-04T12:00:00+00:00")]  # fmt: skip
    first, last = datetime(2027, 3, 1, 10, tzinfo=UTC), datetime(2027, 3, 4, 12, tzinfo=UTC)
    view = replace(BASE, days=days, sort_at=first, starts_at=first, over_at=last, ends_at=last)
    seen, at = [], first
    while (state := public_state(view, at)).changes_at is not None:
        seen.append((state.tag_text, state.sentence))
        at = state.changes_at
    on_now = ("On now", "This event is on now.")
    goes_on = [("Goes on Tuesday 2 March 2027, 10am", "This event goes on Tuesday 2 March 2027, 10am."),
               ("Goes on Thursday 4 March 2027, 10am", "This event goes on Thursday 4 March 2027, 10am.")]  # fmt: skip
    assert seen == [on_now, goes_on[0], on_now, goes_on[1], on_now] and state.tag_text == "Past"


@pytest.mark.parametrize(("left", "words"), [(None, "Places available"), (20, "Places available"),
                                             (19, "19 places left"), (1, "1 place left")])  # fmt: skip
def test_numbers_are_said_under_20(left: int | None, words: str) -> None:
    assert places_words(left) == words


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (BASE, "Wednesday 31 March 2027, 10am to 12 noon"),
        (replace(BASE, mode="online"), "Wednesday 31 March 2027, 10am to 12 noon (UK time)"),
        (replace(BASE, starts_at=None, ends_at=None, starts_on=date(2016, 11, 14), ends_on=date(2016, 11, 20)),
         "Monday 14 November to Sunday 20 November 2016"),
        (replace(BASE, starts_at=None, ends_at=None, month="2016-11"), "November 2016"),
    ],
)  # fmt: skip
def test_when_is_said_in_words(view: EventView, words: str) -> None:
    assert when_text(view) == words


instants = st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours))
maybe = st.none() | instants
counts = st.integers(0, 30)


@st.composite
def views(draw: st.DrawFn) -> EventView:
    sort_at = draw(instants)
    return EventView(
        state=draw(st.sampled_from(["draft", "published", "postponed", "cancelled"])),
        mode=draw(st.sampled_from(["in_person", "online", "hybrid"])),
        booking=draw(st.sampled_from(["first_come", "by_approval", "by_invitation", "elsewhere", "none", "closed"])),
        admits=draw(st.sampled_from(["anyone", "domains", "invited"])),
        sort_at=sort_at,
        over_at=sort_at + timedelta(hours=draw(st.integers(0, 48))),
        starts_at=sort_at,
        opens_at=draw(maybe),
        closes_at=draw(maybe),
        has_waiting_list=draw(st.booleans()),
        capacity_in_person=draw(st.none() | counts),
        capacity_online=draw(st.none() | counts),
        taken_in_person=draw(counts),
        taken_online=draw(counts),
        changed_from=draw(st.sampled_from(["", "Monday 1 March 2027"])),
        has_follow_up=draw(st.booleans()),
    )


@given(views(), instants, st.integers(0, 96))
def test_nothing_changes_before_it_is_said_to(view: EventView, now: datetime, hours: int) -> None:
    state, later = public_state(view, now), now + timedelta(hours=hours)
    if state.changes_at is None or later < state.changes_at:
        assert replace(public_state(view, later), changes_at=None) == replace(state, changes_at=None)
    if state.changes_at is not None:
        assert state.changes_at > now
        assert replace(public_state(view, state.changes_at), changes_at=None) != replace(state, changes_at=None)


@given(views(), instants)
def test_the_form_is_offered_only_while_it_can_take_people(view: EventView, now: datetime) -> None:
    state = public_state(view, now)
    if state.can_register:
        assert view.state == "published" and now < view.over_at
        assert view.booking in ("first_come", "by_approval", "by_invitation")
        invited = view.booking == "by_invitation" or view.admits == "invited"
        assert has_room(view) or view.has_waiting_list or invited
        assert state.register_label and (view.opens_at is None or now >= view.opens_at)
    if state.key in ("cancelled", "postponed", "draft", "past"):
        assert not state.register_label


@given(views(), instants, counts)
def test_places_at_an_event_by_invitation_show_nowhere(view: EventView, now: datetime, taken: int) -> None:
    if view.booking == "by_invitation":
        other = replace(view, taken_in_person=taken, taken_online=taken)
        assert page_words(other, now) == page_words(view, now) and list_words(other, now) == list_words(view, now)


@given(views(), instants)
def test_every_state_has_words(view: EventView, now: datetime) -> None:
    state = public_state(view, now)
    assert state.key and state.tag_text and state.tag_colour


@given(st.integers(0, 60), st.integers(0, 60))
def test_places_left_and_nearly_full_agree(capacity: int, taken: int) -> None:
    left = places_left(capacity, taken)
    assert left is not None and left >= 0
    assert is_nearly_full(capacity, taken) == (0 < left and (left <= 3 or left <= capacity / 10))


@given(st.integers(20, 60), st.integers(0, 60))
def test_lists_are_told_only_what_they_say(capacity: int, taken: int) -> None:
    one, more = (replace(BASE, capacity_in_person=capacity, taken_in_person=number) for number in (taken, taken + 1))
    if capacity - taken - 1 >= 20 and not is_nearly_full(capacity, taken + 1):
        assert list_words(one, NOW) == list_words(more, NOW)
    if 0 < capacity - taken < 20:
        assert list_words(one, NOW) != list_words(more, NOW)

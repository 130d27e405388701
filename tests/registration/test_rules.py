"""The rules of registration: examples in a table, and properties of whole rosters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.errors import DomainError
from workshops.registration import rules
from workshops.registration.rules import Room, RosterView, Terms, Waiting, roster
from workshops.registration.rules.roster import Roster

NOW = datetime(2017, 11, 1, 10, tzinfo=UTC)
START = datetime(2017, 11, 14, 10, tzinfo=UTC)


def terms(**overrides: object) -> Terms:
    values: dict[str, object] = {
        "state": "published",
        "booking": "first_come",
        "mode": "in_person",
        "has_waiting_list": True,
        "starts_at": START,
        "over_at": START + timedelta(hours=2),
    }
    return Terms(**{**values, **overrides})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("overrides", "now", "key"),
    [
        ({}, NOW, None),
        ({"booking": "by_approval"}, NOW, None),
        ({"state": "cancelled"}, NOW, "cancelled"),
        ({"state": "postponed"}, NOW, "postponed"),
        ({"state": "draft"}, NOW, "draft"),
        ({"booking": "by_invitation"}, NOW, None),
        ({"booking": "elsewhere"}, NOW, "elsewhere"),
        ({"booking": "none"}, NOW, "none"),
        ({"booking": "closed"}, NOW, "closed"),
        ({"opens_at": NOW + timedelta(seconds=1)}, NOW, "not_open"),
        ({"opens_at": NOW}, NOW, None),
        ({"closes_at": NOW}, NOW, "closed"),
        ({"closes_at": NOW + timedelta(seconds=1)}, NOW, None),
        ({"closes_at": START + timedelta(hours=1)}, START + timedelta(minutes=1), None),
        ({}, START - timedelta(seconds=1), None),
        ({}, START, "started"),
        ({}, START + timedelta(hours=2), "past"),
        ({"state": "cancelled"}, START + timedelta(days=2), "cancelled"),
        ({"month_only": True}, NOW, "past"),
    ],
)
def test_who_may_register_when(overrides: dict[str, object], now: datetime, key: str | None) -> None:
    refusal = rules.refuse_registration(terms(**overrides), now)
    assert (refusal.key if refusal else None) == key
    if refusal:
        assert refusal.sentence.endswith(".")


def test_words_name_the_instant_of_opening_and_closing() -> None:
    opens = rules.refuse_registration(terms(opens_at=datetime(2017, 11, 2, 9, tzinfo=UTC)), NOW)
    assert opens is not None and opens.sentence == "Registration opens Thursday 2 November 2017, 9am."
    closed = rules.refuse_registration(terms(closes_at=datetime(2017, 11, 1, 0, tzinfo=UTC)), NOW)
    assert closed is not None
    assert closed.sentence == "Registration closed at 11:59pm on Tuesday 31 October 2017."


@pytest.mark.parametrize(
    ("room", "if_full", "expected"),
    [
        (Room(10, 0, 0), "leave", ("place", None)),
        (Room(10, 9, 0), "leave", ("place", None)),
        (Room(None, 10_000, 0), "leave", ("place", None)),
        (Room(10, 10, 0), "wait", ("waiting", 1)),
        (Room(10, 10, 3), "wait", ("waiting", 4)),
        (Room(10, 12, 0), "wait", ("waiting", 1)),
        (Room(0, 0, 0), "wait", ("waiting", 1)),
        (Room(10, 9, 1), "wait", ("waiting", 2)),
    ],
)
def test_what_a_newcomer_gets(room: Room, if_full: str, expected: tuple[str, int | None]) -> None:
    decision = rules.decide_registration(terms(), room, if_full=if_full, now=NOW)
    assert (decision.kind, decision.position) == expected


def test_a_full_event_asks_before_it_puts_anybody_on_the_list() -> None:
    with pytest.raises(rules.FullChoice) as caught:
        rules.decide_registration(terms(), Room(1, 1, 0), if_full="", now=NOW)
    assert caught.value.field == "if_full"
    with pytest.raises(rules.NoPlaces):
        rules.decide_registration(terms(has_waiting_list=False), Room(1, 1, 0), if_full="wait", now=NOW)


def test_approval_makes_a_request_of_every_registration() -> None:
    asked = terms(booking="by_approval")
    assert rules.decide_registration(asked, Room(1, 1, 0), if_full="", now=NOW).state == "requested"
    assert rules.decide_registration(asked, Room(1, 0, 0), if_full="", now=NOW).state == "requested"
    with pytest.raises(rules.NoPlaces):
        full = terms(booking="by_approval", has_waiting_list=False)
        rules.decide_registration(full, Room(1, 1, 0), if_full="wait", now=NOW)


def test_while_an_event_runs_free_places_are_given_out_and_nobody_is_put_on_the_list() -> None:
    running = terms(closes_at=START + timedelta(hours=1))
    assert rules.decide_registration(running, Room(3, 2, 5), if_full="", now=START).state == "confirmed"
    with pytest.raises(rules.NoPlaces):
        rules.decide_registration(running, Room(3, 3, 5), if_full="wait", now=START)


def test_free_places_go_to_the_longest_waiting_of_each_queue() -> None:
    queue = (
        Waiting(3, "in_person", NOW - timedelta(hours=1)),
        Waiting(1, "in_person", NOW - timedelta(hours=2)),
        Waiting(2, "online", NOW - timedelta(hours=9)),
        Waiting(4, "in_person", NOW - timedelta(hours=2)),
    )
    view = RosterView({"in_person": Room(5, 3, 3), "online": Room(1, 1, 1)}, queue)
    assert [offer.id for offer in rules.refill(view, terms(mode="hybrid"), NOW)] == [1, 4]
    assert rules.refill(view, terms(mode="hybrid"), START) == ()
    assert rules.refill(view, terms(mode="hybrid", state="cancelled"), NOW) == ()
    assert rules.position_in_queue(queue, 3) == 3
    assert rules.position_in_queue(queue, 2) == 1
    assert rules.position_in_queue(queue, 99) is None


def test_an_offer_can_be_taken_until_its_deadline_and_not_after() -> None:
    until = NOW + timedelta(hours=1)
    rules.check_offer("offered", until, terms(), until - timedelta(seconds=1))
    with pytest.raises(rules.OfferGone, match="held for you until 11am on Wednesday 1 November 2017"):
        rules.check_offer("offered", until, terms(), until)
    with pytest.raises(rules.OfferGone, match="already"):
        rules.check_offer("confirmed", None, terms(), NOW)
    with pytest.raises(rules.OfferGone):
        rules.check_offer("offered", until, terms(state="cancelled"), NOW)


def test_every_state_has_words_for_people_and_for_staff() -> None:
    for state in rules.STATES:
        words = rules.state_words(state, offer_expires_at=START)
        assert words.heading and words.next.endswith(".")
        assert rules.staff_words(state)[0]
    words = rules.state_words("offered", offer_expires_at=datetime(2017, 11, 9, 17, tzinfo=UTC))
    assert words.heading == "We are holding a place for you until 5pm on Thursday 9 November 2017"


def test_attending_is_the_events_own_unless_it_is_hybrid() -> None:
    assert rules.allow_attending("online", "in_person") == "online"
    assert rules.allow_attending("hybrid", "online") == "online"
    with pytest.raises(DomainError) as caught:
        rules.allow_attending("hybrid", "by_owl")
    assert caught.value.field == "attending"


capacities = st.one_of(st.none(), st.integers(0, 5))


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Rosters reached by registering and cancelling."""
    mode = draw(st.sampled_from(["in_person", "online", "hybrid"]))
    sides = ["in_person", "online"] if mode == "hybrid" else [mode]
    found = Roster(terms(mode=mode), {side: draw(capacities) for side in sides})
    for id in range(draw(st.integers(0, 12))):
        found = roster.register(found, id, draw(st.sampled_from(sides)), if_full="wait", now=NOW)
    for id in draw(st.lists(st.integers(0, 11), unique=True, max_size=4)):
        if id < len(found.people):
            found = roster.cancel(found, id, NOW + timedelta(minutes=1))
    return found


@given(rosters(), st.one_of(st.none(), st.integers(0, 40)))
def test_changing_capacity_takes_no_place_away(before: Roster, capacity: int | None) -> None:
    side = sorted(before.capacities)[0]
    after = roster.resize(before, side, capacity, NOW + timedelta(hours=1))
    assert roster.holders(before) <= roster.holders(after)
    assert roster.broken_promises(after, NOW + timedelta(hours=1)) == []

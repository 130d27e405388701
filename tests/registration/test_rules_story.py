"""Anything may happen to an event in any order, and the promises hold after each step. On the rules alone.

`python3 dev.py test --full` goes 12,000 steps. What the service does with the same decisions is compared with them in
test_same_as_rules.py, on both engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.registration.test_rules import NOW, START, terms
from workshops.core.errors import DomainError
from workshops.registration.rules import places, roster
from workshops.registration.rules.roster import Roster
from workshops.schedule.rules.place_rules import PERSPECTIVES

STORIES, STEPS = (300, 40) if settings.default.max_examples >= 1000 else (40, 40)

capacities = st.one_of(st.none(), st.integers(0, 5))
perspectives = st.sampled_from(["", *PERSPECTIVES])
shares = st.dictionaries(st.sampled_from(list(PERSPECTIVES)), st.integers(1, 3), max_size=2)
numbers = st.integers(0, 50)
HELD = ("confirmed", "offered")


class Story(RuleBasedStateMachine):
    """One event, from opening to the day."""

    @initialize(
        mode=st.sampled_from(["in_person", "hybrid"]),
        first=capacities,
        second=capacities,
        booking=st.sampled_from(["first_come", "by_approval"]),
        gives=st.sampled_from(["offer", "offer", "at_once"]),
    )
    def begin(self, mode: str, first: int | None, second: int | None, booking: str, gives: str) -> None:
        self.now = NOW
        self.ids = 0
        self.sides = ["in_person", "online"] if mode == "hybrid" else [mode]
        capacity = dict(zip(self.sides, (first, second), strict=False))
        self.roster = Roster(terms(mode=mode, booking=booking, gives=gives), capacity)
        self.before = self.roster
        #: Who did something themselves, or had it done to them by staff, in this step.
        self.acted: set[int] = set()
        self.taken_before = dict.fromkeys(self.sides, 0)

    # --- what may happen ---

    @rule(side=numbers, wait=st.booleans(), perspective=perspectives, told=st.booleans())
    def registers(self, side: int, wait: bool, perspective: str, told: bool) -> None:
        id = self._next_id()
        if_full = "wait" if wait else "leave"

        def change() -> Roster:
            after = roster.register(
                self.roster, id, self._side(side), if_full=if_full, now=self.now, perspective=perspective
            )
            *others, newcomer = after.people
            return replace(after, people=(*others, replace(newcomer, may_be_freed=told)))

        self._attempt(change, id)

    @rule(number=numbers)
    def cancels(self, number: int) -> None:
        self._with_one(number, roster.cancel, "confirmed", "waiting", "offered", "requested")

    @rule(number=numbers)
    def takes_an_offer(self, number: int) -> None:
        self._with_one(number, roster.take_offer, "offered")

    @rule(number=numbers)
    def declines_an_offer(self, number: int) -> None:
        self._with_one(number, roster.cancel, "offered")

    @rule(number=numbers)
    def is_approved(self, number: int) -> None:
        self._with_one(number, roster.approve, "requested")

    @precondition(lambda self: len(self.sides) > 1)
    @rule(number=numbers)
    def switches(self, number: int) -> None:
        self._with_one(number, roster.switch, "confirmed", "waiting", "offered", "requested")

    @rule(number=numbers, perspective=perspectives)
    def passes_on(self, number: int, perspective: str) -> None:
        colleague = self._next_id()
        self.acted.add(colleague)
        self._with_one(
            number, lambda before, id, now: roster.pass_on(before, id, colleague, perspective, now),
            "confirmed", "waiting", "offered", "requested",
        )  # fmt: skip

    @rule()
    def all_are_asked_again(self) -> None:
        self._attempt(lambda: roster.ask_again(self.roster, self.now))

    @rule(number=numbers)
    def still_comes(self, number: int) -> None:
        self._with_one(number, lambda before, id, now: roster.still_comes(before, id), "confirmed")

    @rule()
    def unanswered_places_are_freed(self) -> None:
        self.acted |= {p.id for p in self.roster.people if p.state == "confirmed" and p.is_asked and p.may_be_freed}
        self._attempt(lambda: roster.free_unanswered(self.roster, self.now))

    @rule(side=numbers, capacity=capacities)
    def is_resized(self, side: int, capacity: int | None) -> None:
        self._attempt(lambda: roster.resize(self.roster, self._side(side), capacity, self.now))

    @rule(side=numbers, more=st.integers(0, 2))
    def is_overbooked(self, side: int, more: int) -> None:
        self._attempt(lambda: roster.overbooked(self.roster, self._side(side), more, self.now))

    @rule(side=numbers, kept=shares, hours=st.integers(1, 200))
    def places_are_kept(self, side: int, kept: dict[str, int], hours: int) -> None:
        until = min(START, self.now + timedelta(hours=hours))
        self._attempt(lambda: roster.shared(self.roster, {self._side(side): kept}, until, self.now))

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.acted |= {p.id for p in self.roster.people if p.until is not None and p.until <= self.now}
        self._attempt(lambda: roster.lapse(self.roster, self.now))

    @rule(number=numbers)
    def answers_too_late(self, number: int) -> None:
        offered = [p for p in self.roster.people if p.until is not None]
        if offered:
            late = offered[number % len(offered)]
            assert late.until is not None
            with pytest.raises(DomainError):
                roster.take_offer(self.roster, late.id, late.until)

    # --- what holds after each step ---

    @invariant()
    def promises_hold(self) -> None:
        if hasattr(self, "sides"):
            self.no_more_than_the_organiser_gives()
            self.order_is_kept()
            self.nobody_waits_while_a_place_is_free_for_them()
            self.nobody_is_in_two_states()
            self.nobody_loses_a_place_without_an_act()
            self.before, self.acted = self.roster, set()

    def no_more_than_the_organiser_gives(self) -> None:
        for side in self.sides:
            room = self.roster.room(side, self.now)
            # More than that only while it was made smaller: no step may add to what is too much already.
            assert room.limit is None or room.taken <= max(room.limit, self.taken_before[side])
            self.taken_before[side] = room.taken

    def order_is_kept(self) -> None:
        for side in self.sides:
            waited = {p.id for p in self.before.people if p.state == "waiting" and p.attending == side}
            served = [p for p in self.roster.people if p.id in waited - self.acted and p.state in HELD]
            still = [p for p in self.roster.people if p.state == "waiting" and p.attending == side]
            for lucky in served:
                for other in still:
                    if other.perspective == lucky.perspective and other.id in waited:
                        assert self._order(lucky.id) < self._order(other.id)

    def nobody_waits_while_a_place_is_free_for_them(self) -> None:
        for side in self.sides:
            room = self.roster.room(side, self.now)
            if not places.offers_go_out(self.roster.terms, self.now):
                continue
            for p in self.roster.people:
                if p.state == "waiting" and p.attending == side:
                    assert not room.has_free_for(p.perspective), p

    def nobody_is_in_two_states(self) -> None:
        ids = [p.id for p in self.roster.people]
        assert len(ids) == len(set(ids))
        assert roster.broken_promises(self.roster, self.now) == []

    def nobody_loses_a_place_without_an_act(self) -> None:
        had = {p.id: p.state for p in self.before.people if p.state in HELD}
        for p in self.roster.people:
            if p.id in had and p.id not in self.acted:
                assert p.state in (had[p.id], "confirmed") and p.state in HELD, (had[p.id], p)

    # --- helpers ---

    def _order(self, id: int) -> tuple[datetime, int]:
        since = self.before.person(id).since
        assert since is not None
        return since, id

    def _side(self, number: int) -> str:
        return self.sides[number % len(self.sides)]

    def _next_id(self) -> int:
        self.ids += 1
        return self.ids

    def _with_one(self, number: int, change: Callable[[Roster, int, datetime], Roster], *states: str) -> None:
        ids = [p.id for p in self.roster.people if p.state in states]
        if ids:
            id = ids[number % len(ids)]
            self._attempt(lambda: change(self.roster, id, self.now), id)

    def _attempt(self, change: Callable[[], Roster], *acting: int) -> None:
        try:
            self.roster = change()
        except DomainError:
            return
        self.acted |= set(acting)


Story.TestCase.settings = settings(max_examples=STORIES, stateful_step_count=STEPS, deadline=None)
TestStory = Story.TestCase


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("refill", lambda view, terms, now: ()),
        ("refill", lambda view, terms, now: tuple(
            replace(one, id=max(view.queue, key=lambda w: w.id).id) for one in places.refill(view, terms, now)[:1])),
        ("refill", lambda view, terms, now: tuple(
            places.Offer(w.id, START) for w in view.queue if now < terms.starts_at)),
        ("check_offer", lambda state, until, terms, now: None),
        ("decide_switch", lambda state, mode, room, to, perspective="": "confirmed"),
        ("check_can_be_passed_on", lambda state, terms, now: None),
    ],
    ids=["nobody is served", "the last is served", "all are served", "late answers count", "any switch is allowed",
         "anything is passed on"],
)  # fmt: skip
def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., object]) -> None:
    monkeypatch.setattr(roster, name, fault)
    with pytest.raises((AssertionError, pytest.fail.Exception, ExceptionGroup)):
        run_state_machine_as_test(
            Story, settings=settings(max_examples=3000, stateful_step_count=60, deadline=None, database=None,
                                     phases=[phase for phase in settings.default.phases if phase.name != "shrink"]),
        )  # fmt: skip

"""The service does with counts what the rules say of whole rosters: compared step by step, on both engines."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event
from tests.registration.conftest import Desk
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.models import Registration
from workshops.registration.queries import sides_of, terms_of
from workshops.registration.rules import roster
from workshops.schedule.queries import lock_event
from workshops.schedule.rules.place_rules import read_shares

STEPS = 60


class Story:
    """The same things happen to a Roster and to the database."""

    def __init__(self, desk: Desk, event: Any, choose: random.Random) -> None:
        self.desk, self.event_id, self.choose = desk, event.id, choose
        self.sides = sides_of(event)
        capacities = {"in_person": event.capacity_in_person, "online": event.capacity_online}
        shares: dict[str, dict[str, int]] = {}
        for one in read_shares(event.shares):
            shares.setdefault(one.attending, {})[one.perspective] = one.places
        self.roster = roster.Roster(
            terms_of(event),
            {side: capacities[side] for side in self.sides},
            overbook={"in_person": event.overbook_in_person, "online": event.overbook_online},
            shares=shares,
        )
        self.people = 0
        self.mails: Counter[str] = Counter()

    def both(self, on_roster: Any, on_database: Any) -> None:
        refused: list[bool] = []
        try:
            self.roster = on_roster()
            refused.append(False)
        except DomainError:
            refused.append(True)
        try:
            on_database()
            refused.append(False)
        except DomainError:
            refused.append(True)
        assert refused[0] == refused[1]

    def step(self) -> None:
        now = self.desk.clock.advance(minutes=self.choose.randint(1, 600))
        what = self.choose.choice(["register"] * 4 + ["cancel", "take", "approve", "lapse", "resize", "overbook"])
        before = self.roster
        ids = [p.id for p in self.roster.people]
        if what == "register":
            number, side = self.people, self.choose.choice(self.sides)
            if_full = self.choose.choice(["wait", "wait", "leave"])
            perspective = self.choose.choice(["", "policy", "practitioners"]) if self.roster.shares else ""
            try:
                self.both(
                    lambda: roster.register(
                        self.roster, number, side, if_full=if_full, now=now, perspective=perspective
                    ),
                    lambda: self.desk.register(
                        self.event(), f"p{number}@example.org", attending=side, if_full=if_full,
                        perspective=perspective,
                    ),
                )
            finally:
                self.people += 1
        elif what == "lapse":
            self.both(lambda: roster.lapse(self.roster, now), self.lapse)
        elif what == "resize":
            side, capacity = self.choose.choice(self.sides), self.choose.choice([None, 0, 1, 2, 4])
            self.both(
                lambda: roster.resize(self.roster, side, capacity, now), lambda: self.resize(side, capacity)
            )
        elif what == "overbook":
            side, more = self.choose.choice(self.sides), self.choose.choice([0, 1, 2])
            self.both(lambda: roster.overbooked(self.roster, side, more, now), lambda: self.overbook(side, more))
        elif ids:
            id = self.choose.choice(ids)
            rule, use_case = {
                "cancel": (roster.cancel, service.cancel_place),
                "take": (roster.take_offer, service.take_offer),
                "approve": (self.approve, service.approve_person),
            }[what]
            self.both(
                lambda: rule(self.roster, id, now),
                lambda: self.desk.do(use_case, self.desk.person(f"p{id}@example.org"), actor=COMMAND),
            )
        self.same()
        self.each_change_is_told_once(before, now)

    def each_change_is_told_once(self, before: roster.Roster, now: Any) -> None:
        """Whoever's state is another one now got one mail about it, and nobody else got any."""
        sent = Counter(mail.to_email for mail in self.desk.mails())
        states = {p.id: p.state for p in before.people}
        for p in self.roster.people:
            address = f"p{p.id}@example.org"
            is_told = p.state != states.get(p.id) and not (p.state == "lapsed" and now >= self.roster.terms.starts_at)
            assert sent[address] - self.mails[address] == is_told, (p, states.get(p.id))
        self.mails = sent

    def overbook(self, side: str, more: int) -> None:
        with transaction() as session:
            event = lock_event(session, self.event_id)
            setattr(event, f"overbook_{side}", more)
            service.fill_free_places(
                event, session=session, now=self.desk.clock.now, settings=self.desk.settings, actor=COMMAND
            )

    @staticmethod
    def approve(before: roster.Roster, id: int, now: Any) -> roster.Roster:
        if before.person(id).state != "requested":
            raise DomainError
        return roster.approve(before, id, now)

    def event(self) -> Any:
        with transaction() as session:
            return lock_event(session, self.event_id)

    def lapse(self) -> None:
        for due_work in (service.lapse_offers, service.release_shares):
            with transaction() as session:
                due_work(session, now=self.desk.clock.now, settings=self.desk.settings)

    def resize(self, side: str, capacity: int | None) -> None:
        with transaction() as session:
            event = lock_event(session, self.event_id)
            setattr(event, f"capacity_{side}", capacity)
            service.fill_free_places(
                event, session=session, now=self.desk.clock.now, settings=self.desk.settings, actor=COMMAND
            )

    def same(self) -> None:
        self.desk.session.rollback()
        rows = self.desk.session.scalars(select(Registration).where(Registration.event_id == self.event_id))
        stored = {
            int(row.email.split("@")[0][1:]): (row.attending, row.state, row.offer_expires_at) for row in rows
        }
        # An offer that ran out stands in the rules' list until it is lapsed, as in the database.
        assert stored == {p.id: (p.attending, p.state, p.until) for p in self.roster.people}
        event = self.event()
        for side in self.sides:
            room = self.roster.room(side, self.desk.clock.now)
            assert (getattr(event, f"taken_{side}"), getattr(event, f"waiting_{side}")) == (room.taken, room.waiting)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_service_agrees_with_the_rules(
    session: Session, desk: Desk, clock: FakeClock, seed: int, request: pytest.FixtureRequest
) -> None:
    choose = random.Random(seed)
    event = make_event(
        session,
        mode=choose.choice(["in_person", "hybrid"]),
        booking=["first_come", "first_come", "by_approval"][seed % 3],
        capacity_in_person=choose.choice([1, 2, 3]),
        capacity_online=choose.choice([1, 2, None]),
        gives_places=["offer", "at_once", "offer"][seed % 3],
        shares=[["in_person", "policy", 1]] if seed != 2 else [],
        shares_until=clock.now + timedelta(days=4) if seed == 1 else None,
        starts_at=clock.now + timedelta(days=10),
    )
    story = Story(desk, event, choose)
    for _ in range(STEPS * (10 if request.config.getoption("--full") else 1)):
        story.step()

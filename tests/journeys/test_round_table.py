"""A round-table of 25 with 30 people waiting, from the first registration to the morning after, run by itself.

People behave as people do: some give up their place, some let an offer pass or turn it down, some do not say whether
they come. The worker does the rest. Every chair that can be filled is filled, everybody can read why they have a place
or none, and no mail is missing, doubled or wrong.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event
from tests.journeys.letters import letters
from tests.journeys.person import Person
from tests.registration.conftest import Desk
from tests.registration.conftest import desk as desk  # noqa: PLC0414 the fixture
from workshops.config import Settings
from workshops.core.bank_holidays import is_working_day
from workshops.core.london_time import to_london
from workshops.messages.models import OutboxMessage
from workshops.registration import service
from workshops.registration.models import Registration
from workshops.schedule.models import Event

PLACES, PEOPLE = 25, 55
#: A Thursday, over a bank holiday weekend: Good Friday is 26 March 2027 and Easter Monday no holiday in Scotland.
STARTS = datetime(2027, 4, 1, 9, tzinfo=UTC)
STEP = timedelta(hours=3)


@pytest.fixture
def table(session: Session, clock: FakeClock) -> Event:
    clock.now = STARTS - timedelta(days=24)
    return make_event(session, slug="table", title="A round-table", starts_at=STARTS, capacity_in_person=PLACES,
                      asks_days_before=6, frees_days_before=2)  # fmt: skip


def everybody(session: Session) -> list[Registration]:
    session.rollback()
    return list(session.scalars(select(Registration).order_by(Registration.id)))


def test_a_round_table_from_opening_to_the_day(
    table: Event, session: Session, desk: Desk, clock: FakeClock, settings: Settings, worker: Callable[[], int],
    register: Callable[..., Person], someone: Callable[[], Person],
) -> None:  # fmt: skip
    chance = random.Random(20270401)
    for number in range(PEOPLE):
        clock.advance(minutes=7)
        heading = register("table", f"p{number:02}", if_full="wait").heading
        assert heading == ("You have a place" if number < PLACES else "You are on the waiting list")
    worker()
    character = {f"p{number:02}@example.org": chance.choice(("keen", "keen", "keen", "leaves", "silent", "declines"))
                 for number in range(PEOPLE)}  # fmt: skip
    leaves_at = {who: STARTS - timedelta(hours=chance.randint(24, 20 * 24)) for who in character}
    while clock.now < STARTS:
        act(session, desk, character, leaves_at)
        clock.now += STEP
        worker()
        rows = everybody(session)
        states = Counter(row.state for row in rows)
        held = states["confirmed"] + states["offered"]
        assert held <= PLACES
        assert held == PLACES or not states["waiting"] or clock.now > STARTS - timedelta(hours=3), "an empty chair"
        for row in rows:
            if row.state == "offered":
                assert row.offer_expires_at is not None and row.offer_expires_at > clock.now
                local = to_london(row.offer_expires_at)
                assert 8 <= local.hour < 21, "an offer that ends at night"
                near = row.offer_expires_at > STARTS - timedelta(days=1)
                assert near or (is_working_day(local.date()) and 9 <= local.hour <= 17), "outside of working hours"
    rows = everybody(session)
    at_start = {row.email: row.state for row in rows}
    assert Counter(at_start.values())["confirmed"] == PLACES or "waiting" not in at_start.values()
    assert sum(row.state == "confirmed" for row in rows[PLACES:]) >= 5, "hardly anybody moved up, so nothing is proved"
    clock.now = STARTS + timedelta(hours=26)
    worker()
    check_reasons(someone, desk, rows)
    long_before = {row.email for row in rows if row.state_changed_at < STARTS - timedelta(days=2)}
    check_mail(session, settings, at_start, long_before)


def act(session: Session, desk: Desk, character: dict[str, str], leaves_at: dict[str, datetime]) -> None:
    """What people do by day when they read their mail."""
    if not 8 <= to_london(desk.clock.now).hour < 21:
        return
    for row in everybody(session):
        kind = character[row.email]
        if kind == "leaves" and row.state in ("confirmed", "waiting") and desk.clock.now >= leaves_at[row.email]:
            desk.do(service.cancel_place, row, reason="I am ill")
        elif row.state == "offered" and kind == "declines":
            desk.do(service.decline_offer, row)
        elif row.state == "offered" and kind != "silent":
            desk.do(service.take_offer, row)
        elif row.state == "confirmed" and row.asked_at and not row.reconfirmed_at and kind != "silent":
            desk.do(service.say_still_coming, row)


def check_reasons(someone: Callable[[], Person], desk: Desk, rows: list[Registration]) -> None:
    """My place of everybody says how it came."""
    for row in rows:
        # links are dropped from what was sent: as staff, let them have one more
        desk.do(service.resend_link, row, actor=desk.actor)
        words = someone().open(desk.links(desk.mails(row.email)[-1])["place"]).words
        _, _, steps = words.partition("What happened so far")
        assert ("and a place was free" in steps) == (row.id <= PLACES), row.email
        if row.state == "lapsed":
            assert "The place went to the next person:" in steps or "Your place went to somebody else:" in steps
        if row.state == "confirmed" and row.id > PLACES:
            assert "A place was offered to you: you" in steps and "You took the place" in steps
        if row.state == "cancelled":
            assert "You gave up" in steps or "You let the place go" in steps or "You left" in steps


def check_mail(session: Session, settings: Settings, at_start: dict[str, str], long_before: set[str]) -> None:
    """Nothing missing, nothing twice, and nothing to whom it is not about."""
    session.rollback()
    states = Counter(session.scalars(select(OutboxMessage.state)).all())
    assert set(states) <= {"sent", "cancelled", "due"}, states
    sent = letters(settings.mail_folder)
    ids = Counter(str(letter.mail["Message-ID"]) for letter in sent)
    assert max(ids.values()) == 1, "a mail came twice"
    per_person: dict[str, Counter[str]] = {}
    for letter in sent:
        per_person.setdefault(letter.to, Counter())[letter.kind.rpartition("-")[2]] += 1
    for email, state in at_start.items():
        got = per_person[email]
        assert got["place_confirmed"] <= 1 and got["on_waiting_list"] <= 1 and got["still_coming"] <= 1
        assert got["place_confirmed"] + got["on_waiting_list"] >= 1, f"{email} was never told"
        assert got["place_offered"] <= 1 and got["offer_lapsed"] <= got["place_offered"]
        assert got["place_cancelled"] == (state == "cancelled")
        assert got["reminder"] <= 2
        if state == "confirmed":
            assert got["place_confirmed"] == 1 and got["place_freed"] == got["offer_lapsed"] == 0
            # who got the place within the last days knows of it from that mail
            assert got["reminder"] >= 1 or email not in long_before, f"{email} was not reminded"
            assert got["thank_you"] == 1
        else:
            assert got["thank_you"] == 0
        if state == "waiting":
            assert got["place_offered"] == got["reminder"] == 0
        if state == "lapsed":
            assert got["offer_lapsed"] + got["place_freed"] == 1

"""“Are you still coming?”: asked once for each date, answered by a button, freed only where that was said before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event
from tests.registration.conftest import Desk, invitation
from workshops.audit.queries import history_of
from workshops.core.bank_holidays import is_working_day
from workshops.core.db import transaction
from workshops.core.london_time import from_london, to_london
from workshops.registration import service
from workshops.registration.rules import PlaceGone
from workshops.registration.rules.asking_again import FREED_AT, asking_of, asking_words, may_free
from workshops.registration.rules.working_hours import after_working_time
from workshops.schedule.models import Event

#: Friday 19 March 2027, 10am; asked on Friday the 12th at 9am, freed on Tuesday the 16th at 3pm.
STARTS = datetime(2027, 3, 19, 10, tzinfo=UTC)
ASKED = datetime(2027, 3, 12, 9, tzinfo=UTC)
FREED = datetime(2027, 3, 16, 15, tzinfo=UTC)


# --- rules ----------------------------------------------------------------------------------------------------


def test_when_people_are_asked_and_places_freed() -> None:
    asking = asking_of(date(2027, 3, 19), STARTS, 7, 3)
    assert asking is not None and (asking.asked_at, asking.freed_at) == (ASKED, FREED)
    assert asking_of(date(2027, 3, 19), STARTS, None, None) is None
    never = asking_of(date(2027, 3, 19), STARTS, 7, None)
    assert never is not None and never.freed_at is None
    # a Sunday goes back to Friday, and over Easter to Thursday before Good Friday
    sunday = asking_of(date(2027, 3, 19), STARTS, 5, None)
    assert sunday is not None and sunday.asked_at == ASKED
    easter = asking_of(date(2027, 4, 2), datetime(2027, 4, 2, 9, tzinfo=UTC), 6, None)
    assert easter is not None and to_london(easter.asked_at).date() == date(2027, 3, 25)
    # people had a working day to answer, also when both days go back to the same Friday
    near = asking_of(date(2027, 3, 16), datetime(2027, 3, 16, 10, tzinfo=UTC), 3, 2)
    assert near is not None and near.freed_at == datetime(2027, 3, 12, 17, tzinfo=UTC)


def test_it_is_said_at_registration_until_the_question_has_gone_out() -> None:
    asking = asking_of(date(2027, 3, 19), STARTS, 7, 3)
    assert asking is not None
    assert asking_words(asking, ASKED - timedelta(days=1)) == (
        "Friday 12 March 2027, 9am, we ask you by email whether you are still coming. If we hear nothing until 3pm on "
        "Tuesday 16 March 2027, your place goes to the next person."
    )
    assert asking_words(asking, ASKED) == ""


@given(
    day=st.dates(date(2025, 1, 1), date(2030, 12, 31)), hour=st.integers(8, 20), asks=st.integers(1, 30),
    frees=st.integers(1, 29), late=st.timedeltas(timedelta(0), timedelta(days=20)),
)  # fmt: skip
def test_nobody_loses_a_place_without_a_working_day_to_answer(
    day: date, hour: int, asks: int, frees: int, late: timedelta
) -> None:
    starts = from_london(day, FREED_AT.replace(hour=hour))
    asking = asking_of(day, starts, asks, frees if frees < asks else None)
    assert asking is not None and is_working_day(to_london(asking.asked_at).date())
    if asking.freed_at is None:
        assert not may_free(asking, asking.asked_at, starts)
        return
    assert asking.asked_at < asking.freed_at < starts
    really_asked = asking.asked_at + late
    too_soon = after_working_time(really_asked, timedelta(hours=8)) - timedelta(minutes=1)
    assert not may_free(asking, really_asked, too_soon)
    assert not may_free(asking, asking.asked_at - timedelta(days=1), starts), "asked about another date"


# --- on both engines ------------------------------------------------------------------------------------------


@pytest.fixture
def event(session: Session) -> Event:
    return make_event(
        session, title="Soon", capacity_in_person=2, starts_at=STARTS, asks_days_before=7, frees_days_before=3
    )


def work(desk: Desk, at: datetime | None = None) -> tuple[int, int]:
    """The worker's look at an instant: how many were asked, and how many places freed."""
    if at is not None:
        desk.clock.now = at
    with transaction() as session:
        asked = service.ask_again(session, now=desk.clock.now, settings=desk.settings)
    with transaction() as session:
        return asked, service.free_unanswered(session, now=desk.clock.now, settings=desk.settings)


def test_people_with_a_place_are_asked_once_and_not_reminded_too(desk: Desk, event: Event, clock: FakeClock) -> None:
    desk.register(event)
    desk.register(event, "bea@example.org")
    desk.register(event, "cal@example.org", if_full="wait")
    assert work(desk, ASKED - timedelta(minutes=1)) == (0, 0)
    assert work(desk, ASKED) == (2, 0)
    assert work(desk) == work(desk, ASKED + timedelta(hours=1)) == (0, 0)
    assert desk.kinds() == ["place_confirmed", "place_confirmed", "on_waiting_list", "still_coming", "still_coming"]
    with transaction() as session:
        clock.now = STARTS - timedelta(days=7) + timedelta(hours=1)
        assert service.make_reminders(session, now=clock.now, settings=desk.settings) == 0, "they have just read it"
    with transaction() as session:
        clock.now = STARTS - timedelta(days=1)
        assert service.make_reminders(session, now=clock.now, settings=desk.settings) == 2


def test_who_answers_keeps_the_place_and_who_does_not_gives_it_to_the_next(desk: Desk, event: Event) -> None:
    desk.register(event)
    desk.register(event, "bea@example.org")
    desk.register(event, "cal@example.org", if_full="wait")
    assert "your place goes to the next person" in desk.mails("ann@example.org")[0].body_text
    work(desk, ASKED)
    desk.do(service.say_still_coming, desk.person())
    desk.do(service.say_still_coming, desk.person())
    assert work(desk, FREED - timedelta(minutes=1)) == (0, 0)
    assert work(desk, FREED) == (0, 1)
    assert desk.states(event) == {"ann": "confirmed", "bea": "lapsed", "cal": "offered"}
    freed = desk.mails("bea@example.org")[-1]
    assert freed.kind == "registration/place_freed" and invitation(freed)[0] == "CANCEL"
    bea = desk.person("bea@example.org")
    assert [(one.action, bool(one.reason)) for one in history_of(desk.session, "registration", bea.id)][:2] == [
        ("place_freed", True), ("asked_again", False),
    ]  # fmt: skip
    actions = [one.action for one in history_of(desk.session, "registration", desk.person().id)]
    assert actions.count("still_coming") == 1, "pressed twice"
    with pytest.raises(PlaceGone):
        desk.do(service.say_still_coming, bea)


def test_nobody_who_was_not_told_so_loses_a_place(desk: Desk, event: Event, session: Session) -> None:
    event_id = event.id
    with transaction() as inside:
        inside.get_one(Event, event_id).frees_days_before = None
    desk.register(desk.event(event))
    with transaction() as inside:
        inside.get_one(Event, event_id).frees_days_before = 3
    desk.register(desk.event(event), "bea@example.org")
    work(desk, ASKED)
    assert "keep your place" in desk.mails("ann@example.org")[-1].body_text
    assert work(desk, FREED) == (0, 1)
    assert desk.states(event) == {"ann": "confirmed", "bea": "lapsed"}


def test_a_moved_event_asks_anew_and_frees_nothing_of_the_old_answer(desk: Desk, event: Event) -> None:
    desk.register(event)
    work(desk, ASKED)
    with transaction() as inside:
        moved = inside.get_one(Event, event.id)
        for name in ("starts_at", "ends_at", "sort_at", "over_at"):
            setattr(moved, name, getattr(moved, name) + timedelta(days=14))
    assert work(desk, FREED) == (0, 0)
    assert work(desk, ASKED + timedelta(days=14)) == (1, 0)
    assert work(desk, FREED + timedelta(days=14)) == (0, 1)


def test_who_got_the_place_after_the_question_is_not_asked_and_a_late_worker_leaves_time(
    desk: Desk, event: Event
) -> None:
    desk.register(event)
    desk.clock.now = ASKED + timedelta(minutes=5)
    desk.register(event, "bea@example.org")
    assert work(desk, datetime(2027, 3, 15, 16, tzinfo=UTC)) == (1, 0), "off for three days"
    assert work(desk, FREED) == (0, 0), "a working day to answer is not over"
    assert work(desk, FREED + timedelta(hours=2)) == (0, 1)
    assert desk.states(event) == {"ann": "lapsed", "bea": "confirmed"}


def test_the_button_is_on_my_place_and_opening_it_changes_nothing(
    client: FormClient, desk: Desk, event: Event
) -> None:
    desk.register(event)
    work(desk, ASKED)
    link = desk.link()
    page = client.get(link).text
    assert "Yes, I am coming" in page and "No, give my place to somebody else" in page
    assert desk.person().reconfirmed_at is None
    assert client.get(f"{link}/still-coming").status_code == 405
    answer = client.send(f"{link}/still-coming")
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"]).text
    assert "We are expecting you" in page and "Yes, I am coming" not in page
    assert desk.person().reconfirmed_at == desk.clock.now
    desk.do(service.cancel_place, desk.person())
    late = client.send(f"{link}/still-coming")
    assert late.status_code == 422 and "no longer have a place" in late.text

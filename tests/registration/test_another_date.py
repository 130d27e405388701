"""Those who got no place start the next event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event, make_registration
from tests.journeys.person import Person
from tests.registration.conftest import Desk
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.models import DatePoll, DatePollAnswer
from workshops.registration.queries import poll_answer_by_token
from workshops.schedule import service as schedule
from workshops.schedule.models import Event, EventTopic, Topic

START = datetime(2027, 3, 31, 9, tzinfo=UTC)


@pytest.fixture
def full(session: Session, desk: Desk, clock: FakeClock) -> Event:
    """One place, which Dan has; Ann, Bea and Cat wait."""
    event = make_event(session, title="Power and inequality", starts_at=START, capacity_in_person=1, area="Highland")
    for name in ("dan", "ann", "bea", "cat"):
        clock.advance(minutes=1)
        desk.register(event, f"{name}@example.org", name=f"{name.capitalize()} Example", if_full="wait")
    return event


def poll_link(desk: Desk, who: str) -> str:
    mail = [mail for mail in desk.mails(f"{who}@example.org") if mail.kind.endswith("/date_poll")][-1]
    return desk.links(mail)["poll"]


def test_from_a_waiting_list_to_the_next_event(
    staff: Callable[..., FormClient], someone: Callable[[], Person], session: Session, desk: Desk, full: Event
) -> None:
    page = someone().open(desk.link("dan@example.org")).follow("Cancel my place")
    page.fill(another_date="yes").press("Cancel my place")
    session.rollback()
    topic = Topic(name="Power", slug="power")
    session.add(topic)
    session.flush()
    session.add(EventTopic(event_id=full.id, topic_id=topic.id, position=0))
    session.commit()
    organiser = Person(staff("organiser"))
    page = organiser.open("/staff/demand")
    assert "Power and inequality" in page.words and "Highland 3" in page.words and "Power 3" in page.words
    assert not any(name in page.words for name in ("Ann Example", "Bea Example", "Cat Example", "Dan Example"))
    page.follow("Find another date")
    # Ann has been offered Dan's place: she does not wait any more
    assert "3 people would like another date: 2 on the waiting list, and 1 who gave up" in page.words
    page.fill(dates="4 May 2027\n1 March 2020").press("Make a draft, and ask them", 422)
    assert "Line 2: Sunday 1 March 2020 is not after today" in page.words
    page.fill(dates="4 May 2027\n5 May 2027\n6 May 2027").press("Make a draft, and ask them")
    assert "0 of 3 people answered" in page.words
    answers = {"bea": ["2027-05-05"], "cat": ["2027-05-04", "2027-05-05"], "dan": ["none"]}
    for who, days in answers.items():
        asked = someone().open(poll_link(desk, who))
        assert asked.heading == "Another date of this event" and "Tuesday 4 May 2027" in asked.words
        asked.press("Send my answer", 422)
        asked.fill(days=days).press("Send my answer")
        assert "Thank you." in asked.words
    page.open(f"/staff/events/{full.slug}/another-date")
    assert "3 of 3 people answered, and none of the dates suits 1." in page.words
    assert "Wednesday 5 May 2027 Suits 2 of 3 who answered" in page.words
    page.fill(day="2027-05-05").press("Take this date")
    assert "Wednesday 5 May 2027" in page.words
    assert "The date is chosen: Wednesday 5 May 2027" in someone().open(poll_link(desk, "bea")).words
    session.rollback()
    draft = session.query(DatePoll).one().draft
    with transaction() as writing:
        schedule.publish_event(writing, event_id=draft.id, now=desk.clock.now, actor=desk.actor, settings=desk.settings)
    # one place: Bea registered before Cat, and Dan said that none suits
    assert desk.states(draft) == {"bea": "offered", "cat": "waiting"}
    assert desk.kinds("bea@example.org")[-1] == "place_offered"
    assert desk.kinds("cat@example.org")[-1] == "on_waiting_list"
    assert "You are number 1" in desk.mails("cat@example.org")[-1].body_text
    # the public finds it full from the first moment
    desk.register(draft, "eve@example.org", name="Eve Example", if_full="wait")
    assert desk.states(draft)["eve"] == "waiting"
    desk.do(service.take_offer, desk.person("bea@example.org", draft))
    assert desk.states(draft)["bea"] == "confirmed"


def ask(desk: Desk, event: Event, *days: str) -> None:
    with transaction() as session:
        service.ask_for_dates(
            session, event_id=event.id, days=[datetime.fromisoformat(day).date() for day in days], now=desk.clock.now,
            settings=desk.settings, actor=desk.actor,
        )


def test_opening_the_link_changes_nothing_and_a_wrong_one_opens_nothing(
    someone: Callable[[], Person], session: Session, desk: Desk, full: Event
) -> None:
    ask(desk, full, "2027-05-04")
    path = poll_link(desk, "bea")
    for _ in range(3):
        someone().open(path)
    assert service.picture_of(session, session.query(DatePoll).one()).answered == 0
    someone().open(path[:-1] + ("A" if path[-1] != "A" else "B"), 404)
    someone().open(desk.link("dan@example.org").replace("/places/", "/date-polls/"), 404)
    assert "no-store" in someone().open(path).answer.headers["Cache-Control"]


def test_nobody_is_asked_twice_and_whoever_found_a_place_is_left_out(
    session: Session, desk: Desk, full: Event, clock: FakeClock
) -> None:
    bea = desk.person("bea@example.org")
    desk.do(service.cancel_place, bea, reason="", wants_another_date=True)
    desk.register(full, "bea@example.org", if_full="wait")
    with transaction() as reading:
        asked = [one.email_key for one in service.people_to_ask(reading, full.id)]
    assert sorted(asked) == ["ann@example.org", "bea@example.org", "cat@example.org"]
    ask(desk, full, "2027-05-04")
    with pytest.raises(DomainError, match="People are being asked already"):
        ask(desk, full, "2027-05-05")
    draft = session.query(DatePoll).one().draft
    make_registration(session, draft, email="cat@example.org")
    session.commit()
    with transaction() as writing:
        for row in writing.query(DatePollAnswer).all():
            service.answer_poll(writing, answer_id=row.id, days=["2027-05-04"], now=clock.now)
        service.choose_date(writing, event_id=full.id, day="2027-05-04", now=clock.now, settings=desk.settings,
                            actor=desk.actor)  # fmt: skip
        schedule.publish_event(writing, event_id=draft.id, now=clock.now, actor=desk.actor, settings=desk.settings)
    states = desk.states(draft)
    assert states["cat"] == "confirmed" and list(states.values()).count("waiting") == 2


def test_too_late_and_too_many(session: Session, desk: Desk, full: Event, someone: Callable[[], Person]) -> None:
    with pytest.raises(DomainError, match="one to 5 dates"):
        ask(desk, full, *(f"2027-05-0{number}" for number in range(1, 7)))
    ask(desk, full, "2027-05-04")
    path = poll_link(desk, "bea")
    page = someone().open(path).fill(days=["2027-05-04"])
    with transaction() as writing:
        service.choose_date(writing, event_id=full.id, day="2027-05-04", now=desk.clock.now, settings=desk.settings,
                            actor=desk.actor)  # fmt: skip
    page.press("Send my answer", 422)
    assert "The date is chosen: Tuesday 4 May 2027" in page.words
    with pytest.raises(DomainError, match="asked about"), transaction() as writing:
        service.choose_date(writing, event_id=full.id, day="2027-05-09", now=desk.clock.now, settings=desk.settings,
                            actor=desk.actor)  # fmt: skip


def test_what_is_personal_goes_with_the_person(session: Session, desk: Desk, full: Event, clock: FakeClock) -> None:
    ask(desk, full, "2027-05-04")
    path = poll_link(desk, "bea")
    clock.now = START + timedelta(days=366)
    with transaction() as writing:
        service.erase_expired(writing, now=clock.now, dry_run=False)
    assert desk.mails("bea@example.org") == []
    assert poll_answer_by_token(session, path.rpartition("/")[2]) is None


def test_a_question_that_waits_does_not_reach_whoever_left_the_list_or_comes_too_late(
    session: Session, desk: Desk, full: Event
) -> None:
    ask(desk, full, "2027-05-04")

    def reason(who: str) -> str | None:
        mail = [mail for mail in desk.mails(f"{who}@example.org") if mail.kind.endswith("/date_poll")][-1]
        return service.reason_not_to_send(session, mail, desk.clock.now)

    assert reason("bea") is None
    desk.do(service.cancel_place, desk.person("bea@example.org"), reason="")
    session.rollback()
    assert reason("bea") == "They no longer look for another date, or it is chosen." and reason("cat") is None
    with transaction() as writing:
        service.choose_date(writing, event_id=full.id, day="2027-05-04", now=desk.clock.now, settings=desk.settings,
                            actor=desk.actor)  # fmt: skip
    session.rollback()
    assert reason("cat") == "They no longer look for another date, or it is chosen."

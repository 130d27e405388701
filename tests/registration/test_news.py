"""Each person gets one coherent mail about everything that is new to them, and nothing is told twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event, make_registration, make_venue
from tests.registration.conftest import Desk, invitation
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.messages.models import OutboxMessage
from workshops.messages.queries import lock_due_messages
from workshops.messages.render import put_links_in
from workshops.registration.rules.news import known_words, news_for
from workshops.registration.service.foreseeing import _LINK_WORDS, EXAMPLE_NAME, EXAMPLE_REFERENCE
from workshops.schedule import service as schedule
from workshops.schedule.models import Event
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.states import CANCEL, POSTPONE, REINSTATE, Step
from workshops.schedule.rules.when import When
from workshops.schedule.service import Consequences

AT_11 = When(datetime(2027, 3, 31, 10, tzinfo=UTC), datetime(2027, 3, 31, 12, tzinfo=UTC))
AT_2 = When(datetime(2027, 3, 31, 13, tzinfo=UTC), datetime(2027, 3, 31, 15, tzinfo=UTC))
AT_5 = When(datetime(2027, 3, 31, 16, tzinfo=UTC), datetime(2027, 3, 31, 18, tzinfo=UTC))
NEWS = {"event_changed", "event_cancelled", "event_postponed", "event_reinstated"}


# --- rules ----------------------------------------------------------------------------------------------------


def words_of(**more: Any) -> dict[str, str]:
    state = more.pop("state", "published")
    values: dict[str, Any] = {"title": "T", "kind": "workshop", "when": AT_11, "mode": "hybrid", **more}
    return known_words(EventDetails(**values), state)


held = st.builds(
    words_of,
    when=st.sampled_from((AT_11, AT_2)),
    venue=st.sampled_from((None, Place("Old Hall"), Place("New Hall"))),
    joining_link=st.sampled_from(("", "https://a.example.org/", "https://b.example.org/")),
    capacity_in_person=st.sampled_from((None, 5)),
    state=st.sampled_from(("published", "postponed", "cancelled")),
)
who = st.tuples(
    st.sampled_from(("confirmed", "waiting", "offered", "requested")), st.sampled_from(("in_person", "online"))
)


@given(held, held, who)
def test_what_somebody_knows_is_no_news_and_each_thing_is_named_once(
    known: dict[str, str], now: dict[str, str], person: tuple[str, str]
) -> None:
    state, attending = person
    assert news_for(known, known, state=state, attending=attending) is None
    news = news_for(known, now, state=state, attending=attending)
    if news is None:
        return
    labels = [label for label, _, _ in news.changes]
    assert len(labels) == len(set(labels))
    assert all(before != after for _, before, after in news.changes)
    assert now["State"] == "published" or not news.changes
    # the fingerprint of a link is no word for people
    assert not any(re.fullmatch("[0-9a-f]{16}", word) for _, before, after in news.changes for word in (before, after))


def test_a_joining_link_is_news_for_people_with_a_place_online_alone() -> None:
    before, after = words_of(joining_link=""), words_of(joining_link="https://a.example.org/")
    for state in ("confirmed", "waiting", "requested", "offered"):
        for attending in ("in_person", "online"):
            news = news_for(before, after, state=state, attending=attending)
            assert (news is not None) == ((state, attending) == ("confirmed", "online"))


# --- thirty-one people ----------------------------------------------------------------------------------------


@pytest.fixture
def event(session: Session) -> Event:
    """31 people of all states at a hybrid event with Old Hall as its place; nothing waits in the outbox."""
    made = make_event(
        session, title="All of it", mode="hybrid", capacity_in_person=12, capacity_online=6,
        joining_link="https://meet.example.org/old", venue_id=make_venue(session, "Old Hall").id, area="Glasgow City",
    )
    people: list[tuple[str, str, int]] = [
        ("confirmed", "in_person", 10), ("confirmed", "online", 6), ("waiting", "in_person", 4),
        ("waiting", "online", 2), ("offered", "in_person", 2), ("requested", "in_person", 2),
        ("cancelled", "in_person", 2), ("lapsed", "in_person", 1), ("declined", "online", 2),
    ]  # fmt: skip
    for state, attending, number in people:
        for _ in range(number):
            more: dict[str, Any] = {"offer_expires_at": made.sort_at} if state == "offered" else {}
            if state in ("confirmed", "requested"):
                more["invite_sequence"] = 0
            make_registration(session, made, state=state, attending=attending, **more)
    return made


@pytest.fixture
def change(desk: Desk, event: Event) -> Callable[..., Any]:
    def save(*, tell: bool | None, **values: Any) -> Any:
        event_id = event.id
        with transaction() as session:
            found = session.get_one(Event, event_id)
            return schedule.change_event(
                session, event_id=event_id, details=replace(schedule.details_of(session, found), **values), tell=tell,
                now=desk.clock.advance(minutes=1), actor=COMMAND, settings=desk.settings,
            )

    return save


@pytest.fixture
def step(desk: Desk, event: Event) -> Callable[..., Any]:
    def take(use_case: Any, *, tell: bool | None, **more: Any) -> Any:
        event_id = event.id
        with transaction() as session:
            return use_case(
                session, event_id=event_id, tell=tell, now=desk.clock.advance(minutes=1), actor=COMMAND,
                settings=desk.settings, **more,
            )

    return take


def going_out(desk: Desk) -> list[OutboxMessage]:
    """The news that waits to be sent."""
    return [mail for mail in desk.mails() if mail.state == "due" and mail.kind.split("/")[1] in NEWS]


def only_mail(desk: Desk) -> dict[str, OutboxMessage]:
    """One mail for each of the 26 people it concerns, by address."""
    mails = going_out(desk)
    assert max(Counter(mail.to_email for mail in mails).values()) == 1
    assert len(mails) == 26
    return {mail.to_email: mail for mail in mails}


def people(session: Session, event: Event, state: str, attending: str = "in_person") -> list[str]:
    from workshops.registration.models import Registration

    session.rollback()
    return list(
        session.scalars(
            select(Registration.email)
            .where(
                Registration.event_id == event.id, Registration.state == state, Registration.attending == attending
            )
            .order_by(Registration.id)
        )
    )


def test_three_things_at_once_are_one_mail_each_with_the_right_words_and_calendar(
    session: Session, desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    saved = change(
        tell=True, when=AT_2, venue=Place("New Hall"), joining_link="https://meet.example.org/new", capacity_online=5
    )
    mails = only_mail(desk)
    assert saved.people == 26
    for address, mail in mails.items():
        assert mail.kind == "registration/event_changed" and mail.subject == "Changed: All of it"
        assert "before: Wednesday 31 March 2027, 11am to 1pm" in mail.body_text
        assert "now: Wednesday 31 March 2027, 2pm to 4pm" in mail.body_text
        assert "Old Hall" in mail.body_text and "New Hall" in mail.body_text, address
        assert "meet.example.org/old" not in mail.body_text + mail.body_html
    for address in people(session, event, "confirmed", "online"):
        assert "https://meet.example.org/new" in mails[address].body_text
        assert "now: the link below" in mails[address].body_text
    for address in people(session, event, "confirmed"):
        assert "meet.example.org" not in mails[address].body_text
        assert "Places" not in mails[address].body_text
        method, vevent = invitation(mails[address])
        assert (method, vevent["SEQUENCE"], vevent["DTSTART"].dt.hour) == ("REQUEST", 1, 14)
    for address in people(session, event, "requested"):
        assert str(invitation(mails[address])[1]["STATUS"]) == "TENTATIVE"
    for address in [*people(session, event, "waiting"), *people(session, event, "offered")]:
        assert mails[address].calendar is None
    assert "12 in person and 5 online" in mails[people(session, event, "waiting")[0]].body_text


def test_changed_again_before_the_worker_runs_it_is_still_one_mail_from_the_old_to_the_newest(
    session: Session, desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    change(tell=True, when=AT_2)
    change(tell=True, when=AT_5)
    change(tell=True, venue=Place("New Hall"))
    mails = only_mail(desk)
    for mail in mails.values():
        assert "before: Wednesday 31 March 2027, 11am to 1pm" in mail.body_text
        assert "now: Wednesday 31 March 2027, 5pm to 7pm" in mail.body_text
        assert "2pm to 4pm" not in mail.body_text and "New Hall" in mail.body_text
    address = people(session, event, "confirmed")[0]
    method, vevent = invitation(mails[address])
    assert (method, vevent["SEQUENCE"], vevent["DTSTART"].dt.hour) == ("REQUEST", 3, 17)
    taken_back = [mail for mail in desk.mails() if mail.state == "cancelled"]
    assert len(taken_back) == 52 and all(mail.sealed_links is None for mail in taken_back)


def test_changed_back_before_the_worker_runs_nothing_goes_out(
    desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    change(tell=True, when=AT_2)
    change(tell=True, when=AT_11)
    assert going_out(desk) == []
    # and what comes next begins from what people really know
    change(tell=True, when=AT_5)
    assert all("11am to 1pm" in mail.body_text for mail in only_mail(desk).values())


def test_a_mail_on_its_way_is_not_taken_back_and_the_next_one_goes_on_from_it(
    desk: Desk, event: Event, change: Callable[..., Any], clock: FakeClock
) -> None:
    change(tell=True, when=AT_2)
    with transaction() as session:
        for message in lock_due_messages(session, clock.now, limit=100):
            message.state, message.lease_until = "sending", clock.now + timedelta(minutes=5)
    change(tell=True, when=AT_5)
    mails = only_mail(desk)
    assert all("before: Wednesday 31 March 2027, 2pm" in mail.body_text for mail in mails.values())
    assert sum(mail.state == "sending" for mail in desk.mails()) == 26


def test_what_was_saved_without_telling_is_told_with_the_next_change(
    desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    assert change(tell=False, when=AT_2).people == 0
    change(tell=False, venue=Place("New Hall"))
    assert desk.mails() == []
    change(tell=True, when=AT_5)
    for mail in only_mail(desk).values():
        assert "before: Wednesday 31 March 2027, 11am to 1pm" in mail.body_text
        assert "now: Wednesday 31 March 2027, 5pm to 7pm" in mail.body_text
        assert "Old Hall" in mail.body_text and "New Hall" in mail.body_text
    desk.deliver()
    change(tell=True, when=AT_2)
    assert not any("Old Hall" in mail.body_text for mail in only_mail(desk).values()), "it was told once"


def test_somebody_who_came_after_a_silent_change_is_told_only_what_is_new_to_them(
    desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    change(tell=False, venue=Place("New Hall"))
    desk.register(event, "late@example.org", attending="online", if_full="wait")
    desk.deliver()
    change(tell=True, when=AT_2)
    mails = {mail.to_email: mail for mail in going_out(desk)}
    assert "Old Hall" not in mails.pop("late@example.org").body_text
    assert all("Old Hall" in mail.body_text for mail in mails.values())


def test_a_mail_that_waits_goes_out_true_even_if_the_next_change_is_saved_without_telling(
    desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    change(tell=True, when=AT_2)
    change(tell=False, when=AT_5)
    for mail in only_mail(desk).values():
        assert "5pm to 7pm" in mail.body_text and "2pm to 4pm" not in mail.body_text


def test_cancelled_while_a_change_waits_only_the_cancellation_goes_out(
    session: Session, desk: Desk, event: Event, change: Callable[..., Any], step: Callable[..., Any]
) -> None:
    change(tell=True, when=AT_2)
    step(schedule.cancel_event, tell=True, reason="Snow.")
    mails = only_mail(desk)
    assert {mail.kind for mail in mails.values()} == {"registration/event_cancelled"}
    method, vevent = invitation(mails[people(session, event, "confirmed")[0]])
    assert (method, vevent["SEQUENCE"], str(vevent["STATUS"])) == ("CANCEL", 2, "CANCELLED")
    step(schedule.reinstate_event, tell=True)
    # whoever had an offer waits again, and is offered a place; everybody else only learns of the new time
    assert {mail.kind for mail in going_out(desk)} == {"registration/event_changed"}
    assert max(Counter(mail.to_email for mail in desk.mails() if mail.state == "due").values()) == 1


def test_cancelled_and_back_before_the_worker_runs_nothing_goes_out(
    desk: Desk, event: Event, step: Callable[..., Any]
) -> None:
    step(schedule.cancel_event, tell=True, reason="Snow.")
    assert len(going_out(desk)) == 26
    step(schedule.reinstate_event, tell=True)
    assert going_out(desk) == []


def test_a_silent_cancellation_needs_no_mail_that_it_takes_place_after_all(
    desk: Desk, event: Event, step: Callable[..., Any]
) -> None:
    step(schedule.cancel_event, tell=False, reason="A slip.")
    step(schedule.reinstate_event, tell=True)
    assert going_out(desk) == []


def test_what_changes_while_it_is_cancelled_is_told_when_it_takes_place(
    session: Session, desk: Desk, event: Event, change: Callable[..., Any], step: Callable[..., Any]
) -> None:
    step(schedule.cancel_event, tell=True, reason="Snow.")
    desk.deliver()
    change(tell=None, when=AT_2)
    assert going_out(desk) == []
    step(schedule.reinstate_event, tell=True)
    address = people(session, event, "confirmed")[0]
    mail = next(mail for mail in going_out(desk) if mail.to_email == address)
    assert mail.kind == "registration/event_reinstated" and "now: Wednesday 31 March 2027, 2pm" in mail.body_text
    sequences = [int(invitation(one)[1]["SEQUENCE"]) for one in desk.mails(address) if one.calendar]
    assert sequences == sorted(set(sequences))


def test_a_postponed_event_with_a_new_date_is_one_mail_when_the_first_has_not_gone_out(
    desk: Desk, event: Event, change: Callable[..., Any], step: Callable[..., Any]
) -> None:
    step(schedule.postpone_event, tell=True, reason="Snow.")
    change(tell=True, when=AT_5)
    kinds = Counter(mail.kind for mail in going_out(desk))
    assert set(kinds) == {"registration/event_changed"}


def test_people_who_only_asked_for_a_place_are_asked_about_too(session: Session, desk: Desk) -> None:
    event = make_event(session, booking="by_approval")
    event_id = event.id
    make_registration(session, event, state="requested", invite_sequence=0)
    session.rollback()
    with pytest.raises(schedule.MustChoose), transaction() as writing:
        found = writing.get_one(Event, event_id)
        schedule.change_event(
            writing, event_id=event_id, details=replace(schedule.details_of(writing, found), when=AT_2), tell=None,
            now=desk.clock.now, actor=COMMAND, settings=desk.settings,
        )


def test_an_event_somebody_registered_for_does_not_become_a_draft_again(
    session: Session, desk: Desk, step: Callable[..., Any]
) -> None:
    free = make_event(session)
    free_id, taken_id = free.id, make_event(session).id
    make_registration(session, session.get_one(Event, taken_id), state="cancelled")
    session.rollback()
    with transaction() as writing:
        event = schedule.unpublish_event(
            writing, event_id=free_id, now=desk.clock.now, actor=COMMAND, settings=desk.settings
        )
        assert event.state == "draft"
    with pytest.raises(Exception, match="People have registered"), transaction() as writing:
        schedule.unpublish_event(
            writing, event_id=taken_id, now=desk.clock.now, actor=COMMAND, settings=desk.settings
        )


# --- said beforehand -------------------------------------------------------------------------------------------


def foresee(desk: Desk, event: Event, **values: Any) -> Consequences:
    event_id = event.id
    with transaction() as session:
        found = session.get_one(Event, event_id)
        return schedule.foresee_change(
            session, event_id=event_id, details=replace(schedule.details_of(session, found), **values),
            now=desk.clock.now + timedelta(minutes=1), settings=desk.settings,
        )


def anonymous(mail: OutboxMessage) -> tuple[str, str]:
    """A mail as the check page shows it."""
    text = put_links_in(mail.body_text, {"place": _LINK_WORDS}, is_html=False)
    return mail.subject, re.sub(r"Example Person \d+", EXAMPLE_NAME, re.sub(r"T\d{7}", EXAMPLE_REFERENCE, text))


def everything(session: Session) -> list[list[Any]]:
    from workshops.core.db import Base

    session.rollback()
    found = [
        [tuple(row) for row in session.execute(table.select().order_by(*table.primary_key.columns))]
        for table in Base.metadata.sorted_tables
    ]
    session.rollback()
    return found


def test_what_is_shown_is_what_goes_out_and_looking_leaves_no_trace(
    session: Session, desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    values: dict[str, Any] = {
        "when": AT_2, "venue": Place("New Hall"), "joining_link": "https://meet.example.org/new",
        "capacity_in_person": 14,
    }
    before = everything(session)
    shown = foresee(desk, event, **values)
    assert everything(session) == before
    assert [one.label for one in shown.changes] == ["Date and time", "Place", "Joining link", "Places"]
    change(tell=True, **values)
    sent = Counter(anonymous(mail) for mail in desk.mails())
    assert Counter({(one.subject, one.text): one.number for one in shown.examples}) == sent
    assert shown.told == sum(mail.kind == "registration/event_changed" for mail in desk.mails())
    # nothing of a real person is in them
    assert not any(re.search(r"Example Person \d|person\d+@|T\d{7}|/places/", one.text) for one in shown.examples)


def test_more_places_say_who_is_offered_one_and_who_keeps_waiting(
    desk: Desk, event: Event, change: Callable[..., Any]
) -> None:
    shown = foresee(desk, event, capacity_in_person=15)
    words = dict(shown.sections)["Waiting list"]
    assert words[0].startswith("3 people on the waiting list are offered a place at once")
    assert words[1] == "3 people keep waiting, in the same order."
    assert shown.told == 3, "those who keep waiting"
    change(tell=False, capacity_in_person=15)
    assert Counter(desk.kinds()) == {"place_offered": 3}, "an offer is made whatever is chosen"


def test_fewer_places_than_taken_are_explained_and_nobody_is_dropped(desk: Desk, event: Event) -> None:
    shown = foresee(desk, event, capacity_in_person=4)
    assert "Nobody loses their place" in dict(shown.sections)["Good to know"][0]


def test_reminders_and_offers_that_move_are_said(desk: Desk, event: Event) -> None:
    sooner = When(AT_11.starts_at - timedelta(days=20), AT_11.ends_at - timedelta(days=20))  # type: ignore[operator]
    sections = dict(foresee(desk, event, when=sooner).sections)
    assert sections["Reminders"] == (
        "The reminder that the event is in a week moves from Wednesday 24 March 2027, 11am, "
        "to Thursday 4 March 2027, 10am.",
        "The reminder that the event is tomorrow moves from Tuesday 30 March 2027, 11am, "
        "to Wednesday 10 March 2027, 10am.",
    )
    assert sections["Offers"] == (
        "2 open offers end earlier than they were told: at 10am on Wednesday 3 March 2027, "
        "because the event starts sooner.",
    ) or "2 open offers end earlier" in sections["Offers"][0]


def test_clashes_made_by_the_change_are_shown_and_older_ones_are_not(
    session: Session, desk: Desk, event: Event
) -> None:
    venue_id = session.get_one(Event, event.id).venue_id
    make_event(session, title="Same hour", venue_id=venue_id, starts_at=AT_11.starts_at, ends_at=AT_11.ends_at)
    make_event(session, title="Afternoon", venue_id=venue_id, starts_at=AT_2.starts_at, ends_at=AT_2.ends_at)
    assert "New clashes" not in dict(foresee(desk, event, joining_link="https://b.example.org/").sections)
    (said,) = dict(foresee(desk, event, when=AT_2).sections)["New clashes"]
    assert "Afternoon" in said and "2pm to 4pm" in said


@pytest.mark.parametrize(("wanted", "kind"), [(CANCEL, "event_cancelled"), (POSTPONE, "event_postponed")])
def test_leaving_shows_the_mail_with_its_reason_and_writes_nothing(
    session: Session, desk: Desk, event: Event, step: Callable[..., Any], wanted: Step, kind: str
) -> None:
    before = everything(session)
    event_id = event.id
    shown = schedule.foresee_step(
        session, event_id=event_id, step=wanted, reason="Snow.", now=desk.clock.now, settings=desk.settings
    )
    assert everything(session) == before
    assert shown.told == 26
    assert any("2 people with an open offer go back" in one for one in dict(shown.sections)["Waiting list"])
    use_case = schedule.cancel_event if wanted is CANCEL else schedule.postpone_event
    step(use_case, tell=True, reason="Snow.")
    sent = Counter(anonymous(mail) for mail in desk.mails() if mail.kind.endswith(kind))
    assert Counter({(one.subject, one.text): one.number for one in shown.examples}) == sent
    back = schedule.foresee_step(
        session, event_id=event_id, step=REINSTATE, reason="", now=desk.clock.now, settings=desk.settings
    )
    assert back.told == 0, "the first mail has not gone out: it is taken back, and nothing needs to be said"


def test_nobody_can_be_told_of_what_is_over(session: Session, desk: Desk, event: Event, clock: FakeClock) -> None:
    clock.advance(days=60)
    assert foresee(desk, event, when=AT_2).is_shown is False
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0

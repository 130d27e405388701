"""A mail about a place that still waits when the event changes goes out true, and is all its person gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration, make_venue
from tests.registration.conftest import Desk, invitation
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.messages.models import OutboxMessage
from workshops.registration import service as registration
from workshops.registration.models import Registration
from workshops.registration.service.telling import WRITTEN_ANEW
from workshops.schedule import service as schedule
from workshops.schedule.models import Event
from workshops.schedule.rules.events import Place
from workshops.schedule.rules.when import When

AT_2 = When(datetime(2027, 3, 31, 13, tzinfo=UTC), datetime(2027, 3, 31, 15, tzinfo=UTC))
AT_5 = When(datetime(2027, 3, 31, 16, tzinfo=UTC), datetime(2027, 3, 31, 18, tzinfo=UTC))


@pytest.fixture
def event(session: Session) -> Event:
    return make_event(session, title="Soon", capacity_in_person=2, venue_id=make_venue(session, "Old Hall").id)


@pytest.fixture
def do(desk: Desk, event: Event) -> Callable[..., Any]:
    """Change the event, or take a step with it, a minute later."""

    def act(*, tell: bool | None, use_case: Any = None, **values: Any) -> Any:
        event_id = event.id
        how: dict[str, Any] = {
            "event_id": event_id, "tell": tell, "now": desk.clock.advance(minutes=1), "actor": COMMAND,
            "settings": desk.settings,
        }  # fmt: skip
        with transaction() as session:
            if use_case is not None:
                return use_case(session, **how, **values)
            details = schedule.details_of(session, session.get_one(Event, event_id))
            return schedule.change_event(session, details=replace(details, **values), **how)

    return act


def goes_out(desk: Desk, email: str) -> list[OutboxMessage]:
    """What a worker would send now: the checks at the moment of sending are asked."""
    return [
        mail for mail in desk.mails(email)
        if mail.state == "due" and registration.reason_not_to_send(desk.session, mail, desk.clock.now) is None
    ]  # fmt: skip


@pytest.mark.parametrize("tell", [True, False])
def test_a_place_told_before_the_worker_ran_is_told_with_the_new_time_alone(
    desk: Desk, event: Event, do: Callable[..., Any], tell: bool
) -> None:
    desk.register(event)
    first = desk.link()
    saved = do(tell=tell, when=AT_2, venue=Place("New Hall"))
    assert saved.people == 0, "nobody gets a mail about a change"
    (mail,) = goes_out(desk, "ann@example.org")
    assert mail.kind == "registration/place_confirmed" and mail.subject == "You have a place: Soon"
    assert "2pm to 4pm" in mail.body_text and "New Hall" in mail.body_text and "Old Hall" not in mail.body_text
    method, vevent = invitation(mail)
    assert (method, vevent["SEQUENCE"], vevent["DTSTART"].dt.hour) == ("REQUEST", 1, 14)
    assert "New Hall" in vevent["LOCATION"]
    (old, _) = desk.mails("ann@example.org")
    assert (old.state, old.last_error, old.sealed_links) == ("cancelled", WRITTEN_ANEW, None)
    assert desk.link() != first
    person = desk.person()
    assert person.told is None and person.told_before is None and person.invite_sequence == 1


def test_twice_before_the_worker_ran_is_still_one_mail_with_a_higher_sequence(
    desk: Desk, event: Event, do: Callable[..., Any]
) -> None:
    desk.register(event)
    do(tell=True, when=AT_2)
    do(tell=False, when=AT_5)
    (mail,) = goes_out(desk, "ann@example.org")
    assert "5pm to 7pm" in mail.body_text and invitation(mail)[1]["SEQUENCE"] == 2


def test_who_has_the_mail_already_is_told_of_the_change(desk: Desk, event: Event, do: Callable[..., Any]) -> None:
    desk.register(event)
    desk.deliver()
    desk.register(event, "ben@example.org")
    assert do(tell=True, when=AT_2).people == 1
    assert desk.kinds("ann@example.org") == ["place_confirmed", "event_changed"]
    assert [mail.kind for mail in goes_out(desk, "ben@example.org")] == ["registration/place_confirmed"]


def test_the_waiting_list_an_offer_and_a_request_go_out_true_too(
    session: Session, desk: Desk, event: Event, do: Callable[..., Any]
) -> None:
    for name in ("ann", "ben"):
        desk.register(event, f"{name}@example.org")
    desk.deliver()
    desk.register(event, "cat@example.org", if_full="wait")
    desk.register(event, "dan@example.org", if_full="wait")
    desk.do(registration.cancel_place, desk.person("ann@example.org"))
    until = desk.person("cat@example.org").offer_expires_at
    do(tell=True, when=AT_2)
    waiting, offered = goes_out(desk, "dan@example.org"), goes_out(desk, "cat@example.org")
    assert [mail.kind for mail in waiting] == ["registration/on_waiting_list"]
    assert [mail.kind for mail in offered] == ["registration/place_offered"]
    assert all("2pm to 4pm" in mail.body_text and mail.calendar is None for mail in (*waiting, *offered))
    assert offered[0].drop_after == until
    asking = make_event(session, booking="by_approval")
    desk.register(asking, "eve@example.org")
    with transaction() as writing:
        details = schedule.details_of(writing, writing.get_one(Event, asking.id))
        schedule.change_event(
            writing, event_id=asking.id, details=replace(details, when=AT_5), tell=True,
            now=desk.clock.advance(minutes=1), actor=COMMAND, settings=desk.settings,
        )
    (mail,) = goes_out(desk, "eve@example.org")
    assert mail.kind == "registration/request_received" and "5pm to 7pm" in mail.body_text
    assert (str(invitation(mail)[1]["STATUS"]), invitation(mail)[1]["SEQUENCE"]) == ("TENTATIVE", 1)


def test_what_a_mail_does_not_say_leaves_it_as_it_is(desk: Desk, event: Event, do: Callable[..., Any]) -> None:
    desk.register(event)
    do(tell=True, capacity_in_person=20)
    (mail,) = desk.mails("ann@example.org")
    assert mail.state == "due" and invitation(mail)[1]["SEQUENCE"] == 0


@pytest.mark.parametrize(("use_case", "kind"), [(schedule.cancel_event, "event_cancelled"),
                                                (schedule.postpone_event, "event_postponed")])  # fmt: skip
def test_an_event_that_went_off_is_told_as_that_alone(
    desk: Desk, event: Event, do: Callable[..., Any], use_case: Any, kind: str
) -> None:
    desk.register(event)
    do(tell=True, use_case=use_case, reason="Snow")
    assert [mail.kind for mail in goes_out(desk, "ann@example.org")] == [f"registration/{kind}"]


def test_the_check_page_counts_a_mail_written_anew_and_asks_nobody_for_it(
    desk: Desk, session: Session, event: Event
) -> None:
    desk.register(event)
    with transaction() as writing:
        details = replace(schedule.details_of(writing, writing.get_one(Event, event.id)), when=AT_2)
        one = schedule.foresee_change(writing, event_id=event.id, details=details, now=desk.clock.now,
                                      settings=desk.settings)  # fmt: skip
    assert (one.told, one.asks, one.is_shown) == (0, False, True)
    said = " ".join(sentence for _, sentences in one.sections for sentence in sentences)
    assert "1 email about a place did not go out yet. It is written anew" in said
    assert [mail.state for mail in desk.mails("ann@example.org")] == ["due"], "nothing was done"


def test_a_guest_who_runs_the_event_still_gets_one_mail(
    session: Session, desk: Desk, event: Event, do: Callable[..., Any]
) -> None:
    other = make_registration(session, event, email="old@example.org")
    assert session.get_one(Registration, other.id).told is None
    desk.register(event)
    assert do(tell=True, when=AT_2).people == 1
    assert len(goes_out(desk, "ann@example.org")) == 1


# --- many people at once --------------------------------------------------------------------------------------


@pytest.mark.parametrize("people", [5, 45])
def test_telling_many_people_takes_as_many_statements_as_telling_few(
    session: Session, desk: Desk, do: Callable[..., Any], event: Event, people: int
) -> None:
    for number in range(people):
        make_registration(session, event, email=f"p{number}@example.org", invite_sequence=0)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    engine = session.get_bind()
    sql_event.listen(engine, "before_cursor_execute", note)
    try:
        assert do(tell=True, when=AT_2).people == people
    finally:
        sql_event.remove(engine, "before_cursor_execute", note)
    assert len(statements) <= 60
    mails = [mail for mail in desk.mails() if mail.kind == "registration/event_changed"]
    assert len({mail.to_email for mail in mails}) == len({mail.message_id for mail in mails}) == people
    assert all(invitation(mail)[1]["SEQUENCE"] == 1 and mail.sealed_links for mail in mails)
    assert desk.link("p1@example.org").startswith("/places/")

"""Several events of a programme at once: each a registration of its own, one mail about all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event, make_programme, make_registration
from tests.journeys.person import Person
from tests.registration.conftest import Desk
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.ical.streams import calendar_objects
from workshops.messages.mime import Letter, build_mail
from workshops.messages.models import OutboxMessage
from workshops.registration import service
from workshops.registration.models import Needs, Registration
from workshops.schedule import service as schedule
from workshops.schedule.models import Event, Programme
from workshops.schedule.rules.events import Place

WEEK = "/programmes/co-production-week"
ABOUT = {"name": "Ann Example", "email": "ann@example.org"}


@pytest.fixture
def week(session: Session) -> Programme:
    return make_programme(session, slug="co-production-week", title="Co-production Week")


@pytest.fixture
def three(session: Session, week: Programme) -> list[Event]:
    """Two at the same time, one online a day later."""
    start = make_event(session, slug="a", title="Aye Aye", programme=week).starts_at
    assert start is not None
    make_event(session, slug="b", title="Be Bold", programme=week, starts_at=start + timedelta(minutes=30),
               ends_at=start + timedelta(hours=3))  # fmt: skip
    make_event(session, slug="c", title="See Sea", programme=week, starts_at=start + timedelta(days=1),
               ends_at=start + timedelta(days=1, hours=1), mode="hybrid", capacity_online=5,
               questions=["What brings you?"])  # fmt: skip
    session.commit()
    return list(session.scalars(select(Event).order_by(Event.slug)))


def told(desk: Desk) -> list[str]:
    """(kind, state) of every mail to Ann, oldest first."""
    return [f"{mail.kind.removeprefix('registration/')} {mail.state}" for mail in desk.mails("ann@example.org")]


def send(desk: Desk, events: list[Event], *, if_full: str = "wait", key: str = "k1") -> list[service.OneOfSeveral]:
    details = {
        event.id: service.Details(
            name="Ann Example", email="ann@example.org", attending="online" if event.mode == "hybrid" else None
        )
        for event in events
    }
    with transaction() as session:
        return service.register_for_several(
            session, programme="Co-production Week", details=details, if_full=if_full, form_key=key,
            now=desk.clock.now, settings=desk.settings,
        )


def test_one_form_makes_three_registrations_and_one_mail(
    someone: Callable[[], Person], three: list[Event], desk: Desk, session: Session
) -> None:
    person = someone().open(WEEK).follow("Register for several events")
    assert person.heading == "Which events do you want to go to?"
    assert "Runs at the same time as Be Bold." in person.words
    person.fill(event=["a", "b", "c"]).press("Continue")
    assert person.heading == "Register for 3 events"
    assert "Aye Aye" in person.words and "at the same time as Be Bold" in person.words
    # what one event asks is said beside its name, and nothing that was typed is lost
    person.fill(**ABOUT, access_needs="A hearing loop", if_full="wait").press("Register for 3 events", 422)
    assert "See Sea: Choose how you will take part" in person.words
    part = f"e{three[2].id}-"
    person.fill(**{part + "attending": "online", part + "answer_1": "Curiosity"}).press("Register for 3 events")
    assert person.heading == "You have 3 places"
    assert "We have sent one email" in person.words and "ann@example.org" not in person.path
    session.rollback()
    rows = session.scalars(select(Registration).order_by(Registration.event_id)).all()
    assert [(row.event.slug, row.state, row.attending) for row in rows] == [
        ("a", "confirmed", "in_person"), ("b", "confirmed", "in_person"), ("c", "confirmed", "online")]
    assert [row.answers for row in rows] == [{}, {}, {"What brings you?": "Curiosity"}]
    assert {needs.access_needs for needs in session.scalars(select(Needs))} == {"A hearing loop"}
    (mail,) = desk.mails("ann@example.org")
    assert mail.subject == "You have 3 places: Co-production Week"
    assert all(event.title in mail.body_text and event.title in mail.body_html for event in three)
    links = [someone().open(link) for link in sorted(desk.links(mail).values())]
    assert {page.seen.heading.strip() for page in links} == {"You have a place"}


def test_the_invitations_are_files_of_their_own(desk: Desk, three: list[Event], session: Session) -> None:
    send(desk, three)
    (mail,) = desk.mails()
    assert mail.calendar is not None
    objects = [Calendar.from_ical(one) for one in calendar_objects(mail.calendar)]
    assert [str(one["METHOD"]) for one in objects] == ["REQUEST"] * 3
    uids = [str(one.walk("VEVENT")[0]["UID"]) for one in objects]
    assert len(set(uids)) == 3
    letter = Letter(mail.message_id, mail.to_email, mail.to_name, mail.subject, mail.body_text, mail.body_html,
                    mail.calendar, mail.calendar_method)  # fmt: skip
    sent = [build_mail(letter, mail_from="events@example.org", sent_at=desk.clock.now) for _ in range(2)]
    assert sent[0].as_bytes() == sent[1].as_bytes()
    files = list(sent[0].iter_attachments())
    assert [one.get_filename() for one in files] == ["invite-1.ics", "invite-2.ics", "invite-3.ics"]
    assert [one.get_payload(decode=True) for one in files] == calendar_objects(mail.calendar)
    assert {one.get_content_type() for one in files} == {"text/calendar"}
    sequences = {row.event.slug: row.invite_sequence for row in session.scalars(select(Registration))}
    assert [int(one.walk("VEVENT")[0]["SEQUENCE"]) for one in objects] == [sequences[slug] for slug in "abc"]


@pytest.mark.parametrize("if_full, state", [("wait", "waiting"), ("leave", None)])
def test_a_full_one_does_not_hold_the_others_up(
    desk: Desk, three: list[Event], session: Session, if_full: str, state: str | None
) -> None:
    three[1].capacity_in_person = 1
    make_registration(session, event=three[1], email="first@example.org")
    session.commit()
    came_to = send(desk, three, if_full=if_full)
    assert [one.kind for one in came_to] == ["place", "waiting" if state else "none", "place"]
    assert desk.states(three[1]).get("ann") == state
    (mail,) = desk.mails("ann@example.org")
    waits = "You are on the waiting list. You are number 1."
    said = waits if state else "You are not registered. All places are taken."
    assert f"Be Bold\n{said}" in mail.body_text and "You have 2 places" in mail.subject


def test_the_same_form_again_does_nothing_and_another_one_says_what_was_known(
    desk: Desk, three: list[Event], clock: FakeClock
) -> None:
    first = send(desk, three[:2])
    assert send(desk, three[:2]) == first and told(desk) == ["places_together due"]
    clock.advance(minutes=5)
    assert [one.kind for one in send(desk, three, key="k2")] == ["place"] * 3
    again = desk.mails("ann@example.org")[1]
    assert "You had a place already." in again.body_text and again.subject == "You have 1 place: Co-production Week"
    assert len(calendar_objects(again.calendar or b"")) == 1
    clock.advance(minutes=5)
    for key in ("k3", "k4"):
        send(desk, three, key=key)
    assert len(desk.mails("ann@example.org")) == 3, "what is known is said once an hour"


def test_a_change_before_the_mail_goes_out_is_told_event_by_event(
    desk: Desk, three: list[Event], clock: FakeClock
) -> None:
    send(desk, three)
    clock.advance(minutes=1)
    desk.do(service.cancel_place, desk.person("ann@example.org", three[1]), reason="")
    assert sorted(told(desk)) == ["place_cancelled due", "place_confirmed due", "place_confirmed due",
                                  "places_together cancelled"]  # fmt: skip
    confirmed = [mail for mail in desk.mails() if mail.kind.endswith("place_confirmed")]
    assert {mail.event_id for mail in confirmed} == {three[0].id, three[2].id}
    assert all(mail.calendar is not None for mail in confirmed)


def test_an_event_that_changes_before_the_mail_goes_out_is_told_as_it_is_now(
    desk: Desk, three: list[Event], clock: FakeClock, settings: Settings
) -> None:
    send(desk, three)
    first, at = three[0].id, clock.advance(minutes=1)
    with transaction() as session:
        details = schedule.details_of(session, session.get_one(Event, first))
        schedule.change_event(session, event_id=first, details=replace(details, venue=Place("New Hall")),
                              tell=True, now=at, actor=COMMAND, settings=settings)  # fmt: skip
    open_mails = [mail for mail in desk.mails("ann@example.org") if mail.state == "due"]
    assert sorted((mail.event_id, mail.kind.rpartition("/")[2]) for mail in open_mails) == sorted(
        (event.id, "place_confirmed") for event in three
    )
    assert "New Hall" in next(mail for mail in open_mails if mail.event_id == three[0].id).body_text


def test_what_was_sent_is_left_alone(desk: Desk, three: list[Event], clock: FakeClock, session: Session) -> None:
    send(desk, three)
    session.query(OutboxMessage).update({"state": "sent"})
    session.commit()
    desk.do(service.cancel_place, desk.person("ann@example.org", three[1]), reason="")
    assert told(desk) == ["places_together sent", "place_cancelled due"]


def test_erasing_one_forgets_the_mail_about_all(desk: Desk, three: list[Event], clock: FakeClock, session: Session,
                                                settings: Settings) -> None:  # fmt: skip
    send(desk, three)
    session.query(OutboxMessage).update({"state": "sent"})
    session.commit()
    desk.do(service.cancel_place, desk.person("ann@example.org", three[2]), reason="")
    session.query(OutboxMessage).filter_by(state="due").update({"state": "sent"})
    session.commit()
    desk.do(service.delete_own_data, desk.person("ann@example.org", three[2]))
    assert told(desk) == []


def test_only_open_events_can_be_chosen(someone: Callable[[], Person], three: list[Event], week: Programme,
                                        session: Session) -> None:  # fmt: skip
    make_event(session, slug="closed", title="Closed to all", programme=week, booking="none")
    make_event(session, slug="invited", title="Invited alone", programme=week, booking="by_invitation",
               admits="invited")  # fmt: skip
    make_event(session, slug="other", title="Elsewhere")
    session.commit()
    page = someone().open(f"{WEEK}/register")
    assert all(words not in page.words for words in ("Closed to all", "Invited alone", "Elsewhere"))
    page = someone().open(f"{WEEK}/register?event=a&event=closed&event=invited&event=nonsense")
    assert page.heading == "Register for 1 event" and "3 events that you chose take nobody" in page.words
    assert someone().open(f"{WEEK}/register?event=closed", 422).heading == "Which events do you want to go to?"
    back = someone().open(f"{WEEK}/register?event=a&event=b").follow("Change which events")
    assert re.findall(r'value="(\w)" checked', back.answer.text) == ["a", "b"]


def test_too_many_at_once_and_an_address_that_is_not_admitted(
    someone: Callable[[], Person], week: Programme, session: Session
) -> None:
    for number in range(service.AT_ONCE_MAX + 1):
        make_event(session, slug=f"n{number}", title=f"Number {number}", programme=week)
    make_event(session, slug="inside", title="Inside", programme=week, admits="domains",
               admitted_domains=["gov.scot"])  # fmt: skip
    session.commit()
    many = "&".join(f"event=n{number}" for number in range(service.AT_ONCE_MAX + 1))
    assert "Choose at most 20 events" in someone().open(f"{WEEK}/register?{many}", 422).words
    page = someone().open(f"{WEEK}/register?event=n1&event=inside").fill(**ABOUT, if_full="wait")
    page.press("Register for 2 events", 422)
    assert "This event is for people whose email address ends in gov.scot" in page.words
    assert session.query(Registration).count() == 0, "all or nothing where something must be corrected"
    assert 'value="Ann Example"' in page.answer.text

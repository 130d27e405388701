"""What staff do with people: write to them, correct them, move them, and put two registrations together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event, make_programme
from tests.journeys.person import Person
from tests.registration.conftest import Desk, invitation
from workshops.audit.models import AuditEntry
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.messages.models import OutboxMessage
from workshops.registration import service
from workshops.registration.models import Needs, Registration
from workshops.registration.rules.writing import FIELDS, check_fields, filled_in
from workshops.registration.service.by_staff import mailbox_of
from workshops.registration.service.writing import A_DAY
from workshops.schedule import service as schedule
from workshops.schedule.models import Event


@pytest.fixture
def event(session: Session, desk: Desk) -> Event:
    """Two places: Ann and Ben have them, Cat waits."""
    made = make_event(session, slug="table", title="A round-table", capacity_in_person=2)
    for name in ("ann", "ben", "cat"):
        desk.clock.advance(minutes=1)
        desk.register(made, f"{name}@example.org", name=f"{name.capitalize()} Example", if_full="wait")
    desk.deliver()
    return made


@pytest.fixture
def organiser(staff: Callable[..., FormClient]) -> Person:
    return Person(staff("organiser", email="organiser@example.org", name="Olivia Example"))


# --- writing ------------------------------------------------------------------------------------------------------


@given(st.text(), st.dictionaries(st.sampled_from(list(FIELDS)), st.text(), max_size=5))
def test_only_known_fields_are_filled_in_and_nothing_twice(text: str, values: dict[str, str]) -> None:
    try:
        check_fields(text, "message")
    except DomainError as error:
        assert error.field == "message"
        return
    filled = filled_in(text, dict.fromkeys(FIELDS, "\x01"))
    assert not any("{" + name + "}" in filled for name in FIELDS)
    assert filled_in("{name}", {"name": "{event}"}) == "{event}", "what is filled in is not looked at again"


@pytest.mark.parametrize("text", ["{{7*7}}", "{0.__class__}", "{email}", "{ name }", "{}"])
def test_what_looks_like_a_template_is_refused_in_words(text: str) -> None:
    with pytest.raises(DomainError, match="is not a field. These are: {name}, {event}"):
        check_fields(text, "message")


def test_a_message_is_looked_at_tried_and_sent_to_each_alone(
    organiser: Person, session: Session, desk: Desk, event: Event
) -> None:
    page = organiser.open("/staff/events/table/people").follow("Write to people")
    assert "Everybody with a place 2 people" in page.words and "Who is on the waiting list 1 person" in page.words
    page.fill(audience="places", subject="{event}: the lift", message="Dear {nam},").press("Look at it", 422)
    assert "{nam} is not a field." in page.words
    page.fill(message="Dear {name},\n\nyour reference is {reference} <b>.").press("Look at it")
    assert "A round-table: the lift" in page.words and "Dear Example Person," in page.words
    assert "Send to 2 people" in page.answer.text and desk.kinds() .count("from_organiser") == 0
    page.press("Send a test to me")
    assert "A test is on its way to you." in page.words
    (test,) = [mail for mail in desk.mails() if mail.kind.endswith("from_organiser")]
    assert (test.to_email, test.subject) == ("organiser@example.org", "Test: A round-table: the lift")
    page.press("Send to 2 people")
    assert "The message goes to 2 people, each in an email of their own." in page.words
    sent = [mail for mail in desk.mails() if mail.kind.endswith("from_organiser")][1:]
    assert sorted(mail.to_email for mail in sent) == ["ann@example.org", "ben@example.org"]
    for mail in sent:
        person = desk.person(mail.to_email)
        assert f"Dear {person.name},\n\nyour reference is {person.reference} <b>." in mail.body_text
        assert "&lt;b&gt;" in mail.body_html and mail.calendar is None
        others = {"Ann", "Ben", "Cat"} - {person.name.split()[0]}
        assert not any(other in mail.body_text for other in others)
    entry = session.query(AuditEntry).filter_by(action="people_written_to").one()
    assert (entry.reason, entry.actor_kind) == ("places, 2", "staff")


def test_what_changed_since_it_was_looked_at_is_looked_at_again(
    organiser: Person, desk: Desk, event: Event
) -> None:
    page = organiser.open("/staff/events/table/people/write")
    page.fill(audience="waiting", subject="News", message="Soon.").press("Look at it")
    desk.register(event, "dan@example.org", name="Dan Example", if_full="wait")
    page.press("Send to 1 person")
    assert "so to 2 people" in page.words and "from_organiser" not in desk.kinds()
    page.fill(message="Sooner.").press("Send to 2 people")
    assert "Sooner." in page.words and "from_organiser" not in desk.kinds()
    page.press("Send to 2 people")
    assert desk.kinds().count("from_organiser") == 2


def write(desk: Desk, event: Event, key: str = "k", audience: str = "places") -> int:
    with transaction() as session:
        return service.message_people(
            session, event_id=event.id, audience=audience, subject="News", message="Soon.", form_key=key,
            now=desk.clock.now, settings=desk.settings, actor=desk.actor,
        )


def test_nobody_gets_it_twice_and_there_is_a_limit(desk: Desk, event: Event, clock: FakeClock) -> None:
    assert (write(desk, event), write(desk, event)) == (2, 0)
    for number in range(A_DAY - 1):
        write(desk, event, f"k{number}")
    with pytest.raises(DomainError, match="within a day"):
        write(desk, event, "one more")
    clock.advance(hours=25)
    assert write(desk, event, "tomorrow") == 2
    with pytest.raises(DomainError, match="Nobody is there"):
        write(desk, event, "nobody", "requested")


def test_who_left_before_it_goes_out_does_not_get_it(session: Session, desk: Desk, event: Event) -> None:
    write(desk, event)
    desk.do(service.cancel_place, desk.person("ann@example.org"), reason="")
    goes = {
        mail.to_email: service.reason_not_to_send(session, mail, desk.clock.now) is None
        for mail in desk.mails() if mail.kind.endswith("from_organiser")
    }  # fmt: skip
    assert goes == {"ann@example.org": False, "ben@example.org": True}


# --- correcting ---------------------------------------------------------------------------------------------------


def test_a_corrected_address_gets_everything_and_the_old_one_nothing_more(
    organiser: Person, someone: Callable[[], Person], desk: Desk, event: Event
) -> None:
    old = desk.link("ann@example.org")
    ann = desk.person("ann@example.org")
    page = organiser.open(f"/staff/events/table/people/{ann.id}").follow("Correct")
    page.fill(email="ben@example.org").press("Save the changes", 422)
    assert "Somebody with this address is registered for this event already" in page.words
    page.fill(email="anna@example.org", name="Anna Example", organisation="A council").press("Save the changes")
    assert page.heading == "Anna Example" and "A council" in page.words
    assert "Address corrected, and older links ended" in page.words
    (mail,) = desk.mails("anna@example.org")
    method, vevent = invitation(mail)
    assert mail.kind.endswith("place_confirmed") and method == "REQUEST"
    assert "anna@example.org" in str(vevent["ATTENDEE"]).lower()
    someone().open(old, 404)
    assert someone().open(desk.link("anna@example.org")).heading == "You have a place"


def test_a_mail_that_still_waits_goes_to_the_new_address_alone(session: Session, desk: Desk) -> None:
    event = make_event(session, slug="fresh")
    desk.register(event, "wrong@example.org")
    who = desk.person("wrong@example.org")
    desk.do(service.correct_person, who, actor=desk.actor,
            correction=service.Correction(name=who.name, email="right@example.org"))  # fmt: skip
    assert [mail.state for mail in desk.mails("wrong@example.org")] == ["cancelled"]
    assert [mail.state for mail in desk.mails("right@example.org")] == ["due"]
    # what stays the same tells nobody
    desk.do(service.correct_person, who, actor=desk.actor,
            correction=service.Correction(name="Other Name", email="Right@Example.org"))  # fmt: skip
    assert len(desk.mails("right@example.org")) == 1 and desk.person("right@example.org").name == "Other Name"


# --- moving -------------------------------------------------------------------------------------------------------


def test_somebody_is_moved_to_another_event_that_the_same_people_run(
    organiser: Person, session: Session, desk: Desk, event: Event
) -> None:
    session.rollback()
    week = make_programme(session, "Example Week")
    session.get_one(Event, event.id).programme_id = week.id
    other = make_event(session, slug="other", title="Another table", programme_id=week.id, capacity_in_person=1,
                       starts_at=event.sort_at + timedelta(days=1), admits="domains",
                       admitted_domains=["gov.scot"])  # fmt: skip
    make_event(session, slug="elsewhere", title="Elsewhere")
    session.commit()
    ann, ben = desk.person("ann@example.org"), desk.person("ben@example.org")
    page = organiser.open(f"/staff/events/table/people/{ann.id}").follow("Move to another event")
    assert "Another table" in page.words and "Elsewhere" not in page.words
    page.press("Move them, and tell them", 422)
    page.fill(to=str(other.id)).press("Move them, and tell them")
    assert "They are moved, and told by email." in page.words and page.path.startswith("/staff/events/other/")
    assert desk.states(event) == {"ann": "cancelled", "ben": "confirmed", "cat": "offered"}
    assert desk.states(other) == {"ann": "confirmed"}
    assert desk.kinds("ann@example.org")[-2:] == ["place_cancelled", "place_confirmed"]
    page.open(f"/staff/events/table/people/{ben.id}/move").fill(to=str(other.id), if_full="leave")
    page.press("Move them, and tell them", 422)
    page.fill(if_full="wait").press("Move them, and tell them")
    assert desk.states(other) == {"ann": "confirmed", "ben": "waiting"}


# --- the same person twice ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one, two, same",
    [("ann.example@example.org", "annexample@example.org", True), ("ann+x@example.org", "ann@example.org", True),
     ("ann@googlemail.com", "ann@gmail.com", True), ("ann@example.org", "ann@example.com", False),
     ("anna@example.org", "ann@example.org", False)],
)  # fmt: skip
def test_mailboxes_that_are_the_same_most_likely(one: str, two: str, same: bool) -> None:
    assert (mailbox_of(one) == mailbox_of(two)) is same


def test_two_registrations_become_one_with_the_better_place(
    organiser: Person, session: Session, desk: Desk, event: Event
) -> None:
    desk.register(event, "c.at+work@example.org", name="Cat  Éxample", if_full="wait", access_needs="A ramp",
                  organisation="A council")  # fmt: skip
    desk.deliver()
    page = organiser.open("/staff/events/table/people").follow("Registered twice?")
    assert "cat@example.org" in page.words and "The addresses lead to the same mailbox, most likely" in page.words
    page.follow("Compare")
    page.press("Put them together", 422)
    cat = desk.person("cat@example.org")
    page.fill(keep=str(cat.id)).press("Put them together")
    assert "The two are one now" in page.words and "A council" in page.words
    assert desk.states(event) == {"ann": "confirmed", "ben": "confirmed", "cat": "waiting", "c.at+work": "cancelled"}
    assert [mail.kind for mail in desk.mails("cat@example.org")][1:] == ["registration/on_waiting_list"]
    assert len(desk.mails("c.at+work@example.org")) == 1, "one mail, to the address that stays"
    assert session.get_one(Needs, cat.id).access_needs == "A ramp"
    # the guess is gone, and nothing can be merged twice
    assert "Nobody seems to be registered twice." in page.open("/staff/events/table/people/twice").words


def test_the_place_that_is_left_goes_to_the_next(session: Session, desk: Desk, event: Event) -> None:
    ann, ben = desk.person("ann@example.org"), desk.person("ben@example.org")
    with transaction() as writing:
        service.merge_people(writing, keep_id=ben.id, other_id=ann.id, now=desk.clock.now, settings=desk.settings,
                             actor=desk.actor)  # fmt: skip
    assert desk.states(event) == {"ann": "cancelled", "ben": "confirmed", "cat": "offered"}
    with pytest.raises(DomainError, match="not registered any more"), transaction() as writing:
        service.merge_people(writing, keep_id=ben.id, other_id=ann.id, now=desk.clock.now, settings=desk.settings,
                             actor=desk.actor)  # fmt: skip


def test_who_waits_takes_the_place_of_their_other_self(session: Session, desk: Desk, event: Event) -> None:
    ann, cat = desk.person("ann@example.org"), desk.person("cat@example.org")
    with transaction() as writing:
        service.merge_people(writing, keep_id=cat.id, other_id=ann.id, now=desk.clock.now, settings=desk.settings,
                             actor=desk.actor)  # fmt: skip
    assert desk.states(event) == {"ann": "cancelled", "ben": "confirmed", "cat": "confirmed"}
    method, vevent = invitation(desk.mails("cat@example.org")[-1])
    assert method == "REQUEST" and "cat@example.org" in str(vevent["ATTENDEE"])


def test_everything_says_who_and_when(staff: Callable[..., FormClient], session: Session, desk: Desk, event: Event,
                                      clock: FakeClock) -> None:  # fmt: skip
    browser = staff("organiser")
    ann = desk.person("ann@example.org")
    Person(browser).open(f"/staff/events/table/people/{ann.id}/correct").fill(name="Anna").press("Save the changes")
    session.rollback()
    entry = session.query(AuditEntry).filter_by(action="details_changed").one()
    assert (entry.actor_kind, entry.actor_id, entry.at) == ("staff", browser.account_id, clock.now)  # type: ignore[attr-defined]
    assert "Anna" not in f"{entry.fields}{entry.reason}"
    assert session.query(Registration).count() == 3 and session.query(OutboxMessage).count() == 3
    assert schedule.details_of(session, session.get_one(Event, event.id)).title == "A round-table"

"""Who may register: people at certain domains, and people invited by their addresses. On both engines."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_event, make_host, make_registration
from tests.registration.conftest import Desk
from workshops.audit.models import AuditEntry
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.registration import service
from workshops.registration.models import Invitee
from workshops.registration.rules.invitees import read_people
from workshops.registration.service import erase_expired, move_place
from workshops.schedule.models import Event, Series
from workshops.schedule.rules.audience import admission, is_by_invitation, who_may_register
from workshops.wiring import SEND_CHECKS

PASTED = """Ann Example <ann@example.org>
bob@example.org, "Example, Cat" <CAT@example.org>; nobody at all
ANN@example.org
dan@example"""


def invite(session: Session, event: Event, *emails: str) -> None:
    for email in emails:
        session.add(Invitee(event_id=event.id, email=email, email_key=email.lower(), invited_at=event.created_at))
    session.commit()


def by_invitation(session: Session, **more: Any) -> Event:
    return make_event(session, **{"slug": "a-supper", "booking": "by_invitation", "capacity_in_person": 5, **more})


def send(client: FormClient, email: str, slug: str = "a-supper", **more: Any) -> Any:
    return client.send(f"/events/{slug}/register", {"name": "Ann Example", "email": email, **more})


# --- domains -------------------------------------------------------------------------------------------------


def test_the_page_says_who_may_register_and_other_addresses_are_told_why(
    client: FormClient, session: Session, desk: Desk
) -> None:
    host = make_host(session)
    host.contact_email = "host@example.org"
    make_event(session, slug="a-supper", admits="domains", admitted_domains=["gov.scot", "nhs.scot"], host_id=host.id)
    for path in ("/events/a-supper", "/events/a-supper/register"):
        assert "people whose email address ends in gov.scot or nhs.scot" in client.get(path).text
    refused = send(client, "ann@example.org", organisation="Typed")
    assert refused.status_code == 422 and "Typed" in refused.text
    assert "ends in gov.scot or nhs.scot. Use your address there." in refused.text
    assert "write to host@example.org" in refused.text
    assert re.search(r'<a[^>]*href="#email"', refused.text), "the error leads to the address"
    for email in ("ann@gov.scot", "bob@health.gov.scot", "CAT@NHS.SCOT"):
        assert send(client, email).location == "/events/a-supper/registered/place"
    for email in ("x@notgov.scot", "x@gov.scot.example.org"):
        assert send(client, email).status_code == 422
    assert len(desk.mails()) == 3


def test_an_address_elsewhere_is_answered_alike_whether_it_is_registered_or_not(
    client: FormClient, session: Session, desk: Desk
) -> None:
    event = make_event(session, slug="a-supper", admits="domains", admitted_domains=["gov.scot"])
    make_registration(session, event, email="known@example.org")
    pages = [re.sub(r"known|other|value=\"[^\"]*\"", "", send(client, f"{who}@example.org").text)
             for who in ("known", "other")]  # fmt: skip
    assert pages[0] == pages[1] and desk.mails() == []


def test_a_closed_event_says_so_first(client: FormClient, session: Session) -> None:
    make_event(session, slug="a-supper", admits="domains", admitted_domains=["gov.scot"], booking="closed")
    assert "Registration for this event is closed" in send(client, "ann@example.org").text


def test_staff_are_not_bound(session: Session, staff: Any, desk: Desk) -> None:
    make_event(session, slug="a-supper", admits="domains", admitted_domains=["gov.scot"])
    by_invitation(session, slug="b-supper")
    browser = staff("admin")
    for slug in ("a-supper", "b-supper"):
        sent = browser.send(f"/staff/events/{slug}/people/add", {"name": "Ann", "email": "ann@example.org"})
        assert sent.status_code == 303
    assert desk.kinds() == ["place_confirmed", "place_confirmed"]


# --- by invitation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"booking": "by_invitation"}, {"booking": "first_come", "admits": "invited"}])
def test_who_is_invited_cannot_be_found_out(
    client: FormClient, session: Session, desk: Desk, how: dict[str, Any]
) -> None:
    event = by_invitation(session, **how)
    invite(session, event, "ann@example.org")
    make_registration(session, event, email="here@example.org")
    page = client.get("/events/a-supper").text
    assert "By invitation" in page and "Register with your invitation" in page and "places left" not in page
    form = client.get("/events/a-supper/register").text
    assert "This event is by invitation. Register with the email address that was invited." in form
    before = client.get("/events/a-supper").headers["ETag"]
    answers = []
    for email in ("ann@example.org", "other@example.org", "here@example.org"):
        sent = send(client, email)
        answers.append((sent.status_code, sent.location, sent.data, sorted(sent.headers.keys())))
    assert answers[0] == answers[1] == answers[2] and answers[0][:2] == (303, "/events/a-supper/registered/place")
    assert client.get("/events/a-supper").headers["ETag"] == before, "a place that goes moves nothing public"
    receipt = client.get(answers[0][1]).text
    assert "If this address is invited, we have emailed your place" in receipt
    assert desk.kinds("ann@example.org") == ["place_confirmed"]
    assert desk.kinds("other@example.org") == ["not_invited"]
    assert desk.kinds("here@example.org") == ["already_registered"]
    assert desk.states(event) == {"here": "confirmed", "ann": "confirmed"}


def test_who_is_not_invited_hears_of_it_once_an_hour_and_nothing_is_kept(
    client: FormClient, session: Session, desk: Desk
) -> None:
    event = by_invitation(session)
    for _ in range(3):
        assert send(client, "other@example.org").status_code == 303
    (mail,) = desk.mails()
    assert "this address is not on its list" in mail.body_text and mail.calendar is None
    assert "Ann Example" not in mail.body_text + mail.to_name, "what was typed is not repeated"
    assert "other" not in mail.dedupe_key and desk.states(event) == {}
    desk.clock.now += timedelta(hours=1)
    send(client, "other@example.org")
    assert desk.kinds() == ["not_invited", "not_invited"]
    assert session.scalars(select(AuditEntry.action)).all() == []


def test_people_at_an_admitted_domain_are_invited_too(client: FormClient, session: Session, desk: Desk) -> None:
    by_invitation(session, admitted_domains=["gov.scot"])
    assert "or with one that ends in gov.scot" in client.get("/events/a-supper/register").text
    send(client, "ann@health.gov.scot")
    assert desk.kinds() == ["place_confirmed"]


def test_an_event_that_is_full_answers_everybody_alike(client: FormClient, session: Session, desk: Desk) -> None:
    event = by_invitation(session, capacity_in_person=1)
    invite(session, event, "ann@example.org")
    make_registration(session, event)
    for email in ("ann@example.org", "other@example.org"):
        asked = send(client, email)
        assert asked.status_code == 422 and "Choose whether to join the waiting list" in asked.text
        assert send(client, email, if_full="wait").location == "/events/a-supper/registered/waiting"
    assert desk.kinds("ann@example.org") == ["on_waiting_list"] and desk.kinds("other@example.org") == ["not_invited"]
    receipt = client.get("/events/a-supper/registered/waiting").text
    assert "If this address is invited, it is on the waiting list" in receipt


def test_by_approval_and_invited_asks_for_a_place(client: FormClient, session: Session, desk: Desk) -> None:
    event = by_invitation(session, booking="by_approval", admits="invited")
    invite(session, event, "ann@example.org")
    for email in ("ann@example.org", "other@example.org"):
        assert send(client, email).location == "/events/a-supper/registered/requested"
    assert desk.states(event) == {"ann": "requested"} and desk.kinds("other@example.org") == ["not_invited"]


def test_moving_to_another_date_asks_who_may_come_there(session: Session, desk: Desk, client: FormClient) -> None:
    series = Series(title="Suppers", created_at=desk.clock.now)
    session.add(series)
    session.flush()
    first = make_event(session, series_id=series.id)
    second = by_invitation(session, series_id=series.id)
    third = make_event(session, series_id=series.id, admits="domains", admitted_domains=["gov.scot"])
    person = make_registration(session, first, email="ann@example.org")
    id, closed, other = person.id, second.id, third.id
    for target, words in ((closed, "is not on its list"), (other, "ends in gov.scot")):
        with pytest.raises(Exception, match=words):
            desk.do(move_place, id, to_event_id=target)
    desk.do(service.resend_link, id)
    link = desk.link()
    assert "Move to another date" not in client.get(link).text
    invite(session, second, "ann@example.org")
    assert "Move to another date" in client.get(link).text
    desk.do(move_place, id, to_event_id=closed)
    assert desk.person(event=second).state == "confirmed"


# --- the list ------------------------------------------------------------------------------------------------


def test_people_are_looked_at_before_they_are_added_and_told_once(
    session: Session, desk: Desk, staff: Any, client: FormClient
) -> None:
    event = by_invitation(session)
    make_registration(session, event, email="bob@example.org")
    browser = staff("organiser")
    path = "/staff/events/a-supper/invited"
    assert "Nobody is invited yet." in browser.get(path).text
    assert "Enter at least one email address" in browser.send(path, {"people": "", "action": "check"}).text
    looked = browser.send(path, {"people": PASTED, "action": "check"})
    assert looked.status_code == 200
    for words in ("Will be added", "Will be added. Is registered already", "Stands here more than once",
                  "There is no email address in this", "Enter an email address in the correct format",
                  "2 lines cannot be used", "Add 3 people", "Example, Cat"):  # fmt: skip
        assert words in looked.text, words
    assert session.scalars(select(Invitee)).all() == [] and desk.mails() == []
    unsaid = browser.send(path, {"people": PASTED, "action": "add"})
    assert unsaid.status_code == 422 and "Choose whether to email the people you add" in unsaid.text
    assert "nobody at all" in unsaid.text, "what was typed stays"
    for _ in range(2):  # a second press adds and tells nobody
        assert browser.send(path, {"people": PASTED, "action": "add", "tell": "yes"}).status_code == 303
    assert sorted(mail.to_email for mail in desk.mails()) == ["CAT@example.org", "ann@example.org", "bob@example.org"]
    assert set(desk.kinds()) == {"invited"}
    page = browser.get(path).text
    figures = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert (figures["Invited"], figures["Emailed"], figures["Registered since"]) == ("3", "3", "1")
    (mail,) = desk.mails("ann@example.org")
    assert "/events/a-supper/register" in mail.body_text and mail.calendar is None and "Hello Ann" in mail.body_text
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "people_invited")).all()
    assert [entry.reason for entry in entries] == ["3 added, 3 told"]


def test_a_list_made_without_telling_is_told_later_each_once(session: Session, desk: Desk, staff: Any) -> None:
    event = by_invitation(session, state="draft")
    browser = staff("organiser")
    path = "/staff/events/a-supper/invited"
    looked = browser.send(path, {"people": "ann@example.org\nbob@example.org", "action": "check"})
    assert "so nobody is emailed now" in looked.text and 'name="tell"' not in looked.text
    browser.send(path, {"people": "ann@example.org\nbob@example.org", "action": "add", "tell": "yes"})
    assert desk.mails() == [], "a draft has no page to register on"
    browser.send(f"{path}/tell")
    assert desk.mails() == [] and "Publish the event first" in browser.get(path).text
    desk.event(event).state = "published"
    session.commit()
    for _ in range(2):
        assert "Email the invitation to 2 people" in browser.get(path).text or desk.mails()
        browser.send(f"{path}/tell")
    assert sorted(mail.to_email for mail in desk.mails()) == ["ann@example.org", "bob@example.org"]


def test_one_person_is_told_again_and_one_is_taken_off(session: Session, desk: Desk, staff: Any) -> None:
    event = by_invitation(session)
    invite(session, event, "ann@example.org", "bob@example.org")
    ann, bob = session.scalars(select(Invitee.id).order_by(Invitee.id)).all()
    browser = staff("organiser")
    path = "/staff/events/a-supper/invited"
    for _ in range(3):  # pressed three times in a minute: the first mail and one more
        browser.send(f"{path}/{ann}/tell")
    assert desk.kinds("ann@example.org") == ["invited", "invited"]
    message = desk.mails("ann@example.org")[0]
    check = SEND_CHECKS["invitee"]
    assert message.about_kind == "invitee" and check(session, message, desk.clock.now) is None
    session.rollback()
    assert browser.send(f"{path}/{ann}/remove").status_code == 303
    assert "no longer on the list" in (check(session, message, desk.clock.now) or "")
    session.rollback()
    assert browser.send(f"{path}/{ann}/remove").status_code == 404
    assert [one.id for one in session.scalars(select(Invitee))] == [bob]


def test_who_was_taken_off_keeps_the_place_they_have(client: FormClient, session: Session, desk: Desk) -> None:
    event = by_invitation(session)
    invite(session, event, "ann@example.org")
    send(client, "ann@example.org")
    with transaction() as writing:
        writing.delete(writing.scalars(select(Invitee)).one())
    page = client.get(desk.link()).text
    assert "You have a place" in page
    desk.do(service.cancel_place, desk.person())
    assert "Register for this event again" not in client.get(desk.link()).text


def test_lists_are_forgotten_like_people(session: Session, desk: Desk) -> None:
    event = by_invitation(session)
    with transaction() as writing:
        service.invite_people(writing, event_id=event.id, text="ann@example.org", tell=True, now=desk.clock.now,
                              settings=desk.settings, actor=COMMAND)  # fmt: skip
    soon, late = event.over_at + timedelta(days=364), event.over_at + timedelta(days=365)
    for when, dry_run, number in ((soon, False, 0), (late, True, 1), (late, False, 1), (late, False, 0)):
        with transaction() as writing:
            assert erase_expired(writing, now=when, dry_run=dry_run)["people invited"] == number
    assert session.scalars(select(Invitee)).all() == [] and desk.mails() == []


def test_ten_thousand_addresses_are_refused_in_words(session: Session, staff: Any) -> None:
    by_invitation(session)
    browser = staff("organiser")
    many = "\n".join(f"a{number}@example.org" for number in range(1001))
    answer = browser.send("/staff/events/a-supper/invited", {"people": many, "action": "check"})
    assert answer.status_code == 422 and "1,000 addresses or fewer" in answer.text
    huge = browser.send("/staff/events/a-supper/invited", {"people": "a@example.org " * 9000, "action": "add"})
    assert huge.status_code == 422 and "1,000 addresses or fewer" in huge.text


# --- rules ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("ann@example.org", [("ann@example.org", "")]),
        ("Ann Example <ann@example.org>", [("ann@example.org", "Ann Example")]),
        ('"Example, Ann" <a@example.org>, b@example.org', [("a@example.org", "Example, Ann"), ("b@example.org", "")]),
        ("Example, Ann <a@example.org>; B b@example.org", [("a@example.org", "Example, Ann"), ("b@example.org", "B")]),
        ("a@example.org b@example.org\tc@example.org", [(f"{who}@example.org", "") for who in "abc"]),
        ("Ann Example\tann@example.org\r\n\r\n", [("ann@example.org", "Ann Example")]),
        ("mailto:ann@example.org", [("ann@example.org", "")]),
        (" , ;\n", []),
    ],
)
def test_pasted_people_are_read(text: str, people: list[tuple[str, str]]) -> None:
    assert [(one.email, one.name) for one in read_people(text)] == people


@pytest.mark.parametrize(
    "text", ["Ann", "ann@", "@example.org", "ann@@example.org", "<>", "a\u202eb@example.org x", "x" * 5000]
)
def test_what_is_no_address_is_said(text: str) -> None:
    (one,) = read_people(text)
    assert one.problem and len(one.text) <= 100


def test_who_may_register_in_words() -> None:
    assert is_by_invitation("first_come", "invited") and not is_by_invitation("none", "invited")
    assert who_may_register("first_come", "anyone", []) == ""
    assert who_may_register("elsewhere", "domains", ["gov.scot"]) == ""
    values: dict[str, Any] = {
        "booking": "first_come", "admits": "domains", "domains": ["gov.scot"], "is_on_list": False,
    }
    assert admission(email="a@health.gov.scot", **values) == "in"
    assert admission(email="a@example.org", **values) == "elsewhere"
    assert admission(email="a@example.org", **{**values, "domains": []}) == "in"
    assert admission(email="a@example.org", **{**values, "booking": "by_invitation"}) == "not_invited"

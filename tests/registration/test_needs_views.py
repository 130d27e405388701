"""The pages of needs: numbers first, names after a second press that is written down, and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event
from tests.registration.conftest import Desk
from workshops.accounts.models import Account
from workshops.audit.models import AuditEntry
from workshops.audit.rules import staff as by_staff
from workshops.core.db import transaction
from workshops.registration import service
from workshops.schedule.models import Event

Staff = Callable[..., FormClient]
WORDS = ("Ann Example", "near the window", "Bea Example")


@pytest.fixture
def event(session: Session, desk: Desk) -> Event:
    made = make_event(session)
    desk.register(made, access_needs="BSL interpreter, near the window", dietary_needs="Vegetarian")
    desk.register(made, "bea@example.org", name="Bea Example", access_needs="BSL", dietary_needs="vegetarian")
    return made


def looks(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).where(AuditEntry.action == "needs_seen")) or 0


def test_numbers_come_first_and_names_after_a_press_that_is_written_down(
    staff: Staff, session: Session, event: Event, clock: FakeClock
) -> None:
    browser, path = staff("organiser"), f"/staff/events/{event.slug}/needs"
    page = browser.get(path).text
    assert "BSL interpreter" in page and "2 to do" in page and "2 people have told us something" in page
    assert not any(words in page for words in WORDS) and looks(session) == 0
    for elsewhere in (f"/staff/events/{event.slug}/people", f"{path}/interpreter/answer"):
        shown = browser.get(elsewhere).text
        assert "near the window" not in shown and ("BSL" not in shown or elsewhere.endswith("answer"))
    numbered = browser.get(f"{path}/interpreter/answer").text
    assert "Ann Example" not in numbered and "Person 2: to do" in numbered, "until names are asked for"
    asked = browser.send(path)
    assert asked.status_code == 303
    shown = browser.get(asked.location).text
    assert all(words in shown for words in WORDS) and looks(session) == 1
    assert "nobody has read yet" not in shown
    assert "Ann Example" in browser.get(f"{path}/interpreter/answer").text
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "needs_seen")).one()
    assert (entry.actor_id, entry.event_id, entry.fields, entry.reason) == (
        browser.account_id, event.id, "", "",  # type: ignore[attr-defined]
    )
    browser.send(f"{path}/hide")
    assert not any(words in browser.get(path).text for words in WORDS)
    browser.send(path)
    clock.now += timedelta(minutes=16)
    assert not any(words in browser.get(path).text for words in WORDS), "shown for a short time"
    assert looks(session) == 2


def test_names_that_are_shown_belong_to_one_event_and_one_account(
    staff: Staff, session: Session, event: Event, desk: Desk
) -> None:
    other = make_event(session, slug="another")
    desk.register(other, access_needs="near the window")
    browser, slugs = staff("organiser"), [event.slug, other.slug]
    browser.send(f"/staff/events/{slugs[0]}/needs")
    assert "near the window" not in browser.get(f"/staff/events/{slugs[1]}/needs").text
    session.rollback()
    with browser.session_transaction() as cookie:
        kept = cookie["needs_shown"]
    someone_else = staff("organiser")
    with someone_else.session_transaction() as cookie:
        cookie["needs_shown"] = kept
    assert "near the window" not in someone_else.get(f"/staff/events/{slugs[0]}/needs").text


def test_needs_have_a_permission_of_their_own(staff: Staff, session: Session, event: Event) -> None:
    browser, path = staff("organiser"), f"/staff/events/{event.slug}/needs"
    browser.send(path)
    person = f"/staff/events/{event.slug}/people"
    assert "Access and food needs" in browser.get(person).text
    session.rollback()
    session.execute(update(Account).values(sees_needs=False))
    session.commit()
    for address in (path, f"{path}/interpreter/answer"):
        assert browser.get(address).status_code == browser.send(address).status_code == 403
    assert browser.send(f"{path}/hide").status_code == 403
    assert "Access and food needs" not in browser.get(person).text
    assert "need" not in browser.get("/staff/").text.split("Needs your attention")[-1].split("<h2>")[0].lower()
    for role in ("viewer", "facilitator"):
        assert staff(role).send(path).status_code == 403
    assert looks(session) == 1


def test_an_admin_gives_and_takes_the_permission(staff: Staff, session: Session) -> None:
    organiser = staff("organiser")
    account = session.get_one(Account, organiser.account_id)  # type: ignore[attr-defined]
    admin, path = staff("admin"), f"/staff/accounts/{account.id}"
    fields = {"name": account.name, "role": account.role, "is_active": "yes"}
    assert admin.send(path, fields).status_code == 303
    for answer in ("no", "yes"):
        assert admin.send(path, {**fields, "sees_needs": answer}).status_code == 303
        session.rollback()
        assert session.get_one(Account, account.id).sees_needs is (answer == "yes")
    changes = session.scalars(select(AuditEntry.fields).where(AuditEntry.action == "account_changed")).all()
    assert changes == ["sees_needs", "sees_needs"]


def test_we_have_arranged_this(
    staff: Staff, session: Session, event: Event, desk: Desk, client: FormClient
) -> None:
    browser, path = staff("organiser"), f"/staff/events/{event.slug}/needs/interpreter/answer"
    desk.deliver()
    page = browser.get(path).text
    assert "10 working days before the event" in page
    assert browser.get(f"/staff/events/{event.slug}/needs/parking/answer").status_code == 404
    ids = [id.split('"')[0] for id in page.split('name="person" value="')[1:]]
    wrong = browser.send(path, {"state": "not_possible", "person": ids[:1], "message": ""})
    assert wrong.status_code == 422 and "Write what people can do instead" in wrong.text
    nobody = browser.send(path, {"state": "arranged", "message": "Kept words"})
    assert nobody.status_code == 422 and "Tick at least one person" in nobody.text and "Kept words" in nobody.text
    assert browser.send(path, {"state": "arranged", "person": ["987654"]}).status_code == 422
    done = browser.send(path, {"state": "arranged", "person": ids[:1], "message": "She stands at the front."})
    assert done.status_code == 303
    overview = browser.get(done.location).text
    assert "One person is told by email" in overview and "1 to do; 1 arranged" in overview
    assert desk.kinds("ann@example.org")[-1] == "need_arranged" and "need_arranged" not in desk.kinds("bea@example.org")
    link = desk.link("ann@example.org")
    place = client.get(link).text
    assert "we have arranged this" in place and "She stands at the front." in place
    data = json.loads(client.get(f"{link}/my-data.json").text)
    assert data["arranged"][0] == {
        "what": "BSL interpreter", "state": "we have arranged this", "told": "She stands at the front.",
    }


def test_what_mails_say_of_needs_is_shown_with_names_alone(
    staff: Staff, session: Session, event: Event, desk: Desk
) -> None:
    with transaction() as write:
        service.answer_need(
            write, event_id=event.id, kind="interpreter", ids=range(1, 1000), state="arranged",
            message="A planted answer",
            now=desk.clock.now, settings=desk.settings, actor=by_staff(1),
        )
    mail = desk.mails("ann@example.org")[-1]
    browser, path = staff("organiser"), f"/staff/events/{event.slug}/messages/{mail.id}"
    shown = browser.get(path).text
    assert "planted answer" not in shown and "BSL" not in shown and "Hold it" in shown
    assert browser.get(f"/staff/messages/{mail.id}/edit").status_code == 303
    person = browser.get(f"/staff/events/{event.slug}/people/{desk.person().id}").text
    assert "planted answer" not in person and "BSL" not in person
    browser.send(f"/staff/events/{event.slug}/needs")
    assert "planted answer" in browser.get(path).text
    assert browser.get(f"/staff/messages/{mail.id}/edit").status_code == 200


def test_that_somebody_changed_their_needs_is_not_in_their_history_for_staff(
    staff: Staff, event: Event, desk: Desk
) -> None:
    changes = service.Changes(name="Ann B", access_needs="captions", dietary_needs="vegan")
    desk.do(service.change_details, desk.person(), changes=changes)
    page = staff("organiser").get(f"/staff/events/{event.slug}/people/{desk.person().id}").text
    assert "Details changed: name" in page and "access needs" not in page and "dietary" not in page


def test_staff_say_what_there_is_to_arrange_for_one_person(
    staff: Staff, session: Session, event: Event, desk: Desk
) -> None:
    browser, person = staff("organiser"), desk.person()
    path = f"/staff/events/{event.slug}/needs/people/{person.id}"
    assert browser.send(path, {f"p{person.id}-kind": ["parking", "nonsense"]}).status_code == 303
    assert browser.send(path, {f"p{person.id}-kind": ["parking"]}).status_code == 303
    page = browser.get(f"/staff/events/{event.slug}/needs").text
    assert "Parking" in page and "1 to do" in page
    assert browser.send(f"/staff/events/{event.slug}/needs/people/987654").status_code == 404


def test_lead_times_are_said_where_people_tell_us(
    session: Session, client: FormClient, desk: Desk, staff: Staff, clock: FakeClock
) -> None:
    far = make_event(session, slug="far", starts_at=clock.now + timedelta(days=40))
    near = make_event(session, slug="near", starts_at=clock.now + timedelta(days=3))
    assert "or captions, tell us by " in client.get(f"/events/{far.slug}/register").text
    assert "Ask all the same: we will try" in client.get(f"/events/{near.slug}/register").text
    desk.register(far)
    assert "or captions, tell us by " in client.get(f"{desk.link()}/change").text
    browser = staff("organiser")
    assert "Tell them that you will try" in browser.get(f"/staff/events/{near.slug}/people/add").text


def test_after_thirty_days_the_page_shows_numbers(
    staff: Staff, session: Session, event: Event, clock: FakeClock
) -> None:
    clock.now = event.over_at + timedelta(days=31)
    session.rollback()
    with transaction() as write:
        service.erase_expired(write, now=clock.now, dry_run=False)
    page = staff("organiser").get(f"/staff/events/{event.slug}/needs").text
    assert "These numbers are what is left" in page and "2 to do" in page
    assert "Show names" not in page and not any(words in page for words in WORDS)

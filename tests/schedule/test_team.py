"""Those who run an event get it into their own calendar, and it stays true there: both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_registration
from workshops.accounts.models import Account
from workshops.audit.rules import COMMAND, person
from workshops.config import Settings
from workshops.core.db import db, transaction
from workshops.messages.models import OutboxMessage
from workshops.registration import service as registration
from workshops.schedule import service
from workshops.schedule.models import Event, RunInvitation
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.rules.team import Told, news_for, places_words
from workshops.schedule.rules.when import When
from workshops.wiring import SEND_CHECKS

STARTS = datetime(2027, 4, 6, 9, tzinfo=UTC)
WHEN = When(starts_at=STARTS, ends_at=STARTS + timedelta(hours=2))
LATER = When(starts_at=STARTS + timedelta(days=7), ends_at=STARTS + timedelta(days=7, hours=2))


class Office:
    """Schedules as staff do, each step a transaction of its own a minute after the one before."""

    def __init__(self, session: Session, settings: Settings, clock: FakeClock) -> None:
        self.session, self.settings, self.clock = session, settings, clock
        self.event_id = 0
        #: Whether the worker has sent everything before the next step.
        self.delivers = True

    def _by(self) -> dict[str, Any]:
        self.clock.now += timedelta(minutes=1)
        if self.delivers:
            db.session().execute(update(OutboxMessage).where(OutboxMessage.state == "due").values(state="sent"))
        return {"now": self.clock.now, "actor": COMMAND, "settings": self.settings}

    def draft(self, **more: Any) -> None:
        details = EventDetails(**{"title": "A round-table", "kind": "round-table", "when": WHEN, **more})
        with transaction() as session:
            self.event_id = service.create_event(session, details=details, **self._by()).event.id

    def change(self, tell: bool | None = False, **more: Any) -> None:
        with transaction() as session:
            event = session.get(Event, self.event_id)
            assert event is not None
            details = replace(service.details_of(session, event), **more)
            service.change_event(session, event_id=event.id, details=details, tell=tell, **self._by())

    def step(self, use_case: Any, **more: Any) -> None:
        with transaction() as session:
            use_case(session, event_id=self.event_id, **more, **self._by())

    def mails(self, account: Account | None = None) -> list[OutboxMessage]:
        self.session.rollback()
        statement = select(OutboxMessage).order_by(OutboxMessage.id)
        if account is not None:
            statement = statement.where(OutboxMessage.to_email == account.email)
        return list(self.session.scalars(statement))

    def kinds(self, account: Account | None = None) -> list[str]:
        return [mail.kind.rpartition("/")[2] for mail in self.mails(account)]

    def calendar(self, account: Account) -> tuple[int, Any] | None:
        """What a calendar program shows after all mails to somebody: the entry with its SEQUENCE, or None.

        It takes an object only when its SEQUENCE is above all it saw before (RFC 5546 2.1.4, the strict reading).
        """
        entry, seen = None, -1
        for mail in self.mails(account):
            if mail.calendar is None:
                continue
            calendar = Calendar.from_ical(mail.calendar)
            (vevent,) = calendar.walk("VEVENT")
            assert str(calendar["METHOD"]) == mail.calendar_method
            attendees = vevent["ATTENDEE"]
            assert not isinstance(attendees, list) and str(attendees) == f"mailto:{account.email}"
            sequence = int(vevent["SEQUENCE"])
            assert sequence > seen, "a stale object"
            seen = sequence
            entry = vevent if mail.calendar_method == "REQUEST" else None
        return None if entry is None else (seen, entry)


@pytest.fixture
def office(session: Session, settings: Settings, clock: FakeClock) -> Office:
    return Office(session, settings, clock)


@pytest.fixture
def olivia(session: Session) -> Account:
    return make_account(session, role="facilitator", email="olivia@example.org", name="Olivia Example")


@pytest.fixture
def finn(session: Session) -> Account:
    return make_account(session, role="facilitator", email="finn@example.org", name="Finn Example")


def test_publishing_invites_owner_and_facilitators_once(office: Office, olivia: Account, finn: Account) -> None:
    office.draft(owner_id=olivia.id, facilitators=(finn.id,), capacity_in_person=20)
    assert office.mails() == [], "a draft tells nobody"
    office.step(service.publish_event)
    assert office.kinds(olivia) == office.kinds(finn) == ["run_invited"]
    for account in (olivia, finn):
        found = office.calendar(account)
        assert found is not None and str(found[1]["SUMMARY"]) == "A round-table"
        assert str(found[1]["STATUS"]) == "CONFIRMED" and found[1]["DTSTART"].dt == STARTS
    mail = office.mails(olivia)[0]
    assert "0 of 20 taken" in mail.body_text and "/staff/events/a-round-table" in mail.body_text


def test_each_change_reaches_their_calendar_once_and_other_changes_do_not(office: Office, olivia: Account) -> None:
    office.draft(owner_id=olivia.id, mode="online", area="Online")
    office.step(service.publish_event)
    office.change(when=LATER)
    office.change(summary="Other words", capacity_online=5)
    office.change(title="A conversation")
    office.change(joining_link="https://meet.example.org/1")
    assert office.kinds(olivia) == ["run_invited", "run_changed", "run_changed", "run_changed"]
    found = office.calendar(olivia)
    assert found is not None and found[1]["DTSTART"].dt == LATER.starts_at
    assert str(found[1]["SUMMARY"]) == "A conversation" and "meet.example.org" in str(found[1]["DESCRIPTION"])
    second = office.mails(olivia)[1].body_text
    assert "before: Tuesday 6 April 2027" in second and "now: Tuesday 13 April 2027" in second
    assert "The way to join online has changed." in office.mails(olivia)[3].body_text


def test_changed_again_before_the_worker_runs_they_get_one_mail_too(office: Office, olivia: Account) -> None:
    office.draft(owner_id=olivia.id)
    office.step(service.publish_event)
    office.change(when=LATER)
    office.delivers = False
    office.change(title="A conversation")
    office.change(area="Fife")

    def going_out() -> list[OutboxMessage]:
        return [mail for mail in office.mails(olivia) if mail.state == "due"]

    (mail,) = going_out()
    assert "before: Tuesday 6 April 2027" in mail.body_text and "A conversation" in mail.body_text
    office.change(title="A round-table", area="", when=WHEN)
    assert going_out() == [], "what was changed back is no news"
    office.change(when=LATER)
    office.step(service.cancel_event, reason="Snow.", tell=False)
    (mail,) = going_out()
    assert mail.kind == "schedule/run_off"


def test_postponed_dated_anew_cancelled_and_reinstated(office: Office, olivia: Account) -> None:
    office.draft(owner_id=olivia.id)
    office.step(service.publish_event)
    office.step(service.postpone_event, reason="The hall is closed.", tell=False)
    assert office.calendar(olivia) is None
    vevent = Calendar.from_ical(office.mails(olivia)[-1].calendar).walk("VEVENT")[0]
    assert str(vevent["STATUS"]) == "CANCELLED"
    office.change(when=LATER)
    found = office.calendar(olivia)
    assert found is not None and found[1]["DTSTART"].dt == LATER.starts_at
    office.step(service.cancel_event, reason="The speaker is ill.", tell=False)
    assert office.calendar(olivia) is None
    office.step(service.reinstate_event, tell=False)
    assert office.calendar(olivia) is not None
    assert office.kinds(olivia) == ["run_invited", "run_off", "run_changed", "run_off", "run_changed"]
    subjects = [mail.subject for mail in office.mails(olivia)]
    assert [words.partition(":")[0] for words in subjects] == [
        "You run", "Postponed", "Takes place after all", "Cancelled", "Takes place after all",
    ]  # fmt: skip


def test_who_no_longer_runs_it_has_it_taken_out_while_the_event_goes_on(
    office: Office, olivia: Account, finn: Account
) -> None:
    office.draft(owner_id=olivia.id, facilitators=(finn.id,))
    office.step(service.publish_event)
    office.change(facilitators=())
    assert office.kinds(finn) == ["run_invited", "run_removed"] and office.calendar(finn) is None
    vevent = Calendar.from_ical(office.mails(finn)[-1].calendar).walk("VEVENT")[0]
    assert "STATUS" not in vevent, "the event goes on (RFC 5546 3.2.5)"
    office.change(owner_id=finn.id)
    assert office.calendar(olivia) is None and office.calendar(finn) is not None
    assert office.kinds(olivia) == ["run_invited", "run_removed"]
    office.step(service.cancel_event, reason="It rains.", tell=False)
    assert office.kinds(olivia) == ["run_invited", "run_removed"], "somebody who does not run it hears no more"


def test_drafts_past_events_and_imports_tell_nobody(
    office: Office, olivia: Account, session: Session, settings: Settings
) -> None:
    office.draft(owner_id=olivia.id)
    office.change(title="Still a draft")
    office.draft(owner_id=olivia.id, when=When(starts_at=datetime(2027, 2, 1, 9, tzinfo=UTC),
                                               ends_at=datetime(2027, 2, 1, 10, tzinfo=UTC)))  # fmt: skip
    office.step(service.publish_event)
    office.change(title="It was like this")
    assert office.mails() == []


def test_closed_accounts_and_those_who_turned_it_off_get_nothing(
    office: Office, olivia: Account, finn: Account, session: Session
) -> None:
    olivia.is_active, finn.calendar_invitations = False, False
    session.commit()
    office.draft(owner_id=olivia.id, facilitators=(finn.id,))
    office.step(service.publish_event)
    office.change(when=LATER)
    assert office.mails() == []
    finn.calendar_invitations = True
    session.commit()
    office.change(title="Now Finn wants it")
    assert office.kinds(finn) == ["run_invited"]


def test_a_mail_that_is_no_longer_true_is_not_sent(office: Office, olivia: Account, session: Session) -> None:
    office.draft(owner_id=olivia.id)
    office.step(service.publish_event)
    (mail,) = office.mails(olivia)
    check = SEND_CHECKS["team"]
    assert mail.about_kind == "team" and check(session, mail, office.clock.now) is None
    olivia.is_active = False
    assert "closed" in (check(session, mail, office.clock.now) or "")
    olivia.is_active, olivia.calendar_invitations = True, False
    assert "turned" in (check(session, mail, office.clock.now) or "")
    session.rollback()
    office.change(owner_id=None)
    (first, second) = office.mails(olivia)
    assert check(session, first, office.clock.now) == "Things have changed since this was written."
    assert check(session, second, office.clock.now) is None


def register(office: Office, account: Account) -> int:
    with transaction() as session:
        registration.register(
            session, event_id=office.event_id, details=registration.Details(name=account.name, email=account.email),
            **{name: value for name, value in office._by().items() if name != "actor"},
        )  # fmt: skip
    office.session.rollback()
    from workshops.registration.models import Registration

    return office.session.scalars(select(Registration.id).order_by(Registration.id.desc())).first() or 0


def test_who_runs_and_is_registered_has_one_true_entry(office: Office, olivia: Account) -> None:
    office.draft(owner_id=olivia.id)
    office.step(service.publish_event)
    id = register(office, olivia)
    assert office.kinds(olivia) == ["run_invited", "place_confirmed"] and office.calendar(olivia) is not None
    # One mail about one change, whichever hat they wear.
    office.change(when=LATER, tell=True)
    assert office.kinds(olivia)[2:] == ["event_changed"]
    found = office.calendar(olivia)
    assert found is not None and found[1]["DTSTART"].dt == LATER.starts_at
    # Others are not told this time; those who run it always are.
    office.change(when=WHEN, tell=False)
    assert office.kinds(olivia)[3:] == ["run_changed"]
    # Giving up the place leaves the entry of who runs it.
    with transaction() as session:
        registration.cancel_place(session, registration_id=id, **{**office._by(), "actor": person(id)})
    assert office.kinds(olivia)[4:] == ["place_cancelled"] and office.mails(olivia)[-1].calendar is None
    found = office.calendar(olivia)
    assert found is not None and found[1]["DTSTART"].dt == STARTS
    # And the other way round: no longer running it leaves the entry of who has a place.
    register(office, olivia)
    office.change(owner_id=None)
    assert office.kinds(olivia)[5:] == ["place_confirmed", "run_removed"]
    assert office.mails(olivia)[-1].calendar is None and "You still have a place" in office.mails(olivia)[-1].body_text
    assert office.calendar(olivia) is not None
    office.step(service.cancel_event, reason="It rains.", tell=True)
    assert office.kinds(olivia)[7:] == ["event_cancelled"] and office.calendar(olivia) is None


def test_names_of_people_are_never_in_these_mails(office: Office, olivia: Account, session: Session) -> None:
    office.draft(owner_id=olivia.id, capacity_in_person=3)
    event = session.get(Event, office.event_id)
    assert event is not None
    make_registration(session, event, name="Zaphira Quillfeather")
    office.step(service.publish_event)
    (mail,) = office.mails(olivia)
    assert "1 of 3 taken" in mail.body_text
    assert b"Zaphira" not in (mail.calendar or b"") and "Zaphira" not in mail.body_text + mail.body_html


def test_one_row_for_each_person_says_what_they_know(office: Office, olivia: Account, session: Session) -> None:
    office.draft(owner_id=olivia.id)
    office.step(service.publish_event)
    for tell in (False, False):
        office.change(when=LATER, tell=tell)
    (row,) = session.scalars(select(RunInvitation))
    assert (row.account_id, row.method, row.told["title"]) == (olivia.id, "REQUEST", "A round-table")
    assert office.kinds(olivia) == ["run_invited", "run_changed"], "saved twice, told once"


def test_the_account_page_turns_it_off_and_on(staff: Any, session: Session) -> None:
    browser: FormClient = staff("facilitator")
    page = browser.get("/staff/account").text
    assert "Send me the events I run as invitations for my calendar" in page and "checked" in page
    assert browser.send("/staff/account", {"change": "calendar"}).status_code == 303
    session.rollback()
    account = session.get(Account, browser.account_id)  # type: ignore[attr-defined]
    assert account is not None and not account.calendar_invitations
    again = browser.send("/staff/account", {"change": "calendar", "calendar_invitations": "yes"})
    assert again.status_code == 303
    session.rollback()
    session.expire_all()
    assert account.calendar_invitations


@pytest.mark.parametrize(
    ("runs", "state", "before", "method", "kind"),
    [
        (True, "draft", None, None, None),
        (True, "published", None, None, "run_invited"),
        (True, "published", "published", "REQUEST", None),
        (True, "published", "published", "CANCEL", "run_invited"),
        (True, "published", "cancelled", "CANCEL", "run_changed"),
        (False, "published", "published", "REQUEST", "run_removed"),
        (False, "published", "published", "CANCEL", None),
        (False, "published", None, None, None),
        (True, "cancelled", "published", "REQUEST", "run_off"),
        (True, "cancelled", "cancelled", "CANCEL", None),
        (True, "cancelled", "postponed", "CANCEL", None),
        (True, "postponed", None, None, None),
    ],
)
def test_what_somebody_gets(runs: bool, state: str, before: str | None, method: Any, kind: str | None) -> None:
    known = Told(before, "A", "then", "there") if before else None
    assert news_for(runs=runs, now=Told(state, "A", "then", "there"), before=known, method=method) == kind


def test_places_in_words() -> None:
    pairs: dict[str, Any] = {"taken": (12, 4), "capacity": (20, None), "waiting": (3, 0)}
    assert places_words(mode="in_person", **pairs) == "12 of 20 taken, 3 waiting"
    assert places_words(mode="hybrid", **pairs) == "In person: 12 of 20 taken, 3 waiting. Online: 4 taken"

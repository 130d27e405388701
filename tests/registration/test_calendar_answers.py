"""What people answer in their own calendar, on both engines: what counts, and what changes nothing."""

from __future__ import annotations

import email
import io
import shutil
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event, sign_in
from tests.messages.test_mailbox import dovecot as dovecot  # noqa: PLC0414 the fixture
from tests.registration.conftest import Desk
from tests.registration.conftest import desk as desk  # noqa: PLC0414 the fixture
from workshops.audit.models import AuditEntry
from workshops.config import Mailbox, Settings
from workshops.core.db import transaction
from workshops.ical.reply import MOST_BYTES, Reply, read_reply
from workshops.messages.mailbox import ImapBox, MaildirBox, OneMail, Received, receive
from workshops.messages.reply_address import is_from, parts_in, reply_address, sender_of
from workshops.registration.models import Registration
from workshops.registration.service import cancel_place, handle_calendar_answer
from workshops.schedule.models import Event
from workshops.wiring import MAIL_HANDLERS


@pytest.fixture
def settings(app: Flask, desk: Desk, tmp_path: Path) -> Settings:
    """Of an instance that reads a mailbox."""
    for folder in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / folder).mkdir(parents=True, exist_ok=True)
    changed = replace(app.extensions["workshops.settings"], mailbox=Mailbox(path=tmp_path / "Maildir"))
    app.extensions["workshops.settings"] = desk.settings = changed
    return changed


@pytest.fixture
def ann(session: Session, desk: Desk, settings: Settings) -> Registration:
    """Who has the only place of an event at which Ben waits."""
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "ben@example.org", name="Ben Example", if_full="wait")
    return desk.person()


def invitation(desk: Desk, address: str = "ann@example.org") -> Any:
    """The VEVENT of the newest invitation."""
    newest = [mail for mail in desk.mails(address) if mail.calendar is not None][-1]
    assert newest.calendar is not None
    return Calendar.from_ical(newest.calendar).walk("VEVENT")[0]


def answer(
    desk: Desk, partstat: str = "DECLINED", *, to: str | None = None, uid: str | None = None,
    by: str = "ann@example.org", sequence: int | None = None, at: datetime | None = None, method: str = "REPLY",
    times: int = 1,
) -> bytes:  # fmt: skip
    """A mail as calendar programs send it."""
    sent = invitation(desk)
    organiser = to or str(sent["ORGANIZER"]).removeprefix("mailto:")
    stamp = (at or desk.clock.now).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    sequence = int(sent["SEQUENCE"]) if sequence is None else sequence
    vevent = [
        "BEGIN:VEVENT", f"UID:{uid or sent['UID']}", f"SEQUENCE:{sequence}",
        f"DTSTAMP:{stamp}", f"ORGANIZER:mailto:{organiser}", f"ATTENDEE;PARTSTAT={partstat}:mailto:{by}", "END:VEVENT",
    ]  # fmt: skip
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//EN", f"METHOD:{method}", *vevent * times,
             "END:VCALENDAR", ""]  # fmt: skip
    mail = EmailMessage(policy=default)
    mail["From"], mail["To"], mail["Subject"] = by, organiser, "Declined"
    mail.set_content("Somebody declined.")
    mail.add_alternative("\r\n".join(lines).encode(), maintype="text", subtype="calendar", params={"method": method})
    return mail.as_bytes()


def take(desk: Desk, raw: bytes) -> bool:
    mail = email.message_from_bytes(raw, policy=default)
    assert isinstance(mail, EmailMessage)
    with transaction() as session:
        return handle_calendar_answer(session, mail, now=desk.clock.now, settings=desk.settings)


def actions(desk: Desk, registration: Registration) -> list[str]:
    desk.session.rollback()
    chosen = select(AuditEntry.action).where(
        AuditEntry.subject_kind == "registration", AuditEntry.subject_id == registration.id,
        AuditEntry.action.like("calendar_%"),
    )  # fmt: skip
    return list(desk.session.scalars(chosen.order_by(AuditEntry.id)))


def asked(desk: Desk) -> int:
    return sum(mail.kind == "registration/declined_in_calendar" for mail in desk.mails("ann@example.org"))


# --- the address ------------------------------------------------------------------------------------------------


def test_the_organiser_of_an_invitation_is_its_sender_with_a_part_of_its_own(
    desk: Desk, ann: Registration, settings: Settings
) -> None:
    entry = invitation(desk)
    organiser = str(entry["ORGANIZER"]).removeprefix("mailto:")
    local, _, domain = settings.mail_from.partition("@")
    assert organiser.startswith(f"{local}+i{ann.event_id}-") and organiser.endswith(f"@{domain}")
    assert entry["ATTENDEE"].params["RSVP"] == "TRUE"
    assert all(sender_of(mail, settings) == organiser for mail in desk.mails("ann@example.org"))
    [part] = parts_in([organiser.upper()], settings)
    assert is_from(part, " Ann@Example.org ", settings) and not is_from(part, "ben@example.org", settings)
    assert not is_from(part, "ann@example.org", replace(settings, secret_key="another secret of 32 characters"))


def test_it_stays_the_same_for_who_leaves_and_comes_back(desk: Desk, ann: Registration) -> None:
    before = str(invitation(desk)["ORGANIZER"])
    desk.do(cancel_place, ann)
    desk.do(cancel_place, desk.person("ben@example.org"))
    desk.clock.advance(minutes=1)
    event = desk.session.get(Event, ann.event_id)
    assert event is not None
    desk.register(event)
    assert str(invitation(desk)["ORGANIZER"]) == before


def test_where_no_mailbox_is_read_the_plain_address_stands_and_nobody_is_asked_to_answer(
    session: Session, desk: Desk
) -> None:
    desk.settings = replace(desk.settings, mailbox=None)
    desk.register(make_event(session))
    entry = invitation(desk)
    assert str(entry["ORGANIZER"]) == f"mailto:{desk.settings.mail_from}"
    assert entry["ATTENDEE"].params["RSVP"] == "FALSE"
    assert all(sender_of(mail, desk.settings) == desk.settings.mail_from for mail in desk.mails())


def test_an_address_that_would_be_too_long_stays_plain(settings: Settings) -> None:
    long = replace(settings, mail_from=f"{'a' * 60}@example.org")
    assert reply_address(long, event_id=1, address="ann@example.org") == long.mail_from


# --- what counts ------------------------------------------------------------------------------------------------


def test_who_declines_is_asked_once_and_keeps_the_place(desk: Desk, ann: Registration) -> None:
    assert take(desk, answer(desk))
    mail = desk.mails("ann@example.org")[-1]
    assert mail.kind == "registration/declined_in_calendar" and mail.subject.startswith("Shall we give your place")
    desk.clock.advance(minutes=5)
    assert take(desk, answer(desk, "ACCEPTED"))
    desk.clock.advance(minutes=5)
    assert take(desk, answer(desk))
    assert asked(desk) == 1
    assert desk.person().state == "confirmed" and desk.person().calendar_answer == "declined"
    assert actions(desk, ann) == ["calendar_declined", "calendar_accepted", "calendar_declined"]


def test_who_declines_where_the_event_says_so_gives_the_chair_to_the_next(
    session: Session, desk: Desk, ann: Registration
) -> None:
    ann.event.declining_frees, ann.event.gives_places = True, "at_once"
    session.commit()
    assert take(desk, answer(desk))
    assert desk.person().state == "cancelled"
    assert desk.person("ben@example.org").state == "confirmed"
    assert [mail.kind for mail in desk.mails("ann@example.org")][-1] == "registration/place_cancelled"
    assert not take_again_changes(desk, answer(desk, at=desk.clock.now + timedelta(minutes=9)))


def take_again_changes(desk: Desk, raw: bytes) -> bool:
    desk.session.rollback()
    before = len(desk.mails())
    take(desk, raw)
    return len(desk.mails()) != before


@pytest.mark.parametrize("partstat", ["ACCEPTED", "TENTATIVE"])
def test_accepting_and_maybe_are_written_down(desk: Desk, ann: Registration, partstat: str) -> None:
    before = len(desk.mails())
    assert take(desk, answer(desk, partstat))
    assert desk.person().calendar_answer == partstat.lower()
    assert desk.person().state == "confirmed" and len(desk.mails()) == before


# --- what changes nothing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"by": "mallory@example.org"},
        {"uid": "00000000-0000-4000-8000-999999999999"},
        {"sequence": 99},
        {"sequence": -1},
        {"to": "plain"},
        {"to": "made up"},
        {"to": "of ben"},
        {"method": "REQUEST"},
        {"method": "CANCEL"},
        {"times": 10},
        {"partstat": "DELEGATED"},
    ],
    ids=str,
)
def test_forged_stale_and_foreign_answers_change_nothing(
    session: Session, desk: Desk, ann: Registration, settings: Settings, change: dict[str, Any]
) -> None:
    ann.event.declining_frees = True
    session.commit()
    local, _, domain = settings.mail_from.partition("@")
    if "to" in change:
        change = {"to": {
            "plain": settings.mail_from,
            "made up": f"{local}+i{ann.event_id}-{'0' * 20}@{domain}",
            "of ben": reply_address(settings, event_id=ann.event_id, address="ben@example.org"),
        }[change["to"]]}  # fmt: skip
    before = len(desk.mails())
    take(desk, answer(desk, **change))
    assert desk.person().state == "confirmed" and desk.person().calendar_answer == ""
    assert desk.person("ben@example.org").state == "waiting" and len(desk.mails()) == before


def test_an_answer_to_an_older_invitation_is_noted_and_changes_nothing(
    session: Session, desk: Desk, ann: Registration
) -> None:
    raw = answer(desk)
    ann.invite_sequence = (ann.invite_sequence or 0) + 1
    session.commit()
    assert take(desk, raw)
    assert desk.person().calendar_answer == "" and actions(desk, ann) == ["calendar_answer_stale"]


def test_the_same_answer_twice_is_one(desk: Desk, ann: Registration) -> None:
    raw = answer(desk)
    assert take(desk, raw) and take(desk, raw)
    assert actions(desk, ann) == ["calendar_declined"] and asked(desk) == 1


def test_a_clock_that_runs_ahead_does_not_keep_later_answers_out(desk: Desk, ann: Registration) -> None:
    take(desk, answer(desk, at=desk.clock.now + timedelta(days=400)))
    desk.clock.advance(minutes=5)
    take(desk, answer(desk, "ACCEPTED"))
    assert desk.person().calendar_answer == "accepted"


def test_who_waits_has_no_invitation_to_answer(desk: Desk, ann: Registration, settings: Settings) -> None:
    to = reply_address(settings, event_id=ann.event_id, address="ben@example.org")
    take(desk, answer(desk, to=to, by="ben@example.org"))
    assert desk.person("ben@example.org").calendar_answer == ""


def test_an_ordinary_mail_is_no_answer(desk: Desk, ann: Registration) -> None:
    mail = EmailMessage()
    mail["To"] = str(invitation(desk)["ORGANIZER"]).removeprefix("mailto:")
    mail.set_content("I cannot come.")
    assert not take(desk, mail.as_bytes())


def test_what_is_logged_names_nobody(desk: Desk, ann: Registration, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        take(desk, answer(desk, by="mallory@example.org"))
        take(desk, answer(desk, sequence=99))
    assert "changes nothing" in caplog.text
    for word in ("@", "Ann", "mallory"):
        assert word not in caplog.text


# --- the file ---------------------------------------------------------------------------------------------------


def written(**more: str) -> bytes:
    values = {"UID": "one", "SEQUENCE": "2", "DTSTAMP": "20261101T100000Z", **more}
    lines = ["BEGIN:VCALENDAR", "METHOD:REPLY", "BEGIN:VEVENT", *(f"{name}:{value}" for name, value in values.items()),
             "ATTENDEE;PARTSTAT=declined;CN=Ann:MAILTO:ann@example.org", "END:VEVENT", "END:VCALENDAR"]  # fmt: skip
    return "\n".join(lines).encode()


def test_an_answer_is_read_as_programs_write_it() -> None:
    stamp = datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert read_reply(written()) == Reply("one", 2, "declined", "ann@example.org", "", stamp)


@pytest.mark.parametrize(
    "more", [{"SEQUENCE": "two"}, {"DTSTAMP": "20261101"}, {"DTSTAMP": "never"}, {"RECURRENCE-ID": "20261101T100000Z"}]
)
def test_what_is_not_exactly_an_answer_is_none(more: dict[str, str]) -> None:
    assert read_reply(written(**more)) is None


def test_a_huge_file_is_not_parsed() -> None:
    assert read_reply(written() + b" " * MOST_BYTES) is None


@given(st.binary(max_size=400), st.integers(0, 220), st.booleans())
def test_whatever_somebody_sends_is_read_without_an_error(noise: bytes, at: int, cut: bool) -> None:
    whole = written()
    read_reply(whole[:at] + noise + (b"" if cut else whole[at:]))


# --- the whole way ----------------------------------------------------------------------------------------------


def test_an_answer_in_the_mailbox_is_taken_and_one_for_nobody_stays_unread_by_us(
    app: Flask, desk: Desk, ann: Registration, settings: Settings
) -> None:
    assert settings.mailbox is not None and settings.mailbox.path is not None
    folder = settings.mailbox.path
    (folder / "new" / "1.example").write_bytes(answer(desk))
    (folder / "new" / "2.example").write_bytes(b"Subject: Hello\r\n\r\nHello")
    found = receive(MaildirBox(folder), MAIL_HANDLERS, settings=settings, clock=lambda: desk.clock.now)
    assert found == Received(read=2, taken=1)
    assert desk.person().calendar_answer == "declined" and asked(desk) == 1


@pytest.mark.parametrize("megabytes", [0, 50])
def test_an_answer_with_things_attached_counts_once(
    app: Flask, desk: Desk, ann: Registration, settings: Settings, megabytes: int
) -> None:
    """As some programs write it: the same file a second time beside it, a picture; and far more than is read."""
    mail = email.message_from_bytes(answer(desk), policy=default)
    assert isinstance(mail, EmailMessage)
    file = mail.get_payload()[-1].get_payload(decode=True)  # type: ignore[union-attr,index]
    mail.add_attachment(file, maintype="application", subtype="ics", filename="invite.ics")
    mail.add_attachment(file, maintype="text", subtype="calendar", filename="again.ics", params={"method": "REPLY"})
    mail.add_attachment(b"\x89PNG" + b"0" * megabytes * 1024 * 1024, maintype="image", subtype="png", filename="a.png")
    box = OneMail(io.BytesIO(mail.as_bytes()))
    tracemalloc.start()
    assert receive(box, MAIL_HANDLERS, settings=settings, clock=lambda: desk.clock.now) == Received(1, 1)
    assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024, "what is beyond the limit is never held"
    tracemalloc.stop()
    assert actions(desk, ann) == ["calendar_declined"] and asked(desk) == 1


def test_who_declines_in_their_own_calendar_has_given_their_chair_to_the_next(
    app: Flask, session: Session, desk: Desk, dovecot: Mailbox
) -> None:
    """From the invitation in the mail through a real IMAP server to the mail of the next person."""
    app.extensions["workshops.settings"] = desk.settings = replace(desk.settings, mailbox=dovecot)
    event = make_event(session, capacity_in_person=1, declining_frees=True, gives_places="at_once")
    desk.register(event)
    desk.register(event, "ben@example.org", name="Ben Example", if_full="wait")
    file = Path("/tmp") / f"dovecot-{dovecot.port}" / "mail" / "new" / "1700000000.M1.host"
    file.write_bytes(answer(desk))
    shutil.chown(file, "mail", "mail")
    box = ImapBox(dovecot)
    assert receive(box, MAIL_HANDLERS, settings=desk.settings, clock=lambda: desk.clock.now) == Received(1, 1)
    assert receive(box, MAIL_HANDLERS, settings=desk.settings, clock=lambda: desk.clock.now) == Received(0, 0)
    assert desk.states(event) == {"ann": "cancelled", "ben": "confirmed"}
    assert [mail.kind for mail in desk.mails("ben@example.org")][-1] == "registration/place_confirmed"
    assert [mail.calendar_method for mail in desk.mails("ann@example.org")][-1] == "CANCEL"


def test_the_setting_is_offered_where_a_mailbox_is_read(
    app: Flask, client: FormClient, session: Session, desk: Desk, ann: Registration, clock: FakeClock
) -> None:
    sign_in(session, client, make_account(session, role="admin"), now=clock.now)
    path = f"/staff/events/{ann.event.slug}/place-rules"
    assert "Answers from calendars" in client.get(path).get_data(as_text=True)
    assert client.send(path, {"gives": "offer", "declining_frees": "yes"}).status_code == 303
    session.rollback()
    assert ann.event.declining_frees
    person_page = f"/staff/events/{ann.event.slug}/people/{ann.id}"
    take(desk, answer(desk, "TENTATIVE"))
    assert "Answered “maybe” in their calendar" in client.get(person_page).get_data(as_text=True)
    app.extensions["workshops.settings"] = replace(desk.settings, mailbox=None)
    assert "Answers from calendars" not in client.get(path).get_data(as_text=True)
    assert client.send(path, {"gives": "at_once"}).status_code == 303
    session.rollback()
    assert ann.event.declining_frees  # what the page does not ask stays as it was

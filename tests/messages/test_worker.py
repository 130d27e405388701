"""The worker: checks, leases, back-off, kills, and files."""

from __future__ import annotations

import email
import logging
import threading
from dataclasses import replace
from datetime import timedelta
from email.policy import default
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.messages.outbox import LINK, Recorder, one, put, refuse, send, states
from workshops.config import Settings
from workshops.core import clock as system_clock
from workshops.core.db import db
from workshops.messages import worker
from workshops.messages.models import OutboxMessage
from workshops.messages.transports import (
    FileTransport,
    NotSent,
    Parcel,
    transport_for,
)

# --- the life of a message -----------------------------------------------------------------------------------


def test_a_sent_message_has_its_link_and_keeps_none(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    transport = Recorder()
    assert send(settings, transport) == 1
    text = transport.taken[0].mail.as_string()
    assert LINK in text.replace("=\r\n", "")
    message = one(session)
    assert (message.state, message.attempts, message.sent_at, message.sealed_links) == ("sent", 1, clock.now, None)
    assert (message.lease_owner, message.lease_until) == (None, None)
    assert send(settings, transport) == 0
    assert transport.closed > 0


def test_a_message_waits_until_it_is_due(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, due_at=clock.now + timedelta(hours=1))
    assert send(settings, Recorder()) == 0
    clock.advance(hours=1)
    assert send(settings, Recorder()) == 1


def test_a_check_cancels_with_its_reason(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, about=("registration", 7))
    seen = []

    def check(at: Session, message: OutboxMessage, now: Any) -> str | None:
        seen.append((message.about_id, now))
        return "the place was cancelled"

    transport = Recorder()
    send(settings, transport, {"registration": check, "other": lambda *_: "never asked"})
    message = one(session)
    assert (message.state, message.last_error, message.sealed_links) == ("cancelled", "the place was cancelled", None)
    assert seen == [(7, clock.now)]
    assert transport.taken == []


def test_news_that_came_too_late_is_dropped(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, drop_after=clock.now + timedelta(hours=1))
    clock.advance(hours=1, seconds=1)
    transport = Recorder()
    send(settings, transport)
    assert (one(session).state, one(session).last_error) == ("cancelled", "too late")
    assert transport.taken == []


def test_a_message_put_off_comes_back_with_longer_waits(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    transport = Recorder(instead=refuse("421 busy\r\n"))
    waits = []
    while one(session).state in ("due", "retry"):
        assert send(settings, transport) == 1
        message = one(session)
        waits.append((message.due_at - clock.now).total_seconds() / 60)
        if message.state == "retry":
            assert message.sealed_links is not None
            assert send(settings, transport) == 0
            # the clock of the application knows whole seconds
            clock.now = message.due_at + timedelta(seconds=1)
    assert one(session).state == "failed"
    assert one(session).last_error == "421 busy"
    assert one(session).sealed_links is None
    for wait, least in zip(waits, (1, 5, 25, 125, 360, 360, 360, 360), strict=False):
        assert least <= wait <= least * 1.2
    assert sum(waits[:-1]) >= 24 * 60


def test_a_refused_message_fails_at_once(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    send(settings, Recorder(instead=refuse("550 no such user", permanent=True)))
    assert (one(session).state, one(session).attempts, one(session).last_error) == ("failed", 1, "550 no such user")


def test_a_server_that_is_down_is_asked_once_a_batch(session: Session, settings: Settings, clock: Any) -> None:
    for number in range(3):
        put(settings, clock, number)
    asked = []

    def instead(parcel: Parcel) -> None:
        asked.append(parcel)
        raise NotSent("not reachable", server_down=True)

    send(settings, Recorder(instead=instead))
    assert len(asked) == 1
    assert states(session) == ["retry"] * 3


def test_one_bad_check_does_not_stop_the_others(
    session: Session, settings: Settings, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    put(settings, clock, 1, about=("bad", 1))
    put(settings, clock, 2)

    def bad(*_: Any) -> str | None:
        raise LookupError("person1@example.org")

    with caplog.at_level(logging.INFO):
        send(settings, Recorder(), {"bad": bad})
    assert states(session) == ["retry", "sent"]
    assert "example.org" not in caplog.text


def test_a_link_sealed_with_another_secret_fails_in_words(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    transport = Recorder()
    send(replace(settings, secret_key="another-secret-of-0123456789abcdef"), transport)
    assert one(session).state == "failed"
    assert "secret" in one(session).last_error
    assert transport.taken == []


def test_an_address_that_makes_no_header_fails_alone(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock, 1, to_email="a@b@example.org")
    put(settings, clock, 2)
    send(settings, Recorder())
    assert states(session) == ["failed", "sent"]


# --- at-least-once -------------------------------------------------------------------------------------------


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing after it runs."""


def test_killed_between_send_and_commit_it_goes_out_again_the_same(
    session: Session, settings: Settings, clock: Any
) -> None:
    put(settings, clock)
    files = FileTransport(settings.mail_folder)

    def kill(parcel: Parcel) -> None:
        files.send(parcel)
        raise Killed

    with pytest.raises(Killed):
        send(settings, Recorder(instead=kill))
    assert states(session) == ["sending"]
    assert send(settings, files) == 0  # somebody has it
    clock.advance(seconds=worker.LEASE_S)
    assert send(settings, files) == 1
    assert states(session) == ["sent"]
    # the second copy is the first one again: same file, same Message-ID
    written = list(settings.mail_folder.iterdir())
    assert [path.suffix for path in written] == [".eml"]
    mail = email.message_from_bytes(written[0].read_bytes(), policy=default)
    assert mail["Message-ID"] == one(session).message_id


def test_who_lost_the_lease_does_not_note_the_end(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    second = Recorder()

    def slow(_: Parcel) -> None:
        clock.advance(seconds=worker.LEASE_S)
        assert send(settings, second) == 1
        raise NotSent("550 too slow", permanent=True)

    send(settings, Recorder(instead=slow))
    assert len(second.taken) == 1
    assert (one(session).state, one(session).attempts, one(session).last_error) == ("sent", 1, "")


def test_a_batch_that_takes_long_is_given_back_before_its_lease_ends(
    session: Session, settings: Settings, clock: Any
) -> None:
    for number in range(5):
        put(settings, clock, number)
    begun = clock.now

    def slow(_: Parcel) -> None:
        assert clock.now - begun < timedelta(seconds=worker.LEASE_S - worker.MAIL_BUDGET_S)
        clock.advance(seconds=80)

    send(settings, Recorder(instead=slow))
    assert states(session) == ["sent", "sent", "sent", "due", "due"]


def test_two_workers_never_take_the_same_message(session: Session, settings: Settings, clock: Any) -> None:
    for number in range(6):
        put(settings, clock, number)
    other = Recorder()

    def meanwhile(_: Parcel) -> None:
        send(settings, other, batch=2)

    first = Recorder(instead=meanwhile)
    send(settings, first, batch=3)
    taken = [parcel.recipient for parcel in first.taken + other.taken]
    assert len(taken) == len(set(taken)) == 6
    assert states(session) == ["sent"] * 6


# On SQLite the write lock keeps the other worker out altogether.
@pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)
def test_rows_another_worker_is_taking_are_passed_over(
    app: Any, session: Session, settings: Settings, clock: Any
) -> None:
    for number in range(2):
        put(settings, clock, number)
    with db.engine.connect() as elsewhere, elsewhere.begin():
        elsewhere.exec_driver_sql("SELECT 1 FROM outbox_messages WHERE dedupe_key = 'test:0' FOR UPDATE")
        assert send(settings, Recorder()) == 1
    assert states(session) == ["due", "sent"]


def test_a_stop_finishes_the_message_in_hand_and_gives_the_rest_back(
    session: Session, settings: Settings, clock: Any
) -> None:
    for number in range(3):
        put(settings, clock, number)
    stop = threading.Event()
    send(settings, Recorder(instead=lambda _: stop.set()), stop=stop)
    assert states(session) == ["sent", "due", "due"]


# --- the loop ------------------------------------------------------------------------------------------------


def test_the_loop_does_due_work_and_sends_and_sleeps(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    stop, naps, transport, worked = threading.Event(), [], Recorder(), []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.advance(seconds=seconds)
        if len(naps) == 8:
            stop.set()

    def broken(at: Session, **_: Any) -> int:
        raise LookupError("person1@example.org")

    def work_on(at: Session, *, now: Any, settings: Settings) -> int:
        worked.append(now)
        return 1

    worker.work(
        settings,
        checks={},
        due_work={"broken": broken, "counted": work_on},
        stop=stop,
        clock=system_clock.now,
        sleep=nap,
        transport=transport,
    )
    assert len(transport.taken) == 1
    assert naps == [worker.IDLE_S] * 8
    assert [(instant - worked[0]).total_seconds() for instant in worked] == [0, worker.DUE_WORK_EVERY_S]


def test_the_loop_survives_a_database_that_does_not_answer(
    session: Session, settings: Settings, clock: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put(settings, clock)
    stop, transport, tries = threading.Event(), Recorder(), []
    real = worker.queries.has_due_messages

    def flaky(at: Session, now: Any) -> bool:
        tries.append(now)
        if len(tries) < 3:
            raise OperationalError("SELECT 'person1@example.org'", {}, Exception("gone"))
        return real(at, now)

    monkeypatch.setattr(worker.queries, "has_due_messages", flaky)
    worker.work(
        settings,
        checks={},
        due_work={},
        stop=stop,
        clock=system_clock.now,
        sleep=lambda _: stop.set() if transport.taken else None,
        transport=transport,
    )
    assert len(transport.taken) == 1
    assert "OperationalError" in caplog.text
    assert "example.org" not in caplog.text


def test_once_sends_all_that_is_due(session: Session, settings: Settings, clock: Any) -> None:
    for number in range(worker.BATCH + 3):
        put(settings, clock, number)
    assert worker.do_once(settings, checks={}, due_work={}, clock=system_clock.now) == worker.BATCH + 3
    assert set(states(session)) == {"sent"}
    assert len(list(settings.mail_folder.glob("*.eml"))) == worker.BATCH + 3


# --- files ---------------------------------------------------------------------------------------------------


def test_files_are_named_by_time_number_and_kind(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    assert isinstance(transport_for(settings), FileTransport)
    send(settings, transport_for(settings))
    (path,) = settings.mail_folder.iterdir()
    assert path.name == f"20270301T090000Z-{one(session).id}-accounts-new_password.eml"
    assert path.stat().st_mode & 0o077 == 0
    mail = email.message_from_bytes(path.read_bytes(), policy=default)
    assert LINK in mail.get_body(("plain",)).get_content()
    assert LINK in mail.get_body(("html",)).get_content()


def test_a_folder_that_cannot_be_written_is_tried_again(session: Session, settings: Settings, clock: Any) -> None:
    put(settings, clock)
    settings.mail_folder.write_text("a file stands in the way")
    try:
        send(settings, FileTransport(settings.mail_folder))
    finally:
        settings.mail_folder.unlink()
    assert states(session) == ["retry"]

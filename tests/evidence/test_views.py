"""Figures, downloads and health, by address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.factories import make_event, make_programme, make_registration
from workshops.attendance.models import AttendanceMark
from workshops.audit.models import AuditEntry
from workshops.config import Settings, SmtpServer
from workshops.core.db import db
from workshops.evidence import health
from workshops.messages.models import OutboxMessage


def message(session: Session, clock: Any, **more: Any) -> None:
    values = {"state": "due", "due_at": clock.now, **more}
    session.add(
        OutboxMessage(
            dedupe_key="one",
            kind="x/y",
            to_email="a@example.org",
            subject="s",
            body_text="t",
            body_html="h",
            message_id="<1@example.org>",
            created_at=clock.now,
            **values,
        )
    )
    session.commit()


# --- downloads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "json"])
def test_a_download_is_a_post_that_is_written_down(session: Session, staff: Any, file_format: str) -> None:
    organiser = staff("organiser")
    event = make_event(session)
    make_registration(session, event, email="person@example.org")
    address = f"/staff/events/{event.slug}/people.{file_format}"
    assert organiser.get(address).status_code == 405
    answer = organiser.send(address)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    name = f"{event.slug}-people-personal-data.{file_format}"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if file_format == "csv":
        assert answer.data.startswith(b"\xef\xbb\xbfreference,") and b"person@example.org" in answer.data
    session.rollback()
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "people_exported")).one()
    assert (entry.actor_kind, entry.actor_id, entry.event_id) == ("staff", organiser.account_id, event.id)
    assert entry.reason == file_format and "@" not in entry.fields


def test_only_who_runs_the_event_may_take_its_people(session: Session, staff: Any, client: Any) -> None:
    owner, other, viewer, admin = staff("facilitator"), staff("facilitator"), staff("viewer"), staff("admin")
    event = make_event(session, owner_id=owner.account_id)
    address = f"/staff/events/{event.slug}/people.csv"
    assert [who.send(address).status_code for who in (owner, admin, other, viewer, client)] == [200, 200, 403, 403, 403]
    session.rollback()
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "people_exported")).all()) == 2
    assert owner.send("/staff/events/nowhere/people.csv").status_code == 404
    assert owner.send(f"/staff/events/{event.slug}/people.pdf").status_code == 404


def test_events_are_a_download_for_every_role(session: Session, staff: Any, client: Any) -> None:
    event = make_event(session)
    viewer = staff("viewer")
    sheet = viewer.get("/staff/events.csv")
    assert sheet.status_code == 200 and sheet.data.startswith(b"\xef\xbb\xbftitle,") and event.slug in sheet.text
    calendar = viewer.get("/staff/events.ics")
    assert calendar.mimetype == "text/calendar" and event.uid in calendar.text
    assert viewer.get("/staff/events.pdf").status_code == 404
    assert client.get("/staff/events.csv").status_code == 303


# --- figures -------------------------------------------------------------------------------------------------


def test_figures_hide_small_numbers_and_add_up_the_others(session: Session, staff: Any, clock: Any) -> None:
    week = make_programme(session, title="Example Week")
    make_event(session, programme_id=week.id, reported_registered=120, reported_attended=97)
    small = make_event(session, programme_id=week.id)
    for _ in range(3):
        person = make_registration(session, small)
        session.add(AttendanceMark(registration_id=person.id, status="in_person", marked_at=clock.now))
    make_event(session, state="cancelled", reported_registered=5000)
    make_event(session, state="draft", reported_registered=6000)
    session.commit()
    page = staff("viewer").get("/staff/evidence").text
    assert "120, and fewer than 5 at 1 event" in page and "97, and fewer than 5 at 1 event" in page
    assert "5,000" not in page and "6,000" not in page and "123" not in page


def test_figures_are_filtered_and_unknown_filters_ignored(session: Session, staff: Any, clock: Any) -> None:
    make_event(session, programme_id=make_programme(session, title="One").id, reported_attended=111)
    make_event(session, starts_at=clock.now - timedelta(days=700), reported_attended=222)
    viewer = staff("viewer")
    only = viewer.get("/staff/evidence?programme=One").text
    assert "111" in only and "222" not in only
    assert "222" not in viewer.get("/staff/evidence?year=2027").text
    assert "222" in viewer.get("/staff/evidence?year=1066&programme=None").text
    assert "There are no published events" in viewer.get("/staff/evidence?year=2025&programme=One").text


def test_figures_of_nothing(staff: Any) -> None:
    assert staff("viewer").get("/staff/evidence").status_code == 200


# --- health --------------------------------------------------------------------------------------------------


def test_health_answers_under_any_name(client: Any) -> None:
    for address, words in (("/healthz", "ok\n"), ("/readyz", "ready\n")):
        answer = client.get(address, headers={"Host": "10.0.0.7:8000"})
        assert (answer.status_code, answer.text) == (200, words)
        assert answer.mimetype == "text/plain" and "no-store" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers


def test_a_message_that_waits_too_long_means_not_ready(session: Session, client: Any, clock: Any) -> None:
    message(session, clock)
    clock.advance(minutes=15)
    assert client.get("/readyz").status_code == 200
    clock.advance(minutes=1)
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "waiting to be sent for 16 minutes" in answer.text
    assert client.get("/healthz").status_code == 200


def test_a_message_for_later_does_not_matter(session: Session, client: Any, clock: Any) -> None:
    message(session, clock, due_at=clock.now + timedelta(days=1))
    assert client.get("/readyz").status_code == 200


def test_another_migration_means_not_ready(session: Session, client: Any) -> None:
    current = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    session.commit()
    try:
        answer = client.get("/readyz")
        assert answer.status_code == 503 and "flask db upgrade" in answer.text
    finally:
        session.execute(text("UPDATE alembic_version SET version_num = :current"), {"current": current})
        session.commit()


def test_a_full_disk_is_said(client: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.shutil, "disk_usage", lambda folder: SimpleNamespace(free=5 * 1024 * 1024))
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "Only 5 MB are free" in answer.text


def test_a_database_that_does_not_answer_is_said(settings: Settings, clock: Any, tmp_path: Path) -> None:
    from workshops.core.db import make_engine

    engine = make_engine(f"sqlite:///{tmp_path}/no/such/folder.sqlite3")
    assert health.database_problems(engine, now=clock.now) == ["The database does not answer."]
    fresh = make_engine(f"sqlite:///{tmp_path}/fresh.sqlite3")
    assert "not set up yet" in health.database_problems(fresh, now=clock.now)[0]
    fresh.dispose()


def test_check_finds_nothing_on_a_healthy_instance(app: Flask, settings: Settings, clock: Any) -> None:
    assert health.problems(db.engine, settings=settings, now=clock.now) == []


def test_a_mail_server_that_does_not_answer_is_named(change_settings: Callable[..., Settings], clock: Any) -> None:
    changed = change_settings(smtp=SmtpServer("127.0.0.1", 9, "none"))
    found = health.problems(db.engine, settings=changed, now=clock.now)
    assert len(found) == 1 and "The mail server 127.0.0.1:9 does not take mail" in found[0]

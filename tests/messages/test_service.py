"""The outbox: stored with what it tells, told once, links sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.config import PROJECT, Settings
from workshops.core.db import db, transaction
from workshops.messages import queries, render, service
from workshops.messages.models import OutboxMessage

Enqueue = Callable[..., OutboxMessage | None]


@pytest.fixture
def templates(tmp_path: Path) -> Iterator[None]:
    folder = tmp_path / "emails"
    (folder / "test" / "news").mkdir(parents=True)
    for name in ("layout.txt", "layout.html"):
        (folder / name).write_text((PROJECT / "templates" / "emails" / name).read_text())
    (folder / "test/news/subject.txt").write_text("News: {{ values.title }}")
    (folder / "test/news/body.txt").write_text(
        '{% extends "layout.txt" %}{% block body %}{{ values.title }}: {{ links.place }}{% endblock %}'
    )
    (folder / "test/news/body.html").write_text(
        '{% extends "layout.html" %}{% from "layout.html" import button %}'
        '{% block body %}{{ values.title }} {{ button(links.place, "See it") }}{% endblock %}'
    )
    render.init_mail_templates(folder)
    yield
    render.init_mail_templates(PROJECT / "templates" / "emails")


@pytest.fixture
def enqueue(templates: None, settings: Settings, clock: Any) -> Enqueue:
    def put(**changes: Any) -> OutboxMessage | None:
        values: dict[str, Any] = {
            "kind": "test/news",
            "to_email": "mairi@example.org",
            "to_name": "Màiri",
            "values": {"title": "A <b>place</b>"},
            "links": {"place": "http://localhost/places/secret-token"},
            "dedupe_key": "news:1",
            "now": clock.now,
            "settings": settings,
        }
        return service.enqueue(db.session(), **{**values, **changes})

    return put


def stored(session: Session) -> OutboxMessage:
    session.rollback()
    return session.scalars(select(OutboxMessage)).one()


def test_a_message_is_stored_with_its_words_and_without_its_link(session: Session, enqueue: Enqueue) -> None:
    with transaction():
        enqueue(about=("registration", 7), event_id=3)
    message = stored(session)
    assert message.subject == "News: A <b>place</b>"
    assert "A <b>place</b>" in message.body_text
    assert "A &lt;b&gt;place&lt;/b&gt;" in message.body_html
    assert "[[link:place]]" in message.body_text
    everything = " ".join(str(value) for value in vars(message).values())
    assert "secret-token" not in everything
    assert (message.state, message.attempts, message.about_kind, message.about_id) == ("due", 0, "registration", 7)


def test_only_the_own_secret_opens_the_links(session: Session, enqueue: Enqueue, change_settings: Any) -> None:
    with transaction():
        enqueue()
    message = stored(session)
    assert service.unsealed_links(message, settings=change_settings()) == {
        "place": "http://localhost/places/secret-token"
    }
    assert service.unsealed_links(message, settings=change_settings(secret_key="z" * 40)) is None


def test_the_same_news_is_told_once(session: Session, enqueue: Enqueue) -> None:
    with transaction():
        assert enqueue() is not None
        assert enqueue() is None
    with transaction():
        assert enqueue(values={"title": "Other words"}) is None
    assert stored(session).subject == "News: A <b>place</b>"


def test_told_twice_at_once_leaves_the_second_transaction_whole(
    session: Session, enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction():
        enqueue()
    # the check before sees nothing, as it does when the other transaction commits just after it
    monkeypatch.setattr(Session, "scalar", lambda *_args, **_more: None)
    with transaction():
        assert enqueue() is None
        assert enqueue(dedupe_key="news:2") is not None
    monkeypatch.undo()
    session.rollback()
    assert len(session.scalars(select(OutboxMessage)).all()) == 2


def test_what_is_rolled_back_is_never_told(session: Session, enqueue: Enqueue) -> None:
    with pytest.raises(RuntimeError), transaction():
        enqueue()
        raise RuntimeError
    assert session.scalars(select(OutboxMessage)).all() == []


def test_the_message_id_is_stable_and_belongs_to_the_sender(settings: Settings) -> None:
    first = service.message_id_for("news:1", settings=settings)
    assert first == service.message_id_for("news:1", settings=settings)
    assert first != service.message_id_for("news:2", settings=settings)
    assert first.endswith("@example.org>")


def test_names_and_subjects_lose_their_line_breaks(session: Session, enqueue: Enqueue) -> None:
    with transaction():
        enqueue(to_name="Mà\r\nBcc: x@example.org", values={"title": "One\r\nBcc: x@example.org\x00"})
    message = stored(session)
    assert message.to_name == "Mà Bcc: x@example.org"
    assert message.subject == "News: One Bcc: x@example.org"


@pytest.mark.parametrize(
    "address", ["a@example.org\r\nBcc: b@example.org", "a@example.org b@example.org", "a\x00@b.org"]
)
def test_an_address_that_is_not_one_line_is_refused(enqueue: Enqueue, address: str) -> None:
    with pytest.raises(ValueError, match="address"), transaction():
        enqueue(to_email=address)


def test_a_field_that_is_not_given_is_an_error(enqueue: Enqueue) -> None:
    with pytest.raises(UndefinedError), transaction():
        enqueue(values={})
    with pytest.raises(UndefinedError), transaction():
        enqueue(links={})


@pytest.mark.parametrize("kind", ["../secret", "test", "test/../news", "/etc/passwd"])
def test_a_kind_names_one_folder(enqueue: Enqueue, kind: str) -> None:
    with pytest.raises(ValueError, match="kind"), transaction():
        enqueue(kind=kind)


def test_nothing_typed_is_run_as_a_template(session: Session, enqueue: Enqueue) -> None:
    with transaction():
        enqueue(values={"title": "{{ 7 * 7 }} {0.__class__} {% raw %}"})
    assert "{{ 7 * 7 }} {0.__class__} {% raw %}" in stored(session).body_text


def test_a_calendar_part_comes_with_its_method(enqueue: Enqueue) -> None:
    with pytest.raises(ValueError, match="method"), transaction():
        enqueue(calendar=b"BEGIN:VCALENDAR\r\n")


def test_lists_are_newest_first(session: Session, enqueue: Enqueue, clock: Any) -> None:
    for number in range(3):
        with transaction():
            enqueue(dedupe_key=f"news:{number}", about=("registration", 7), event_id=3)
        clock.advance(minutes=1)
    keys = [message.dedupe_key for message in queries.messages_of_event(session, 3)]
    assert keys == ["news:2", "news:1", "news:0"]
    assert [message.dedupe_key for message in queries.messages_about(session, "registration", 7)] == keys
    assert len(queries.messages_of_event(session, 3, 2)) == 2
    assert list(queries.messages_of_event(session, 4)) == []


def test_queue_age_counts_from_when_it_was_due(session: Session, enqueue: Enqueue, clock: Any) -> None:
    assert queries.queue_age(session, clock.now) == 0
    with transaction():
        enqueue(due_at=clock.now + timedelta(hours=1))
    assert queries.queue_age(session, clock.now) == 0
    assert queries.queue_age(session, clock.advance(hours=2)) == 3600
    assert queries.count_by_state(session) == {"due": 1}


@pytest.mark.parametrize(("state", "goes"), [("sent", 1), ("failed", 1), ("cancelled", 1), ("due", 0), ("retry", 0)])
def test_finished_messages_are_forgotten_after_their_time(
    session: Session, enqueue: Enqueue, clock: Any, state: str, goes: int
) -> None:
    with transaction() as writing:
        enqueue()
        writing.scalars(select(OutboxMessage)).one().state = state
    before: datetime = clock.now
    assert forget(before, dry_run=False) == 0
    assert forget(before + timedelta(seconds=1), dry_run=True) == goes
    assert len(session.scalars(select(OutboxMessage)).all()) == 1
    assert forget(before + timedelta(seconds=1), dry_run=False) == goes
    session.rollback()
    assert len(session.scalars(select(OutboxMessage)).all()) == 1 - goes


def forget(before: datetime, *, dry_run: bool) -> int:
    with transaction() as writing:
        return service.forget_old_messages(writing, before=before, dry_run=dry_run)

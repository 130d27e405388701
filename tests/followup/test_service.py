"""Notes, write-ups and what they add elsewhere, in a real database."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration
from workshops.attendance.models import AttendanceMark
from workshops.audit.models import AuditEntry
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.core.versions import public_version
from workshops.followup import queries, service
from workshops.followup.models import WriteUp
from workshops.followup.rules import NotesEmpty, WriteUpDetails, WriteUpProblem
from workshops.schedule.models import Event

LINK = "https://example.org/blog"


@pytest.fixture
def event(session: Session) -> Event:
    return make_event(session)


@pytest.fixture
def past(session: Session, clock: Any) -> Event:
    return make_event(session, starts_at=clock.now - timedelta(days=9), title="A past event")


def save(event: Event, clock: Any, text: str, revision: int, publish: bool = False) -> None:
    with transaction() as writing:
        found = writing.get_one(Event, event.id)
        do = service.publish_notes if publish else service.save_draft
        do(writing, event=found, text=text, revision=revision, now=clock.now, actor=COMMAND)


def promise(event: Event, clock: Any, **details: Any) -> int:
    values = {"title": "A blog", "state": "to be written", **details}
    with transaction() as writing:
        found = writing.get_one(Event, event.id)
        return service.add_write_up(
            writing, event=found, details=WriteUpDetails(**values), now=clock.now, actor=COMMAND
        ).id


# --- notes ---------------------------------------------------------------------------------------------------


def test_a_draft_changes_nothing_in_public(session: Session, event: Event, clock: Any) -> None:
    before = event.version, public_version(session)
    save(event, clock, "## Agreed", 0)
    assert (session.get_one(Event, event.id).version, public_version(session)) == before
    assert service.public_panel(event, session=session, now=clock.now) is None


def test_published_notes_show_and_a_later_draft_does_not(session: Session, event: Event, clock: Any) -> None:
    before = event.version, public_version(session)[0]
    save(event, clock, "First", 0, publish=True)
    save(event, clock, "Second", 1)
    assert session.get_one(Event, event.id).version == before[0] + 1
    assert public_version(session)[0] == before[1] + 1
    panel = service.public_panel(event, session=session, now=clock.now)
    assert panel is not None and panel.values["notes"] == "First" and panel.values["has_notes"]


def test_two_writers_notice_each_other_and_nothing_is_lost(session: Session, event: Event, clock: Any) -> None:
    save(event, clock, "Mine", 0)
    with pytest.raises(service.NoteClash) as raised:
        save(event, clock, "Theirs", 0)
    assert (raised.value.theirs, raised.value.revision) == ("Mine", 1)
    note = queries.notes_of(session, event.id)
    assert note is not None and (note.text, note.revision) == ("Mine", 1)
    save(event, clock, "Both", raised.value.revision)
    session.expire_all()
    note = queries.notes_of(session, event.id)
    assert note is not None and note.text == "Both"


def test_saving_the_same_text_again_is_no_clash(session: Session, event: Event, clock: Any) -> None:
    save(event, clock, "The same", 0)
    save(event, clock, "The same", 0)
    note = queries.notes_of(session, event.id)
    assert note is not None and note.revision == 1


def test_a_preview_that_is_old_is_not_published(session: Session, event: Event, clock: Any) -> None:
    save(event, clock, "First", 0)
    save(event, clock, "Second", 1)
    with pytest.raises(service.NoteClash), transaction() as writing:
        found = writing.get_one(Event, event.id)
        service.publish_notes(writing, event=found, revision=1, now=clock.now, actor=COMMAND)


def test_empty_notes_are_not_published(event: Event, clock: Any) -> None:
    with pytest.raises(NotesEmpty):
        save(event, clock, "  \n ", 0, publish=True)


def test_notes_taken_back_leave_a_line_that_says_why(session: Session, event: Event, clock: Any) -> None:
    save(event, clock, "First", 0, publish=True)
    clock.advance(days=1)
    with transaction() as writing:
        found = writing.get_one(Event, event.id)
        service.withdraw_notes(writing, event=found, reason="mistake", now=clock.now, actor=COMMAND)
    session.expire_all()
    panel = service.public_panel(event, session=session, now=clock.now)
    assert panel is not None
    assert panel.values["notes"] is None and not panel.values["has_follow_up"]
    assert panel.values["withdrawn_on"] == clock.now.date()
    assert panel.values["withdrawn_because"] == "they held a mistake"
    note = queries.notes_of(session, event.id)
    assert note is not None and note.text == "First"
    save(event, clock, "First", 1, publish=True)
    session.expire_all()
    panel = service.public_panel(event, session=session, now=clock.now)
    assert panel is not None and panel.values["withdrawn_on"] is None


def test_control_characters_do_not_get_into_notes(session: Session, event: Event, clock: Any) -> None:
    save(event, clock, "One\r\ntwo\x00\u202e", 0)
    note = queries.notes_of(session, event.id)
    assert note is not None and note.text == "One\ntwo"


# --- write-ups -----------------------------------------------------------------------------------------------


def test_one_pasted_link_keeps_a_promise(session: Session, past: Event, clock: Any) -> None:
    key = promise(past, clock, due_on=clock.now.date())
    before = session.get_one(Event, past.id).version, public_version(session)[0]
    with transaction() as writing:
        found = writing.get_one(WriteUp, key)
        service.publish_link(writing, write_up=found, url=f" {LINK} ", now=clock.now, actor=COMMAND)
    session.expire_all()
    kept = session.get_one(WriteUp, key)
    assert (kept.state, kept.url, kept.published_on) == ("published", LINK, clock.now.date())
    assert session.get_one(Event, past.id).version > before[0] and public_version(session)[0] > before[1]
    assert [one.id for one in queries.published_write_ups(session)] == [key]


def test_a_promise_moves_no_list(session: Session, past: Event, clock: Any) -> None:
    before = public_version(session)
    promise(past, clock)
    assert public_version(session) == before


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "ftp://example.org"])
def test_a_link_that_is_none_publishes_nothing(session: Session, past: Event, clock: Any, url: str) -> None:
    key = promise(past, clock)
    with pytest.raises(WriteUpProblem), transaction() as writing:
        service.publish_link(writing, write_up=writing.get_one(WriteUp, key), url=url, now=clock.now, actor=COMMAND)
    assert session.get_one(WriteUp, key).state == "to be written"


def test_an_owner_who_does_not_exist_is_refused(past: Event, clock: Any) -> None:
    with pytest.raises(WriteUpProblem) as raised:
        promise(past, clock, owner_id=999_999)
    assert raised.value.field == "owner_id"


def test_a_change_writes_the_names_of_fields_and_no_values(session: Session, past: Event, clock: Any) -> None:
    key = promise(past, clock)
    with transaction() as writing:
        service.change_write_up(
            writing,
            write_up=writing.get_one(WriteUp, key),
            details=WriteUpDetails("Another title", "drafted"),
            now=clock.now,
            actor=COMMAND,
        )
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "write_up_changed")).one()
    assert (entry.fields, entry.subject_id, entry.event_id) == ("state,title", key, past.id)


def test_a_removed_write_up_is_gone_everywhere(session: Session, past: Event, clock: Any) -> None:
    key = promise(past, clock, state="published", url=LINK)
    before = public_version(session)[0]
    with transaction() as writing:
        service.remove_write_up(writing, write_up=writing.get_one(WriteUp, key), now=clock.now, actor=COMMAND)
    assert queries.published_write_ups(session) == [] and public_version(session)[0] > before


def test_published_write_ups_stand_newest_first_and_history_by_its_event(session: Session, clock: Any) -> None:
    today = clock.now.date()
    old = make_event(session, starts_at=clock.now - timedelta(days=4000))
    new = make_event(session, starts_at=clock.now - timedelta(days=5))
    hidden = make_event(session, starts_at=clock.now - timedelta(days=5), is_listed=False)
    draft = make_event(session, state="draft")
    by_import = promise(old, clock, state="published", url=LINK)
    with transaction() as writing:
        writing.get_one(WriteUp, by_import).published_on = None
    earlier = promise(new, clock, state="published", url=LINK, published_on=today - timedelta(days=2))
    latest = promise(new, clock, state="published", url=LINK)
    for event in (hidden, draft):
        promise(event, clock, state="published", url=LINK)
    assert [one.id for one in queries.published_write_ups(session)] == [latest, earlier, by_import]
    found, total = queries.page_of_write_ups(session, 2, 2)
    assert ([one.id for one in found], total) == ([by_import], 3)


def test_promises_stand_most_overdue_first(session: Session, past: Event, clock: Any) -> None:
    today = clock.now.date()
    without = promise(past, clock)
    later = promise(past, clock, due_on=today + timedelta(days=20))
    overdue = promise(past, clock, due_on=today - timedelta(days=3))
    promise(past, clock, state="published", url=LINK, due_on=today - timedelta(days=9))
    assert [one.id for one in queries.promised_write_ups(session)] == [overdue, later, without]


def test_late_promises_are_named_to_who_made_them(session: Session, past: Event, clock: Any, staff: Any) -> None:
    writer = staff("facilitator").account_id
    today = clock.now.date()
    promise(past, clock, owner_id=writer, due_on=today - timedelta(days=1))
    promise(past, clock, due_on=today + timedelta(days=7))
    promise(past, clock, due_on=today + timedelta(days=8))

    def named(role: str, account: int) -> list[tuple[str, int]]:
        user = SimpleNamespace(role=role, id=account)
        return [(one.text, one.count) for one in service.attention_for(None, session=session, now=clock.now, user=user)]

    assert named("organiser", 0) == [("Write-ups are overdue", 1), ("Write-ups are due within a week", 1)]
    assert named("facilitator", writer) == [("Write-ups are overdue", 1)]
    assert named("facilitator", writer + 999) == []
    assert named("viewer", writer) == []


# --- the number who came, and the public page ----------------------------------------------------------------


def came(session: Session, event: Event, clock: Any) -> str:
    session.expire_all()
    panel = service.public_panel(event, session=session, now=clock.now)
    return str(panel.values["came"]) if panel else ""


def test_small_numbers_are_said_as_fewer_than_five(session: Session, past: Event, clock: Any) -> None:
    people = [make_registration(session, past).id for _ in range(6)]
    assert came(session, past, clock) == ""
    for number, person in enumerate(people, 1):
        session.add(AttendanceMark(registration_id=person, status="part", marked_at=clock.now))
        session.commit()
        assert came(session, past, clock) == ("fewer than 5" if number < 5 else str(number))


def test_nothing_is_said_of_who_came_before_the_event_is_over(session: Session, event: Event, clock: Any) -> None:
    session.add(
        AttendanceMark(registration_id=make_registration(session, event).id, status="online", marked_at=clock.now)
    )
    session.commit()
    assert came(session, event, clock) == ""


def test_a_headcount_takes_the_place_of_the_marks(session: Session, past: Event, clock: Any) -> None:
    with transaction() as writing:
        found = writing.get_one(Event, past.id)
        service.record_headcount(writing, event=found, came=41, now=clock.now, actor=COMMAND)
    session.expire_all()
    assert session.get_one(Event, past.id).reported_attended == 41
    with pytest.raises(DomainError), transaction() as writing:
        found = writing.get_one(Event, past.id)
        service.record_headcount(writing, event=found, came=-1, now=clock.now, actor=COMMAND)


def test_a_promise_shows_on_a_past_event_only(session: Session, past: Event, event: Event, clock: Any) -> None:
    promise(past, clock)
    promise(event, clock)
    panel = service.public_panel(past, session=session, now=clock.now)
    assert panel is not None and panel.values["is_promised"] and panel.values["write_ups"] == []
    assert service.public_panel(event, session=session, now=clock.now) is None


def test_the_list_of_past_events_says_what_came_of_them(
    session: Session, past: Event, event: Event, clock: Any
) -> None:
    save(past, clock, "Notes", 0, publish=True)
    promise(past, clock, state="published", url=LINK)
    promise(event, clock)
    found = service.past_counts(None, session=session, event_ids=[past.id, event.id], now=clock.now)
    assert found == {past.id: "Notes, 1 write-up"}


# --- import --------------------------------------------------------------------------------------------------


def read_row(event: Event, clock: Any, dry_run: bool = False, **row: str) -> list[str]:
    changes: list[str] = []
    with transaction() as writing:
        found = writing.get_one(Event, event.id)
        service.import_write_up(
            found,
            session=writing,
            now=clock.now,
            row=row,
            changes=changes,
            dry_run=dry_run,
            actor=COMMAND,
            settings=None,
        )
    return changes


def test_the_same_row_again_changes_and_doubles_nothing(session: Session, past: Event, clock: Any) -> None:
    row = {"write_up_status": "published", "write_up_title": "A report", "write_up_url": LINK}
    assert read_row(past, clock, **row) == ["write-up"]
    assert read_row(past, clock, **row) == []
    kept = queries.write_ups_of(session, past.id)
    assert [(one.title, one.url, one.state, one.published_on) for one in kept] == [
        ("A report", LINK, "published", None)
    ]


def test_a_dry_run_says_what_would_change_and_keeps_nothing(session: Session, past: Event, clock: Any) -> None:
    assert read_row(past, clock, dry_run=True, write_up_status="to be written") == ["write-up"]
    assert queries.write_ups_of(session, past.id) == []


def test_a_promise_is_kept_by_a_later_row(session: Session, past: Event, clock: Any) -> None:
    read_row(past, clock, write_up_status="to be written")
    assert read_row(past, clock, write_up_status="published", write_up_title="Its title", write_up_url=LINK) == [
        "write-up"
    ]
    kept = queries.write_ups_of(session, past.id)
    assert [(one.title, one.state) for one in kept] == [("Its title", "published")]


def test_an_old_row_does_not_undo_a_kept_promise(session: Session, past: Event, clock: Any) -> None:
    read_row(past, clock, write_up_status="to be written", write_up_title="A blog")
    key = queries.write_ups_of(session, past.id)[0].id
    with transaction() as writing:
        service.publish_link(writing, write_up=writing.get_one(WriteUp, key), url=LINK, now=clock.now, actor=COMMAND)
    assert read_row(past, clock, write_up_status="to be written", write_up_title="A blog") == []
    session.expire_all()
    assert [(one.state, one.url) for one in queries.write_ups_of(session, past.id)] == [("published", LINK)]


def test_a_row_that_does_not_fit_is_refused_in_words(past: Event, clock: Any) -> None:
    with pytest.raises(DomainError, match="write_up_url"):
        read_row(past, clock, write_up_status="published", write_up_url="javascript:alert(1)")

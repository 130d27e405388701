"""Writes, publishes and takes back the notes of an event, and the number who came."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.core.errors import DomainError, EditClash
from workshops.core.text import clean_text
from workshops.core.versions import touch_public
from workshops.followup.models import Note
from workshops.followup.rules import NOTES_MAX, WITHDRAW_REASONS, NotesEmpty
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.service import touch_event


class NoteClash(EditClash):
    """Somebody saved these notes since the writer opened them. theirs: text as saved now; revision: its number."""

    def __init__(self, theirs: str, revision: int) -> None:
        super().__init__(field="text")
        self.theirs = theirs
        self.revision = revision


def save_draft(session: Session, *, event: Event, text: str, revision: int, now: datetime, actor: Actor) -> Note:
    """Keep the notes as typed; what the public sees stays as it is.

    revision: the one the writer's form showed, 0 for notes that did not exist. Raises NoteClash when another
    one is saved by now and says something else; nothing is overwritten then.
    """
    event = lock_event(session, event.id)
    text = clean_text(text, multiline=True)
    if len(text) > NOTES_MAX:
        raise DomainError(f"Notes must be {NOTES_MAX:,} characters or fewer.", field="text")
    note = session.get(Note, event.id, populate_existing=True)
    if note is not None and note.text == text:
        return note
    if (note.revision if note else 0) != revision:
        raise NoteClash(note.text if note else "", note.revision if note else 0)
    if note is None:
        note = Note(event_id=event.id, state="draft", revision=0)
        session.add(note)
    note.text = text
    note.revision += 1
    note.updated_at = now
    note.updated_by = _account(actor)
    _record(session, event, "notes_saved", now, actor, fields=("text",))
    session.flush()
    return note


def publish_notes(
    session: Session, *, event: Event, revision: int, now: datetime, actor: Actor, text: str | None = None
) -> Note:
    """Show the notes on the event's page. text: saved first, when given.

    Raises NoteClash as save_draft does, also when the draft moved on since its preview; NotesEmpty.
    """
    event = lock_event(session, event.id)
    if text is not None:
        note: Note | None = save_draft(session, event=event, text=text, revision=revision, now=now, actor=actor)
    else:
        note = session.get(Note, event.id, populate_existing=True)
        if note is not None and note.revision != revision:
            raise NoteClash(note.text, note.revision)
    if note is None or not note.text:
        raise NotesEmpty(field="text")
    if note.published_text == note.text:
        return note
    note.published_text = note.text
    note.published_at = now
    note.state = "published"
    _record(session, event, "notes_published", now, actor, fields=("published_text", "state"))
    _shown_again(session, event)
    return note


def withdraw_notes(session: Session, *, event: Event, reason: str, now: datetime, actor: Actor) -> None:
    """Take the notes off the public page; the draft stays. reason: a key of WITHDRAW_REASONS."""
    event = lock_event(session, event.id)
    note = session.get(Note, event.id, populate_existing=True)
    if note is None or note.published_text is None:
        return
    if reason not in WITHDRAW_REASONS:
        raise DomainError("Choose one of the reasons.", field="reason")
    note.published_text = None
    note.published_at = None
    note.state = "draft"
    _record(session, event, "notes_withdrawn", now, actor, fields=("published_text", "state"), reason=reason)
    _shown_again(session, event)


def record_headcount(session: Session, *, event: Event, came: int | None, now: datetime, actor: Actor) -> None:
    """Set the number who came as counted in the room; None goes back to the marks of attendance.

    Raises DomainError for a number below 0 or above a million.
    """
    event = lock_event(session, event.id)
    if came is not None and not 0 <= came <= 1_000_000:
        raise DomainError("The number who came must be between 0 and 1,000,000.", field="came")
    if event.reported_attended == came:
        return
    event.reported_attended = came
    audit.record(
        session,
        now=now,
        actor=actor,
        action="headcount_recorded",
        subject=("event", event.id),
        event_id=event.id,
        fields=("reported_attended",),
    )
    touch_event(session, event)
    session.flush()


def _shown_again(session: Session, event: Event) -> None:
    touch_event(session, event)
    touch_public(session)  # the list of past events says which have notes
    session.flush()


def _account(actor: Actor) -> int | None:
    return actor.id if actor.kind == "staff" else None


def _record(
    session: Session,
    event: Event,
    action: str,
    now: datetime,
    actor: Actor,
    *,
    fields: tuple[str, ...],
    reason: str = "",
) -> None:
    audit.record(
        session,
        now=now,
        actor=actor,
        action=action,
        subject=("notes", event.id),
        event_id=event.id,
        fields=fields,
        reason=reason,
    )

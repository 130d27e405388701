"""What follow-up adds when the schedule speaks: imported rows, the public page, the list of past events, staff home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.attendance import queries as attendance
from workshops.audit.rules import COMMAND, Actor
from workshops.core.london_time import london_date
from workshops.followup import queries
from workshops.followup.rules import (
    WITHDRAW_REASONS,
    came_words,
    count_words,
    imported,
    recognised,
    row_details,
)
from workshops.followup.service.write_ups import details_of, store_change, store_new
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.signals import Attention, Panel

#: What is said in the list of changes of an imported row.
CHANGED = "write-up"
#: Below the description and the facts of the event, above what is only about registering.
PANEL_POSITION = 50


def import_write_up(
    event: Event,
    *,
    session: Session,
    now: datetime,
    row: Mapping[str, str],
    changes: list[str],
    dry_run: bool = False,
    actor: Actor = COMMAND,
    **_: Any,
) -> None:
    """Read the write_up columns of a row; adds "write-up" to changes when something differs.

    The same row again changes nothing and doubles nothing. In a dry run nothing is stored.
    Raises WriteUpProblem (a DomainError and a ValueError) with a sentence that names the column.
    """
    details = row_details(row, event_title=event.title)
    if details is None:
        return
    known = queries.write_ups_of(session, event.id) if event.id is not None else []
    place = recognised(details, [details_of(one) for one in known])
    if place is None:
        changes.append(CHANGED)
        if not dry_run:
            event = lock_event(session, event.id)
            store_new(session, event=event, details=details, now=now, actor=actor)
        return
    after = imported(details, details_of(known[place]))
    if after != details_of(known[place]):
        changes.append(CHANGED)
        if not dry_run:
            event = lock_event(session, event.id)
            store_change(session, event=event, write_up=known[place], details=after, now=now, actor=actor)


def public_panel(event: Event, *, session: Session, now: datetime, **_: Any) -> Panel | None:
    """Notes, write-ups and the number who came, on the public page; None when there is nothing to say."""
    note = queries.notes_of(session, event.id)
    write_ups = queries.write_ups_of(session, event.id)
    published = [one for one in write_ups if one.state == "published"]
    over = event.over_at <= now
    values = {
        "notes": note.published_text if note else None,
        "published_on": london_date(note.published_at) if note and note.published_at else None,
        "write_ups": published,
        "is_promised": over and any(one.state != "published" for one in write_ups),
        "came": _came(session, event) if over and event.state == "published" else "",
        # the schedule's status table asks these two
        "has_notes": note is not None and note.published_text is not None,
        "has_follow_up": bool(published) or (note is not None and note.published_text is not None),
        **_withdrawn(session, event, is_published=note is not None and note.published_text is not None),
    }
    if not any(values[name] for name in ("notes", "write_ups", "is_promised", "came", "withdrawn_on")):
        return None
    return Panel(PANEL_POSITION, "followup/_on_event_page.html", values)


def _withdrawn(session: Session, event: Event, *, is_published: bool) -> dict[str, Any]:
    entry = None if is_published else queries.last_withdrawal(session, event.id)
    if entry is None:
        return {"withdrawn_on": None, "withdrawn_because": ""}
    return {
        "withdrawn_on": london_date(entry.at),
        "withdrawn_because": WITHDRAW_REASONS.get(entry.reason, ""),
    }


def _came(session: Session, event: Event) -> str:
    """How many came by the marks of attendance, in words; empty when a number is reported, which the page has."""
    if event.reported_attended is not None:
        return ""
    counts = attendance.counts(session, event.id)
    return came_words(counts.came if counts.is_begun else None)


def past_counts(_sender: Any, *, session: Session, event_ids: Sequence[int], **_: Any) -> dict[int, str]:
    """What is published about each of these events, in words: {7: "Notes, 2 write-ups"}; the others are left out."""
    found = queries.published_counts(session, event_ids)
    return {key: count_words(has_notes=notes, write_ups=number) for key, (notes, number) in found.items()}


def attention_for(_sender: Any, *, session: Session, now: datetime, user: Any, **_: Any) -> list[Attention]:
    """Write-ups that are overdue or due within a week: of this person, or of everybody for organisers."""
    if user.role == "viewer":
        return []
    owner_id = None if user.role in ("organiser", "admin") else user.id
    overdue, due_soon = queries.count_to_remind(session, today=london_date(now), owner_id=owner_id)
    found = []
    if overdue:
        found.append(Attention("Write-ups are overdue", overdue, "followup.staff_write_ups"))
    if due_soon:
        found.append(Attention("Write-ups are due within a week", due_soon, "followup.staff_write_ups"))
    return found

"""Those who run an event get it as an invitation in their own calendar (RFC 5546), and it stays true there.

`tell_team` is called at the end of whatever changes a published event, under its lock and after everybody who is
registered was told. It compares what each was told last with how things are, so calling it once too often does
nothing. Drafts, past events and imports tell nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.config import Settings
from workshops.ical.entry import CalendarEntry
from workshops.ical.invitation import invitation_bytes
from workshops.ical.sequence import next_sequence
from workshops.messages.mime import display_name
from workshops.messages.models import OutboxMessage
from workshops.messages.queries import lock_waiting_messages
from workshops.messages.service import enqueue, take_back
from workshops.schedule import signals
from workshops.schedule.calendar_entry import ORGANISER_NAME, entry_for
from workshops.schedule.models import Event, RunInvitation
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import facilitators_of
from workshops.schedule.queries.team import last_invitation_mail, run_invitations_of, team_of
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.team import METHODS, Told, changed_words, news_for, places_words, read_told

#: Beside what somebody was told: what they knew before, which counts again when that mail is taken back unsent.
BEFORE = "before"
REPLACED = "A newer mail about the event took its place."


def tell_team(
    session: Session, event: Event, *, now: datetime, settings: Settings, but_not: Container[int] = ()
) -> int:
    """Send those who run an event what they do not know yet; how many mails were stored.

    but_not: accounts that need not be told this time; the next change tells them all.

    The event must be locked, and people who are registered told before: somebody who runs it and is registered
    under the same address gets one mail and one calendar entry.
    """
    if event.state == "draft" or now >= event.over_at:
        return 0
    session.flush()
    entry = entry_for(event, settings=settings)
    accounts = team_of(session, event) if entry is not None else ()
    if entry is None or not accounts:
        return 0
    running = {event.owner_id, *facilitators_of(session, event.id)}
    kept = run_invitations_of(session, event.id)
    others = _in_calendars(session, event, [account.email_key for account in accounts])
    told = _told(event, entry)
    waiting = {
        message.about_id: message
        for message in lock_waiting_messages(session, event.id, [f"schedule/{kind}" for kind in METHODS])
    }
    sent = 0
    for account in accounts:
        row = kept.get(account.id)
        runs = account.id in running
        if _news(row, runs, told) is None or not account.is_active or not account.calendar_invitations:
            continue
        if account.id in but_not:
            continue
        if account.id in waiting and row is not None:
            # A mail that has not gone out is replaced, so that they too get one that says everything.
            take_back(waiting[account.id], REPLACED)
            row = _as_before(session, row)
        kind = _news(row, runs, told)
        if kind is not None:
            other = others.get(account.email_key)
            sent += _tell(session, event, account, row, kind, told, entry, other, now=now, settings=settings)
    return sent


def _news(row: RunInvitation | None, runs: bool, told: Told) -> str | None:
    return news_for(
        runs=runs, now=told, before=read_told(row.told) if row else None,
        method=row.method if row else None,  # type: ignore[arg-type]
    )


def _as_before(session: Session, row: RunInvitation) -> RunInvitation | None:
    """What somebody knew before the mail that was taken back; None when it was the first. SEQUENCE stays raised."""
    before = row.told.get(BEFORE)
    if before is None:
        session.delete(row)
        session.flush()
        return None
    row.told, row.method = dict(before["told"]), before["method"]
    return row


def count_team_to_tell(session: Session, event: Event, *, now: datetime, settings: Settings) -> int:
    """How many of those who run an event `tell_team` would tell if it were called now. Only reads."""
    entry = entry_for(event, settings=settings)
    if event.state == "draft" or now >= event.over_at or entry is None:
        return 0
    running = {event.owner_id, *facilitators_of(session, event.id)}
    kept = run_invitations_of(session, event.id)
    told = _told(event, entry)
    number = 0
    for account in team_of(session, event):
        kind = _news(kept.get(account.id), account.id in running, told)
        number += kind is not None and account.is_active and account.calendar_invitations
    return number


def _in_calendars(session: Session, event: Event, email_keys: list[str]) -> dict[str, signals.InCalendar]:
    asked = signals.calendars_asked.send(event, session=session, email_keys=email_keys)
    return {one.email_key: one for one in signals.answers(asked)}


def _told(event: Event, entry: CalendarEntry) -> Told:
    link = hashlib.sha256(event.joining_link.encode()).hexdigest()[:16] if event.joining_link else ""
    return Told(event.state, event.title, when_text(event_view(event)), entry.location, link)


def _tell(
    session: Session,
    event: Event,
    account: Account,
    row: RunInvitation | None,
    kind: str,
    told: Told,
    entry: CalendarEntry,
    other: signals.InCalendar | None,
    *,
    now: datetime,
    settings: Settings,
) -> bool:
    """Store one mail with its invitation, and note down what was told."""
    before = read_told(row.told) if row else None
    known = {BEFORE: {"told": before.kept(), "method": row.method}} if row and before else {}
    row = row or RunInvitation(event_id=event.id, account_id=account.id, sequence=-1, told_at=now)
    row.method, row.told, row.told_at = METHODS[kind], {**told.kept(), **known}, now
    last = max([row.sequence, other.sequence if other else -1])
    if kind in ("run_changed", "run_off") and _knows_as_guest(session, event, account, now):
        # Registered under the same address, and told all of it a moment ago with a calendar entry of its own.
        row.sequence = last
        session.add(row)
        return False
    calendar = None
    # Whoever no longer runs it and has a place keeps their entry: only the words are sent.
    if kind != "run_removed" or other is None or not other.stands:
        sequence = next_sequence(event.sequence, last if last >= 0 else None)
        calendar = _invitation(event, account, kind, entry, sequence, now=now, settings=settings)
        row.sequence = sequence if calendar is not None else last
    else:
        row.sequence = last
    session.add(row)
    message = enqueue(
        session,
        kind=f"schedule/{kind}",
        to_email=account.email,
        to_name=account.name,
        values=_values(event, account, kind, told, before, has_calendar=calendar is not None, settings=settings),
        dedupe_key=f"{kind}:{event.id}:{account.id}:{row.sequence}:{int(now.timestamp())}",
        about=("team", account.id),
        event_id=event.id,
        calendar=calendar,
        calendar_method=METHODS[kind] if calendar is not None else None,
        now=now,
        drop_after=event.over_at,
        settings=settings,
    )
    return message is not None


def _knows_as_guest(session: Session, event: Event, account: Account, now: datetime) -> bool:
    newest = last_invitation_mail(session, event.id, account.email_key)
    return newest is not None and newest.about_kind != "team" and newest.created_at == now


def _invitation(
    event: Event, account: Account, kind: str, entry: CalendarEntry, sequence: int, *, now: datetime, settings: Settings
) -> bytes | None:
    try:
        return invitation_bytes(
            entry,
            method=METHODS[kind],
            attendee_email=account.email,
            attendee_name=account.name,
            sequence=sequence,
            stamped_at=now,
            partstat="ACCEPTED",
            organiser_email=settings.mail_from,
            organiser_name=ORGANISER_NAME,
            event_cancelled=entry.status == "CANCELLED",
            joining_link=event.joining_link or None,
        )
    except ValueError:
        # An address that mail takes and a calendar cannot carry: the words of the mail still arrive.
        return None


def _values(
    event: Event, account: Account, kind: str, told: Told, before: Told | None, *, has_calendar: bool,
    settings: Settings,
) -> dict[str, Any]:
    """What the mail says. How many places are taken, and never by whom."""
    counts = event.booking not in ("none", "elsewhere")
    return {
        "name": display_name(account.name),
        "title": event.title,
        "when": told.when,
        "where": told.where,
        "places": places_words(
            mode=event.mode,
            taken=(event.taken_in_person, event.taken_online),
            capacity=(event.capacity_in_person, event.capacity_online),
            waiting=(event.waiting_in_person, event.waiting_online),
        ) if counts else "",
        "joining_link": event.joining_link if kind in ("run_invited", "run_changed") else "",
        "state": event.state,
        "reason": event.state_reason,
        "is_back": before is not None and before.state != "published",
        "new_link": before is not None and before.joining != told.joining,
        "changes": changed_words(before, told) if before is not None and kind == "run_changed" else [],
        "has_calendar": has_calendar,
        "staff_url": f"{settings.base_url}/staff/events/{event.slug}",
        "account_url": f"{settings.base_url}/staff/account",
    }


def reason_not_to_send(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why a mail to somebody who runs an event must not go out any more, or None. Asked at the moment of sending."""
    account = session.get(Account, message.about_id) if message.about_id is not None else None
    event = session.get(Event, message.event_id) if message.event_id is not None else None
    if account is None or event is None:
        return "The account or the event is no longer kept."
    if not account.is_active:
        return "This account is closed."
    if not account.calendar_invitations:
        return "This person has turned these emails off."
    runs = account.id in (event.owner_id, *facilitators_of(session, event.id))
    is_request = message.kind in ("schedule/run_invited", "schedule/run_changed")
    if is_request and (not runs or event.state != "published"):
        return "Things have changed since this was written."
    return None

"""Use cases of the feeds: the calendars of staff are made and ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from workshops.accounts.queries import lock_account
from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.tokens import new_token, token_hash
from workshops.feeds.models import StaffCalendar
from workshops.feeds.rules import STAFF_PURPOSE


def make_staff_calendar(
    session: Session, *, account_id: int, whose: str, now: datetime, settings: Settings, actor: Actor
) -> str:
    """The address of a calendar of what somebody runs; ends the one of this kind made before.

    It is shown once: only its hash is kept. Raises NotFound.
    """
    _end(session, account_id, whose, now)
    token = new_token()
    session.add(
        StaffCalendar(
            account_id=account_id, whose=whose, token_hash=token_hash(STAFF_PURPOSE, token), created_at=now
        )
    )
    session.flush()
    record(session, now=now, actor=actor, action="staff_calendar_made", subject=("account", account_id))
    return f"{settings.base_url}/calendars/staff/{token}.ics"


def end_staff_calendar(session: Session, *, account_id: int, whose: str, now: datetime, actor: Actor) -> None:
    """Nothing opens at this address any more. Ending it twice has no effect. Raises NotFound."""
    if _end(session, account_id, whose, now):
        record(session, now=now, actor=actor, action="staff_calendar_ended", subject=("account", account_id))


def _end(session: Session, account_id: int, whose: str, now: datetime) -> bool:
    # Under the account's lock, so that a second click waits and then ends the first one's calendar.
    if lock_account(session, account_id) is None:
        raise NotFound
    ended = session.execute(
        update(StaffCalendar)
        .where(
            StaffCalendar.account_id == account_id, StaffCalendar.whose == whose, StaffCalendar.revoked_at.is_(None)
        )
        .values(revoked_at=now)
        .returning(StaffCalendar.id)
    )
    return bool(ended.all())

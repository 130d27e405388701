"""Use cases of the feeds: the calendars of staff are made and ended; what was counted of fetches is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, or_, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from workshops.accounts.queries import lock_account
from workshops.audit.rules import Actor
from workshops.audit.service import record
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.london_time import instant_words, london_date
from workshops.core.tokens import new_token, token_hash
from workshops.feeds.clients import FAMILIES
from workshops.feeds.fetches import Counted, Used
from workshops.feeds.models import FeedFetches, StaffCalendar
from workshops.feeds.queries import health
from workshops.feeds.rules import KEEP_FETCHES_DAYS, MY_PLACES, STAFF_PURPOSE, seen_by
from workshops.registration.models import CalendarToken
from workshops.schedule.consequence_signals import Foreseen
from workshops.schedule.models import Event


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


def save_fetches(session: Session, *, counted: Sequence[Counted], used: Sequence[Used]) -> None:
    """Add what one process has counted to what the others did. Rows come in one order, so none waits in a circle."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    for one in counted:
        statement = insert(FeedFetches).values(**asdict(one))
        new, old = statement.excluded, FeedFetches.__table__.c
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["feed", "family", "day"],
                set_={
                    "first_at": _less(old.first_at, new.first_at),
                    "last_at": _more(old.last_at, new.last_at),
                    "fetches": old.fetches + new.fetches,
                    "unchanged": old.unchanged + new.unchanged,
                    "readers": _more(old.readers, new.readers),
                },
            )
        )
    for use in used:
        table = CalendarToken if use.what == MY_PLACES else StaffCalendar
        session.execute(
            update(table)
            .where(table.id == use.id, or_(table.last_used_on.is_(None), table.last_used_on < use.day))
            .values(last_used_on=use.day)
            .execution_options(synchronize_session=False)
        )


def _less(one: Any, other: Any) -> Any:
    return case((one < other, one), else_=other)


def _more(one: Any, other: Any) -> Any:
    return case((one > other, one), else_=other)


def forget_old_fetches(session: Session, *, now: datetime, settings: Settings) -> int:
    """Remove what was counted longer ago than KEEP_FETCHES_DAYS; returns how many rows."""
    before = london_date(now) - timedelta(days=KEEP_FETCHES_DAYS)
    return int(session.execute(delete(FeedFetches).where(FeedFetches.day < before)).rowcount)  # type: ignore[attr-defined]


def foresee_calendars(event: Event, *, session: Session, now: datetime, **_: Any) -> Foreseen:
    """Listener: when those who subscribe will probably see a change, from the intervals seen; nothing without any."""
    if event.state == "draft" or not event.is_listed:
        return Foreseen()
    sentences = [
        f"People who subscribe with {FAMILIES[family]} will probably see this by {instant_words(by)}."
        if by
        else f"How soon people who subscribe with {FAMILIES[family]} see it is not known: too few fetches were seen."
        for family, by in sorted(seen_by(health(session, london_date(now)), now).items())
        if family in FAMILIES and family != "other"
    ]
    return Foreseen(sections=(("Subscribed calendars", tuple(sentences)),)) if sentences else Foreseen()


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

"""Counters in the database, so that a limit holds over all processes and hosts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from workshops.core.db import Base
from workshops.core.errors import DomainError
from workshops.core.tokens import keyed_hash


class RateCounter(Base):
    """How often something was done by somebody in one window. The key is a keyed hash, never an address."""

    __tablename__ = "rate_counters"

    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]


@dataclass(frozen=True)
class Limit:
    """At most `count` times in `window_s` seconds; name says what is counted."""

    name: str
    count: int
    window_s: int


class TooMany(DomainError):
    """A limit is reached. retry_after_s: seconds until the window ends."""

    sentence = "This was tried too often. Wait a little, then try again."

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


def window_start(limit: Limit, now: datetime) -> datetime:
    """The beginning of the fixed window that `now` falls into."""
    stamp = int(now.timestamp())
    return datetime.fromtimestamp(stamp - stamp % limit.window_s, UTC)


def count_one(session: Session, limit: Limit, who: str, *, secret_key: str, now: datetime) -> bool:
    """Count one more for `who`, inside the caller's transaction. False: it is one too many."""
    start = window_start(limit, now)
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    statement = insert(RateCounter).values(key=keyed_hash(secret_key, limit.name, who), window_start=start, count=1)
    statement = statement.on_conflict_do_update(
        index_elements=["key", "window_start"], set_={"count": RateCounter.count + 1}
    )
    count = session.execute(statement.returning(RateCounter.count)).scalar_one()
    return bool(count <= limit.count)


def give_back(session: Session, limit: Limit, who: str, *, secret_key: str, now: datetime) -> None:
    """Take back one that was counted, when only failures count and this was none."""
    session.execute(
        update(RateCounter)
        .where(
            RateCounter.key == keyed_hash(secret_key, limit.name, who),
            RateCounter.window_start == window_start(limit, now),
            RateCounter.count > 0,
        )
        .values(count=RateCounter.count - 1)
        .execution_options(synchronize_session=False)
    )


def is_over(session: Session, limit: Limit, who: str, *, secret_key: str, now: datetime) -> bool:
    """Whether the limit is reached already, without counting."""
    key = keyed_hash(secret_key, limit.name, who)
    count = session.scalar(
        select(RateCounter.count).where(RateCounter.key == key, RateCounter.window_start == window_start(limit, now))
    )
    return count is not None and count >= limit.count


def seconds_left(limit: Limit, now: datetime) -> int:
    """Until the window ends and the count begins anew."""
    return max(1, int(window_start(limit, now).timestamp()) + limit.window_s - int(now.timestamp()))


def forget_old_counters(session: Session, *, before: datetime) -> int:
    """Remove counters of windows that began before an instant; returns how many."""
    return int(session.execute(delete(RateCounter).where(RateCounter.window_start < before)).rowcount)  # type: ignore[attr-defined]

"""One number makes every cache safe: the version of all that is public, and the epoch of this database.

Public answers are the same for everybody. A version that moves in the same transaction as anything public
gives each answer its cache key, so a kept answer is right on any number of processes and hosts (DESIGN 3).
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from workshops.core.db import Base, before_commit
from workshops.core.tokens import new_token


class PublicVersion(Base):
    """The one row (id 1) that stands for everything lists and feeds show."""

    __tablename__ = "public_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Moves only when what a list shows changes, and is the last row a transaction locks.
    version: Mapped[int] = mapped_column(default=1)
    #: Moves with whatever is planned, drafts included: what staff pages about all events are kept by.
    planning: Mapped[int] = mapped_column(default=1)
    #: New after a restore, so that no answer kept from before the restore fits.
    epoch: Mapped[str]


# Made once and of the table alone: every public answer asks it, and building it costs more than running it.
_ROW = PublicVersion.__table__.c
_VERSION_AND_EPOCH = select(_ROW.version, _ROW.epoch).where(_ROW.id == 1)


def touch_public(session: Session) -> None:
    """Say that a list or feed shows something else after this transaction."""
    before_commit(session, "public_version", _raise_version)


def _raise_version(session: Session) -> None:
    session.execute(update(PublicVersion).where(PublicVersion.id == 1).values(version=PublicVersion.version + 1))


def touch_planning(session: Session) -> None:
    """Say that something else is planned after this transaction, in public or not."""
    # The same row as the public version, so that two transactions never wait for each other's.
    before_commit(session, "planning_version", _raise_planning)


def _raise_planning(session: Session) -> None:
    session.execute(update(PublicVersion).where(PublicVersion.id == 1).values(planning=PublicVersion.planning + 1))


def public_version(session: Session) -> tuple[int, str]:
    """Version and epoch, with one SELECT."""
    row = session.execute(_VERSION_AND_EPOCH).one_or_none()
    return (row.version, row.epoch) if row else (0, "")


def new_epoch() -> str:
    """A value that no earlier database of this address had."""
    return new_token()

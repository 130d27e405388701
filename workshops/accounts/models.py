"""Accounts, their sign-ins and their one-time links."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workshops.core.db import Base


class Account(Base):
    """Somebody who works behind sign-in."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("role IN ('admin','organiser','facilitator','viewer')", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    #: Trimmed and in lower case; what addresses are compared by.
    email_key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    role: Mapped[str]
    #: argon2id, or empty while no password has been set.
    password_hash: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    password_set_at: Mapped[datetime | None]
    #: Whether the events they run are sent to their own calendar.
    calendar_invitations: Mapped[bool] = mapped_column(default=True)
    #: Whether they may read the access and food needs of people at the events they run. Viewers never do.
    sees_needs: Mapped[bool] = mapped_column(default=True, server_default=true())


class SignIn(Base):
    """One signed-in browser. Ended here, it is ended everywhere."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_account_id", "account_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    #: Touched once a minute at most.
    last_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    #: "Chrome on Windows": enough to recognise a browser, not the whole header.
    browser: Mapped[str] = mapped_column(default="")

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class AccountLink(Base):
    """A one-time link: to accept an invitation, to set a new password, or the demonstration's sign-in."""

    __tablename__ = "account_links"
    __table_args__ = (
        CheckConstraint("purpose IN ('invitation','new_password','demonstration')", name="purpose"),
        Index("ix_account_links_account_id", "account_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)

"""Tables of proposals: what was proposed or asked for, what came of it, and the links into it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workshops.accounts.models import Account
from workshops.core.db import Base
from workshops.schedule.models import Event, Programme


class Proposal(Base):
    """An event that somebody offers to host, or asks us for. What it says has the limits of rules.Details."""

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("purpose IN ('host','ask')", name="purpose"),
        CheckConstraint(
            "state IN ('unconfirmed','waiting','changes','accepted','declined','withdrawn')", name="state"
        ),
        CheckConstraint("mode IN ('in_person','online','hybrid')", name="mode"),
        CheckConstraint("state <> 'accepted' OR event_id IS NOT NULL", name="accepted_has_event"),
        # The same form sent twice is one proposal.
        Index("uq_proposals_form_key", "form_key_hash", unique=True),
        Index("uq_proposals_event_id", "event_id", unique=True),
        Index("ix_proposals_queue", "programme_id", "state", "sent_at", "id"),
        Index("ix_proposals_state", "state", "state_changed_at"),
        Index("ix_proposals_email_key", "email_key", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    #: None: asked for on the general page.
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programmes.id"))
    #: The event that was made of it.
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    state: Mapped[str] = mapped_column(default="unconfirmed")
    organisation: Mapped[str]
    name: Mapped[str]
    email: Mapped[str]
    #: Trimmed and in lower case.
    email_key: Mapped[str]
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="")
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    #: "14:30", or empty.
    start_time: Mapped[str] = mapped_column(default="")
    end_time: Mapped[str] = mapped_column(default="")
    when_words: Mapped[str] = mapped_column(default="")
    mode: Mapped[str] = mapped_column(default="in_person")
    venue_name: Mapped[str] = mapped_column(default="")
    venue_address: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    area: Mapped[str] = mapped_column(default="")
    places: Mapped[int | None]
    audience: Mapped[str] = mapped_column(default="")
    topics: Mapped[str] = mapped_column(default="")
    #: To the organisers.
    message: Mapped[str] = mapped_column(default="")
    access: Mapped[str] = mapped_column(default="")
    #: SHA-256 of the hidden form key, so that a second send finds this row.
    form_key_hash: Mapped[str | None]
    #: Moves with each change of what it says, so that nobody answers what they have not read.
    edition: Mapped[int] = mapped_column(default=1)
    #: Whether its host may read the names of the people who come; granted and taken back by staff with a reason.
    shows_names: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    #: When it last came into the queue: its age counts from here. None: not confirmed yet.
    sent_at: Mapped[datetime | None]
    state_changed_at: Mapped[datetime]
    #: When personal values were removed.
    erased_at: Mapped[datetime | None]

    programme: Mapped[Programme | None] = relationship()
    event: Mapped[Event | None] = relationship()


class ProposalToken(Base):
    """A link in a mail. purpose: confirm (the address) or proposal (its own page). Only the hash is kept."""

    __tablename__ = "proposal_tokens"
    __table_args__ = (
        CheckConstraint("purpose IN ('confirm','proposal')", name="purpose"),
        Index("ix_proposal_tokens_proposal_id", "proposal_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    purpose: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ProposalStep(Base):
    """One thing that happened to it, for those who answer it: who, when, and the message that went.

    The audit says the same without words; these are removed with the person's name.
    """

    __tablename__ = "proposal_steps"
    __table_args__ = (Index("ix_proposal_steps_proposal_id", "proposal_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    #: Past tense, as in the audit.
    step: Mapped[str]
    words: Mapped[str] = mapped_column(default="")
    #: None: the person themselves.
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))

    account: Mapped[Account | None] = relationship()


class AskForm(Base):
    """The general "Ask us for an event" page: one row (id 1), or none while nobody has opened it."""

    __tablename__ = "ask_form"

    id: Mapped[int] = mapped_column(primary_key=True)
    is_open: Mapped[bool] = mapped_column(default=False)
    #: What stands above the form. Markdown.
    words: Mapped[str] = mapped_column(default="")

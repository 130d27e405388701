"""Tables of registration."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workshops.core.db import Base
from workshops.schedule.models import Event

#: States in which somebody counts as registered; one such row per event and address.
ACTIVE = "state IN ('requested','confirmed','waiting','offered')"


class Registration(Base):
    """One person at one event."""

    __tablename__ = "registrations"
    __table_args__ = (
        CheckConstraint(
            "state IN ('requested','confirmed','waiting','offered','cancelled','lapsed','declined')", name="state"
        ),
        CheckConstraint("attending IN ('in_person','online')", name="attending"),
        CheckConstraint(
            "perspective IN ('','lived_experience','practitioners','third_sector','policy')", name="perspective"
        ),
        # The last guard of "one active registration per person and event".
        Index(
            "uq_registrations_active",
            "event_id",
            "email_key",
            unique=True,
            sqlite_where=text(ACTIVE),
            postgresql_where=text(ACTIVE),
        ),
        Index("uq_registrations_form_key", "event_id", "form_key_hash", unique=True),
        Index("ix_registrations_queue", "event_id", "state", "attending", "waiting_since", "id"),
        Index("ix_registrations_email_key", "email_key"),
        Index(
            "ix_registrations_together",
            "together",
            sqlite_where=text("together IS NOT NULL"),
            postgresql_where=text("together IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    #: What people read out on the phone; opens nothing.
    reference: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    email: Mapped[str]
    #: Trimmed and in lower case.
    email_key: Mapped[str]
    organisation: Mapped[str] = mapped_column(default="")
    job_title: Mapped[str] = mapped_column(default="")
    sector: Mapped[str] = mapped_column(default="")
    attending: Mapped[str]
    state: Mapped[str]
    #: The question the person would like to see taken up.
    question: Mapped[str] = mapped_column(default="")
    #: {words of the question: a text or a list of choices}: answers to the event's own questions, see rules.answers.
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    #: Since when they wait; kept while an offer is open, so that order stays explainable.
    waiting_since: Mapped[datetime | None]
    offer_expires_at: Mapped[datetime | None]
    #: SHA-256 of the hidden form key: a second send of the same form finds this row.
    form_key_hash: Mapped[str | None]
    #: What the receipt of that form said: place, waiting or requested.
    outcome: Mapped[str] = mapped_column(default="")
    #: The highest SEQUENCE sent to this person under the event's UID, or None: nothing sent.
    invite_sequence: Mapped[int | None]
    registered_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]
    cancel_reason: Mapped[str] = mapped_column(default="")
    #: What this person was last told of the event, as rules.news.known_words; empty while that is what holds now.
    #: It says things about the event, nothing about the person.
    told: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    #: What they knew before the newest mail about a change: it counts again when that mail is taken back unsent.
    told_before: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    #: lived_experience, practitioners, third_sector, policy, or empty: not said. Counted, and what shares go by.
    perspective: Mapped[str] = mapped_column(default="")
    #: When "Are you still coming?" was asked, and when they said yes.
    asked_at: Mapped[datetime | None]
    reconfirmed_at: Mapped[datetime | None]
    #: What they last answered in their own calendar: accepted, tentative, declined, or empty; and when, by its clock.
    calendar_answer: Mapped[str] = mapped_column(default="", server_default="")
    calendar_answered_at: Mapped[datetime | None]
    #: Whether they were told at registration that a place without an answer is freed.
    may_be_freed: Mapped[bool] = mapped_column(default=False)
    #: The registration this one took over from: of another date, or of the colleague who passed the place on.
    came_from_id: Mapped[int | None]
    #: Whether they said, when they gave up their place, that another date would suit them.
    wants_another_date: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: Names the send in which they registered for several events at once, as long as one mail tells of all.
    together: Mapped[str | None]
    #: When personal values were removed.
    erased_at: Mapped[datetime | None]

    event: Mapped[Event] = relationship()


class Needs(Base):
    """Access and food needs: special category data, in a table of their own, erased 30 days after the event."""

    __tablename__ = "registration_needs"

    registration_id: Mapped[int] = mapped_column(
        ForeignKey("registrations.id", ondelete="CASCADE"), primary_key=True
    )
    access_needs: Mapped[str] = mapped_column(default="")
    dietary_needs: Mapped[str] = mapped_column(default="")
    #: The fingerprint of these words when staff last had them shown; empty: nobody has read them.
    seen_what: Mapped[str] = mapped_column(default="", server_default="")


class NeedTask(Base):
    """One kind of need at one event: who sees to it, and, once the needs are erased, what it came to as counts."""

    __tablename__ = "need_tasks"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    #: How many people needed it, and for how many it was arranged or could not be; said when the needs are erased.
    people: Mapped[int] = mapped_column(default=0)
    arranged: Mapped[int] = mapped_column(default=0)
    not_possible: Mapped[int] = mapped_column(default=0)
    erased_at: Mapped[datetime | None]


class NeedAnswer(Base):
    """What staff know of one kind of need of one person, see rules.needs.Said. Without a row it is still to do."""

    __tablename__ = "need_answers"
    __table_args__ = (CheckConstraint("state IN ('todo','arranged','not_possible','not_needed')", name="state"),)

    registration_id: Mapped[int] = mapped_column(
        ForeignKey("registrations.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    #: rules.needs.fingerprint of what was answered: when the person writes something else it is to do again.
    answers_what: Mapped[str]
    answered_at: Mapped[datetime]
    #: Staff added it; the words of the person do not name it.
    is_chosen: Mapped[bool] = mapped_column(default=False)
    #: What staff told the person.
    message: Mapped[str] = mapped_column(default="")
    #: When and where the event was when it was arranged.
    arranged_for: Mapped[str] = mapped_column(default="")
    #: When whoever arranges it was reminded.
    reminded_at: Mapped[datetime | None]


class PlaceToken(Base):
    """A personal link to "My place". Each mail mints its own; older ones stay valid until revoked."""

    __tablename__ = "place_tokens"
    __table_args__ = (Index("ix_place_tokens_registration_id", "registration_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registrations.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PlacePass(Base):
    """A place on its way to a colleague, who has not said yes. The link of its mail is good for this alone."""

    __tablename__ = "place_passes"
    __table_args__ = (Index("ix_place_passes_registration_id", "registration_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    registration_id: Mapped[int] = mapped_column(ForeignKey("registrations.id", ondelete="CASCADE"))
    name: Mapped[str]
    email: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    #: When it was taken over, taken back, or replaced by another one.
    ended_at: Mapped[datetime | None]

    registration: Mapped[Registration] = relationship()


class DatePoll(Base):
    """Which of some days suits those who want another date of an event; the draft gets the one that is chosen."""

    __tablename__ = "date_polls"
    __table_args__ = (Index("ix_date_polls_event_id", "event_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    draft_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), unique=True)
    #: First days in Scotland, as "2027-05-04", in order.
    days: Mapped[list[str]] = mapped_column(JSON)
    chosen: Mapped[str | None]
    created_at: Mapped[datetime]
    #: When those whom the chosen day suits were offered its places.
    offered_at: Mapped[datetime | None]

    draft: Mapped[Event] = relationship(foreign_keys=[draft_id])


class DatePollAnswer(Base):
    """One person who is asked, and the days that suit them. days None: no answer yet; []: none of them."""

    __tablename__ = "date_poll_answers"
    __table_args__ = (
        Index("ix_date_poll_answers_poll_id", "poll_id"),
        Index("ix_date_poll_answers_registration_id", "registration_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    poll_id: Mapped[int] = mapped_column(ForeignKey("date_polls.id", ondelete="CASCADE"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registrations.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    days: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    answered_at: Mapped[datetime | None]

    poll: Mapped[DatePoll] = relationship()
    registration: Mapped[Registration] = relationship()


class CalendarToken(Base):
    """A personal feed of one address's places. A new one ends the old one."""

    __tablename__ = "calendar_tokens"
    __table_args__ = (Index("ix_calendar_tokens_email_key", "email_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email_key: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    #: The last day in Scotland on which it was fetched.
    last_used_on: Mapped[date | None]


class Invitee(Base):
    """An address that may register for an event by invitation. Not a registration: they may never come."""

    __tablename__ = "invitees"
    __table_args__ = (Index("uq_invitees_address", "event_id", "email_key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    email: Mapped[str]
    #: Trimmed and in lower case.
    email_key: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    invited_at: Mapped[datetime]
    #: When the mail with the invitation was last stored; None: on the list, and not told by us.
    told_at: Mapped[datetime | None]

"""Tables of the schedule. Relationships stand only on the side with the foreign key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workshops.accounts.models import Account
from workshops.core.db import Base


class Kind(Base):
    """A kind of event: awareness session, round-table ... Admins may add more."""

    __tablename__ = "kinds"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    #: Folded (no accents, lower case), used in addresses and for recognition.
    slug: Mapped[str] = mapped_column(unique=True)


class Topic(Base):
    """What an event is about."""

    __tablename__ = "topics"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)


class TopicAlias(Base):
    """A name that a topic had, or the name of one merged into it: addresses and files that use it still find it."""

    __tablename__ = "topic_aliases"
    __table_args__ = (Index("ix_topic_aliases_topic_id", "topic_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column("topic_id", ForeignKey("topics.id", ondelete="CASCADE"))
    #: Folded.
    name_key: Mapped[str] = mapped_column(unique=True)
    #: The slug of the topic that was merged; empty when only a name changed.
    slug: Mapped[str] = mapped_column(default="")


class Host(Base):
    """The organisation that runs an event, with somebody to ask. What is said of the contact is public."""

    __tablename__ = "hosts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    contact_email: Mapped[str] = mapped_column(default="")
    contact_name: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    website: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")


class HostAlias(Base):
    """A name that a host had, or the name of one merged into it: as TopicAlias."""

    __tablename__ = "host_aliases"
    __table_args__ = (Index("ix_host_aliases_host_id", "host_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column("host_id", ForeignKey("hosts.id", ondelete="CASCADE"))
    #: Folded.
    name_key: Mapped[str] = mapped_column(unique=True)
    #: The slug of the host that was merged; empty when only a name changed.
    slug: Mapped[str] = mapped_column(default="")


#: Access facts of a venue, each yes, no or not_known.
VENUE_FACTS = ("step_free", "hearing_loop", "accessible_toilet", "parking", "quiet_room", "bsl", "captions")


class Venue(Base):
    """Where: a name may be missing when a page only said the town. Access facts are yes, no or not_known."""

    __tablename__ = "venues"
    __table_args__ = (
        Index("uq_venues_recognition", "name_key", "address_key", "postcode", unique=True),
        *(
            CheckConstraint(f"{fact} IN ('yes','no','not_known')", name=fact)
            for fact in VENUE_FACTS
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    name_key: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    address_key: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    area: Mapped[str] = mapped_column(default="")
    how_to_get_there: Mapped[str] = mapped_column(default="")
    step_free: Mapped[str] = mapped_column(default="not_known")
    hearing_loop: Mapped[str] = mapped_column(default="not_known")
    accessible_toilet: Mapped[str] = mapped_column(default="not_known")
    parking: Mapped[str] = mapped_column(default="not_known")
    quiet_room: Mapped[str] = mapped_column(default="not_known")
    #: Whether interpreters and captions can be provided here; an event's own answer goes before these.
    bsl: Mapped[str] = mapped_column(default="not_known")
    captions: Mapped[str] = mapped_column(default="not_known")


class VenueAlias(Base):
    """How a venue was written that was merged into another one, so that a file with the old words finds it."""

    __tablename__ = "venue_aliases"
    __table_args__ = (
        Index("uq_venue_aliases_recognition", "name_key", "address_key", "postcode", unique=True),
        Index("ix_venue_aliases_venue_id", "venue_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id", ondelete="CASCADE"))
    name_key: Mapped[str]
    address_key: Mapped[str]
    postcode: Mapped[str]


class Room(Base):
    """A room of a venue; what can be double-booked."""

    __tablename__ = "rooms"
    __table_args__ = (
        Index("uq_rooms_name", "venue_id", "name_key", unique=True),
        CheckConstraint("capacity IS NULL OR capacity >= 0", name="capacity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    venue_id: Mapped[int] = mapped_column(ForeignKey("venues.id", ondelete="CASCADE"))
    name: Mapped[str]
    #: Folded, for recognition.
    name_key: Mapped[str]
    #: How many people it holds; None is not known.
    capacity: Mapped[int | None]


class Programme(Base):
    """A named set of events with its own dates and page."""

    __tablename__ = "programmes"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    #: Folded title, for recognition in imports.
    title_key: Mapped[str] = mapped_column(unique=True)
    summary: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")
    #: Empty means: from its first event to its last.
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    #: False is a draft. Announced, running and past follow from the dates.
    is_published: Mapped[bool] = mapped_column(default=True)
    #: Whether partners may propose events of their own on its "Host an event" page.
    host_form_is_open: Mapped[bool] = mapped_column(default=False)
    #: Whether teams and communities may ask for an event of it.
    ask_form_is_open: Mapped[bool] = mapped_column(default=False)
    #: What stands above these forms: who may propose, and until when. Markdown.
    host_form_words: Mapped[str] = mapped_column(default="")


class ProgrammeOrganiser(Base):
    """Who organises a programme. A programme without anybody named is every organiser's."""

    __tablename__ = "programme_organisers"
    __table_args__ = (Index("ix_programme_organisers_account_id", "account_id"),)

    programme_id: Mapped[int] = mapped_column(ForeignKey("programmes.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)


class Series(Base):
    """Events that are dates of the same thing; each keeps its own UID."""

    __tablename__ = "series"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    created_at: Mapped[datetime]
    #: How its dates were made, in words: "Every 2 weeks on Tuesday". Empty when they were chosen one by one.
    rhythm: Mapped[str] = mapped_column(default="")


class EventFacilitator(Base):
    """Who runs an event beside its owner; they may do all that the owner may."""

    __tablename__ = "event_facilitators"
    __table_args__ = (Index("ix_event_facilitators_account_id", "account_id"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)


class EventTopic(Base):
    """The topics of an event, in the order in which they were written."""

    __tablename__ = "event_topics"
    __table_args__ = (Index("ix_event_topics_topic_id", "topic_id"),)

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey("topics.id"), primary_key=True)
    position: Mapped[int]


class Event(Base):
    """Anything scheduled. Exactly one of (starts_at, ends_at), (starts_on, ends_on) and month says when."""

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("state IN ('draft','published','postponed','cancelled')", name="state"),
        CheckConstraint("mode IN ('in_person','online','hybrid')", name="mode"),
        CheckConstraint(
            "booking IN ('first_come','by_approval','by_invitation','elsewhere','none','closed')", name="booking"
        ),
        CheckConstraint("capacity_in_person IS NULL OR capacity_in_person >= 0", name="capacity_in_person"),
        CheckConstraint("capacity_online IS NULL OR capacity_online >= 0", name="capacity_online"),
        CheckConstraint("over_at >= sort_at", name="ends_after_start"),
        CheckConstraint("gives_places IN ('offer','at_once')", name="gives_places"),
        CheckConstraint("overbook_in_person >= 0", name="overbook_in_person"),
        CheckConstraint("overbook_online >= 0", name="overbook_online"),
        CheckConstraint("bsl IN ('yes','no','not_known')", name="bsl"),
        CheckConstraint("captions IN ('yes','no','not_known')", name="captions"),
        CheckConstraint("admits IN ('anyone','domains','invited')", name="admits"),
        CheckConstraint(
            "audience IN ('','everyone','lived_experience','practitioners','third_sector','policy')", name="audience"
        ),
        Index("ix_events_listed", "state", "is_listed", "over_at"),
        Index("ix_events_sort_at", "sort_at", "id"),
        Index("ix_events_feed_order", "sort_at", "uid"),
        # What lists count by filter, so that these wide rows are not read for it.
        Index(
            "ix_events_counted", "over_at", "is_listed", "state", "sort_at", "kind_id", "host_id", "programme_id",
            "area", "audience", "mode",
        ),  # fmt: skip
        Index("ix_events_opens_at", "opens_at"),
        Index("ix_events_closes_at", "closes_at"),
        Index("ix_events_programme_id", "programme_id"),
        Index("ix_events_series_id", "series_id"),
        Index("ix_events_venue_id", "venue_id"),
        Index("ix_events_host_id", "host_id"),
        Index("ix_events_owner_id", "owner_id"),
        Index("ix_events_room_id", "room_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Permanent, made by ical.identity, independent of the host name.
    uid: Mapped[str] = mapped_column(unique=True)
    #: The UID a calendar file brought along: kept for recognition only, never sent out.
    foreign_uid: Mapped[str | None] = mapped_column(unique=True)
    #: Never changes.
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(default="")
    #: Safe Markdown subset, as typed.
    description: Mapped[str] = mapped_column(default="")
    kind_id: Mapped[int] = mapped_column(ForeignKey("kinds.id"))
    host_id: Mapped[int | None] = mapped_column(ForeignKey("hosts.id"))
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programmes.id"))
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id"))
    venue_id: Mapped[int | None] = mapped_column(ForeignKey("venues.id"))
    #: A room of that venue.
    room_id: Mapped[int | None] = mapped_column(ForeignKey("rooms.id"))
    #: Who it is meant for: a key of rules.audience.AUDIENCES, or empty: not said.
    audience: Mapped[str] = mapped_column(default="")
    #: The facilitator who looks after it.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    #: A council area of Scotland, "Scotland-wide", "Online", or empty.
    area: Mapped[str] = mapped_column(default="")
    mode: Mapped[str]
    #: https; shown to registered people only, in their mail and in "My place".
    joining_link: Mapped[str] = mapped_column(default="")

    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    starts_on: Mapped[date | None]
    #: Inclusive.
    ends_on: Mapped[date | None]
    #: "2016-11": history of which only the month is known; in no feed.
    month: Mapped[str | None]
    #: Times for each of several days, as [[start, end], ...] in ISO 8601 UTC; starts_at is the first start, ends_at
    #: the last end. Empty: one span, or one bar over whole days.
    days: Mapped[list[Any]] = mapped_column(JSON, default=list)
    #: Derived: the instant to order by, and the instant from which the event is past.
    sort_at: Mapped[datetime]
    over_at: Mapped[datetime]

    state: Mapped[str] = mapped_column(default="draft")
    #: Unlisted means: by its address, in no list and no feed.
    is_listed: Mapped[bool] = mapped_column(default=True)
    #: Public reason for a cancellation or postponement.
    state_reason: Mapped[str] = mapped_column(default="")
    state_changed_at: Mapped[datetime | None]
    #: The date in words that people were told before it was changed; shown until the event is over.
    changed_from: Mapped[str] = mapped_column(default="")

    booking: Mapped[str] = mapped_column(default="first_come")
    has_waiting_list: Mapped[bool] = mapped_column(default=True)
    #: Where to register when booking is elsewhere.
    booking_url: Mapped[str] = mapped_column(default="")
    #: None is no limit.
    capacity_in_person: Mapped[int | None]
    capacity_online: Mapped[int | None]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    #: Who may register: anyone, people whose address is at one of admitted_domains, or people on the list of invited.
    admits: Mapped[str] = mapped_column(default="anyone")
    #: Mail domains in lower case, such as ["gov.scot"]; each admits its subdomains too.
    admitted_domains: Mapped[list[Any]] = mapped_column(JSON, default=list)
    #: Up to five own questions; see rules.questions. Older ones are plain strings.
    questions: Mapped[list[Any]] = mapped_column(JSON, default=list)
    bsl: Mapped[str] = mapped_column(default="not_known")
    captions: Mapped[str] = mapped_column(default="not_known")

    #: Kept by registration in the same transaction as every change, under the lock of this row:
    #: confirmed and open offers by attending, and how many wait.
    taken_in_person: Mapped[int] = mapped_column(default=0)
    taken_online: Mapped[int] = mapped_column(default=0)
    waiting_in_person: Mapped[int] = mapped_column(default=0)
    waiting_online: Mapped[int] = mapped_column(default=0)
    #: Free places that shares keep just now, so that the public page does not count them.
    held_in_person: Mapped[int] = mapped_column(default=0)
    held_online: Mapped[int] = mapped_column(default=0)

    #: Whether its people are thanked by mail the morning after.
    sends_thanks: Mapped[bool] = mapped_column(default=True)

    #: How its places are given, see rules.place_rules. What a free place means for whoever waits longest: an offer
    #: to be answered, or the place itself.
    gives_places: Mapped[str] = mapped_column(default="offer")
    #: How many more than the capacity get a place, because some will not come.
    overbook_in_person: Mapped[int] = mapped_column(default=0)
    overbook_online: Mapped[int] = mapped_column(default=0)
    #: "Are you still coming?" goes out this many days before; None: nobody is asked.
    asks_days_before: Mapped[int | None]
    #: Places whose people did not answer are freed this many days before, for those who were told so; None: never.
    frees_days_before: Mapped[int | None]
    #: Whether "Decline" in somebody's own calendar frees their place at once, without asking them by mail.
    declining_frees: Mapped[bool] = mapped_column(default=False)
    #: Places kept for people with one perspective, as [way of attending, perspective, places]; see rules.place_rules.
    shares: Mapped[list[Any]] = mapped_column(JSON, default=list)
    #: Until when its shares hold places; None with shares: until it starts.
    shares_until: Mapped[datetime | None]

    #: Totals that a public page reported, for history without names.
    reported_registered: Mapped[int | None]
    reported_attended: Mapped[int | None]
    source_url: Mapped[str] = mapped_column(default="")

    #: RFC 5545 SEQUENCE: raised by time, end, place and state, never lowered.
    sequence: Mapped[int] = mapped_column(default=0)
    #: Moves with every change of its details by staff, and with nothing else: tells two editors apart.
    edition: Mapped[int] = mapped_column(default=1)
    #: The parts of the task list that somebody has saved, by their keys.
    parts_done: Mapped[list[Any]] = mapped_column(JSON, default=list)
    #: Moves with anything the public page shows; its cache key.
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    #: DTSTAMP and LAST-MODIFIED: when what a calendar shows of it last changed.
    revised_at: Mapped[datetime]
    #: Its VEVENT, made once when it changes. Empty for month-only history.
    vevent: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: Title, summary, host, venue and topics without accents, in lower case: what search looks in.
    folded: Mapped[str] = mapped_column(default="")

    kind: Mapped[Kind] = relationship()
    host: Mapped[Host | None] = relationship()
    programme: Mapped[Programme | None] = relationship()
    series: Mapped[Series | None] = relationship()
    venue: Mapped[Venue | None] = relationship()
    room: Mapped[Room | None] = relationship()
    owner: Mapped[Account | None] = relationship()


class RunInvitation(Base):
    """What somebody who runs an event was last sent for their own calendar."""

    __tablename__ = "run_invitations"
    __table_args__ = (
        CheckConstraint("method IN ('REQUEST','CANCEL')", name="method"),
        Index("ix_run_invitations_account_id", "account_id"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    #: The highest SEQUENCE sent to them under the event's UID.
    sequence: Mapped[int]
    #: REQUEST: it stands in their calendar; CANCEL: it was taken out.
    method: Mapped[str]
    #: What they were told, see rules.team; the same again is not told twice.
    told: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    told_at: Mapped[datetime]

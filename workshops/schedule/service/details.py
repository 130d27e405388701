"""Between EventDetails and the row of an event: read one from the other, and write it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.orm import Session

from workshops.schedule.consequence_signals import people_asking_counted
from workshops.schedule.models import Event, EventFacilitator, EventTopic, Topic
from workshops.schedule.queries.events import topics_of
from workshops.schedule.queries.reach import facilitators_of
from workshops.schedule.rules.events import Counts, EventDetails, Place
from workshops.schedule.rules.questions import kept_questions, read_questions
from workshops.schedule.rules.when import When, read_days
from workshops.schedule.service.catalogue import Catalogue

_AS_THEY_ARE = (
    "title",
    "mode",
    "summary",
    "description",
    "area",
    "audience",
    "owner_id",
    "joining_link",
    "is_listed",
    "booking",
    "has_waiting_list",
    "booking_url",
    "admits",
    "capacity_in_person",
    "capacity_online",
    "opens_at",
    "closes_at",
    "bsl",
    "captions",
    "reported_registered",
    "reported_attended",
    "source_url",
)


def when_of(event: Event) -> When:
    """The time of an event."""
    return When(event.starts_at, event.ends_at, event.starts_on, event.ends_on, event.month, read_days(event.days))


def counts_of(event: Event) -> Counts:
    """Who is at an event now."""
    return Counts(event.taken_in_person, event.taken_online, event.waiting_in_person, event.waiting_online)


def all_counts_of(session: Session, event: Event) -> Counts:
    """Who is at an event now, with those who asked for a place, whom the event's own row does not count."""
    counts = counts_of(event)
    for _, (in_person, online) in people_asking_counted.send(event, session=session):
        counts = replace(
            counts, asked_in_person=counts.asked_in_person + in_person, asked_online=counts.asked_online + online
        )
    return counts


def details_of(
    session: Session,
    event: Event,
    topics: tuple[str, ...] | None = None,
    facilitators: tuple[int, ...] | None = None,
) -> EventDetails:
    """What is kept about an event, as a form or a row would say it.

    topics: their names, facilitators: their ids, when the caller has them for many events at once.
    """
    if topics is None:
        topics = tuple(topic.name for topic in topics_of(session, [event.id])[event.id])
    venue = event.venue
    return EventDetails(
        kind=event.kind.name,
        when=when_of(event),
        host=event.host.name if event.host else "",
        programme=event.programme.title if event.programme else "",
        venue=Place(venue.name, venue.address, venue.postcode) if venue else None,
        room=event.room.name if event.room else "",
        facilitators=facilitators_of(session, event.id) if facilitators is None else facilitators,
        admitted_domains=tuple(event.admitted_domains),
        questions=read_questions(event.questions),
        topics=topics,
        **{name: getattr(event, name) for name in _AS_THEY_ARE},
    )


def details_of_all(session: Session, events: Sequence[Event]) -> list[tuple[Event, EventDetails]]:
    """The same for many events, in a few SELECTs for all of their topics."""
    topics = topics_of(session, [event.id for event in events])
    return [(event, details_of(session, event, tuple(topic.name for topic in topics[event.id]))) for event in events]


def write_details(session: Session, event: Event, details: EventDetails, catalogue: Catalogue) -> tuple[str, ...]:
    """Put cleaned and checked details on an event; the names its topics have now.

    Hosts, venues, programmes and topics that are new are made. Raises DetailsDoNotFit for an unknown kind.
    """
    topics = put_details(event, details, catalogue)
    session.add(event)
    session.flush()
    session.execute(delete(EventFacilitator).where(EventFacilitator.event_id == event.id))
    session.execute(delete(EventTopic).where(EventTopic.event_id == event.id))
    link_details(session, event, details, topics)
    session.flush()
    return tuple(topic.name for topic in topics)


def put_details(event: Event, details: EventDetails, catalogue: Catalogue) -> list[Topic]:
    """The part of write_details that is in the event's own row; the topics that `link_details` takes."""
    for name in _AS_THEY_ARE:
        setattr(event, name, getattr(details, name))
    event.kind = catalogue.kind(details.kind)
    event.host = catalogue.host(details.host)
    event.programme = catalogue.programme(details.programme)
    event.venue = catalogue.venue(details.venue, details.area)
    event.room = catalogue.room(event.venue, details.room)
    event.questions = kept_questions(details.questions)
    event.admitted_domains = list(details.admitted_domains)
    when = details.when
    event.days = [[starts.isoformat(), ends.isoformat()] for starts, ends in when.days]
    event.starts_at, event.ends_at = when.starts_at, when.ends_at
    event.starts_on, event.ends_on, event.month = when.starts_on, when.ends_on, when.month
    event.sort_at, event.over_at = when.sort_at, when.over_at
    return catalogue.topics(details.topics)


def link_details(session: Session, event: Event, details: EventDetails, topics: Sequence[Topic]) -> None:
    """The part of write_details that is in rows of its own, for an event that has none of them."""
    session.add_all(EventFacilitator(event_id=event.id, account_id=one) for one in details.facilitators)
    session.add_all(
        EventTopic(event_id=event.id, topic_id=topic.id, position=position) for position, topic in enumerate(topics)
    )

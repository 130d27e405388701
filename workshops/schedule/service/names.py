"""Hosts and topics: added, renamed, merged and deleted. What they were called before still finds them."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.versions import touch_public
from workshops.schedule.models import Event, EventTopic, Host, Topic
from workshops.schedule.queries.events import topics_of
from workshops.schedule.queries.locks import lock_schedule
from workshops.schedule.rules.catalogue import HostDetails, StillUsed, clean_host, clean_topic, joined_positions
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.service.calendar import refreshing
from workshops.schedule.service.catalogue import ALIASES, new_slug


def save_host(
    session: Session, *, host_id: int | None, details: HostDetails, now: datetime, actor: Actor, settings: Settings
) -> Host:
    """Change an organisation, or add one when host_id is None. Its address stays; the pages of its events follow.

    Raises NotFound, or DetailsDoNotFit with all that is wrong.
    """
    lock_schedule(session)
    host = Host(name="", slug="") if host_id is None else _host(session, host_id)
    clean = clean_host(details)
    _refuse_twin(session, Host, host_id, clean.name)
    values = {field.name: getattr(clean, field.name) for field in fields(clean)}
    changed = [name for name, value in values.items() if (getattr(host, name) or "") != value]
    seen = changed if host_id is not None else ()
    with refreshing(session, Event.host_id == (host_id or 0), now=now, settings=settings, if_any=seen):
        if host_id is None:
            host.slug = new_slug(session, Host, clean.name)
        elif "name" in changed:
            _keep_name(session, host)
        _take_name(session, Host, clean.name)
        for name, value in values.items():
            setattr(host, name, value)
        session.add(host)
        session.flush()
    if changed:
        action = "host_made" if host_id is None else "host_changed"
        audit.record(session, now=now, actor=actor, action=action, subject=("host", host.id), fields=changed)
    return host


def rename_host(
    session: Session, *, host_id: int, name: str, now: datetime, actor: Actor, settings: Settings
) -> None:
    """Give a host another name; its address stays. Raises NotFound or DetailsDoNotFit."""
    host = _host(session, host_id)
    details = {field.name: getattr(host, field.name) for field in fields(HostDetails)}
    save_host(session, host_id=host_id, details=HostDetails(**{**details, "name": name}), now=now, actor=actor,
              settings=settings)  # fmt: skip


def save_topic(
    session: Session, *, topic_id: int | None, name: str, now: datetime, actor: Actor, settings: Settings
) -> Topic:
    """Rename a topic, or add one when topic_id is None. Its address stays. Raises NotFound or DetailsDoNotFit."""
    lock_schedule(session)
    topic = Topic(name="", slug="") if topic_id is None else _topic(session, topic_id)
    name = clean_topic(name)
    _refuse_twin(session, Topic, topic_id, name)
    if topic.name == name:
        return topic
    with refreshing(session, _has_topic(topic_id or 0), now=now, settings=settings,
                    if_any=["name"] if topic_id is not None else ()):  # fmt: skip
        if topic_id is None:
            topic.slug = new_slug(session, Topic, name)
        else:
            _keep_name(session, topic)
        _take_name(session, Topic, name)
        topic.name = name
        session.add(topic)
        session.flush()
    action = "topic_made" if topic_id is None else "topic_changed"
    audit.record(session, now=now, actor=actor, action=action, subject=("topic", topic.id), fields=["name"])
    return topic


def rename_topic(
    session: Session, *, topic_id: int, name: str, now: datetime, actor: Actor, settings: Settings
) -> None:
    """Give a topic another name; its address stays. Raises NotFound or DetailsDoNotFit."""
    save_topic(session, topic_id=topic_id, name=name, now=now, actor=actor, settings=settings)


def merge_hosts(
    session: Session, *, gone_id: int, kept_id: int, now: datetime, actor: Actor, settings: Settings
) -> Host:
    """Make one organisation of two: the events of the first are run by the second.

    What is not said of the kept one is taken from the other. Addresses, feeds and files with the name of the
    first find the second. Raises NotFound, or DetailsDoNotFit when both are the same.
    """
    lock_schedule(session)
    gone, kept = _host(session, gone_id), _host(session, kept_id)
    _refuse_same(gone_id, kept_id, "organisation")
    with refreshing(session, Event.host_id.in_((gone_id, kept_id)), now=now, settings=settings, if_any=["host"]):
        # A name, an address and a number belong together: none is put beside those of somebody else.
        contact = ("contact_name", "contact_email", "contact_phone")
        if not any(getattr(kept, name) for name in contact):
            for name in contact:
                setattr(kept, name, getattr(gone, name))
        kept.website, kept.description = kept.website or gone.website, kept.description or gone.description
        for event in session.scalars(select(Event).where(Event.host_id == gone_id).order_by(Event.id)):
            event.host = kept
        session.flush()
        _forward(session, gone, kept)
    audit.record(session, now=now, actor=actor, action="hosts_merged", subject=("host", kept_id), fields=["host"])
    return kept


def merge_topics(
    session: Session, *, gone_id: int, kept_id: int, now: datetime, actor: Actor, settings: Settings
) -> Topic:
    """Make one topic of two: events about the first are about the second, each once.

    Addresses, feeds and files with the name of the first find the second. Raises NotFound, or DetailsDoNotFit when
    both are the same.
    """
    lock_schedule(session)
    gone, kept = _topic(session, gone_id), _topic(session, kept_id)
    _refuse_same(gone_id, kept_id, "topic")
    with refreshing(session, _has_topic(gone_id), now=now, settings=settings, if_any=["topics"]):
        ids = session.scalars(
            select(EventTopic.event_id).where(EventTopic.topic_id == gone_id).order_by(EventTopic.event_id)
        ).all()
        for event_id, topics in topics_of(session, ids).items():
            session.execute(delete(EventTopic).where(EventTopic.event_id == event_id))
            joined = joined_positions([topic.id for topic in topics], gone_id, kept_id)
            session.add_all(
                EventTopic(event_id=event_id, topic_id=topic_id, position=position)
                for position, topic_id in enumerate(joined)
            )
            session.flush()
        _forward(session, gone, kept)
    audit.record(session, now=now, actor=actor, action="topics_merged", subject=("topic", kept_id), fields=["topics"])
    return kept


def delete_name(
    session: Session, *, what: Literal["host", "topic"], row_id: int, now: datetime, actor: Actor
) -> None:
    """Delete a host or topic that no event has. Raises NotFound or StillUsed."""
    lock_schedule(session)
    row: Host | Topic = _host(session, row_id) if what == "host" else _topic(session, row_id)
    used = Event.host_id == row_id if what == "host" else _has_topic(row_id)
    if session.scalar(select(func.count()).select_from(Event).where(used)):
        word = "organisation" if what == "host" else "topic"
        raise StillUsed(f"Events have this {word}, so it stays. If there is another one that means the same, merge "
                        "the two.")
    alias = ALIASES[type(row)]
    session.execute(delete(alias).where(alias.owner_id == row_id))
    session.delete(row)
    session.flush()
    touch_public(session)
    audit.record(session, now=now, actor=actor, action=f"{what}_deleted", subject=(what, row_id))


# --- names that were used before ------------------------------------------------------------------------------


def _keep_name(session: Session, row: Host | Topic, slug: str = "", owner_id: int | None = None) -> None:
    """Remember what a host or topic is called now; owner_id: of the one it is merged into."""
    alias: Any = ALIASES[type(row)]
    key = fold(row.name)
    known = session.scalar(select(alias).where(alias.name_key == key))
    if known is None:
        known = alias(name_key=key, slug="")
        session.add(known)
    known.owner_id, known.slug = owner_id or row.id, slug or known.slug
    session.flush()


def _take_name(session: Session, model: type[Host] | type[Topic], name: str) -> None:
    """A name that is given now belongs to nobody as an earlier one; a slug that went with it still does."""
    alias = ALIASES[model]
    session.execute(delete(alias).where(alias.name_key == fold(name), alias.slug == ""))


def _forward(session: Session, gone: Host | Topic, kept: Host | Topic) -> None:
    """Let everything that named the merged one find the kept one, and delete it."""
    alias = ALIASES[type(gone)]
    session.execute(update(alias).where(alias.owner_id == gone.id).values(owner_id=kept.id))
    _keep_name(session, gone, gone.slug, kept.id)
    session.delete(gone)
    session.flush()


def _refuse_twin(session: Session, model: type[Host] | type[Topic], row_id: int | None, name: str) -> None:
    for other_id, other in session.execute(select(model.id, model.name).order_by(model.id)):
        if fold(other) == fold(name) and other_id != row_id:
            word = "an organisation" if model is Host else "a topic"
            raise DetailsDoNotFit(Problem("name", f"There is {word} called “{other}” already"))


def _refuse_same(gone_id: int, kept_id: int, word: str) -> None:
    if gone_id == kept_id:
        raise DetailsDoNotFit(Problem("into", f"Choose another {word} than this one"))


def _has_topic(topic_id: int) -> ColumnElement[bool]:
    return Event.id.in_(select(EventTopic.event_id).where(EventTopic.topic_id == topic_id))


def _host(session: Session, host_id: int) -> Host:
    host = session.get(Host, host_id)
    if host is None:
        raise NotFound("This organisation is not here any more.")
    return host


def _topic(session: Session, topic_id: int) -> Topic:
    topic = session.get(Topic, topic_id)
    if topic is None:
        raise NotFound("This topic is not here any more.")
    return topic

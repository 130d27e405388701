"""Venues with rooms, hosts and topics: changed, merged and deleted, and everything that used them follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event, make_host, make_programme, make_registration, make_venue
from workshops.audit.models import AuditEntry
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.core.errors import NotFound
from workshops.core.versions import public_version
from workshops.schedule import service
from workshops.schedule.models import (
    Event,
    EventTopic,
    Host,
    ProgrammeOrganiser,
    Room,
    Topic,
    TopicAlias,
    Venue,
)
from workshops.schedule.queries import topics_of
from workshops.schedule.queries.names import alike_venues, venues_page
from workshops.schedule.queries.public import look_up
from workshops.schedule.rules.catalogue import HostDetails, StillUsed, clean_host, joined_positions
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.finding import parse_filters
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.programmes import missing_of, organisers_note, programme_state
from workshops.schedule.rules.when import When
from workshops.schedule.service import ProgrammeDetails, VenueDetails

STARTS = datetime(2027, 4, 6, 9, tzinfo=UTC)
WHEN = When(starts_at=STARTS, ends_at=STARTS + timedelta(hours=2))


@pytest.fixture
def by(settings: Settings, clock: FakeClock) -> dict[str, Any]:
    return {"now": clock.now, "actor": COMMAND, "settings": settings}


def details(**more: Any) -> EventDetails:
    return EventDetails(**{"title": "About power", "kind": "round-table", "when": WHEN, **more})


def published(by: dict[str, Any], **more: Any) -> int:
    with transaction() as writing:
        event = service.create_event(writing, details=details(**more), **by).event
        service.publish_event(writing, event_id=event.id, **by)
        return event.id


def stored(session: Session, event_id: int) -> Event:
    session.rollback()
    return session.get_one(Event, event_id, populate_existing=True)


# --- venues and rooms -----------------------------------------------------------------------------------------


def test_a_new_venue_touches_no_event(session: Session, by: dict[str, Any]) -> None:
    event = stored(session, published(by, mode="online"))
    version = event.version
    with transaction() as writing:
        venue = service.save_venue(
            writing, venue_id=None, details=VenueDetails(place=Place("Hall", "", "eh11yz"), bsl="yes"), **by
        )
        assert (venue.postcode, venue.bsl) == ("EH1 1YZ", "yes")
    assert stored(session, event.id).version == version


def test_merged_venues_take_events_and_rooms_along(session: Session, by: dict[str, Any]) -> None:
    gone_event = published(by, venue=Place("Halls, Pollock"), room="Board  room")
    small = published(by, title="Another", venue=Place("Halls, Pollock"), room="Attic")
    there = published(by, title="Third", venue=Place("Pollock Halls"), room="board room")
    gone, kept = stored(session, gone_event).venue, stored(session, there).venue
    assert gone is not None and kept is not None
    gone.step_free, gone.how_to_get_there, kept.parking, gone.parking = "yes", "By bus", "no", "yes"
    gone_id, kept_id = gone.id, kept.id
    session.commit()
    sequence, version = stored(session, there).sequence, public_version(session)
    before = stored(session, gone_event).sequence
    with transaction() as writing:
        service.merge_venues(writing, gone_id=gone_id, kept_id=kept_id, **by)
    event = stored(session, gone_event)
    assert event.venue_id == kept_id and b"Pollock Halls" in (event.vevent or b"")
    assert event.sequence == before + 1, "the place reads otherwise, so calendars must take it"
    assert stored(session, there).sequence == sequence, "nothing that a calendar shows has changed there"
    assert event.room_id == stored(session, there).room_id
    attic = stored(session, small).room
    assert attic is not None and attic.venue_id == kept_id
    venue = session.get_one(Venue, kept_id, populate_existing=True)
    assert (venue.step_free, venue.parking, venue.how_to_get_there) == ("yes", "no", "By bus")
    assert session.get(Venue, gone_id) is None
    assert public_version(session) != version
    # a file with the old words finds the kept one
    again = published(by, title="Fourth", venue=Place("halls, pollock"))
    assert stored(session, again).venue_id == kept_id


def test_merging_venues_that_read_the_same_leaves_sequence_alone(session: Session, by: dict[str, Any]) -> None:
    one = make_venue(session, "Hall", address="High Street, Alloa", postcode="")
    two = make_venue(session, "Hall", address="HIGH STREET ALLOA", postcode="")
    two.address, two.address_key = "High Street, Alloa", "high street alloa"
    session.commit()
    event = make_event(session, venue_id=one.id)
    version, entry, ids = event.version, event.vevent, (one.id, two.id)
    with transaction() as writing:
        service.merge_venues(writing, gone_id=ids[0], kept_id=ids[1], **by)
    event = stored(session, event.id)
    assert (event.sequence, event.vevent, event.version) == (0, entry, version + 1)


def test_a_venue_is_not_merged_into_itself_or_nothing(session: Session, by: dict[str, Any]) -> None:
    venue_id = make_venue(session).id
    with pytest.raises(DetailsDoNotFit, match="another venue"), transaction() as writing:
        service.merge_venues(writing, gone_id=venue_id, kept_id=venue_id, **by)
    with pytest.raises(NotFound), transaction() as writing:
        service.merge_venues(writing, gone_id=venue_id, kept_id=venue_id + 1, **by)


def test_only_an_unused_venue_is_deleted(session: Session, by: dict[str, Any]) -> None:
    used, free = make_venue(session, "Used").id, make_venue(session, "Free").id
    make_event(session, venue_id=used)
    session.add(Room(venue_id=free, name="Attic", name_key="attic"))
    session.commit()
    what = {"now": by["now"], "actor": by["actor"]}
    with pytest.raises(StillUsed, match="merge"), transaction() as writing:
        service.delete_venue(writing, venue_id=used, **what)
    with transaction() as writing:
        service.delete_venue(writing, venue_id=free, **what)
    assert session.get(Venue, free) is None and session.scalars(select(Room)).all() == []


def test_rooms_are_recognised_folded_and_their_events_follow(session: Session, by: dict[str, Any]) -> None:
    event = stored(session, published(by, venue=Place("Hall"), room="Seòmar A"))
    venue_id, room_id = event.venue_id, event.room_id
    assert venue_id is not None and room_id is not None
    how = {"venue_id": venue_id, **by}
    with pytest.raises(DetailsDoNotFit, match="Seòmar A"), transaction() as writing:
        service.save_room(writing, room_id=None, name="SEOMAR a", capacity=10, **how)
    with pytest.raises(DetailsDoNotFit, match="from 1"), transaction() as writing:
        service.save_room(writing, room_id=None, name="Other", capacity=0, **how)
    entry = event.vevent
    with transaction() as writing:
        service.save_room(writing, room_id=room_id, name="Seòmar A", capacity=30, **how)
    assert stored(session, event.id).vevent == entry
    with transaction() as writing:
        service.save_room(writing, room_id=room_id, name="Board room", capacity=30, **how)
    event = stored(session, event.id)
    assert b"Board room\\, Hall" in (event.vevent or b"") and event.sequence == 1
    what = {"venue_id": venue_id, "now": by["now"], "actor": by["actor"]}
    with pytest.raises(StillUsed), transaction() as writing:
        service.delete_room(writing, room_id=room_id, **what)
    with transaction() as writing:
        free = service.save_room(writing, room_id=None, name="Attic", capacity=None, **how).id
    with transaction() as writing:
        service.delete_room(writing, room_id=free, **what)
    with pytest.raises(NotFound), transaction() as writing:
        service.delete_room(writing, room_id=free, **what)


def test_venues_are_found_by_every_word_of_theirs(session: Session) -> None:
    gaelic = make_venue(session, "Halla Àrd", address="1 High Street, Inverness", postcode="IV1 1AA", area="Highland")
    gaelic.name_key = "halla ard"
    session.commit()
    other = make_venue(session, "Example Hall")
    for words in ("ard", "ÀRD halla", "inverness", "iv1", "iv11aa", "highland hall", ""):
        assert "Halla Àrd" in [venue.name for venue in venues_page(session, words).rows], words
    assert venues_page(session, "100%").rows == [] and venues_page(session, "_").rows == []
    assert [venue.name for venue in alike_venues(session, other)] == []
    twin = make_venue(session, "Example Hall", address="Somewhere", postcode="")
    assert [venue.id for venue in alike_venues(session, other)] == [twin.id]


# --- hosts ----------------------------------------------------------------------------------------------------


def test_a_host_is_kept_clean(session: Session, by: dict[str, Any]) -> None:
    with transaction() as writing:
        said = HostDetails(name=" Fife Forum", contact_email=" Ask@example.org", website="https://example.org/about")
        host = service.save_host(writing, host_id=None, details=said, **by)
        assert (host.name, host.contact_email, host.slug) == ("Fife Forum", "Ask@example.org", "fife-forum")
    with pytest.raises(DetailsDoNotFit) as unfit:
        clean_host(HostDetails(name=" ", contact_email="two@at@example.org", website="javascript:alert(1)",
                               contact_phone="0" * 41, description="x" * 2001))  # fmt: skip
    fields = [problem.field for problem in unfit.value.problems]
    assert fields == ["name", "contact_email", "website", "contact_phone", "description"]
    with pytest.raises(DetailsDoNotFit, match="already"), transaction() as writing:
        service.save_host(writing, host_id=None, details=HostDetails(name="FIFE forum"), **by)


def test_a_merged_host_is_found_under_both_names(session: Session, by: dict[str, Any], client: FormClient) -> None:
    event_id = published(by, host="Old Forum")
    stays = published(by, title="Another", host="New Forum")
    gone, kept = stored(session, event_id).host_id, stored(session, stays).host_id
    assert gone is not None and kept is not None
    with transaction() as writing:
        writing.get_one(Host, gone).contact_email = "ask@example.org"
    with transaction() as writing:
        service.merge_hosts(writing, gone_id=gone, kept_id=kept, **by)
    event = stored(session, event_id)
    assert event.host is not None and (event.host.name, event.host.contact_email) == ("New Forum", "ask@example.org")
    assert "new forum" in event.folded and "old forum" not in event.folded
    found = look_up(session, parse_filters([("host", "old-forum")]))
    assert found.matches_all and found.filters.host == "new-forum" and found.names["host"] == "New Forum"
    page = client.get("/events?host=old-forum").get_data(as_text=True)
    assert "About power" in page and "New Forum" in page
    assert b"About power" in client.get("/calendar.ics?host=old-forum").get_data()
    third = published(by, title="Third", host="OLD forum")
    assert stored(session, third).host_id == kept


# --- topics ---------------------------------------------------------------------------------------------------


def test_merged_topics_leave_no_doubles_and_keep_the_old_address(
    session: Session, by: dict[str, Any], client: FormClient
) -> None:
    both = published(by, topics=("money", "participatory budgeting", "power"))
    one = published(by, title="Another", topics=("money",))
    topics = {topic.name: topic.id for topic in session.scalars(select(Topic))}
    with transaction() as writing:
        service.merge_topics(writing, gone_id=topics["money"], kept_id=topics["participatory budgeting"], **by)
    session.rollback()
    names = {event_id: [topic.name for topic in found] for event_id, found in topics_of(session, [both, one]).items()}
    assert names == {both: ["participatory budgeting", "power"], one: ["participatory budgeting"]}
    places = select(EventTopic.position).where(EventTopic.event_id == both).order_by(EventTopic.position)
    assert list(session.scalars(places)) == [0, 1]
    assert b"CATEGORIES:round-table,participatory budgeting" in (stored(session, one).vevent or b"")
    page = client.get("/events?topic=money").get_data(as_text=True)
    assert "Another" in page and "Participatory budgeting" in page
    assert b"Another" in client.get("/calendar.ics?topic=money").get_data()
    third = published(by, title="Third", topics=("Money",))
    assert [topic.name for topic in topics_of(session, [third])[third]] == ["participatory budgeting"]


def test_a_chain_of_merges_leads_to_the_last_one(session: Session, by: dict[str, Any]) -> None:
    published(by, topics=("a", "b", "c"))
    ids = {topic.name: topic.id for topic in session.scalars(select(Topic))}
    session.rollback()
    for gone, kept in (("a", "b"), ("b", "c")):
        with transaction() as writing:
            service.merge_topics(writing, gone_id=ids[gone], kept_id=ids[kept], **by)
    for slug in ("a", "b"):
        assert look_up(session, parse_filters([("topic", slug)])).filters.topic == "c"
    with transaction() as writing:
        again = service.save_topic(writing, topic_id=None, name="A", **by)
        assert again.slug == "a-2", "the address of the merged one stays with the one it was merged into"
    fourth = published(by, title="Fourth", topics=("a",))
    assert [topic.name for topic in topics_of(session, [fourth])[fourth]] == ["A"]


def test_a_renamed_topic_is_found_by_its_old_name(session: Session, by: dict[str, Any]) -> None:
    event_id = published(by, topics=("old name",))
    topic_id = topics_of(session, [event_id])[event_id][0].id
    session.rollback()
    for name in ("new name", "old name", "newest name"):
        with transaction() as writing:
            service.rename_topic(writing, topic_id=topic_id, name=name, **by)
    assert sorted(session.scalars(select(TopicAlias.name_key))) == ["new name", "old name"]
    other = published(by, title="Other", topics=("Old name", "new name"))
    assert [topic.id for topic in topics_of(session, [other])[other]] == [topic_id]
    for name, words in (("", "Enter the name"), ("a; b", "semicolon"), ("x" * 201, "200 characters")):
        with pytest.raises(DetailsDoNotFit, match=words), transaction() as writing:
            service.rename_topic(writing, topic_id=topic_id, name=name, **by)


def test_what_events_use_is_not_deleted(session: Session, by: dict[str, Any]) -> None:
    published(by, topics=("used",), host="Used")
    what = {"now": by["now"], "actor": by["actor"]}
    topic_id, host_id = session.scalars(select(Topic.id)).one(), session.scalars(select(Host.id)).one()
    free = make_host(session, "Free").id
    session.rollback()
    with pytest.raises(StillUsed), transaction() as writing:
        service.delete_name(writing, what="topic", row_id=topic_id, **what)
    with pytest.raises(StillUsed), transaction() as writing:
        service.delete_name(writing, what="host", row_id=host_id, **what)
    with transaction() as writing:
        service.delete_name(writing, what="host", row_id=free, **what)
        service.delete_name(
            writing, what="topic", row_id=service.save_topic(writing, topic_id=None, name="free", **by).id, **what
        )
    assert [host.name for host in session.scalars(select(Host))] == ["Used"]
    assert "topic_deleted" in set(session.scalars(select(AuditEntry.action)))


@given(st.lists(st.integers(1, 6), unique=True, min_size=1), st.integers(1, 6), st.integers(1, 6))
def test_joining_topics_keeps_each_once_and_in_order(kept: list[int], gone: int, target: int) -> None:
    joined = joined_positions(kept, gone, target)
    assert len(joined) == len(set(joined))
    assert set(joined) == {target if one == gone else one for one in kept}
    if gone not in kept:
        assert joined == kept


# --- programmes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_published", "first", "last", "state"),
    [
        (False, date(2027, 3, 1), date(2027, 3, 5), "draft"),
        (True, None, None, "announced"),
        (True, date(2027, 3, 4), date(2027, 3, 5), "announced"),
        (True, date(2027, 3, 3), date(2027, 3, 5), "running"),
        (True, date(2027, 3, 1), date(2027, 3, 3), "running"),
        (True, date(2027, 3, 1), date(2027, 3, 2), "past"),
        (True, date(2027, 3, 2), None, "past"),
        (True, None, date(2027, 3, 4), "announced"),
    ],
)
def test_the_state_of_a_programme(is_published: bool, first: date | None, last: date | None, state: str) -> None:
    assert programme_state(is_published, first, last, date(2027, 3, 3)) == state


@pytest.mark.parametrize(
    ("before", "after", "role", "words"),
    [
        ({1}, set(), "organiser", "every organiser"),
        ({1}, set(), "admin", "every organiser"),
        ({1, 2}, {2}, "organiser", "You do not organise"),
        (set(), {2}, "organiser", "did not name yourself"),
        ({1}, {1, 2}, "organiser", ""),
        ({2}, {2, 3}, "admin", ""),
        (set(), set(), "organiser", ""),
    ],
)
def test_who_names_nobody_or_leaves_is_told(before: set[int], after: set[int], role: str, words: str) -> None:
    note = organisers_note(before, after, 1, role)
    assert words in note if words else note == ""


def test_organisers_of_a_programme_are_named(session: Session, by: dict[str, Any]) -> None:
    programme = make_programme(session).id
    organiser, facilitator = (make_account(session, role=role).id for role in ("organiser", "facilitator"))
    title = "Example Week"
    with transaction() as writing:
        service.save_programme(writing, programme_id=programme,
                               details=ProgrammeDetails(title=title, organisers=(organiser,)), **by)  # fmt: skip
    assert list(session.scalars(select(ProgrammeOrganiser.account_id))) == [organiser]
    with transaction() as writing:  # not said: left as they are
        service.save_programme(writing, programme_id=programme, details=ProgrammeDetails(title=title), **by)
    assert list(session.scalars(select(ProgrammeOrganiser.account_id))) == [organiser]
    session.rollback()
    with pytest.raises(DetailsDoNotFit, match="Only organisers"), transaction() as writing:
        service.save_programme(writing, programme_id=programme,
                               details=ProgrammeDetails(title=title, organisers=(facilitator,)), **by)  # fmt: skip
    with pytest.raises(DetailsDoNotFit, match="Announce"), transaction() as writing:
        service.save_programme(writing, programme_id=programme, details=ProgrammeDetails(
            title=title, is_published=False, host_form_is_open=True), **by)  # fmt: skip


def test_drafts_of_a_programme_are_published_in_one_go(session: Session, by: dict[str, Any]) -> None:
    programme = make_programme(session).id
    mine = [make_event(session, programme_id=programme, state="draft") for _ in range(3)]
    month = make_event(session, programme_id=programme, state="draft", starts_at=None, month="2027-09")
    other = make_event(session, state="draft")
    unseen = make_event(session, programme_id=programme, state="draft")
    ids = [event.id for event in (*mine, month, other)]
    session.rollback()
    with transaction() as writing:
        done = service.publish_drafts(writing, programme_id=programme, event_ids=ids, **by)
    assert done == (3, 1)
    states = {event.id: event.state for event in session.scalars(select(Event))}
    assert [states[event_id] for event_id in ids] == ["published"] * 3 + ["draft"] * 2
    assert states[unseen.id] == "draft"


def test_the_remaining_events_of_a_programme_are_cancelled_together(
    session: Session, by: dict[str, Any], clock: FakeClock
) -> None:
    programme = make_programme(session).id
    coming, postponed = make_event(session, programme_id=programme), make_event(
        session, programme_id=programme, state="postponed")  # fmt: skip
    over = make_event(session, programme_id=programme, starts_at=clock.now - timedelta(days=2))
    draft = make_event(session, programme_id=programme, state="draft")
    elsewhere = make_event(session)
    make_registration(session, coming)
    ids = [event.id for event in (coming, postponed, over, draft, elsewhere)]
    session.rollback()
    how = {"programme_id": programme, "event_ids": ids, **by}
    with pytest.raises(DetailsDoNotFit) as unfit, transaction() as writing:
        service.cancel_events(writing, reason=" ", tell=None, **how)
    assert [problem.field for problem in unfit.value.problems] == ["reason", "tell"]
    with transaction() as writing:
        done = service.cancel_events(writing, reason="Snow", tell=True, **how)
    assert (done.events, done.people) == (2, 1)
    states = {event.id: event.state for event in session.scalars(select(Event))}
    assert [states[event_id] for event_id in ids] == ["cancelled", "cancelled", "published", "draft", "published"]


def test_what_a_draft_lacks_is_said(clock: FakeClock) -> None:
    bare = missing_of(details(), now=clock.now)
    assert bare.must == () and bare.should == (
        "No summary", "No place", "No organisation runs it", "Nobody looks after it", "No number of places",
    )  # fmt: skip
    assert missing_of(details(mode="online", booking="none"), now=clock.now).should[1] == "No joining link yet"
    month = missing_of(details(when=When(month="2027-09")), now=clock.now)
    assert month.must and "Enter the date" in month.must[0]
    assert missing_of(details(when=When(month="2020-09")), now=clock.now).should == ()

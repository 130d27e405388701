"""The use cases of the schedule, on both engines, with what they send out as signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from blinker import Signal
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import BEGINNING, FakeClock
from tests.factories import make_account, make_event, make_programme, make_registration, make_venue
from workshops.audit.models import AuditEntry
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.core.errors import NotFound
from workshops.core.versions import public_version
from workshops.ical.reading import read_calendar
from workshops.ical.serialise import calendar_bytes
from workshops.schedule import service, signals
from workshops.schedule.models import Event, Host, Topic, Venue
from workshops.schedule.queries import event_by_slug, lock_event, other_dates, published_event, topics_of
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.questions import Question
from workshops.schedule.rules.states import WrongState
from workshops.schedule.rules.when import When
from workshops.schedule.service import ProgrammeDetails, VenueDetails

STARTS = datetime(2027, 4, 6, 9, tzinfo=UTC)
WHEN = When(starts_at=STARTS, ends_at=STARTS + timedelta(hours=2))
MOVED = When(starts_at=STARTS + timedelta(days=7), ends_at=STARTS + timedelta(days=7, hours=2))


def details(**more: Any) -> EventDetails:
    return EventDetails(**{"title": "Còmhradh about power", "kind": "round-table", "when": WHEN, **more})


@pytest.fixture
def by(settings: Settings, clock: FakeClock) -> dict[str, Any]:
    return {"now": clock.now, "actor": COMMAND, "settings": settings}


@contextmanager
def heard(signal: Signal) -> Iterator[list[tuple[Event, dict[str, Any]]]]:
    news: list[tuple[Event, dict[str, Any]]] = []

    def listen(event: Event, **more: Any) -> None:
        news.append((event, more))

    with signal.connected_to(listen):
        yield news


def create(by: dict[str, Any], **more: Any) -> int:
    with transaction() as session:
        return service.create_event(session, details=details(**more), **by).event.id


def stored(session: Session, event_id: int) -> Event:
    session.rollback()
    event = session.get(Event, event_id, populate_existing=True)
    assert event is not None
    return event


def in_calendar(event: Event) -> Any:
    feed = calendar_bytes(name="x", description="", url=None, source=None, vevents=[event.vevent or b""])
    return read_calendar(feed).events[0]


# --- making -------------------------------------------------------------------------------------------------


def test_a_new_event_is_a_draft_with_all_that_is_derived_from_it(session: Session, by: dict[str, Any]) -> None:
    event = stored(session, create(
        by, host="Example Network", programme="Example Week", venue=Place("Example Hall", "1 Street, Glasgow", "g11aa"),
        topics=("Power", "stories"), area="Glasgow City", summary="A talk."))  # fmt: skip
    assert (event.state, event.slug, event.sequence) == ("draft", "comhradh-about-power", 0)
    assert (event.sort_at, event.over_at) == (STARTS, STARTS + timedelta(hours=2))
    assert event.venue is not None and event.venue.postcode == "G1 1AA" and event.venue.area == "Glasgow City"
    assert event.programme is not None and event.programme.slug == "example-week"
    assert [topic.name for topic in topics_of(session, [event.id])[event.id]] == ["Power", "stories"]
    for word in ("comhradh", "example network", "example hall", "stories", "example week"):
        assert word in event.folded
    entry = in_calendar(event)
    assert (entry.title, entry.starts) == ("Còmhradh about power", STARTS)
    assert entry.location == "Example Hall, 1 Street, Glasgow, G1 1AA"
    assert entry.uid == event.uid
    assert session.scalars(select(AuditEntry.action)).all() == ["event_created"]


def test_hosts_venues_and_topics_are_found_again_in_another_spelling(session: Session, by: dict[str, Any]) -> None:
    one = {"host": "Example Network", "venue": Place("Hall", "Street", "G1 1AA"), "topics": ("Power",)}
    two = {"host": "EXAMPLE network", "venue": Place("hall", "street", "g11aa"), "topics": ("pówer",)}
    create(by, **one)
    create(by, **two)
    for model in (Host, Venue, Topic):
        assert session.scalar(select(func.count()).select_from(model)) == 1


def test_two_events_of_one_title_have_two_addresses(session: Session, by: dict[str, Any]) -> None:
    slugs = [stored(session, create(by)).slug for _ in range(4)]
    assert slugs == ["comhradh-about-power", "comhradh-about-power-2027", "comhradh-about-power-2027-04-06",
                     "comhradh-about-power-2"]  # fmt: skip


def test_an_unknown_kind_is_refused_with_the_list(by: dict[str, Any]) -> None:
    with pytest.raises(DetailsDoNotFit, match="Use one of: awareness session, round-table"):
        create(by, kind="séance")


def test_nothing_is_kept_of_an_event_that_does_not_fit(session: Session, by: dict[str, Any]) -> None:
    with pytest.raises(DetailsDoNotFit):
        create(by, title="", host="New host")
    assert session.scalar(select(func.count()).select_from(Host)) == 0


# --- publishing and finding ---------------------------------------------------------------------------------


def test_the_public_finds_an_event_only_when_it_is_published(session: Session, by: dict[str, Any]) -> None:
    event_id = create(by)
    assert published_event(session, "comhradh-about-power") is None
    assert event_by_slug(session, "comhradh-about-power") is not None
    version = public_version(session)
    with heard(signals.event_published) as news, transaction() as writing:
        service.publish_event(writing, event_id=event_id, **by)
    assert [event.id for event, _ in news] == [event_id]
    session.rollback()
    assert published_event(session, "comhradh-about-power") is not None
    assert public_version(session)[0] == version[0] + 1
    with pytest.raises(WrongState), transaction() as writing:
        service.publish_event(writing, event_id=event_id, **by)


def test_a_draft_moves_no_public_version(session: Session, by: dict[str, Any]) -> None:
    version = public_version(session)
    event_id = create(by)
    with transaction() as writing:
        service.change_event(writing, event_id=event_id, details=details(title="Other"), tell=None, **by)
    session.rollback()
    assert public_version(session) == version


# --- changing -----------------------------------------------------------------------------------------------


def test_wording_moves_dtstamp_and_not_sequence_while_time_and_place_raise_it(
    session: Session, by: dict[str, Any], clock: FakeClock
) -> None:
    event_id = create(by)
    steps = [
        (details(title="Other words"), 0),
        (details(title="Other words", when=MOVED), 1),
        (details(title="Other words", when=MOVED, venue=Place("Hall")), 2),
        (details(title="Other words", when=MOVED, venue=Place("Hall"), mode="hybrid"), 3),
        (details(title="Other words", when=MOVED, venue=Place("Hall"), mode="hybrid", description="More"), 3),
    ]
    for after, sequence in steps:
        by["now"] = clock.advance(hours=1)
        with transaction() as writing:
            service.change_event(writing, event_id=event_id, details=after, tell=None, **by)
        event = stored(session, event_id)
        assert (event.sequence, event.revised_at) == (sequence, by["now"])
    assert b"SEQUENCE:3" in (event.vevent or b"")


def test_a_change_that_no_calendar_shows_leaves_its_bytes_alone(
    session: Session, by: dict[str, Any], clock: FakeClock
) -> None:
    event_id = create(by)
    before = stored(session, event_id)
    bytes_before, version = before.vevent, before.version
    by["now"] = clock.advance(hours=1)
    with transaction() as writing:
        service.change_event(writing, event_id=event_id, details=details(capacity_in_person=5), tell=None, **by)
    event = stored(session, event_id)
    assert (event.vevent, event.revised_at, event.version) == (bytes_before, BEGINNING, version + 1)


def test_the_same_details_again_change_nothing(session: Session, by: dict[str, Any]) -> None:
    event_id = create(by, topics=("a", "b"), host="H", questions=(Question("Why?"),))
    event = stored(session, event_id)
    kept, version = service.details_of(session, event), event.version
    with transaction() as writing:
        assert service.change_event(writing, event_id=event_id, details=kept, tell=None, **by).changed == ()
    assert stored(session, event_id).version == version


def people_at(session: Session, event_id: int, taken: int) -> None:
    with transaction() as writing:
        service.record_places(writing, lock_event(writing, event_id), taken_in_person=taken, taken_online=0,
                              waiting_in_person=0, waiting_online=0)  # fmt: skip
    session.rollback()


def register(session: Session, event_id: int, *states: str) -> None:
    for state in states:
        make_registration(session, stored(session, event_id), state=state)
    session.rollback()


def test_a_new_time_asks_whether_people_are_told_and_tells_them(session: Session, by: dict[str, Any]) -> None:
    event_id = create(by, capacity_in_person=5)
    with transaction() as writing:
        service.publish_event(writing, event_id=event_id, **by)
    register(session, event_id, "confirmed", "confirmed", "confirmed", "waiting")
    after = details(when=MOVED, capacity_in_person=5)
    with pytest.raises(service.MustChoose) as asked, transaction() as writing:
        service.change_event(writing, event_id=event_id, details=after, tell=None, **by)
    assert asked.value.people == 4
    assert stored(session, event_id).starts_at == STARTS
    old, new = "Tuesday 6 April 2027, 10am to 12 noon", "Tuesday 13 April 2027, 10am to 12 noon"
    assert asked.value.changes == (signals.Change("Date and time", old, new),)
    # the mails themselves are registration's; here only the news counts
    with heard(signals.event_changed) as news, transaction() as writing:
        service.change_event(writing, event_id=event_id, details=after, tell=False, **by)
    assert [(more["tell"], more["raises_sequence"], more["changes"]) for _, more in news] == [
        (False, True, asked.value.changes)]  # fmt: skip
    event = stored(session, event_id)
    assert event.changed_from == "Tuesday 6 April 2027, 10am to 12 noon"


def test_fewer_places_take_no_place_away_and_the_news_goes_out(session: Session, by: dict[str, Any]) -> None:
    event_id = create(by, capacity_in_person=5)
    with transaction() as writing:
        service.publish_event(writing, event_id=event_id, **by)
    register(session, event_id, *["confirmed"] * 5)
    with heard(signals.event_capacity_changed) as news, transaction() as writing:
        saved = service.change_event(writing, event_id=event_id, details=details(capacity_in_person=2), tell=None, **by)
        assert saved.notes[0].startswith("Now 5 places in person are taken and 2 are offered.")
    assert len(news) == 1
    assert stored(session, event_id).taken_in_person == 5


def test_a_change_of_an_event_that_is_gone_is_not_found(by: dict[str, Any]) -> None:
    with pytest.raises(NotFound), transaction() as writing:
        service.change_event(writing, event_id=999, details=details(), tell=None, **by)


# --- cancelling, postponing, coming back ---------------------------------------------------------------------


def published(by: dict[str, Any], **more: Any) -> int:
    event_id = create(by, **more)
    with transaction() as writing:
        service.publish_event(writing, event_id=event_id, **by)
    return event_id


def test_a_cancelled_event_says_so_in_calendars_and_can_come_back(session: Session, by: dict[str, Any]) -> None:
    event_id = published(by)
    with heard(signals.event_cancelled) as news, transaction() as writing:
        service.cancel_event(writing, event_id=event_id, reason="The speaker is ill.", tell=None, **by)
    assert [more["tell"] for _, more in news] == [False]
    event = stored(session, event_id)
    assert (event.state, event.state_reason, event.sequence) == ("cancelled", "The speaker is ill.", 1)
    assert (in_calendar(event).status, in_calendar(event).title_prefix) == ("CANCELLED", "Cancelled: ")
    with transaction() as writing:
        service.reinstate_event(writing, event_id=event_id, tell=None, **by)
    event = stored(session, event_id)
    assert (event.state, event.state_reason, event.sequence) == ("published", "", 2)
    assert in_calendar(event).status == "CONFIRMED"


def test_a_postponed_event_with_a_new_date_is_published_again_under_its_uid(
    session: Session, by: dict[str, Any]
) -> None:
    event_id = published(by)
    uid = stored(session, event_id).uid
    with transaction() as writing:
        service.postpone_event(writing, event_id=event_id, reason="Snow", tell=None, **by)
    event = stored(session, event_id)
    assert (event.state, event.sequence, in_calendar(event).title_prefix) == ("postponed", 1, "Postponed: ")
    with heard(signals.event_changed) as news, transaction() as writing:
        service.change_event(writing, event_id=event_id, details=details(when=MOVED), tell=None, **by)
    event = stored(session, event_id)
    assert (event.state, event.uid, event.sequence) == ("published", uid, 2)
    assert event.changed_from == "Tuesday 6 April 2027, 10am to 12 noon"
    assert in_calendar(event).status == "CONFIRMED"
    assert news[0][1]["raises_sequence"] is True


def test_cancelling_asks_for_a_reason_and_a_choice_at_once(session: Session, by: dict[str, Any]) -> None:
    event_id = published(by)
    register(session, event_id, "confirmed")
    with pytest.raises(DetailsDoNotFit) as asked, transaction() as writing:
        service.cancel_event(writing, event_id=event_id, reason=" ", tell=None, **by)
    assert [problem.field for problem in asked.value.problems] == ["reason", "tell"]
    assert "the person who is registered" in asked.value.problems[1].sentence
    assert stored(session, event_id).state == "published"


def test_what_is_over_is_not_cancelled(by: dict[str, Any], clock: FakeClock) -> None:
    event_id = published(by)
    by["now"] = clock.advance(days=60)
    with pytest.raises(WrongState, match="over"), transaction() as writing:
        service.cancel_event(writing, event_id=event_id, reason="x", tell=None, **by)


# --- series ---------------------------------------------------------------------------------------------------


def test_another_date_is_an_event_of_its_own_in_the_same_series(session: Session, by: dict[str, Any]) -> None:
    opens = datetime(2027, 3, 22, 9, tzinfo=UTC)
    event_id = published(by, opens_at=opens, capacity_in_person=8, topics=("Power",), host="Network")
    with transaction() as writing:
        second_id = service.add_date(writing, event_id=event_id, when=MOVED, **by).event.id
        service.publish_event(writing, event_id=second_id, **by)
    first, second = stored(session, event_id), session.get(Event, second_id)
    assert second is not None
    assert second.uid != first.uid and second.slug == "comhradh-about-power-2027"
    # 9am stays 9am although the clocks went forward in between
    assert second.opens_at == opens + timedelta(days=7) - timedelta(hours=1)
    assert (second.capacity_in_person, second.host_id, second.taken_in_person) == (8, first.host_id, 0)
    assert [event.id for event in other_dates(session, first, by["now"])] == [second_id]
    assert [event.id for event in other_dates(session, second, by["now"])] == [event_id]
    assert other_dates(session, second, STARTS + timedelta(days=1)) == []


# --- counts ---------------------------------------------------------------------------------------------------


def test_pages_and_lists_move_only_when_their_words_do(session: Session, by: dict[str, Any]) -> None:
    event = make_event(session, capacity_in_person=100)
    event_id = event.id

    def moved(taken: int) -> bool:
        session.rollback()
        before, version = public_version(session), stored(session, event_id).version
        people_at(session, event_id, taken)
        lists, page = public_version(session) != before, stored(session, event_id).version != version
        assert lists == page
        return page

    assert not moved(1)
    assert not moved(80)  # 20 left is still "Places available"
    assert moved(81)  # 19 places left
    assert moved(82)
    assert moved(100)


# --- the catalogue --------------------------------------------------------------------------------------------


def test_a_renamed_venue_moves_the_calendar_entries_and_search_of_its_events_alone(
    session: Session, by: dict[str, Any], clock: FakeClock
) -> None:
    here = published(by, venue=Place("Old hall"))
    elsewhere = published(by, venue=Place("Other hall"))
    venue_id, other_bytes = stored(session, here).venue_id, stored(session, elsewhere).vevent
    version = public_version(session)
    by["now"] = clock.advance(days=1)
    session.rollback()
    with transaction() as writing:
        service.save_venue(writing, venue_id=venue_id, details=VenueDetails(place=Place("New hall")), **by)
    event = stored(session, here)
    assert in_calendar(event).location == "New hall"
    assert "new hall" in event.folded and "old hall" not in event.folded
    assert event.revised_at == by["now"]
    assert stored(session, elsewhere).vevent == other_bytes
    assert public_version(session) != version


def test_access_facts_move_the_page_and_not_the_calendar(session: Session, by: dict[str, Any]) -> None:
    event_id = published(by, venue=Place("Old hall"))
    event = stored(session, event_id)
    version, entry = event.version, event.vevent
    facts = VenueDetails(place=Place("Old hall"), step_free="yes")
    with transaction() as writing:
        service.save_venue(writing, venue_id=event.venue_id, details=facts, **by)
    event = stored(session, event_id)
    assert (event.version, event.vevent) == (version + 1, entry)


def test_a_venue_is_not_written_like_another_one(session: Session, by: dict[str, Any]) -> None:
    make_venue(session, "First", address="", postcode="")
    second = make_venue(session, "Second", address="", postcode="").id
    with pytest.raises(DetailsDoNotFit, match="already"), transaction() as writing:
        service.save_venue(writing, venue_id=second, details=VenueDetails(place=Place("FIRST")), **by)


def test_a_renamed_programme_keeps_its_address_and_its_events_follow(session: Session, by: dict[str, Any]) -> None:
    event_id = published(by, programme="Old week")
    programme_id = stored(session, event_id).programme_id
    with transaction() as writing:
        service.save_programme(writing, programme_id=programme_id, details=ProgrammeDetails(title="New week"), **by)
    event = stored(session, event_id)
    assert event.programme is not None
    assert (event.programme.title, event.programme.slug) == ("New week", "old-week")
    assert "New week" in in_calendar(event).categories
    make_programme(session, "Taken")
    with pytest.raises(DetailsDoNotFit, match="already"), transaction() as writing:
        service.save_programme(writing, programme_id=programme_id, details=ProgrammeDetails(title="taken"), **by)


def test_renamed_hosts_and_topics_reach_search_and_calendars(session: Session, by: dict[str, Any]) -> None:
    event_id = published(by, host="Old host", topics=("old topic",))
    event = stored(session, event_id)
    host_id, topic_id = event.host_id, topics_of(session, [event_id])[event_id][0].id
    assert host_id is not None
    with transaction() as writing:
        service.rename_host(writing, host_id=host_id, name="New host", **by)
        service.rename_topic(writing, topic_id=topic_id, name="new topic", **by)
    event = stored(session, event_id)
    assert "new host" in event.folded and "new topic" in event.folded
    assert "new topic" in in_calendar(event).categories


def test_a_kind_is_added_once(session: Session, by: dict[str, Any]) -> None:
    with transaction() as writing:
        service.make_kind(writing, name="Study visit", now=by["now"], actor=COMMAND)
    with pytest.raises(DetailsDoNotFit, match="already"), transaction() as writing:
        service.make_kind(writing, name="STUDY  visit", now=by["now"], actor=COMMAND)
    assert stored(session, create(by, kind="study visit")).kind.name == "Study visit"


def test_another_base_address_reaches_every_stored_entry(
    session: Session, by: dict[str, Any], settings: Settings
) -> None:
    event_id = published(by)
    before = stored(session, event_id)
    revised_at = before.revised_at
    moved = replace(settings, base_url="https://events.example.org")
    with transaction() as writing:
        assert service.refresh_all_vevents(writing, settings=moved) == 1
        assert service.refresh_all_vevents(writing, settings=moved) == 0
    event = stored(session, event_id)
    assert in_calendar(event).url == "https://events.example.org/events/comhradh-about-power"
    assert event.revised_at == revised_at


def test_stored_entries_are_fitted_to_another_address_or_sender_only_when_needed(
    session: Session, by: dict[str, Any], settings: Settings
) -> None:
    first, second = published(by), published(by, title="Another event")
    create(by, when=When(month="2016-11"))
    version = stored(session, first).version
    for fitting, expected in (
        (settings, 0),
        (replace(settings, base_url="https://events.example.org"), 2),
        (replace(settings, base_url="https://events.example.org", mail_from="team@example.org"), 2),
        (replace(settings, base_url="https://events.example.org", mail_from="team@example.org"), 0),
    ):
        with transaction() as writing:
            assert service.fit_vevents(writing, settings=fitting) == expected
    for event_id in (first, second):
        assert in_calendar(stored(session, event_id)).url.startswith("https://events.example.org/events/")
        assert b"team@example.org" in (stored(session, event_id).vevent or b"")
    assert stored(session, first).version == version + 2


def test_no_joining_link_and_no_month_reaches_a_calendar(session: Session, by: dict[str, Any]) -> None:
    event = stored(session, create(by, mode="online", joining_link="https://example.org/secret-room"))
    assert b"secret-room" not in (event.vevent or b"")
    month = stored(session, create(by, when=When(month="2016-11")))
    assert month.vevent is None
    whole_day = stored(session, create(by, when=When(starts_on=date(2027, 6, 1), ends_on=date(2027, 6, 3))))
    assert (in_calendar(whole_day).starts, in_calendar(whole_day).ends) == (date(2027, 6, 1), date(2027, 6, 3))


def test_an_owner_is_kept(session: Session, by: dict[str, Any]) -> None:
    account = make_account(session, role="facilitator")
    event = stored(session, create(by, owner_id=account.id, opens_at=datetime.combine(date(2027, 3, 20), time(9),
                                                                                       tzinfo=UTC)))  # fmt: skip
    assert service.details_of(session, event).owner_id == account.id

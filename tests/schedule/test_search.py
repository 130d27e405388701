"""Search finds Gaelic names without their accents, whatever sign joins or shortens a word, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.schedule.test_public_pages import page, titles
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.ical.reading import read_calendar
from workshops.schedule import service
from workshops.schedule.models import Host, Room, Topic, TopicAlias, Venue
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.folding import fold, search_text, search_words
from workshops.schedule.rules.when import When
from workshops.schedule.service import VenueDetails

STARTS = datetime(2027, 4, 6, 9, tzinfo=UTC)
WHEN = When(starts_at=STARTS, ends_at=STARTS + timedelta(hours=2))


@pytest.fixture
def by(settings: Settings, clock: FakeClock) -> dict[str, Any]:
    return {"now": clock.now, "actor": COMMAND, "settings": settings}


def publish(by: dict[str, Any], **more: Any) -> int:
    with transaction() as session:
        details = EventDetails(**{"title": "Example event", "kind": "workshop", "when": WHEN, **more})
        event = service.create_event(session, details=details, **by).event
        service.publish_event(session, event_id=event.id, **by)
        return event.id


GAELIC: dict[str, Any] = {
    "title": "Còmhradh: women’s co-production – a ceilidh",
    "summary": "Seanchas agus biadh anns an taigh-chèilidh, with O'Neill",
    "host": "Comhairle nan Eilean Siar",
    "venue": Place("Sabhal Mòr Ostaig", "Slèite, An t-Eilean Sgitheanach", "IV44 8RQ"),
    "area": "Na h-Eileanan Siar",
    "topics": ("Coimhearsnachd is cultar", "Dùn Èideann"),
    "mode": "in_person",
}


@pytest.mark.parametrize(
    "words",
    [
        "Còmhradh", "comhradh", "COMHRADH", "co\u0300mhradh",
        "Dùn Èideann", "dun eideann", "Eideann dun",
        "Na h-Eileanan Siar", "na h eileanan siar", "heileanan", "h‑eileanan", "Siar Eileanan na",
        "women's", "women’s", "womens", "WOMEN´S",
        "co-production", "coproduction", "co production", "co–production",
        "taigh-chèilidh", "taigh cheilidh", "o'neill", "O’Neill", "oneill",
        "sabhal mor ostaig", "t-eilean sgitheanach", "iv44 8rq", "comhairle eilean",
        "cultar còmhradh sabhal comhairle seanchas",
    ],
)  # fmt: skip
def test_gaelic_names_are_found_however_they_are_typed(client: FlaskClient, by: dict[str, Any], words: str) -> None:
    publish(by, **GAELIC)
    publish(by, title="Something else", mode="online", area="Online")
    assert titles(page(client, f"/events?q={quote_plus(words)}")) == ["Còmhradh: women’s co-production – a ceilidh"]
    feed = read_calendar(client.get(f"/calendar.ics?q={quote_plus(words)}").data).events
    assert [one.title for one in feed] == ["Còmhradh: women’s co-production – a ceilidh"]


@pytest.mark.parametrize("words", ["comhradh nowhere", "100%", "_", "eilidhx"])
def test_all_words_must_be_there_and_no_sign_is_a_wildcard(
    client: FlaskClient, by: dict[str, Any], words: str
) -> None:
    publish(by, **GAELIC)
    assert titles(page(client, f"/events?q={quote_plus(words)}")) == []


def test_a_new_name_of_host_venue_room_or_topic_is_found_at_once(
    client: FlaskClient, session: Session, by: dict[str, Any]
) -> None:
    publish(by, **GAELIC)

    def found(words: str) -> int:
        return len(titles(page(client, f"/events?q={quote_plus(words)}")))

    host = session.scalars(select(Host)).one().id
    topic = session.scalars(select(Topic).where(Topic.name == "Dùn Èideann")).one().id
    venue = session.scalars(select(Venue)).one()
    place = VenueDetails(place=Place("Taigh Ùr", venue.address, venue.postcode), area=venue.area)
    with transaction() as write:
        service.rename_host(write, host_id=host, name="Comunn Eachdraidh Nis", **by)
        service.rename_topic(write, topic_id=topic, name="Glaschu", **by)
        service.save_venue(write, venue_id=venue.id, details=place, **by)
    assert [found(words) for words in ("eachdraidh", "glaschu", "taigh ur")] == [1, 1, 1]
    assert [found(words) for words in ("comhairle", "dun eideann", "ostaig")] == [0, 0, 0]


def test_a_room_is_found_by_its_name(client: FlaskClient, session: Session, by: dict[str, Any]) -> None:
    publish(by, **{**GAELIC, "room": "Seòmar a’ Chuain"})
    assert session.scalars(select(Room.name)).one() == "Seòmar a’ Chuain"
    assert len(titles(page(client, "/events?q=seomar+chuain"))) == 1


def test_the_address_of_a_merged_topic_finds_the_one_it_went_into(
    client: FlaskClient, session: Session, by: dict[str, Any]
) -> None:
    publish(by, **GAELIC)
    topic = session.scalars(select(Topic).where(Topic.name == "Dùn Èideann")).one()
    session.add(TopicAlias(owner_id=topic.id, name_key="edinburgh", slug="edinburgh"))
    session.add(TopicAlias(owner_id=topic.id, name_key="auld reekie", slug=""))
    session.commit()
    html = page(client, "/events?topic=edinburgh")
    assert len(titles(html)) == 1 and 'href="/calendar.ics?topic=dun-eideann"' in html
    assert "BEGIN:VEVENT" in client.get("/calendar.ics?topic=edinburgh").get_data(as_text=True)
    assert "BEGIN:VEVENT" not in client.get("/calendar.ics?topic=auld-reekie").get_data(as_text=True)


WORDS = st.text(st.sampled_from("aàÀbßİ -–’'.%_1\n"), max_size=30)


@given(WORDS)
def test_whatever_is_written_is_found_as_it_is_written(text: str) -> None:
    searched = search_text(text)
    assert all(word in searched for word in search_words(text))
    assert search_text(searched) == searched


@given(st.text(max_size=40))
def test_search_text_is_folded(text: str) -> None:
    searched = search_text(text)
    assert fold(searched) == searched and "\n" not in searched
    assert all(word in searched for word in search_words(text))

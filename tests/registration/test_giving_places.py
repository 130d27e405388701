"""Overbooking, places given at once, shares and their end, on both engines; and the page where they are said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_event
from tests.registration.conftest import Desk, invitation
from workshops.core.db import transaction
from workshops.registration import service
from workshops.registration.rules import FullChoice
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.public_state import public_state


def release(desk: Desk) -> int:
    with transaction() as session:
        return service.release_shares(session, now=desk.clock.now, settings=desk.settings)


def test_more_than_the_capacity_get_a_place_where_the_organiser_says_so(desk: Desk, session: Session) -> None:
    event = make_event(session, capacity_in_person=1, overbook_in_person=1)
    desk.register(event)
    assert public_state(event_view(desk.event(event)), desk.clock.now).tag_text == "1 place left"
    desk.register(event, "bea@example.org")
    with pytest.raises(FullChoice):
        desk.register(event, "cal@example.org")
    assert desk.states(event) == {"ann": "confirmed", "bea": "confirmed"}


def test_a_place_is_given_at_once_with_its_invitation(desk: Desk, session: Session) -> None:
    event = make_event(session, capacity_in_person=1, gives_places="at_once")
    desk.register(event)
    desk.register(event, "bea@example.org", if_full="wait")
    assert "gets it at once" in desk.mails("bea@example.org")[0].body_text
    desk.do(service.cancel_place, desk.person())
    assert desk.states(event) == {"ann": "cancelled", "bea": "confirmed"}
    given = desk.mails("bea@example.org")[-1]
    assert given.kind == "registration/place_confirmed" and "had waited longest" in given.body_text
    assert invitation(given)[0] == "REQUEST"


def test_shares_keep_places_until_their_end(desk: Desk, session: Session, clock: FakeClock) -> None:
    event = make_event(
        session, capacity_in_person=2, shares=[["in_person", "lived_experience", 1]],
        shares_until=clock.now + timedelta(days=2),
    )  # fmt: skip
    desk.register(event)
    with pytest.raises(FullChoice, match="kept for people with lived experience until"):
        desk.register(event, "bea@example.org")
    assert public_state(event_view(desk.event(event)), clock.now).key == "full_list"
    desk.register(event, "bea@example.org", if_full="wait")
    desk.register(event, "cal@example.org", perspective="lived_experience")
    assert desk.states(event) == {"ann": "confirmed", "bea": "waiting", "cal": "confirmed"}
    desk.do(service.cancel_place, desk.person("cal@example.org"))
    assert desk.states(event)["bea"] == "waiting", "it is kept for the next with lived experience"
    clock.advance(days=2)
    assert release(desk) == 1 and desk.states(event)["bea"] == "offered"
    assert release(desk) == 0


def test_somebody_further_back_gets_the_place_that_is_kept_for_them(desk: Desk, session: Session) -> None:
    event = make_event(session, capacity_in_person=2, shares=[["in_person", "policy", 1]])
    desk.register(event)
    desk.register(event, "bea@example.org", perspective="policy")
    desk.register(event, "cal@example.org", if_full="wait")
    desk.register(event, "dan@example.org", if_full="wait", perspective="policy")
    desk.do(service.cancel_place, desk.person("bea@example.org"))
    assert desk.states(event) == {"ann": "confirmed", "bea": "cancelled", "cal": "waiting", "dan": "offered"}


def test_the_page_says_first_who_gets_a_place_by_it(
    staff: Callable[..., FormClient], desk: Desk, session: Session
) -> None:
    event = make_event(session, capacity_in_person=2)
    for number in range(4):
        desk.register(event, f"p{number}@example.org", if_full="wait")
    browser = staff("organiser")
    address = f"/staff/events/{event.slug}/place-rules"
    assert "Some will not come" in browser.get(address).text
    sent = {"gives": "offer", "overbook_in_person": "1", "asks_days_before": "7", "frees_days_before": ""}
    looked = browser.send(address, {**sent, "action": "check"})
    assert looked.status_code == 200 and "offers a place to <strong>1 person</strong>" in looked.text
    assert "offered" not in desk.states(event).values() and not desk.event(event).overbook_in_person
    saved = browser.send(address, {**sent, "action": "save"})
    assert saved.status_code == 303
    assert list(desk.states(event).values()) == ["confirmed", "confirmed", "offered", "waiting"]
    assert desk.event(event).asks_days_before == 7
    page = browser.get(address).text
    assert 'value="7"' in page


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"overbook_in_person": "9"}, "half of the 10 places in person"),
        ({"overbook_in_person": "many"}, "must be a whole number"),
        ({"frees_days_before": "3"}, "Say first how many days before people are asked"),
        ({"asks_days_before": "3", "frees_days_before": "3"}, "Enter a number of days from 1 to 2"),
        ({"asks_days_before": "31"}, "30"),
        ({"share_in_person_policy": "8", "share_in_person_practitioners": "3"}, "You hold 11 places in person"),
        ({"share_in_person_policy": "2", "shares_until": "31 12 2029"}, "Enter a date before the event starts"),
    ],
)
def test_what_does_not_fit_is_said_and_kept(
    staff: Callable[..., FormClient], session: Session, sent: dict[str, str], words: str
) -> None:
    event = make_event(session, capacity_in_person=10)
    answer = staff("organiser").send(f"/staff/events/{event.slug}/place-rules", {"gives": "offer", **sent})
    assert answer.status_code == 422 and words in answer.text
    for value in sent.values():
        for part in value.split():
            assert f'value="{part}"' in answer.text


def test_the_form_asks_for_a_perspective_only_where_places_are_kept(
    client: FormClient, desk: Desk, session: Session
) -> None:
    plain, kept = make_event(session), make_event(session, shares=[["in_person", "policy", 2]])
    assert "perspective" not in client.get(f"/events/{plain.slug}/register").text
    page = client.get(f"/events/{kept.slug}/register").text
    assert "places are kept: 2 for policy makers" in page and 'name="perspective"' in page
    typed = {"name": "Ann Example", "email": "ann@example.org", "perspective": "policy"}
    assert client.send(f"/events/{kept.slug}/register", typed).status_code == 303
    assert desk.person().perspective == "policy"
    assert client.send(f"/events/{kept.slug}/register", {**typed, "perspective": "other"}).status_code == 422


def test_who_waits_sees_the_number_the_rule_and_what_happened(
    client: FormClient, desk: Desk, session: Session
) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "bea@example.org", if_full="wait")
    desk.register(event, "cal@example.org", if_full="wait")
    assert "You are number 2." in desk.mails("cal@example.org")[0].body_text
    page = client.get(desk.link("cal@example.org")).text
    assert "You are number <strong>2</strong> of 2" in page and "two working days" in page
    assert "You joined the waiting list, because all places were taken" in page
    desk.do(service.cancel_place, desk.person())
    page = client.get(desk.link("bea@example.org")).text
    assert "A place was offered to you: you had waited longest for a place, since" in page

"""The waiting list for staff: what comes next, and letting somebody else go first with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_event
from tests.registration.conftest import Desk
from workshops.audit.queries import history_of
from workshops.audit.rules import COMMAND
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.queries import queue_of
from workshops.registration.rules import ChangeRefused
from workshops.schedule.models import Event


@pytest.fixture
def event(desk: Desk, session: Session) -> Event:
    """A full event; bea, cal and dan wait, in that order."""
    made = make_event(session, capacity_in_person=1)
    desk.register(made)
    for name in ("bea", "cal", "dan"):
        desk.clock.advance(minutes=1)
        desk.register(made, f"{name}@example.org", name=f"{name.capitalize()} Example", if_full="wait")
    return made


def order(desk: Desk, event: Event) -> list[str]:
    desk.session.rollback()
    names = {id: name for name, id in ((name, desk.person(f"{name}@example.org").id) for name in ("bea", "cal", "dan"))}
    return [names[one.id] for one in queue_of(desk.session, event.id, "in_person")]


def skip(desk: Desk, name: str, reason: str = "asked") -> None:
    desk.do(service.skip_person, desk.person(f"{name}@example.org"), reason=reason, actor=COMMAND)


def test_who_is_skipped_moves_back_by_one_and_both_can_read_why(desk: Desk, event: Event) -> None:
    skip(desk, "bea")
    assert order(desk, event) == ["cal", "bea", "dan"]
    desk.do(service.cancel_place, desk.person())
    assert desk.states(event) == {"ann": "cancelled", "bea": "waiting", "cal": "offered", "dan": "waiting"}
    bea, cal = (
        history_of(desk.session, "registration", desk.person(f"{name}@example.org").id) for name in ("bea", "cal")
    )
    assert (bea[0].action, bea[0].reason) == ("person_skipped", "they asked to wait for a later place")
    assert "moved_up" in [one.action for one in cal]
    assert desk.kinds("bea@example.org") == ["on_waiting_list"], "a number on the list is no news"


def test_nobody_is_skipped_silently_or_past_the_end(desk: Desk, event: Event) -> None:
    with pytest.raises(DomainError):
        skip(desk, "bea", reason="because")
    with pytest.raises(ChangeRefused):
        skip(desk, "dan")
    with pytest.raises(ChangeRefused):
        desk.do(service.skip_person, desk.person(), reason="asked", actor=COMMAND)
    assert order(desk, event) == ["bea", "cal", "dan"]


def test_staff_see_who_gets_the_next_places(
    staff: Callable[..., FormClient], desk: Desk, event: Event, session: Session
) -> None:
    browser = staff("organiser")
    address = f"/staff/events/{event.slug}/waiting-list"
    page = re.sub(r"\s+", " ", browser.get(address).text)
    # a room with one place cannot free two
    assert "If 1 place becomes free, it goes to Bea Example." in page and "If 2 places" not in page
    bea = desk.person("bea@example.org")
    form = f"/staff/events/{event.slug}/people/{bea.id}/skip"
    assert "Bea Example moves back by one" in browser.get(form).text
    assert browser.send(form, {}).status_code == 422 and order(desk, event)[0] == "bea"
    assert browser.send(form, {"reason": "travel"}).status_code == 303
    assert "it goes to Cal Example." in re.sub(r"\s+", " ", browser.get(address).text)
    page = browser.get(desk.link("bea@example.org")).text
    assert "The organiser let the next person go first: they could not travel at such short notice" in page


def test_with_shares_the_forecast_is_that_of_the_rules(
    staff: Callable[..., FormClient], desk: Desk, session: Session
) -> None:
    event = make_event(session, capacity_in_person=3, shares=[["in_person", "policy", 1]])
    for name in ("ann", "abe"):
        desk.register(event, f"{name}@example.org")
    desk.register(event, "bea@example.org", name="Bea Example", perspective="policy")
    for name, perspective in (("cal", ""), ("dan", ""), ("eve", "policy")):
        desk.register(event, f"{name}@example.org", name=f"{name.capitalize()} Example", if_full="wait",
                      perspective=perspective)  # fmt: skip
    page = re.sub(r"\s+", " ", staff("organiser").get(f"/staff/events/{event.slug}/waiting-list").text)
    assert "If 1 place becomes free, it goes to Cal Example." in page
    assert "If 2 places become free, they go to Cal Example and Dan Example." in page

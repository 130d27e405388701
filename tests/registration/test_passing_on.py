"""Passing a place on to a colleague, having all that is kept, and having it deleted."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_event
from tests.registration.conftest import Desk, invitation
from workshops.audit.rules import COMMAND
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.messages.service import unsealed_links
from workshops.registration import service
from workshops.registration.models import PlacePass, Registration
from workshops.registration.rules import ChangeRefused, PlaceGone
from workshops.schedule.models import Event


@pytest.fixture
def event(session: Session) -> Event:
    return make_event(session, title="Soon", capacity_in_person=1)


def ask(desk: Desk, email: str = "bea@example.org", who: Registration | None = None) -> None:
    desk.do(service.offer_pass, who or desk.person(), name="Bea Example", email=email)


def link_of(desk: Desk, email: str = "bea@example.org") -> str:
    links = unsealed_links([mail for mail in desk.mails(email) if mail.kind.endswith("pass_offered")][-1],
                           settings=desk.settings)  # fmt: skip
    assert links is not None
    return re.sub(r"^https?://[^/]+", "", links["pass"])


def test_the_place_stays_until_the_colleague_says_yes_and_leaves_one_right_entry_each(
    client: FormClient, desk: Desk, event: Event
) -> None:
    desk.register(event, access_needs="Large print")
    desk.register(event, "cal@example.org", if_full="wait")
    mine = desk.link()
    assert "Pass it to a colleague" in client.get(mine).text
    asked = client.send(f"{mine}/pass-on", {"name": "Bea Example", "email": "bea@example.org"})
    assert asked.status_code == 303 and "Your place stays yours" in client.get(asked.headers["Location"]).text
    assert desk.states(event) == {"ann": "confirmed", "cal": "waiting"}
    link = link_of(desk)
    for _ in range(5):
        page = client.get(link)
        assert page.status_code == 200 and "Large print" not in page.text and "ann@" not in page.text
    assert desk.states(event) == {"ann": "confirmed", "cal": "waiting"}
    assert client.send(link, {"name": ""}).status_code == 422
    done = client.send(link, {"name": "Bea Example", "organisation": "Example Council"})
    assert done.status_code == 303 and done.headers["Location"].endswith("/registered/place")
    assert desk.states(event) == {"ann": "cancelled", "cal": "waiting", "bea": "confirmed"}
    assert invitation(desk.mails("ann@example.org")[-1])[0] == "CANCEL"
    assert invitation(desk.mails("bea@example.org")[-1])[0] == "REQUEST"
    assert client.get(link).status_code == client.send(link, {"name": "Bea"}).status_code == 404
    page = client.get(mine).text
    assert "You passed your place to a colleague" in page and "Pass it to a colleague" not in page


def test_it_can_be_taken_back_or_go_to_another_colleague(client: FormClient, desk: Desk, event: Event) -> None:
    desk.register(event)
    ask(desk)
    first = link_of(desk)
    ask(desk, "dan@example.org")
    assert client.get(first).status_code == 404 and client.get(link_of(desk, "dan@example.org")).status_code == 200
    assert client.send(f"{desk_link(desk)}/pass-on/take-back").status_code == 303
    assert client.get(link_of(desk, "dan@example.org")).status_code == 404
    with transaction() as session:
        assert service.forget_passes(session, now=desk.clock.now, settings=desk.settings) == 2


def desk_link(desk: Desk) -> str:
    return desk.link("ann@example.org")


def test_too_late_is_too_late(client: FormClient, desk: Desk, event: Event) -> None:
    desk.register(event)
    ask(desk)
    link = link_of(desk)
    desk.session.rollback()
    passed = desk.session.query(PlacePass).one()
    desk.clock.now = passed.expires_at
    assert client.get(link).status_code == 404
    with pytest.raises(DomainError):
        with transaction() as session:
            service.take_pass(session, pass_id=passed.id, details=service.Details(name="Bea", email="bea@example.org"),
                              now=desk.clock.now, settings=desk.settings)  # fmt: skip
    assert desk.states(event) == {"ann": "confirmed"}


def test_only_a_place_or_a_request_goes_on_and_never_to_the_uninvited(
    desk: Desk, event: Event, session: Session
) -> None:
    desk.register(event)
    desk.register(event, "cal@example.org", if_full="wait")
    with pytest.raises(ChangeRefused):
        ask(desk, who=desk.person("cal@example.org"))
    with pytest.raises(DomainError):
        ask(desk, "Ann@Example.org")
    invited = make_event(session, booking="by_invitation", admits="invited")
    desk.do(service.cancel_place, desk.person())
    with pytest.raises(PlaceGone):
        ask(desk)
    domains = make_event(session, admits="domains", admitted_domains=["gov.scot"])
    desk.register(domains, "eve@gov.scot")
    with pytest.raises(DomainError, match="ends in"):
        ask(desk, who=desk.person("eve@gov.scot"))
    assert invited.booking == "by_invitation"


def test_a_colleague_who_is_registered_is_told_only_behind_their_own_link(
    client: FormClient, desk: Desk, session: Session
) -> None:
    event = make_event(session, capacity_in_person=5)
    desk.register(event)
    desk.register(event, "bea@example.org")
    ask(desk, who=desk.person("ann@example.org"))
    answer = client.send(link_of(desk), {"name": "Bea Example"})
    assert answer.status_code == 422 and "registered for this event already" in answer.text
    assert desk.states(event) == {"ann": "confirmed", "bea": "confirmed"}


def test_two_colleagues_and_two_tabs_make_one_place(desk: Desk, event: Event) -> None:
    desk.register(event)
    ask(desk)
    desk.session.rollback()
    pass_id = desk.session.query(PlacePass).one().id
    details = service.Details(name="Bea Example", email="bea@example.org")
    for turn in range(2):
        try:
            with transaction() as session:
                service.take_pass(session, pass_id=pass_id, details=details, now=desk.clock.now, settings=desk.settings)
        except service.PassGone:
            assert turn == 1
    assert desk.states(event) == {"ann": "cancelled", "bea": "confirmed"}


# --- all that is kept -----------------------------------------------------------------------------------------


def test_everything_that_is_kept_comes_as_a_file(client: FormClient, desk: Desk, event: Event) -> None:
    desk.register(event, access_needs="Large print", organisation="Example Council", name="Màiri “M” 👩🏽‍🦽")
    answer = client.get(f"{desk.link()}/my-data.json")
    assert "no-store" in answer.headers["Cache-Control"] and "attachment" in answer.headers["Content-Disposition"]
    data = json.loads(answer.text)
    assert data["you"]["name"] == "Màiri “M” 👩🏽‍🦽" and data["access_needs"] == "Large print"
    assert [one["what"] for one in data["history"]] == ["You registered, and a place was free"]
    assert [one["subject"] for one in data["emails"]] == ["You have a place: Soon"]
    assert "/places/" not in answer.text


def test_it_is_deleted_at_the_button_and_not_before_the_place_is_given_up(
    client: FormClient, desk: Desk, event: Event
) -> None:
    desk.register(event, access_needs="Large print", question="Why?")
    link = desk.link()
    assert "Cancel your place first" in client.get(f"{link}/delete").text
    assert client.send(f"{link}/delete").status_code == 422
    desk.do(service.cancel_place, desk.person(), reason="Holiday")
    assert "still on its way" in client.get(f"{link}/delete").text
    desk.deliver()
    for _ in range(3):
        assert client.get(f"{link}/delete").status_code == 200
    assert desk.person().name == "Ann Example"
    gone = client.send(f"{link}/delete")
    assert gone.status_code == 200 and "What you told us is deleted" in gone.text
    assert client.get(link).status_code == 404
    desk.session.rollback()
    kept = desk.session.query(Registration).one()
    assert (kept.name, kept.email, kept.question, kept.cancel_reason) == ("Name removed", "", "", "")
    assert desk.mails() == [] and desk.event(event).taken_in_person == 0


def test_after_the_event_it_can_be_deleted_too_and_the_count_stays(desk: Desk, event: Event) -> None:
    desk.register(event)
    desk.deliver()
    desk.clock.now = event.over_at + timedelta(days=1)
    desk.do(service.delete_own_data, desk.person(), actor=COMMAND)
    assert list(desk.states(event).values()) == ["confirmed"]

"""Names, joining links and drafts: every page is asked for by everybody who must not see them there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event, make_proposal, make_registration, make_venue
from tests.guards.world import paths
from workshops.audit.rules import staff as by_staff
from workshops.config import Settings
from workshops.messages.models import OutboxMessage
from workshops.registration.models import Invitee, NeedAnswer, Needs
from workshops.registration.service import cancel_for_person
from workshops.schedule.models import Event

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

NAME, ADDRESS, NEED = "Zaphira Quillfeather", "zaphira.quillfeather@example.org", "a need of nobody else"
LINK = "https://meeting.example.org/joining-secret"
#: In any of these forms, also as part of a mail or a file.
OF_PEOPLE = ("zaphira", "quillfeather", NEED)


@pytest.fixture
def theirs(session: Session, clock: FakeClock, settings: Settings) -> dict[str, Any]:
    """An upcoming and a past event of somebody else, with people, needs and mail."""
    owner = make_account(session, role="facilitator", name="Somebody Else")
    venue = make_venue(session)
    slugs, ids, guests = [], [], []
    for days in (10, -10):
        event = make_event(
            session, slug=f"theirs-{days + 10}", starts_at=clock.now + timedelta(days=days), owner_id=owner.id,
            mode="hybrid", capacity_online=5, joining_link=LINK, venue_id=venue.id,
        )  # fmt: skip
        person = make_registration(session, event, name=NAME, email=ADDRESS, attending="online", question=NAME)
        asks = make_registration(session, event, name=NAME, email=f"2.{ADDRESS}", state="requested")
        session.add(Needs(registration_id=asks.id, access_needs=NEED, dietary_needs=NEED))
        session.add(NeedAnswer(registration_id=asks.id, kind="access", state="arranged", message=NEED,
                               answers_what="", answered_at=clock.now))  # fmt: skip
        guest = Invitee(event_id=event.id, email=f"3.{ADDRESS}", email_key=f"3.{ADDRESS}", name=NAME,
                        invited_at=clock.now)  # fmt: skip
        session.add(guest)
        session.commit()
        guests.append(guest.id)
        if days > 0:
            cancel_for_person(
                session, registration_id=person.id, now=clock.now, settings=settings, actor=by_staff(owner.id)
            )
            session.commit()
        slugs.append(event.slug)
        ids += [person.id, asks.id]
    event_id = session.scalars(select(Event.id).where(Event.slug == slugs[0])).one()
    proposals = [
        make_proposal(session, **of, name=NAME, email=ADDRESS, organisation="Example Partner", message=NEED)
        for of in ({}, {"purpose": "ask"}, {"state": "accepted", "event_id": event_id})
    ]  # fmt: skip
    messages = tuple(session.scalars(select(OutboxMessage.id)))
    assert messages, "nobody was told anything, so pages of messages prove nothing"
    session.rollback()
    return {"slug": tuple(slugs), "registration_id": tuple(ids), "invitee_id": tuple(guests),
            "message_id": messages, "kind": ("access",), "venue_id": (venue.id,),
            "proposal_id": tuple(one.id for one in proposals),
            "format": ("csv", "xlsx", "json", "ics"), "outcome": ("place", "waiting"), "owner": owner}  # fmt: skip


def everything_shown(app: Flask, browser: FormClient, world: dict[str, Any]) -> dict[str, str]:
    """What each address answers, and what each file that is asked for by a button holds."""
    shown = {}
    for path in paths(app, world):
        answer = browser.get(path, follow_redirects=True)
        shown[path] = answer.get_data().decode("utf-8", "replace") + str(answer.headers)
        answer.close()
    for slug in world["slug"]:
        for kind in ("csv", "xlsx", "json"):
            path = f"/staff/events/{slug}/people.{kind}"
            answer = browser.send(path)
            shown[path] = f"{answer.status_code}" + answer.get_data().decode("utf-8", "replace")
            answer.close()
    return shown


@pytest.mark.parametrize("role", ["viewer", "facilitator", None])
def test_nobody_sees_people_of_an_event_they_do_not_run(
    app: Flask, client: FormClient, theirs: dict[str, Any], staff: Callable[..., FormClient], role: str | None
) -> None:
    shown = everything_shown(app, staff(role) if role else client, theirs)
    assert len(shown) > 80
    assert [path for path, page in shown.items() if any(mark in page.lower() for mark in OF_PEOPLE)] == []
    for slug in theirs["slug"]:
        for kind in ("csv", "xlsx", "json"):
            assert shown[f"/staff/events/{slug}/people.{kind}"].startswith("403")


def test_who_runs_an_event_does_see_its_people(
    app: Flask, theirs: dict[str, Any], staff: Callable[..., FormClient]
) -> None:
    """The control: the marks that the test above looks for are on the pages it looks at."""
    shown = everything_shown(app, staff("organiser"), theirs)
    assert len([path for path, page in shown.items() if any(mark in page.lower() for mark in OF_PEOPLE)]) > 10


def test_a_person_under_another_event_is_not_there(
    session: Session, theirs: dict[str, Any], staff: Callable[..., FormClient]
) -> None:
    browser = staff("facilitator")
    mine = make_event(session, slug="mine", owner_id=browser.account_id)  # type: ignore[attr-defined]
    make_registration(session, mine)
    before = {path: browser.get(path).status_code for path in ("/staff/events/mine/people",)}
    assert before == {"/staff/events/mine/people": 200}
    for person in theirs["registration_id"]:
        page = f"/staff/events/mine/people/{person}"
        assert browser.get(page).status_code == 404
        for button in ("cancel", "approve", "decline", "resend-link"):
            assert browser.send(f"{page}/{button}").status_code == 404, button
        assert browser.send(f"/staff/events/mine/on-the-day/{person}", {"status": "here"}).status_code == 404
    for guest in theirs["invitee_id"]:
        for button in ("tell", "remove"):
            assert browser.send(f"/staff/events/mine/invited/{guest}/{button}").status_code == 404, button
    for message in theirs["message_id"]:
        assert browser.get(f"/staff/events/mine/messages/{message}").status_code == 404


def test_the_joining_link_is_on_no_public_page_and_in_no_feed(
    app: Flask, client: FormClient, theirs: dict[str, Any], staff: Callable[..., FormClient]
) -> None:
    for browser in (client, staff("viewer"), staff("facilitator")):
        shown = everything_shown(app, browser, theirs)
        assert [path for path, page in shown.items() if "joining-secret" in page] == []
    seen = staff("organiser").get("/staff/events/theirs-20").get_data(as_text=True)
    assert "joining-secret" in seen


def test_a_draft_answers_as_if_there_were_none(session: Session, client: FormClient) -> None:
    make_event(session, slug="draft-event", title="A secret plan", state="draft")
    for ending in ("", ".ics", "/register", "/registered/place"):
        draft, unknown = client.get(f"/events/draft-event{ending}"), client.get(f"/events/secret-none{ending}")
        assert draft.status_code == unknown.status_code == 404
        assert draft.get_data().replace(b"draft-event", b"secret-none") == unknown.get_data(), ending
        assert draft.headers.to_wsgi_list() == unknown.headers.to_wsgi_list()
    sent = [client.send(f"/events/{slug}/register", {"name": "A", "email": "a@example.org"})
            for slug in ("draft-event", "secret-none")]  # fmt: skip
    assert [answer.status_code for answer in sent] == [404, 404]

"""Mail filters open every link, some of them in a real browser (reference/pages.md 8): that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_account, make_event, make_programme
from tests.guards.test_no_get_writes import contents
from tests.journeys.conftest import Mail
from tests.journeys.person import Person
from workshops.accounts import service as accounts
from workshops.config import Settings
from workshops.registration.models import Registration

Register = Callable[..., Person]


def test_opening_every_link_of_every_mail_changes_nothing(
    app: Flask,
    session: Session,
    settings: Settings,
    register: Register,
    someone: Callable[[], Person],
    organiser: Person,
    mail: Mail,
    clock: FakeClock,
) -> None:
    make_event(session, slug="small-table", capacity_in_person=1)
    week = make_programme(session, slug="week")
    make_event(session, slug="asked-for", booking="by_approval", programme=week)
    make_event(session, slug="large-table", programme=week)
    for who in ("anna", "ben", "cara"):
        clock.advance(minutes=1)
        register("small-table", who, if_full="wait")
    register("asked-for", "anna")
    register("small-table", "ben", if_full="wait")  # "you are registered already"
    both = someone().open("/programmes/week/register?event=asked-for&event=large-table")
    both.fill(name="Emma Example", email="emma@example.org", if_full="wait").press("Register for 2 events")
    (together,) = mail(to="emma@example.org", kind="places_together")
    large = someone().open(together.links("/places/")[1]).follow("Pass it to a colleague")
    large.fill(name="Fay Example", email="fay@example.org").press("Ask my colleague")
    someone().open("/find-my-place").fill(email="anna@example.org").press("Send")
    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    someone().open(confirmation.place).follow("Cancel my place").press("Cancel my place")
    account = make_account(session, email="dora@example.org", now=clock.now)
    accounts.send_new_password_link(session, email=account.email, now=clock.now, settings=settings)
    session.commit()
    written = mail()
    kinds = {letter.kind.rpartition("-")[2] for letter in written}
    assert kinds >= {"place_confirmed", "on_waiting_list", "request_received", "already_registered", "find_my_place",
                     "place_cancelled", "place_offered", "new_password",
                     "places_together", "pass_offered"}  # fmt: skip

    links = sorted({link for letter in written for link in letter.links() if link.startswith(settings.base_url)})
    assert sum("/places/" in link for link in links) >= 8 and any("/staff/link/" in link for link in links)
    scanner = app.test_client()
    before: dict[str, Any] = contents(session)
    for link in links:
        parts = urlsplit(link)
        for method in ("GET", "HEAD") * 5:
            answer = scanner.open(parts.path or "/", query_string=parts.query, method=method)
            assert answer.status_code == 200, (method, link)
    assert contents(session) == before
    # and the person who comes after the scanner finds everything as it was
    (offer,) = mail(to="ben@example.org", kind="place_offered")
    assert "You have a place" in someone().open(offer.place).press("Take the place").words


def test_pages_under_personal_links_have_no_script_that_could_send_a_form(
    session: Session, register: Register, someone: Callable[[], Person], mail: Mail
) -> None:
    make_event(session, slug="small-table")
    register("small-table", "anna")
    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    for path in ("", "/change", "/cancel"):
        answer = someone().open(confirmation.place + path).answer
        assert "onload" not in answer.text and "http-equiv" not in answer.text
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]
        assert "noindex" in answer.headers["X-Robots-Tag"]


def test_a_link_to_an_offer_that_ran_out_says_so(
    session: Session, register: Register, someone: Callable[[], Person], mail: Mail, clock: FakeClock
) -> None:
    make_event(session, slug="small-table", capacity_in_person=1)
    register("small-table", "anna")
    clock.advance(minutes=1)
    register("small-table", "ben", if_full="wait")
    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    someone().open(confirmation.place).follow("Cancel my place").press("Cancel my place")
    (offer,) = mail(to="ben@example.org", kind="place_offered")
    page = someone().open(offer.place)
    clock.now += timedelta(hours=48)  # the worker has not come round yet
    page.press("Take the place", 422)
    session.rollback()
    assert session.query(Registration).filter_by(email_key="ben@example.org").one().state == "offered"

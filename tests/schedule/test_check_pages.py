"""What follows from a change is shown before it is saved, with a choice that nobody made beforehand."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.conftest import FormClient
from tests.factories import make_event, make_registration, make_venue
from tests.journeys.person import Reader
from workshops.messages.models import OutboxMessage
from workshops.schedule.models import Event

Staff = Callable[..., FormClient]


def sent_form(page: TestResponse) -> dict[str, str]:
    """The form of the page, the one with most fields, as a browser would send it."""
    form = max(Reader(page.get_data(as_text=True)).forms, key=lambda form: len(form.fields))
    return {name: values[-1] for name, values in form.values.items() if name != "csrf_token"}


def text(answer: TestResponse) -> str:
    """The words of a page."""
    main = answer.get_data(as_text=True).partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


@dataclass(frozen=True)
class Known:
    id: int
    slug: str


@pytest.fixture
def event(session: Session) -> Known:
    """Two people have a place and one waits."""
    made = make_event(session, title="Moves", capacity_in_person=2, venue_id=make_venue(session).id)
    for state in ("confirmed", "confirmed", "waiting"):
        make_registration(session, made, state=state)
    known = Known(made.id, made.slug)
    session.rollback()
    return known


def mails(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(OutboxMessage)) or 0


def edited(browser: FormClient, event: Known, **typed: str) -> dict[str, Any]:
    """The form of an event as somebody would send it."""
    page = browser.get(f"/staff/events/{event.slug}/edit")
    assert page.status_code == 200
    return sent_form(page) | typed


def test_what_follows_is_shown_and_nothing_is_saved(staff: Staff, session: Session, event: Known) -> None:
    browser = staff("organiser")
    path = f"/staff/events/{event.slug}/edit"
    shown = browser.send(path, edited(browser, event, start_time="2pm", end_time="4pm", capacity_in_person="3"))
    assert shown.status_code == 200
    said = text(shown)
    for words in (
        "Nothing is saved yet.", "Before: Wednesday 31 March 2027, 11am to 1pm",
        "After: Wednesday 31 March 2027, 2pm to 4pm", "Places Before: 2 After: 3", "People with a place (2)",
        "Email with an updated calendar entry", "People who follow a calendar of ours",
        "1 person on the waiting list is offered a place at once", "The reminder that the event is in a week moves",
        "Subject: Changed: Moves", "Hello Example Person", "Tell everyone now", "Save without telling",
    ):
        assert words in said, words
    assert "tell" not in sent_form(shown), "no preset"
    assert mails(session) == 0
    back = browser.send(path, sent_form(shown) | {"back": "1"})
    assert back.status_code == 200
    assert (sent_form(back)["start_time"], sent_form(back)["capacity_in_person"]) == ("2pm", "3")
    saved = browser.send(path, sent_form(shown) | {"tell": "now"}, follow_redirects=True)
    assert "2 people are being emailed." in text(saved)
    assert mails(session) == 3, "two changes and an offer"
    again = browser.send(path, sent_form(shown) | {"tell": "now"}, follow_redirects=True)
    assert again.status_code in (200, 422) and mails(session) == 3, "nothing is told twice"


def test_a_change_in_between_is_noticed(staff: Staff, session: Session, event: Known) -> None:
    browser = staff("organiser")
    path = f"/staff/events/{event.slug}/edit"
    shown = browser.send(path, edited(browser, event, start_time="2pm", end_time="4pm"))
    session.rollback()
    found = session.get_one(Event, event.id)
    found.joining_link = "https://meet.example.org/other"
    session.commit()
    answer = browser.send(path, sent_form(shown) | {"tell": "now"})
    assert answer.status_code == 422
    assert mails(session) == 0


def test_saving_without_telling_tells_nobody(staff: Staff, session: Session, event: Known) -> None:
    browser = staff("organiser")
    path = f"/staff/events/{event.slug}/edit"
    answer = browser.send(path, edited(browser, event, start_time="2pm", end_time="4pm", tell="no"))
    assert answer.status_code == 303, "one POST with everything and the choice saves at once"
    assert mails(session) == 0


def test_a_title_is_wording_and_asks_nothing(staff: Staff, session: Session, event: Known) -> None:
    browser = staff("organiser")
    path = f"/staff/events/{event.slug}/edit"
    assert browser.send(path, edited(browser, event, title="Moves on")).status_code == 303
    assert mails(session) == 0


@pytest.mark.parametrize("step", ["cancel", "postpone"])
def test_leaving_shows_the_mail_with_the_reason_typed_so_far(
    staff: Staff, session: Session, event: Known, step: str
) -> None:
    browser = staff("organiser")
    path = f"/staff/events/{event.slug}/{step}"
    page = browser.get(path)
    assert "(the reason that you enter stands here)" in text(page)
    shown = browser.send(path, sent_form(page) | {"reason": "The hall is flooded.", "show": "1"})
    assert shown.status_code == 200 and "There is a problem" not in text(shown)
    assert text(shown).count("The hall is flooded.") > 1
    unsaid = browser.send(path, sent_form(shown) | {"reason": "The hall is flooded."})
    assert unsaid.status_code == 422 and "Choose whether" in text(unsaid)
    assert mails(session) == 0
    done = browser.send(path, sent_form(unsaid) | {"tell": "now"}, follow_redirects=True)
    assert "3 people are being emailed." in text(done) and mails(session) == 3
    twice = browser.send(path, sent_form(unsaid) | {"tell": "now"}, follow_redirects=True)
    assert twice.status_code == 200 and "already" in text(twice) and mails(session) == 3


def test_taking_place_after_all_is_checked_too(staff: Staff, session: Session, event: Known) -> None:
    browser = staff("organiser")
    path = f"/staff/events/{event.slug}"
    assert browser.send(f"{path}/cancel", {"reason": "Snow", "tell": "no"}).status_code == 303
    page = browser.get(f"{path}/reinstate")
    # nobody was told that it is cancelled, so nobody has to be told that it is not
    assert "Nobody has to be told" in text(page) and "Let the event take place" in text(page)
    assert browser.send(f"{path}/reinstate", sent_form(page)).status_code == 303
    assert mails(session) == 0
    assert browser.get(f"{path}/reinstate").status_code == 422


def test_a_published_event_nobody_registered_for_becomes_a_draft_again(
    staff: Staff, session: Session, event: Known
) -> None:
    browser = staff("organiser")
    empty = make_event(session, title="Empty").slug
    session.rollback()
    assert "Make it a draft again" in text(browser.get(f"/staff/events/{empty}"))
    assert "Make it a draft again" not in text(browser.get(f"/staff/events/{event.slug}"))
    done = browser.send(f"/staff/events/{empty}/unpublish", follow_redirects=True)
    assert "The event is a draft again." in text(done)
    refused = browser.send(f"/staff/events/{event.slug}/unpublish", follow_redirects=True)
    assert "People have registered for this event" in text(refused)

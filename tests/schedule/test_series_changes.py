"""Changing and cancelling this date, this and the following, or all not yet held: asked, shown first, told once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import BEGINNING, make_account, make_event, make_registration, make_venue
from workshops.messages.models import OutboxMessage
from workshops.schedule.models import Event, Series

Staff = Callable[..., FormClient]


def text(answer: Any) -> str:
    return unescape(answer.get_data(as_text=True))


@pytest.fixture
def talks(session: Session) -> dict[str, int]:
    """A past date, a cancelled one and three to come on Mondays at 10am, with somebody at the last two."""
    series = Series(title="Talk", created_at=BEGINNING, rhythm="Every week on Monday")
    session.add(series)
    session.flush()
    made = {}
    for name, starts, more in (
        ("past", BEGINNING - timedelta(days=7), {}),
        ("first", datetime(2027, 4, 12, 9, tzinfo=UTC), {}),
        ("off", datetime(2027, 4, 19, 9, tzinfo=UTC), {"state": "cancelled", "state_reason": "Snow"}),
        ("second", datetime(2027, 4, 26, 9, tzinfo=UTC), {}),
        ("third", datetime(2027, 5, 10, 9, tzinfo=UTC), {"summary": "Its own words"}),
    ):
        event = make_event(session, title="Talk", slug=name, series_id=series.id, starts_at=starts, **more)
        made[name] = event.id
    for name in ("second", "third"):
        event = session.get_one(Event, made[name])
        make_registration(session, event, email="same@example.org")
        make_registration(session, event)
    session.rollback()
    return made


def state_of(session: Session, ids: dict[str, int]) -> dict[str, Event]:
    session.rollback()
    session.expire_all()
    return {name: session.get_one(Event, event_id) for name, event_id in ids.items()}


def hidden(page: str) -> dict[str, Any]:
    """The hidden fields of the form on a page, as a browser sends them."""
    form = page[page.index("<form method=\"post\"", page.index("<main")):]
    found: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form):
        if name != "csrf_token":
            found.setdefault(name, []).append(unescape(value))
    return found


def times(event: Event) -> str:
    assert event.starts_at is not None
    return f"{event.starts_at:%m-%d %H:%M}"


def test_editing_a_date_asks_which_dates_are_meant(staff: Staff, session: Session, talks: dict[str, int]) -> None:
    browser = staff("organiser")
    path, fields = edit_form(browser, "second")
    page = text(browser.send(path, fields | {"title": "Talk and tea"}))
    assert "Which dates?" in page and "Only this date" in page
    assert "This date and the following ones (2 dates)" in page and "All dates that are not over yet (3 dates)" in page
    assert not re.search(r'name="which_dates"[^>]* checked', page), "nothing is chosen beforehand"
    empty = browser.send(path, hidden(page))
    assert empty.status_code == 422 and "Choose which dates to change" in text(empty)
    done = browser.send(path, hidden(page) | {"which_dates": "following"}, follow_redirects=True)
    assert "The changes are saved." in text(done)
    titles = {name: event.title for name, event in state_of(session, talks).items()}
    assert titles == {"past": "Talk", "first": "Talk", "off": "Talk", "second": "Talk and tea",
                      "third": "Talk and tea"}  # fmt: skip
    assert state_of(session, talks)["third"].summary == "Its own words"


def edit_form(browser: FormClient, slug: str, part: str = "edit") -> tuple[str, dict[str, str]]:
    """The address and the fields of the form with title, date and times, as the page shows them."""
    path = f"/staff/events/{slug}/{part}"
    page = text(browser.get(path))
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="([^"]+)"', tag)
        unticked = kind is not None and kind[1] in ("radio", "checkbox") and "checked" not in tag
        if name is None or name[1] == "csrf_token" or unticked:
            continue
        found[name[1]] = unescape(value[1]) if value else ""
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)"[^>]*selected', body)
        found[name] = chosen[1] if chosen else ""
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        found[name] = unescape(body)
    found.pop("back", None)
    found.pop("action", None)
    return path, found


def test_another_time_for_all_dates_is_shown_with_each_message_and_told_once(
    staff: Staff, session: Session, talks: dict[str, int]
) -> None:
    browser = staff("organiser")
    path, fields = edit_form(browser, "first")
    page = text(browser.send(path, fields | {"start_time": "2pm", "end_time": "4pm"}))
    check = text(browser.send(path, hidden(page) | {"which_dates": "all"}))
    assert "Nothing is saved yet" in check and "1 more date, of which nobody has to be told" in check
    assert "becomes Monday 12 April 2027, 2pm to 4pm" in check
    assert "Monday 26 April 2027, 2pm to 4pm" in check and "Monday 10 May 2027, 2pm to 4pm" in check
    assert times(state_of(session, talks)["second"]) == "04-26 09:00", "nothing is saved by looking"
    unsaid = browser.send(path, hidden(check))
    assert unsaid.status_code == 422
    done = browser.send(path, hidden(check) | {"tell": "now"}, follow_redirects=True)
    assert "2 other dates changed too. 4 people are being emailed." in text(done)
    now_at = {name: times(event) for name, event in state_of(session, talks).items()}
    assert now_at == {"past": "02-22 09:00", "first": "04-12 13:00", "off": "04-19 09:00", "second": "04-26 13:00",
                      "third": "05-10 13:00"}  # fmt: skip
    mails = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert len(mails) == 4, "one for each place that somebody holds"
    again = browser.send(path, hidden(check) | {"tell": "now"})
    assert again.status_code in (303, 422)
    session.rollback()
    assert len(session.scalars(select(OutboxMessage)).all()) == 4, "nothing is told twice"


def test_another_weekday_moves_the_following_dates_by_as_many_days(
    staff: Staff, session: Session, talks: dict[str, int]
) -> None:
    browser = staff("organiser")
    path, fields = edit_form(browser, "second")
    page = text(browser.send(path, fields | {"starts_on-day": "28"}))
    check = text(browser.send(path, hidden(page) | {"which_dates": "following"}))
    done = browser.send(path, hidden(check) | {"tell": "no"}, follow_redirects=True)
    assert "The changes are saved." in text(done)
    now_at = {name: times(event)[:5] for name, event in state_of(session, talks).items()}
    assert now_at == {"past": "02-22", "first": "04-12", "off": "04-19", "second": "04-28", "third": "05-12"}
    assert session.scalars(select(OutboxMessage)).all() == []


def test_dates_that_move_together_do_not_clash_with_where_they_were(
    staff: Staff, session: Session, talks: dict[str, int]
) -> None:
    venue = make_venue(session)
    for name in ("first", "second", "third"):
        session.get_one(Event, talks[name]).venue_id = venue.id
    make_event(session, title="Other", venue_id=venue.id, starts_at=datetime(2027, 5, 24, 9, tzinfo=UTC))
    session.commit()
    browser = staff("organiser")
    path, fields = edit_form(browser, "second")
    # Two weeks later: the second date comes to where the third one was, and the third one meets the other event.
    page = text(browser.send(path, fields | {"starts_on-day": "10", "starts_on-month": "5"}))
    check = text(browser.send(path, hidden(page) | {"which_dates": "following"}))
    assert "Example Hall is taken by “Other”" in check
    assert "is taken by “Talk”" not in check


def test_drafts_of_a_series_are_asked_about_too(staff: Staff, session: Session, talks: dict[str, int]) -> None:
    for name in ("first", "second"):
        session.get_one(Event, talks[name]).state = "draft"
    session.commit()
    browser = staff("organiser")
    path, fields = edit_form(browser, "first")
    page = text(browser.send(path, fields | {"title": "Tea"}))
    assert "Which dates?" in page
    assert browser.send(path, hidden(page) | {"which_dates": "all"}).status_code == 303
    titles = {name: event.title for name, event in state_of(session, talks).items()}
    assert (titles["first"], titles["second"], titles["third"], titles["past"]) == ("Tea", "Tea", "Tea", "Talk")


def test_what_stays_different_is_said_before_and_after(staff: Staff, session: Session, talks: dict[str, int]) -> None:
    session.get_one(Event, talks["third"]).capacity_in_person = 99
    session.commit()
    browser = staff("organiser")
    path, fields = edit_form(browser, "second")
    page = text(browser.send(path, fields | {"capacity_in_person": "12"}))
    answer = browser.send(path, hidden(page) | {"which_dates": "following"})
    words = "Monday 10 May 2027 keeps its own places in person, because it was different before"
    if answer.status_code == 200:
        assert words in text(answer)
        answer = browser.send(path, hidden(text(answer)) | {"tell": "no"})
    assert words in text(browser.get(answer.location))
    after = state_of(session, talks)
    assert (after["second"].capacity_in_person, after["third"].capacity_in_person) == (12, 99)


def test_only_this_date_changes_when_that_is_the_answer(
    staff: Staff, session: Session, talks: dict[str, int]
) -> None:
    browser = staff("organiser")
    path, fields = edit_form(browser, "first")
    page = text(browser.send(path, fields | {"title": "Once"}))
    assert browser.send(path, hidden(page) | {"which_dates": "this"}).status_code == 303
    assert [event.title for event in state_of(session, talks).values()].count("Once") == 1


def test_an_event_without_other_dates_ahead_is_never_asked(
    staff: Staff, session: Session, talks: dict[str, int]
) -> None:
    alone = make_event(session, title="Alone", slug="alone").id
    browser = staff("organiser")
    path, fields = edit_form(browser, "alone")
    assert browser.send(path, fields | {"title": "Still alone"}).status_code == 303
    session.rollback()
    assert session.get_one(Event, alone).title == "Still alone"
    path, fields = edit_form(browser, "first")
    assert browser.send(path, fields).status_code == 303, "nothing was changed, so nothing is asked"


def test_dates_of_somebody_else_stay_as_they_are(
    staff: Staff, session: Session, talks: dict[str, int]
) -> None:
    browser = staff("facilitator")
    session.get_one(Event, talks["first"]).owner_id = browser.account_id  # type: ignore[attr-defined]
    session.get_one(Event, talks["third"]).owner_id = make_account(session).id
    session.get_one(Event, talks["second"]).owner_id = browser.account_id  # type: ignore[attr-defined]
    session.commit()
    path, fields = edit_form(browser, "first")
    page = text(browser.send(path, fields | {"title": "Mine"}))
    browser.send(path, hidden(page) | {"which_dates": "all"})
    titles = {name: event.title for name, event in state_of(session, talks).items()}
    assert (titles["first"], titles["second"], titles["third"]) == ("Mine", "Mine", "Talk")


def test_several_dates_are_cancelled_after_a_look_at_who_is_told(
    staff: Staff, session: Session, talks: dict[str, int]
) -> None:
    browser = staff("organiser")
    path = "/staff/events/second/dates/cancel"
    assert "Cancel dates" in text(browser.get(path))
    assert browser.send(path, {}).status_code == 422
    fields = {"dates": "following", "reason": "The hall is closed"}
    check = text(browser.send(path, fields))
    assert "Check before you cancel 2 dates" in check and "The hall is closed" in check
    assert state_of(session, talks)["second"].state == "published"
    assert browser.send(path, hidden(check)).status_code == 422, "whether to tell people must be said"
    done = browser.send(path, hidden(check) | {"tell": "now"}, follow_redirects=True)
    assert "2 dates are cancelled. 4 people are being emailed." in text(done)
    states = {name: event.state for name, event in state_of(session, talks).items()}
    assert states == {"past": "published", "first": "published", "off": "cancelled", "second": "cancelled",
                      "third": "cancelled"}  # fmt: skip
    assert len(session.scalars(select(OutboxMessage)).all()) == 4
    again = browser.send(path, hidden(check) | {"tell": "now"})
    assert again.status_code in (303, 422)
    session.rollback()
    assert len(session.scalars(select(OutboxMessage)).all()) == 4


def test_the_drafts_of_a_series_are_published_together(staff: Staff, session: Session, talks: dict[str, int]) -> None:
    for name in ("second", "third"):
        session.get_one(Event, talks[name]).state = "draft"
    session.commit()
    browser = staff("organiser")
    # drafts are not cancelled, so the page of the first one does not offer what would be refused
    assert "several dates at once" not in text(browser.get("/staff/events/first/cancel"))
    assert "Publish the 2 drafts" in text(browser.get("/staff/events/first/dates"))
    done = browser.send("/staff/events/first/dates/publish", follow_redirects=True)
    assert "2 dates are published." in text(done) and "Publish the" not in text(done)
    assert {event.state for name, event in state_of(session, talks).items() if name != "off"} == {"published"}
    again = browser.send("/staff/events/first/dates/publish", follow_redirects=True)
    assert "There was no draft to publish." in text(again)
    assert "several dates at once" in text(browser.get("/staff/events/first/cancel"))


def test_there_is_nothing_to_cancel_when_no_other_date_is_ahead(
    staff: Staff, session: Session
) -> None:
    make_event(session, slug="alone")
    session.rollback()
    assert staff("organiser").get("/staff/events/alone/dates/cancel").status_code == 422


@pytest.mark.parametrize("part", ["edit", "edit/about", "edit/when", "edit/registration"])
def test_each_form_of_an_event_asks_and_goes_back_with_what_was_typed(
    staff: Staff, session: Session, talks: dict[str, int], part: str
) -> None:
    browser = staff("organiser")
    path = f"/staff/events/first/{part}"
    _, fields = edit_form(browser, "first", part)
    change = {"edit": ("title", "Tea"), "edit/about": ("summary", "Tea"), "edit/when": ("end_time", "1pm"),
              "edit/registration": ("capacity_in_person", "77")}[part]  # fmt: skip
    assert change[0] in fields
    page = text(browser.send(path, fields | dict([change])))
    assert "Which dates?" in page
    back = browser.send(path, hidden(page) | {"back": "1"})
    assert back.status_code == 200 and "Which dates?" not in text(back)
    assert change[1] in text(back)

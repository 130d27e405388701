"""Staff pages of the schedule: who may open them, what they keep, and what they say."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_account, make_event, make_registration, make_venue
from tests.schedule.test_import import ROW, sheet
from workshops.audit.models import AuditEntry
from workshops.core.versions import public_version
from workshops.schedule.models import Event, Kind, Programme

Staff = Callable[..., FormClient]

FIRST_SCREEN = {
    "title": "Round-table on power",
    "kind": "round-table",
    "starts_on-day": "6",
    "starts_on-month": "Apr",
    "starts_on-year": "2027",
    "start_time": "10am",
    "end_time": "12 noon",
    "mode": "in_person",
    "venue_name": "Example Hall",
    "capacity_in_person": "25",
    "action": "publish",
}


def text(response: Any) -> str:
    words = re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))
    return " ".join(unescape(words).split())


def event_called(session: Session, title: str) -> Event:
    session.rollback()
    return session.scalars(select(Event).where(Event.title == title).execution_options(populate_existing=True)).one()


def sent_form(page: Any) -> dict[str, str]:
    """What a browser would send back of the main form of a page, unchanged."""
    html = page.get_data(as_text=True)
    form = next(part for part in html.split("<form")[1:] if 'name="title"' in part).split("</form>")[0]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        values = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', tag))
        if values.get("type") not in ("radio", "checkbox") or " checked" in tag:
            fields[unescape(values.get("name", ""))] = unescape(values.get("value", ""))
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        fields[name] = unescape(body)
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body)
        fields[name] = unescape(chosen[1]) if chosen else ""
    return {name: value for name, value in fields.items() if name and name != "csrf_token"}


# --- who may ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("/staff/", "viewer"),
        ("/staff/programmes", "viewer"),
        ("/staff/venues", "viewer"),
        ("/staff/kinds", "viewer"),
        ("/staff/events/new", "facilitator"),
        ("/staff/programmes/new", "organiser"),
        ("/staff/import", "organiser"),
    ],
)
def test_each_page_opens_from_its_role_on(staff: Staff, client: FormClient, path: str, least: str) -> None:
    assert client.get(path).status_code == 303
    roles = ["viewer", "facilitator", "organiser", "admin"]
    for role in roles:
        expected = 200 if roles.index(role) >= roles.index(least) else 403
        assert staff(role).get(path).status_code == expected, role


def test_a_facilitator_changes_their_own_events_and_no_others(staff: Staff, session: Session) -> None:
    client = staff("facilitator")
    own = make_event(session, owner_id=client.account_id).slug  # type: ignore[attr-defined]
    other = make_event(session, owner_id=make_account(session).id).slug
    session.rollback()
    for part in ("edit", "cancel", "postpone", "add-date"):
        assert client.get(f"/staff/events/{own}/{part}").status_code == 200
        assert client.get(f"/staff/events/{other}/{part}").status_code == 403
    assert client.get(f"/staff/events/{other}").status_code == 200
    assert "Change the event" not in text(client.get(f"/staff/events/{other}"))
    assert client.send(f"/staff/events/{other}/publish").status_code == 403
    assert client.send(f"/staff/events/{other}/cancel", {"reason": "x"}).status_code == 403
    assert client.get("/staff/events/not-there").status_code == 404


def test_only_admins_add_kinds(staff: Staff, session: Session) -> None:
    assert staff("organiser").send("/staff/kinds", {"name": "Study visit"}).status_code == 403
    admin = staff("admin")
    assert admin.send("/staff/kinds", {"name": ""}).status_code == 422
    assert admin.send("/staff/kinds", {"name": "Study visit"}).status_code == 303
    session.rollback()
    assert session.scalar(select(Kind.name).where(Kind.slug == "study-visit")) == "Study visit"


# --- a new event ----------------------------------------------------------------------------------------------


def test_the_first_screen_is_enough_to_publish_an_event(staff: Staff, session: Session, client: FormClient) -> None:
    answer = staff("facilitator").send("/staff/events/new", FIRST_SCREEN)
    assert (answer.status_code, answer.location) == (303, "/staff/events/round-table-on-power")
    event = event_called(session, "Round-table on power")
    assert (event.state, event.capacity_in_person) == ("published", 25)
    assert event.has_waiting_list and event.is_listed
    assert event.venue is not None and event.venue.name == "Example Hall"
    assert event.owner is not None and event.owner.role == "facilitator"
    assert client.get("/events/round-table-on-power").status_code == 200


def test_a_button_pressed_twice_makes_one_event(staff: Staff, session: Session) -> None:
    browser, other = staff("facilitator"), staff("facilitator")
    key = re.search(r'name="form_key" value="([^"]+)"', browser.get("/staff/events/new").get_data(as_text=True))
    assert key is not None
    typed = FIRST_SCREEN | {"form_key": key[1]}
    answers = [browser.send("/staff/events/new", typed | {"action": one}) for one in ("draft", "publish", "publish")]
    assert [(one.status_code, one.location) for one in answers] == [(303, "/staff/events/round-table-on-power")] * 3
    assert event_called(session, "Round-table on power").state == "published"
    # somebody who goes back and writes something else makes another event, and so does somebody else
    browser.send("/staff/events/new", typed | {"start_time": "11am"})
    other.send("/staff/events/new", typed)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Event)) == 3


def test_a_draft_is_seen_by_staff_alone_until_it_is_published(
    staff: Staff, session: Session, client: FormClient
) -> None:
    browser = staff("organiser")
    browser.send("/staff/events/new", FIRST_SCREEN | {"action": "draft"})
    assert client.get("/events/round-table-on-power").status_code == 404
    assert "This is a draft" in text(browser.get("/staff/events/round-table-on-power"))
    preview = text(browser.get("/staff/events/round-table-on-power/preview"))
    assert "how the page will look" in preview and "25 places" not in preview and "Places available" in preview
    assert event_called(session, "Round-table on power").state == "draft"
    assert browser.send("/staff/events/round-table-on-power/publish").status_code == 303
    assert client.get("/events/round-table-on-power").status_code == 200
    again = browser.send("/staff/events/round-table-on-power/publish", follow_redirects=True)
    assert "This event is published already." in text(again)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"title": ""}, "Enter a title"),
        ({"kind": "seance"}, "Choose one of the answers"),
        ({"mode": ""}, "Choose in person, online or both"),
        ({"starts_on-day": "31"}, "Enter a real date"),
        ({"starts_on-day": "", "starts_on-month": "", "starts_on-year": ""}, "Enter the date"),
        ({"start_time": "2pm"}, "The event must end after it starts"),
        ({"end_time": ""}, "Enter when it ends"),
        ({"capacity_in_person": "-1"}, "Places in person must be 0 or more"),
        ({"capacity_online": "3"}, "in person only"),
        ({"joining_link": "javascript:alert(1)"}, "https://"),
        ({"starts_on-day": "28", "starts_on-month": "3", "start_time": "01:30"}, "clocks go forward"),
        ({"booking": "elsewhere"}, "Enter the address of the page where people register"),
        ({"month": "2027-04", "starts_on-day": "", "starts_on-month": "", "starts_on-year": ""}, "Only a month"),
        ({"month": "2016-11"}, "Leave the month empty, or the date"),
    ],
)
def test_what_does_not_fit_is_said_and_everything_typed_is_kept(
    staff: Staff, session: Session, wrong: dict[str, str], says: str
) -> None:
    typed = FIRST_SCREEN | {"summary": "Kept words", "question_2": "Kept question"} | wrong
    answer = staff("organiser").send("/staff/events/new", typed)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "There is a problem" in page and "Error: Make a new event" in page
    assert says in text(answer)
    back = sent_form(answer)
    for name, value in typed.items():
        if name not in ("action", "kind", "mode"):
            assert back[name] == value, name
    assert session.scalar(select(func.count()).select_from(Event)) == 0


def test_an_old_form_token_gives_the_form_back_filled(staff: Staff, session: Session) -> None:
    answer = staff("organiser").post("/staff/events/new", data=FIRST_SCREEN | {"csrf_token": "old"})
    assert answer.status_code == 422
    assert "open for too long" in text(answer)
    assert sent_form(answer)["title"] == "Round-table on power"


def test_the_description_is_shown_as_it_will_look_and_nothing_is_lost_or_saved(staff: Staff, session: Session) -> None:
    browser = staff("organiser")
    typed = FIRST_SCREEN | {"description": "## What\n\n**Bold** <script>alert(1)</script>"}
    answer = browser.send("/staff/preview-description", typed)
    assert answer.status_code == 200
    assert "<strong>Bold</strong>" in answer.get_data(as_text=True)
    assert "<script>alert" not in answer.get_data(as_text=True)
    assert sent_form(answer)["title"] == typed["title"]
    slug = make_event(session).slug
    assert browser.send(f"/staff/preview-description?event={slug}", typed).status_code == 200
    assert session.scalar(select(func.count()).select_from(Event)) == 1


# --- changing -------------------------------------------------------------------------------------------------


def test_saving_a_form_that_nobody_touched_changes_nothing(staff: Staff, session: Session) -> None:
    browser = staff("organiser")
    slug = make_event(session, questions=["Why?"], description="Line one\n\nLine two", area="Fife", bsl="yes",
                      venue_id=make_venue(session).id).slug  # fmt: skip
    page = browser.get(f"/staff/events/{slug}/edit")
    answer = browser.send(f"/staff/events/{slug}/edit", sent_form(page), follow_redirects=True)
    assert "Nothing was changed." in text(answer)
    assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0


def test_a_new_time_shows_before_and_after_and_asks_whether_to_email(staff: Staff, session: Session) -> None:
    browser = staff("organiser")
    event = make_event(session, title="Moves")
    make_registration(session, event)
    path = f"/staff/events/{event.slug}/edit"
    session.rollback()
    page = browser.get(path)
    assert "1 person is registered or waiting" in text(page)
    fields = sent_form(page) | {"start_time": "3pm", "end_time": "4pm"}
    assert "tell" not in fields
    asked = browser.send(path, fields)
    assert asked.status_code == 200
    said = text(asked)
    assert "Check before you save" in said and "There is a problem" not in said
    assert "tell" not in sent_form(asked), "neither answer is chosen beforehand"
    unsaid = browser.send(path, sent_form(asked))
    assert unsaid.status_code == 422 and "Choose whether to tell the one person it concerns" in text(unsaid)
    assert "Wednesday 31 March 2027, 11am to 1pm" in said and "Wednesday 31 March 2027, 3pm to 4pm" in said
    assert sent_form(asked)["start_time"] == "3pm"
    saved = browser.send(path, fields | {"tell": "now"}, follow_redirects=True)
    assert "1 person is being emailed" in text(saved)
    assert event_called(session, "Moves").changed_from == "Wednesday 31 March 2027, 11am to 1pm"


def test_words_alone_ask_nothing(staff: Staff, session: Session) -> None:
    event = make_event(session, title="Stays")
    make_registration(session, event)
    path = f"/staff/events/{event.slug}/edit"
    session.rollback()
    browser = staff("organiser")
    assert browser.send(path, sent_form(browser.get(path)) | {"summary": "Other"}).status_code == 303


# --- cancelling and the rest ----------------------------------------------------------------------------------


def test_cancelling_is_checked_first_and_can_be_taken_back(staff: Staff, session: Session, client: FormClient) -> None:
    event = make_event(session, title="Storm")
    make_registration(session, event)
    path = f"/staff/events/{event.slug}"
    session.rollback()
    browser = staff("organiser")
    page = text(browser.get(f"{path}/cancel"))
    assert "will email 1 person." in page
    answer = browser.send(f"{path}/cancel", {"reason": "Kept reason"})
    assert answer.status_code == 422 and "Kept reason" in text(answer)
    assert event_called(session, "Storm").state == "published"
    answer = browser.send(f"{path}/cancel", {"reason": "Snow", "tell": "now"}, follow_redirects=True)
    assert "The event is cancelled. 1 person is being emailed." in text(answer)
    assert "Snow" in text(client.get(f"/events/{event_called(session, 'Storm').slug}"))
    assert browser.get(f"{path}/cancel").status_code == 422
    back = browser.send(f"{path}/reinstate", {"tell": "no"}, follow_redirects=True)
    assert "takes place after all. Nobody was emailed." in text(back)
    assert event_called(session, "Storm").state == "published"


def test_a_postponed_event_gets_its_new_date_on_the_form(staff: Staff, session: Session) -> None:
    event = make_event(session, title="Later")
    path = f"/staff/events/{event.slug}"
    session.rollback()
    browser = staff("organiser")
    assert browser.send(f"{path}/postpone", {"reason": "Snow"}).status_code == 303
    fields = sent_form(browser.get(f"{path}/edit")) | {"starts_on-month": "6"}
    assert browser.send(f"{path}/edit", fields).status_code == 422  # 31 June
    assert browser.send(f"{path}/edit", fields | {"starts_on-day": "30"}).status_code == 303
    assert event_called(session, "Later").state == "published"


def test_another_date_is_made_from_its_form(staff: Staff, session: Session) -> None:
    path = f"/staff/events/{make_event(session, title='Again').slug}"
    browser = staff("organiser")
    day = {"starts_on-day": "1", "starts_on-month": "9", "starts_on-year": "2027"}
    fields = day | {"start_time": "10", "end_time": "9"}
    assert browser.send(f"{path}/add-date", fields).status_code == 422
    answer = browser.send(f"{path}/add-date", fields | {"end_time": "11"})
    assert (answer.status_code, answer.location) == (303, "/staff/events/again")
    assert "Other dates of this event" in text(browser.get(path))


# --- lists ----------------------------------------------------------------------------------------------------


def test_my_events_shows_upcoming_drafts_and_past_ones(staff: Staff, session: Session) -> None:
    browser = staff("facilitator")
    make_event(session, title="Mine to come", owner_id=browser.account_id)  # type: ignore[attr-defined]
    make_event(session, title="Somebody else's")
    make_event(session, title="Mine, a draft", state="draft", owner_id=browser.account_id)  # type: ignore[attr-defined]
    make_event(session, title="Long ago", starts_at=None, ends_at=None, month="2016-11")
    session.rollback()
    mine = text(browser.get("/staff/"))
    assert "Mine to come" in mine and "Mine, a draft" in mine and "Somebody else's" not in mine
    assert "Somebody else's" in text(browser.get("/staff/?whose=all"))
    assert "Mine to come" not in text(browser.get("/staff/?show=drafts"))
    past = text(browser.get("/staff/?show=past&whose=all"))
    assert "Long ago" in past and "Mine to come" not in past
    for strange in ("?show=x&whose=y&page=z", "?page=99999", "?page=²"):
        assert browser.get(f"/staff/{strange}").status_code == 200


# --- programmes and venues ------------------------------------------------------------------------------------


def test_a_programme_is_made_and_changed(staff: Staff, session: Session, client: FormClient) -> None:
    browser = staff("organiser")
    assert browser.send("/staff/programmes/new", {"title": ""}).status_code == 422
    fields = {"title": "Example Week", "starts_on-day": "5", "starts_on-month": "4", "starts_on-year": "2027"}
    wrong = fields | {"ends_on-day": "4", "ends_on-month": "4", "ends_on-year": "2027"}
    assert browser.send("/staff/programmes/new", wrong).status_code == 422
    assert browser.send("/staff/programmes/new", fields).status_code == 303
    assert client.get("/programmes/example-week").status_code == 200
    path = "/staff/programmes/example-week/edit"
    assert browser.get(path).status_code == 200
    assert browser.send(path, fields | {"title": "Other Week", "visible": "staff"}).status_code == 303
    session.rollback()
    programme = session.scalars(select(Programme)).one()
    assert (programme.title, programme.slug, programme.is_published) == ("Other Week", "example-week", False)
    assert client.get("/programmes/example-week").status_code == 404


def test_access_facts_of_a_venue_reach_its_events(staff: Staff, session: Session, client: FormClient) -> None:
    venue = make_venue(session)
    slug = make_event(session, venue_id=venue.id).slug
    browser, path = staff("facilitator"), f"/staff/venues/{venue.id}/edit"
    session.rollback()
    assert "1 event" in text(browser.get(path))
    fields = {"name": "Example Hall", "address": "1 Example Street, Glasgow", "postcode": "G1 1AA", "step_free": "yes"}
    assert browser.send(path, fields | {"name": "", "address": ""}).status_code == 422
    assert browser.send(path, fields).status_code == 303
    assert "Step-free access Yes" in text(client.get(f"/events/{slug}"))
    assert browser.get("/staff/venues/999999999999/edit").status_code == 404


# --- import ---------------------------------------------------------------------------------------------------


def chosen(data: bytes, name: str = "events.csv") -> dict[str, Any]:
    return {"file": (io.BytesIO(data), name), "action": "check"}


def test_a_file_is_looked_at_first_and_saved_by_a_second_button(staff: Staff, session: Session) -> None:
    browser = staff("organiser")
    before = public_version(session)
    session.rollback()
    look = browser.send("/staff/import", chosen(sheet(ROW)), content_type="multipart/form-data")
    assert look.status_code == 200
    assert "All rows fit" in text(look) and "Nothing is saved yet" in text(look)
    assert session.scalar(select(func.count()).select_from(Event)) == 0
    assert public_version(session) == before
    session.rollback()
    carried = re.search(r'name="content" value="([^"]+)"', look.get_data(as_text=True))
    assert carried is not None
    fields = {"content": carried[1], "filename": "events.csv", "action": "import"}
    done = browser.send("/staff/import", fields, follow_redirects=True)
    assert "The import is done: 1 new, 0 changed, 0 unchanged." in text(done)
    assert event_called(session, "Open day").state == "draft"


def test_rows_that_do_not_fit_are_listed_with_their_reason(staff: Staff, session: Session) -> None:
    data = sheet(ROW, ROW | {"title": "Bad", "capacity_in_person": "-1"})
    answer = staff("organiser").send("/staff/import", chosen(data), content_type="multipart/form-data")
    assert answer.status_code == 422
    assert "<title>Error: Import events" in answer.get_data(as_text=True)
    assert "Nothing was saved" in text(answer) and "cannot be less than 0" in text(answer)
    assert "Import these rows" not in text(answer)


@pytest.mark.parametrize("fields", [{}, {"content": "###"}, {"content": "eJw="}, {"content": ""}])
def test_an_import_without_a_file_says_so(staff: Staff, fields: dict[str, str]) -> None:
    answer = staff("organiser").send("/staff/import", fields | {"action": "import"})
    assert answer.status_code == 422
    assert "Choose a file" in text(answer) or "The file is empty" in text(answer)


def test_an_import_page_that_was_open_for_too_long_keeps_the_file(staff: Staff, session: Session) -> None:
    browser = staff("organiser")
    look = browser.send("/staff/import", chosen(sheet(ROW)), content_type="multipart/form-data")
    carried = re.search(r'name="content" value="([^"]+)"', look.get_data(as_text=True))
    assert carried is not None
    fields = {"content": carried[1], "filename": "events.csv", "action": "import", "csrf_token": "old"}
    answer = browser.send("/staff/import", fields)
    assert answer.status_code == 422 and "This page was open for too long" in text(answer)
    assert f'name="content" value="{carried[1]}"' in answer.get_data(as_text=True)
    assert session.scalar(select(func.count()).select_from(Event)) == 0

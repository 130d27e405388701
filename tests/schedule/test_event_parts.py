"""Making one event part by part: the task list, what each part keeps, days with times, and two editors at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event, make_programme, make_registration, make_venue
from tests.schedule.test_staff_views import FIRST_SCREEN, Staff, event_called, sent_form, text
from workshops.schedule.models import Event, EventFacilitator, Room
from workshops.schedule.rules.questions import Question, read_questions
from workshops.schedule.service import when_of


def part_form(page: Any) -> dict[str, str]:
    """What a browser would send back of the form of a part, unchanged."""
    html = page.get_data(as_text=True)
    forms = [part for part in html.split("<form")[1:] if 'name="edition"' in part.split("</form>")[0]]
    whole = f'<form><input name="title">{forms[0].split("</form>")[0]}</form>'

    class Page:
        def get_data(self, as_text: bool = True) -> str:
            return whole

    fields = sent_form(Page())
    if 'name="title" type' not in whole:
        fields.pop("title")
    fields.pop("action", None)
    return fields


def draft(session: Session, **values: Any) -> Event:
    return make_event(session, **{"title": "Example draft", "slug": "a-draft", "state": "draft", **values})


# --- the first screen and the list ------------------------------------------------------------------------------


def test_the_first_screen_shows_what_makes_an_event_and_nothing_else(staff: Staff) -> None:
    page = staff("facilitator").get("/staff/events/new")
    names = set(sent_form(page)) - {"edition", "was", "form_key", "action"}
    boxes = {name.rsplit("-", 1)[0] if name.endswith(("-day", "-month", "-year")) else name for name in names}
    assert boxes == {"title", "kind", "starts_on", "start_time", "end_time", "venue", "venue_name", "venue_address",
                     "venue_postcode", "capacity_in_person", "capacity_online", "month"}  # fmt: skip
    assert '<details class="ds_details" id="only-month">' in page.get_data(as_text=True)  # out of sight until wanted
    assert "Publish" in text(page) and "Save as a draft" in text(page)


def test_history_of_which_only_the_month_is_known_is_recorded_from_the_first_screen(
    staff: Staff, session: Session
) -> None:
    browser = staff("organiser")
    no_day = ("starts_on-day", "starts_on-month", "starts_on-year", "start_time", "end_time")
    typed = FIRST_SCREEN | dict.fromkeys(no_day, "") | {"action": "publish"}
    refused = browser.send("/staff/events/new", typed | {"month": "some time"})
    assert refused.status_code == 422 and 'id="only-month" open' in refused.get_data(as_text=True)
    assert part_form_value(refused, "month") == "some time" and "Enter a month with its year" in text(refused)
    saved = browser.send("/staff/events/new", typed | {"month": "Nov 2016"}, follow_redirects=True)
    assert "The event is published: November 2016." in text(saved)
    assert "Figures reported elsewhere" in text(saved), "what was reported of it can be added from its page"
    assert "/edit/history" in saved.get_data(as_text=True)
    session.rollback()
    assert "2016-11" in {event.month for event in session.scalars(select(Event))}
    coming = make_event(session, title="To come")
    assert "Figures reported elsewhere" not in text(browser.get(f"/staff/events/{coming.slug}"))


def part_form_value(page: Any, name: str) -> str:
    """What the form shows in one box."""
    found: str = sent_form(page)[name]
    return found


@pytest.mark.parametrize("path", ["edit", "edit/registration"])
def test_an_event_by_invitation_says_so_in_both_answers_and_stays_as_it_is(
    staff: Staff, session: Session, path: str
) -> None:
    draft(session, booking="by_invitation")
    browser, address = staff("organiser"), f"/staff/events/a-draft/{path}"
    shown = part_form(browser.get(address))
    assert (shown["booking"], shown["admits"]) == ("by_invitation", "invited")
    browser.send(address, shown)
    session.expire_all()
    kept = event_called(session, "Example draft")
    assert (kept.booking, kept.admits) == ("by_invitation", "anyone"), "nobody changed it"
    # whoever opens it again chooses who may register with it
    browser.send(address, part_form(browser.get(address)) | {"booking": "first_come", "admits": "anyone"})
    session.expire_all()
    kept = event_called(session, "Example draft")
    assert (kept.booking, kept.admits) == ("first_come", "anyone")
    browser.send(address, part_form(browser.get(address)) | {"booking": "by_invitation"})
    session.expire_all()
    assert event_called(session, "Example draft").admits == "invited"


def test_what_is_saved_is_read_back_in_words(staff: Staff) -> None:
    typed = FIRST_SCREEN | {"starts_on-day": "", "starts_on-month": "", "starts_on-year": "", "action": "draft"}
    answer = staff("facilitator").send(
        "/staff/events/new", typed | {"starts_on-day": "Tue 6 Apr 2027", "start_time": "10 am", "end_time": "12 noon"},
        follow_redirects=True,
    )  # fmt: skip
    assert "The draft is saved: Tuesday 6 April 2027, 10am to 12 noon." in text(answer)


def test_a_draft_is_a_task_list_with_its_progress_in_words(staff: Staff, session: Session) -> None:
    browser = staff("facilitator")
    browser.send("/staff/events/new", FIRST_SCREEN | {"action": "draft"})
    path = "/staff/events/round-table-on-power"
    said = text(browser.get(path))
    assert "You have completed 1 of 7 parts." in said
    assert "Questions Up to five questions of your own Not started" in said
    assert "Places and registration How many places, how people register and who may In progress" in said
    answer = browser.send(f"{path}/edit/about", part_form(browser.get(f"{path}/edit/about")) | {"action": "next"})
    assert (answer.status_code, answer.location) == (303, f"{path}/edit/when")
    answer = browser.send(f"{path}/edit/who", part_form(browser.get(f"{path}/edit/who")) | {"action": "list"})
    assert answer.location == path
    assert "You have completed 3 of 7 parts." in text(browser.get(path))
    assert set(event_called(session, "Round-table on power").parts_done) == {"when", "about", "who"}


def test_questions_cannot_start_while_nobody_registers_here(staff: Staff, session: Session) -> None:
    draft(session, booking="none")
    page = staff("organiser").get("/staff/events/a-draft")
    assert "Cannot start yet" in text(page)
    assert "/edit/questions" not in page.get_data(as_text=True)


def test_a_published_event_is_changed_through_its_summary(staff: Staff, session: Session) -> None:
    slug = make_event(session, title="Out already").slug
    browser = staff("organiser")
    page = browser.get(f"/staff/events/{slug}")
    assert "You have completed" not in text(page)
    for part in ("about", "when", "where", "registration", "questions", "who"):
        assert f'href="/staff/events/{slug}/edit/{part}' in page.get_data(as_text=True), part
    fields = part_form(browser.get(f"/staff/events/{slug}/edit/about")) | {"title": "Out in other words"}
    answer = browser.send(f"/staff/events/{slug}/edit/about", fields)
    assert answer.location == f"/staff/events/{slug}"
    assert event_called(session, "Out in other words").edition == 2
    assert browser.get(f"/staff/events/{slug}/edit/check").location == f"/staff/events/{slug}"


@pytest.mark.parametrize("part", ["about", "when", "where", "registration", "questions", "who", "history"])
def test_a_part_sent_back_untouched_changes_nothing(staff: Staff, session: Session, part: str) -> None:
    beside = make_account(session, role="facilitator")
    event = make_event(
        session, title="Whole", mode="hybrid", venue_id=make_venue(session).id, area="Fife", audience="practitioners",
        questions=[{"text": "Size?", "kind": "choice", "options": ["S", "L"], "is_required": True}],
        admits="domains", admitted_domains=["gov.scot"], programme_id=make_programme(session).id, captions="yes",
        capacity_online=7, joining_link="https://meet.example.org/x",
    )  # fmt: skip
    session.add(EventFacilitator(event_id=event.id, account_id=beside.id))
    session.commit()
    browser, path = staff("organiser"), f"/staff/events/{event.slug}/edit/{part}"
    session.rollback()
    answer = browser.send(path, part_form(browser.get(path)), follow_redirects=True)
    assert "Nothing was changed." in text(answer)
    assert event_called(session, "Whole").edition == 1


@pytest.mark.parametrize("part", ["nothing", "check/", "days/x", "%00"])
def test_a_part_that_is_not_there_is_not_found(staff: Staff, session: Session, part: str) -> None:
    draft(session)
    assert staff("organiser").get(f"/staff/events/a-draft/edit/{part}").status_code == 404


# --- single parts -------------------------------------------------------------------------------------------------


def test_questions_of_every_kind_are_kept_and_an_empty_one_between_them_is_no_gap(
    staff: Staff, session: Session
) -> None:
    draft(session)
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/questions"
    typed = part_form(browser.get(path)) | {
        "question_1": "What do you bring?",
        "question_3": "Which workshop?",
        "question_3_kind": "choice",
        "question_3_options": "Morning\nAfternoon\n",
        "question_3_more": "required",
        "question_5": "What do you eat?",
        "question_5_kind": "choices",
        "question_5_options": "Vegan\nFish",
        "question_5_more": "personal",
    }
    refused = browser.send(path, typed)
    assert refused.status_code == 422
    assert 'href="#question_5_reason">Say why you ask this' in refused.get_data(as_text=True)
    assert browser.send(path, typed | {"question_5_reason": "To order lunch"}).status_code == 303
    assert read_questions(event_called(session, "Example draft").questions) == (
        Question("What do you bring?"),
        Question("Which workshop?", "choice", ("Morning", "Afternoon"), is_required=True),
        Question("What do you eat?", "choices", ("Vegan", "Fish"), is_personal=True, reason="To order lunch"),
    )
    lost = browser.send(path, part_form(browser.get(path)) | {"question_2": "", "question_2_options": "a\nb"})
    assert "Enter the question, or empty everything below it" in text(lost)


def test_who_may_register_is_kept_with_its_domains(staff: Staff, session: Session) -> None:
    draft(session)
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/registration"
    typed = part_form(browser.get(path)) | {"admits": "domains", "admitted_domains": ""}
    assert "Enter at least one mail domain" in text(browser.send(path, typed))
    refused = browser.send(path, typed | {"admitted_domains": "gov.scot\nnot a domain"})
    assert refused.status_code == 422 and "is no mail domain" in text(refused)
    assert browser.send(path, typed | {"admitted_domains": "@gov.scot\n*.nhs.scot, GOV.SCOT"}).status_code == 303
    event = event_called(session, "Example draft")
    assert (event.admits, event.admitted_domains) == ("domains", ["gov.scot", "nhs.scot"])


def test_who_runs_it_beside_the_owner(staff: Staff, session: Session) -> None:
    browser = staff("facilitator")
    event = draft(session, owner_id=browser.account_id)  # type: ignore[attr-defined]
    others = [make_account(session, role=role, name=f"Example {role}").id for role in ("facilitator", "organiser")]
    event_id, path = event.id, "/staff/events/a-draft/edit/who"
    session.rollback()
    page = browser.get(path)
    assert "Example organiser" in text(page) and 'name="owner"' not in page.get_data(as_text=True)
    fields = {**part_form(page), "facilitators": [str(one) for one in others]}
    assert browser.send(path, fields).status_code == 303
    session.rollback()
    found = session.scalars(select(EventFacilitator.account_id).where(EventFacilitator.event_id == event_id))
    assert sorted(found) == sorted(others)
    # Another part leaves them as they are: no box of theirs is on its page.
    browser.send("/staff/events/a-draft/edit/about", part_form(browser.get("/staff/events/a-draft/edit/about")))
    session.rollback()
    assert len(session.scalars(select(EventFacilitator)).all()) == 2
    assert browser.send(path, part_form(browser.get(path)) | {"facilitators": "999999"}).status_code == 422


def test_a_room_that_is_too_small_is_said_and_stops_nobody(staff: Staff, session: Session) -> None:
    venue = make_venue(session)
    session.add(Room(venue_id=venue.id, name="Blue Room", name_key="blue room", capacity=10))
    session.commit()
    draft(session, venue_id=venue.id, capacity_in_person=25)
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/where"
    session.rollback()
    answer = browser.send(path, part_form(browser.get(path)) | {"room": "Blue Room", "action": "list"},
                          follow_redirects=True)  # fmt: skip
    words = "Blue Room holds 10 people, and 25 places in person are offered"
    assert words in text(answer)
    assert words in text(browser.get("/staff/events/a-draft/edit/check"))
    assert browser.send(path, part_form(browser.get(path)) | {"room_name": "Attic"}).status_code == 303
    event = event_called(session, "Example draft")
    assert event.room is not None and event.room.name == "Attic"


# --- when -------------------------------------------------------------------------------------------------------

DAY = {"starts_on-day": "30", "starts_on-month": "10", "starts_on-year": "2027"}
LAST = {"ends_on-day": "1", "ends_on-month": "Nov", "ends_on-year": "2027"}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"shape": "one", **DAY, "start_time": "2.30pm", "end_time": "4pm"}, "Saturday 30 October 2027, 2:30pm to 4pm"),
        ({"shape": "one", **DAY, **LAST, "start_time": "", "end_time": ""}, "Saturday 30 October 2027"),
        ({"shape": "bar", **DAY, **LAST, "start_time": "9am"}, "Saturday 30 October to Monday 1 November 2027"),
        ({"shape": "span", **DAY, **LAST, "start_time": "6pm", "end_time": "noon"},
         "Saturday 30 October 2027, 6pm to Monday 1 November 2027, 12 noon"),
        ({"shape": "month", "month": "2016-11"}, "November 2016"),
        ({"shape": "month", "month": "Sept 2016"}, "September 2016"),
        ({"shape": "one", "starts_on-day": "31 October 2027", "starts_on-month": "", "starts_on-year": "",
          "start_time": "1:30am GMT", "end_time": "3am"}, "Sunday 31 October 2027, 1:30am GMT to 3am"),
    ],
)  # fmt: skip
def test_an_event_lasts_as_long_as_its_radios_say(
    staff: Staff, session: Session, typed: dict[str, str], words: str
) -> None:
    draft(session)
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/when"
    answer = browser.send(path, part_form(browser.get(path)) | typed | {"action": "list"}, follow_redirects=True)
    assert f"Saved: {words}." in text(answer)
    again = browser.send(path, part_form(browser.get(path)), follow_redirects=True)
    assert f"Saved: {words}." in text(again), "what the form shows means the same when it is sent back"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"shape": "one", **DAY, "starts_on-day": "31", "start_time": "1:30am", "end_time": "3am"},
         "write 1:30am BST for the first one, or 1:30am GMT for the second"),
        ({"shape": "one", "starts_on-day": "28", "starts_on-month": "3", "start_time": "01:30", "end_time": "3am"},
         "clocks go forward"),
        ({"shape": "span", **DAY, "start_time": "6pm", "end_time": "9am", "ends_on-day": ""}, "Enter the last day"),
        ({"shape": "days", **DAY}, "Enter the last day. It must be after the first day"),
        ({"shape": "days", **DAY, **LAST, "ends_on-month": "12"}, "14 days"),
        ({"shape": "month", "month": "November"}, "Enter a month with its year, for example November 2016"),
        ({"shape": "bar", "starts_on-day": "Monday 30 Oct 2027", "starts_on-month": "", "starts_on-year": ""},
         "30 October 2027 is a Saturday, not a Monday"),
    ],
)  # fmt: skip
def test_times_that_cannot_be_are_refused_with_a_sentence_and_stay_typed(
    staff: Staff, session: Session, typed: dict[str, str], says: str
) -> None:
    draft(session)
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/when"
    answer = browser.send(path, part_form(browser.get(path)) | typed)
    assert answer.status_code == 422 and says in text(answer)
    if "start_time" in typed:
        assert part_form(answer)["start_time"] == typed["start_time"]


def test_each_day_gets_its_times_on_a_page_of_its_own(staff: Staff, session: Session, client: FormClient) -> None:
    draft(session)
    browser, path = staff("organiser"), "/staff/events/a-draft/edit"
    typed = part_form(browser.get(f"{path}/when")) | {
        "shape": "days", **DAY, **LAST, "start_time": "10am", "end_time": "4pm",
    }  # fmt: skip
    on = browser.send(f"{path}/when", typed)
    assert on.status_code == 303 and on.location.startswith(f"{path}/days?first=2027-10-30&last=2027-11-01")
    page = browser.get(on.location)
    fields = part_form(page)
    assert fields["starts_2027-10-31"] == "10am" and "Monday 1 November 2027" in text(page)
    fields |= {"starts_2027-10-31": "", "ends_2027-10-31": "", "ends_2027-11-01": "12 noon"}
    wrong = browser.send(on.location, fields | {"ends_2027-10-30": "9am"})
    assert wrong.status_code == 422 and "Saturday 30 October must end after it starts" in text(wrong)
    done = browser.send(on.location, fields | {"action": "list"}, follow_redirects=True)
    words = "Saturday 30 October 2027, 10am to 4pm; Monday 1 November 2027, 10am to 12 noon"
    assert f"Saved: {words}." in text(done)
    event = event_called(session, "Example draft")
    assert [starts for starts, _ in when_of(event).days] == [
        datetime(2027, 10, 30, 9, tzinfo=UTC), datetime(2027, 11, 1, 10, tzinfo=UTC)]  # fmt: skip
    assert event.vevent is not None and b"EXDATE" in event.vevent and b"RECURRENCE-ID" in event.vevent
    # The page begins with what is saved, the public page says it, and the whole form leaves it alone.
    assert part_form(browser.get(f"{path}/days"))["ends_2027-11-01"] == "12 noon"
    browser.send("/staff/events/a-draft/publish")
    assert words in text(client.get("/events/a-draft"))
    sequence = event_called(session, "Example draft").sequence
    kept = browser.send(path, sent_form(browser.get(path)), follow_redirects=True)
    assert "Nothing was changed." in text(kept)
    refused = browser.send(path, sent_form(browser.get(path)) | {"starts_on": "1 May 2027"})
    assert refused.status_code == 422 and "This event has times for each day" in text(refused)
    again = part_form(browser.get(f"{path}/days")) | {"ends_2027-11-01": "1pm"}
    assert browser.send(f"{path}/days", again).status_code == 303
    assert event_called(session, "Example draft").sequence == sequence + 1


@pytest.mark.parametrize("query", ["", "?first=x&last=y", "?first=2027-03-02&last=2027-03-01", "?first=1900-01-01&last=2100-01-01"])  # noqa: E501
def test_days_that_cannot_be_asked_for_lead_back_to_when(staff: Staff, session: Session, query: str) -> None:
    draft(session)
    answer = staff("organiser").get(f"/staff/events/a-draft/edit/days{query}")
    assert answer.location == "/staff/events/a-draft/edit/when"


# --- check and publish --------------------------------------------------------------------------------------------


def test_the_check_says_what_is_missing_what_clashes_and_that_nobody_is_emailed(
    staff: Staff, session: Session, clock: FakeClock
) -> None:
    venue = make_venue(session).id
    make_event(session, title="There already", slug="there-already", venue_id=venue)
    draft(session, venue_id=venue, host_id=None, summary="")
    browser = staff("organiser")
    page = browser.get("/staff/events/a-draft/edit/check")
    said = text(page)
    assert "There already" in said and "You can go on all the same." in said
    assert "There is no summary, so lists show the title alone. Go to “About”" in said
    assert "Nobody outside is emailed: telling people is a decision of its own." in said
    assert browser.send("/staff/events/a-draft/publish").status_code == 303
    assert event_called(session, "Example draft").state == "published"


def test_a_bank_holiday_is_a_warning(staff: Staff, session: Session) -> None:
    draft(session, starts_at=None, ends_at=None, starts_on=date(2027, 12, 27), ends_on=date(2027, 12, 27))
    said = text(staff("organiser").get("/staff/events/a-draft"))
    assert "bank holiday" in said.lower() and "You can go on all the same." in said


# --- two editors at once ------------------------------------------------------------------------------------------


def test_fields_that_only_one_of_two_touched_come_together(staff: Staff, session: Session) -> None:
    draft(session, summary="Old", description="Old")
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/about"
    mine, theirs = part_form(browser.get(path)), part_form(browser.get(path))
    assert browser.send(path, theirs | {"summary": "Their summary"}).status_code == 303
    assert browser.send(path, mine | {"description": "My description"}).status_code == 303
    event = event_called(session, "Example draft")
    assert (event.summary, event.description, event.edition) == ("Their summary", "My description", 3)


def test_what_both_changed_is_shown_side_by_side_and_nothing_is_lost(staff: Staff, session: Session) -> None:
    draft(session, summary="Old", description="Old")
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/about"
    mine, theirs = part_form(browser.get(path)), part_form(browser.get(path))
    assert browser.send(path, theirs | {"summary": "Their words", "description": "Theirs"}).status_code == 303
    asked = browser.send(path, mine | {"summary": "My words"})
    assert asked.status_code == 422
    said = text(asked)
    assert "Example Organiser saved other words on" in said and "Nothing of yours is saved yet" in said
    assert "Summary My words Their words" in said and "Description" not in said.split("What you both changed")[1][:60]
    fields = part_form(asked)
    assert (fields["summary"], fields["description"]) == ("My words", "Theirs")
    assert event_called(session, "Example draft").summary == "Their words"
    assert browser.send(path, fields).status_code == 303
    event = event_called(session, "Example draft")
    assert (event.summary, event.description) == ("My words", "Theirs")


def test_a_third_version_while_choosing_is_asked_about_again(staff: Staff, session: Session) -> None:
    draft(session, summary="Old")
    browser, path = staff("organiser"), "/staff/events/a-draft/edit/about"
    mine, theirs = part_form(browser.get(path)), part_form(browser.get(path))
    browser.send(path, theirs | {"summary": "Second"})
    asked = part_form(browser.send(path, mine | {"summary": "Mine"}))
    browser.send(path, part_form(browser.get(path)) | {"summary": "Third"})
    again = browser.send(path, asked)
    assert again.status_code == 422 and "Mine Third" in text(again)


def test_two_editors_of_a_published_event_on_one_page(staff: Staff, session: Session) -> None:
    event = make_event(session, title="Busy", description="Old")
    make_registration(session, event)
    path = f"/staff/events/{event.slug}/edit"
    session.rollback()
    browser = staff("organiser")
    mine, theirs = sent_form(browser.get(path)), sent_form(browser.get(path))
    assert browser.send(path, theirs | {"start_time": "11:15am", "tell": "no"}).status_code == 303
    asked = browser.send(path, mine | {"start_time": "11:30am", "tell": "now"})
    assert asked.status_code == 422 and "Start time 11:30am 11:15am" in text(asked)
    assert when_of(event_called(session, "Busy")).starts_at == datetime(2027, 3, 31, 10, 15, tzinfo=UTC)


def test_days_that_somebody_else_moved_are_named_before_they_are_replaced(staff: Staff, session: Session) -> None:
    draft(session)
    browser, path = staff("organiser"), "/staff/events/a-draft/edit"
    days = f"{path}/days?first=2027-05-04&last=2027-05-05&start=10am&end=4pm"
    mine = part_form(browser.get(days))
    browser.send(f"{path}/when", part_form(browser.get(f"{path}/when")) | {"start_time": "noon"})
    asked = browser.send(days, mine)
    assert asked.status_code == 422
    assert "Its time is now saved as: Wednesday 31 March 2027, 12 noon to 1pm" in text(asked)
    assert browser.send(days, part_form(asked)).status_code == 303

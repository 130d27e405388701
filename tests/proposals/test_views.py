"""The pages of proposals: the forms, the link to confirm, the queue and its answers, and the host's own page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import (
    make_account,
    make_event,
    make_programme,
    make_proposal,
    make_registration,
    proposal_link,
)
from workshops.attendance.models import AttendanceMark
from workshops.messages.models import OutboxMessage
from workshops.proposals.models import AskForm, Proposal
from workshops.schedule.models import Event, EventFacilitator, Programme, ProgrammeOrganiser

HOST = {
    "organisation": "Example Partner", "name": "Ann Example", "email": "ann@example.org", "title": "Walk and talk",
    "kind": "workshop", "summary": "A walk through the town with its people.", "starts_on": "6 Apr 2027",
    "start_time": "10am", "end_time": "12 noon", "mode": "in_person", "venue_name": "Partner Hall", "places": "25",
    "topics": "co-production; power", "form_key": "page-1",
}  # fmt: skip
ASK = {
    "organisation": "Example Team", "name": "Eve Example", "email": "eve@example.org", "form_key": "page-2",
    "title": "A session for new staff", "summary": "We are twelve and new to this.", "mode": "online",
    "when_words": "A morning in May", "places": "12",
}  # fmt: skip


@pytest.fixture
def programme(session: Session) -> Programme:
    return make_programme(session, slug="a-week", host_form_is_open=True, ask_form_is_open=True,
                          host_form_words="It has to be **free**.")  # fmt: skip


def text(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def mailed_link(session: Session, app: Any, which: str) -> str:
    """The path of the link in the newest mail, as the worker would put it in."""
    from workshops.messages.service import unsealed_links

    session.rollback()
    mail = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
    links = unsealed_links(mail, settings=app.extensions["workshops.settings"]) or {}
    return links[which].removeprefix("http://localhost")


def count(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(Proposal)) or 0


# --- the public forms ------------------------------------------------------------------------------------------


def test_the_host_form_is_short_and_the_rest_waits_behind_one_link_that_opens_when_it_holds_something(
    client: FormClient, programme: Programme
) -> None:
    address = "/programmes/a-week/host-an-event"
    page = client.get(address).get_data(as_text=True)
    first, _, rest = page.partition('<details class="ds_details" id="more">')
    assert rest, "the optional part is closed at first"
    asked = set(re.findall(r'<(?:input|select|textarea)[^>]* name="([a-z_]+)', first)) - {"csrf_token", "form_key"}
    assert asked == {"organisation", "name", "email", "title", "kind", "summary", "starts_on", "start_time", "end_time",
                     "mode", "venue_name"}  # fmt: skip
    empty = client.send(address, {}).get_data(as_text=True)
    assert re.findall(r'<li><a href="#([a-z_]+)', empty) == [
        "organisation", "name", "email", "title", "kind", "summary", "starts_on", "mode"]  # fmt: skip
    for typed in ({"places": "a few"}, {"ends_on": "1 Apr 2027"}, {"title": "", "topics": "power"}):
        page = client.send(address, {**HOST, "places": "", "topics": "", **typed}).get_data(as_text=True)
        assert '<details class="ds_details" id="more" open>' in page, typed
    page = client.send(address, {**HOST, "places": "", "topics": "", "title": ""}).get_data(as_text=True)
    assert '<details class="ds_details" id="more">' in page


def test_the_page_of_a_programme_leads_to_each_of_its_forms_once(client: FormClient, programme: Programme) -> None:
    page = client.get("/programmes/a-week").get_data(as_text=True)
    for form in ("host-an-event", "ask-for-an-event"):
        assert page.count(f'href="/programmes/a-week/{form}"') == 1


def test_what_a_host_left_out_is_not_answered_for_them(
    app: Any, session: Session, client: FormClient, programme: Programme
) -> None:
    client.send("/programmes/a-week/host-an-event", {**HOST, "places": ""})
    shown = text(client.get(mailed_link(session, app, "confirm")))
    assert "Partner Hall" in shown and "Places" not in shown and "No limit" not in shown


def test_a_proposal_from_form_to_queue(
    app: Any, session: Session, client: FormClient, staff: Callable[..., FormClient], programme: Programme
) -> None:
    path = "/programmes/a-week/host-an-event"
    page = client.get(path)
    assert page.status_code == 200 and "no-store" in page.headers["Cache-Control"]
    assert "<strong>free</strong>" in page.get_data(as_text=True)
    sent = client.send(path, HOST)
    assert (sent.status_code, sent.location) == (303, f"{path}?sent=1")
    assert "Nothing reaches the organisers before you" in text(client.get(sent.location))
    organiser = staff("organiser")
    assert "Nothing waits for an answer" in text(organiser.get("/staff/proposals"))
    link = mailed_link(session, app, "confirm")
    for _ in range(2):
        looked = client.get(link)
        assert looked.status_code == 200 and "Nobody has read it yet" in text(looked)
    assert "Nothing waits for an answer" in text(organiser.get("/staff/proposals"))
    assert client.send(link).status_code == 303
    assert "The organisers have it" in text(client.get(link))
    assert client.send(link).status_code == 303
    listed = text(organiser.get("/staff/proposals"))
    assert "Waiting for an answer (1)" in listed and "Walk and talk" in listed and "Today" in listed
    assert "1 proposal waits for an answer" in text(organiser.get("/staff/"))
    own = client.get(mailed_link(session, app, "proposal"))
    assert own.status_code == 200 and "The organisers have it" in text(own)
    assert own.headers["Cache-Control"] == "private, no-store"
    assert own.headers["Referrer-Policy"] == "no-referrer" and own.headers["X-Robots-Tag"] == "noindex"


def test_asking_within_a_programme_and_without_one(
    session: Session, client: FormClient, staff: Callable[..., FormClient], programme: Programme
) -> None:
    assert client.send("/programmes/a-week/ask-for-an-event", ASK).status_code == 303
    assert client.get("/ask-for-an-event").status_code == 404
    organiser = staff("organiser")
    opened = organiser.send("/staff/ask-form", {"is_open": "yes", "words": "Ask *us*"})
    assert opened.status_code == 303
    assert "<em>us</em>" in client.get("/ask-for-an-event").get_data(as_text=True)
    assert "Ask us for an event" in text(client.get("/programmes"))
    assert client.send("/ask-for-an-event", {**ASK, "form_key": "page-3"}).status_code == 303
    session.rollback()
    made = session.scalars(select(Proposal).order_by(Proposal.id)).all()
    assert [(one.purpose, one.programme_id) for one in made] == [("ask", programme.id), ("ask", None)]
    assert organiser.send("/staff/ask-form", {"words": ""}).status_code == 303
    assert client.get("/ask-for-an-event").status_code == 404
    assert "Ask us for an event" not in text(client.get("/programmes"))


def test_closed_forms_say_so_and_drafts_are_not_there(session: Session, client: FormClient) -> None:
    make_programme(session, "Closed Week", slug="closed-week")
    make_programme(session, "Secret Week", slug="secret-week", is_published=False, host_form_is_open=True)
    for form in ("host-an-event", "ask-for-an-event"):
        closed = client.get(f"/programmes/closed-week/{form}")
        assert closed.status_code == 404 and "This form is closed" in text(closed)
        assert client.send(f"/programmes/closed-week/{form}", HOST).status_code == 404
        secret, unknown = (client.get(f"/programmes/{slug}/{form}") for slug in ("secret-week", "no-such-week"))
        assert secret.status_code == unknown.status_code == 404
        assert text(secret) == text(unknown)
    assert count(session) == 0


def test_the_programme_leads_to_its_open_forms(session: Session, client: FormClient, programme: Programme) -> None:
    make_programme(session, "Closed Week", slug="closed-week")
    page = client.get("/programmes/a-week").get_data(as_text=True)
    assert "/programmes/a-week/host-an-event" in page and "/programmes/a-week/ask-for-an-event" in page
    assert "host-an-event" not in client.get("/programmes/closed-week").get_data(as_text=True)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": ""}, "Enter a title"),
        ({"title": "https://cheap.example/pills"}, "Leave links out of the title"),
        ({"summary": "https://a.example"}, "Say a little more about it, in words"),
        ({"message": "<a href='https://x.example'>x</a>"}, "Write plain words, without code"),
        ({"email": "nobody"}, "Enter an email address in the correct format"),
        ({"starts_on": "31 Feb 2027"}, "Enter a real date"),
        ({"starts_on": "1 Feb 2027"}, "Enter a date that is still to come"),
        ({"end_time": "9am"}, "The event must end after it starts"),
        ({"places": "many"}, "Places must be a whole number"),
        ({"website": "https://bot.example"}, "We could not tell whether a person filled this in"),
        ({"kind": "orgy"}, "Choose one of the answers"),
        ({"message": "x" * 2001}, "2,000 characters or fewer"),
    ],
)
def test_what_is_wrong_comes_back_with_what_was_typed(
    session: Session, client: FormClient, programme: Programme, change: dict[str, str], sentence: str
) -> None:
    answer = client.send("/programmes/a-week/host-an-event", {**HOST, **change})
    assert answer.status_code == 422
    page = unescape(answer.get_data(as_text=True))
    assert sentence in page and re.search(r"<title>\s*Error: ", page)
    assert 'value="Example Partner"' in page and 'value="page-1"' in page
    assert count(session) == 0
    if "website" in change:
        assert "bot.example" not in page, "a person whose browser filled the box in could never send it"


def test_a_double_send_is_one_proposal_and_one_mail(session: Session, client: FormClient, programme: Programme) -> None:
    for _ in range(3):
        assert client.send("/programmes/a-week/host-an-event", HOST).status_code == 303
    assert count(session) == 1
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_the_answer_is_the_same_whoevers_address_it_is(
    session: Session, client: FormClient, programme: Programme
) -> None:
    make_proposal(session, email="known@example.org")
    for number in range(3):
        make_proposal(session, email="full@example.org", state="unconfirmed", form_key_hash=str(number))
    answers = [
        client.send("/programmes/a-week/host-an-event", {**HOST, "email": f"{who}@example.org", "form_key": who})
        for who in ("known", "unknown", "full")
    ]
    assert {(one.status_code, one.location) for one in answers} == {(303, "/programmes/a-week/host-an-event?sent=1")}
    session.rollback()
    mailed = session.scalars(select(OutboxMessage.to_email).order_by(OutboxMessage.id)).all()
    assert list(mailed) == ["known@example.org", "unknown@example.org"]


def test_floods_are_stopped_in_words_with_everything_kept(
    session: Session, client: FormClient, programme: Programme, change_settings: Callable[..., Any], clock: FakeClock
) -> None:
    change_settings(rate_limits=True)
    path = "/programmes/a-week/host-an-event"
    statuses = [
        client.send(path, {**HOST, "email": f"p{number}@example.org", "form_key": str(number)}).status_code
        for number in range(12)
    ]
    assert set(statuses) == {303}
    stopped = client.send(path, {**HOST, "email": "p13@example.org", "form_key": "13"})
    assert stopped.status_code == 429 and int(stopped.headers["Retry-After"]) > 0
    page = unescape(stopped.get_data(as_text=True))
    assert "This was tried too often" in page and 'value="Walk and talk"' in page
    assert count(session) == 12
    clock.advance(hours=1)
    assert client.send(path, {**HOST, "email": "p13@example.org", "form_key": "13"}).status_code == 303


# --- links -----------------------------------------------------------------------------------------------------


def test_links_open_one_thing_each(session: Session, client: FormClient) -> None:
    proposal = make_proposal(session)
    own, confirm = proposal_link(session, proposal), proposal_link(session, proposal, "confirm")
    assert client.get(f"/proposals/{own}").status_code == client.get(f"/proposals/confirm/{confirm}").status_code == 200
    gone = [client.get(path) for path in (f"/proposals/{confirm}", f"/proposals/confirm/{own}", f"/places/{own}",
                                          "/proposals/" + "A" * 43, f"/proposals/{own}x")]  # fmt: skip
    assert {one.status_code for one in gone} == {404}
    assert "This link no longer works" in text(gone[0])
    for page in ("edit", "event", "take-back"):
        assert client.get(f"/proposals/{confirm}/{page}").status_code == 404
        assert client.send(f"/proposals/{confirm}/{page}").status_code == 404


def test_a_revoked_link_no_longer_works_and_a_new_one_is_mailed(
    app: Any, session: Session, client: FormClient, staff: Callable[..., FormClient]
) -> None:
    proposal = make_proposal(session)
    token, number = proposal_link(session, proposal), proposal.id
    organiser = staff("organiser")
    assert organiser.send(f"/staff/proposals/{number}/revoke-links").status_code == 303
    gone = client.get(f"/proposals/{token}")
    assert gone.status_code == 404 and "This link no longer works" in text(gone)
    assert client.send(f"/proposals/{token}/edit", HOST).status_code == 404
    assert "No link to this proposal works" in text(organiser.get(f"/staff/proposals/{number}"))
    assert organiser.send(f"/staff/proposals/{number}/send-link").status_code == 303
    assert client.get(mailed_link(session, app, "proposal")).status_code == 200


def test_a_link_to_confirm_ends(session: Session, client: FormClient, clock: FakeClock) -> None:
    token = proposal_link(session, make_proposal(session, state="unconfirmed"), "confirm")
    clock.advance(days=7)
    assert client.get(f"/proposals/confirm/{token}").status_code == 404
    assert client.send(f"/proposals/confirm/{token}").status_code == 404


# --- answers ---------------------------------------------------------------------------------------------------


def test_changes_are_asked_for_made_and_accepted(
    app: Any, session: Session, client: FormClient, staff: Callable[..., FormClient], programme: Programme
) -> None:
    number = make_proposal(session, programme_id=programme.id, title="Walk and talk").id
    organiser = staff("organiser")
    page = f"/staff/proposals/{number}"
    shown = organiser.send(f"{page}/ask-for-changes", {"edition": "1", "message": "How many?"})
    assert shown.status_code == 200 and "Changes asked for: Walk and talk" in text(shown) and "How many?" in text(shown)
    session.rollback()
    assert session.scalars(select(OutboxMessage)).all() == [], "nothing goes before it was seen"
    again = organiser.send(f"{page}/ask-for-changes", {"edition": "1", "message": "How many?", "action": "edit"})
    assert "How many?" in again.get_data(as_text=True) and "See the email" in text(again)
    sent = organiser.send(f"{page}/ask-for-changes", {"edition": "1", "message": "How many?", "action": "send"})
    assert sent.status_code == 303
    twice = organiser.send(f"{page}/ask-for-changes", {"edition": "1", "message": "How many?", "action": "send"})
    assert twice.status_code == 422 and "already" in text(twice)
    link = mailed_link(session, app, "proposal")
    assert "How many?" in text(client.get(link)) and "How many?" in text(client.get(f"{link}/edit"))
    wrong = client.send(f"{link}/edit", {**HOST, "title": ""})
    assert wrong.status_code == 422 and "Enter a title" in text(wrong)
    back = client.send(f"{link}/edit", {**HOST, "title": "Walk and talk", "places": "40"})
    assert (back.status_code, back.location) == (303, f"{link}?saved=sent")
    assert "are sent to the organisers" in text(client.get(back.location))
    assert "Changed and sent back" in text(organiser.get(page))
    _accept(organiser, number, edition="3")
    session.rollback()
    event = session.scalars(select(Event)).one()
    assert (event.state, event.capacity_in_person, event.programme_id) == ("draft", 40, programme.id)
    assert "Accepted" in text(organiser.get(page))
    assert session.scalars(select(OutboxMessage.kind).order_by(OutboxMessage.id)).all() == [
        "proposals/changes_asked", "proposals/accepted",
    ]  # fmt: skip


def _accept(organiser: FormClient, number: int, *, edition: str = "1", **more: str) -> Any:
    page = f"/staff/proposals/{number}/accept"
    form = organiser.get(page).get_data(as_text=True)
    fields = dict(re.findall(r'<input[^>]* name="([\w-]+)" type="text" value="([^"]*)"', form))
    fields |= {"kind": "workshop", "mode": "in_person", "owner": str(organiser.account_id), "edition": edition,  # type: ignore[attr-defined]
               "message": "Lovely.", **more}  # fmt: skip
    shown = organiser.send(page, fields)
    assert shown.status_code == 200, text(shown)
    assert "The draft that will be made" in text(shown) and "Lovely." in text(shown)
    sent = organiser.send(page, {**fields, "action": "send"})
    assert sent.status_code == 303, text(sent)
    return sent


def test_a_facilitator_is_given_the_draft(
    session: Session, staff: Callable[..., FormClient], programme: Programme
) -> None:
    facilitator = make_account(session, role="facilitator", name="Fay Example")
    number, owner = make_proposal(session, programme_id=programme.id).id, str(facilitator.id)
    _accept(staff("organiser"), number, owner=owner)
    session.rollback()
    assert session.scalars(select(Event.owner_id)).one() == int(owner)


def test_a_draft_is_made_from_what_was_asked_for(
    session: Session, staff: Callable[..., FormClient], programme: Programme
) -> None:
    number = make_proposal(session, purpose="ask", title="A session", starts_on=None, start_time="", end_time="").id
    programme_id = programme.id
    organiser = staff("organiser")
    page = f"/staff/proposals/{number}"
    assert "Make a draft from this" in text(organiser.get(page))
    missing = organiser.send(f"{page}/accept", {"edition": "1", "title": "A session", "kind": "workshop"})
    assert missing.status_code == 422 and "Enter the date" in text(missing)
    _accept(organiser, number, programme=str(programme_id), starts_on="4 May 2027", start_time="10am", end_time="noon")
    session.rollback()
    event = session.scalars(select(Event)).one()
    assert (event.programme_id, event.host_id, event.title) == (programme_id, None, "A session")
    mail = session.scalars(select(OutboxMessage)).one()
    assert "are preparing an event" in mail.body_text


def test_declining_needs_words_and_goes_once(session: Session, staff: Callable[..., FormClient]) -> None:
    number = make_proposal(session).id
    organiser = staff("organiser")
    page = f"/staff/proposals/{number}/decline"
    empty = organiser.send(page, {"edition": "1", "message": " "})
    assert empty.status_code == 422 and "Write why" in text(empty)
    for expected in (303, 422):
        sent = organiser.send(page, {"edition": "1", "message": "The week is full.", "action": "send"})
        assert sent.status_code == expected
    session.rollback()
    assert len(session.scalars(select(OutboxMessage)).all()) == 1


def test_an_answer_to_what_has_changed_in_between_is_not_sent(
    session: Session, staff: Callable[..., FormClient]
) -> None:
    number = make_proposal(session, edition=4).id
    page = f"/staff/proposals/{number}/decline"
    organiser = staff("organiser")
    clash = organiser.send(page, {"edition": "3", "message": "No room.", "action": "send"})
    assert clash.status_code == 422 and "The person changed this" in text(clash) and "No room." in text(clash)
    assert 'name="edition" value="4"' in clash.get_data(as_text=True)
    session.rollback()
    assert session.scalars(select(OutboxMessage)).all() == []


def test_only_its_organisers_answer(
    session: Session, staff: Callable[..., FormClient], programme: Programme
) -> None:
    session.add(ProgrammeOrganiser(programme_id=programme.id, account_id=make_account(session).id))
    number = make_proposal(session, programme_id=programme.id, name="Zaphira Example").id
    stranger = staff("organiser")
    assert "Walk" not in text(stranger.get("/staff/proposals"))
    for page in ("", "/accept", "/decline", "/ask-for-changes", "/names"):
        answer = stranger.get(f"/staff/proposals/{number}{page}")
        assert answer.status_code == 403 and "Zaphira" not in text(answer)
    for button in ("send-link", "revoke-links", "names/end", "decline"):
        assert stranger.send(f"/staff/proposals/{number}/{button}", {"action": "send"}).status_code == 403
    assert staff("admin").get(f"/staff/proposals/{number}").status_code == 200
    unconfirmed = make_proposal(session, state="unconfirmed").id
    assert staff("admin").get(f"/staff/proposals/{unconfirmed}").status_code == 404


def test_who_runs_the_event_reads_its_proposal_and_answers_nothing(
    session: Session, staff: Callable[..., FormClient]
) -> None:
    event = make_event(session, state="draft")
    number, event_id = make_proposal(session, state="accepted", event_id=event.id, name="Zaphira Example").id, event.id
    facilitator = staff("facilitator")
    assert facilitator.get(f"/staff/proposals/{number}").status_code == 403
    session.add(EventFacilitator(event_id=event_id, account_id=facilitator.account_id))  # type: ignore[attr-defined]
    session.commit()
    page = facilitator.get(f"/staff/proposals/{number}")
    assert page.status_code == 200 and "Zaphira" in text(page) and "Send a new link" not in text(page)
    assert facilitator.send(f"/staff/proposals/{number}/send-link").status_code == 403


# --- the host's own page ---------------------------------------------------------------------------------------


def test_the_host_changes_the_draft_until_it_is_published(session: Session, client: FormClient) -> None:
    event = make_event(session, state="draft", title="A draft", owner_id=make_account(session).id)
    token, event_id, owner_id = proposal_link(
        session, make_proposal(session, state="accepted", event_id=event.id)
    ), event.id, event.owner_id  # fmt: skip
    page = f"/proposals/{token}/event"
    form = client.get(page)
    assert form.status_code == 200 and 'value="A draft"' in form.get_data(as_text=True)
    fields = {"title": "A longer walk", "summary": "Two hours.", "description": "## Route", "starts_on": "7 Apr 2027",
              "start_time": "1pm", "end_time": "3pm", "venue_name": "Other Hall", "places_in_person": "12",
              "owner": "99", "state": "published", "booking": "none", "programme": "1"}  # fmt: skip
    wrong = client.send(page, {**fields, "end_time": "11am"})
    assert wrong.status_code == 422 and "must end after it starts" in text(wrong)
    assert 'value="A longer walk"' in wrong.get_data(as_text=True)
    assert client.send(page, fields).status_code == 303
    session.rollback()
    event = session.get(Event, event_id)  # type: ignore[assignment]
    assert (event.title, event.capacity_in_person) == ("A longer walk", 12)
    assert event.starts_at is not None and event.starts_at.hour == 12, "1pm in April is 12 noon UTC"
    assert (event.owner_id, event.state, event.booking, event.programme_id) == (owner_id, "draft", "first_come", None)
    event.state = "published"
    session.commit()
    assert client.get(page).status_code == 303
    assert client.send(page, {**fields, "title": "Too late"}).status_code == 303
    session.rollback()
    assert session.get(Event, event_id).title == "A longer walk"  # type: ignore[union-attr]


def test_afterwards_the_host_sees_counts_and_never_names_unless_granted(
    session: Session, client: FormClient, staff: Callable[..., FormClient], clock: FakeClock
) -> None:
    event = make_event(session)
    came = make_registration(session, event, name="Zaphira Quill", email="zaphira@example.org")
    make_registration(session, event, name="Zaphod Quill")
    make_registration(session, event, name="Zoe Quill", state="waiting")
    session.add(AttendanceMark(registration_id=came.id, status="in_person", marked_at=clock.now))
    proposal = make_proposal(session, state="accepted", event_id=event.id)
    token, number, over_at = proposal_link(session, proposal), proposal.id, event.over_at
    path = f"/proposals/{token}"
    page = text(client.get(path))
    assert "Places taken 2" in page and "Waiting 1" in page and "Came" not in page and "Quill" not in page
    assert f"/events/{event.slug}" in client.get(path).get_data(as_text=True)
    organiser = staff("organiser")
    names = f"/staff/proposals/{number}/names"
    refused = organiser.send(names, {"reason": ""})
    assert refused.status_code == 422 and "Write why" in text(refused)
    assert organiser.send(names, {"reason": "A list at the door"}).status_code == 303
    assert "A list at the door" in text(organiser.get(f"/staff/proposals/{number}"))
    page = text(client.get(path))
    assert "Zaphira Quill In person" in page and "Zaphod" in page
    assert "zaphira@" not in page and "Zoe" not in page
    assert organiser.send(f"{names}/end").status_code == 303
    clock.now = over_at + timedelta(hours=1)
    page = text(client.get(path))
    assert "Came 1" in page and "Quill" not in page


def test_who_asked_sees_its_state_and_changes_no_event(session: Session, client: FormClient) -> None:
    event = make_event(session, state="draft")
    token = proposal_link(session, make_proposal(session, purpose="ask", state="accepted", event_id=event.id))
    slug = event.slug
    page = client.get(f"/proposals/{token}")
    assert "are preparing the event" in text(page) and slug not in page.get_data(as_text=True)
    assert client.get(f"/proposals/{token}/event").status_code == 303
    event = session.scalars(select(Event)).one()
    event.state = "published"
    session.commit()
    page = client.get(f"/proposals/{token}")
    assert "The event is published" in text(page) and f"/events/{slug}" in page.get_data(as_text=True)
    assert "Places taken" not in text(page)


def test_a_proposal_is_taken_back(session: Session, client: FormClient, staff: Callable[..., FormClient]) -> None:
    proposal = make_proposal(session)
    token = proposal_link(session, proposal)
    assert "Do you want to take it back?" in text(client.get(f"/proposals/{token}/take-back"))
    assert client.send(f"/proposals/{token}/take-back").status_code == 303
    assert "You have taken it back" in text(client.get(f"/proposals/{token}"))
    assert client.send(f"/proposals/{token}/edit", HOST).status_code == 303
    listed = text(staff("organiser").get("/staff/proposals?state=withdrawn"))
    assert "Taken back by the person (1)" in listed


def test_the_ask_form_is_closed_until_somebody_opens_it(session: Session, client: FormClient) -> None:
    assert client.get("/ask-for-an-event").status_code == 404
    assert client.send("/ask-for-an-event", ASK).status_code == 404
    session.add(AskForm(id=1, is_open=True, words=""))
    session.commit()
    assert client.get("/ask-for-an-event").status_code == 200

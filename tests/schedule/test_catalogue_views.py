"""Pages of venues, organisations, topics and programmes for staff: what they keep, say and refuse."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import make_account, make_event, make_host, make_programme, make_registration, make_venue
from workshops.core.db import db
from workshops.messages.models import OutboxMessage
from workshops.schedule.models import Event, Host, Programme, ProgrammeOrganiser, Room, Topic, Venue

Staff = Callable[..., FormClient]


def text(response: Any) -> str:
    words = re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))
    return " ".join(unescape(words).split())


def rows(session: Session, model: Any) -> list[Any]:
    """What is stored now: a read that was open before a request would not see what it did."""
    session.rollback()
    return list(session.scalars(select(model)))


def hidden(response: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', response.get_data(as_text=True))
    assert found, name
    return unescape(found[1])


# --- venues ---------------------------------------------------------------------------------------------------


def test_a_venue_is_added_with_rooms_and_found_again(staff: Staff, session: Session) -> None:
    browser = staff("facilitator")
    wrong = browser.send("/staff/venues/new", {"postcode": "eh11yz", "captions": "yes"})
    assert wrong.status_code == 422 and "Enter the name of the venue, or its address" in text(wrong)
    answer = browser.send("/staff/venues/new", {"name": "Halla Àrd", "postcode": "eh11yz", "area": "Highland",
                                                "captions": "yes"})  # fmt: skip
    assert answer.status_code == 303
    venue = rows(session, Venue)[0]
    assert (venue.postcode, venue.captions, venue.step_free) == ("EH1 1YZ", "yes", "not_known")
    assert "Halla Àrd" in text(browser.get("/staff/venues?q=ARD+eh1"))
    rooms = f"/staff/venues/{venue.id}/rooms/new"
    assert browser.send(rooms, {"name": "Attic", "capacity": "a few"}).status_code == 422
    assert browser.send(rooms, {"name": "Attic", "capacity": "30"}).status_code == 303
    twin = browser.send(rooms, {"name": "ATTIC"})
    assert twin.status_code == 422 and "There is a room called “Attic” here already" in text(twin)
    room = rows(session, Room)[0]
    path = f"/staff/venues/{venue.id}/rooms/{room.id}"
    assert browser.send(f"{path}/edit", {"name": "Loft", "capacity": ""}).status_code == 303
    assert "Loft Not known 0" in text(browser.get(f"/staff/venues/{venue.id}"))
    assert browser.get(f"/staff/venues/{venue.id + 1}/rooms/{room.id}/edit").status_code == 404
    assert browser.send(f"{path}/delete").status_code == 303
    assert rows(session, Room) == []


def test_a_thousand_venues_come_in_pages(staff: Staff, session: Session) -> None:
    session.add_all(Venue(name=f"Hall {n:04d}", name_key=f"hall {n:04d}") for n in range(120))
    session.commit()
    page = text(staff("viewer").get("/staff/venues?page=2"))
    assert "120 venues" in page and "Hall 0050" in page and "Hall 0049" not in page
    assert "Add a venue" not in page


def test_the_public_page_shows_what_the_venue_knows(session: Session, client: FormClient) -> None:
    venue = make_venue(session, bsl="yes", captions="no")
    one = make_event(session, venue_id=venue.id)
    two = make_event(session, venue_id=venue.id, bsl="no", captions="yes")
    online = make_event(session, venue_id=venue.id, mode="online", capacity_online=5, captions="yes")
    page = text(client.get(f"/events/{one.slug}"))
    for fact in ("Step-free access", "Accessible toilet", "Hearing loop", "Quiet room", "Parking"):
        assert f"{fact} Not known" in page
    assert "British Sign Language interpreter Yes" in page and "Captions No" in page
    page = text(client.get(f"/events/{two.slug}"))
    assert "British Sign Language interpreter No" in page and "Captions Yes" in page
    page = text(client.get(f"/events/{online.slug}"))
    assert "British Sign Language interpreter Not known" in page and "Step-free" not in page


def test_changing_a_venue_says_first_whom_it_concerns(staff: Staff, session: Session, clock: FakeClock) -> None:
    venue = make_venue(session)
    make_registration(session, make_event(session, venue_id=venue.id))
    make_event(session, venue_id=venue.id, starts_at=clock.now - timedelta(days=5))
    page = text(staff("facilitator").get(f"/staff/venues/{venue.id}/edit"))
    assert "2 events, 1 of them still to come with 1 person registered or waiting." in page
    assert "you see first what follows and choose whether people are told" in page


def test_venues_are_merged_after_a_look_at_what_follows(staff: Staff, session: Session) -> None:
    gone, kept = make_venue(session, "Pollock Hall"), make_venue(session, "Pollock Halls")
    event = make_event(session, venue_id=gone.id)
    path, kept_id = f"/staff/venues/{gone.id}/merge", kept.id
    browser = staff("organiser")
    assert staff("facilitator").get(path).status_code == 403
    assert f"{path}?into={kept_id}" in browser.get(path).get_data(as_text=True)
    check = browser.get(f"{path}?into={kept_id}")
    assert "1 event of Pollock Hall will be held at Pollock Halls" in text(check)
    for wrong in ("", str(gone.id), "x", "99999"):
        answer = browser.send(path, {"into": wrong})
        assert answer.status_code == 422 and "Choose the venue that stays" in text(answer)
    assert browser.send(path, {"into": hidden(check, "into")}).location == f"/staff/venues/{kept_id}"
    session.rollback()
    assert session.get_one(Event, event.id, populate_existing=True).venue_id == kept_id


def test_a_venue_in_use_is_not_deleted(staff: Staff, session: Session) -> None:
    used, free = make_venue(session, "Used"), make_venue(session, "Free")
    make_event(session, venue_id=used.id)
    browser = staff("organiser")
    assert "Delete the venue" not in text(browser.get(f"/staff/venues/{used.id}"))
    browser.send(f"/staff/venues/{used.id}/delete")
    assert "Events were or will be held here" in text(browser.get(f"/staff/venues/{used.id}"))
    assert browser.send(f"/staff/venues/{free.id}/delete").location == "/staff/venues"
    assert [venue.name for venue in rows(session, Venue)] == ["Used"]


# --- organisations and topics ---------------------------------------------------------------------------------


def test_the_contact_of_a_host_is_public_and_says_so(staff: Staff, session: Session, client: FormClient) -> None:
    host = make_host(session, "Example Forum")
    slug = make_event(session, host_id=host.id).slug
    browser, path = staff("organiser"), f"/staff/hosts/{host.id}/edit"
    assert "This is public" in text(browser.get(path))
    wrong = {"name": "Example Forum", "contact_email": "two@at@example.org", "website": "javascript:alert(1)"}
    assert browser.send(path, wrong).status_code == 422
    fields = {"name": "Example Forum", "contact_name": "Ask Team", "contact_email": "ask@example.org",
              "contact_phone": "0131 496 0000", "website": "https://example.org/forum"}  # fmt: skip
    assert browser.send(path, fields).status_code == 303
    page = client.get(f"/events/{slug}").get_data(as_text=True)
    for words in ("Ask Team", 'href="mailto:ask@example.org"', 'href="tel:01314960000"', "example.org/forum"):
        assert words in page, words
    session.rollback()
    assert staff("facilitator").send(path, fields).status_code == 403


def test_a_page_of_hosts_lists_merges_and_deletes(staff: Staff, session: Session) -> None:
    browser = staff("organiser")
    assert browser.send("/staff/hosts/new", {"name": "Forum of Fife"}).status_code == 303
    assert browser.send("/staff/hosts/new", {"name": "FORUM of fife"}).status_code == 422
    assert browser.send("/staff/hosts/new", {"name": "Fife Forum"}).status_code == 303
    ids = {host.name: host.id for host in rows(session, Host)}
    path = f"/staff/hosts/{ids['Forum of Fife']}"
    assert "Fife Forum" in text(browser.get(f"{path}/merge"))
    assert browser.send(f"{path}/merge", {"into": str(ids["Fife Forum"])}).status_code == 303
    page = text(browser.get(f"/staff/hosts/{ids['Fife Forum']}"))
    assert "It is also found as: forum of fife" in page
    assert browser.get(path).status_code == 404
    assert browser.send(f"/staff/hosts/{ids['Fife Forum']}/delete").location == "/staff/hosts"


def test_organisers_keep_the_list_of_topics_and_facilitators_choose_from_it(staff: Staff, session: Session) -> None:
    organiser, facilitator = staff("organiser"), staff("facilitator")
    assert facilitator.send("/staff/topics", {"name": "power"}).status_code == 403
    for name in ("power", "money"):
        assert organiser.send("/staff/topics", {"name": name}).status_code == 303
    assert organiser.send("/staff/topics", {"name": "POWER"}).status_code == 422
    session.rollback()
    slug = make_event(session, owner_id=facilitator.account_id).slug  # type: ignore[attr-defined]
    page = facilitator.get(f"/staff/events/{slug}/edit/about")
    assert "money; power" in text(page)
    names = ("title", "edition", "kind")
    fields = {name: hidden(page, name) for name in names[:2]} | {"kind": "workshop", "topics": "Power; budgets"}
    refused = facilitator.send(f"/staff/events/{slug}/edit/about", fields)
    assert refused.status_code == 422 and "“budgets” is not in the list of topics" in text(refused)
    session.rollback()
    topics = {topic.name: topic.id for topic in rows(session, Topic)}
    path = f"/staff/topics/{topics['money']}"
    assert organiser.send(f"{path}/edit", {"name": "budgets"}).status_code == 303
    assert organiser.send(f"{path}/merge", {"into": str(topics["power"])}).status_code == 303
    assert [topic.name for topic in rows(session, Topic)] == ["power"]
    assert organiser.send(f"/staff/topics/{topics['power']}/delete").location == "/staff/topics"


# --- programmes -----------------------------------------------------------------------------------------------


def test_an_organiser_who_makes_a_programme_organises_it(staff: Staff, session: Session) -> None:
    browser, other = staff("organiser"), staff("organiser")
    assert browser.send("/staff/programmes/new", {"title": "Festival", "visible": "public"}).status_code == 303
    named = rows(session, ProgrammeOrganiser.account_id)
    assert named == [browser.account_id]  # type: ignore[attr-defined]
    assert other.get("/staff/programmes/festival").status_code == 200
    for page in ("edit", "publish", "cancel"):
        assert other.get(f"/staff/programmes/festival/{page}").status_code == 403, page
        assert other.send(f"/staff/programmes/festival/{page}", {"title": "Mine"}).status_code == 403, page
    assert "Festival" in text(browser.get("/staff/")) and "Your programmes" not in text(other.get("/staff/"))
    left = browser.send("/staff/programmes/festival/edit", {"title": "Festival", "visible": "public"})
    assert left.status_code == 303
    assert "every organiser may change this programme" in text(browser.get("/staff/programmes/festival"))
    assert other.get("/staff/programmes/festival/edit").status_code == 200


def test_the_state_and_the_forms_of_a_programme_are_said(staff: Staff, session: Session, clock: FakeClock) -> None:
    browser = staff("admin")
    fields = {"title": "Festival", "visible": "public", "forms": "host", "host_form_words": "Until **Easter**."}
    assert browser.send("/staff/programmes/new", {**fields, "visible": "staff"}).status_code == 422
    assert browser.send("/staff/programmes/new", fields).status_code == 303
    programme = rows(session, Programme)[0]
    assert (programme.host_form_is_open, programme.ask_form_is_open) == (True, False)
    page = text(browser.get("/staff/programmes/festival"))
    assert "Announced" in page and "Host an event" in page
    programme_id = programme.id
    session.rollback()
    make_event(session, programme_id=programme_id, starts_at=clock.now)
    assert "Running" in text(browser.get("/staff/programmes/festival"))
    clock.advance(days=1)
    session.rollback()
    assert "Past" in text(staff("viewer").get("/staff/programmes"))


def test_drafts_are_published_after_a_look_at_what_is_missing(staff: Staff, session: Session) -> None:
    programme = make_programme(session)
    path = f"/staff/programmes/{programme.slug}/publish"
    ready = make_event(session, programme_id=programme.id, state="draft").id
    month = make_event(session, programme_id=programme.id, state="draft", starts_at=None, month="2027-09").id
    browser = staff("organiser")
    page = browser.get(path)
    assert "1 draft can be published" in text(page) and "1 cannot, and stays a draft" in text(page)
    assert "Nobody looks after it" in text(page) and "Enter the date before you publish" in text(page)
    assert browser.send(path, {"events": hidden(page, "events")}).status_code == 303
    states = {event.id: event.state for event in rows(session, Event)}
    assert states == {ready: "published", month: "draft"}


def test_a_programme_is_cancelled_with_what_follows_shown_and_told_once(
    staff: Staff, session: Session, clock: FakeClock
) -> None:
    programme = make_programme(session)
    path = f"/staff/programmes/{programme.slug}/cancel"
    events = [make_event(session, programme_id=programme.id).id for _ in range(3)]
    past = make_event(session, programme_id=programme.id, starts_at=clock.now - timedelta(days=3)).id
    make_registration(session, session.get_one(Event, events[0]))
    make_registration(session, session.get_one(Event, events[1]))
    browser = staff("organiser")
    page = browser.get(path)
    assert "3 events will be cancelled" in text(page) and "2 emails" in text(page)
    assert browser.send(path, {"events": hidden(page, "events"), "reason": "Snow"}).status_code == 422
    shown = browser.send(path, {"events": hidden(page, "events"), "reason": "So much snow", "show": "1"})
    assert shown.status_code == 200 and "So much snow" in text(shown)
    fields = {name: hidden(shown, name) for name in ("events", "checked")}
    make_registration(session, session.get_one(Event, events[0]))
    done = browser.send(path, {**fields, "reason": "So much snow", "tell": "now"})
    assert done.status_code == 303
    states = {event.id: event.state for event in rows(session, Event)}
    assert states == {**dict.fromkeys(events, "cancelled"), past: "published"}
    mails = session.scalars(select(OutboxMessage).where(OutboxMessage.kind.contains("cancelled"))).all()
    assert len(mails) == 3
    browser.send(path, {**fields, "reason": "So much snow", "tell": "now"})
    session.rollback()
    again = session.scalars(select(OutboxMessage).where(OutboxMessage.kind.contains("cancelled"))).all()
    assert len(again) == 3, "nothing is told twice"


def test_of_many_cancelled_events_each_is_named_and_the_message_shown_once(staff: Staff, session: Session) -> None:
    programme = make_programme(session)
    path = f"/staff/programmes/{programme.slug}/cancel"
    for number in range(12):
        event = make_event(session, title=f"Day {number}", programme_id=programme.id)
        for name in range(2 if number else 3):
            make_registration(session, event, email=f"p{name}@example.org")
    browser = staff("organiser")
    page = browser.get(path)
    said = text(page)
    assert "12 events will be cancelled" in said and said.count("Subject: Cancelled") == 1
    assert all(f"Day {number} " in said for number in range(12)) and said.count("People with a place: 2") == 11
    assert "People with a place: 3" in said and "People with a place (25)" in said
    assert "To people with a place (25 people at 12 events)" in said and "As it reads for Day 0" in said
    fields = {name: hidden(page, name) for name in ("events", "checked")}
    assert browser.send(path, {**fields, "reason": "Snow", "tell": "now"}).status_code == 303
    session.rollback()
    mails = session.scalars(select(OutboxMessage).where(OutboxMessage.kind.contains("cancelled"))).all()
    assert len(mails) == 25 == len({(mail.event_id, mail.to_email) for mail in mails})


def test_a_change_in_between_is_noticed_before_all_is_cancelled(staff: Staff, session: Session) -> None:
    programme = make_programme(session)
    path = f"/staff/programmes/{programme.slug}/cancel"
    event = make_event(session, programme_id=programme.id)
    browser = staff("organiser")
    page = browser.get(path)
    event.title = "Another title"
    session.commit()
    answer = browser.send(path, {**{name: hidden(page, name) for name in ("events", "checked")}, "reason": "Snow"})
    assert answer.status_code == 422 and "Something changed in between" in text(answer)
    session.rollback()
    assert session.get_one(Event, event.id, populate_existing=True).state == "published"


@pytest.mark.parametrize("role", ["viewer", "facilitator"])
def test_who_only_reads_sees_no_button(staff: Staff, session: Session, role: str) -> None:
    programme, venue = make_programme(session), make_venue(session)
    make_event(session, programme_id=programme.id, venue_id=venue.id)
    make_account(session, role="organiser")
    browser = staff(role)
    assert "Cancel all" not in text(browser.get(f"/staff/programmes/{programme.slug}"))
    assert "same as another" not in text(browser.get(f"/staff/venues/{venue.id}"))
    assert "Import" not in text(browser.get("/staff/more")) and "Staff accounts" not in text(browser.get("/staff/more"))


# --- files ----------------------------------------------------------------------------------------------------


def test_a_file_changes_only_what_its_sender_runs(staff: Staff, session: Session) -> None:
    mine, theirs = make_programme(session, "Mine"), make_programme(session, "Theirs")
    browser, other = staff("organiser"), staff("organiser")
    for programme, organiser in ((mine, browser), (theirs, other)):
        session.add(ProgrammeOrganiser(programme_id=programme.id, account_id=organiser.account_id))  # type: ignore[attr-defined]
    one = make_event(session, title="My walk", programme_id=mine.id)
    two = make_event(session, title="Their walk", programme_id=theirs.id)
    session.commit()
    ids = one.id, two.id

    def send(sheet: str) -> Any:
        session.rollback()
        file = (io.BytesIO(sheet.encode()), "events.csv")
        return browser.send("/staff/import", {"file": file, "action": "import"}, content_type="multipart/form-data")

    whole = browser.get("/staff/events.csv").get_data(as_text=True).lstrip("\ufeff")
    assert send(whole).status_code == 303, "a list that goes out and comes back changes nothing of anybody"
    refused = send(whole.replace("An example.", "Another summary."))
    assert refused.status_code == 422 and "This event belongs to somebody else" in text(refused)
    new = ("title,kind,starts,ends,mode,booking,programme\n"
           "A new walk,workshop,2027-05-04T10:00,2027-05-04T12:00,online,none,{}\n")  # fmt: skip
    assert "This programme has other organisers" in text(send(new.format("Theirs")))
    assert send(new.format("Mine")).status_code == 303
    head, *lines = whole.splitlines(keepends=True)
    own = "".join([head, *(line for line in lines if "My walk" in line)])
    assert send(own.replace("An example.", "Another summary.")).status_code == 303
    session.rollback()
    assert [session.get_one(Event, one).summary for one in ids] == ["Another summary.", "An example."]


# --- many of everything ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_lists_cost_as_many_selects_for_many_rows_as_for_few(staff: Staff, session: Session) -> None:
    programme, venue, host = make_programme(session), make_venue(session), make_host(session, "Forum")
    browser = staff("organiser")
    session.add(ProgrammeOrganiser(programme_id=programme.id, account_id=browser.account_id))  # type: ignore[attr-defined]
    session.commit()
    slug, host_id, venue_id = programme.slug, host.id, venue.id
    pages = ("/staff/", "/staff/programmes", f"/staff/programmes/{slug}", "/staff/venues", f"/staff/venues/{venue_id}",
             "/staff/hosts", f"/staff/hosts/{host_id}", "/staff/topics")  # fmt: skip

    def selects(path: str) -> int:
        seen: list[str] = []

        def note(*given: Any) -> None:
            seen.append(given[2])

        session.rollback()
        sql_event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert browser.get(path).status_code == 200
        finally:
            sql_event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    def more(number: int) -> None:
        for n in range(number):
            make_event(session, programme_id=programme.id, venue_id=venue_id, host_id=host_id)
            session.add_all([Venue(name=f"Hall {number} {n}", name_key=f"hall {number} {n}"),
                             Host(name=f"Host {number} {n}", slug=f"host-{number}-{n}"),
                             Topic(name=f"topic {number} {n}", slug=f"topic-{number}-{n}")])  # fmt: skip
        session.commit()

    more(2)
    few = {path: selects(path) for path in pages}
    more(15)
    assert {path: selects(path) for path in pages} == few
    assert max(few.values()) < 16, few

"""The pages of the time afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration
from workshops.followup import queries
from workshops.followup.models import WriteUp
from workshops.schedule.models import Event

LINK = "https://example.org/blog"


@pytest.fixture
def past(session: Session, clock: Any) -> Event:
    return make_event(session, starts_at=clock.now - timedelta(days=9), title="A past event")


def write_up(session: Session, event: Event, clock: Any, **more: Any) -> WriteUp:
    values = {"title": "A blog", "state": "to be written", "uid": f"urn:uuid:{event.id}-{more.get('title')}", **more}
    made = WriteUp(event_id=event.id, created_at=clock.now, updated_at=clock.now, **values)
    session.add(made)
    session.commit()
    return made


def text_of(session: Session, event: Event) -> str | None:
    session.rollback()
    note = queries.notes_of(session, event.id)
    return note.text if note else None


def test_writing_previewing_and_publishing_notes(session: Session, past: Event, staff: Any, client: Any) -> None:
    organiser = staff("organiser")
    address = f"/staff/events/{past.slug}/notes"
    assert organiser.get(address).status_code == 200
    answer = organiser.send(address, {"text": "## Agreed\n- **one**", "revision": "0", "then": "preview"})
    assert answer.status_code == 303 and answer.location == f"{address}/preview"
    preview = organiser.get(answer.location).text
    assert "<strong>one</strong>" in preview and 'name="revision" value="1"' in preview
    assert "Agreed" not in client.get(f"/events/{past.slug}").text
    answer = organiser.send(f"{address}/publish", {"revision": "1"})
    assert answer.status_code == 303
    page = client.get(f"/events/{past.slug}").text
    assert "Agreed" in page and "<strong>one</strong>" in page


def test_a_clash_shows_both_versions_and_loses_neither(session: Session, past: Event, staff: Any) -> None:
    first, second = staff("organiser"), staff("organiser")
    address = f"/staff/events/{past.slug}/notes"
    first.send(address, {"text": "What the first wrote", "revision": "0", "then": "save"})
    answer = second.send(address, {"text": "What the second <wrote>", "revision": "0", "then": "publish"})
    assert answer.status_code == 422
    assert "What the first wrote" in answer.text and "What the second &lt;wrote&gt;" in answer.text
    assert 'name="revision" value="1"' in answer.text
    assert text_of(session, past) == "What the first wrote"
    answer = second.send(address, {"text": "Both", "revision": "1", "then": "save"})
    assert answer.status_code == 303 and text_of(session, past) == "Both"


def test_an_old_form_token_keeps_the_notes(session: Session, past: Event, staff: Any) -> None:
    answer = staff("organiser").post(
        f"/staff/events/{past.slug}/notes", data={"csrf_token": "old", "text": "An hour of work", "revision": "0"}
    )
    assert answer.status_code == 422
    assert "An hour of work" in answer.text and "open for too long" in answer.text
    assert text_of(session, past) is None


def test_notes_that_are_too_long_come_back_whole(session: Session, past: Event, staff: Any) -> None:
    text = "x" * 50_001
    answer = staff("organiser").send(f"/staff/events/{past.slug}/notes", {"text": text, "revision": "0"})
    assert answer.status_code == 422 and text in answer.text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "<img src=x onerror=alert(1)>"]
)
def test_notes_run_nothing(session: Session, past: Event, staff: Any, client: Any, text: str) -> None:
    organiser = staff("organiser")
    address = f"/staff/events/{past.slug}/notes"
    organiser.send(address, {"text": text, "revision": "0", "then": "publish"})
    for page in (organiser.get(f"{address}/preview").text, client.get(f"/events/{past.slug}").text):
        assert "<script>alert" not in page and 'href="javascript' not in page and "<img src=x" not in page


def test_the_preview_warns_of_names_and_addresses(session: Session, past: Event, staff: Any) -> None:
    make_registration(session, past, name="Jane Example")
    organiser = staff("organiser")
    address = f"/staff/events/{past.slug}/notes"
    organiser.send(address, {"text": "Jane Example said so", "revision": "0", "then": "preview"})
    assert "This looks personal" in organiser.get(f"{address}/preview").text


def test_notes_can_be_removed_and_the_page_says_so(session: Session, past: Event, staff: Any, client: Any) -> None:
    organiser = staff("organiser")
    address = f"/staff/events/{past.slug}/notes"
    organiser.send(address, {"text": "Something wrong", "revision": "0", "then": "publish"})
    assert organiser.send(f"{address}/withdraw", {"reason": "mistake"}).status_code == 303
    page = client.get(f"/events/{past.slug}").text
    assert "Something wrong" not in page and "because they held a mistake" in page


def test_a_promise_from_the_form_to_the_public_page(session: Session, past: Event, staff: Any, client: Any) -> None:
    organiser = staff("organiser")
    new = f"/staff/events/{past.slug}/write-ups/new"
    assert organiser.get(new).status_code == 200
    due = {"due_on-day": "1", "due_on-month": "4", "due_on-year": "2027"}
    fields = {"title": "A blog about it", "state": "to be written", "owner_id": str(organiser.account_id), **due}
    assert organiser.send(new, fields).status_code == 303
    session.rollback()
    key = queries.write_ups_of(session, past.id)[0].id
    assert "A blog about it" in organiser.get("/staff/write-ups").text
    answer = organiser.send(f"/staff/write-ups/{key}/link", {"url": LINK, "back": "event"})
    assert answer.status_code == 303 and answer.location == f"/staff/events/{past.slug}/afterwards"
    for page in (f"/events/{past.slug}", "/write-ups"):
        assert f'href="{LINK}"' in client.get(page).text
    assert "Published 1 March 2027" in client.get("/write-ups").text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "not a link"])
def test_a_link_that_is_none_comes_back_with_a_sentence(
    session: Session, past: Event, staff: Any, clock: Any, url: str
) -> None:
    made = write_up(session, past, clock)
    answer = staff("organiser").send(f"/staff/write-ups/{made.id}/link", {"url": url})
    assert answer.status_code == 422
    assert "There is a problem" in answer.text and f'id="link-{made.id}-error"' in answer.text
    assert f'value="{url}"' in answer.text


def test_publishing_without_a_link_keeps_the_form(session: Session, past: Event, staff: Any) -> None:
    answer = staff("organiser").send(
        f"/staff/events/{past.slug}/write-ups/new", {"title": "Kept title", "state": "published"}
    )
    assert answer.status_code == 422
    assert "Paste the link" in answer.text and "Kept title" in answer.text


def test_a_write_up_is_changed_and_removed(session: Session, past: Event, staff: Any, clock: Any) -> None:
    organiser = staff("organiser")
    made = write_up(session, past, clock)
    address = f"/staff/write-ups/{made.id}"
    assert organiser.get(address).status_code == 200
    assert organiser.send(address, {"title": "Renamed", "state": "drafted"}).status_code == 303
    session.rollback()
    session.expire_all()
    assert (made.title, made.state) == ("Renamed", "drafted")
    assert organiser.send(f"{address}/remove").status_code == 303
    assert organiser.get(address).status_code == 404


def test_the_afterwards_page_says_what_is_left(session: Session, past: Event, staff: Any) -> None:
    organiser = staff("organiser")
    page = organiser.get(f"/staff/events/{past.slug}/afterwards").text
    assert page.count(">Not started<") == 3
    assert organiser.send(f"/staff/events/{past.slug}/headcount", {"came": "12"}).status_code == 303
    page = organiser.get(f"/staff/events/{past.slug}/afterwards").text
    assert page.count(">Not started<") == 2 and 'value="12"' in page
    answer = organiser.send(f"/staff/events/{past.slug}/headcount", {"came": "many"})
    assert answer.status_code == 422 and 'value="many"' in answer.text


def test_who_may(session: Session, staff: Any, clock: Any) -> None:
    owner, other, viewer = staff("facilitator"), staff("facilitator"), staff("viewer")
    event = make_event(session, owner_id=owner.account_id)
    asked = write_up(session, event, clock, owner_id=other.account_id, title="Asked")
    theirs = write_up(session, event, clock, title="Theirs")
    for page in ("afterwards", "notes", "write-ups/new"):
        address = f"/staff/events/{event.slug}/{page}"
        assert [who.get(address).status_code for who in (owner, other, viewer)] == [200, 403, 403]
    assert [who.get("/staff/write-ups").status_code for who in (owner, other, viewer)] == [200, 200, 200]
    assert other.get(f"/staff/write-ups/{asked.id}").status_code == 200
    assert other.get(f"/staff/write-ups/{theirs.id}").status_code == 403
    assert other.send(f"/staff/write-ups/{theirs.id}/link", {"url": LINK}).status_code == 403
    assert other.send(f"/staff/events/{event.slug}/notes/publish", {"revision": "0"}).status_code == 403
    assert other.send(f"/staff/events/{event.slug}/notes/withdraw").status_code == 403
    assert viewer.send(f"/staff/write-ups/{asked.id}/link", {"url": LINK}).status_code == 403


def test_the_public_list_has_pages_and_says_when_there_is_none(
    session: Session, past: Event, clock: Any, client: Any
) -> None:
    assert "Nothing has been written up yet" in client.get("/write-ups").text
    for number in range(21):
        write_up(session, past, clock, title=f"Blog {number}", state="published", url=LINK)
    from workshops.core.db import transaction
    from workshops.core.versions import touch_public

    with transaction() as writing:
        touch_public(writing)
    first = client.get("/write-ups")
    assert first.status_code == 200 and first.text.count('class="ds_search-result"') == 20
    assert client.get("/write-ups?page=2").text.count('class="ds_search-result"') == 1
    assert client.get("/write-ups?page=3").status_code == 404
    for odd in ("x", "0", "-1", "²", "9" * 40):
        assert client.get(f"/write-ups?page={odd}").status_code in (200, 404)
    assert client.get("/write-ups", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304

"""Messages for staff: read, held, released, changed, cancelled, tried again; within reach and written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from tests.factories import make_event, make_registration
from workshops.audit.models import AuditEntry
from workshops.config import Settings
from workshops.core import clock as system_clock
from workshops.core.db import transaction
from workshops.messages import queries, service, worker
from workshops.messages.models import OutboxMessage
from workshops.messages.service import drop_held_too_long
from workshops.messages.service.by_staff import fingerprint

LINK = "http://localhost/places/secret-token"


class Taking:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def send(self, parcel: Any) -> None:
        self.taken.append(parcel)

    def close(self) -> None:
        pass


def put(session: Session, event: Any, clock: Any, settings: Settings, **more: Any) -> OutboxMessage:
    event_id = event.id if event is not None else None
    values: dict[str, Any] = {
        "kind": "accounts/new_password", "to_email": "mairi@example.org", "to_name": "Màiri Example",
        "values": {"until": "10am"}, "links": {"account": LINK}, "dedupe_key": "one", "now": clock.now,
        "event_id": event_id, "settings": settings,
    }
    session.commit()  # a read that is open cannot become a write
    found = service.enqueue(session, **{**values, **more})
    assert found is not None
    session.commit()
    return found


def now_of(session: Session, message: OutboxMessage) -> OutboxMessage:
    session.rollback()
    session.refresh(message)
    return message


def send_all(settings: Settings, taking: Taking) -> int:
    return worker.send_due(settings, checks={}, transport=taking, clock=system_clock.now)


def press(client: Any, message: OutboxMessage, do: str) -> Any:
    session = object_session(message)
    assert session is not None
    number = message.id
    session.rollback()  # a read that is open would not see the change
    return client.send(f"/staff/messages/{number}", {"do": do})


def test_a_held_message_waits_until_it_is_released(
    staff: Any, session: Session, clock: Any, settings: Settings
) -> None:
    event = make_event(session)
    message = put(session, event, clock, settings)
    client = staff("organiser")
    assert press(client, message, "hold").status_code == 303
    clock.now += timedelta(hours=1)
    taking = Taking()
    assert send_all(settings, taking) == 0 and queries.queue_age(session, clock.now) == 0
    session.rollback()
    assert client.get("/readyz").status_code == 200
    assert "Held by staff" in client.get("/staff/messages?state=held").text
    assert press(client, message, "release").status_code == 303
    assert send_all(settings, taking) == 1 and now_of(session, message).state == "sent"
    actions = list(session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "message")))
    assert actions == ["message_held", "message_released"]


def test_a_message_held_until_it_is_too_late_is_dropped(session: Session, clock: Any, settings: Settings) -> None:
    message = put(session, None, clock, settings, drop_after=clock.now + timedelta(hours=1))
    message.held_at = clock.now
    session.commit()
    clock.now += timedelta(hours=2)
    with transaction() as write:
        assert drop_held_too_long(write, now=clock.now) == 1
    assert now_of(session, message).state == "cancelled" and message.sealed_links is None


def test_new_words_go_out_with_the_link_and_the_html_says_the_same(
    staff: Any, session: Session, clock: Any, settings: Settings
) -> None:
    event = make_event(session)
    message = put(session, event, clock, settings)
    client = staff("organiser")
    page = client.get(f"/staff/messages/{message.id}/edit").text
    assert "[[link:account]]" in page and "secret-token" not in page
    address = f"/staff/messages/{message.id}/edit"
    words = {"subject": "New <words>", "seen": fingerprint(message)}
    lost = client.send(address, {**words, "text": "Kept words, no link"})
    assert lost.status_code == 422 and "Kept words" in lost.text and "Leave [[link:account]]" in lost.text
    stranger = client.send(address, {**words, "text": "[[link:account]] [[link:other]]"})
    assert stranger.status_code == 422
    late = client.send(address, {**words, "seen": "other", "text": "[[link:account]]"})
    assert late.status_code == 422 and "changed while you were writing" in late.text
    text = "Hello <you>,\n\nhere it is:\n[[link:account]]\n\nSee https://example.org/a?b=1&c=2."
    assert client.send(address, {**words, "text": text}).status_code == 303
    taking = Taking()
    assert send_all(settings, taking) == 1
    mail = taking.taken[0].mail
    plain, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    assert mail["Subject"] == "New <words>" and LINK in plain and f'href="{LINK}"' in html
    assert "Hello &lt;you&gt;," in html and 'href="https://example.org/a?b=1&amp;c=2"' in html and "[[" not in html
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "message_edited")).one()
    assert entry.fields == "subject,text"


def test_what_moved_on_is_left_as_it_is(
    staff: Any, session: Session, clock: Any, settings: Settings
) -> None:
    message = put(session, make_event(session), clock, settings)
    client = staff("organiser")
    assert press(client, message, "cancel").status_code == 303
    assert now_of(session, message).state == "cancelled" and message.sealed_links is None
    answer = client.send(f"/staff/messages/{message.id}", {"do": "hold"}, follow_redirects=True)
    assert "has moved on" in answer.text and now_of(session, message).held_at is None
    assert client.get(f"/staff/messages/{message.id}/edit").status_code == 303
    assert client.send(f"/staff/messages/{message.id}", {"do": "nonsense"}).status_code == 303


def test_what_did_not_arrive_needs_attention_until_it_is_dealt_with(
    staff: Any, session: Session, clock: Any, settings: Settings
) -> None:
    event = make_event(session)
    person = make_registration(session, event, email="mairi@example.org")
    message = put(session, event, clock, settings, about=("registration", person.id))
    message.state, message.last_error, message.refused_at = "failed", "550 No such <user>", clock.now
    session.commit()
    client = staff("organiser")
    assert "1 message did not arrive" in client.get("/staff/").text
    assert "550 No such &lt;user&gt;" in client.get("/staff/messages").text
    for page in ("", f"/{person.id}"):
        shown = client.get(f"/staff/events/{event.slug}/people{page}").text
        assert "Mail to this address is refused: “550 No such &lt;user&gt;”" in shown
    assert press(client, message, "deal_with").status_code == 303
    assert "did not arrive</a>" not in client.get("/staff/").text
    later = put(session, event, clock, settings, dedupe_key="two")
    later.state, later.sent_at = "sent", clock.now + timedelta(minutes=5)
    session.commit()
    assert "is refused" not in client.get(f"/staff/events/{event.slug}/people").text


def test_nobody_sees_or_moves_messages_beyond_their_reach(
    staff: Any, session: Session, clock: Any, settings: Settings
) -> None:
    client = staff("facilitator")
    mine = put(session, make_event(session, slug="mine", owner_id=client.account_id), clock, settings)
    other = make_event(session, slug="theirs")
    theirs = put(session, other, clock, settings, dedupe_key="two", to_name="Somebody Else")
    nobodys = put(session, None, clock, settings, dedupe_key="three", to_name="A Colleague")
    listed = client.get("/staff/messages").text
    assert "Màiri Example" in listed and "Somebody Else" not in listed and "A Colleague" not in listed
    assert press(client, mine, "hold").status_code == 303
    for message in (theirs, nobodys):
        assert press(client, message, "cancel").status_code == 403
        assert client.get(f"/staff/messages/{message.id}/edit").status_code == 403
        assert now_of(session, message).state == "due"


def test_the_list_is_narrowed_and_paged(
    staff: Any, session: Session, clock: Any, settings: Settings
) -> None:
    for number in range(53):
        put(session, None, clock, settings, dedupe_key=str(number), to_email=f"p{number}@example.org", to_name="")
    client = staff("admin")
    assert "p52@example.org" in client.get("/staff/messages").text
    assert "p0@example.org" in client.get("/staff/messages?page=2").text
    found = client.get("/staff/messages?q=P17%40").text
    assert "p17@example.org" in found and "p18@" not in found
    for hostile in ("q=%00", "q=%25_", "state=nonsense", "page=-1", "page=99999999999999999999"):
        assert client.get(f"/staff/messages?{hostile}").status_code == 200

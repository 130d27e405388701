"""The world that guards look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import (
    make_event,
    make_programme,
    make_proposal,
    make_registration,
    make_venue,
    proposal_link,
)
from workshops.core.tokens import new_token, token_hash
from workshops.followup.models import Note, WriteUp
from workshops.proposals.models import AskForm
from workshops.registration.models import CalendarToken, Invitee, PlaceToken
from workshops.schedule.models import Room, Series, Topic
from workshops.schedule.queries import event_by_slug
from workshops.schedule.rules.questions import Question, kept_questions

ASKED = kept_questions((
    Question("What do you bring?"),
    Question("Which table?", "choice", ("Housing", "Health"), is_required=True),
    Question("Which days?", "choices", ("Monday", "Friday"), is_personal=True, reason="To plan breaks"),
))


@pytest.fixture
def world(session: Session, clock: FakeClock) -> dict[str, Any]:
    """An upcoming event with people in every state, a past one with follow-up, and links that open them."""
    event = make_event(session, slug="an-event", capacity_in_person=2)
    confirmed = make_registration(session, event)
    make_registration(session, event, state="offered", offer_expires_at=clock.now + timedelta(days=1))
    make_registration(session, event, state="waiting")
    past = make_event(session, slug="a-past-event", starts_at=clock.now - timedelta(days=5))
    make_registration(session, past)
    session.add(Note(event_id=past.id, text="Notes", published_text="Notes", state="published", updated_at=clock.now))
    write_up = WriteUp(event_id=past.id, uid="u", title="A report", url="https://example.org/report", state="published",
                       published_on=clock.now.date(), created_at=clock.now, updated_at=clock.now)  # fmt: skip
    session.add(write_up)
    place, calendar = new_token(), new_token()
    session.add(PlaceToken(registration_id=confirmed.id, token_hash=token_hash("place", place), created_at=clock.now))
    session.add(
        CalendarToken(email_key=confirmed.email_key, token_hash=token_hash("calendar", calendar), created_at=clock.now)
    )
    session.commit()
    return {"slug": ("an-event", "a-past-event"), "registration_id": (confirmed.id,), "write_up_id": (write_up.id,),
            "other_id": (confirmed.id + 1,),
            "token": (place, calendar), "format": ("csv", "xlsx"), "outcome": ("place", "waiting"),
            "kind": ("interpreter", "food"),
            "part": ("about", "when", "where", "registration", "questions", "who", "history")}  # fmt: skip


@pytest.fixture
def whole_world(session: Session, world: dict[str, Any], clock: FakeClock) -> dict[str, Any]:
    """The world of the guards, with an event that asks everything, a programme and a venue."""
    event = event_by_slug(session, "an-event")
    assert event is not None
    invitee = Invitee(
        event_id=event.id, email="guest@example.org", email_key="guest@example.org", invited_at=clock.now
    )
    session.add(invitee)
    programme = make_programme(session, host_form_is_open=True, ask_form_is_open=True, host_form_words="**Come in**")
    session.add(AskForm(id=1, is_open=True, words="Ask *us*"))
    proposals = [
        make_proposal(session, programme_id=programme.id),
        make_proposal(session, purpose="ask", state="changes", starts_on=None, when_words="In May", access="A ramp"),
        make_proposal(session, programme_id=programme.id, state="accepted", shows_names=True,
                      event_id=make_event(session, slug="a-hosts-draft", state="draft").id),
        make_proposal(session, programme_id=programme.id, state="accepted", shows_names=True,
                      event_id=event.id),
    ]
    links = tuple(proposal_link(session, one) for one in proposals)
    unconfirmed = make_proposal(session, programme_id=programme.id, state="unconfirmed")
    hybrid = make_event(session, slug="asks-everything", mode="hybrid", capacity_online=1, booking="by_approval",
                        venue_id=make_venue(session).id, questions=ASKED, admits="domains",
                        admitted_domains=["example.org"], programme_id=programme.id)  # fmt: skip
    asked = make_registration(session, hybrid, state="requested")
    room = Room(venue_id=hybrid.venue_id, name="Attic", name_key="attic")
    topics = [Topic(name=name, slug=name) for name in ("one", "two")]
    session.add_all([room, *topics])
    series = Series(title=hybrid.title, created_at=clock.now)
    session.add(series)
    session.flush()
    hybrid.series_id = series.id
    make_event(session, slug="another-date", series_id=series.id)
    session.commit()
    return {
        **world,
        "room_id": (room.id,),
        "topic_id": tuple(topic.id for topic in topics),
        "invitee_id": (invitee.id,),
        "slug": (*world["slug"], "asks-everything", programme.slug),
        "proposal_id": tuple(one.id for one in (*proposals, unconfirmed)),
        "token": (*world["token"], *links, proposal_link(session, unconfirmed, "confirm")),
        "registration_id": (*world["registration_id"], asked.id),
    }

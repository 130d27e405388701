"""Brings the demonstration into the states it does not have by itself, and prints the addresses that show them.

    python -m tests.browser.states

My place in every state of a registration, another date to move to, an event that is on now, links to set a password.
Printed as JSON: {"places": {state: path}, "links": {...}, "proposals": {...}}. Nothing here runs outside tests.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy.orm import Session

from tests.browser.proposals import Partners
from workshops.accounts import queries as account_queries
from workshops.accounts import service as accounts
from workshops.app import create_app
from workshops.audit.rules import COMMAND, person
from workshops.core import clock
from workshops.core.db import transaction
from workshops.core.london_time import london_date
from workshops.core.versions import touch_public
from workshops.messages.queries import messages_of_event
from workshops.messages.service import unsealed_links
from workshops.registration import service as registration
from workshops.registration.models import DatePollAnswer, Registration
from workshops.registration.queries import registrations_of
from workshops.registration.service.telling import mint_link
from workshops.schedule import service as schedule
from workshops.schedule.models import Event, Venue
from workshops.schedule.queries import event_by_slug
from workshops.schedule.rules.place_rules import PlaceRules, Share

FULL = "example-workshop-tools-and-methods"
APPROVAL = "example-conference-walking-the-talk"
OPEN = "example-awareness-session-what-is-co-production"
ON_NOW = "example-online-chat-power-and-inequality"
ONLINE_TOO = "example-learning-event-stories-as-evidence"


class Scene:
    """The demonstration, with what its use cases need."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session, self.now = session, now
        self.settings = current_app.extensions["workshops.settings"]
        self.places: dict[str, str] = {}

    def event(self, slug: str) -> Event:
        found = event_by_slug(self.session, slug)
        assert found is not None, slug
        return found

    def how(self) -> dict[str, Any]:
        return {"now": self.now, "settings": self.settings}

    def first(self, slug: str, state: str) -> Registration:
        """Whoever is longest in this state at the event."""
        return registrations_of(self.session, self.event(slug).id, (state,))[0]

    def show(self, name: str, one: Registration) -> None:
        link = mint_link(self.session, one, **self.how())
        self.places[name] = urlsplit(link).path

    def waiting_list(self) -> None:
        """Two leave a full event: one offer runs out, the next one stands, somebody still waits."""
        for name in ("cancelled", "cancelled too"):
            leaving = self.first(FULL, "confirmed")
            registration.cancel_place(
                self.session, registration_id=leaving.id, reason="", actor=person(leaving.id), **self.how()
            )
            self.show(name, leaving)
        late = self.first(FULL, "offered")
        late.offer_expires_at = self.now
        self.session.flush()
        registration.lapse_offers(self.session, **self.how())
        self.show("lapsed", late)
        self.show("offered", self.first(FULL, "offered"))
        for number in (99, 98):
            details = registration.Details(
                name=f"Example Person {number}", email=f"person{number}@example.org"
            )
            registration.register(
                self.session, event_id=self.event(FULL).id, details=details, if_full="wait", **self.how()
            )
        self.show("waiting", self.first(FULL, "waiting"))

    def poll(self) -> None:
        """Who waits for the full event is asked which other date suits; one answers."""
        event = self.event(FULL)
        first = london_date(event.sort_at) + timedelta(days=7)
        days = [first + timedelta(days=number) for number in (0, 1, 7)]
        asked = registration.ask_for_dates(self.session, event_id=event.id, days=days, actor=COMMAND, **self.how())
        self.session.flush()
        for mail in messages_of_event(self.session, event.id):
            links = unsealed_links(mail, settings=self.settings)
            if links and "poll" in links:
                self.places["poll"] = urlsplit(links["poll"]).path
        answer = self.session.query(DatePollAnswer).filter_by(poll_id=asked.id).order_by(DatePollAnswer.id).first()
        assert answer is not None
        registration.answer_poll(self.session, answer_id=answer.id, days=asked.days[:2], now=self.now)

    def approval(self) -> None:
        """One request is turned down, another one stands."""
        declined = self.first(APPROVAL, "requested")
        registration.decline_person(self.session, registration_id=declined.id, actor=COMMAND, **self.how())
        self.show("declined", declined)
        self.show("requested", self.first(APPROVAL, "requested"))

    def another_date(self) -> None:
        """The open event gets a second date, so that a place can be moved."""
        event = self.event(OPEN)
        when = schedule.when_of(event)
        assert when.starts_at is not None and when.ends_at is not None
        later = replace(
            when, starts_at=when.starts_at + timedelta(days=28), ends_at=when.ends_at + timedelta(days=28)
        )
        made = schedule.add_date(self.session, event_id=event.id, when=later, actor=COMMAND, **self.how())
        schedule.publish_event(self.session, event_id=made.event.id, actor=COMMAND, **self.how())
        self.show("confirmed", self.first(OPEN, "confirmed"))

    def event_states(self) -> None:
        """My place where the event is cancelled, postponed, moved, over, or on now."""
        for name, slug in (
            ("event cancelled", "example-learning-event-cancelled"),
            ("event postponed", "example-workshop-postponed"),
            ("event moved", "example-workshop-moved-to-another-day"),
            ("event over", "example-workshop-of-last-month"),
        ):
            self.show(name, self.first(slug, "confirmed"))
        event = self.event(ON_NOW)
        event.starts_at = event.sort_at = self.now - timedelta(minutes=30)
        event.ends_at = event.over_at = self.now + timedelta(minutes=50)
        self.show("on now", self.first(ON_NOW, "confirmed"))
        schedule.touch_event(self.session, event)
        touch_public(self.session)
        everybody = registrations_of(self.session, self.event(ONLINE_TOO).id, ("confirmed",))
        self.show("online", next(one for one in everybody if one.attending == "online"))

    def balanced_room(self) -> None:
        """Places are kept for some, and people have been asked whether they still come."""
        event = self.event(ONLINE_TOO)
        rules = PlaceRules(
            asks_days_before=30, frees_days_before=2, shares=(Share("in_person", "lived_experience", 2),),
            overbook_in_person=1,
        )  # fmt: skip
        schedule.change_place_rules(self.session, event_id=event.id, rules=rules, actor=COMMAND, **self.how())
        asked = self.first(ONLINE_TOO, "confirmed")
        asked.asked_at = self.now
        self.show("asked", asked)
        passing = self.first(OPEN, "confirmed")
        registration.offer_pass(
            self.session, registration_id=passing.id, name="Example Colleague", email="colleague@example.org",
            actor=COMMAND, **self.how(),
        )
        self.show("passing", passing)
        mail = messages_of_event(self.session, passing.event_id)[0]
        links = unsealed_links(mail, settings=self.settings)
        assert links is not None
        self.places["passed"] = urlsplit(links["pass"]).path

    def links(self) -> dict[str, str]:
        """A link to set a new password, and one that is used up."""
        account = accounts.create_account(
            self.session, email="viewer@example.org", role="viewer", name="", actor=COMMAND, **self.how()
        ).account
        used = accounts.make_link(self.session, account=account, purpose="invitation", **self.how())
        made = {
            purpose: accounts.make_link(self.session, account=account, purpose=purpose, **self.how())
            for purpose in ("new_password", "demonstration")
        }
        link = account_queries.link_by_token(self.session, used.rpartition("/")[2])
        assert link is not None
        link.used_at = self.now
        return {name: urlsplit(address).path for name, address in {**made, "used": used}.items()}


    def rooms(self) -> None:
        """A venue with a room of its own, and an organisation with somebody to ask."""
        venue = self.session.get_one(Venue, 1)
        schedule.save_room(
            self.session, venue_id=venue.id, room_id=None, name="Board room", capacity=12, actor=COMMAND, **self.how()
        )
        event = self.event(OPEN)
        assert event.host is not None
        event.host.contact_name, event.host.contact_phone = "Example Team", "0131 496 0000"
        event.host.website = "https://example.org/team"
        schedule.touch_event(self.session, event)


def main() -> None:
    """Make all of it in one transaction and print where it is."""
    with create_app().app_context():
        with transaction() as session:
            scene = Scene(session, clock.now())
            scene.waiting_list()
            scene.poll()
            scene.approval()
            scene.another_date()
            scene.event_states()
            scene.rooms()
            scene.balanced_room()
            links = scene.links()
            proposals = Partners(session, **scene.how()).show()
        print(json.dumps({"places": scene.places, "links": links, "proposals": proposals}))


if __name__ == "__main__":
    main()

"""Proposals in every state for the browser tests: where each page is, by the state it is in. Runs in tests alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.audit.rules import staff
from workshops.config import Settings
from workshops.core.versions import touch_public
from workshops.proposals import service
from workshops.proposals.models import Proposal
from workshops.proposals.rules import Details
from workshops.registration import service as registration
from workshops.schedule import service as schedule
from workshops.schedule.models import Event
from workshops.schedule.queries.staff import programme_by_slug
from workshops.schedule.rules.events import EventDetails

WEEK = "example-co-production-week"


class Partners:
    """Makes proposals with the use cases, as people would."""

    def __init__(self, session: Session, now: datetime, settings: Settings) -> None:
        self.session, self.how = session, {"now": now, "settings": settings}
        self.today = now.date()
        programme = programme_by_slug(session, WEEK)
        assert programme is not None
        programme.host_form_is_open = programme.ask_form_is_open = True
        programme.host_form_words = "Anybody can propose an event.\n\n- It has to be **free**."
        touch_public(session)
        self.programme = programme
        account = session.scalars(select(Account.id).order_by(Account.id).limit(1)).one()
        self.actor = staff(account)
        service.save_ask_form(session, is_open=True, words="We come to you.", now=now, actor=self.actor)
        self.pages: dict[str, str] = {}

    def make(self, name: str, purpose: str = "host", *, days: int = 60) -> Proposal:
        """One that is sent and not confirmed yet."""
        special: dict[str, Any] = {
            "kind": "workshop", "starts_on": self.today + timedelta(days=days), "start_time": "10:00",
            "end_time": "12:00", "venue_name": "Partner Hall", "venue_address": "2 Example Street, Inverness",
            "places": 25,
        } if purpose == "host" else {"when_words": "A morning in spring", "access": "A ramp"}  # fmt: skip
        before = set(self.session.scalars(select(Proposal.id)))
        service.propose(
            self.session,
            purpose=purpose,
            programme_id=self.programme.id if purpose == "host" else None,
            details=Details(
                organisation="Example Partner", name="Example Host", title=f"Example: {name}",
                summary="We walk through the town with its people.", **special,
            ),
            email=f"{name.replace(' ', '-')}@example.org",
            form_key="",
            **self.how,
        )  # fmt: skip
        made = self.session.scalars(select(Proposal).where(Proposal.id.not_in(before))).one()
        self.pages[f"confirm {name}"] = self._link(made, "confirm")
        return made

    def _link(self, proposal: Proposal, purpose: str) -> str:
        return urlsplit(service.mint_link(self.session, proposal, purpose, **self.how)).path

    def confirmed(self, name: str, purpose: str = "host", *, days: int = 60) -> Proposal:
        """One in the queue, with its own page and that of staff."""
        made = self.make(name, purpose, days=days)
        service.confirm(self.session, proposal_id=made.id, **self.how)
        self.pages[f"own {name}"] = self._link(made, "proposal")
        self.pages[f"staff {name}"] = f"/staff/proposals/{made.id}"
        return made

    def accepted(self, name: str, *, days: int) -> Event:
        """One of which a draft was made."""
        made = self.confirmed(name, days=days)
        said = service.details_of(made)
        details = EventDetails(title=said.title, kind=said.kind, when=said.when, host=said.organisation,
                               programme=self.programme.title, capacity_in_person=said.places)  # fmt: skip
        return service.accept(self.session, proposal_id=made.id, edition=made.edition, details=details,
                              message="We look forward to it.", actor=self.actor, **self.how)  # fmt: skip

    def show(self) -> dict[str, str]:
        """All states; the addresses of their pages."""
        self.make("unconfirmed")
        self.confirmed("waiting")
        self.confirmed("asked", "ask")
        answer: dict[str, Any] = {"actor": self.actor, **self.how}
        for name, decide in (("changes", service.ask_for_changes), ("declined", service.decline)):
            one = self.confirmed(name)
            decide(self.session, proposal_id=one.id, edition=one.edition, message="How many?\n\nAnd when?", **answer)
        service.withdraw(self.session, proposal_id=self.confirmed("withdrawn").id, now=self.how["now"])
        self.accepted("draft", days=61)
        published = self.accepted("published", days=62)
        schedule.publish_event(self.session, event_id=published.id, **answer)
        details = registration.Details(name="Example Guest", email="guest-of-host@example.org")
        registration.register(self.session, event_id=published.id, details=details, **self.how)
        proposal_id = int(self.pages["staff published"].rpartition("/")[2])
        service.grant_names(self.session, proposal_id=proposal_id, shows=True, reason="A list at the door",
                            now=self.how["now"], actor=self.actor)  # fmt: skip
        revoked = self.confirmed("revoked")
        service.revoke_links(self.session, proposal_id=revoked.id, now=self.how["now"], actor=self.actor)
        self.pages["closed"] = self._closed()
        return self.pages

    def _closed(self) -> str:
        """A programme whose forms are closed, with its address."""
        made = schedule.save_programme(
            self.session, programme_id=None, details=schedule.ProgrammeDetails(title="Example week without forms"),
            now=self.how["now"], actor=self.actor, settings=self.how["settings"],
        )  # fmt: skip
        return f"/programmes/{made.slug}/host-an-event"

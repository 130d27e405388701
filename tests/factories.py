"""Makes what a test is about; everything else has a plain default. Example people are at example.org."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.accounts.models import Account, SignIn
from workshops.core.tokens import token_hash
from workshops.proposals.models import Proposal, ProposalToken
from workshops.proposals.queries import hash_for
from workshops.registration.models import Registration
from workshops.schedule.models import Event, Host, Kind, Programme, Venue

BEGINNING = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
_numbers = count(1)


def make_account(
    session: Session,
    *,
    role: str = "organiser",
    email: str | None = None,
    name: str = "Example Organiser",
    now: datetime = BEGINNING,
) -> Account:
    address = email or f"{role}{next(_numbers)}@example.org"
    account = Account(email=address, email_key=address.lower(), name=name, role=role, is_active=True, created_at=now)
    session.add(account)
    session.commit()
    return account


def sign_in(session: Session, client: FlaskClient, account: Account, *, now: datetime = BEGINNING) -> None:
    """Sign a client in as its server-side row and cookie say, without the cost of a password."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignIn(
            account_id=account.id,
            token_hash=token_hash("sign_in", token),
            created_at=now,
            last_seen_at=now,
            browser="test",
        )
    )
    session.commit()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = token
        cookie["_fresh"] = True


def kind(session: Session, name: str = "workshop") -> Kind:
    return session.scalars(select(Kind).where(Kind.name == name)).one()


def make_host(session: Session, name: str = "Example Network") -> Host:
    found = session.scalars(select(Host).where(Host.name == name)).one_or_none()
    if found is None:
        found = Host(name=name, slug=f"host-{next(_numbers)}")
        session.add(found)
        session.commit()
    return found


def make_venue(session: Session, name: str = "Example Hall", **more: Any) -> Venue:
    values = {"address": "1 Example Street, Glasgow", "postcode": "G1 1AA", "area": "Glasgow City", **more}
    venue = Venue(name=name, name_key=name.lower(), address_key=str(values["address"]).lower(), **values)
    session.add(venue)
    session.commit()
    return venue


def make_programme(session: Session, title: str = "Example Week", **more: Any) -> Programme:
    slug = more.pop("slug", None) or f"programme-{next(_numbers)}"
    programme = Programme(title=title, slug=slug, title_key=title.lower(), **more)
    session.add(programme)
    session.commit()
    return programme


def make_event(session: Session, **overrides: Any) -> Event:
    """A published workshop in person with 10 places, open, 30 days after BEGINNING from 10am to 12 noon UTC."""
    number = next(_numbers)
    starts = overrides.pop("starts_at", BEGINNING + timedelta(days=30, hours=1))
    ends = overrides.pop("ends_at", starts + timedelta(hours=2) if starts else None)
    values: dict[str, Any] = {
        "uid": f"00000000-0000-4000-8000-{number:012d}",
        "slug": f"example-{number}",
        "title": f"Example workshop {number}",
        "summary": "An example.",
        "kind_id": kind(session).id,
        "host_id": make_host(session).id,
        "mode": "in_person",
        "starts_at": starts,
        "ends_at": ends,
        "state": "published",
        "booking": "first_come",
        "capacity_in_person": 10,
        "created_at": BEGINNING,
        "revised_at": BEGINNING,
        **overrides,
    }
    values.setdefault("folded", str(values["title"]).lower())
    values.setdefault("sort_at", _sort_at(values))
    values.setdefault("over_at", _over_at(values))
    event = Event(**values)
    session.add(event)
    session.flush()
    _make_vevent(session, event)
    session.commit()
    return event


def _make_vevent(session: Session, event: Event) -> None:
    from flask import current_app

    from workshops.schedule.calendar_entry import refresh_vevent

    refresh_vevent(event, settings=current_app.extensions["workshops.settings"])


def _sort_at(values: dict[str, Any]) -> datetime:
    if values.get("starts_at"):
        return values["starts_at"]  # type: ignore[no-any-return]
    day = values.get("starts_on") or date.fromisoformat(f"{values['month']}-01")
    return datetime.combine(day, time(0), tzinfo=UTC)


def _over_at(values: dict[str, Any]) -> datetime:
    if values.get("ends_at"):
        return values["ends_at"]  # type: ignore[no-any-return]
    if values.get("ends_on"):
        return datetime.combine(values["ends_on"] + timedelta(days=1), time(0), tzinfo=UTC)
    if values.get("month"):
        return _sort_at(values) + timedelta(days=31)
    return _sort_at(values)


def make_registration(session: Session, event: Event, **overrides: Any) -> Registration:
    """A confirmed place in person; counts on the event follow."""
    number = next(_numbers)
    email = overrides.pop("email", f"person{number}@example.org")
    values: dict[str, Any] = {
        "event_id": event.id,
        "reference": f"T{number:07d}",
        "name": f"Example Person {number}",
        "email": email,
        "email_key": email.lower(),
        "attending": "in_person",
        "state": "confirmed",
        "answers": {},
        "registered_at": BEGINNING + timedelta(seconds=number),
        "state_changed_at": BEGINNING + timedelta(seconds=number),
        **overrides,
    }
    if values["state"] in ("waiting", "offered"):
        values.setdefault("waiting_since", values["registered_at"])
    registration = Registration(**values)
    session.add(registration)
    if values["state"] in ("confirmed", "offered"):
        name = f"taken_{values['attending']}"
        setattr(event, name, getattr(event, name) + 1)
    elif values["state"] == "waiting":
        name = f"waiting_{values['attending']}"
        setattr(event, name, getattr(event, name) + 1)
    session.commit()
    return registration


def make_proposal(session: Session, **overrides: Any) -> Proposal:
    """A proposed event that waits for an answer; purpose="ask" makes it one asked for."""
    number = next(_numbers)
    email = overrides.pop("email", f"host{number}@example.org")
    values: dict[str, Any] = {
        "purpose": "host",
        "state": "waiting",
        "organisation": "Example Partner",
        "name": f"Example Host {number}",
        "email": email,
        "email_key": email.lower(),
        "title": f"Walk and talk {number}",
        "summary": "A walk through the town with people who made it what it is.",
        "kind": "workshop",
        "starts_on": date(2027, 4, 6),
        "start_time": "10:00",
        "end_time": "12:00",
        "mode": "in_person",
        "venue_name": "Partner Hall",
        "venue_address": "2 Example Street, Inverness",
        "postcode": "IV1 1AA",
        "area": "Highland",
        "places": 25,
        "topics": "co-production; power",
        "created_at": BEGINNING,
        "sent_at": BEGINNING,
        "state_changed_at": BEGINNING,
        **overrides,
    }
    if values["state"] == "unconfirmed":
        values["sent_at"] = None
    proposal = Proposal(**values)
    session.add(proposal)
    session.commit()
    return proposal


def proposal_link(session: Session, proposal: Proposal, purpose: str = "proposal") -> str:
    """A token that opens the page of a proposal, or confirms its address."""
    token = secrets.token_urlsafe(32)
    session.add(
        ProposalToken(
            proposal_id=proposal.id, purpose=purpose, token_hash=hash_for(purpose, token), created_at=BEGINNING
        )
    )
    session.commit()
    return token

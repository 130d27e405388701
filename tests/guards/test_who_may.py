"""Every route, called as everybody: what `accounts/role_table.py` says is what happens.

One programme with an organiser of its own, one event in it with an owner and somebody beside them, its people, its
write-up and its host; and for each line of the table each person, from admin to nobody, who sends what a page of it
would send. Nothing that is refused changes anything.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.conftest import FakeClock, FormClient
from tests.factories import (
    make_account,
    make_event,
    make_host,
    make_programme,
    make_proposal,
    make_registration,
    make_venue,
    proposal_link,
)
from tests.guards.world import contents, made_up
from workshops.accounts import role_table
from workshops.accounts.models import AccountLink, SignIn
from workshops.accounts.queries import LINK, SIGN_IN
from workshops.accounts.role_table import ACTORS, COLUMNS, TABLE, action_of, in_words
from workshops.core.db import db
from workshops.core.tokens import new_token, token_hash
from workshops.feeds.models import StaffCalendar
from workshops.feeds.rules import STAFF_PURPOSE
from workshops.followup.models import Note, WriteUp
from workshops.messages.models import OutboxMessage
from workshops.proposals.models import AskForm
from workshops.registration.models import CalendarToken, DatePoll, DatePollAnswer, Invitee, Needs, PlacePass, PlaceToken
from workshops.schedule.models import EventFacilitator, ProgrammeOrganiser, Room, Series, Topic

pytestmark = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)

#: The role of the account that stands for each of the people of the table; hosts and the public have none.
ROLES = {
    role_table.ADMIN: "admin",
    role_table.ORGANISER: "organiser",
    role_table.OTHER_ORGANISER: "organiser",
    role_table.OWNER: "facilitator",
    role_table.BESIDE: "facilitator",
    role_table.WRITER: "facilitator",
    role_table.FACILITATOR: "facilitator",
    role_table.VIEWER: "viewer",
}


@dataclass
class World:
    """Accounts by who they stand for, their sign-ins, and what may stand in an address, best values first."""

    app: Flask
    accounts: dict[str, Any] = field(default_factory=dict)
    #: The token and the id of each one's sign-in.
    sign_ins: dict[str, tuple[str, int]] = field(default_factory=dict)
    values: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    #: Values for one endpoint alone, where others would be of the wrong kind.
    only: dict[str, dict[str, tuple[Any, ...]]] = field(default_factory=dict)

    def browser(self, actor: str) -> FormClient:
        """A new browser of theirs: some answers end a sign-in, and the next call must not see that."""
        made = self.app.test_client()
        assert isinstance(made, FormClient)
        if actor in self.sign_ins:
            with made.session_transaction() as cookie:
                cookie["_user_id"], cookie["_fresh"] = self.sign_ins[actor][0], True
        return made


@pytest.fixture
def people(app: Flask, session: Session, clock: FakeClock) -> World:
    """The world of this test; see the top of the file."""
    world = World(app)
    for actor, role in ROLES.items():
        world.accounts[actor] = make_account(session, role=role, now=clock.now)
    mine, theirs = make_programme(session), make_programme(session, "Other Week")
    ids = {actor: account.id for actor, account in world.accounts.items()}
    session.add(ProgrammeOrganiser(programme_id=mine.id, account_id=ids[role_table.ORGANISER]))
    session.add(ProgrammeOrganiser(programme_id=theirs.id, account_id=ids[role_table.OTHER_ORGANISER]))
    venue, unused = make_venue(session), make_venue(session, "Nobody’s Hall")
    room = Room(venue_id=venue.id, name="Attic", name_key="attic")
    topics = [Topic(name=name, slug=name) for name in ("one", "two")]
    session.add_all([room, *topics])
    of_it = {"owner_id": ids[role_table.OWNER], "programme_id": mine.id, "venue_id": venue.id,
             "host_id": make_host(session).id}  # fmt: skip
    series = Series(title="Example series", created_at=clock.now)
    session.add(series)
    session.flush()
    coming = make_event(session, slug="coming", series_id=series.id, **of_it)
    past = make_event(session, slug="past", starts_at=clock.now - timedelta(days=5), **of_it)
    draft = make_event(session, slug="draft", state="draft", **of_it)
    cancelled = make_event(session, slug="cancelled", state="cancelled", **of_it)
    for event in (coming, past, draft, cancelled):
        session.add(EventFacilitator(event_id=event.id, account_id=ids[role_table.BESIDE]))
    confirmed, waiting = make_registration(session, coming), make_registration(session, coming, state="requested")
    offered = make_registration(session, coming, state="offered", offer_expires_at=clock.now + timedelta(days=1))
    make_registration(session, past)
    session.add(Note(event_id=past.id, text="Notes", published_text="Notes", state="published", updated_at=clock.now))
    write_up = WriteUp(event_id=past.id, uid="u", title="A report", url="https://example.org/report",
                       state="published", published_on=clock.now.date(), created_at=clock.now, updated_at=clock.now,
                       owner_id=ids[role_table.WRITER])  # fmt: skip
    message = OutboxMessage(dedupe_key="one", kind="registration/your_link", event_id=coming.id, subject="Your link",
                            to_email="person@example.org", body_text="Words", body_html="<p>Words</p>",
                            message_id="one@example.org", created_at=clock.now, due_at=clock.now)  # fmt: skip
    invitee = Invitee(event_id=coming.id, email="guest@example.org", email_key="guest@example.org",
                      invited_at=clock.now)  # fmt: skip
    session.add_all([write_up, message, invitee])
    session.add(Needs(registration_id=confirmed.id, access_needs="BSL", dietary_needs=""))
    session.flush()
    place, offer, calendar, link, passed, polled, staff_calendar = (new_token() for _ in range(7))
    poll = DatePoll(event_id=past.id, draft_id=draft.id, days=["2030-05-04"], created_at=clock.now)
    session.add(poll)
    session.flush()
    session.add(DatePollAnswer(poll_id=poll.id, registration_id=waiting.id,
                               token_hash=token_hash("date_poll", polled)))  # fmt: skip
    session.add(PlacePass(registration_id=confirmed.id, name="A Colleague", email="colleague@example.org",
                          token_hash=token_hash("pass", passed), created_at=clock.now,
                          expires_at=clock.now + timedelta(days=1)))  # fmt: skip
    for token, person in ((place, confirmed), (offer, offered)):
        session.add(PlaceToken(registration_id=person.id, token_hash=token_hash("place", token), created_at=clock.now))
    session.add(CalendarToken(email_key=confirmed.email_key, token_hash=token_hash("calendar", calendar),
                              created_at=clock.now))  # fmt: skip
    session.add(StaffCalendar(account_id=ids[role_table.ADMIN], whose="mine",
                              token_hash=token_hash(STAFF_PURPOSE, staff_calendar), created_at=clock.now))  # fmt: skip
    session.add(AccountLink(account_id=ids[role_table.ADMIN], purpose="new_password",
                            token_hash=token_hash(LINK, link), created_at=clock.now,
                            expires_at=clock.now + timedelta(hours=1)))  # fmt: skip
    session.commit()
    session.add(AskForm(id=1, is_open=True))
    mine.host_form_is_open = mine.ask_form_is_open = True
    waits = make_proposal(session, programme_id=mine.id)
    became = make_proposal(session, programme_id=mine.id, state="accepted", event_id=draft.id)
    runs = make_proposal(session, programme_id=mine.id, state="accepted", event_id=coming.id)
    world.values = {
        "proposal_id": (waits.id,),
        "slug": (coming.slug, past.slug, mine.slug),
        "registration_id": (confirmed.id, waiting.id),
        "other_id": (offered.id,),
        "write_up_id": (write_up.id,),
        "message_id": (message.id,),
        "venue_id": (venue.id, unused.id),
        "room_id": (room.id,),
        "host_id": (make_host(session).id,),
        "series_id": (series.id,),
        "topic_id": tuple(topic.id for topic in topics),
        "account_id": (ids[role_table.VIEWER],),
        "token": (place, offer, calendar, staff_calendar, link, passed, polled,
                  *(proposal_link(session, waits, purpose) for purpose in ("proposal", "confirm"))),
        "invitee_id": (invitee.id,),
        "part": ("about",),
        "whose": ("mine",),
        "kind": ("interpreter",),
        "format": ("csv",),
        "outcome": ("place",),
        "filename": (re.search(r"/static/([^\"]+)", app.test_client().get("/").get_data(as_text=True)).group(1),),
    }
    world.only = {
        "feeds.host_ics": {"slug": (make_host(session).slug,)},
        "followup.afterwards": {"slug": (past.slug,)},
        "schedule.publish_event": {"slug": (draft.slug,)},
        "proposals.staff_proposal": {"proposal_id": (runs.id,)},
        "proposals.names": {"proposal_id": (runs.id,)},
        "proposals.end_names": {"proposal_id": (runs.id,)},
        "proposals.edit_draft": {"token": (proposal_link(session, became),)},
        "proposals.host_an_event": {"slug": (mine.slug,)},
        "schedule.reinstate_event": {"slug": (cancelled.slug,)},
    }
    for actor, account in world.accounts.items():
        token = new_token()
        signed = SignIn(account_id=account.id, token_hash=token_hash(SIGN_IN, token), created_at=clock.now,
                        last_seen_at=clock.now, browser="test")  # fmt: skip
        session.add(signed)
        session.commit()
        world.sign_ins[actor] = (token, signed.id)
    session.rollback()
    return world


@contextlib.contextmanager
def taken_back(app: Flask, pristine: sqlite3.Connection) -> Iterator[None]:
    """What happens inside leaves no trace in the database."""
    yield
    db.session.remove()
    file: Path = app.extensions["workshops.settings"].instance / "workshops.sqlite3"
    with contextlib.closing(sqlite3.connect(file, timeout=10)) as used:
        pristine.backup(used)


def copy_of(app: Flask) -> sqlite3.Connection:
    """The database as it is, in memory."""
    db.session.remove()
    file: Path = app.extensions["workshops.settings"].instance / "workshops.sqlite3"
    kept = sqlite3.connect(":memory:")
    with contextlib.closing(sqlite3.connect(file, timeout=10)) as used:
        used.backup(kept)
    return kept


def tries(rule: Rule, world: World, actor: str) -> list[str]:
    """The addresses that may open a route, best first; with their own sign-in, where that stands in it."""
    choices: list[dict[str, Any]] = [{}]
    for name in sorted(rule.arguments):
        values = world.only.get(rule.endpoint, {}).get(name) or world.values.get(name)
        if name == "sign_in_id" and actor in world.sign_ins:
            values = (world.sign_ins[actor][1],)
        values = values or (made_up(rule._converters[name], name),)
        choices = [{**chosen, name: value} for chosen in choices for value in values]
    found = []
    for chosen in choices:
        with contextlib.suppress(Exception):  # a value that this address cannot hold
            built = rule.build(chosen, append_unknown=False)
            if built is not None:
                found.append(built[1])
    return found


def call(browser: FormClient, method: str, path: str) -> TestResponse:
    answer = browser.get(path) if method == "GET" else browser.send(path)
    answer.close()
    return answer


def there_is(people: World, method: str, path: str, pristine: sqlite3.Connection) -> bool:
    """Whether an admin finds something at this address."""
    with taken_back(people.app, pristine):
        return call(people.browser(role_table.ADMIN), method, path).status_code != 404


def is_refused(answer: TestResponse) -> bool:
    """Whether somebody was told that they may not, or was sent to sign in first."""
    return answer.status_code in (401, 403) or (
        answer.status_code == 303 and str(answer.location).startswith("/staff/sign-in?next=")
    )


def routes(app: Flask) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule))
        for method in ("GET", "POST")
        if method in (rule.methods or ())
    ]


def test_every_route_is_in_the_table_and_nothing_else_is(app: Flask) -> None:
    known = {(rule.endpoint, method) for rule, method in routes(app)}
    missing = sorted({f"{endpoint} {method}" for endpoint, method in known if action_of(endpoint, method) is None})
    assert missing == [], "add these to an action of workshops/accounts/role_table.py, or add an action"
    named = [one for actions in TABLE.values() for action in actions for one in action.endpoints]
    gone = [one for one in named if not any(one in (endpoint, f"{endpoint} {method}") for endpoint, method in known)]
    assert gone == [], "these routes are not there any more: take them out of workshops/accounts/role_table.py"
    assert len(named) == len(set(named)), "a route stands in two actions"


def test_every_route_lets_in_who_the_table_says_and_nobody_else(
    app: Flask, session: Session, people: World
) -> None:
    before = contents(session)
    pristine, wrong, calls = copy_of(app), [], 0
    for rule, method in routes(app):
        action = action_of(rule.endpoint, method)
        if action is None:
            continue  # the test above says so
        number = next((number for number, path in enumerate(tries(rule, people, role_table.ADMIN))
                       if there_is(people, method, path, pristine)), None)  # fmt: skip
        if number is None:
            wrong.append(f"{method} {rule.rule}: nothing is there for an admin; give it values in `people`")
            continue
        for actor in ACTORS:
            path = tries(rule, people, actor)[number]
            with taken_back(app, pristine):
                answer = call(people.browser(actor), method, path)
            calls += 1
            refused, may = is_refused(answer), actor in action.who
            if refused is may or answer.status_code in (404, 500):
                says = "allows" if may else "refuses"
                wrong.append(f"{method} {path} ({rule.endpoint}) answers {answer.status_code} to “{actor}”; "
                             f"the table {says} it")  # fmt: skip
    pristine.close()
    assert wrong == [], "\n".join(wrong)
    assert calls > 800, "hardly a route was called, so nothing is proved"
    assert contents(session) == before


def test_what_is_refused_changes_nothing(app: Flask, session: Session, people: World) -> None:
    before = contents(session)
    sent = 0
    for rule, method in routes(app):
        action = action_of(rule.endpoint, method)
        if method != "POST" or action is None:
            continue
        for actor in set(ACTORS) - action.who:
            for path in tries(rule, people, actor):
                answer = call(people.browser(actor), method, path)
                # a value of another kind, such as the slug of an event for a programme, names nothing
                assert is_refused(answer) or answer.status_code == 404, (path, actor)
                sent += is_refused(answer)
    assert sent > 200
    assert contents(session) == before


def test_the_page_says_what_the_table_says(people: World) -> None:
    page = people.browser(role_table.VIEWER).get("/staff/roles").get_data(as_text=True)
    for heading, actions in TABLE.items():
        assert heading in page
        for action in actions:
            assert action.words in page
            assert len(in_words(action)) == len(COLUMNS)


def test_the_test_sees_a_door_left_open(
    app: Flask, session: Session, people: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with reach switched off, other facilitators get in, and the walk above would say so."""
    browser = people.browser(role_table.FACILITATOR)
    assert is_refused(browser.get("/staff/events/coming/edit"))
    monkeypatch.setattr("workshops.schedule.rules.reach.Reach.may_run", lambda self, event: True)
    assert not is_refused(browser.get("/staff/events/coming/edit"))

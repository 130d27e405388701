"""Somebody lost the mail with their link. Whether an address is known shows nowhere but in its own mailbox."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy.orm import Session

from tests.factories import make_event, make_registration
from tests.journeys.conftest import Mail
from tests.journeys.person import Person


def without_tokens(html: str) -> str:
    """A page without what differs from one browser to the next."""
    return re.sub(r'(name="(?:csrf_token|form_key)"[^>]*value=")[^"]*', r"\1", html)


def test_a_known_and_an_unknown_address_see_the_same(
    session: Session, someone: Callable[[], Person], mail: Mail
) -> None:
    first, second = make_event(session, title="First table"), make_event(session, title="Second table")
    for event in (first, second):
        make_registration(session, event, email="Anna@example.org")
    seen = []
    for address in ("anna@example.org ", "nobody@example.org"):
        person = someone().open("/find-my-place").fill(email=address).press("Send")
        seen.append((person.path, person.answer.headers["Content-Length"], without_tokens(person.answer.text)))
    assert seen[0] == seen[1]

    (sent,) = mail()
    assert sent.to.lower() == "anna@example.org"
    assert "First table" in sent.text and "Second table" in sent.text
    places = sent.links("/places/")
    assert len(places) == 2
    assert {someone().open(link).heading for link in places} == {"You have a place"}


def test_the_form_to_register_tells_nobody_that_an_address_is_known(
    session: Session, someone: Callable[[], Person], mail: Mail
) -> None:
    make_event(session, slug="table")
    seen = []
    for who in ("anna", "anna", "ben"):
        person = someone().open("/events/table/register")
        person.fill(name="Example Person", email=f"{who}@example.org").press("Register")
        seen.append((person.path, without_tokens(person.answer.text)))
    assert len(set(seen)) == 1
    assert [letter.kind.rpartition("-")[2] for letter in mail(to="anna@example.org")] == [
        "place_confirmed", "already_registered",
    ]  # fmt: skip
    assert len(mail(to="ben@example.org")) == 1

"""What every journey needs: people, the worker, and the mail it wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import FakeClock, FormClient
from tests.journeys.letters import Letter, letters
from tests.journeys.person import Person
from workshops.config import Settings
from workshops.messages.worker import do_once

Mail = Callable[..., list[Letter]]


@pytest.fixture
def organiser(staff: Callable[..., FormClient]) -> Person:
    """Somebody who runs all events, signed in."""
    return Person(staff("organiser"))


@pytest.fixture
def worker(app: Flask, settings: Settings, clock: FakeClock) -> Callable[[], int]:
    """worker() does all that is due now: offers that ran out, and mail."""

    def run() -> int:
        tables: dict[str, Any] = app.extensions["workshops.tables"]
        # in a context of its own, as in a process of its own: the test's session stays as it is
        with app.app_context():
            return do_once(settings, checks=tables["checks"], due_work=tables["due_work"], clock=lambda: clock.now)

    return run


@pytest.fixture
def mail(worker: Callable[[], int], settings: Settings) -> Mail:
    """mail(to=..., kind=...) lets the worker run and gives what has arrived so far, oldest first."""

    def arrived(*, to: str = "", kind: str = "") -> list[Letter]:
        worker()
        return letters(settings.mail_folder, to=to, kind=kind)

    return arrived


@pytest.fixture
def register(someone: Callable[[], Person]) -> Callable[..., Person]:
    """register(slug, "anna") fills in the form as Anna (anna@example.org) and sends it."""

    def come(slug: str, who: str, *, status: int = 200, **answers: str) -> Person:
        person = someone().open(f"/events/{slug}/register")
        person.fill(name=f"{who.capitalize()} Example", email=f"{who}@example.org", **answers)
        words = next(button[0] for form in person.seen.forms if "email" in form.fields for button in form.buttons)
        return person.press(words, status)

    return come

"""Brings an event of a race to where it is full and people wait, and changes its capacity while the race runs.

    python -m tests.races.crowd fill SLUG PEOPLE      # prints {address: path of My place} of everybody
    python -m tests.races.crowd resize SLUG PLACES

Through the application's own use cases; personal links are only known to whoever mints them.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from urllib.parse import urlsplit

from flask import current_app

from workshops.app import create_app
from workshops.audit.rules import COMMAND
from workshops.core.clock import now
from workshops.core.db import transaction
from workshops.registration import service as registration
from workshops.registration.queries import registrations_of
from workshops.registration.service.telling import mint_link
from workshops.schedule import service as schedule
from workshops.schedule.queries import event_by_slug


def fill(slug: str, people: int) -> dict[str, str]:
    """Register so many people, who wait when all is full; address -> path of their My place."""
    settings = current_app.extensions["workshops.settings"]
    with transaction() as session:
        event = event_by_slug(session, slug)
        assert event is not None
        for number in range(people):
            details = registration.Details(name=f"Early Example {number}", email=f"early{number}@example.org")
            registration.register(
                session, event_id=event.id, details=details, if_full="wait", now=now(), settings=settings
            )
        everybody = registrations_of(session, event.id)
        links = {one.email: mint_link(session, one, now=now(), settings=settings) for one in everybody}
        return {email: urlsplit(link).path for email, link in links.items()}


def resize(slug: str, places: int) -> None:
    """Give the event so many places, and tell nobody of the change."""
    settings = current_app.extensions["workshops.settings"]
    with transaction() as session:
        event = event_by_slug(session, slug)
        assert event is not None
        details = replace(schedule.details_of(session, event), capacity_in_person=places)
        schedule.change_event(
            session, event_id=event.id, details=details, tell=False, now=now(), actor=COMMAND, settings=settings
        )


def main() -> None:
    """Do what the arguments say."""
    what, slug, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with create_app().app_context():
        if what == "fill":
            print(json.dumps(fill(slug, number)))
        else:
            resize(slug, number)


if __name__ == "__main__":
    main()

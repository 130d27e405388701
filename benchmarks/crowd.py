"""Puts many people on an event, in few statements, so that a registration can be measured beside them.

    python -m benchmarks.crowd SLUG PEOPLE
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from sqlalchemy import insert

from workshops.app import create_app
from workshops.core.db import transaction
from workshops.registration.models import Registration
from workshops.schedule.queries import event_by_slug

AT_ONCE = 1_000


def main() -> None:
    """Everybody has a place."""
    slug, people = sys.argv[1], int(sys.argv[2])
    now = datetime.now(UTC)
    with create_app().app_context(), transaction() as session:
        event = event_by_slug(session, slug)
        assert event is not None
        for first in range(0, people, AT_ONCE):
            session.execute(
                insert(Registration),
                [
                    {
                        "event_id": event.id, "reference": f"C{number:09d}", "name": f"Crowd Example {number}",
                        "email": f"crowd{number}@example.org", "email_key": f"crowd{number}@example.org",
                        "attending": "in_person", "state": "confirmed", "outcome": "place", "answers": {},
                        "registered_at": now, "state_changed_at": now,
                    }
                    for number in range(first, min(people, first + AT_ONCE))
                ],
            )  # fmt: skip
        event.taken_in_person += people


if __name__ == "__main__":
    main()

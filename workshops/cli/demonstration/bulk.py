"""Events in bulk, with people, for measurements: the spreadsheet's own way in, then rows of people at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.core.london_time import to_london
from workshops.registration.models import Registration
from workshops.registration.service.registering import new_reference
from workshops.schedule import service
from workshops.schedule.models import Event
from workshops.schedule.rules.events import AREAS
from workshops.schedule.rules.spreadsheet import COLUMNS

#: Rows imported in one transaction.
CHUNK = 1_000
PEOPLE_EACH = 10
KINDS = ("workshop", "learning event", "round-table", "awareness session")


def make_events(count: int, *, now: datetime, settings: Settings, say: Callable[[str], object]) -> None:
    """Make `count` published upcoming events with PEOPLE_EACH people each. Again: no more than are missing."""
    made = 0
    for first in range(0, count, CHUNK):
        numbers = range(first, min(first + CHUNK, count))
        with transaction() as session:
            report = service.import_rows(
                session,
                text_or_bytes=_spreadsheet(numbers, now),
                filename="scale.csv",
                publish=True,
                dry_run=False,
                now=now,
                actor=COMMAND,
                settings=settings,
            )
            if report.problems:
                raise DomainError("The events in bulk do not fit.")
            slugs = [f"scale-event-{number}" for number in numbers]
            empty = select(Event.id).where(Event.slug.in_(slugs), Event.taken_in_person == 0)
            ids = list(session.scalars(empty))
            if ids:
                session.execute(insert(Registration), [row for event_id in ids for row in _people(event_id, now)])
                session.execute(update(Event).where(Event.id.in_(ids)).values(taken_in_person=PEOPLE_EACH))
            made += len(ids)
    say(f"{made} events with {PEOPLE_EACH} people each are new.")


def _spreadsheet(numbers: range, now: datetime) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [*COLUMNS, "slug"], restval="")
    writer.writeheader()
    for number in numbers:
        starts = to_london(now + timedelta(days=1 + number % 300)).replace(hour=9 + number % 8, minute=0)
        writer.writerow(
            {
                "title": f"Scale event {number}",
                "slug": f"scale-event-{number}",
                "programme": f"Scale programme {number % 20}",
                "kind": KINDS[number % len(KINDS)],
                "host": f"Scale host {number % 30}",
                "starts": starts.strftime("%Y-%m-%dT%H:%M"),
                "ends": (starts + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"),
                "venue": f"Scale hall {number % 100}",
                "address": f"{number % 100} Scale Street",
                "area": AREAS[number % 32],
                "mode": "in person",
                "booking": "first come",
                "capacity_in_person": "100",
                "topics": "co-production",
                "summary": "One of many, for measurements.",
                "write_up_status": "none",
            }
        )
    return out.getvalue()


def _people(event_id: int, now: datetime) -> list[dict[str, object]]:
    return [
        {
            "event_id": event_id,
            "reference": new_reference(),
            "name": f"Scale Person {number}",
            "email": f"scale{event_id}.{number}@example.org",
            "email_key": f"scale{event_id}.{number}@example.org",
            "organisation": "",
            "job_title": "",
            "sector": "",
            "attending": "in_person",
            "state": "confirmed",
            "question": "",
            "answers": {},
            "outcome": "place",
            "registered_at": now,
            "state_changed_at": now,
            "cancel_reason": "",
        }
        for number in range(PEOPLE_EACH)
    ]

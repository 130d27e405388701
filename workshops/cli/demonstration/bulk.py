"""Events in bulk, with people, for measurements: the spreadsheet's own way in, then rows of people at once.

The first of them are a made festival of ten days; all others lie over 300 days, at up to 1,000 venues.
"""

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
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.events import AREAS
from workshops.schedule.rules.spreadsheet import COLUMNS

#: Rows imported in one transaction.
CHUNK = 1_000
PEOPLE_EACH = 10
KINDS = ("workshop", "learning event", "round-table", "awareness session")
#: Of these one in 34 is online and no venue, which leaves 1,000.
VENUES = 1_030
HOSTS = 200
TOPICS = (
    "co-production", "policy", "evidence", "lived experience", "stories", "tools and methods", "power", "inequality",
    "community capacity building", "participation", "health", "housing", "transport", "climate", "childcare", "justice",
    "rural life", "islands", "budgets", "digital", "volunteering", "culture", "food", "land",
)  # fmt: skip

FESTIVAL = "Scale festival"
#: The festival: so many events by so many hosts over ten days, of which one is empty.
FESTIVAL_EVENTS = 90
FESTIVAL_HOSTS = 30
FESTIVAL_DAYS = (0, 1, 2, 3, 4, 6, 7, 8, 9)
#: Several begin at the same time, as at a real one.
FESTIVAL_TIMES = ((10, 0), (10, 0), (10, 30), (11, 0), (13, 0), (13, 0), (14, 0), (14, 30), (16, 0), (18, 30))
#: Days from today until it begins.
FESTIVAL_BEGINS = 40


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
            empty = Event.taken_in_person + Event.taken_online == 0
            rows = session.execute(select(Event.id, Event.mode).where(Event.slug.in_(slugs), empty)).all()
            ids = [event_id for event_id, _ in rows]
            if ids:
                session.execute(insert(Registration), [one for row in rows for one in _people(*row, now)])
                for mode, column in (("in_person", Event.taken_in_person), ("online", Event.taken_online)):
                    change = update(Event).where(Event.id.in_(ids), Event.mode == mode)
                    session.execute(change.values({column: PEOPLE_EACH}))
                for key, audience in enumerate(AUDIENCES):  # the spreadsheet has no column for it
                    some = Event.id % (len(AUDIENCES) + 1) == key
                    session.execute(update(Event).where(Event.id.in_(ids), some).values(audience=audience))
            made += len(ids)
    say(f"{made} events with {PEOPLE_EACH} people each are new.")


def _spreadsheet(numbers: range, now: datetime) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [*COLUMNS, "slug"], restval="")
    writer.writeheader()
    for number in numbers:
        writer.writerow(_festival_row(number, now) if number < FESTIVAL_EVENTS else _row(number, now))
    return out.getvalue()


def _row(number: int, now: datetime) -> dict[str, str]:
    starts = to_london(now + timedelta(days=1 + number % 300)).replace(hour=9 + number % 8, minute=0)
    return {
        **_common(number, starts),
        "title": f"Scale event {number}",
        "programme": f"Scale programme {number % 20}",
        "host": f"Scale host {number % HOSTS}",
    }


def _festival_row(number: int, now: datetime) -> dict[str, str]:
    hour, minute = FESTIVAL_TIMES[number // len(FESTIVAL_DAYS)]
    day = to_london(now + timedelta(days=FESTIVAL_BEGINS + FESTIVAL_DAYS[number % len(FESTIVAL_DAYS)]))
    return {
        **_common(number * 7, day.replace(hour=hour, minute=minute)),
        "title": f"Scale festival event {number}",
        "slug": f"scale-event-{number}",
        "programme": FESTIVAL,
        "host": f"Scale host {number % FESTIVAL_HOSTS}",
    }


def _common(number: int, starts: datetime) -> dict[str, str]:
    """What all of them have. The area follows from the venue, as in life; one in 34 is online."""
    area = AREAS[number % VENUES % len(AREAS)]
    place = {"mode": "online"} if area == "Online" else {
        "mode": "in person",
        "venue": f"Scale hall {number % VENUES}",
        "address": f"{number % VENUES} Scale Street",
    }  # fmt: skip
    topics = dict.fromkeys(TOPICS[number * step % len(TOPICS)] for step in (1, 5, 11)[: 1 + number % 3])
    return {
        **place,
        "slug": f"scale-event-{number}",
        "kind": KINDS[number % len(KINDS)],
        "starts": starts.strftime("%Y-%m-%dT%H:%M"),
        "ends": (starts + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"),
        "area": area,
        "booking": "first come",
        ("capacity_online" if area == "Online" else "capacity_in_person"): "100",
        "topics": ";".join(topics),
        "summary": "One of many, for measurements.",
        "write_up_status": "none",
    }


def _people(event_id: int, mode: str, now: datetime) -> list[dict[str, object]]:
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
            "attending": mode,
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

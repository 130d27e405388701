"""An event is moved twice, goes online and is called off: every program holds what is true after each step.

The public calendar as each of nine programs reads it, and once an invitation as they read that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event, make_venue
from tests.journeys.conftest import Mail, mail, organiser, register, worker
from tests.journeys.person import Person
from tests.readers.life import Life
from tests.readers.seen import READERS
from tests.readers.test_clients_keep_in_step import asked, radicale, served, synchronised
from tests.readers.test_programs_agree import TELLS_TEXT, TELLS_UIDS
from workshops.schedule.calendar_entry import location_words

__all__ = ["mail", "organiser", "radicale", "register", "worker"]  # fixtures

#: Where the computers stand: neither in Scotland nor at a whole number of hours from it.
ZONE = "Asia/Kolkata"


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_an_event_moved_twice_switched_online_and_cancelled_is_right_in_every_program(
    app: Flask, session: Session, organiser: Person, register: Callable[..., Person], mail: Mail, clock: FakeClock,
    someone: Callable[[], Person], radicale: str, tmp_path: Path,
) -> None:  # fmt: skip
    make_event(session, slug="a-life", title="A life in mails", venue_id=make_venue(session, "Old Hall").id)
    life = Life(session, organiser, register, mail, clock, someone)
    with served(app) as base:
        sync = synchronised(f"{base}/calendar.ics", tmp_path / "synchronised", tmp_path)
        for number, step in enumerate(["arrives", "moved", "on_another_day", "online", "cancelled"]):
            clock.advance(minutes=7)
            getattr(life, step)()
            life.check(step)
            feed = someone().open("/calendar.ics").answer.data
            check_programs(life, feed, tmp_path / f"feed-{number}", step)
            check_synchronised(life, list(sync().values()), step)
            check_radicale(life, f"{radicale}a-life.ics", someone().open("/events/a-life.ics").answer.data, step)
            if step == "online":  # from mail to mail: test_life_of_an_invitation.py
                part = life.letters()[-1].calendar_part
                assert part is not None
                check_programs(life, part.get_payload(decode=True), tmp_path / "mail", step)  # type: ignore[arg-type]


def check_programs(life: Life, calendar: bytes, folder: Path, step: str) -> None:
    """Every program sees the one event as the database holds it."""
    event = life.event()
    title = f"Cancelled: {event.title}" if event.state == "cancelled" else event.title
    for name, read in READERS.items():
        (folder / name).mkdir(parents=True)
        found = read(calendar, ZONE, folder / name)
        key = event.uid if name in TELLS_UIDS else title
        assert list(found) == [key], (step, name)
        assert (found[key].starts, found[key].ends) == (event.starts_at, event.ends_at), (step, name)
        if name in TELLS_TEXT:
            assert (found[key].summary, found[key].location) == (title, location_words(event)), (step, name)
        if found[key].status:
            assert found[key].status == ("CANCELLED" if event.state == "cancelled" else "CONFIRMED"), (step, name)


def check_synchronised(life: Life, files: list[bytes], step: str) -> None:
    """vdirsyncer keeps exactly one item, which is the event as it is now; it writes a UID of its own into it."""
    (file,) = files
    assert_is(life, file, step, with_uid=False)


def check_radicale(life: Life, url: str, file: bytes, step: str) -> None:
    """A CalDAV server takes the event in place of what it had, and gives back the same."""
    status, words = asked("PUT", url, file)
    assert status in (201, 204), (step, words)
    status, kept = asked("GET", url)
    assert status == 200
    assert_is(life, kept.encode(), step)


def assert_is(life: Life, file: bytes, step: str, *, with_uid: bool = True) -> None:
    event = life.event()
    (entry,) = Calendar.from_ical(file).walk("VEVENT")
    starts: datetime = entry["DTSTART"].dt
    assert starts.astimezone(UTC) == event.starts_at, step
    assert str(entry["UID"]) == event.uid or not with_uid, step
    assert str(entry["STATUS"]) == ("CANCELLED" if event.state == "cancelled" else "CONFIRMED"), step
    assert str(entry["LOCATION"]) == location_words(event) and int(entry["SEQUENCE"]) == event.sequence, step

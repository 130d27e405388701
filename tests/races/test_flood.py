"""More people than the server can serve come to one event within a minute: everybody gets an answer in words.

Nobody sees an error page, a limit says when to come again, and what was promised is what is stored.
"""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from tests.races.instance import Instance, Server
from tests.races.people import ANSWER_S, _HiddenFields
from tests.races.test_races import database_beside, read
from workshops.registration.models import Registration
from workshops.registration.views.public import REGISTER_PER_CLIENT
from workshops.schedule.models import Event

PEOPLE, SECONDS = 240, 3.0
ALL_PEOPLE, ALL_SECONDS = 5_000, 60.0
PLACES = 25
AT_ONCE = 64
#: So many come through the one address of a large office, which is more than one address may send.
OFFICE, FROM_OFFICE = "203.0.113.9", REGISTER_PER_CLIENT.count + 60


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def instance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """An instance of its own on each engine, with its limits on and behind a proxy."""
    url = None if request.param == "sqlite" else database_beside(request.getfixturevalue("postgresql_url"))
    more = {"WORKSHOPS_RATE_LIMITS": "on", "WORKSHOPS_TRUSTED_PROXIES": "127.0.0.1/32"}
    made = Instance(tmp_path_factory.mktemp(f"flood-{request.param}"), url, more)
    made.command("db", "upgrade")
    made.import_events([{"slug": slug, "capacity_in_person": str(PLACES)} for slug in ("flood", "all")])
    return made


@pytest.fixture(scope="module")
def server(instance: Instance) -> Iterator[Server]:
    with instance.served() as running:
        yield running


def test_a_flood_is_answered_in_words(instance: Instance, server: Server) -> None:
    flood(instance, server, "flood", PEOPLE, SECONDS)


@pytest.mark.full
def test_5000_people_in_60_seconds_are_answered_in_words(instance: Instance, server: Server) -> None:
    flood(instance, server, "all", ALL_PEOPLE, ALL_SECONDS)


@dataclass(frozen=True)
class Seen:
    """What one person saw at the end: status, page, and when to come again."""

    status: int
    page: str
    retry_after: str | None


def flood(instance: Instance, server: Server, slug: str, people: int, seconds: float) -> None:
    """Let them come evenly over the time and check what they saw and what is stored."""
    wait_for_a_window(seconds)
    begun = time.monotonic()
    said: Counter[int] = Counter()

    def come(number: int) -> Seen:
        time.sleep(max(0.0, begun + seconds * number / people - time.monotonic()))
        address = OFFICE if number < FROM_OFFICE else f"198.18.{number // 250}.{number % 250}"
        return visit(server.port, slug, number, address)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(come, range(people)))
    took = time.monotonic() - begun
    said.update(one.status for one in seen)
    print(f"{people} people came within {seconds:.0f} s and were answered within {took:.0f} s: {dict(said)}")
    assert set(said) <= {303, 429, 503}, (said, server.log.read_text(errors="replace")[-2000:])
    assert said[429] >= FROM_OFFICE - REGISTER_PER_CLIENT.count, "a limit was not kept"
    for one in seen:
        if one.status != 303:
            assert one.retry_after and int(one.retry_after) > 0
            assert "There is a problem" in one.page or "<h1" in one.page
        if one.status == 429:
            assert 'value="Example Person' in one.page, "what was typed is lost"
    states = Counter(
        read(instance, sa.select(Registration.state).join(Event).where(Event.slug == slug))
    )
    assert sum(states.values()) == said[303], "an answer that promised something is not stored, or the other way round"
    assert states == {"confirmed": PLACES, "waiting": said[303] - PLACES}
    (event,) = read(instance, sa.select(Event).where(Event.slug == slug))
    assert (event.taken_in_person, event.waiting_in_person) == (PLACES, said[303] - PLACES)


def wait_for_a_window(seconds: float) -> None:
    """Limits count in fixed windows of the clock: begin where the window does not end while people come."""
    left = REGISTER_PER_CLIENT.window_s - time.time() % REGISTER_PER_CLIENT.window_s
    if left < 3 * seconds + 15:
        time.sleep(left + 0.1)


def visit(port: int, slug: str, number: int, address: str) -> Seen:
    """One person opens the form and sends it, over one connection of a proxy that says where they come from."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    path, headers = f"/events/{slug}/register", {"X-Forwarded-For": address}
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        page = response.read().decode()
        if response.status != 200:
            return Seen(response.status, page, response.headers.get("Retry-After"))
        headers["Cookie"] = "; ".join(value.split(";")[0] for value in response.headers.get_all("Set-Cookie", []))
        parser = _HiddenFields()
        parser.feed(page)
        typed = {"name": f"Example Person {number}", "email": f"person{number}@example.org", "if_full": "wait"}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST", path, urlencode({**parser.found, **typed}).encode(), headers)
        response = connection.getresponse()
        return Seen(response.status, response.read().decode(), response.headers.get("Retry-After"))
    finally:
        connection.close()

"""Calendar programs that look again and again: many different feeds at a steady rate, most asking only what is new.

The rate does not wait for answers (an open loop): a poll is due at its time, and its latency counts from there, so a
server that falls behind shows it. Every few seconds something public changes, and with that every feed is made anew
when it is asked for next. Bounded in count and time; only this machine is asked.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from benchmarks import processes
from benchmarks.load import Connection, Response
from tests.races.instance import Instance, Server

#: Polls a second, for how many seconds, over how many different feeds of at most how many events.
RATE, SECONDS, FEEDS, EVENTS_MAX = 50, 60, 1000, 200
#: Of ten polls so many send the ETag they got last.
CONDITIONAL_OF_TEN = 9
#: Something public changes once in so many seconds.
CHANGE_EVERY_S = 10
P99_AIM_MS = 200
CONNECTIONS = 16
_CHANGED = "UPDATE public_version SET version = version + 1"
_OPTION = re.compile(r'<option value="([^"]+)"')


@dataclass
class Polled:
    """What a run of polls saw. latencies: ms from when each was due.   memory: MiB of PSS at points of the run."""

    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[str, float]] = field(default_factory=list)
    processor_s: float = 0.0
    changes: int = 0

    def p(self, share: float) -> float:
        """A quantile of the latencies."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def candidates(options: dict[str, list[str]]) -> Iterator[str]:
    """Addresses of feeds: of venues, and of what the list can be narrowed to."""
    yield from (f"/venues/{number}.ics" for number in range(1, 1101))
    for area, kind in itertools.product(options["area"], options["kind"]):
        yield f"/calendar.ics?kind={kind}&area={area}"
    for area, way in itertools.product(options["area"], ("online", "in_person")):
        for kind in options["kind"]:
            yield f"/calendar.ics?kind={kind}&area={area}&attending={way}"


async def _options(connection: Connection) -> dict[str, list[str]]:
    page = (await connection.ask("page", "GET /calendars")).body.decode("utf-8")
    found = {}
    for name in ("area", "kind"):
        part = page.partition(f'name="{name}"')[2].partition("</select>")[0]
        found[name] = _OPTION.findall(part)
    return found


async def find_feeds(port: int) -> dict[str, str]:
    """FEEDS addresses with the ETag of each, with at least one event and at most EVENTS_MAX."""
    connection, found = Connection(port, {}), dict[str, str]()
    for path in candidates(await _options(connection)):
        answer = await connection.ask("page", f"GET {path}")
        if answer.status == 200 and 1 <= answer.body.count(b"BEGIN:VEVENT") <= EVENTS_MAX:
            found[path] = answer.headers["etag"]
        if len(found) == FEEDS:
            break
    connection.close()
    if len(found) < FEEDS:
        raise SystemExit(f"only {len(found)} feeds of up to {EVENTS_MAX} events are there, of {FEEDS}")
    return found


async def poll(server: Server, etags: dict[str, str], change: sa.Engine, *, seconds: int, polled: Polled) -> None:
    """Ask for feeds at RATE for so many seconds, and change something now and then."""
    chance, paths = random.Random(1), list(etags)
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(Connection(server.port, {}))

    async def one(due: float, path: str, is_conditional: bool) -> None:
        connection = await idle.get()
        headers = f"If-None-Match: {etags[path]}\r\n".encode() if is_conditional else b""
        try:
            answer = await connection.ask("poll", f"GET {path}", headers)
            polled.latencies.append((time.perf_counter() - due) * 1000)
            _note(polled, answer, path, is_conditional)
            etags[path] = answer.headers.get("etag", "")
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            polled.errors.append(f"{path}: {error!r}")
        finally:
            idle.put_nowait(connection)

    began, tasks = time.perf_counter(), []
    for number in range(RATE * seconds):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if number % (RATE * CHANGE_EVERY_S) == RATE:
            await asyncio.to_thread(_change, change)
            polled.changes += 1
        is_conditional = chance.randrange(10) < CONDITIONAL_OF_TEN
        tasks.append(asyncio.create_task(one(due, chance.choice(paths), is_conditional)))
    await asyncio.gather(*tasks)
    while not idle.empty():
        idle.get_nowait().close()


def _note(polled: Polled, answer: Response, path: str, is_conditional: bool) -> None:
    polled.statuses[answer.status] = polled.statuses.get(answer.status, 0) + 1
    if answer.status not in (200, 304) or (answer.status == 304 and not is_conditional):
        polled.errors.append(f"{path} answered {answer.status}")


def _change(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(_CHANGED)


def measure_polls(server: Server, instance: Instance, *, minutes: int = 2, seconds: int = SECONDS) -> Polled:
    """Fetch every feed once, then poll; memory is read before, in between and after."""
    polled = Polled()

    def remember(words: str) -> None:
        polled.memory.append((words, processes.memory(server.process.pid).pss))

    engine = sa.create_engine(instance.database_url or f"sqlite:///{instance.folder / 'workshops.sqlite3'}")
    try:
        remember("at rest")
        etags = asyncio.run(find_feeds(server.port))
        remember("each fetched once")
        before = processes.processor_ms([server.process.pid])
        for minute in range(1, minutes + 1):
            asyncio.run(poll(server, etags, engine, seconds=seconds, polled=polled))
            remember(f"after minute {minute}")
        polled.processor_s = (processes.processor_ms([server.process.pid]) - before) / 1000
    finally:
        engine.dispose()
    return polled


def polls_table(engine: str, polled: Polled, minutes: int) -> str:
    """The result as Markdown."""
    count = len(polled.latencies)
    memory = ", ".join(f"{words} {pss:.0f}" for words, pss in polled.memory)
    latency = f"p50 {polled.p(0.5):.1f} ms, p99 {polled.p(0.99):.1f} ms, slowest {max(polled.latencies):.0f} ms"
    verdict = "met" if polled.p(0.99) < P99_AIM_MS and not polled.errors else "**not met**"
    lines = [
        f"## {engine}: polls",
        "",
        f"{count:,} polls of {FEEDS:,} feeds of up to {EVENTS_MAX} events, {RATE} a second for {minutes} minutes, "
        f"{CONDITIONAL_OF_TEN} of 10 conditional, {polled.changes} public changes in between: "
        f"{latency} (aim p99 under {P99_AIM_MS} ms: {verdict}).",
        f"Answers: {', '.join(f'{status}: {number:,}' for status, number in sorted(polled.statuses.items()))}. "
        f"Errors: {len(polled.errors)}{': ' + polled.errors[0] if polled.errors else ''}. "
        f"Processor time {polled.processor_s * 1000 / max(count, 1):.2f} ms a poll.",
        f"PSS of the web processes, MiB: {memory}.",
        "",
    ]
    return "\n".join(lines)

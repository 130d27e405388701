"""`flask serve` as a service manager knows it: what it starts, it ends; what dies, it starts again."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.races.instance import PROJECT, Instance, free_port

#: What should happen within moments, on a machine that runs other tests too.
SOON_S = 30


def until(happened: Callable[[], object]) -> object:
    """What it gives as soon as that is something. Fails when it never is."""
    end = time.monotonic() + SOON_S
    while time.monotonic() < end:
        found = happened()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


class Serving:
    """A running `flask serve`, with the worker beside it."""

    def __init__(self, instance: Instance, *options: str, **environ: str) -> None:
        self.port = free_port()
        self.log = instance.folder / f"serve-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "serve", "--port", str(self.port), *options],
                cwd=PROJECT,
                env={**instance.environ, **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                # so that a Ctrl+C of the test reaches all of them and nobody else
                start_new_session=True,
            )
        until(lambda: self.get("/healthz") == 200)

    def get(self, path: str, host: str = "", *, headers: bool = False) -> object:
        """The status, or with headers the whole answer's; None while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON_S)
        with suppress(OSError):
            connection.request("GET", path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.headers if headers else answer.status
        return None

    def family(self) -> list[int]:
        """Every process of it that lives, the master among them."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    found.append(int(folder.name))
        return found

    def worker(self) -> int | None:
        """The worker's process, when it runs."""
        for number in self.family():
            with suppress(OSError):
                if b"--until-input-ends" in Path(f"/proc/{number}/cmdline").read_bytes():
                    return number
        return None


@contextmanager
def serving(instance: Instance, *options: str, **environ: str) -> Iterator[Serving]:
    running = Serving(instance, *options, **environ)
    try:
        yield running
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.process.pid, signal.SIGKILL)
        running.process.wait()


def test_sigterm_finishes_the_request_in_flight_and_leaves_no_process(instance: Instance) -> None:
    with serving(instance, "--workers", "2") as served:
        until(served.worker)
        assert len(served.family()) == 4
        body = b"email=" + b"x" * 500
        with socket.create_connection(("127.0.0.1", served.port)) as sending:
            head = f"POST /find-my-place HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Length: {len(body)}\r\n"
            sending.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body[:50])
            time.sleep(0.5)
            served.process.terminate()
            until(lambda: served.worker() is None)
            assert served.process.poll() is None
            sending.sendall(body[50:])
            assert sending.recv(100).startswith(b"HTTP/1.1 422")
        assert served.process.wait(SOON_S) == 0
        assert not served.family()


def test_ctrl_c_ends_everything(instance: Instance) -> None:
    with serving(instance) as served:
        until(served.worker)
        os.killpg(served.process.pid, signal.SIGINT)
        assert served.process.wait(SOON_S) == 0
        until(lambda: not served.family())
        assert "Traceback" not in served.log.read_text()


def test_a_killed_worker_is_started_again_and_a_killed_master_leaves_no_orphan(instance: Instance) -> None:
    with serving(instance) as served:
        first = until(served.worker)
        assert isinstance(first, int)
        os.kill(first, signal.SIGKILL)
        until(lambda: served.worker() not in (None, first))
        served.process.kill()
        served.process.wait()
        until(lambda: not served.family())


def test_an_https_address_gives_safe_cookies_and_tells_what_was_fitted_to_it(instance: Instance) -> None:
    instance.import_events([{"slug": "a-day"}])
    environ = {
        "WORKSHOPS_BASE_URL": "https://events.example.org",
        "WORKSHOPS_SECRET_KEY": "q8Zr3vXw7Lk2Tn9By4Hc6Jd1Mf5Gs0Pa",
        "WORKSHOPS_MAIL_FROM": "team@example.org",
    }
    with serving(instance, "--no-worker", **environ) as served:
        headers = served.get("/find-my-place", "events.example.org", headers=True)
        assert isinstance(headers, http.client.HTTPMessage)
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        name, *attributes = headers["Set-Cookie"].split("; ")
        assert name.startswith("__Host-session=") and {"Secure", "HttpOnly", "Path=/"} <= set(attributes)
        assert served.get("/", "events.example.org:443") == 200
        assert served.get("/", "elsewhere.example.org") == 400
        assert served.get("/healthz", "elsewhere.example.org") == 200
        assert served.worker() is None
        assert "Made the calendar entries of 1 events anew" in served.log.read_text()
        assert "Serving at https://events.example.org, listening at 127.0.0.1" in served.log.read_text()
    with serving(instance, "--no-worker", **environ) as served:
        assert "calendar entries" not in served.log.read_text()
        # the same instance may be served twice, and a port only once
        with serving(instance, "--no-worker", **environ) as beside:
            assert beside.get("/events") == served.get("/events") == 200
        taken = subprocess.run(
            [sys.executable, "-m", "flask", "serve", "--port", str(served.port)],
            cwd=PROJECT,
            env=instance.environ,
            capture_output=True,
            text=True,
        )
        assert (taken.returncode, taken.stdout) == (1, "")
        assert taken.stderr == f"Error: Nothing can listen at 127.0.0.1, port {served.port}: Address already in use.\n"

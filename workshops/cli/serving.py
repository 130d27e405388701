"""`flask serve`: the production web server with the worker beside it; `flask worker`: the worker alone."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from workshops.cli.counting import keep_writing
from workshops.cli.demo import sign_in_link
from workshops.cli.mail import look_into_mailbox, watch_mailbox
from workshops.cli.running import needs_database, refuses_in_words, settings
from workshops.core import clock
from workshops.core.db import db, transaction
from workshops.messages import worker as outbox
from workshops.schedule import service as schedule

#: Requests one process works on at a time.
THREADS = 4
#: How long requests in flight may take to end after SIGTERM.
GRACEFUL_S = 30
#: How long the end of a web process may wait for the last count to be written.
LAST_COUNT_S = 5
#: A worker that ended is started again, but not more often than this.
RESTART_AFTER_S = 5
#: Hosts that mean every address of this machine.
ANY_ADDRESS = ("0.0.0.0", "::", "")


class WebServer(BaseApplication):  # type: ignore[misc]
    """Gunicorn around our application, without a configuration file."""

    def __init__(self, app: Flask, *, bind: str, workers: int, with_worker: bool) -> None:
        self.app = app
        self.options = {
            "bind": bind,
            "workers": workers,
            "worker_class": "workshops.web.connections.PatientWorker",
            "threads": THREADS,
            "graceful_timeout": GRACEFUL_S,
            "timeout": 120,
            "keepalive": 5,
            "loglevel": "warning",
            # addresses hold personal links, so there is no access log; proxies are ours to trust, not gunicorn's
            "accesslog": None,
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,
            "post_worker_init": self.begin_counting,
            "worker_exit": self.end_counting,
        }
        self.stop_counting = threading.Event()
        self.counting: threading.Thread | None = None
        self.with_worker = with_worker
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def begin_counting(self, worker: object) -> None:
        """In each web process: what it counts of fetches is written beside its requests."""
        self.counting = threading.Thread(target=keep_writing, args=(self.app, self.stop_counting), daemon=True)
        self.counting.start()

    def end_counting(self, server: object, worker: object) -> None:
        """When a web process ends: what it has counted is written a last time."""
        if self.counting is not None:
            self.stop_counting.set()
            self.counting.join(LAST_COUNT_S)

    def load(self) -> Flask:
        return self.app

    def run(self) -> None:
        Master(self).run()


class Master(Arbiter):  # type: ignore[misc]
    """Gunicorn's master process, which also keeps the worker running beside the web processes."""

    outbox_worker: subprocess.Popen[bytes] | None = None
    # the first one starts after the web processes, so that the first request need not share a processor with it
    started_at = float("-inf")
    rounds = 0

    def init_signals(self) -> None:
        """As gunicorn does, but what `nohup` ignores stays ignored."""
        is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        super().init_signals()
        if is_ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def handle_hup(self) -> None:
        """The terminal was closed: end, and leave no server behind that nobody sees."""
        raise StopIteration

    def manage_workers(self) -> None:
        """Called about once a second: as many web processes as wanted, and the worker."""
        super().manage_workers()
        self.rounds += 1
        if not self.app.with_worker or self.rounds == 1 or time.monotonic() - self.started_at < RESTART_AFTER_S:
            return
        if self.outbox_worker is None or self.outbox_worker.poll() is not None:
            self.started_at = time.monotonic()
            self.outbox_worker = _start_worker()

    def stop(self, graceful: bool = True) -> None:
        """End the worker with the web processes; it finishes the message in its hands."""
        ends_by = time.monotonic() + GRACEFUL_S
        if self.outbox_worker is not None:
            self.outbox_worker.terminate()
        super().stop(graceful)
        if self.outbox_worker is None:
            return
        try:
            self.outbox_worker.wait(max(1.0, ends_by - time.monotonic()))
        except subprocess.TimeoutExpired:
            # a mail server that hangs; the message's lease runs out, and it is sent again
            self.outbox_worker.kill()


def _start_worker() -> subprocess.Popen[bytes]:
    # Its standard input is our end of a pipe: when this process is killed, the worker sees it close and ends.
    arguments = [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--until-input-ends"]
    # The same instance and address as here, whatever folder this was started from and whoever serves beside us.
    same = {"WORKSHOPS_INSTANCE": str(settings().instance), "WORKSHOPS_BASE_URL": settings().base_url}
    project = Path(current_app.root_path)
    # In a process group of its own, so that a Ctrl+C reaches it through us alone, also while it is still loading.
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, cwd=project, env={**os.environ, **same}, process_group=0)


@click.command(help="Serve the application, and the worker beside it.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen at.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Number of web processes.")
@click.option("--no-worker", is_flag=True, help="Leave mail and due work to `flask worker` elsewhere.")
@click.option("--demo-link", is_flag=True, help="Print a one-time sign-in link for the demonstration organiser.")
@refuses_in_words
@needs_database
def serve(host: str, port: int, workers: int, no_worker: bool, demo_link: bool) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    _refuse_taken_port(host, port)
    _serve_at(app, host, port)
    with transaction() as session:
        fitted = schedule.fit_vevents(session, settings=settings())
    if fitted:
        known = settings()
        click.echo(f"Made the calendar entries of {fitted:,} events anew for {known.base_url}, {known.mail_from}.")
    if demo_link:
        link = sign_in_link(settings=settings())
        if link:
            click.echo(f"Sign in as the demonstration organiser (works once, for 24 hours): {link}")
    listening = f", listening at {host}, port {port}" if settings().base_url_is_set else ""
    click.echo(f"Serving at {settings().base_url}{listening} (Ctrl+C ends it)")
    if host in ANY_ADDRESS and not settings().base_url_is_set:
        click.echo("Other machines get answers only when WORKSHOPS_BASE_URL holds the address they use.")
    sys.stdout.flush()
    # no connection may be shared between processes
    db.session.remove()
    db.engine.dispose()
    # what is loaded stays for good: web processes share it, and none looks through it for garbage
    gc.freeze()
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    WebServer(app, bind=address, workers=workers, with_worker=not no_worker).run()


def _refuse_taken_port(host: str, port: int) -> None:
    """Say so in one line; gunicorn would try five times and print a traceback."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise click.ClickException(f"Nothing can listen at {host}, port {port}: {error.strerror or error}.") from None


def _serve_at(app: Flask, host: str, port: int) -> None:
    """Unless WORKSHOPS_BASE_URL says otherwise, links lead to the host and port served."""
    known = settings()
    if known.base_url_is_set:
        return
    name = "127.0.0.1" if host in ANY_ADDRESS else (f"[{host}]" if ":" in host else host)
    base_url = f"http://{name}:{port}"
    app.extensions["workshops.settings"] = replace(known, base_url=base_url)
    # other commands and the worker read it, so that their links fit
    kept = known.instance / "served_at"
    try:
        kept.write_text(base_url + "\n", encoding="ascii")
    except OSError as error:
        raise click.ClickException(f"{kept} cannot be written: {error.strerror}.") from None


@click.command(help="Send due mail and do due work, then sleep and begin again.")
@click.option("--once", is_flag=True, help="Do what is due now, then end.")
@click.option("--until-input-ends", is_flag=True, hidden=True)
@refuses_in_words
@needs_database
def worker(once: bool, until_input_ends: bool) -> None:
    tables: dict[str, Any] = current_app.extensions["workshops.tables"]
    if once:
        if settings().mailbox is not None:
            look_into_mailbox()
        done = outbox.do_once(settings(), checks=tables["checks"], due_work=tables["due_work"], clock=clock.now)
        click.echo(f"{done} message{'' if done == 1 else 's'} taken in hand.")
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: stop.set())
    if until_input_ends:
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    if settings().mailbox is not None:
        # beside the sending, which must not wait for a mailbox that does not answer
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        threading.Thread(target=watch_mailbox, args=(app, stop), daemon=True).start()
    outbox.work(settings(), checks=tables["checks"], due_work=tables["due_work"], stop=stop, clock=clock.now)


def _stop_at_end_of_input(stop: threading.Event) -> None:
    # not sys.stdin: its lock would be held when the process ends, and Python dies of that
    while os.read(0, 4096):
        pass
    stop.set()

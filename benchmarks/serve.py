"""Serves what is measured and is not `flask serve` itself, with the same server class, threads and processes.

python -m benchmarks.serve --what floor --folder RECORDINGS --port N --workers N
python -m benchmarks.serve --what built --port N --workers N        # keeps no answer, so each is built
python -m benchmarks.serve --what profile --folder FOLDER --port N  # one thread, cProfile into FOLDER
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask

from workshops.app import create_app
from workshops.cli.serving import WebServer
from workshops.core.db import db
from workshops.web.responses import Keep, Kept, Version

#: The profile is written to its file after so many requests, again and again.
WRITE_EVERY = 20


class KeepsNothing(Keep):
    """As right after a change, at each request: nothing that was kept fits."""

    def get(self, key: str, version: Version, now: datetime) -> Kept | None:
        return None


def profiled(app: Callable[..., Iterable[bytes]], file: Path) -> Callable[..., Iterable[bytes]]:
    """The WSGI application with cProfile around each request."""
    # the time of the processor, not of the clock: other processes of the machine do not count
    profile = cProfile.Profile(time.thread_time)
    count = 0

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        nonlocal count
        profile.enable()
        try:
            return app(environ, start_response)
        finally:
            profile.disable()
            count += 1
            if count % WRITE_EVERY == 0:
                profile.dump_stats(file)

    return call


def make(*, keep: bool, profile: Path | None) -> Flask:
    """The application to serve, without any open connection."""
    app = create_app()
    if not keep:
        app.extensions["workshops.keep"] = KeepsNothing()
    if profile is not None:
        app.wsgi_app = profiled(app.wsgi_app, profile)  # type: ignore[method-assign]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    return app


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--profile", type=Path)
    chosen = parser.parse_args()
    app = make(keep=chosen.keep, profile=chosen.profile)
    gc.collect()
    gc.freeze()  # as `flask serve` does before its processes part
    with app.app_context():
        server = WebServer(app, bind=f"127.0.0.1:{chosen.port}", workers=chosen.workers, with_worker=False)
        if chosen.profile:
            server.cfg.set("threads", 1)
        server.run()


if __name__ == "__main__":
    main()

"""Serves the application for a race that has to be provable: with a pause between check and write, or without lock.

    python -m tests.races.launcher --port N --workers N --pause-ms N [--no-lock]

The pause makes the window wide in which two requests may both see the last free place. With the lock it must
change nothing; without the lock it must overbook, or the race test proves nothing (reference: pretix's
concurrency_tests). Never started outside tests.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from sqlalchemy import event

from workshops.app import create_app
from workshops.cli.serving import WebServer
from workshops.core import db as database


def pause_before_writing(seconds: float) -> None:
    """Wait before each new registration row is written, when the rules have already decided about it."""

    def wait(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO registrations "):
            time.sleep(seconds)

    event.listen(database.db.engine, "before_cursor_execute", wait)


def main() -> None:
    """Set up as the arguments say, then serve with the server of `flask serve`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--pause-ms", type=int, default=0)
    parser.add_argument("--no-lock", action="store_true")
    chosen = parser.parse_args()
    app = create_app()
    if chosen.no_lock:
        database.set_locking(False)
    with app.app_context():
        pause_before_writing(chosen.pause_ms / 1000)
        database.db.session.remove()
        database.db.engine.dispose()
        WebServer(app, bind=f"127.0.0.1:{chosen.port}", workers=chosen.workers, with_worker=False).run()


if __name__ == "__main__":
    main()

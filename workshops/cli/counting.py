"""Writes what a web process has counted of fetches, beside the requests and never in one."""

from __future__ import annotations

import logging
import threading

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from workshops.core.db import db, transaction
from workshops.feeds.fetches import Fetches
from workshops.feeds.service import save_fetches

#: How often; what was counted since is lost when a process is killed.
EVERY_S = 60.0

_log = logging.getLogger(__name__)


def write_counts(app: Flask) -> int:
    """Write what is new, once; returns how many rows. What cannot be written is kept for the next time."""
    fetches: Fetches = app.extensions["workshops.fetches"]
    counted, used = fetches.take()
    if not counted and not used:
        return 0
    with app.app_context():
        try:
            with transaction() as session:
                save_fetches(session, counted=counted, used=used)
        except SQLAlchemyError as error:
            fetches.give_back(counted, used)
            _log.warning("counts of calendars wait: %s", type(error).__name__)
            return 0
        finally:
            db.session.remove()
    return len(counted) + len(used)


def keep_writing(app: Flask, stop: threading.Event) -> None:
    """Write every minute until told to stop, then a last time."""
    while not stop.wait(EVERY_S):
        write_counts(app)
    write_counts(app)

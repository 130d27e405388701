"""`flask mail receive`: reads mail that came back, from the mailbox of the settings, a Maildir or standard input."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app

from workshops.cli.running import needs_database, refuses_in_words, settings
from workshops.core import clock
from workshops.core.db import db
from workshops.core.errors import DomainError
from workshops.messages.mailbox import LOOK_EVERY_S, Box, MailboxError, MaildirBox, OneMail, Received, box_of, receive
from workshops.messages.worker import where

_log = logging.getLogger(__name__)


@click.group(help="Mail that comes in.")
def mail() -> None:
    pass


@mail.command("receive", help="Read mail that came back, from WORKSHOPS_MAILBOX_URL unless told otherwise.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read one mail from standard input.")
@click.option("--maildir", type=click.Path(path_type=Path), help="Read this Maildir.")
@refuses_in_words
@needs_database
def receive_mail(from_stdin: bool, maildir: Path | None) -> None:
    if from_stdin and maildir is not None:
        raise click.UsageError("Use --stdin or --maildir, not both.")
    known = settings().mailbox
    if from_stdin:
        box: Box = OneMail()
    elif maildir is not None:
        box = MaildirBox(maildir)
    elif known is not None:
        box = box_of(known)
    else:
        raise DomainError("WORKSHOPS_MAILBOX_URL is not set. Set it, or use --stdin or --maildir.")
    try:
        came = _receive(box)
    except MailboxError as error:
        raise DomainError(str(error)) from None
    click.echo(f"{came.read} mail{'' if came.read == 1 else 's'} read, {came.taken} understood.")


def _receive(box: Box) -> Received:
    tables: dict[str, Any] = current_app.extensions["workshops.tables"]
    return receive(box, tables["mail_handlers"], settings=settings(), clock=clock.now)


def look_into_mailbox() -> None:
    """Read the mailbox of the settings once; what keeps it from being read is told in the log."""
    known = settings().mailbox
    if known is None:
        return
    try:
        _receive(box_of(known))
    except MailboxError as error:
        _log.warning("%s", error)
    except Exception as error:  # told in the log, and tried again next time
        _log.error("the mailbox was not read: %s", where(error))
    finally:
        db.session.remove()


def watch_mailbox(app: Flask, stop: threading.Event) -> None:
    """Read the mailbox every LOOK_EVERY_S seconds until `stop` is set."""
    while not stop.is_set():
        with app.app_context():
            look_into_mailbox()
        stop.wait(LOOK_EVERY_S)

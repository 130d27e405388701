"""The commands of `flask`. Exit status: 0 done, 1 refused (with a sentence), 2 wrong usage."""

from __future__ import annotations

from typing import Any

from flask import Flask

from workshops.cli.data import backup, events, registrations, restore
from workshops.cli.demo import demo
from workshops.cli.mail import mail
from workshops.cli.people import accounts
from workshops.cli.serving import serve, worker
from workshops.cli.upkeep import check, purge

COMMANDS = (serve, worker, mail, demo, events, accounts, registrations, check, backup, restore, purge)


def init_commands(
    app: Flask, *, due_work: dict[str, Any], checks: dict[str, Any], mail_handlers: dict[str, Any]
) -> None:
    """Make the commands known to `flask`; the worker gets its tables from wiring, through the application."""
    app.extensions["workshops.tables"] = {
        "due_work": due_work, "checks": checks, "mail_handlers": mail_handlers,
    }
    for command in COMMANDS:
        app.cli.add_command(command)

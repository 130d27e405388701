"""`flask accounts`: staff accounts from the command line."""

from __future__ import annotations

import click

from workshops.accounts import service
from workshops.audit.rules import COMMAND
from workshops.cli.running import needs_database, refuses_in_words, settings
from workshops.core import clock
from workshops.core.addresses import clean_email
from workshops.core.db import transaction
from workshops.core.errors import DomainError
from workshops.web.access import ROLES


@click.group(help="Staff accounts.")
def accounts() -> None:
    pass


@accounts.command("create", help="Make a staff account and print its one-time sign-in link.")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the account may do.")
@click.option("--name", default="", help="The person's name; they can write it themselves.")
@refuses_in_words
@needs_database
def create(email: str, role: str, name: str) -> None:
    try:
        address = clean_email(email)
    except ValueError as error:
        raise DomainError(f"{error}.") from None
    with transaction() as session:
        made = service.create_account(
            session, email=address, role=role, name=name, now=clock.now(), actor=COMMAND, settings=settings()
        )
        link = made.link
    click.echo(link)

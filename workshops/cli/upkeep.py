"""`flask check`: what is wrong, in words; `flask purge`: removes what its retention time has passed."""

from __future__ import annotations

from datetime import timedelta

import click
from sqlalchemy.orm import Session

from workshops.accounts import service as accounts
from workshops.cli.running import refuses_in_words, settings
from workshops.core import clock
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.evidence import health
from workshops.messages import service as messages
from workshops.registration import service as registration

#: Mail that was sent, failed or cancelled is kept this long.
KEEP_MESSAGES_DAYS = 365


@click.command(help="Look at settings, database, migrations, mail and assets, and say what is wrong.")
@refuses_in_words
def check() -> None:
    problems = health.problems(db.engine, settings=settings(), now=clock.now())
    for problem in problems:
        click.echo(problem)
    if problems:
        raise DomainError(f"{len(problems)} thing{'s' if len(problems) > 1 else ''} to mend.")
    click.echo("Settings, database, migrations, mail and assets are in order.")


@click.command(help="Remove personal data whose retention time has passed.")
@click.option("--dry-run", is_flag=True, help="Only count what would be removed.")
@refuses_in_words
def purge(dry_run: bool) -> None:
    with transaction() as session:
        counts = purge_all(session, dry_run=dry_run)
    for what, count in counts.items():
        click.echo(f"{count} {what}")
    click.echo("Nothing was removed: this was a dry run." if dry_run else "Done.")


def purge_all(session: Session, *, dry_run: bool) -> dict[str, int]:
    """What -> how many, over all slices that keep personal data."""
    now = clock.now()
    counts = dict(registration.erase_expired(session, now=now, dry_run=dry_run))
    counts["old messages"] = messages.forget_old_messages(
        session, before=now - timedelta(days=KEEP_MESSAGES_DAYS), dry_run=dry_run
    )
    counts["old sign-ins and links"] = accounts.forget_old_sign_ins(session, now=now, dry_run=dry_run)
    return counts

"""`flask check`: what is wrong, in words; `flask purge`: removes what its retention time has passed."""

from __future__ import annotations

import stat
from datetime import timedelta

import click
from sqlalchemy.orm import Session

from workshops.accounts import service as accounts
from workshops.cli.running import database_problem, needs_database, refuses_in_words, settings
from workshops.config import DEFAULT_MAIL_FROM, Settings
from workshops.core import clock
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.evidence import health
from workshops.messages import service as messages
from workshops.messages.transports import forget_old_files
from workshops.proposals import service as proposals
from workshops.registration import service as registration

#: Mail is kept this long, in the database and as a file.
KEEP_MESSAGES_DAYS = 365


@click.command(help="Look at settings, database, migrations, mail and assets, and say what is wrong.")
@refuses_in_words
def check() -> None:
    no_answer = database_problem()
    problems = [no_answer] if no_answer else []
    for problem in health.problems(db.engine, settings=settings(), now=clock.now()):
        # the same about the database, but without the reason, because /readyz tells it to everybody
        if not (no_answer and problem.startswith("The database ")):
            problems.append(problem)
    for problem in [*problems, *_settings_to_mend(settings())]:
        click.echo(problem)
    if problems:
        raise DomainError(f"{len(problems)} thing{'s' if len(problems) > 1 else ''} to mend.")
    click.echo("Settings, database, migrations, mail and assets are in order.")


def _settings_to_mend(known: Settings) -> list[str]:
    """What works and is still not as it should be in real use."""
    advice = []
    if known.smtp is not None and known.mail_from == DEFAULT_MAIL_FROM:
        advice.append(f"Note: WORKSHOPS_MAIL_FROM is not set, so mail comes from {DEFAULT_MAIL_FROM}.")
    kept = known.instance / "secret_key"
    if kept.is_file() and kept.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        advice.append(f"Note: others can read the kept secret: chmod 600 {kept}")
    return advice


@click.command(help="Remove personal data whose retention time has passed.")
@click.option("--dry-run", is_flag=True, help="Only count what would be removed.")
@refuses_in_words
@needs_database
def purge(dry_run: bool) -> None:
    is_sqlite = settings().is_sqlite
    with transaction() as session:
        if is_sqlite:
            # what is removed is overwritten in the file too, not only left out of every answer
            session.connection().exec_driver_sql("PRAGMA secure_delete=ON")
        counts = purge_all(session, dry_run=dry_run)
    if is_sqlite and not dry_run:
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = clock.now() - timedelta(days=KEEP_MESSAGES_DAYS)
    counts["old mail files"] = forget_old_files(settings().mail_folder, before=before, dry_run=dry_run)
    for what, count in counts.items():
        click.echo(f"{count} {what}")
    click.echo("Nothing was removed: this was a dry run." if dry_run else "Done.")


def purge_all(session: Session, *, dry_run: bool) -> dict[str, int]:
    """What -> how many, over all slices that keep personal data."""
    now = clock.now()
    # messages first: what is left about a person goes with the person, and would not be counted
    old_messages = messages.forget_old_messages(
        session, before=now - timedelta(days=KEEP_MESSAGES_DAYS), dry_run=dry_run
    )
    counts = dict(registration.erase_expired(session, now=now, dry_run=dry_run))
    counts |= proposals.erase_expired(session, now=now, dry_run=dry_run)
    counts["old messages"] = old_messages
    counts["old sign-ins and links"] = accounts.forget_old_sign_ins(session, now=now, dry_run=dry_run)
    return counts

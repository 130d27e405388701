"""`flask events`, `flask registrations`, `flask backup` and `flask restore`: data in and out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from workshops.audit import service as audit
from workshops.audit.rules import COMMAND
from workshops.cli.running import needs_database, refuses_in_words, settings
from workshops.core import clock
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.evidence import backup as backups
from workshops.evidence import exports
from workshops.schedule import queries, service
from workshops.schedule.importing import FILE_MAX_BYTES
from workshops.schedule.rules.headers import FOR_ALL_ROWS, KNOWN, Matching, header_names


@click.group(help="Events in and out.")
def events() -> None:
    pass


@events.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen; save nothing.")
@click.option("--publish", is_flag=True, help="Publish upcoming events too; otherwise they stay drafts.")
@click.option("--column", "columns", multiple=True, metavar="NAME=COLUMN",
              help="What a column of the file is; an empty COLUMN leaves it out. May be given several times.")
@click.option("--all", "for_all", multiple=True, metavar="COLUMN=VALUE",
              help="The kind, mode or booking of every event, when the file has no column for it.")  # fmt: skip
@refuses_in_words
@needs_database
def import_(file: Path, dry_run: bool, publish: bool, columns: tuple[str, ...], for_all: tuple[str, ...]) -> None:
    """Read a spreadsheet (.csv, .xlsx) or calendar (.ics) of events: all rows fit, or nothing is saved.

    Nobody is mailed.
    """
    matching = Matching(_pairs("--column", columns, KNOWN), _pairs("--all", for_all, FOR_ALL_ROWS, names=True))
    try:
        with file.open("rb") as opened:
            # one byte more than may be, so that a file that is too large is refused and never read whole
            content = opened.read(FILE_MAX_BYTES + 1)
    except OSError as error:
        raise DomainError(f"{file} cannot be read: {error.strerror}.") from None
    with transaction() as session:
        report = service.import_rows(
            session,
            text_or_bytes=content,
            filename=file.name,
            publish=publish,
            dry_run=dry_run,
            now=clock.now(),
            actor=COMMAND,
            settings=settings(),
            matching=matching,
        )
    _echo_report(report)
    for problem in report.problems:
        click.echo(problem, err=True)
    if report.problems:
        raise DomainError("Nothing was saved, because not everything fits.")
    counts = ", ".join(f"{report.count(outcome)} {outcome}" for outcome in ("new", "changed", "unchanged"))
    if report.count("skipped"):
        counts += f", {report.count('skipped')} left out"
    click.echo(f"{counts} (dry run: nothing was saved)" if dry_run else counts)


def _pairs(option: str, given: tuple[str, ...], known: tuple[str, ...], *, names: bool = False) -> dict[str, str]:
    """The NAME=VALUE pairs of an option. known: what the value, or with names the name, may be."""
    pairs = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        checked = name if names else value
        if not equals or (checked not in known and (names or checked)):
            raise click.BadParameter(f"“{pair}” must be NAME=VALUE with one of: {', '.join(known)}", param_hint=option)
        pairs[name if names else "".join(header_names([name]))] = value
    return pairs


def _echo_report(report: service.ImportReport) -> None:
    """The rows on standard output, with what was assumed, as the check page shows them."""
    for note in report.notes:
        click.echo(f"note: {note}")
    for what, names in report.made.items():
        click.echo(f"new {what}: {'; '.join(names)}")
    for row in report.rows:
        fields = f" ({', '.join(row.fields)})" if row.outcome == "changed" else ""
        click.echo(f"row {row.number}: {row.outcome}{fields}: {row.title}")
        for change in row.changes:
            click.echo(f"  {change.column}: “{change.before[:120]}” becomes “{change.after[:120]}”")
        for note in row.notes:
            click.echo(f"  note: {note}.")


@events.command("export")
@click.option("--format", "kind", default="csv", show_default=True, type=click.Choice(["csv", "xlsx", "ics"]))
@refuses_in_words
@needs_database
def export(kind: str) -> None:
    """Write all events on standard output; importing them again changes nothing.

    A calendar (ics) leaves out drafts, and history of which only the month is known.
    """
    if kind == "csv":
        exports.write_events_csv(db.session(), sys.stdout.buffer)
    elif kind == "xlsx":
        exports.write_events_xlsx(db.session(), sys.stdout.buffer)
    else:
        exports.write_events_ics(db.session(), sys.stdout.buffer, settings=settings())
    sys.stdout.buffer.flush()


@click.group(help="Registrations out.")
def registrations() -> None:
    pass


@registrations.command("export")
@click.argument("event")
@click.option("--format", "kind", default="csv", show_default=True, type=click.Choice(["csv", "xlsx", "json"]))
@refuses_in_words
@needs_database
def export_people(event: str, kind: str) -> None:
    """Write everybody at one event (EVENT is its slug) on standard output."""
    found = queries.event_by_slug(db.session(), event)
    if found is None:
        raise NotFound(f"There is no event “{event}”.")
    exports.write_people(db.session(), found, sys.stdout.buffer, file_format=kind)
    sys.stdout.buffer.flush()


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@refuses_in_words
@needs_database
def backup(file: Path) -> None:
    """Write the whole instance into FILE, consistent while the application runs."""
    report = backups.write_backup(db.engine, file, settings=settings(), now=clock.now())
    secret = ", with the kept secret" if report.has_secret else ""
    click.echo(f"{report.total} rows are written into {file}{secret}. Keep it as safe as the data itself.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@refuses_in_words
@needs_database
def restore(file: Path) -> None:
    """Load a backup from FILE into an empty instance, of either engine."""
    report = backups.restore_backup(db.engine, file, settings=settings())
    with transaction() as session:
        # beside the record itself: what feeds say was last changed never goes back to before the restore
        audit.record(session, now=clock.now(), actor=COMMAND, action="restored", subject=("instance", None))
    secret = ", with the kept secret" if report.has_secret else ""
    click.echo(f"{report.total} rows are restored{secret}.")

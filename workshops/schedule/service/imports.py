"""Import of a spreadsheet or calendar of events: all of it or nothing, and nobody is mailed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.errors import DomainError
from workshops.ical.reading import ReadEvent, UnreadableCalendar, read_events
from workshops.schedule import signals
from workshops.schedule.importing import NumberedRow, UnreadableSheet, is_calendar, read_sheet
from workshops.schedule.models import Event
from workshops.schedule.queries.events import topics_of
from workshops.schedule.queries.locks import lock_event, lock_schedule
from workshops.schedule.queries.recognition import all_slugs, events_starting, events_with_uids
from workshops.schedule.rules.events import EventDetails, check, cleaned, decide_change
from workshops.schedule.rules.importing import refuse_untold, target_state
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.spreadsheet import SheetRow, merged, read_row, recognition_key, repeated_rows
from workshops.schedule.service.calendar_rows import calendar_row
from workshops.schedule.service.catalogue import Catalogue
from workshops.schedule.service.details import all_counts_of, counts_of, details_of, when_of
from workshops.schedule.service.events import apply_change, new_event
from workshops.schedule.service.states import set_state

NEW, CHANGED, UNCHANGED, PROBLEM = "new", "changed", "unchanged", "problem"


@dataclass(frozen=True)
class RowResult:
    """What a row is or would be: outcome new, changed, unchanged or problem; fields: what changed, by column."""

    number: int
    title: str
    outcome: str
    fields: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class ImportReport:
    """What came of a file. problems: one sentence each, empty when everything fits; then all rows are saved,
    unless it was a dry run."""

    rows: tuple[RowResult, ...] = ()
    problems: tuple[str, ...] = ()
    dry_run: bool = False

    @property
    def saved(self) -> bool:
        """Whether anything was kept."""
        return not self.problems and not self.dry_run

    def count(self, outcome: str) -> int:
        """How many rows have this outcome."""
        return sum(row.outcome == outcome for row in self.rows)


@dataclass(frozen=True)
class _Job:
    """One row on its way: the sheet's cells for listeners, and what was read."""

    number: int
    title: str
    sheet: SheetRow | None = None
    problem: str = ""
    cells: dict[str, str] | None = None
    read: ReadEvent | None = None


@dataclass
class _Import:
    """What all rows of one import share."""

    session: Session
    publish: bool
    dry_run: bool
    now: datetime
    actor: Actor
    settings: Settings
    catalogue: Catalogue
    slugs: set[str]
    uids: dict[str, Event]
    starting: dict[tuple[str, str, str], list[Event]]
    topics: dict[int, tuple[str, ...]]
    used: dict[int, int]


def import_rows(
    session: Session,
    *,
    text_or_bytes: str | bytes,
    filename: str,
    publish: bool,
    dry_run: bool,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> ImportReport:
    """Import a file of events, or say row by row what does not fit.

    filename: only its ending counts: .ics is a calendar, everything else a spreadsheet.
    publish: publish upcoming events too; those already over are published anyway.
    Nothing is saved by a dry run, or unless all rows fit. Never raises for what a file holds.
    """
    data = text_or_bytes.encode("utf-8", "replace") if isinstance(text_or_bytes, str) else text_or_bytes
    try:
        jobs = _calendar_jobs(data) if is_calendar(filename, data) else [_job(row) for row in read_sheet(data)]
    except UnreadableCalendar as unreadable:
        return ImportReport(problems=unreadable.reasons, dry_run=dry_run)
    except UnreadableSheet as unreadable:
        return ImportReport(problems=(str(unreadable),), dry_run=dry_run)
    lock_schedule(session)
    asked = dict(session.info.get("before_commit", {}))
    savepoint = session.begin_nested()
    try:
        rows = _import_all(_prepare(session, jobs, publish, dry_run, now, actor, settings), jobs)
    except BaseException:
        savepoint.rollback()
        raise
    problems = tuple(f"Row {row.number}, “{row.title}”: {row.problem}." for row in rows if row.outcome == PROBLEM)
    if problems or dry_run:
        savepoint.rollback()
        session.expire_all()
        session.info["before_commit"] = asked
    else:
        savepoint.commit()
    return ImportReport(tuple(rows), problems, dry_run)


def _job(row: NumberedRow) -> _Job:
    title = " ".join(row.cells.get("title", "").split())[:200]
    if row.problem:
        return _Job(row.number, title, problem=row.problem)
    sheet = read_row(row.cells)
    if isinstance(sheet, list):
        return _Job(row.number, title, problem=". ".join(sheet))
    return _Job(row.number, sheet.title, sheet, cells=row.cells)


def _calendar_jobs(data: bytes) -> list[_Job]:
    return [_Job(number, read.title, read=read) for number, read in enumerate(read_events(data), start=1)]


def _prepare(
    session: Session,
    jobs: Sequence[_Job],
    publish: bool,
    dry_run: bool,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> _Import:
    uids = events_with_uids(session, [uid for job in jobs if (uid := _uid(job))])
    starting: dict[tuple[str, str, str], list[Event]] = {}
    for event in events_starting(session, [job.sheet.when.sort_at for job in jobs if job.sheet]):
        key = recognition_key(event.title, when_of(event), event.host.name if event.host else "")
        starting.setdefault(key, []).append(event)
    known = {event.id for event in uids.values()} | {event.id for events in starting.values() for event in events}
    topics = {event_id: tuple(topic.name for topic in found) for event_id, found in topics_of(session, known).items()}
    return _Import(session, publish, dry_run, now, actor, settings, Catalogue(session), all_slugs(session), uids,
                   starting, topics, {})


def _uid(job: _Job) -> str:
    if job.read is not None:
        return job.read.uid
    return job.sheet.uid if job.sheet else ""


def _import_all(run: _Import, jobs: Sequence[_Job]) -> list[RowResult]:
    keys: list[tuple[int, object]] = [(job.number, _key(job)) for job in jobs if job.sheet or _uid(job)]
    repeated = dict(repeated_rows(keys))
    results: list[RowResult] = []
    for job in jobs:
        problem = job.problem
        if not problem and job.number in repeated:
            problem = f"It is the same event as row {repeated[job.number]}"
        if problem:
            results.append(RowResult(job.number, job.title, PROBLEM, problem=problem.rstrip(".")))
            continue
        try:
            results.append(_import_row(run, job))
        except DetailsDoNotFit as unfit:
            sentences = ". ".join(dict.fromkeys(found.sentence for found in unfit.problems))
            results.append(RowResult(job.number, job.title, PROBLEM, problem=sentences))
        except DomainError as unfit:
            results.append(RowResult(job.number, job.title, PROBLEM, problem=str(unfit).rstrip(".")))
    return results


def _key(job: _Job) -> object:
    uid = _uid(job)
    if uid or job.sheet is None:
        return uid
    return recognition_key(job.sheet.title, job.sheet.when, job.sheet.host)


def _recognised(run: _Import, job: _Job) -> Event | None:
    """The event a row is about: by UID, or else by title, starts and host together.

    A row whose UID nobody knows is a twin only of an event that has no foreign UID yet and that no other
    row names by its own: two events at the same time under the same title stay two.
    """
    uid = _uid(job)
    if uid and uid in run.uids:
        return run.uids[uid]
    if job.sheet is None:
        return None
    twins = run.starting.get(recognition_key(job.sheet.title, job.sheet.when, job.sheet.host), [])
    if not uid:
        return twins[0] if twins else None
    named = {event.id for event in run.uids.values()}
    return next((event for event in twins if event.foreign_uid is None and event.id not in named), None)


def _import_row(run: _Import, job: _Job) -> RowResult:
    event = _recognised(run, job)
    if event is not None and event.id in run.used:
        raise DomainError(f"It is the same event as row {run.used[event.id]}")
    existing = details_of(run.session, event, run.topics[event.id]) if event is not None else None
    sheet = job.sheet
    if sheet is None and job.read is not None:
        sheet = calendar_row(job.read, event, existing, kinds=list(run.catalogue.kinds), settings=run.settings)
    assert sheet is not None
    fields: tuple[str, ...] = ()
    details = cleaned(merged(sheet, existing))
    check(details, now=run.now)
    if event is None:
        event, outcome = _add(run, job, sheet, details), NEW
    else:
        assert existing is not None
        fields = _change(run, event, existing, details, sheet)
        if _uid(job) and event.foreign_uid is None and _uid(job) != event.uid:
            event.foreign_uid = _uid(job)
        outcome = CHANGED if fields else UNCHANGED
    run.used[event.id] = job.number
    heard: list[str] = []
    if job.cells is not None:
        signals.event_row_imported.send(event, session=run.session, now=run.now, actor=run.actor,
                                        settings=run.settings, row=job.cells, changes=heard, dry_run=run.dry_run)
        run.session.flush()
    fields = (*fields, *heard)
    if outcome == UNCHANGED and heard:
        outcome = CHANGED
    return RowResult(job.number, details.title, outcome, fields if outcome == CHANGED else ())


def _add(run: _Import, job: _Job, sheet: SheetRow, details: EventDetails) -> Event:
    if run.actor.kind == "staff":
        details = cleaned(EventDetails(**{**details.__dict__, "owner_id": run.actor.id}))
    event = new_event(run.session, details, run.catalogue, is_taken=run.slugs.__contains__, now=run.now,
                      settings=run.settings, slug=sheet.slug, foreign_uid=_uid(job) or None)
    run.slugs.add(event.slug)
    target = target_state("draft", sheet.state, over_at=event.over_at, now=run.now, publish=run.publish, is_new=True)
    if target != "draft":
        set_state(run.session, event, target, reason="", now=run.now, settings=run.settings)
    audit.record(run.session, now=run.now, actor=run.actor, action="event_imported", subject=("event", event.id),
                 event_id=event.id, fields=["state"] if target != "draft" else [])
    return event


def _change(
    run: _Import, event: Event, existing: EventDetails, details: EventDetails, sheet: SheetRow
) -> tuple[str, ...]:
    counts = counts_of(event)
    decided = decide_change(existing, details, state=event.state, counts=counts, now=run.now)
    target = target_state(event.state, sheet.state, over_at=details.when.over_at, now=run.now, publish=run.publish,
                          is_new=False)
    if not decided.fields and target == event.state:
        return ()
    event = lock_event(run.session, event.id)
    counts = all_counts_of(run.session, event)
    decided = decide_change(existing, details, state=event.state, counts=counts, now=run.now)
    refuse_untold(decided, moves=target != event.state, state=event.state, counts=counts,
                  is_over=existing.when.over_at <= run.now)
    fields = decided.fields
    if decided.fields:
        apply_change(run.session, event, existing, details, run.catalogue, decided, now=run.now, settings=run.settings)
    if target != event.state:
        set_state(run.session, event, target, reason="", now=run.now, settings=run.settings)
        fields = (*fields, "state")
    audit.record(run.session, now=run.now, actor=run.actor, action="event_imported", subject=("event", event.id),
                 event_id=event.id, fields=fields)
    return fields

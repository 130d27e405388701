"""Import of a spreadsheet or calendar of events: all of it or nothing, and nobody is mailed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.errors import DomainError, NotAllowed
from workshops.ical.reading import ReadEvent, UnreadableCalendar, read_calendar
from workshops.schedule import signals
from workshops.schedule.importing import NumberedRow, UnreadableSheet, is_calendar, read_sheet
from workshops.schedule.models import Event, Series, Topic
from workshops.schedule.queries.events import chunks, topics_of
from workshops.schedule.queries.locks import lock_event, lock_events, lock_schedule
from workshops.schedule.queries.reach import facilitators_of_each
from workshops.schedule.queries.recognition import (
    all_slugs,
    events_starting,
    events_with_uids,
    names_since,
    newest_names,
)
from workshops.schedule.rules.events import EventDetails, check, cleaned, decide_change, told_words
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.headers import Matching
from workshops.schedule.rules.importing import refuse_untold, target_state
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.reach import NOT_YOURS, Reach
from workshops.schedule.rules.spreadsheet import SheetRow, merged, read_row, recognition_key, repeated_rows
from workshops.schedule.rules.when import When
from workshops.schedule.service.calendar_rows import calendar_row, read_when
from workshops.schedule.service.catalogue import Catalogue
from workshops.schedule.service.details import all_counts_of, counts_of, details_of, when_of
from workshops.schedule.service.events import apply_change, save_new, unsaved_event
from workshops.schedule.service.import_report import (
    CHANGED,
    NEW,
    PROBLEM,
    SKIPPED,
    UNCHANGED,
    CellChange,
    ImportReport,
    RowResult,
    cell_changes,
)
from workshops.schedule.service.known_venues import KnownVenues
from workshops.schedule.service.states import set_state

#: New events written together.
BATCH = 200
_WILL_BE = {"draft": "will be a draft", "published": "will be published", "postponed": "will be postponed",
            "cancelled": "will be cancelled"}


@dataclass(frozen=True)
class _Job:
    """One row on its way: the sheet's cells for listeners, and what was read."""

    number: int
    title: str
    when: When | None = None
    sheet: SheetRow | None = None
    problem: str = ""
    cells: dict[str, str] | None = None
    read: ReadEvent | None = None
    notes: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def uid(self) -> str:
        """What the file calls it, or ""."""
        if self.read is not None:
            return self.read.uid
        return self.sheet.uid if self.sheet else ""

    @property
    def host(self) -> str | None:
        """Its host, None when the file does not say."""
        return self.sheet.host if self.sheet else None


@dataclass(frozen=True)
class _Pending:
    """A new event that is written together with others. place: of its row among the results."""

    place: int
    job: _Job
    event: Event
    details: EventDetails
    topics: Sequence[Topic]


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
    venues: KnownVenues
    slugs: set[str]
    uids: dict[str, Event]
    starting: dict[tuple[str, str], list[Event]]
    topics: dict[int, tuple[str, ...]]
    facilitators: dict[int, tuple[int, ...]]
    series: dict[str, Series]
    used: dict[int, int]
    reach: Reach | None
    pending: list[_Pending] = field(default_factory=list)


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
    matching: Matching | None = None,
    seal: str | None = None,
    reach: Reach | None = None,
) -> ImportReport:
    """Import a file of events, or say row by row what does not fit.

    filename: its ending tells calendars (.ics) from spreadsheets; what is in the file counts more.
    publish: publish upcoming events too; those already over are published anyway.
    matching: how strange names of columns are to be read.   seal: of the report somebody looked at; when this
    one would do something else, nothing is saved and the report is a dry run.   reach: of who imports; a row that
    changes what they do not run does not fit. None: the command line, which may all.
    Nothing is saved by a dry run, or unless all rows fit. Never raises for what a file holds.
    """
    data = text_or_bytes.encode("utf-8", "replace") if isinstance(text_or_bytes, str) else text_or_bytes
    try:
        jobs, file = _jobs(data, filename, matching)
    except UnreadableCalendar as unreadable:
        return ImportReport(problems=unreadable.reasons, dry_run=dry_run)
    except UnreadableSheet as unreadable:
        return ImportReport(problems=(str(unreadable),), dry_run=dry_run)
    if file.misfit is not None:
        return replace(file, problems=(file.misfit.sentence,), dry_run=dry_run)
    lock_schedule(session)
    asked = dict(session.info.get("before_commit", {}))
    newest = newest_names(session)
    savepoint = session.begin_nested()
    try:
        rows = _import_all(_prepare(session, jobs, publish, dry_run, now, actor, settings, reach), jobs)
        made = names_since(session, newest)
    except BaseException:
        savepoint.rollback()
        raise
    problems = (*file.problems,
                *(f"Row {row.number}, “{row.title}”: {row.problem}." for row in rows if row.outcome == PROBLEM))
    report = replace(file, rows=tuple(rows), problems=problems, dry_run=dry_run, made=made)
    if not problems and not dry_run and seal is not None and seal != report.seal:
        report = replace(report, dry_run=True)
    if report.saved:
        savepoint.commit()
    else:
        savepoint.rollback()
        session.expire_all()
        session.info["before_commit"] = asked
    return report


def _jobs(data: bytes, filename: str, matching: Matching | None) -> tuple[list[_Job], ImportReport]:
    """The rows of the file, and a report that holds what is true of the whole file."""
    if is_calendar(filename, data):
        calendar = read_calendar(data)
        jobs = [_calendar_job(number, read) for number, read in enumerate(calendar.events, start=1)]
        return jobs, ImportReport(notes=calendar.notes)
    sheet = read_sheet(data, filename, matching)
    return [_job(row) for row in sheet.rows], ImportReport(
        problems=sheet.problems, header=sheet.header, misfit=sheet.misfit, notes=sheet.notes
    )


def _job(row: NumberedRow) -> _Job:
    title = " ".join(row.cells.get("title", "").split())[:200]
    if row.problem:
        return _Job(row.number, title, problem=row.problem)
    sheet = read_row(row.cells)
    if isinstance(sheet, list):
        return _Job(row.number, title, problem=". ".join(sheet), notes=row.notes)
    return _Job(row.number, sheet.title, sheet.when, sheet, cells=row.cells, notes=(*row.notes, *sheet.notes))


def _calendar_job(number: int, read: ReadEvent) -> _Job:
    if read.problem:
        return _Job(number, read.title, problem=read.problem)
    if read.is_private:
        return _Job(number, "A private entry", skipped="It is marked as private in the calendar")
    try:
        when = read_when(read)
    except DetailsDoNotFit as unfit:
        return _Job(number, read.title, problem=". ".join(found.sentence for found in unfit.problems))
    return _Job(number, read.title, when, read=read, notes=read.notes)


def _prepare(
    session: Session,
    jobs: Sequence[_Job],
    publish: bool,
    dry_run: bool,
    now: datetime,
    actor: Actor,
    settings: Settings,
    reach: Reach | None,
) -> _Import:
    uids = events_with_uids(session, [job.uid for job in jobs if job.uid])
    starting: dict[tuple[str, str], list[Event]] = {}
    for event in events_starting(session, [job.when.sort_at for job in jobs if job.when]):
        starting.setdefault(_moment_key(event.title, when_of(event)), []).append(event)
    known = {event.id for event in uids.values()} | {event.id for events in starting.values() for event in events}
    if not dry_run:
        # All at once and by id, whatever the order of the rows; somebody may be cancelling one of them at this moment.
        for some in chunks(sorted(known)):
            lock_events(session, Event.id.in_(some))
    topics = {event_id: tuple(topic.name for topic in found) for event_id, found in topics_of(session, known).items()}
    return _Import(session, publish, dry_run, now, actor, settings, Catalogue(session), KnownVenues(session),
                   all_slugs(session), uids, starting, topics, facilitators_of_each(session, known), {}, {}, reach)


def _moment_key(title: str, when: When) -> tuple[str, str]:
    return recognition_key(title, when, "")[:2]


def _import_all(run: _Import, jobs: Sequence[_Job]) -> list[RowResult]:
    keys: list[tuple[int, object]] = [(job.number, key) for job in jobs if (key := _key(job))]
    repeated = dict(repeated_rows(keys))
    results: list[RowResult] = []
    for job in jobs:
        if job.skipped:
            results.append(RowResult(job.number, job.title, SKIPPED, notes=(job.skipped,)))
            continue
        problem = job.problem
        if not problem and job.number in repeated:
            problem = f"It is the same event as row {repeated[job.number]}"
        if problem:
            results.append(RowResult(job.number, job.title, PROBLEM, problem=problem.rstrip("."), notes=job.notes))
            continue
        try:
            results.append(_import_row(run, job, len(results)))
        except DetailsDoNotFit as unfit:
            sentences = ". ".join(dict.fromkeys(found.sentence.rstrip(".") for found in unfit.problems))
            results.append(RowResult(job.number, job.title, PROBLEM, problem=sentences, notes=job.notes))
        except DomainError as unfit:
            results.append(RowResult(job.number, job.title, PROBLEM, problem=str(unfit).rstrip("."), notes=job.notes))
    for start in range(0, len(run.pending), BATCH):
        _save_pending(run, run.pending[start : start + BATCH], results)
    return results


def _save_pending(run: _Import, pending: Sequence[_Pending], results: list[RowResult]) -> None:
    """Write new events, say so in the record, and let others read the rest of their rows."""
    save_new(run.session, [(one.event, one.details, one.topics) for one in pending])
    for one in pending:
        audit.record(run.session, now=run.now, actor=run.actor, action="event_imported",
                     subject=("event", one.event.id), event_id=one.event.id,
                     fields=["state"] if one.event.state != "draft" else [])
    for one in pending:
        try:
            _heard(run, one.job, one.event)
        except DomainError as unfit:
            results[one.place] = RowResult(one.job.number, one.job.title, PROBLEM, problem=str(unfit).rstrip("."),
                                           notes=one.job.notes)
    run.session.flush()


def _heard(run: _Import, job: _Job, event: Event) -> list[str]:
    """What other slices made of the row: what they changed, in words. Raises DomainError when it does not fit them."""
    heard: list[str] = []
    if job.cells is not None:
        signals.event_row_imported.send(event, session=run.session, now=run.now, actor=run.actor,
                                        settings=run.settings, row=job.cells, changes=heard, dry_run=run.dry_run)
    return heard


def _key(job: _Job) -> object:
    if job.uid or job.when is None or job.problem:
        return job.uid
    return recognition_key(job.title, job.when, job.host or "")


def _recognised(run: _Import, job: _Job) -> Event | None:
    """The event a row is about: by UID, or else by title, starts and host together.

    A row whose UID nobody knows is a twin only of an event that has no foreign UID yet and that no other
    row names by its own: two events at the same time under the same title stay two. A file that does not say the
    host (a calendar, a spreadsheet without that column) means the one event with that title and start.
    """
    if job.uid and job.uid in run.uids:
        return run.uids[job.uid]
    if job.when is None:
        return None
    twins = run.starting.get(_moment_key(job.title, job.when), [])
    if job.host is not None:
        host = fold(run.catalogue.host_name(job.host))
        twins = [event for event in twins if fold(event.host.name if event.host else "") == host]
    if job.uid:
        named = {event.id for event in run.uids.values()}
        twins = [event for event in twins
                 if event.foreign_uid is None and event.id not in named and event.id not in run.used]
    if job.host is None and len(twins) > 1:
        raise DomainError("There are several events here with this title and start: say which by its uid or host")
    return twins[0] if twins else None


def _import_row(run: _Import, job: _Job, place: int) -> RowResult:
    event = _recognised(run, job)
    if event is not None and event.id in run.used:
        raise DomainError(f"It is the same event as row {run.used[event.id]}")
    existing = None
    runs_it, programme_id = event is None or run.reach is None or run.reach.may_run(event), event and event.programme_id
    if event is not None:
        existing = details_of(run.session, event, run.topics[event.id], run.facilitators[event.id])
    sheet, notes = job.sheet, job.notes
    if sheet is None and job.read is not None:
        sheet = calendar_row(job.read, event, existing, kinds=list(run.catalogue.kinds), catalogue=run.catalogue,
                             venues=run.venues, settings=run.settings)
        notes = (*notes, *sheet.notes)
    assert sheet is not None
    details = _placed(run, sheet, cleaned(merged(sheet, existing)), existing)
    details = replace(details, topics=run.catalogue.topic_names(details.topics),
                      host=run.catalogue.host_name(details.host))
    check(details, now=run.now)
    if event is None or existing is None:
        return replace(_add(run, job, sheet, details, place), notes=notes)
    result = _change(run, job, event, existing, details, sheet)
    run.used[event.id] = job.number
    heard = _heard(run, job, event)
    if heard:
        run.session.flush()
        result = replace(result, outcome=CHANGED, fields=(*result.fields, *heard))
    if run.reach is not None and result.outcome == CHANGED:
        # What stays as it is may be anybody's: the whole list goes out and comes back.
        if not runs_it:
            raise NotAllowed(NOT_YOURS)
        if event.programme_id != programme_id:
            run.reach.require_may_organise(event.programme_id)
    return replace(result, notes=notes)


def _placed(run: _Import, sheet: SheetRow, details: EventDetails, existing: EventDetails | None) -> EventDetails:
    """The venue as it is called here: one named without its address, in a file without that column, is the one of
    that name; one that was merged is the one it went into."""
    place = details.venue
    if place is None or (existing is not None and existing.venue is not None and place.key == existing.venue.key):
        return details
    if sheet.partial == {"address", "postcode"} and not (place.address or place.postcode):
        return replace(details, venue=run.venues.of(place.name) or place)
    return replace(details, venue=run.venues.merged(place))


def _add(run: _Import, job: _Job, sheet: SheetRow, details: EventDetails, place: int) -> RowResult:
    if run.actor.kind == "staff":
        details = cleaned(replace(details, owner_id=run.actor.id))
    target = target_state("draft", sheet.state, over_at=details.when.over_at, now=run.now, publish=run.publish,
                          is_new=True)
    event, topics = unsaved_event(run.session, details, run.catalogue, is_taken=run.slugs.__contains__, now=run.now,
                                  settings=run.settings, slug=sheet.slug, foreign_uid=job.uid or None, state=target)
    if run.reach is not None and event.programme is not None and event.programme.id is not None:
        run.reach.require_may_organise(event.programme.id)
    run.slugs.add(event.slug)
    if job.read is not None and job.read.series:
        event.series = _series(run, job.read)
    run.pending.append(_Pending(place, job, event, details, topics))
    words = told_words(details)
    about = ", ".join(filter(None, (words["Date and time"], words["Place"], details.host, _WILL_BE[target])))
    return RowResult(job.number, details.title, NEW, about=about)


def _series(run: _Import, read: ReadEvent) -> Series:
    """The series of the dates of one repeating entry of a calendar."""
    if read.series not in run.series:
        known = [event for uid, event in run.uids.items() if uid.startswith(f"{read.series}|") and event.series]
        made = known[0].series if known else Series(title=read.title, created_at=run.now)
        assert made is not None
        run.session.add(made)
        run.series[read.series] = made
    return run.series[read.series]


def _change(
    run: _Import, job: _Job, event: Event, existing: EventDetails, details: EventDetails, sheet: SheetRow
) -> RowResult:
    counts = counts_of(event)
    decided = decide_change(existing, details, state=event.state, counts=counts, now=run.now)
    before = event.state
    target = target_state(before, sheet.state, over_at=details.when.over_at, now=run.now, publish=run.publish,
                          is_new=False)
    fields = decided.fields
    if fields or target != before:
        event = lock_event(run.session, event.id)
        counts = all_counts_of(run.session, event)
        decided = decide_change(existing, details, state=before, counts=counts, now=run.now)
        refuse_untold(decided, moves=target != before, state=before, counts=counts,
                      is_over=existing.when.over_at <= run.now)
        if fields:
            apply_change(run.session, event, existing, details, run.catalogue, decided, now=run.now,
                         settings=run.settings, actor=run.actor)
        changes = cell_changes(existing, details, fields)
        if target != event.state:
            set_state(run.session, event, target, reason="", now=run.now, settings=run.settings)
        if target != before:
            fields, changes = (*fields, "state"), (*changes, CellChange("state", before, target))
        audit.record(run.session, now=run.now, actor=run.actor, action="event_imported", subject=("event", event.id),
                     event_id=event.id, fields=fields)
    if job.uid and event.foreign_uid is None and job.uid != event.uid:
        event.foreign_uid = job.uid
    if not fields:
        return RowResult(job.number, details.title, UNCHANGED)
    return RowResult(job.number, details.title, CHANGED, fields, changes=changes)

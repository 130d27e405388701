"""The gap map of a programme, for organisers: where, when, about what and for whom nothing is planned yet."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from workshops.core.clock import now as clock_now
from workshops.core.db import db
from workshops.core.errors import NotFound
from workshops.schedule.models import Programme
from workshops.schedule.queries.gap_map import Plan, gap_map_page, next_over_at, plan_of
from workshops.schedule.queries.staff import programme_by_slug
from workshops.schedule.rules import gaps
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.gaps import COUNCILS, Grid, Planned
from workshops.schedule.rules.spreadsheet import quote_cell
from workshops.schedule.views import blueprint
from workshops.web.access import VIEWER, access
from workshops.web.filters import plural
from workshops.web.responses import Built, kept_part

#: The two tables, by their key in addresses, with what each is called.
MAPS = {"days": "Days by area", "topics": "Topic by audience"}
#: So many names of events at the same time are said before "and 6 more".
NAMED = 3


@dataclass(frozen=True)
class Clashing:
    """One event with what clashes with it, in sentences without full stops."""

    event: Planned
    sentences: Sequence[str]


@dataclass(frozen=True)
class Clashes:
    """What clashes: for a room, a venue or a facilitator; for the same people at the same time; bank holidays."""

    shared: Sequence[Clashing]
    same_time: Sequence[Clashing]
    holidays: Sequence[str]


@blueprint.get("/staff/programmes/<slug>/gaps")
@access(VIEWER)
def gap_map(slug: str) -> ResponseReturnValue:
    now = clock_now()
    page = gap_map_page(db.session(), slug)
    if page is None:
        raise NotFound
    part = kept_part(f"/staff/gaps/{page.id}", (page.planning, page.epoch), lambda: _built(slug, now), now=now)
    return render_template("schedule/gap_map.html", programme=page, part=part)


def _built(slug: str, now: datetime) -> Built:
    """What everybody who may see the gap map sees alike, until something is planned otherwise or over."""
    programme, plan = _plan(slug, now)
    html = render_template(
        "schedule/_gap_map.html",
        programme=programme,
        plan=plan,
        maps=[(key, MAPS[key], grid) for key, grid in _grids(plan).items()],
        drafts=sum(event.is_draft for event in plan.events),
        empty_areas=gaps.empty_areas(plan.events),
        councils=len(COUNCILS),
        empty_days=gaps.empty_days(plan.events, plan.span),
        all_days=(plan.span[1] - plan.span[0]).days + 1 if plan.span else 0,
        empty_audiences=gaps.empty_audiences(plan.events),
        clashes=_clashes(plan, plan.events),
        is_by_day=plan.span is not None and (plan.span[1] - plan.span[0]).days < gaps.MAX_COLUMNS,
    )
    # What is over clashes with nothing any more.
    return Built(html.encode("utf-8"), "text/html; charset=utf-8", until=next_over_at(db.session(), now))


@blueprint.get("/staff/programmes/<slug>/gaps/events")
@access(VIEWER)
def gap_events(slug: str) -> ResponseReturnValue:
    """The events behind one number of the gap map: ?map=days&row=fife&column=2027-03-02; totals leave one out."""
    programme, plan = _plan(slug, clock_now())
    grid = _grids(plan).get(request.args.get("map", "days"))
    row, column = request.args.get("row", ""), request.args.get("column", "")
    cell = grid.cell(row, column) if grid else None
    if grid is None or cell is None:
        raise NotFound
    words = [line.words for line in grid.rows if line.key == row] + [
        line.words for line in grid.columns if line.key == column
    ]
    return render_template(
        "schedule/gap_events.html",
        programme=programme,
        events=cell.events,
        words=", ".join(words) or "the whole programme",
        clashes=_clashes(plan, cell.events),
    )


@blueprint.get("/staff/programmes/<slug>/gaps.csv")
@access(VIEWER)
def gap_map_csv(slug: str) -> ResponseReturnValue:
    """Both tables, one line for each cell, the empty ones too."""
    programme, plan = _plan(slug, clock_now())
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["table", "row", "column", "events", "drafts", "clashes"])
    for key, grid in _grids(plan).items():
        for row in grid.rows:
            for column in grid.columns:
                cell = grid.cell(row.key, column.key) or gaps.Cell()
                names = [quote_cell(text) for text in (MAPS[key], row.text, column.words)]
                writer.writerow([*names, len(cell.events), cell.drafts, cell.clashing])
    answer = Response("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="gap-map-{programme.slug}.csv"'
    return answer


def _plan(slug: str, now: datetime) -> tuple[Programme, Plan]:
    session = db.session()
    programme = programme_by_slug(session, slug)
    if programme is None:
        raise NotFound
    return programme, plan_of(session, programme, now)


def _grids(plan: Plan) -> dict[str, Grid]:
    return {
        "days": gaps.days_by_area(plan.events, plan.clashes, plan.span),
        "topics": gaps.topics_by_audience(plan.events, plan.clashes),
    }


def _clashes(plan: Plan, events: Sequence[Planned]) -> Clashes:
    """The clashes of these events, in order of time. Many at the same time are said in one sentence for each event."""
    shared, same_time, holidays = [], [], Counter[str]()
    for event in events:
        by_kind: dict[str, list[Clash]] = {"programme": [], "holiday": [], "": []}
        for clash in plan.clashes.get(event.id, ()):
            by_kind.get(clash.kind, by_kind[""]).append(clash)
        holidays.update(clash.words for clash in by_kind["holiday"])
        if by_kind[""]:
            shared.append(Clashing(event, [clash.words for clash in by_kind[""]]))
        if by_kind["programme"]:
            same_time.append(Clashing(event, [_at_the_same_time(by_kind["programme"])]))
    return Clashes(shared, same_time, [f"{words} ({plural(count, 'event')})" for words, count in holidays.items()])


def _at_the_same_time(clashes: Sequence[Clash]) -> str:
    named = [f"“{clash.title}”" for clash in clashes[:NAMED]]
    more = len(clashes) - len(named)
    last = f"{more} more" if more else named.pop()
    return " and ".join(filter(None, (", ".join(named), last)))

"""Import of a spreadsheet or calendar: looked at row by row first, saved by a second button."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.schedule import service
from workshops.schedule.forms import ImportForm
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.queries.staff import kinds_by_name
from workshops.schedule.rules.headers import FOR_ALL_ROWS, KNOWN, Matching
from workshops.schedule.rules.spreadsheet import (
    BOOKING_WORDS,
    COLUMNS,
    FILE_MAX_BYTES,
    MODE_WORDS,
    NEEDED,
    OPTIONAL_COLUMNS,
    TIME_PARTS,
)
from workshops.schedule.service import ImportReport
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import actor
from workshops.web.access import ORGANISER, access
from workshops.web.carried import CARRIED_MAX, unpacked
from workshops.web.carried import packed as pack
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: How many rows one page shows; those that do not fit come first.
ROWS_SHOWN = 200
#: So many columns of a strange file can be matched on the page.
MATCHED_MAX = 60


@blueprint.route("/staff/import", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def import_events() -> ResponseReturnValue:
    form = ImportForm()
    if request.method != "POST":
        return _page(form)
    data, filename = _file(form)
    matching = _matching()
    if data is None and not form.file.errors:
        form.file.errors = ["Choose a file"]
    if not form.validate() or data is None:
        if data is None:
            form.file.errors = form.file.errors or ["Choose a file"]
            return _page(form), 422
        # the page was open for too long: what was looked at before is shown again, with a new token
        report = _run(data, filename, matching, publish=form.publish.data, dry_run=True)
        return _page(form, report, data, filename, matching), 422
    saves = request.form.get("action") == "import"
    seal = request.form.get("seal") or None
    report = _run(data, filename, matching, publish=form.publish.data, dry_run=not saves, seal=seal)
    if report.saved:
        flash(f"The import is done: {report.count('new')} new, {report.count('changed')} changed, "
              f"{report.count('unchanged')} unchanged. Nobody was emailed.")  # fmt: skip
        return see_other(url_for("schedule.staff_home", show="drafts", whose="all") if report.count("new")
                         and not form.publish.data else url_for("schedule.staff_home", whose="all"))  # fmt: skip
    page = _page(form, report, data, filename, matching, is_other=saves and not report.problems)
    return page, 422 if report.problems or saves else 200


def _file(form: ImportForm) -> tuple[bytes | None, str]:
    """What is to be imported: a file chosen now, or else the one that was looked at before."""
    chosen = form.file.data
    if chosen is not None:
        return chosen.stream.read(FILE_MAX_BYTES + 1), chosen.filename or ""
    return unpacked(request.form.get("content", ""), max_bytes=FILE_MAX_BYTES), request.form.get("filename", "")[:200]


def _matching() -> Matching:
    """Which columns a person said that those of a strange spreadsheet are; "-" leaves one out."""
    columns = {}
    for number in range(MATCHED_MAX):
        name, column = request.form.get(f"name-{number}", ""), request.form.get(f"column-{number}", "")
        if name and (column in KNOWN or column == "-"):
            columns[name] = "" if column == "-" else column
    for_all = {name: cell[:200] for name in FOR_ALL_ROWS if (cell := request.form.get(f"all-{name}", ""))}
    return Matching(columns, for_all)


def _run(
    data: bytes, filename: str, matching: Matching, *, publish: bool, dry_run: bool, seal: str | None = None
) -> ImportReport:
    with transaction() as session:
        return service.import_rows(session, text_or_bytes=data, filename=filename, publish=publish, dry_run=dry_run,
                                   now=now(), actor=actor(), settings=settings(), matching=matching,
                                   seal=seal, reach=reach_of(session, current_user))  # fmt: skip


def _page(
    form: ImportForm,
    report: ImportReport | None = None,
    data: bytes | None = None,
    filename: str = "",
    matching: Matching | None = None,
    *,
    is_other: bool = False,
) -> str:
    packed = pack(data) if report is not None and data is not None else ""
    rows = sorted(report.rows, key=lambda row: row.outcome != "problem") if report else []
    pages = max(1, -(-len(rows) // ROWS_SHOWN))
    asked = request.form.get("page", "")
    page = min(int(asked), pages) if asked.isdecimal() and len(asked) < 4 and int(asked) > 0 else 1
    return render_template(
        "schedule/import_events.html",
        form=form,
        report=report,
        rows=rows[(page - 1) * ROWS_SHOWN : page * ROWS_SHOWN],
        first_row=(page - 1) * ROWS_SHOWN + 1,
        row_count=len(rows),
        page=page,
        pages=pages,
        is_other=is_other,
        packed=packed if len(packed) <= CARRIED_MAX else "",
        filename=filename,
        matching=matching or Matching(),
        questions=_questions(report, matching or Matching()),
        columns=COLUMNS,
        needed=NEEDED,
        optional_columns=OPTIONAL_COLUMNS,
        time_parts=TIME_PARTS,
    )


def _questions(report: ImportReport | None, matching: Matching) -> list[dict[str, Any]]:
    """What is asked about columns that do not fit: one list to choose from for each."""
    if report is None or report.misfit is None:
        return []
    used = set(report.header) - set(report.misfit.unknown)
    asked = []
    for number, (name, guess) in enumerate(list(report.misfit.unknown.items())[:MATCHED_MAX]):
        options = [{"value": "-", "text": "Leave this column out", "checked": not guess}]
        options += [{"value": column, "text": column.replace("_", " "), "checked": column == guess}
                    for column in KNOWN if column not in used]
        asked.append({"number": number, "name": name, "options": options})
    choices = {"kind": [kind.name for kind in kinds_by_name(db.session())], "mode": list(MODE_WORDS.values()),
               "booking": list(BOOKING_WORDS.values())}  # fmt: skip
    for name in FOR_ALL_ROWS:
        if name in report.misfit.missing:
            chosen = matching.for_all.get(name)
            options = [{"value": "", "text": "One of the columns above", "checked": not chosen}]
            options += [{"value": words, "text": words, "checked": words == chosen} for words in choices[name]]
            asked.append({"for_all": name, "options": options})
    return asked

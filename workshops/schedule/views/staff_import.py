"""Import of a spreadsheet or calendar: looked at row by row first, saved by a second button."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from zlib import compress, decompressobj
from zlib import error as NotCompressed

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.core.clock import now
from workshops.core.db import transaction
from workshops.schedule import service
from workshops.schedule.forms import ImportForm
from workshops.schedule.rules.spreadsheet import COLUMNS, FILE_MAX_BYTES, OPTIONAL_COLUMNS
from workshops.schedule.service import ImportReport
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import actor
from workshops.web.access import ORGANISER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: A file whose packed form is longer than this is chosen a second time, because forms have a limit.
CARRIED_MAX = 800_000
#: How many rows the check table shows; problems are always among them.
ROWS_SHOWN = 500


@blueprint.route("/staff/import", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def import_events() -> ResponseReturnValue:
    form = ImportForm()
    if request.method == "GET":
        return _page(form)
    data, filename = _file(form)
    if data is None and not form.file.errors:
        form.file.errors = ["Choose a file"]
    if not form.validate() or data is None:
        if data is None:
            form.file.errors = form.file.errors or ["Choose a file"]
            return _page(form), 422
        # the page was open for too long: what was looked at before is shown again, with a new token
        return _page(form, _run(data, filename, publish=form.publish.data, dry_run=True), data, filename), 422
    saves = request.form.get("action") == "import"
    report = _run(data, filename, publish=form.publish.data, dry_run=not saves)
    if report.saved:
        flash(f"The import is done: {report.count('new')} new, {report.count('changed')} changed, "
              f"{report.count('unchanged')} unchanged. Nobody was emailed.")  # fmt: skip
        return see_other(url_for("schedule.staff_home", show="drafts", whose="all") if report.count("new")
                         and not form.publish.data else url_for("schedule.staff_home", whose="all"))  # fmt: skip
    return _page(form, report, data, filename), 422 if report.problems else 200


def _file(form: ImportForm) -> tuple[bytes | None, str]:
    """What is to be imported: a file chosen now, or else the one that was looked at before."""
    chosen = form.file.data
    if chosen is not None:
        return chosen.stream.read(FILE_MAX_BYTES + 1), chosen.filename or ""
    return _unpacked(request.form.get("content", "")), request.form.get("filename", "")[:200]


def _run(data: bytes, filename: str, *, publish: bool, dry_run: bool) -> ImportReport:
    with transaction() as session:
        return service.import_rows(session, text_or_bytes=data, filename=filename, publish=publish, dry_run=dry_run,
                                   now=now(), actor=actor(), settings=settings())  # fmt: skip


def _page(
    form: ImportForm, report: ImportReport | None = None, data: bytes | None = None, filename: str = ""
) -> str:
    packed = _packed(data) if report is not None and not report.problems and data is not None else ""
    rows = list(report.rows) if report else []
    problems = [row for row in rows if row.outcome == "problem"]
    shown = rows if len(rows) <= ROWS_SHOWN else problems[:ROWS_SHOWN] or rows[:ROWS_SHOWN]
    return render_template(
        "schedule/import_events.html",
        form=form,
        report=report,
        rows=shown,
        hidden_rows=len(rows) - len(shown),
        packed=packed if len(packed) <= CARRIED_MAX else "",
        filename=filename,
        columns=COLUMNS,
        optional_columns=OPTIONAL_COLUMNS,
    )


def _packed(data: bytes) -> str:
    return b64encode(compress(data, 9)).decode("ascii")


def _unpacked(text: str) -> bytes | None:
    """The file that _packed wrote; None for anything else. Never more than a file may hold."""
    if not text:
        return None
    try:
        unpacking = decompressobj()
        return unpacking.decompress(b64decode(text, validate=True), FILE_MAX_BYTES + 1)
    except (NotBase64, NotCompressed, ValueError):
        return None

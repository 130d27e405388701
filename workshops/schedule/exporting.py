"""Events as rows of the spreadsheet, for export. The columns of write-ups are added by evidence, which knows them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from workshops.schedule.models import Event
from workshops.schedule.rules.spreadsheet import row_of
from workshops.schedule.service.details import details_of


def event_row(
    session: Session,
    event: Event,
    topics: tuple[str, ...] | None = None,
    facilitators: tuple[int, ...] | None = None,
) -> dict[str, str]:
    """The row of an event, by column; importing it again changes nothing.

    topics: their names, facilitators: their ids, when the caller has them for many events at once. Cells are plain
    text: whoever writes a file for a spreadsheet program puts each through rules.spreadsheet.quote_cell.
    """
    return row_of(details_of(session, event, topics, facilitators), uid=event.uid, slug=event.slug, state=event.state)

"""The use cases of the schedule. Each takes keywords after the session, flushes and never commits."""

from __future__ import annotations

from workshops.schedule.service.catalogue import (
    ProgrammeDetails,
    VenueDetails,
    make_kind,
    rename_host,
    rename_topic,
    save_programme,
    save_venue,
)
from workshops.schedule.service.details import counts_of, details_of, when_of
from workshops.schedule.service.events import (
    MustChoose,
    SavedEvent,
    add_date,
    change_event,
    create_event,
    fit_vevents,
    refresh_all_vevents,
)
from workshops.schedule.service.imports import ImportReport, RowResult, import_rows
from workshops.schedule.service.places import record_places, touch_event
from workshops.schedule.service.states import cancel_event, postpone_event, publish_event, reinstate_event

__all__ = [
    "ImportReport",
    "MustChoose",
    "ProgrammeDetails",
    "RowResult",
    "SavedEvent",
    "VenueDetails",
    "add_date",
    "cancel_event",
    "change_event",
    "counts_of",
    "create_event",
    "details_of",
    "fit_vevents",
    "import_rows",
    "make_kind",
    "postpone_event",
    "publish_event",
    "record_places",
    "refresh_all_vevents",
    "reinstate_event",
    "rename_host",
    "rename_topic",
    "save_programme",
    "save_venue",
    "touch_event",
    "when_of",
]

"""The use cases of the schedule. Each takes keywords after the session, flushes and never commits."""

from __future__ import annotations

from workshops.schedule.service.catalogue import make_kind
from workshops.schedule.service.consequences import Consequences, foresee_change, foresee_step
from workshops.schedule.service.details import all_counts_of, counts_of, details_of, details_of_all, when_of
from workshops.schedule.service.events import (
    EditedMeanwhile,
    MustChoose,
    SavedEvent,
    change_event,
    create_event,
    fit_vevents,
    keep_part,
    refresh_all_vevents,
)
from workshops.schedule.service.import_report import CellChange, ImportReport, RowResult
from workshops.schedule.service.imports import import_rows
from workshops.schedule.service.moves import Heed, PlaceNews, foresee_places
from workshops.schedule.service.names import (
    delete_name,
    merge_hosts,
    merge_topics,
    rename_host,
    rename_topic,
    save_host,
    save_topic,
)
from workshops.schedule.service.place_rules import change_place_rules, check_place_rules, write_place_rules
from workshops.schedule.service.places import record_places, touch_event
from workshops.schedule.service.programmes import (
    INVITATIONS_AT_ONCE,
    CancelledEvents,
    ProgrammeDetails,
    cancel_events,
    publish_drafts,
    run_by,
    save_programme,
)
from workshops.schedule.service.repeats import Repeated, add_date, copy_event, new_form_key, repeat_event
from workshops.schedule.service.series import (
    DateChange,
    cancel_dates,
    dates_to_cancel,
    plan_series_change,
    publish_dates,
)
from workshops.schedule.service.states import (
    anybody_registered,
    cancel_event,
    postpone_event,
    publish_event,
    reinstate_event,
    unpublish_event,
)
from workshops.schedule.service.team import reason_not_to_send, tell_team
from workshops.schedule.service.venues import (
    VenueDetails,
    delete_room,
    delete_venue,
    merge_venues,
    save_room,
    save_venue,
)

__all__ = [
    "INVITATIONS_AT_ONCE",
    "CancelledEvents",
    "CellChange",
    "Consequences",
    "DateChange",
    "EditedMeanwhile",
    "Heed",
    "ImportReport",
    "MustChoose",
    "PlaceNews",
    "ProgrammeDetails",
    "Repeated",
    "RowResult",
    "SavedEvent",
    "VenueDetails",
    "add_date",
    "all_counts_of",
    "anybody_registered",
    "cancel_dates",
    "cancel_event",
    "cancel_events",
    "change_event",
    "change_place_rules",
    "check_place_rules",
    "copy_event",
    "counts_of",
    "create_event",
    "dates_to_cancel",
    "delete_name",
    "delete_room",
    "delete_venue",
    "details_of",
    "details_of_all",
    "fit_vevents",
    "foresee_change",
    "foresee_places",
    "foresee_step",
    "import_rows",
    "keep_part",
    "make_kind",
    "merge_hosts",
    "merge_topics",
    "merge_venues",
    "new_form_key",
    "plan_series_change",
    "postpone_event",
    "publish_dates",
    "publish_drafts",
    "publish_event",
    "reason_not_to_send",
    "record_places",
    "refresh_all_vevents",
    "reinstate_event",
    "rename_host",
    "rename_topic",
    "repeat_event",
    "run_by",
    "save_host",
    "save_programme",
    "save_room",
    "save_topic",
    "save_venue",
    "tell_team",
    "write_place_rules",
    "touch_event",
    "unpublish_event",
    "when_of",
]

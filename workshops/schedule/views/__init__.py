"""The pages of the schedule: public ones, and those for staff."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("schedule", "workshops.schedule.views")

# The modules put their routes on the blueprint, so it must be there before they are read.
from workshops.schedule.views import (  # noqa: E402
    gap_map,
    public,
    staff,
    staff_event_days,
    staff_event_pages,
    staff_event_parts,
    staff_import,
    staff_lists,
    staff_programmes,
    staff_series,
    staff_series_cancel,
    staff_steps,
    staff_venues,
)

__all__ = [
    "blueprint",
    "gap_map",
    "public",
    "staff",
    "staff_event_days",
    "staff_event_pages",
    "staff_event_parts",
    "staff_import",
    "staff_series",
    "staff_lists",
    "staff_programmes",
    "staff_series_cancel",
    "staff_steps",
    "staff_venues",
]

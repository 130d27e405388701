"""Entries and calendars as in tests/ical."""

from __future__ import annotations

from tests.ical.conftest import make_entry, make_feed

__all__ = ["make_entry", "make_feed"]

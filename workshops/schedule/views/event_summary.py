"""The details of an event under their headings for staff, each with the way to change it."""

from __future__ import annotations

from typing import Any

from flask import url_for

from workshops.core.clock import now
from workshops.core.db import db
from workshops.core.london_time import instant_words
from workshops.schedule.models import Event
from workshops.schedule.queries.parts import names_of_accounts
from workshops.schedule.rules.audience import ADMITS, AUDIENCES, OWN_FORM, is_by_invitation
from workshops.schedule.rules.events import BOOKINGS, FACTS, MODES, EventDetails
from workshops.schedule.rules.questions import KINDS, Question
from workshops.schedule.service import counts_of
from workshops.schedule.views.staff import counts_words
from workshops.web.markdown import render_markdown

Row = dict[str, Any]


def summary_of(event: Event, details: EventDetails, *, runs: bool) -> list[tuple[str, list[Row]]]:
    """(heading, rows for summary_list). runs: whether the reader may change it, and see the joining link."""
    rows = _Rows(event.slug, runs)
    groups = [
        ("When and where", _where(rows, details, runs)),
        ("Places and registration", _registration(rows, event, details)),
        ("About the event", _about(rows, details)),
        ("Who runs it", _who(rows, event, details)),
        ("Figures reported elsewhere", _history(rows, event, details)),
    ]
    return [(heading, found) for heading, found in groups if found]


class _Rows:
    """Makes rows with their Change links."""

    def __init__(self, slug: str, runs: bool) -> None:
        self.slug, self.runs = slug, runs

    def __call__(self, key: str, value: Any, part: str, field: str = "", **more: Any) -> Row:
        row = {"key": key, "value": value, **more}
        if self.runs:
            row["href"] = url_for("schedule.edit_part", slug=self.slug, part=part, _anchor=field or None)
        return row


def _where(row: _Rows, details: EventDetails, runs: bool) -> list[Row]:
    rows = [
        row("Date and time", details.when.words(uk_time=details.mode == "online"), "when"),
        row("How people take part", MODES[details.mode], "where", "mode-0"),
        row("Place", details.venue.words if details.venue else "", "where", "venue"),
    ]
    if details.venue is not None:
        rows.append(row("Room", details.room, "where", "room"))
    rows.append(row("Area", details.area, "where", "area"))
    if runs:
        rows.append(row("Joining link", details.joining_link, "where", "joining_link"))
    return [
        *rows,
        row("British Sign Language interpreter", FACTS[details.bsl], "where", "bsl-0"),
        row("Captions", FACTS[details.captions], "where", "captions-0"),
    ]


def _registration(row: _Rows, event: Event, details: EventDetails) -> list[Row]:
    rows = [
        row("How people register", BOOKINGS[details.booking], "registration", "booking-0"),
        row("Places taken", counts_words(event), "registration", "capacity_in_person", hidden="the number of places"),
    ]
    if details.booking == "elsewhere":
        rows.append(row("Page where people register", details.booking_url, "registration", "booking_url"))
    if details.booking in OWN_FORM:
        rows += [
            row("Who may register", _admits_words(details), "registration", "admits-0", lines=True),
            row("When full", "A waiting list" if details.has_waiting_list else "No waiting list", "registration",
                "when_full-0"),
            row("Opens", _instant_words(details.opens_at) or "When it is published", "registration", "opens_on-day"),
            row("Closes", _instant_words(details.closes_at) or "When the event starts", "registration",
                "closes_on-day"),
        ]  # fmt: skip
    if details.booking in OWN_FORM:
        questions = "\n".join(map(question_words, details.questions)) or "None"
        rows.append(row("Own questions", questions, "questions", lines=True))
    listed = "In lists, search and calendars" if details.is_listed else "Only to people who have its address"
    return [*rows, row("Where it shows", listed, "registration", "visible-0")]


def _admits_words(details: EventDetails) -> str:
    if is_by_invitation(details.booking, details.admits):
        return "\n".join([ADMITS["invited"], *details.admitted_domains])
    return "\n".join([ADMITS[details.admits], *(details.admitted_domains if details.admits != "anyone" else ())])


def question_words(question: Question) -> str:
    """A question in one line, with how it is answered."""
    more = [KINDS[question.kind].lower()] if question.kind == "text" else ["; ".join(question.options)]
    more += ["must be answered"] if question.is_required else []
    more += [f"personal: {question.reason}"] if question.is_personal else []
    return f"{question.text} ({', '.join(more)})"


def _about(row: _Rows, details: EventDetails) -> list[Row]:
    return [
        row("Title", details.title, "about", "title"),
        row("Kind", details.kind[:1].upper() + details.kind[1:], "about", "kind"),
        row("Summary", details.summary, "about", "summary"),
        row("Description", render_markdown(details.description, first_heading=2), "about", "description"),
        row("Topics", "; ".join(details.topics), "about", "topics"),
        row("Programme", details.programme, "about", "programme"),
        row("Who it is meant for", AUDIENCES.get(details.audience, ""), "about", "audience"),
    ]


def _who(row: _Rows, event: Event, details: EventDetails) -> list[Row]:
    names = names_of_accounts(db.session(), details.facilitators)
    return [
        row("Run by", details.host, "who", "host"),
        row("Looked after by", (event.owner.name or event.owner.email) if event.owner else "Nobody yet", "who"),
        row("Run with", "\n".join(names) or "Nobody else", "who", "facilitators-0", lines=True),
    ]


def _history(row: _Rows, event: Event, details: EventDetails) -> list[Row]:
    """What was reported of a past event; of one whose people registered here these figures are counted instead."""
    said = (details.reported_registered, details.reported_attended, details.source_url or None)
    kept_elsewhere = event.over_at <= now() and not counts_of(event).people
    if not kept_elsewhere and all(value is None for value in said):
        return []
    return [
        row("People who registered", details.reported_registered, "history"),
        row("People who came", details.reported_attended, "history", "reported_attended"),
        row("Page this comes from", details.source_url, "history", "source_url"),
    ]


def _instant_words(instant: Any) -> str:
    return instant_words(instant) if instant else ""

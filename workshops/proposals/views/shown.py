"""What several pages of proposals show alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, make_response, render_template

from workshops.core.db import db
from workshops.proposals.models import Proposal
from workshops.proposals.rules import when_typed_words
from workshops.proposals.service import details_of
from workshops.schedule.queries.clashes import clashes_of
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.events import MODES, EventDetails, Place
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.web.fields import Form

#: Where the sentence of a rule stands in a form whose field has another name.
_FIELDS = {
    "starts": "starts_on",
    "ends": "ends_on",
    "venue": "venue_name",
    "address": "venue_address",
    "capacity_in_person": "places",
    "capacity_online": "places",
}


def link_gone() -> Response:
    """The one answer to every link that opens nothing: wrong, ended, revoked. It never tells which."""
    return make_response(render_template("proposals/_link_gone.html"), 404)


def show_problems(form: Form, unfit: DetailsDoNotFit) -> None:
    """Put what is wrong at the fields it belongs to."""
    for problem in unfit.problems:
        field = problem.field if problem.field in form else _FIELDS.get(problem.field, problem.field)
        form.add_error(problem.sentence, field)


def read_edition(form: Form) -> int:
    """The edition that was read; 0, which none has, when it cannot be told."""
    typed = str(form["edition"].data or "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


def rows_of(proposal: Proposal, *, with_person: bool = True) -> list[dict[str, Any]]:
    """What a proposal says, as question and answer; what was left empty is left out."""
    details = details_of(proposal)
    is_host = proposal.purpose == "host"
    asked: list[tuple[str, object]] = []
    if with_person:
        asked += [
            ("Organisation" if is_host else "Team or community", details.organisation),
            ("Name", details.name),
            ("Email address", proposal.email),
        ]
    where = ", ".join(part for part in (details.venue_name, details.venue_address, details.postcode) if part)
    asked += [
        ("Title" if is_host else "What is needed", details.title),
        ("Kind", details.kind[:1].upper() + details.kind[1:]),
        ("What it is about" if is_host else "More about it", details.summary),
        ("Who it is for", AUDIENCES.get(details.audience, "")),
        ("Topics", "; ".join(part.strip() for part in details.topics.split(";") if part.strip())),
        ("Date and time" if is_host else "When", when_typed_words(proposal.purpose, details)),
        ("Taking part", MODES[details.mode]),
        ("Place", where),
        ("Area", details.area),
        ("Places" if is_host else "How many people",
         "" if details.places is None else f"{details.places:,}"),
        ("Access", details.access),
        ("Message", details.message),
    ]  # fmt: skip
    return [{"key": key, "value": value, "lines": True} for key, value in asked if value]


def clashes_for(proposal: Proposal, instant: datetime) -> list[str]:
    """What a proposed event would meet, in sentences; nothing while no day is known."""
    if proposal.purpose != "host" or proposal.starts_on is None:
        return []
    details = details_of(proposal)
    place = Place(details.venue_name, details.venue_address, details.postcode)
    try:
        meant = EventDetails(
            title=details.title,
            kind=details.kind,
            when=details.when,
            mode=details.mode,
            host=details.organisation,
            programme=proposal.programme.title if proposal.programme else "",
            venue=place if place.words else None,
            audience=details.audience,
        )
    except DetailsDoNotFit:
        return []
    return clashes_between(meant, instant)


def clashes_between(details: EventDetails, instant: datetime) -> list[str]:
    """What an event that is not made yet would meet, in sentences. A warning, never a block."""
    return [clash.words for clash in clashes_of(db.session(), details=details, event_id=None, now=instant)]

"""A list of people for one event: looked at row by row, then saved, all of it or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.addresses import clean_email, email_key
from workshops.core.errors import DomainError
from workshops.core.text import clean_text
from workshops.registration.queries import counts_of, registrations_of, terms_of
from workshops.registration.rules import (
    ACTIVE_STATES,
    JOB_TITLE_MAX,
    NAME_MAX,
    ORGANISATION_MAX,
    NoPlaces,
    RegistrationClosed,
    decide_registration,
)
from workshops.registration.service.registering import Details, add_person, staff_terms
from workshops.schedule.importing.rows import read_table
from workshops.schedule.importing.tables import Record, UnreadableSheet
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.spreadsheet import FILE_MAX_BYTES, unquote_cell

PEOPLE_MAX = 500
#: The names of columns as people and ticket programs write them -> what they are.
COLUMNS = {
    "name": "name", "full name": "name", "attendee": "name", "attendee name": "name",
    "first name": "first_name", "surname": "last_name", "last name": "last_name",
    "email": "email", "e-mail": "email", "email address": "email", "attendee email": "email",
    "organisation": "organisation", "organization": "organisation", "company": "organisation",
    "job title": "job_title", "role": "job_title",
    "taking part": "attending", "attending": "attending", "attendance": "attending",
}  # fmt: skip
_WAYS = {"in person": "in_person", "in_person": "in_person", "online": "online"}
#: What a row would come to, for staff.
OUTCOMES = {
    "place": "Gets a place",
    "waiting": "Goes on the waiting list",
    "known": "Registered already: left as it is",
    "problem": "Does not fit",
}


@dataclass(frozen=True)
class ListedPerson:
    """One row. outcome: a key of OUTCOMES.   problem: a sentence when it does not fit."""

    number: int
    name: str
    email: str
    organisation: str
    job_title: str
    attending: str | None
    outcome: str = ""
    problem: str = ""


@dataclass(frozen=True)
class PeopleList:
    """The whole file. left_out: names of columns that are not read.   notes: what was assumed."""

    people: tuple[ListedPerson, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def count(self, outcome: str) -> int:
        """How many rows come to that."""
        return sum(one.outcome == outcome for one in self.people)

    @property
    def seal(self) -> str:
        """Names what the rows come to: when it differs at the second look, staff look again."""
        rows = "\n".join(f"{email_key(one.email)}\0{one.outcome}" for one in self.people)
        return hashlib.sha256(rows.encode()).hexdigest()[:24]


def read_people(session: Session, event: Event, *, data: bytes, filename: str, now: datetime) -> PeopleList:
    """What each row of a CSV or XLSX file would come to. Only reads. Raises UnreadableSheet with what to do."""
    if len(data) > FILE_MAX_BYTES:
        raise UnreadableSheet(f"The file is larger than {FILE_MAX_BYTES // 1_000_000} MB.")
    table = read_table(data, filename)
    records = iter(table.records)
    header = next(records, None)
    if header is None:
        raise UnreadableSheet("The file is empty.")
    names = [COLUMNS.get(fold(cell).replace("_", " "), "") for cell in header.cells]
    if "email" not in names or not {"name", "first_name", "last_name"} & set(names):
        raise UnreadableSheet("The first row must name the columns, “Name” and “Email” among them.")
    left_out = [cell.strip() for cell, name in zip(header.cells, names, strict=True) if not name and cell.strip()]
    people: list[ListedPerson] = []
    for record in records:
        if not any(cell.strip() for cell in record.cells):
            continue
        if len(people) >= PEOPLE_MAX:
            raise UnreadableSheet(f"The file has more than {PEOPLE_MAX} people. Split it up.")
        people.append(_person(record, names, event.mode))
    if not people:
        raise UnreadableSheet("The file has the names of the columns and nobody below them.")
    return PeopleList(tuple(_with_outcomes(session, event, people, now)), tuple(left_out), tuple(table.notes))


def _person(record: Record, names: Sequence[str], mode: str) -> ListedPerson:
    cells = [clean_text(unquote_cell(cell)) for cell in record.cells]
    said: dict[str, str] = {}
    for name, cell in zip(names, [*cells, *[""] * (len(names) - len(cells))], strict=False):
        said[name] = said.get(name, "") or cell
    name = said.get("name", "") or " ".join(filter(None, (said.get("first_name", ""), said.get("last_name", ""))))
    way = fold(said.get("attending", ""))
    problem = ". ".join(record.problems)
    address = said.get("email", "")
    try:
        address = clean_email(address)
    except ValueError as wrong:
        problem = problem or str(wrong)
    if not name:
        problem = problem or "The name is missing"
    organisation, job_title = said.get("organisation", ""), said.get("job_title", "")
    for words, value, most in (
        ("name", name, NAME_MAX),
        ("organisation", organisation, ORGANISATION_MAX),
        ("job title", job_title, JOB_TITLE_MAX),
    ):
        if len(value) > most:
            problem = problem or f"The {words} has more than {most} characters"
    if mode == "hybrid" and way not in _WAYS:
        problem = problem or "Say “in person” or “online” in a column “Taking part”"
    attending = _WAYS.get(way) if mode == "hybrid" else None
    outcome = "problem" if problem else ""
    return ListedPerson(record.number, name, address, organisation, job_title, attending, outcome, problem)


def _with_outcomes(session: Session, event: Event, people: Sequence[ListedPerson], now: datetime) -> list[ListedPerson]:
    known = {one.email_key for one in registrations_of(session, event.id, ACTIVE_STATES)}
    counts, terms = counts_of(session, event), staff_terms(terms_of(event))
    seen: dict[str, int] = {}
    found = []
    for one in people:
        key = email_key(one.email)
        outcome, problem = one.outcome, one.problem
        if not outcome and key in seen:
            outcome, problem = "problem", f"The same address is in row {seen[key]}"
        elif not outcome and key in known:
            outcome = "known"
        elif not outcome:
            attending = one.attending or event.mode
            try:
                decision = decide_registration(terms, counts.room(event, attending, now), if_full="wait", now=now)
            except (NoPlaces, RegistrationClosed) as error:
                outcome, problem = "problem", str(error)
            else:
                outcome = decision.kind
                counts.add(attending, decision.state, perspective="")
        seen.setdefault(key, one.number)
        found.append(ListedPerson(one.number, one.name, one.email, one.organisation, one.job_title, one.attending,
                                  outcome, problem))  # fmt: skip
    return found


def add_people(
    session: Session,
    *,
    event_id: int,
    data: bytes,
    filename: str,
    seal: str,
    is_told: bool,
    now: datetime,
    settings: Settings,
    actor: Actor,
) -> PeopleList:
    """Save a list that was looked at. Raises DomainError when a row does not fit or comes to something else by now."""
    event = lock_event(session, event_id)
    listed = read_people(session, event, data=data, filename=filename, now=now)
    if listed.count("problem"):
        raise DomainError("Nothing was saved: put the rows that do not fit right in the file, and choose it again.")
    if listed.seal != seal:
        raise DomainError("Something has changed since you looked: these rows would do something else. Look again.")
    for one in listed.people:
        if one.outcome != "known":
            details = Details(name=one.name, email=one.email, attending=one.attending, organisation=one.organisation,
                              job_title=one.job_title)  # fmt: skip
            add_person(session, event_id=event_id, details=details, is_told=is_told, now=now, settings=settings,
                       actor=actor)  # fmt: skip
    return listed

"""The first row of an events spreadsheet: which columns there are, and what a strange name was probably meant for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from workshops.core.text import clean_text
from workshops.schedule.rules.spreadsheet import COLUMNS, NEEDED, OPTIONAL_COLUMNS, TIME_PARTS

#: Every name a column may have.
KNOWN = (*COLUMNS, *OPTIONAL_COLUMNS, *TIME_PARTS)
#: What may be said once for all rows when the file has no column for it.
FOR_ALL_ROWS = ("kind", "mode", "booking")

#: What other programs and colleagues call the same thing (Eventbrite, Outlook, Google Forms, own lists).
_SYNONYMS = {
    "title": "event, event_name, event_title, name, name_of_event, subject, session, session_title, workshop",
    "kind": "type, event_type, type_of_event, category, event_category",
    "host": "organiser, organizer, organisation, organization, organiser_name, organizer_name, hosted_by, lead",
    "starts": "start, from, begins, start_date_and_time, start_date/time, event_start, date_and_time, datetime",
    "ends": "end, until, to, finishes, finish, end_date_and_time, end_date/time, event_end",
    "start_date": "date, day, event_date, event_start_date, date_of_event",
    "start_time": "time, event_start_time, time_start, time_from",
    "end_date": "event_end_date, last_day",
    "end_time": "finish_time, event_end_time, time_end, time_to",
    "venue": "location, place, where, venue_name, event_location, building",
    "address": "venue_address, street, street_address, event_address, location_address",
    "postcode": "post_code, postal_code, zip, zip_code, venue_postcode",
    "area": "council, council_area, local_authority, region, location_area",
    "mode": "format, attendance_mode, online_or_in_person, in_person_or_online, delivery",
    "booking": "registration, how_to_book, booking_type, sign_up",
    "capacity_in_person": "capacity, places, number_of_places, max, maximum, event_capacity, event_total_capacity, "
                          "quantity_available, tickets_available",
    "capacity_online": "online_capacity, online_places",
    "topics": "topic, tags, themes, theme, keywords, event_tags",
    "summary": "short_description, about, event_summary, strapline",
    "description": "details, event_description, long_description, notes, body",
    "registered": "registrations, booked, bookings, sold, tickets_sold, quantity_sold, number_registered",
    "attended": "attendance, attendees, came, number_attended, checked_in",
    "programme": "program, festival, programme_name, strand",
    "source_url": "url, link, website, web_page, event_url, event_link, page",
    "booking_url": "booking_link, registration_link, registration_url, eventbrite_link, ticket_link",
    "joining_link": "join_link, meeting_link, teams_link, zoom_link, webinar_link, online_event_url",
    "state": "status, event_status",
    "uid": "event_uid, ical_uid",
    "days": "day_times",
}
_MEANT = {synonym: column for column, words in _SYNONYMS.items() for synonym in words.split(", ")}


@dataclass(frozen=True)
class Matching:
    """How a person fitted a strange spreadsheet to the columns known here.

    columns: the name in the file (as header_names gives it) -> a column, or "" to leave it out.
    for_all: a column of FOR_ALL_ROWS that the file lacks -> the cell of every row.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    for_all: Mapping[str, str] = field(default_factory=dict)

    def names(self, header: Sequence[str]) -> list[str]:
        """The columns of the file as they are to be read; "" where one is left out."""
        return [self.columns.get(name, name) for name in header]


@dataclass(frozen=True)
class Misfit:
    """What does not fit about a first row: for a page that asks. unknown: name -> what it was probably meant for."""

    sentence: str
    unknown: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def header_names(cells: Sequence[str]) -> list[str]:
    """The names of the columns as they are compared; empty columns at the end are left out."""
    names = ["_".join(clean_text(cell).lower().replace("-", " ").replace("_", " ").split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def meant_for(name: str) -> str:
    """The column that a name was probably meant for, or ""."""
    if name in _MEANT:
        return _MEANT[name]
    close = get_close_matches(name, [*KNOWN, *_MEANT], n=1, cutoff=0.78)
    return _MEANT.get(close[0], close[0]) if close else ""


def header_misfit(header: Sequence[str], matching: Matching | None = None) -> Misfit | None:
    """What is wrong with the first row, in one sentence with all names, or None.

    header: as `header_names` gives it.
    """
    matching = matching or Matching()
    names = matching.names(header)
    given = {name for name in names if name} | {name for name, cell in matching.for_all.items() if cell}
    if "start_date" in given:
        given.add("starts")
    missing = [name for name in NEEDED if name not in given]
    unknown = [name for name, column in zip(header, names, strict=True) if column and column not in KNOWN]
    unknown = list(dict.fromkeys(unknown))
    twice = list(dict.fromkeys(name for name in names if name and names.count(name) > 1))
    if not (missing or unknown or twice):
        return None
    guesses = _guesses(unknown, given)
    if not given.intersection(KNOWN) and not any(guesses.values()):
        return Misfit(f"The first row must hold the names of the columns: {', '.join(COLUMNS)}.")
    return Misfit(_sentence(missing, unknown, twice, guesses), guesses, tuple(missing))


def _guesses(unknown: Sequence[str], given: set[str]) -> dict[str, str]:
    """A column for each strange name, none twice and none that the file has already."""
    used = set(given)
    guesses = {}
    for name in unknown:
        guess = meant_for(name)
        if guess in used or (guess == "start_date" and "starts" in used):
            guess = ""
        guesses[name] = guess
        used.add(guess)
    return guesses


def _sentence(
    missing: Sequence[str], unknown: Sequence[str], twice: Sequence[str], guesses: Mapping[str, str]
) -> str:
    parts = []
    if missing:
        parts.append(f"{_columns(missing)} missing: {', '.join(missing)}")
    if unknown:
        named = ", ".join(name.replace("_", " ")[:60] for name in unknown[:20])
        parts.append(f"{_columns(unknown)} not known: {named}")
    if twice:
        parts.append(f"{_columns(twice)} there twice: {', '.join(twice)}")
    sentence = "; ".join(parts) + "."
    meant = [f"{guess} for {name.replace('_', ' ')[:60]}" for name, guess in guesses.items() if guess]
    more = f" Did you mean {', '.join(meant[:20])}?" if meant else ""
    return sentence[0].upper() + sentence[1:] + more


def _columns(names: Sequence[str]) -> str:
    return "this column is" if len(names) == 1 else "these columns are"

"""Names, rooms and contacts: what a form may say of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workshops.core.addresses import clean_email
from workshops.core.errors import DomainError
from workshops.core.text import clean_text
from workshops.ical.cleaning import clean_url
from workshops.schedule.rules.events import NAME_MAX, PLACES_MAX
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem, refuse

HOW_TO_GET_THERE_MAX = 4_000
HOST_DESCRIPTION_MAX = 2_000
PHONE_MAX = 40
WEBSITE_MAX = 2_000

#: The access facts of a venue, in the order in which pages say them.
VENUE_FACT_WORDS = {
    "step_free": "Step-free access",
    "accessible_toilet": "Accessible toilet",
    "hearing_loop": "Hearing loop",
    "quiet_room": "Quiet room",
    "parking": "Parking",
    "bsl": "British Sign Language interpreter",
    "captions": "Captions",
}


class StillUsed(DomainError):
    """Something that events use cannot be deleted."""


def clean_name(typed: str, word: str) -> str:
    """A name as it is kept. Raises DetailsDoNotFit when it is missing or long. word: "host", "topic", "room"."""
    name = clean_text(typed)
    if not fold(name):
        raise DetailsDoNotFit(Problem("name", f"Enter the name of the {word}"))
    if len(name) > NAME_MAX:
        raise DetailsDoNotFit(Problem("name", f"The name must be {NAME_MAX} characters or fewer"))
    return name


def clean_topic(typed: str) -> str:
    """The name of a topic. A semicolon separates topics in the spreadsheet, so none may hold one."""
    name = clean_name(typed, "topic")
    if ";" in name:
        raise DetailsDoNotFit(Problem("name", "The name of a topic must not have a semicolon in it"))
    return name


def check_capacity(capacity: int | None) -> None:
    """Raise DetailsDoNotFit unless a room can hold so many. None is not known."""
    if capacity is not None and not 0 < capacity <= PLACES_MAX:
        raise DetailsDoNotFit(Problem("capacity", f"How many people it holds must be from 1 to {PLACES_MAX:,}"))


@dataclass(frozen=True, kw_only=True)
class HostDetails:
    """What is said of an organisation that runs events. Everything but the id is public."""

    name: str
    contact_name: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    website: str = ""
    description: str = ""


def clean_host(details: HostDetails) -> HostDetails:
    """The details as they are kept. Raises DetailsDoNotFit with all that is wrong."""
    problems: list[Problem] = []
    try:
        name = clean_name(details.name, "organisation")
    except DetailsDoNotFit as unfit:
        problems, name = list(unfit.problems), ""
    typed = clean_text(details.contact_email)
    try:
        email = clean_email(typed) if typed else ""
    except ValueError as wrong:
        problems.append(Problem("contact_email", str(wrong)))
        email = ""
    link = clean_text(details.website)
    website = clean_url(link) if link else ""
    if link and not website:
        problems.append(Problem("website", "Enter a link that begins with https://"))
    texts = {
        "contact_name": clean_text(details.contact_name),
        "contact_phone": clean_text(details.contact_phone),
        "description": clean_text(details.description, multiline=True),
    }
    for field, words, text, most in (
        ("contact_name", "The name of the contact", texts["contact_name"], NAME_MAX),
        ("contact_phone", "The telephone number", texts["contact_phone"], PHONE_MAX),
        ("website", "The website", link, WEBSITE_MAX),
        ("description", "The description", texts["description"], HOST_DESCRIPTION_MAX),
    ):
        if len(text) > most:
            problems.append(Problem(field, f"{words} must be {most:,} characters or fewer"))
    refuse(problems)
    return HostDetails(name=name, contact_email=email, website=website or "", **texts)


def joined_positions(kept: Sequence[int], gone: int, target: int) -> list[int]:
    """The topics of one event after one of them was merged into another: in order, each once.

    kept: topic ids in the order in which they were written, `gone` among them.
    """
    return list(dict.fromkeys(target if one == gone else one for one in kept))

"""What makes an event: its details, their limits, and what of a change people must be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from workshops.core.text import clean_text
from workshops.ical.cleaning import clean_url
from workshops.schedule.rules.audience import ADMITS, AUDIENCES, DOMAINS_MAX, clean_domain
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem, refuse
from workshops.schedule.rules.questions import Question, clean_question, question_problems
from workshops.schedule.rules.when import When

TITLE_MAX = 200
SUMMARY_MAX = 400
DESCRIPTION_MAX = 20_000
NAME_MAX = 200
ADDRESS_MAX = 300
POSTCODE_MAX = 10
AREA_MAX = 100
TOPICS_MAX = 20
REASON_MAX = 400
#: More than any hall in Scotland holds, and what both engines can keep.
PLACES_MAX = 100_000

STATES = ("draft", "published", "postponed", "cancelled")
MODES = {"in_person": "In person", "online": "Online", "hybrid": "In person and online"}
BOOKINGS = {
    "first_come": "First come, first served",
    "by_approval": "By approval",
    "by_invitation": "By invitation",
    "elsewhere": "On another website",
    "none": "No registration needed",
    "closed": "Closed",
}
#: Access facts are never guessed.
FACTS = {"yes": "Yes", "no": "No", "not_known": "Not known"}

#: The 32 council areas of Scotland, and the two that are none.
AREAS = (
    "Aberdeen City",
    "Aberdeenshire",
    "Angus",
    "Argyll and Bute",
    "City of Edinburgh",
    "Clackmannanshire",
    "Dumfries and Galloway",
    "Dundee City",
    "East Ayrshire",
    "East Dunbartonshire",
    "East Lothian",
    "East Renfrewshire",
    "Falkirk",
    "Fife",
    "Glasgow City",
    "Highland",
    "Inverclyde",
    "Midlothian",
    "Moray",
    "Na h-Eileanan Siar",
    "North Ayrshire",
    "North Lanarkshire",
    "Orkney Islands",
    "Perth and Kinross",
    "Renfrewshire",
    "Scottish Borders",
    "Shetland Islands",
    "South Ayrshire",
    "South Lanarkshire",
    "Stirling",
    "West Dunbartonshire",
    "West Lothian",
    "Scotland-wide",
    "Online",
)


@dataclass(frozen=True)
class Place:
    """A venue as it is written; a name may be missing when a page only said the town."""

    name: str = ""
    address: str = ""
    postcode: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What recognises a venue: no accents, no case; the postcode with one space."""
        return fold(self.name), fold(self.address), clean_postcode(self.postcode)

    @property
    def words(self) -> str:
        """In one line."""
        return ", ".join(part for part in (self.name, self.address, self.postcode) if part)


@dataclass(frozen=True, kw_only=True)
class EventDetails:
    """Everything a form or a spreadsheet row says about an event. Names stand for kind, host and the rest.

    when: its time.   mode: a key of MODES.   booking: a key of BOOKINGS.   capacity_...: None is no limit.
    topics: in the order in which they were written.   owner_id: the account that looks after it.
    room: the name of a room of the venue.   facilitators: accounts that run it beside the owner.
    audience: a key of AUDIENCES or empty.   admits: a key of ADMITS; the domains only count with "domains"
    and "invited".
    """

    title: str
    kind: str
    when: When
    mode: str = "in_person"
    summary: str = ""
    description: str = ""
    host: str = ""
    programme: str = ""
    venue: Place | None = None
    room: str = ""
    area: str = ""
    audience: str = ""
    owner_id: int | None = None
    facilitators: tuple[int, ...] = ()
    joining_link: str = ""
    is_listed: bool = True
    booking: str = "first_come"
    has_waiting_list: bool = True
    booking_url: str = ""
    capacity_in_person: int | None = None
    capacity_online: int | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    admits: str = "anyone"
    admitted_domains: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    bsl: str = "not_known"
    captions: str = "not_known"
    topics: tuple[str, ...] = ()
    reported_registered: int | None = None
    reported_attended: int | None = None
    source_url: str = ""


@dataclass(frozen=True)
class Counts:
    """Who is at an event now: places taken, people waiting, and people who asked for a place, by attending."""

    taken_in_person: int = 0
    taken_online: int = 0
    waiting_in_person: int = 0
    waiting_online: int = 0
    asked_in_person: int = 0
    asked_online: int = 0

    def in_mode(self, mode: str) -> Counts:
        """The same people at an event in that mode: who took part in a way that is gone does so in the other."""
        if mode == "hybrid":
            return self
        taken, waiting = self.taken_in_person + self.taken_online, self.waiting
        asked = self.asked_in_person + self.asked_online
        return Counts(**{f"taken_{mode}": taken, f"waiting_{mode}": waiting, f"asked_{mode}": asked})

    @property
    def people(self) -> int:
        """Everybody who would have to be told."""
        return self.in_person + self.online

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self.waiting_in_person + self.waiting_online

    @property
    def in_person(self) -> int:
        """All who mean to come."""
        return self.taken_in_person + self.waiting_in_person + self.asked_in_person

    @property
    def online(self) -> int:
        """All who mean to join online."""
        return self.taken_online + self.waiting_online + self.asked_online


def clean_postcode(typed: str) -> str:
    """Upper case, with one space before the last three characters when it looks like a UK postcode."""
    squeezed = "".join(clean_text(typed).upper().split())
    if re.fullmatch(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}", squeezed):
        return f"{squeezed[:-3]} {squeezed[-3:]}"
    return " ".join(clean_text(typed).upper().split())


def cleaned(details: EventDetails) -> EventDetails:
    """The details as they are kept: text without control characters, links in ASCII, topics once each.

    Raises DetailsDoNotFit when something in a list of mail domains is none.
    """
    values: dict[str, Any] = {entry.name: getattr(details, entry.name) for entry in fields(details)}
    for name in ("title", "kind", "summary", "host", "programme", "area", "room"):
        values[name] = clean_text(values[name])
    values["description"] = clean_text(details.description, multiline=True)
    for name in ("joining_link", "booking_url", "source_url"):
        typed = clean_text(values[name])
        values[name] = clean_url(typed) or typed
    place = details.venue
    if place is not None:
        place = Place(clean_text(place.name), clean_text(place.address), clean_postcode(place.postcode))
        values["venue"] = place if place.words else None
    # A semicolon separates topics in the spreadsheet, so none may hold one.
    parts = [clean_text(part) for topic in details.topics for part in topic.split(";")]
    topics: dict[str, str] = {}
    for part in filter(None, parts):
        topics.setdefault(fold(part), part)
    values["topics"] = tuple(topics.values())
    values["questions"] = tuple(question for question in map(clean_question, details.questions) if question.text)
    values["facilitators"] = tuple(sorted(set(details.facilitators) - {details.owner_id}))
    if values["venue"] is None:
        values["room"] = ""
    domains = []
    for typed in details.admitted_domains:
        try:
            domains.append(clean_domain(typed))
        except ValueError as problem:
            raise DetailsDoNotFit(Problem("admitted_domains", str(problem))) from None
    values["admitted_domains"] = tuple(dict.fromkeys(domains))
    return EventDetails(**values)


def check(details: EventDetails, *, now: datetime) -> None:
    """Raise DetailsDoNotFit with everything that is wrong with cleaned details."""
    refuse(
        [
            *_text_problems(details),
            *_link_problems(details, now),
            *_time_problems(details, now),
            *_place_problems(details),
        ]
    )


def _text_problems(details: EventDetails) -> Iterator[Problem]:
    if not details.title:
        yield Problem("title", "Enter a title")
    limits: Mapping[str, tuple[str, int]] = {
        "title": ("The title", TITLE_MAX),
        "summary": ("The summary", SUMMARY_MAX),
        "description": ("The description", DESCRIPTION_MAX),
        "host": ("The name of the host", NAME_MAX),
        "programme": ("The name of the programme", NAME_MAX),
        "area": ("The area", AREA_MAX),
        "room": ("The name of the room", NAME_MAX),
    }
    for name, (words, most) in limits.items():
        yield from _too_long(name, words, getattr(details, name), most)
    if not details.kind:
        yield Problem("kind", "Choose what kind of event it is")
    if details.venue is not None:
        yield from _too_long("venue", "The name of the venue", details.venue.name, NAME_MAX)
        yield from _too_long("address", "The address", details.venue.address, ADDRESS_MAX)
        yield from _too_long("postcode", "The postcode", details.venue.postcode, POSTCODE_MAX)
    if len(details.topics) > TOPICS_MAX:
        yield Problem("topics", f"Give {TOPICS_MAX} topics or fewer")
    for topic in details.topics:
        yield from _too_long("topics", "Each topic", topic, NAME_MAX)
    yield from question_problems(details.questions)


def _too_long(name: str, words: str, text: str, most: int) -> Iterator[Problem]:
    if len(text) > most:
        yield Problem(name, f"{words} must be {most:,} characters or fewer")


def _link_problems(details: EventDetails, now: datetime) -> Iterator[Problem]:
    if details.joining_link and not (clean_url(details.joining_link) or "").startswith("https://"):
        yield Problem("joining_link", "Enter a joining link that begins with https://")
    for name in ("booking_url", "source_url"):
        if getattr(details, name) and clean_url(getattr(details, name)) is None:
            yield Problem(name, "Enter a link that begins with http:// or https://")
    if details.booking == "elsewhere" and not details.booking_url and details.when.over_at > now:
        yield Problem("booking_url", "Enter the address of the page where people register")


def _time_problems(details: EventDetails, now: datetime) -> Iterator[Problem]:
    if details.when.month is not None and details.when.over_at > now:
        yield Problem("starts", "Only a month that is over can stand without a day. Enter a date")
    if details.opens_at and details.closes_at and details.opens_at >= details.closes_at:
        yield Problem("closes_at", "Registration must close after it opens")
    if details.closes_at and details.closes_at > details.when.over_at:
        yield Problem("closes_at", "Registration must close before the event ends")
    if details.opens_at and details.opens_at >= details.when.over_at:
        yield Problem("opens_at", "Registration must open before the event ends")


def _place_problems(details: EventDetails) -> Iterator[Problem]:
    if details.mode not in MODES:
        yield Problem("mode", "Choose in person, online or both")
    if details.booking not in BOOKINGS:
        yield Problem("booking", "Choose how people register")
    if details.audience and details.audience not in AUDIENCES:
        yield Problem("audience", "Choose who it is for")
    if details.admits not in ADMITS:
        yield Problem("admits", "Choose who may register")
    if details.admits == "domains" and not details.admitted_domains:
        yield Problem("admitted_domains", "Enter at least one mail domain, like gov.scot")
    if len(details.admitted_domains) > DOMAINS_MAX:
        yield Problem("admitted_domains", f"Enter {DOMAINS_MAX} mail domains or fewer")
    for name, other, words in (
        ("capacity_in_person", "online", "in person"),
        ("capacity_online", "in_person", "online"),
    ):
        places = getattr(details, name)
        if places is None:
            continue
        if not 0 <= places <= PLACES_MAX:
            yield Problem(name, f"Places must be a whole number from 0 to {PLACES_MAX:,}")
        if details.mode == other:
            yield Problem(name, f"This event is {MODES[other].lower()} only: leave the places {words} empty, "
                          "or choose both")
    for name in ("bsl", "captions"):
        if getattr(details, name) not in FACTS:
            yield Problem(name, "Choose yes, no or not known")


def whole_number(text: str, what: str) -> int | None:
    """A number of places or people as typed: None when empty.

    what: the beginning of the sentence, such as "Places in person". Raises ValueError with the sentence.
    """
    typed = text.strip().replace(",", "")
    if not typed:
        return None
    if re.fullmatch(r"-\d+", typed, re.ASCII) and int(typed[:20]) < 0:
        raise ValueError(f"{what} cannot be less than 0")
    if not re.fullmatch(r"\d+", typed, re.ASCII):
        raise ValueError(f"{what} must be a whole number, such as 25")
    if len(typed.lstrip("0")) > 6 or int(typed) > PLACES_MAX:
        raise ValueError(f"{what} must be {PLACES_MAX:,} or fewer")
    return int(typed)


#: Fields that are compared without accents and case: another spelling is the same thing.
_NAMES = frozenset({"kind", "host", "programme", "room"})


def changed_fields(before: EventDetails, after: EventDetails) -> tuple[str, ...]:
    """The names of what differs, in the order of EventDetails; the time as "starts" and "ends"."""
    changed: list[str] = []
    for entry in fields(EventDetails):
        old, new = getattr(before, entry.name), getattr(after, entry.name)
        if entry.name == "when":
            changed.extend(_changed_times(old, new))
        elif _comparable(entry.name, old) != _comparable(entry.name, new):
            changed.append(entry.name)
    return tuple(changed)


def _changed_times(old: When, new: When) -> Iterator[str]:
    if (old.starts_at, old.starts_on, old.month) != (new.starts_at, new.starts_on, new.month):
        yield "starts"
    if (old.ends_at, old.ends_on) != (new.ends_at, new.ends_on):
        yield "ends"
    if old.days != new.days:
        yield "days"


def _comparable(name: str, value: Any) -> object:
    if name in _NAMES:
        return fold(value)
    if name == "topics":
        return [fold(topic) for topic in value]
    if name == "venue":
        return value.key if value is not None else None
    return value


#: What people who registered must learn of, with the words above it in the mail.
TOLD = {"starts": "Date and time", "ends": "Date and time", "days": "Date and time", "mode": "How to take part",
        "venue": "Place", "room": "Place", "area": "Place", "joining_link": "Joining link"}
#: What those who wait for a place are told beside that.
PLACES_LABEL = "Places"
#: What shows in a calendar as another time or place.
TIME_FIELDS = frozenset({"starts", "ends", "days"})
CAPACITY_FIELDS = frozenset({"capacity_in_person", "capacity_online"})


@dataclass(frozen=True)
class Decided:
    """What a change means for people: whether somebody must choose to tell them, and what the page shows."""

    fields: tuple[str, ...]
    needs_choice: bool
    changes_time: bool
    changes_places: bool
    told_labels: tuple[str, ...] = field(default=())
    #: Whether staff see what follows before it is saved: a choice is needed, or places change where people are.
    needs_check: bool = False


def decide_change(
    before: EventDetails, after: EventDetails, *, state: str, counts: Counts, now: datetime
) -> Decided:
    """What follows from a change of details.

    A choice is needed when time, place, mode or joining link change of an event that is published or postponed
    and not over, and somebody is registered or waits. A capacity below what is taken is allowed: nobody loses a place
    by it. Nor does anybody by another mode: who took part in the way that goes does so in the other.
    """
    changed = changed_fields(before, after)
    labels = tuple(dict.fromkeys(TOLD[name] for name in changed if name in TOLD))
    changes_time = bool(TIME_FIELDS.intersection(changed))
    # Who changes the way of taking part with the event needs a place there.
    changes_places = bool(CAPACITY_FIELDS.intersection(changed)) or "mode" in changed
    # While an event has no date nobody is told of its place: they are told with the new date.
    takes_place = state == "published" or (state == "postponed" and changes_time)
    is_told = takes_place and before.when.over_at > now and counts.people > 0
    return Decided(
        fields=changed,
        needs_choice=bool(labels) and is_told,
        changes_time=changes_time,
        changes_places=changes_places,
        told_labels=labels,
        needs_check=is_told and (bool(labels) or changes_places),
    )


def told_words(details: EventDetails) -> dict[str, str]:
    """What people are told of an event, in words, by the labels of TOLD; and its places, for those who wait."""
    where = details.venue.words if details.venue else details.area
    if details.room:
        where = f"{details.room}, {where}"
    places = {"online": "Online", "hybrid": f"{where} and online" if where else "In person and online"}
    return {
        "Date and time": details.when.words(uk_time=details.mode == "online"),
        "How to take part": MODES[details.mode],
        "Place": places.get(details.mode, where),
        "Joining link": details.joining_link,
        PLACES_LABEL: places_words(details),
    }


def places_words(details: EventDetails) -> str:
    """How many places there are: "20", "No limit", "20 in person and 50 online"."""
    sides = {"in_person": details.capacity_in_person, "online": details.capacity_online}
    said = {side: "no limit" if number is None else f"{number:,}" for side, number in sides.items()}
    if details.mode == "hybrid":
        return f"{said['in_person'].capitalize()} in person and {said['online']} online"
    return said[details.mode].capitalize()


def change_notes(details: EventDetails, counts: Counts, decided: Decided) -> list[str]:
    """What is good to know of a change, in sentences. counts: before it."""
    found = [
        otherwise_words(details, counts) if "mode" in decided.fields else "",
        capacity_words(details, counts) if decided.changes_places else "",
    ]
    return [words for words in found if words]


def otherwise_words(details: EventDetails, counts: Counts) -> str:
    """A sentence when people take part in another way with the event. counts: before the change. Otherwise ""."""
    for mode, number, was, now_is in (
        ("online", counts.in_person, "in person", "online"), ("in_person", counts.online, "online", "in person")
    ):  # fmt: skip
        if details.mode == mode and number:
            who = "1 person who was" if number == 1 else f"{number:,} people who were"
            they = "takes part" if number == 1 else "take part"
            keep = "keeps the place or turn they have" if number == 1 else "keep the places and turns they have"
            return f"{who} to take part {was} {they} {now_is} and {keep}."
    return ""


def capacity_words(details: EventDetails, counts: Counts) -> str:
    """A sentence when fewer places are offered than are taken: they stay taken. Otherwise "".

    counts: before the change; with another mode they are those that follow from it.
    """
    counts = counts.in_mode(details.mode)
    over = [
        f"{taken} places {words} are taken and {places} are offered"
        for places, taken, words in (
            (details.capacity_in_person, counts.taken_in_person, "in person"),
            (details.capacity_online, counts.taken_online, "online"),
        )
        if places is not None and taken > places
    ]
    if not over:
        return ""
    return f"Now {' and '.join(over)}. Nobody loses their place; no new places are given until there is room."

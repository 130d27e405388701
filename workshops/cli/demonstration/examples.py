"""Example events around today, one or more in every state that a page can show. Everything here is made up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from workshops.core.london_time import from_london, london_date
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.questions import Question
from workshops.schedule.rules.when import When

PROGRAMME = "Example Co-production Week"
#: A small festival in one week: two events that clash, a day and many areas without any. Its gap map shows them.
FESTIVAL = "Example Festival of Islands and Towns"
HOST = "Example Co-production Team"

HALL = Place("Example Community Hall", "1 Example Street, Glasgow", "G1 1AA")
LIBRARY = Place("Example Library", "2 Example Road, Inverness", "IV1 1AA")
ROOMS = Place("Example Meeting Rooms", "3 Example Quay, Edinburgh", "EH6 6AA")
PIER = Place("Example Pier House", "4 Example Pier, Kirkwall", "KW15 1AA")

VENUE_AREAS = {
    HALL.name: "Glasgow City", LIBRARY.name: "Highland", ROOMS.name: "City of Edinburgh", PIER.name: "Orkney Islands"
}  # fmt: skip
#: Access facts of the example venues, by name.
ACCESS = {
    HALL.name: {
        "step_free": "yes",
        "hearing_loop": "yes",
        "accessible_toilet": "yes",
        "parking": "no",
        "quiet_room": "yes",
    },
    LIBRARY.name: {"step_free": "yes", "hearing_loop": "no", "accessible_toilet": "yes", "parking": "yes"},
    ROOMS.name: {"step_free": "yes", "accessible_toilet": "yes"},
}
DIRECTIONS = {
    HALL.name: "Five minutes on foot from the railway station. The entrance is on Example Street.",
    LIBRARY.name: "Next to the bus station. Use the side door after 5pm.",
}


@dataclass(frozen=True)
class Example:
    """One example event and the people at it.

    days: from today until it begins (negative: past).   weekday: of the week of that day, 0 is Monday; without it
    the day itself, or the Monday after a weekend.   until: the last weekday of an event over whole days.
    confirmed, waiting, requested, invited: how many people.
    then: what happens to it after it was published, a verb of this module's loader.
    """

    title: str
    kind: str
    days: int
    starts: str
    ends: str
    summary: str
    confirmed: int = 0
    confirmed_online: int = 0
    waiting: int = 0
    requested: int = 0
    invited: int = 0
    then: str = "publish"
    weekday: int | None = None
    until: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def details(self, now: datetime) -> EventDetails:
        """What the event form would hold, relative to the day of `now`."""
        when = self._when(london_date(now) + timedelta(days=self.days))
        more = dict(self.more)
        for name in ("opens_in_days", "closes_in_days"):
            if name in more:
                instant = at(london_date(now) + timedelta(days=more.pop(name)), "09:00")
                more[name.split("_")[0] + "_at"] = instant
        values = {"host": HOST, "programme": PROGRAMME, "topics": ("co-production",), **more}
        return EventDetails(title=self.title, kind=self.kind, when=when, summary=self.summary, **values)

    def _when(self, around: date) -> When:
        monday = around - timedelta(days=around.weekday())
        day = working_day(around) if self.weekday is None else monday + timedelta(days=self.weekday)
        if self.until is not None:
            return When(starts_on=day, ends_on=monday + timedelta(days=self.until))
        return When(starts_at=at(day, self.starts), ends_at=at(day, self.ends))


def working_day(day: date) -> date:
    """That day, or the Monday after it when it falls on a weekend."""
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))


def at(day: date, clock: str) -> datetime:
    """The instant of a local time such as 10:00."""
    return from_london(day, time.fromisoformat(clock))


ABOUT = """Come and find out what co-production means in practice.

## What we will do

- look at two examples from Scotland
- talk about what helped and what got in the way
- agree one thing that each of us will try

## Who it is for

Anybody who plans, runs or uses public services. You need no experience.
"""

IN_PERSON: dict[str, Any] = {"mode": "in_person", "venue": HALL, "area": "Glasgow City", "description": ABOUT}
ONLINE: dict[str, Any] = {"mode": "online", "area": "Online", "joining_link": "https://meet.example.org/example-room",
                          "captions": "yes", "description": ABOUT}  # fmt: skip
HYBRID: dict[str, Any] = {
    "mode": "hybrid",
    "venue": ROOMS,
    "area": "City of Edinburgh",
    "bsl": "yes",
    "captions": "yes",
    "joining_link": "https://meet.example.org/example-hybrid",
    "description": ABOUT,
}
HIGHLAND: dict[str, Any] = {"mode": "in_person", "venue": LIBRARY, "area": "Highland", "description": ABOUT}
ORKNEY: dict[str, Any] = {"mode": "in_person", "venue": PIER, "area": "Orkney Islands", "description": ABOUT}
FESTIVAL_EVENT: dict[str, Any] = {"programme": FESTIVAL}

QUESTIONS = (
    Question("What would you like to bring to the table?"),
    Question("Which part of it do you know best?", "choice", ("Budgets", "Services", "Communities"), is_required=True),
    Question("When could we meet again?", "choices", ("Mornings", "Afternoons", "Evenings")),
    Question("Do you look after somebody?", "choice", ("Yes", "No"), is_personal=True,
             reason="we plan breaks around carers"),
)  # fmt: skip

EXAMPLES: tuple[Example, ...] = (
    Example("Example awareness session: what is co-production?", "awareness session", 9, "10:00", "12:00",
            "An introduction for anybody who works in or with public services.",
            confirmed=6, more={**IN_PERSON, "audience": "everyone", "capacity_in_person": 30,
                               "topics": ("co-production", "policy making")}),
    Example("Example round-table: budgets with people", "round-table", 12, "14:00", "16:00",
            "Practitioners and policy makers talk about sharing decisions on money.",
            confirmed=9, more={**IN_PERSON, "audience": "policy", "capacity_in_person": 12,
                               "topics": ("co-production", "policy"),
                               "questions": QUESTIONS}),
    Example("Example workshop: tools and methods", "workshop", 16, "09:30", "12:30",
            "Half a day of trying things out, with asset mapping.",
            confirmed=8, waiting=3,
            more={**HIGHLAND, "audience": "practitioners", "capacity_in_person": 8,
                  "topics": ("co-production", "tools and methods")}),
    Example("Example learning event: stories as evidence", "learning event", 18, "10:00", "15:30",
            "How stories of change can stand beside figures.",
            confirmed=5, confirmed_online=4,
            more={**HYBRID, "audience": "third_sector", "capacity_in_person": 5, "capacity_online": 40,
                  "topics": ("stories", "evidence")}),
    Example("Example online chat: power and inequality", "online chat", 20, "12:00", "13:00",
            "An hour online about who decides, and how that can change.",
            confirmed_online=14, more={**ONLINE, "audience": "everyone", "capacity_online": 100,
                               "topics": ("power", "inequality")}),
    Example("Example conference: walking the talk", "conference", 34, "09:30", "16:00",
            "A day of speakers, workshops and open space. Places are confirmed by email.",
            requested=4, confirmed=3, more={**HYBRID, "booking": "by_approval", "capacity_in_person": 60,
                                            "capacity_online": 200, "topics": ("co-production", "lived experience")}),
    Example("Example workshop: closed for registration", "workshop", 6, "13:00", "16:00",
            "Registration has closed, because the materials are being printed.",
            confirmed=7, more={**IN_PERSON, "capacity_in_person": 20, "closes_in_days": -1}),
    Example("Example awareness session: opens soon", "awareness session", 45, "10:00", "11:30",
            "Registration opens next week.",
            more={**ONLINE, "capacity_online": 80, "opens_in_days": 7}),
    Example("Example round-table: full, without a waiting list", "round-table", 22, "10:00", "12:00",
            "A small table that is full.",
            confirmed=4, more={**IN_PERSON, "capacity_in_person": 4, "has_waiting_list": False}),
    Example("Example learning event: cancelled", "learning event", 14, "10:00", "12:00",
            "This one shows what a cancelled event looks like.",
            confirmed=3, then="cancel", more={**IN_PERSON, "capacity_in_person": 25}),
    Example("Example workshop: postponed", "workshop", 25, "10:00", "12:00",
            "This one shows what a postponed event looks like.",
            confirmed=2, then="postpone", more={**IN_PERSON, "capacity_in_person": 25}),
    Example("Example workshop: moved to another day", "workshop", 28, "10:00", "12:00",
            "This one was moved, and says so.",
            confirmed=2, then="move", more={**IN_PERSON, "capacity_in_person": 25}),
    Example("Example round-table by invitation", "round-table", 30, "14:00", "16:00",
            "Invited people only.",
            invited=5, more={**IN_PERSON, "booking": "by_invitation", "capacity_in_person": 15}),
    Example("Example learning event for public services", "learning event", 32, "10:00", "12:00",
            "For people who work in government and in health.",
            more={**ONLINE, "capacity_online": 50, "admits": "domains", "admitted_domains": ("gov.scot", "nhs.scot")}),
    Example("Example festival day at a partner", "festival", 40, "10:00", "17:00",
            "Registration is on the partner's own website.",
            more={**IN_PERSON, "booking": "elsewhere", "booking_url": "https://partner.example.org/register"}),
    Example("Example open house", "learning event", 38, "12:00", "14:00",
            "Drop in. No registration is needed.", more={**IN_PERSON, "booking": "none"}),
    Example("Example draft: not published yet", "workshop", 50, "10:00", "12:00",
            "Only staff see this one.", then="draft", more={**IN_PERSON, "capacity_in_person": 20}),
    Example("Example round-table of last week", "round-table", -7, "10:00", "12:00",
            "It is over: attendance and a write-up are still owed.",
            confirmed=8, more={**IN_PERSON, "capacity_in_person": 12}),
    Example("Example workshop of last month", "workshop", -30, "10:00", "12:30",
            "It is over, with notes and a published write-up.",
            confirmed=9, then="follow up", more={**IN_PERSON, "capacity_in_person": 15}),
    Example("Example festival: opening in Kirkwall", "learning event", 66, "10:00", "12:00",
            "The festival begins, with music and tea.", weekday=0, confirmed=5,
            more={**ORKNEY, **FESTIVAL_EVENT, "capacity_in_person": 40, "audience": "everyone"}),
    Example("Example festival: an exhibition of things made together", "festival", 66, "", "",
            "Open every day from Monday to Wednesday.", weekday=0, until=2,
            more={**IN_PERSON, **FESTIVAL_EVENT, "booking": "none", "audience": "everyone", "topics": ("stories",)}),
    Example("Example festival: who decides about buses?", "round-table", 66, "10:00", "12:00",
            "People from three towns and their councils.", weekday=1, confirmed=3,
            more={**IN_PERSON, **FESTIVAL_EVENT, "capacity_in_person": 20, "audience": "policy",
                  "topics": ("policy", "power")}),
    Example("Example festival: mapping what a town has", "workshop", 66, "11:00", "13:00",
            "In the same hall at the same time as another one: the gap map says so.", weekday=1, confirmed=2,
            more={**IN_PERSON, **FESTIVAL_EVENT, "capacity_in_person": 20, "audience": "practitioners",
                  "topics": ("tools and methods",)}),
    Example("Example festival: living with a diagnosis", "awareness session", 66, "14:00", "15:30",
            "Led by people who know it from their own lives.", weekday=2, confirmed=4,
            more={**HIGHLAND, **FESTIVAL_EVENT, "capacity_in_person": 30, "audience": "lived_experience",
                  "topics": ("lived experience",)}),
    Example("Example festival: a café on Friday", "learning event", 66, "10:00", "11:30",
            "Not published yet, and already on the gap map.", weekday=4, then="draft",
            more={**HYBRID, **FESTIVAL_EVENT, "capacity_in_person": 20, "audience": "third_sector"}),
    Example("Example festival: what we take home", "online chat", 66, "12:00", "13:00",
            "An hour online to look back at the week.", weekday=4, confirmed_online=6,
            more={**ONLINE, **FESTIVAL_EVENT, "capacity_online": 100, "audience": "everyone"}),
)  # fmt: skip

"""What people need becomes things to arrange: what kind, by when, and what was said about it. Pure.

What somebody wrote is theirs; the kinds are found by words in it and only say what may have to be arranged. Lead
times are working days in Scotland: how long before an event something is usually booked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from workshops.core.bank_holidays import working_days_before
from workshops.core.london_time import date_words
from workshops.registration.rules.words import ACTIVE_STATES

#: What is kept of one kind of need of one person: staff say that it is arranged, cannot be, or was misread; "todo" is
#: what they added, or were reminded of.
NEED_STATES = ("todo", "arranged", "not_possible", "not_needed")
#: Characters of what staff tell people about one kind of need.
MESSAGE_MAX = 500
#: Whoever arranges things is told by mail within so many working days of the last day to book.
TOLD_WORKING_DAYS_AHEAD = 5


@dataclass(frozen=True)
class NeedKind:
    """Something to arrange. lead_days: working days before the event by which it is booked.

    in_the_room: whether it is for people who come in person alone.
    """

    key: str
    words: str
    lead_days: int
    pattern: str = ""
    in_the_room: bool = False

    def is_in(self, text: str) -> bool:
        """Whether a text speaks of this."""
        return bool(self.pattern) and re.search(self.pattern, text, re.IGNORECASE) is not None


#: In the order in which they are shown; what nothing else fits is the last of access needs.
ACCESS_KINDS = (
    NeedKind("interpreter", "BSL interpreter", 10, r"\bbsl\b|\bsign(ed)?[- ]language|\binterpret|\bdeaf\b"),
    NeedKind("captions", "Captions or speech-to-text", 10,
             r"\bcaption|\bsubtitle|speech[- ]to[- ]text|\bpalantyp|note[- ]?tak|lip ?speak"),
    NeedKind("language", "Interpreter for another language", 10, r"\btranslat"),
    NeedKind("hearing_loop", "Hearing loop", 5, r"\bloops?\b|\bhearing aid|hard of hearing|hearing loss", True),
    NeedKind("step_free", "Step-free access", 5,
             r"wheel ?chair|\bsteps?\b|step[- ]free|\bstairs?\b|\blifts?\b|\bramps?\b|\bmobility|\bscooter|\bcrutch"
             r"|\bwalking", True),
    NeedKind("formats", "Papers in another format", 5,
             r"large print|larger font|\bbraille|easy[- ]read|screen[- ]?reader|\bblind\b|visual(ly)? impair|dyslexi"
             r"|(slides|papers|handouts|documents|materials) (in advance|before)"),
    NeedKind("assistance", "Room for an assistant or a dog", 3,
             r"\bcarers?\b|personal assistant|support worker|assistance dog|guide dog|hearing dog", True),
    NeedKind("quiet", "Quiet room or breaks", 3,
             r"\bquiet\b|\bbreaks?\b|\bautis|\badhd\b|\banxi|\bsensory|neurodiver|breast ?feed", True),
    NeedKind("parking", "Parking", 3, r"\bparking\b|blue badge|\bpark\b", True),
    NeedKind("access", "Something else for access", 5),
)  # fmt: skip
#: The same for food.
FOOD_KINDS = (
    NeedKind("vegan", "Vegan food", 5, r"\bvegan\b|plant[- ]based", True),
    NeedKind("vegetarian", "Vegetarian food", 5, r"\bvegg?ie\b|vegetarian", True),
    NeedKind("gluten_free", "Gluten-free food", 5, r"gluten|coeliac|celiac|wheat", True),
    NeedKind("halal", "Halal food", 5, r"\bhalal\b", True),
    NeedKind("kosher", "Kosher food", 5, r"\bkosher\b", True),
    NeedKind("allergy", "Food for an allergy", 5, r"allerg|anaphyla|epipen|\bnuts?\b|peanut|shellfish|sesame", True),
    NeedKind("dairy_free", "Dairy-free food", 5, r"dairy|lactose|\bmilk\b", True),
    NeedKind("food", "Something else about food", 5, "", True),
)
KINDS = {kind.key: kind for kind in (*ACCESS_KINDS, *FOOD_KINDS)}
ABOUT_FOOD = frozenset(kind.key for kind in FOOD_KINDS)
#: What takes longest to book; said beside the question when people register.
LONGEST = ACCESS_KINDS[0]


#: What people write who need nothing.
_NOTHING = re.compile(
    r"(no|none|nothing|nil|n\s*/?\s*a|not applicable|(no|none|nothing),? thank(s| you)|"
    r"no (special |specific |particular )?(access |food |dietary )?(needs|requirements)|-+|\.+)"
)


def needs_something(text: str) -> bool:
    """Whether a text names a need; "None" and "n/a" do not."""
    said = text.strip().casefold().rstrip(".!")
    return bool(said) and _NOTHING.fullmatch(said) is None


def kinds_in(access: str, food: str) -> tuple[str, ...]:
    """What may have to be arranged for somebody who wrote this: keys of KINDS, in their order."""
    found: list[str] = []
    for text, kinds in ((access, ACCESS_KINDS), (food, FOOD_KINDS)):
        if needs_something(text):
            found += [kind.key for kind in kinds if kind.is_in(text)] or [kinds[-1].key]
    return tuple(found)


def text_for(kind: str, access: str, food: str) -> str:
    """The text in which a kind was found."""
    return food if kind in ABOUT_FOOD else access


def fingerprint(text: str) -> str:
    """Names what somebody wrote without keeping it: who writes something else is looked at anew."""
    return hashlib.sha256(" ".join(text.split()).casefold().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Said:
    """What staff said of one kind of need of one person. Without it there is nothing but the words of the person.

    answers_what: the fingerprint of the words.   is_chosen: staff added it, the words do not name it.
    arranged_for: when and where the event was then.
    """

    state: str
    answers_what: str
    is_chosen: bool = False
    arranged_for: str = ""


#: Where one kind of need of one person stands.
TODO, AGAIN, ARRANGED, NOT_POSSIBLE, UNDO, MAYBE, OVER = (
    "todo", "again", "arranged", "not_possible", "undo", "maybe", "over"
)  # fmt: skip
#: Where it stands, for staff, in the order in which counts are said: "2 to do; 1 arranged".
STANDINGS = {
    TODO: "to do",
    AGAIN: "to arrange again, because the event has moved",
    ARRANGED: "arranged",
    NOT_POSSIBLE: "cannot be arranged",
    UNDO: "arranged and no longer needed",
    MAYBE: "if they get a place",
    OVER: "not needed",
}
#: The same for the person; what is left out concerns them no more.
OWN_STANDINGS = {
    TODO: "we are working on it",
    AGAIN: "the event has moved, so we are arranging this again",
    ARRANGED: "we have arranged this",
    NOT_POSSIBLE: "we cannot arrange this",
    MAYBE: "we arrange this once you have a place",
}
#: Somebody has something to do.
OPEN = (TODO, AGAIN)


def standings(
    access: str,
    food: str,
    said: Mapping[str, Said],
    *,
    place: str,
    attending: str,
    holds_for: str,
    takes_place: bool = True,
) -> dict[str, str]:
    """Where each kind of need of one person stands now, in the order of KINDS.

    place: the state of the registration.   holds_for: when and where the event is.   takes_place: whether it is neither
    cancelled nor postponed. So who writes something else, cancels or changes sides, and an event that moves or is
    called off, need no telling: it follows. An answer belongs to the words it answered; what is written anew is looked
    at anew.
    """
    named = kinds_in(access, food)
    found = {}
    for key, kind in KINDS.items():
        answer = said.get(key)
        if key not in named and answer is None:
            continue
        text = text_for(key, access, food)
        is_same = answer is not None and answer.answers_what == fingerprint(text)
        is_wanted = key in named
        if answer is not None and answer.state == "not_needed" and is_same:
            is_wanted = False
        elif answer is not None and answer.is_chosen:
            is_wanted = needs_something(text)
        comes = takes_place and place in ACTIVE_STATES and not (kind.in_the_room and attending == "online")
        if not is_wanted or not comes:
            found[key] = UNDO if answer is not None and answer.state == "arranged" else OVER
        else:
            found[key] = _standing(answer if is_same else None, place, holds_for)
    return found


def _standing(answer: Said | None, place: str, holds_for: str) -> str:
    if answer is not None and answer.state == "arranged":
        return ARRANGED if answer.arranged_for in ("", holds_for) else AGAIN
    if answer is not None and answer.state == "not_possible":
        return NOT_POSSIBLE
    return MAYBE if place == "waiting" else TODO


def book_by(kind: NeedKind, first_day: date) -> date:
    """The last working day that leaves the kind's lead time before the first day of an event."""
    return working_days_before(first_day, kind.lead_days)


def is_told(last_day: date, today: date) -> bool:
    """Whether whoever arranges it is reminded by now: some working days before the last day to book, and ever after."""
    return today >= working_days_before(last_day, TOLD_WORKING_DAYS_AHEAD)


def due_words(kind: NeedKind, first_day: date, today: date) -> str:
    """Book by Thursday 12 March 2026; this is 10 working days before the event."""
    due, lead = book_by(kind, first_day), f"{kind.lead_days} working days before the event"
    if today > due:
        return f"Late: this is usually booked by {date_words(due)}, {lead}. Try at once, and tell them."
    if today == due:
        return f"Book this today; it is {lead}."
    return f"Book by {date_words(due)}; this is {lead}."


def lead_sentence(first_day: date, today: date) -> str:
    """What forms say of interpreters, from when on; first_day: of the event, in Scotland."""
    if interpreter_may_be_late(today, first_day):
        return (
            f"We book British Sign Language interpreters and captions {LONGEST.lead_days} working days ahead, and this "
            "event is nearer than that. Ask all the same: we will try, and tell you what we can do."
        )
    return (
        "If you need a British Sign Language interpreter or captions, tell us by "
        f"{date_words(book_by(LONGEST, first_day))}: we book them {LONGEST.lead_days} working days ahead."
    )


def staff_lead_sentence(first_day: date, today: date) -> str:
    """The same for staff who register somebody."""
    ahead = f"BSL interpreters and captions are booked {LONGEST.lead_days} working days ahead"
    if interpreter_may_be_late(today, first_day):
        return f"{ahead}, and the event is nearer than that. Tell them that you will try."
    return f"{ahead}, by {date_words(book_by(LONGEST, first_day))}."


def interpreter_may_be_late(today: date, starts_on: date) -> bool:
    """Whether it is too late to book an interpreter with the usual lead time."""
    return book_by(LONGEST, starts_on) < today

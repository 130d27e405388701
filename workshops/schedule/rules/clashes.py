"""What stands in the way of an event: the same room, the same people, the same readers, a bank holiday. Pure.

A clash is a warning with names and times and never stops anybody. What counts, and why, is said in
docs/decisions/0016-repeats-and-clashes.md:

* Events that are drafts or published and not over. Cancelled and postponed ones hold nothing.
* A room holds one event. Without rooms, the venue stands for its only one; when just one of two names a room,
  nobody can say that it is the same.
* Somebody runs one event at a time, whether as its owner or beside the owner.
* Two events of a programme that want the same people should not be on at the same time.
* An event over whole days says nothing about hours, so it takes a room that it names, and nothing else.
* With times for each day only these times count, not the nights between them.
* An event of which no end is known counts as an hour; one of which only the month is known, not at all.

Names of people who run events are for staff only, so clashes are shown on staff pages alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from workshops.core.bank_holidays import bank_holidays_between, holiday_sentence
from workshops.core.london_time import start_of_day, time_words, to_london, when_words
from workshops.schedule.rules.audience import AUDIENCES, audiences_meet
from workshops.schedule.rules.when import When

#: In this order they are shown.
KINDS = {
    "room": "Same room",
    "venue": "Same venue",
    "facilitator": "Same facilitator",
    "programme": "Same programme and audience",
    "holiday": "Bank holiday",
}
_ORDER = {kind: number for number, kind in enumerate(KINDS)}
#: The states in which an event holds its room, its people and its hours.
COUNTING = ("draft", "published")
#: How long an event counts of which no end is known.
UNKNOWN_LENGTH = timedelta(hours=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """What an event holds: hours, a room, people, readers.

    place: what recognises the venue, or None; any value that is equal for the same one.   room: likewise.
    people: the accounts that run it, with the names they are shown by.   programme: likewise to place.
    event_id: None for one that is not saved.
    """

    when: When
    event_id: int | None = None
    title: str = ""
    slug: str = ""
    state: str = "draft"
    place: object | None = None
    place_name: str = ""
    room: object | None = None
    room_name: str = ""
    people: Mapping[int, str] = field(default_factory=dict)
    programme: object | None = None
    audience: str = ""

    @property
    def holds(self) -> Iterator[tuple[str, object]]:
        """What can be held once only at a time, as (kind, value): what two events must share to clash."""
        bar = self.when.starts_at is None
        if self.room is not None:
            yield "room", self.room
        elif self.place is not None and not bar:
            yield "venue", self.place
        if bar:
            return
        for account_id in self.people:
            yield "facilitator", account_id
        if self.programme is not None:
            yield "programme", self.programme


@dataclass(frozen=True, kw_only=True)
class Clash:
    """One warning. words: the whole sentence, without a full stop.

    kind: a key of KINDS.   title, slug, state, when: of the other event, empty for a bank holiday; when is written
    out: "Tuesday 2 March 2027, 10am to 12 noon".
    """

    kind: str
    words: str
    title: str = ""
    slug: str = ""
    state: str = ""
    when: str = ""
    event_id: int | None = None

    @property
    def kind_words(self) -> str:
        """What it is, in short: "Same room"."""
        return KINDS[self.kind]


def spans_of(when: When) -> tuple[Span, ...]:
    """The hours an event is on, in order: each of its days, or one span; none when only its month is known."""
    if when.days:
        return when.days
    if when.starts_at is not None:
        return ((when.starts_at, when.ends_at or when.starts_at + UNKNOWN_LENGTH),)
    if when.month is not None:
        return ()
    return ((start_of_day(when.first_day), when.over_at),)


def find_clashes(
    slots: Sequence[Slot], others: Sequence[Slot], *, now: datetime
) -> list[list[Clash]]:
    """What stands in the way of each of these slots, among themselves and among others; in the order of `slots`.

    others: any events; those that are among `slots` too (by event_id) are left aside, as they were, not as they
    will be.
    """
    own = {slot.event_id for slot in slots} - {None}
    field_ = [*slots, *(other for other in others if other.event_id not in own)]
    held: dict[tuple[str, object], list[int]] = {}
    hours = [spans_of(slot.when) for slot in field_]
    for number, slot in enumerate(field_):
        if _counts(slot, now) and hours[number]:
            for key in slot.holds:
                held.setdefault(key, []).append(number)
    found: list[list[Clash]] = []
    for number, slot in enumerate(slots):
        clashes: list[tuple[tuple[int, datetime, str, int], Clash]] = []
        if _counts(slot, now) and hours[number]:
            for kind, value in slot.holds:
                for other in held[kind, value]:
                    span = None if other == number else _overlap(hours[number], hours[other])
                    if span is None or not _meet(kind, slot, field_[other]):
                        continue
                    clash = _clash(kind, value, slot, field_[other], span)
                    clashes.append(((_ORDER[kind], span[0], clash.words, other), clash))
        clashes.sort(key=lambda pair: pair[0])
        holidays = holiday_clashes(slot.when, now=now) if _counts(slot, now) else []
        found.append([clash for _, clash in clashes] + holidays)
    return found


def holiday_clashes(when: When, *, now: datetime) -> list[Clash]:
    """The Scottish bank holidays on which an event is that is not over."""
    if when.month is not None or when.over_at <= now:
        return []
    if when.days:
        dates = dict.fromkeys(to_london(starts).date() for starts, _ in when.days)
        days = [pair for day in dates for pair in bank_holidays_between(day, day)]
    else:
        days = bank_holidays_between(when.first_day, when.last_day)
    return [Clash(kind="holiday", words=holiday_sentence(day, name)) for day, name in days]


def _counts(slot: Slot, now: datetime) -> bool:
    return slot.state in COUNTING and slot.when.over_at > now


def _overlap(mine: tuple[Span, ...], theirs: tuple[Span, ...]) -> Span | None:
    """The first of their spans that lies across one of mine; the end of one may be the start of the other."""
    if mine[0][0] >= theirs[-1][1] or theirs[0][0] >= mine[-1][1]:
        return None
    for span in theirs:
        if any(starts < span[1] and span[0] < ends for starts, ends in mine):
            return span
    return None


def _meet(kind: str, slot: Slot, other: Slot) -> bool:
    return kind != "programme" or audiences_meet(slot.audience, other.audience)


def _clash(kind: str, value: object, slot: Slot, other: Slot, span: Span) -> Clash:
    named = f"“{other.title}”" + (" (draft)" if other.state == "draft" else "")
    at = _hours(slot, other, span)
    if kind == "room":
        words = f"{other.room_name} at {other.place_name} is taken by {named}, {at}"
    elif kind == "venue":
        words = f"{other.place_name} is taken by {named}, {at}"
    elif kind == "facilitator":
        name = other.people[value] if isinstance(value, int) else ""
        words = f"{name or 'Somebody who runs this event'} also runs {named}, {at}"
    else:
        words = f"{named} of the same programme is {_for(slot, other)} and is on at the same time, {at}"
    return Clash(
        kind=kind,
        words=words,
        title=other.title,
        slug=other.slug,
        state=other.state,
        when=_whole(other, span),
        event_id=other.event_id,
    )


def _for(slot: Slot, other: Slot) -> str:
    if other.audience == "everyone" or not slot.audience or not other.audience:
        return "for everyone" if other.audience == "everyone" else "for the same people"
    if slot.audience == "everyone":
        return f"for {_lower_first(AUDIENCES[other.audience])}, and this one is for everyone"
    return f"for {_lower_first(AUDIENCES[other.audience])} too"


def _lower_first(words: str) -> str:
    return words[:1].lower() + words[1:]


def _whole(other: Slot, span: Span) -> str:
    if other.when.starts_at is None:
        return other.when.words()
    return _span_words(span[0], span[1] if other.when.ends_at else None)


@lru_cache(maxsize=8192)
def _span_words(starts: datetime, ends: datetime | None) -> str:
    """Kept, because in a programme each event stands in the way of many others."""
    return when_words(starts, ends)


@lru_cache(maxsize=8192)
def _time_words(starts: datetime, ends: datetime | None) -> str:
    first = time_words(to_london(starts).time())
    return first if ends is None else f"{first} to {time_words(to_london(ends).time())}"


def _hours(slot: Slot, other: Slot, span: Span) -> str:
    """The time of day alone when both are on one and the same day; otherwise the date with it."""
    if other.when.starts_at is None:
        return other.when.words() if other.when.first_day != other.when.last_day else "the whole day"
    starts, ends = to_london(span[0]), to_london(span[1])
    one_day = slot.when.first_day == slot.when.last_day == starts.date()
    if not one_day or (ends.date() != starts.date() and other.when.ends_at):
        return _whole(other, span)
    return _time_words(span[0], span[1] if other.when.ends_at else None)

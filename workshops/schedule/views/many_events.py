"""What follows for many events to which the same is done, as one page: each event named, each message once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workshops.schedule.consequence_signals import Audience, Example
from workshops.schedule.service import Consequences
from workshops.schedule.signals import Change

#: More versions of the mails than this are counted and not shown.
VERSIONS_SHOWN = 8


@dataclass(frozen=True)
class EventRow:
    """One event: its title, its time in words, and who is emailed about it, as (who, how many)."""

    title: str
    when: str
    emailed: tuple[tuple[str, int], ...]
    told: int


@dataclass(frozen=True)
class ManyExample:
    """A message as it reads for one of the events. events: how many it goes out for, with their own words."""

    example: Example
    title: str
    when: str
    events: int


@dataclass(frozen=True)
class ManyEvents:
    """What follows for all of them. changes: each that differs, once.   more: how many messages are not shown."""

    rows: tuple[EventRow, ...]
    changes: tuple[Change, ...]
    audiences: tuple[Audience, ...]
    sections: tuple[tuple[str, tuple[str, ...]], ...]
    examples: tuple[ManyExample, ...]
    more: int
    people: int


def many_events(found: Sequence[Consequences]) -> ManyEvents:
    """The consequences of several events as one. The order of the events is kept."""
    examples = _examples(found)
    return ManyEvents(
        rows=tuple(EventRow(one.title, one.when, _emailed(one), one.told) for one in found),
        changes=tuple(dict.fromkeys(change for one in found for change in one.changes)),
        audiences=_audiences(found),
        sections=_sections(found),
        examples=tuple(examples[:VERSIONS_SHOWN]),
        more=len(examples[VERSIONS_SHOWN:]),
        people=sum(one.told for one in found),
    )


def _emailed(one: Consequences) -> tuple[tuple[str, int], ...]:
    return tuple(
        (audience.who, audience.number)
        for audience in one.audiences
        if audience.number and audience.how.startswith("Email")
    )


def _audiences(found: Sequence[Consequences]) -> tuple[Audience, ...]:
    """The same people in the same way once, over all events; those whom nobody counts stay without a number."""
    summed: dict[tuple[str, str], int | None] = {}
    for one in found:
        for audience in one.audiences:
            key = audience.who, audience.how
            before = summed.get(key, 0)
            summed[key] = None if audience.number is None or before is None else before + audience.number
    # Everybody's calendars come last, as on the page of one event.
    counted = sorted(summed.items(), key=lambda item: item[1] is None)
    return tuple(Audience(who, number, how) for (who, how), number in counted)


def _sections(found: Sequence[Consequences]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Sentences that are the same for several events once, with how many they are; others with their event."""
    said: dict[str, dict[str, list[Consequences]]] = {}
    for one in found:
        for heading, sentences in one.sections:
            for sentence in sentences:
                said.setdefault(heading, {}).setdefault(sentence, []).append(one)
    return tuple(
        (heading, tuple(_named(sentence, events, len(found)) for sentence, events in sentences.items()))
        for heading, sentences in said.items()
    )


def _named(sentence: str, events: Sequence[Consequences], of: int) -> str:
    if len(events) == 1:
        return f"{events[0].title}, {events[0].when}: {sentence}"
    return f"{'All' if len(events) == of else len(events)} events: {sentence}"


def _examples(found: Sequence[Consequences]) -> list[ManyExample]:
    """Each sort of message once, as it reads for the event where most people get it."""
    numbers: Counter[tuple[str, str]] = Counter()
    events: dict[tuple[str, str], set[int]] = {}
    best: dict[tuple[str, str], ManyExample] = {}
    for one in found:
        for example in one.examples:
            key = example.who, example.sort
            numbers[key] += example.number
            events.setdefault(key, set()).add(one.event_id)
            if key not in best or example.number > best[key].example.number:
                best[key] = ManyExample(example, one.title, one.when, 1)
    return [
        replace(shown, example=replace(shown.example, number=numbers[key]), events=len(events[key]))
        for key, shown in best.items()
    ]

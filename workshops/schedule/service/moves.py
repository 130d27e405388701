"""Events that show another place because their venue or room was changed in the catalogue: foreseen and told.

What is done to the venue stands in `service.venues`, inside `moving`. What is done about its events is the `Heed`:
`PlaceNews` tells people, `foresee_places` only looks and takes all of it back. A change that leaves the place as it
is in words (access facts, how to get there, another spelling) concerns nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.db import only_trying
from workshops.schedule import signals
from workshops.schedule.models import Event
from workshops.schedule.queries.clashes import clashes_of_events
from workshops.schedule.queries.locks import lock_events
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.events import Decided, EventDetails, decide_change
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.reach import Reach
from workshops.schedule.service.calendar import refreshing
from workshops.schedule.service.consequences import (
    Consequences,
    compose,
    consequences_of,
    seen_words,
    tells_others,
    when_words,
)
from workshops.schedule.service.details import all_counts_of, details_of_all
from workshops.schedule.service.events import tell_question, told_changes
from workshops.schedule.service.team import tell_team
from workshops.schedule.signals import Change

_PUBLIC = ("published", "postponed", "cancelled")
#: Stands in the mails shown for a joining link that is not for the eyes of whoever looks.
HIDDEN_LINK = "(its joining link)"


@dataclass(frozen=True)
class Move:
    """One event whose place reads otherwise. people: everybody registered who would have to be told."""

    event: Event
    before: EventDetails
    after: EventDetails
    decided: Decided
    changes: tuple[Change, ...]
    people: int
    raises_sequence: bool


class Heed(Protocol):
    """What is done about events whose place changes: asked before and after, inside the transaction."""

    def before(self, session: Session, event_ids: Sequence[int]) -> None:
        """The events that may move, before anything is changed."""

    def after(self, session: Session, moves: Sequence[Move]) -> None:
        """Those that show another place now; all is flushed."""


@contextmanager
def moving(
    session: Session, mine: ColumnElement[bool], *, heed: Heed, now: datetime, settings: Settings, if_any: Sequence[str]
) -> Iterator[None]:
    """Around a change of a venue or room: the pages and calendar entries of all events of `mine` follow, and those
    that are public and not over are heeded when their place reads otherwise.

    if_any: the names of what changes; empty means that nothing is done.
    """
    if not if_any:
        yield
        return
    # All of them are locked at once, by id, and those that may have to be told are looked at.
    events = [event for event in lock_events(session, mine) if event.state in _PUBLIC and event.over_at > now]
    known = {event.id: (details, event.sequence) for event, details in details_of_all(session, events)}
    heed.before(session, list(known))
    with refreshing(session, mine, now=now, settings=settings, if_any=if_any):
        yield
    moves = [
        move
        for event, after in details_of_all(session, events)
        if (move := _move(session, event, *known[event.id], after, now)) is not None
    ]
    for move in moves:
        move.event.edition += 1
    session.flush()
    heed.after(session, moves)


def _move(
    session: Session, event: Event, before: EventDetails, sequence: int, after: EventDetails, now: datetime
) -> Move | None:
    if (before.venue, before.room) == (after.venue, after.room):
        return None
    counts = all_counts_of(session, event)
    decided = decide_change(before, after, state=event.state, counts=counts, now=now)
    changes = told_changes(before, after, decided)
    if not changes:
        return None
    people = counts.people if decided.needs_choice else 0
    return Move(event, before, after, decided, changes, people, event.sequence > sequence)


def refuse_those_of_others(moves: Sequence[Move], reach: Reach | None) -> None:
    """A facilitator moves people of their own events alone. Raises DetailsDoNotFit."""
    if reach is None or reach.role != "facilitator":
        return
    others = sum(bool(move.people) and not reach.may_run(move.event) for move in moves)
    if others:
        what = f"{others} events that you do not run, and their"
        if others == 1:
            what = "an event that you do not run, and its"
        raise DetailsDoNotFit(Problem("", f"People are registered for {what} place would change. Ask an organiser to "
                                          "make this change"))  # fmt: skip


class PlaceNews:
    """Tells everybody whom a move concerns, or nobody; those who run an event have it in their calendar anyway.

    tell: must be said when somebody is registered.   reach: of who makes the change; None may everything.
    people: how many were emailed, once it is done.
    """

    def __init__(
        self, *, tell: bool | None, now: datetime, actor: Actor, settings: Settings, reach: Reach | None = None
    ) -> None:
        self.tell, self.now, self.actor, self.settings, self.reach = tell, now, actor, settings, reach
        self.people = 0

    def before(self, session: Session, event_ids: Sequence[int]) -> None:
        """Nothing is needed beforehand."""

    def after(self, session: Session, moves: Sequence[Move]) -> None:
        """Tell each person once for each event. Raises DetailsDoNotFit while nobody has chosen."""
        refuse_those_of_others(moves, self.reach)
        people = sum(move.people for move in moves)
        if people and self.tell is None:
            raise DetailsDoNotFit(Problem("tell", tell_question(people)))
        for move in moves:
            self._tell(session, move)

    def _tell(self, session: Session, move: Move) -> None:
        event = move.event
        news: dict[str, Any] = {
            "session": session, "now": self.now, "actor": self.actor, "settings": self.settings,
            "before": move.before, "before_state": event.state, "changes": move.changes,
        }
        if event.state == "published":
            heard = signals.event_changed.send(
                event, tell=bool(move.people and self.tell), raises_sequence=move.raises_sequence, **news
            )
            self.people += sum(told for told in signals.answers(heard) if isinstance(told, int))
        else:
            signals.event_changed_while_off.send(event, **news)
        tell_team(session, event, now=self.now, settings=self.settings)


class _Foreseen:
    """Says what PlaceNews would do."""

    def __init__(self, *, now: datetime, settings: Settings, reach: Reach | None) -> None:
        self.now, self.settings, self.reach = now, settings, reach
        self.found: list[Consequences] = []
        self.clashes: dict[int, list[Clash]] = {}

    def before(self, session: Session, event_ids: Sequence[int]) -> None:
        self.clashes = clashes_of_events(session, event_ids, now=self.now)

    def after(self, session: Session, moves: Sequence[Move]) -> None:
        refuse_those_of_others(moves, self.reach)
        # What does not take place now is told when it does again, so nobody has to look at it here.
        moves = [move for move in moves if move.event.state == "published"]
        clashes = clashes_of_events(session, [move.event.id for move in moves], now=self.now)
        for move in moves:
            # The words of a clash name the place, so those of before are recognised by whom they are with.
            had = {(clash.kind, clash.event_id) for clash in self.clashes[move.event.id]}
            new = [f"{clash.words}." for clash in clashes[move.event.id] if (clash.kind, clash.event_id) not in had]
            self.found.append(self._consequences(session, move, new))

    def _consequences(self, session: Session, move: Move, clashes: list[str]) -> Consequences:
        event = move.event
        foreseen = compose(session, event, move.before, move.after, event.state, self.now, self.settings)
        if event.joining_link and self.reach is not None and not self.reach.may_run(event):
            foreseen = replace(foreseen, examples=tuple(
                replace(example, text=example.text.replace(event.joining_link, HIDDEN_LINK))
                for example in foreseen.examples
            ))  # fmt: skip
        seen = seen_words(event, move.before)
        one = consequences_of(
            event.id, event.title, when_words(move.before), seen, move.changes, foreseen, [], clashes
        )
        is_shown = bool(move.people or clashes) or tells_others(session, event, self.now)
        return replace(one, is_shown=is_shown)


def foresee_places(
    session: Session,
    change: Callable[[Heed], Any],
    *,
    now: datetime,
    settings: Settings,
    reach: Reach | None = None,
) -> list[Consequences]:
    """What a change of the catalogue would mean for each event whose place reads otherwise; taken back again.

    change: makes it with the heed it is given, such as save_venue. Needs a transaction. Raises what `change` raises.
    """
    heed = _Foreseen(now=now, settings=settings, reach=reach)
    with only_trying(session):
        change(heed)
    return heed.found

"""How many people with a place will come: a forecast from the organisation's own history. Pure.

It is about a number of people, never about one: whoever has a place is counted only by the kind of the event, by
how they take part and by how long before they registered.

Method: the share who came is estimated for each such group and pulled towards wider ones where there are few people
(empirical Bayes, beta prior: Efron & Morris 1975). People of one event come or stay away together (weather, trains),
so the spread between events is estimated by the method of moments (Kleinman 1973, JASA 68) and the number who come is
taken as beta-binomial (Skellam 1948, J. R. Stat. Soc. B 10). The range holds in about nine of ten events.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma

#: Days before the event from which on somebody registered "long before", "some time before"; the rest "at the last".
LEADS = (14, 3)
#: With fewer events or people nothing is said.
EVENTS_MIN, PEOPLE_MIN = 3, 50
#: With fewer the range is called wide, and nothing beyond the capacity is suggested.
EVENTS_GOOD, PEOPLE_GOOD = 8, 150
#: A wider group counts in a narrower one like so many people.
PRIOR_PEOPLE = 20.0
#: How alike people of one event are: at least, as long as few events are known, and at most.
ALIKE_MIN, ALIKE_FEW, ALIKE_MAX = 0.005, 0.04, 0.5
TAIL = 0.05
#: How often more people than chairs may come where places beyond the capacity are suggested.
RISK = 0.05

#: (kind of event, way of attending, number of a lead: 0 long before, 1, 2 at the last).
Group = tuple[int, str, int]


@dataclass(frozen=True)
class Past:
    """People of one group at one past event whose attendance is recorded, and how many of them came."""

    event_id: int
    group: Group
    places: int
    came: int


@dataclass(frozen=True)
class Forecast:
    """How many of `places` people come: from low to high in nine of ten events. people, events: the history."""

    places: int
    low: int
    high: int
    expected: float
    people: int
    events: int

    @property
    def is_wide(self) -> bool:
        """Whether the history is small, so that the range says little."""
        return self.events < EVENTS_GOOD or self.people < PEOPLE_GOOD


class History:
    """What past events say about who comes."""

    def __init__(self, past: Iterable[Past]) -> None:
        self.past = tuple(past)
        self.people = sum(one.places for one in self.past)
        self.events = len({one.event_id for one in self.past})
        self._sums: dict[tuple[object, ...], tuple[int, int]] = {}
        for one in self.past:
            kind, attending, lead = one.group
            for key in ((), (attending,), (attending, lead), (kind, attending, lead)):
                places, came = self._sums.get(key, (0, 0))
                self._sums[key] = (places + one.places, came + one.came)
        self.alike = self._alikeness()

    @property
    def is_enough(self) -> bool:
        """Whether anything can be said at all."""
        return self.events >= EVENTS_MIN and self.people >= PEOPLE_MIN

    def share(self, group: Group) -> float:
        """The share of a group's people who come, 0 to 1, pulled towards wider groups where it is small."""
        kind, attending, lead = group
        share = 0.5
        for key in ((), (attending,), (attending, lead), (kind, attending, lead)):
            places, came = self._sums.get(key, (0, 0))
            weight = PRIOR_PEOPLE if key else 2.0
            share = (came + weight * share) / (places + weight)
        return share

    def _alikeness(self) -> float:
        """The correlation between two people of one event, by the method of moments."""
        sums: dict[int, list[float]] = {}
        for one in self.past:
            share = self.share(one.group)
            found = sums.setdefault(one.event_id, [0.0, 0.0, 0.0, 0.0])
            found[0] += one.places
            found[1] += one.came
            found[2] += one.places * share
            found[3] += one.places * share * (1 - share)
        beyond = sum((came - expected) ** 2 - spread for _, came, expected, spread in sums.values())
        per_alike = sum(spread * (places - 1) for places, _, _, spread in sums.values())
        least = ALIKE_MIN if len(sums) >= EVENTS_GOOD else ALIKE_FEW
        return min(ALIKE_MAX, max(least, beyond / per_alike if per_alike > 0 else least))

    def forecast(self, groups: Mapping[Group, int]) -> Forecast | None:
        """How many of these people come (group -> people with a place); None when the history is too small."""
        places = sum(groups.values())
        if not self.is_enough or not places:
            return None
        expected = sum(number * self.share(group) for group, number in groups.items())
        spread = self._chances(places, expected / places)
        low, high = _quantile(spread, TAIL), _quantile(spread, 1 - TAIL)
        return Forecast(places, low, high, expected, self.people, self.events)

    def suggestion(self, groups: Mapping[Group, int], capacity: int) -> int | None:
        """How many places beyond a capacity bring more people than chairs to 1 event in 20 at most.

        groups: who has a place now, taken as what those still to come are like. At most half the capacity; None when
        the history is too small for that.
        """
        places = sum(groups.values())
        if not places or not capacity or self.events < EVENTS_GOOD or self.people < PEOPLE_GOOD:
            return None
        share = sum(number * self.share(group) for group, number in groups.items()) / places
        # The more are given, the more often too many come: the first number that is too many is looked for by halves.
        too_many = bisect_left(
            range(1, capacity // 2 + 1), True,
            key=lambda beyond: sum(self._chances(capacity + beyond, share)[capacity + 1 :]) > RISK,
        )  # fmt: skip
        return too_many

    def _chances(self, places: int, share: float) -> list[float]:
        """Of 0, 1, ... of so many people coming: beta-binomial. What is not known of the share counts as likeness."""
        share = min(1 - 1e-6, max(1e-6, share))
        alike = min(ALIKE_MAX, self.alike + 1 / (self.people + 1))
        strength = 1 / alike - 1
        return beta_binomial(places, share * strength, (1 - share) * strength)


def beta_binomial(number: int, alpha: float, beta: float) -> list[float]:
    """The chances of 0 to `number` successes, for a share that is Beta(alpha, beta)."""
    def log_beta(first: float, second: float) -> float:
        return lgamma(first) + lgamma(second) - lgamma(first + second)

    whole = log_beta(alpha, beta)
    return [
        exp(
            lgamma(number + 1) - lgamma(k + 1) - lgamma(number - k + 1)
            + log_beta(k + alpha, number - k + beta) - whole
        )
        for k in range(number + 1)
    ]  # fmt: skip


def _quantile(chances: Sequence[float], at: float) -> int:
    total = 0.0
    for number, chance in enumerate(chances):
        total += chance
        if total >= at:
            return number
    return len(chances) - 1


def lead_of(days: float) -> int:
    """The number of the lead of somebody who registered so many days before the event."""
    return next((number for number, least in enumerate(LEADS) if days >= least), len(LEADS))


def forecast_sentence(forecast: Forecast | None, history: History) -> str:
    """What is said to staff before an event."""
    if forecast is None:
        if not history.is_enough:
            return (
                f"It cannot be said yet how many will come: attendance is recorded for {_events(history.events)} with "
                f"{_people(history.people)}. From {EVENTS_MIN} events and {PEOPLE_MIN} people on there is a forecast."
            )
        return "Nobody has a place yet, so there is no forecast of how many will come."
    if forecast.low == forecast.high:
        how_many = f"{forecast.low}"
    else:
        how_many = f"{forecast.low} to {forecast.high}"
    wide = " That is a small sample, so the range is wide and may be wrong." if forecast.is_wide else ""
    return (
        f"Of {_people(forecast.places)} with a place, {how_many} will probably come. At nine of ten events it is "
        f"within this range; it is made from {_people(forecast.people)} at {_events(forecast.events)} in the past, "
        f"and says nothing about any one person.{wide}"
    )


def suggestion_sentence(suggestion: int | None, capacity: int, where: str) -> str:
    """What is said about places beyond a capacity; "" where nothing can be said. where: "" or " in person"."""
    if suggestion is None:
        return ""
    if not suggestion:
        return f"Places beyond the capacity{where} would bring more people than chairs to more than 1 event in 20."
    return (
        f"With {suggestion} {'place' if suggestion == 1 else 'places'} beyond the capacity of {capacity}{where}, more "
        "people than chairs would come to 1 event in 20 at most."
    )


def outcome_sentence(low: int, high: int, came: int) -> str:
    """The forecast beside what happened."""
    how_many = f"{low}" if low == high else f"{low} to {high}"
    hit = "as expected" if low <= came <= high else "fewer than expected" if came < low else "more than expected"
    return f"We expected {how_many}, and {came} came: {hit}."


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number:,} events"

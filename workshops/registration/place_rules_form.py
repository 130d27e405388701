"""The form of how the places of an event are given. Knows forms and rules, no database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from workshops.core.london_time import from_london, london_date
from workshops.registration.rules import ATTENDING_WORDS
from workshops.schedule.rules.place_rules import ASKED_AT_MOST_DAYS_BEFORE, GIVES, PERSPECTIVES, PlaceRules, Share
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.web.fields import CheckboxField, DateField, Form, NumberField, RadioField

#: Places that were kept go out in the morning, so that people who are offered one hear of it at work.
SHARES_END = time(9)
PLACES_MAX = 100_000


class PlaceRulesForm(Form):
    """How the places of an event are given; nothing filled in is an event as everybody knows it."""

    gives = RadioField("When a place becomes free", choices=list(GIVES.items()), hints={
        "offer": "Whoever has waited longest is asked, and has up to two working days to answer; less when the event "
        "is near.",
        "at_once": "Whoever has waited longest has the place and the invitation at once. Best when the event is near.",
    })  # fmt: skip
    overbook_in_person = NumberField("Places beyond the capacity in person", maximum=PLACES_MAX)
    overbook_online = NumberField("Places beyond the capacity online", maximum=PLACES_MAX)
    asks_days_before = NumberField(
        "How many days before the event are people asked?",
        maximum=ASKED_AT_MOST_DAYS_BEFORE,
        hint="Leave empty to ask nobody.",
    )
    frees_days_before = NumberField(
        "How many days before it are places without an answer freed?",
        maximum=ASKED_AT_MOST_DAYS_BEFORE,
        hint="Only of people who are told so when they register. Leave empty to free none.",
    )
    declining_frees = CheckboxField("Who declines the invitation in their own calendar gives up their place at once")
    shares_until = DateField(
        "Keep these places until 9am on",
        hint="For example, 14 11 2027. Leave empty to keep them until the event starts.",
    )

    def fit_to(
        self, sides: Sequence[str], capacities: dict[str, int | None], rules: PlaceRules, *, reads_answers: bool
    ) -> None:
        """Ask only what can be said of this event; to be called before validate().

        reads_answers: whether a mailbox is read, to which calendars send what people answer.

        sides: its ways of attending; of one without a limit nothing is given beyond it or kept.
        """
        self.sides = tuple(side for side in sides if capacities.get(side) is not None)
        for side in ATTENDING_WORDS:
            if side not in self.sides:
                del self[f"overbook_{side}"]
        known = {(share.attending, share.perspective): share.places for share in rules.shares}
        sent = self.sent_values()
        for side in self.sides:
            where = f", {ATTENDING_WORDS[side].lower()}" if len(self.sides) > 1 else ""
            for perspective, words in PERSPECTIVES.items():
                name = share_name(side, perspective)
                unbound: Any = NumberField(f"{words}{where}", maximum=PLACES_MAX)
                field = self.meta.bind_field(self, unbound, {"name": name, "prefix": self._prefix})
                field.process(sent, known.get((side, perspective)))
                self._fields[name] = field
        if not self.sides:
            del self.shares_until
        if not reads_answers:
            del self.declining_frees

    @property
    def share_fields(self) -> list[Any]:
        """The fields of the places kept, in their order."""
        return [self[share_name(side, perspective)] for side in self.sides for perspective in PERSPECTIVES]

    @property
    def share_rows(self) -> list[list[Any]]:
        """The same, the ways of attending beside each other."""
        return [[self[share_name(side, perspective)] for side in self.sides] for perspective in PERSPECTIVES]

    @property
    def has_shares(self) -> bool:
        """Whether anything is typed or wrong there, so that it must show."""
        fields = [*self.share_fields, *([self.shares_until] if self.sides else [])]
        return any(not field.is_blank() or field.errors for field in fields)

    def rules(self, before: PlaceRules) -> PlaceRules:
        """What the form says; what it does not ask for stays as before."""
        shares = tuple(
            Share(side, perspective, self[share_name(side, perspective)].data)
            for side in self.sides
            for perspective in PERSPECTIVES
            if self[share_name(side, perspective)].data
        )
        until = self.shares_until.data if self.sides and shares else None
        return PlaceRules(
            gives=self.gives.data or "offer",
            overbook_in_person=self._number("overbook_in_person"),
            overbook_online=self._number("overbook_online"),
            asks_days_before=self.asks_days_before.data or None,
            frees_days_before=self.frees_days_before.data or None,
            declining_frees=bool(self.declining_frees.data) if "declining_frees" in self else before.declining_frees,
            shares=shares,
            shares_until=from_london(until, SHARES_END) if until else None,
        )

    def show_problems(self, unfit: DetailsDoNotFit) -> None:
        """Put what is wrong at the fields it belongs to."""
        for problem in unfit.problems:
            field = self.share_fields[0].name if problem.field == "shares" and self.sides else problem.field
            self.add_error(problem.sentence, field if field in self else None)

    def _number(self, name: str) -> int:
        return (self[name].data or 0) if name in self else 0


def share_name(side: str, perspective: str) -> str:
    """The name of the field of one share."""
    return f"share_{side}_{perspective}"


def form_values(rules: PlaceRules) -> dict[str, Any]:
    """What the form shows of these rules, its shares aside."""
    return {
        "gives": rules.gives,
        "overbook_in_person": rules.overbook_in_person or None,
        "overbook_online": rules.overbook_online or None,
        "asks_days_before": rules.asks_days_before,
        "frees_days_before": rules.frees_days_before,
        "declining_frees": rules.declining_frees,
        "shares_until": _day(rules.shares_until),
    }


def _day(until: datetime | None) -> Any:
    # One that was moved along with a copy over a clock change still means its day.
    return london_date(until + timedelta(hours=1)) if until is not None else None

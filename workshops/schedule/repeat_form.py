"""The forms of repeats and copies, and what they say. Knows forms and rules, no database."""

from __future__ import annotations

from datetime import date
from typing import Any

from workshops.core.london_time import to_london
from workshops.schedule.rules.events import REASON_MAX, TITLE_MAX
from workshops.schedule.rules.problems import DetailsDoNotFit, Problem
from workshops.schedule.rules.repeats import (
    DATES_MAX,
    POSITIONS,
    RHYTHMS,
    WEEKDAYS,
    WEEKS_MAX,
    DatesDoNotFit,
    Rhythm,
    chosen_days,
    moved_to,
    position_of,
    repeat_days,
)
from workshops.schedule.rules.series import SCOPES
from workshops.schedule.rules.when import When, when_typed
from workshops.web.fields import (
    DateField,
    Form,
    HiddenField,
    NumberField,
    RadioField,
    SelectField,
    TextAreaField,
    TextField,
    TimeField,
    max_length,
    required,
)


class RepeatForm(Form):
    """How an event repeats."""

    rhythm = RadioField("How often", [required("Choose how often it repeats")], choices=list(RHYTHMS.items()))
    weeks = NumberField("How many weeks apart", minimum=1, maximum=WEEKS_MAX, mark_optional=False,
                        hint="For “Every few weeks”. For example, 2 for every second week.")  # fmt: skip
    position = SelectField("Which one in the month", coerce=int, mark_optional=False,
                           choices=[(key, words.capitalize()) for key, words in POSITIONS.items()])  # fmt: skip
    weekday = SelectField("Weekday", coerce=int, mark_optional=False, choices=list(enumerate(WEEKDAYS)))
    until = DateField("Until which date", mark_optional=False,
                      hint="The last date on which it may be, for example 30 6 2027.")  # fmt: skip
    times = NumberField("Or how many more dates", mark_optional=False, hint=f"{DATES_MAX} or fewer.")
    dates = TextAreaField("The dates", [max_length(DATES_MAX * 80)], rows=6, mark_optional=False,
                          hint="One on each line, for example 14 Nov 2027.")  # fmt: skip
    form_key = HiddenField()

    #: What is wrong with the boxes of the second page, which are no fields of this form.
    make_error = ""

    def error_list(self) -> list[tuple[str, str]]:
        """As of every form, with what is wrong with the boxes."""
        return super().error_list() + ([("make-0", self.make_error)] if self.make_error else [])


class NewDateForm(Form):
    """When a copy or another date of an event is."""

    starts_on = DateField("Date", [required("Enter a date")], hint="For example, 14 11 2017.")
    start_time = TimeField("Start time", hint="For example, 10am. Without times it lasts the whole day.",
                           mark_optional=False)  # fmt: skip
    end_time = TimeField("End time", hint="For example, 2:30pm", mark_optional=False)
    ends_on = DateField("Last day", hint="Only when it lasts more than one day.")
    form_key = HiddenField()


class CopyForm(NewDateForm):
    """What is new about a copy."""

    title = TextField("Title", [required("Enter a title"), max_length(TITLE_MAX)])


class ScopeForm(Form):
    """Which dates of a series a change is for. None is chosen beforehand."""

    dates = RadioField("Which dates do you want to change?", [required("Choose which dates to change")],
                       choices=list(SCOPES.items()))  # fmt: skip


def rhythm_hints(day: date) -> dict[str, str]:
    """What stands under each way to repeat, for an event on that day."""
    weekday, position = f"{day:%A}", POSITIONS[position_of(day)]
    return {
        "weekly": f"On {weekday}.",
        "weeks": f"On {weekday}. Say how many weeks apart below.",
        "monthly": f"On the {position} {weekday}, unless you choose another weekday below.",
        "chosen": "Write them below, under “The dates I choose”.",
    }


def repeat_defaults(day: date) -> dict[str, Any]:
    """What the form has chosen already: the weekday of the event and which one of its month it is."""
    return {"position": position_of(day), "weekday": day.weekday(), "weeks": 2}


def days_from(form: RepeatForm, first: date, *, today: date) -> tuple[list[date], str]:
    """The days that a form says, and the rhythm in words; "" for dates that were chosen. Raises DatesDoNotFit."""
    kind = form.rhythm.data
    if kind == "chosen":
        return chosen_days(form.dates.data or "", today=today), ""
    rhythm = Rhythm(kind)
    if kind == "weeks":
        if form.weeks.data is None:
            raise DatesDoNotFit("Enter how many weeks apart", field="weeks")
        rhythm = Rhythm(kind, weeks=form.weeks.data)
    elif kind == "monthly":
        if form.position.data is None or form.weekday.data is None:
            raise DatesDoNotFit("Choose which weekday of the month", field="position")
        rhythm = Rhythm(kind, position=form.position.data, weekday=form.weekday.data)
    days = repeat_days(rhythm, first, today=today, until=form.until.data, times=form.times.data)
    return days, rhythm.words(first)


def times_of(when: When) -> dict[str, Any]:
    """The times of day of an event, which its next date mostly has too."""
    if when.starts_at is None or when.ends_at is None:
        return {}
    return {"start_time": to_london(when.starts_at).time(), "end_time": to_london(when.ends_at).time()}


def new_when(form: NewDateForm, source: When) -> When:
    """When the copy is: as typed, or for an event with times for each day, these times from another first day.

    Raises DetailsDoNotFit with the names of the form's fields.
    """
    if source.days:
        try:
            return moved_to(source, form.starts_on.data)
        except ValueError as impossible:
            raise DetailsDoNotFit(Problem("starts_on", str(impossible))) from None
    try:
        return when_typed(form.starts_on.data, form.start_time.data, form.ends_on.data, form.end_time.data)
    except DetailsDoNotFit as unfit:
        named = {"starts": "starts_on", "ends": "ends_on"}
        raise DetailsDoNotFit(
            *(Problem(named.get(one.field, one.field), one.sentence) for one in unfit.problems)
        ) from None


class CancelDatesForm(Form):
    """Which dates are cancelled, and why. None is chosen beforehand."""

    dates = RadioField("Which dates do you want to cancel?", [required("Choose which dates to cancel")],
                       choices=list(SCOPES.items()))  # fmt: skip
    reason = TextAreaField("Reason", [required("Enter the reason. It is shown on the page of each date"),
                                      max_length(REASON_MAX)], rows=3,
                           hint="Everybody can read it on the page of each date.")  # fmt: skip

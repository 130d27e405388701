"""The forms of registration. Limits come from the rules; field names are a promise to the outside (DESIGN 5)."""

from __future__ import annotations

from typing import Any

from workshops.registration.rules import (
    ANSWER_MAX,
    ATTENDING_WORDS,
    EMAIL_MAX,
    JOB_TITLE_MAX,
    NAME_MAX,
    ORGANISATION_MAX,
    SECTORS,
    TEXT_MAX,
)
from workshops.registration.service import Changes, Details
from workshops.web.fields import (
    EmailField,
    Form,
    HiddenField,
    RadioField,
    SelectField,
    TextAreaField,
    TextField,
    max_length,
    required,
)

#: An event asks at most so many questions of its own.
MOST_QUESTIONS = 5
#: Who reads needs, and until when: said at each of the two questions.
NEEDS_HINT = "Only the people who run this event see this. It is deleted 30 days after the event."

_IF_FULL = (("wait", "Put me on the waiting list"), ("leave", "Do not register me"))


class _AboutYou(Form):
    """What a person tells about themselves, when they register and later."""

    name = TextField("Full name", [required("Enter your name"), max_length(NAME_MAX)], autocomplete="name")
    attending = RadioField(
        "How will you take part?", [required("Choose how you will take part")], choices=tuple(ATTENDING_WORDS.items())
    )
    organisation = TextField("Organisation", [max_length(ORGANISATION_MAX)], autocomplete="organization")
    job_title = TextField("Job title", [max_length(JOB_TITLE_MAX)], autocomplete="organization-title")
    sector = SelectField("Sector", choices=tuple(SECTORS.items()), empty="Choose one, or leave it")
    access_needs = TextAreaField("Access needs", [max_length(TEXT_MAX)], rows=3, hint=NEEDS_HINT)
    dietary_needs = TextAreaField("Food needs", [max_length(TEXT_MAX)], rows=2, hint=NEEDS_HINT)
    question = TextAreaField(
        "Is there a question you would like this event to take up?", [max_length(TEXT_MAX)], rows=3
    )
    answer_1 = TextAreaField("Question 1", [max_length(ANSWER_MAX)], rows=3)
    answer_2 = TextAreaField("Question 2", [max_length(ANSWER_MAX)], rows=3)
    answer_3 = TextAreaField("Question 3", [max_length(ANSWER_MAX)], rows=3)
    answer_4 = TextAreaField("Question 4", [max_length(ANSWER_MAX)], rows=3)
    answer_5 = TextAreaField("Question 5", [max_length(ANSWER_MAX)], rows=3)

    def fit_to(self, *, mode: str, questions: list[str]) -> None:
        """Leave out what this event does not ask; to be called before validate()."""
        if mode != "hybrid":
            del self.attending
        for number in range(1, MOST_QUESTIONS + 1):
            name = f"answer_{number}"
            if number <= len(questions):
                self[name].label.text = questions[number - 1]
            else:
                del self[name]

    def answer_fields(self) -> list[Any]:
        """The fields of the event's own questions."""
        return [field for field in self if field.name.startswith("answer_")]

    def answers(self) -> dict[str, str]:
        """{"1": "...", ...}: what was answered to the event's own questions."""
        return {field.name.removeprefix("answer_"): field.data for field in self.answer_fields() if field.data}

    def wanted_attending(self) -> str | None:
        """The way of attending chosen, or None where the event has one way only."""
        return self.attending.data if "attending" in self else None


class RegistrationForm(_AboutYou):
    """POST /events/<slug>/register."""

    email = EmailField(
        "Email address",
        [required("Enter your email address"), max_length(EMAIL_MAX)],
        hint="We send your place and the invitation for your calendar to this address",
    )
    if_full = RadioField("If all places are taken", choices=_IF_FULL)
    form_key = HiddenField()

    def details(self) -> Details:
        """What was typed, for the service."""
        return Details(
            name=self.name_text(),
            email=self.email.data,
            attending=self.wanted_attending(),
            organisation=self.organisation.data,
            job_title=self.job_title.data,
            sector=self.sector.data or "",
            access_needs=self.access_needs.data,
            dietary_needs=self.dietary_needs.data,
            question=self.question.data,
            answers=self.answers(),
        )

    def name_text(self) -> str:
        """The name as typed, cleaned."""
        return str(self.name.data)


class ChangePlaceForm(_AboutYou):
    """What can be changed in My place: everything but the address."""

    def changes(self) -> Changes:
        """What was typed, for the service."""
        return Changes(
            name=str(self.name.data),
            attending=self.wanted_attending(),
            organisation=self.organisation.data,
            job_title=self.job_title.data,
            sector=self.sector.data or "",
            access_needs=self.access_needs.data,
            dietary_needs=self.dietary_needs.data,
            question=self.question.data,
            answers=self.answers(),
        )


class CancelForm(Form):
    """Giving up a place."""

    reason = TextAreaField(
        "Why can you not come?", [max_length(TEXT_MAX)], rows=3, hint="Only the people who run this event see this"
    )


class MoveForm(Form):
    """Moving to another date. The dates are set by the view."""

    to = RadioField("Which date suits you?", [required("Choose a date")], coerce=int)
    if_full = RadioField("If all places on that date are taken", choices=_IF_FULL)


class FindMyPlaceForm(Form):
    """The address to send links to."""

    email = EmailField("Email address", [required("Enter your email address"), max_length(EMAIL_MAX)])


class AddPersonForm(Form):
    """Staff register somebody."""

    name = TextField("Full name", [required("Enter their name"), max_length(NAME_MAX)])
    email = EmailField(
        "Email address", [required("Enter their email address"), max_length(EMAIL_MAX)], autocomplete="off"
    )
    attending = RadioField(
        "How will they take part?", [required("Choose how they will take part")],
        choices=tuple(ATTENDING_WORDS.items()),
    )
    organisation = TextField("Organisation", [max_length(ORGANISATION_MAX)])
    access_needs = TextAreaField("Access needs", [max_length(TEXT_MAX)], rows=3, hint=NEEDS_HINT)
    dietary_needs = TextAreaField("Food needs", [max_length(TEXT_MAX)], rows=2, hint=NEEDS_HINT)

    def details(self) -> Details:
        """What was typed, for the service."""
        return Details(
            name=str(self.name.data),
            email=self.email.data,
            attending=self.attending.data if "attending" in self else None,
            organisation=self.organisation.data,
            access_needs=self.access_needs.data,
            dietary_needs=self.dietary_needs.data,
        )

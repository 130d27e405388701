"""The forms of registration. Limits come from the rules; field names are a promise to the outside (DESIGN 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from workshops.messages.rules import MAX_SUBJECT_LENGTH, MESSAGE_TEXT_MAX
from workshops.messages.service import Edit
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
from workshops.registration.rules.reasons import SKIP_REASONS
from workshops.registration.rules.writing import FIELDS, MESSAGE_MAX, SUBJECT_MAX
from workshops.registration.service import Changes, Details
from workshops.schedule.rules.place_rules import PERSPECTIVES
from workshops.schedule.rules.questions import QUESTIONS_MAX, Question, reason_words
from workshops.web.fields import (
    CheckboxesField,
    CheckboxField,
    EmailField,
    FileField,
    Form,
    HiddenField,
    RadioField,
    SelectField,
    TextAreaField,
    TextField,
    max_length,
    required,
)

#: Who reads needs, and until when: said at each of the two questions.
NEEDS_HINT = "Only the people who run this event see this. It is deleted 30 days after the event."

_QUESTIONS_CHANGED = "The questions of this event have changed since you opened this page. Check your answers."
#: What a question that need not be answered offers beside its choices; radios cannot be unticked.
NO_ANSWER = "No answer"

_TELL = (("yes", "Yes, email everybody who is added"), ("no", "No, only put them on the list"))
_IF_ONE_IS_FULL = (("wait", "Put me on its waiting list, where it has one"), ("leave", "Leave that event out"))
_IF_FULL = (("wait", "Put me on the waiting list"), ("leave", "Do not register me"))


class ChoiceField(RadioField):
    """One of the choices; an empty first value stands for no answer."""

    def is_chosen(self, value: Any) -> bool:
        return bool(value == (self.data or ""))


class _WithQuestions(Form):
    """The event's own questions, answer_1 ... answer_5 in the order in which they are asked.

    Their kind, words and choices belong to the event, so the fields that a form declares only keep their place.
    """

    asked: Any
    #: Staff, who write down what somebody told them, may leave any question open.
    answers_can_be_required = True

    def ask(self, questions: Sequence[Question], answers: Mapping[str, Any]) -> None:
        """Make the fields of these questions, with what was answered before; to be called before validate()."""
        self._texts = [question.text for question in questions]
        sent = self.sent_values()
        for number in range(1, QUESTIONS_MAX + 1):
            name = f"answer_{number}"
            if number > len(questions):
                del self[name]
                continue
            question = questions[number - 1]
            answer = answers.get(question.text)
            unbound = _question_field(question, answer, may_require=self.answers_can_be_required)
            field = self.meta.bind_field(self, unbound, {"name": name, "prefix": self._prefix})
            field.process(sent, answer)
            self._fields[name] = field
            setattr(self, name, field)
        self._sent_asked = self.asked.data if self.is_submitted() else ""
        self.asked.data = _fingerprint(self._texts)

    def validate(self, extra_validators: Any = None) -> bool:
        """Whoever read other questions than are asked now is shown them before anything is kept."""
        fits = super().validate(extra_validators)
        if self._sent_asked and self._sent_asked != self.asked.data:
            self.add_error(_QUESTIONS_CHANGED)
            return False
        return fits

    def answer_fields(self) -> list[Any]:
        """The fields of the event's own questions."""
        return [field for field in self if field.short_name.startswith("answer_")]

    def answers(self) -> dict[str, Any]:
        """{words of the question: text or choices}: what was answered, nothing for what was left open."""
        fields = self.answer_fields()
        return {text: field.data for text, field in zip(self._texts, fields, strict=True) if field.data}


def _fingerprint(texts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16] if texts else ""


def _question_field(question: Question, answer: Any, *, may_require: bool) -> Any:
    """The field of one question. answer: what this person answered before, which stays choosable."""
    must = question.is_required and may_require
    hint = reason_words(question)
    if question.kind == "text":
        checks = [required(f"Answer the question “{question.text}”")] if must else []
        return TextAreaField(question.text, [*checks, max_length(ANSWER_MAX)], rows=3, hint=hint)
    before = [answer] if isinstance(answer, str) else list(answer or ())
    options = dict.fromkeys([*question.options, *before])
    choices = [(option, option) for option in options]
    if question.kind == "choices":
        checks = [required(f"Choose at least one answer to “{question.text}”")] if must else []
        hint = f"{hint} Choose all that fit." if hint else "Choose all that fit."
        return CheckboxesField(_optional(question, must), checks, choices=choices, hint=hint)
    if must:
        checks = [required(f"Choose an answer to “{question.text}”")]
        return ChoiceField(question.text, checks, choices=choices, hint=hint)
    return ChoiceField(_optional(question, must), choices=[*choices, ("", NO_ANSWER)], hint=hint)


def _optional(question: Question, must: bool) -> str:
    return question.text if must else f"{question.text} (optional)"


class _AboutYou(_WithQuestions):
    """What a person tells about themselves, when they register and later."""

    name = TextField("Full name", [required("Enter your name"), max_length(NAME_MAX)], autocomplete="name")
    attending = RadioField(
        "How will you take part?", [required("Choose how you will take part")], choices=tuple(ATTENDING_WORDS.items())
    )
    organisation = TextField("Organisation", [max_length(ORGANISATION_MAX)], autocomplete="organization")
    job_title = TextField("Job title", [max_length(JOB_TITLE_MAX)], autocomplete="organization-title")
    sector = SelectField("Sector", choices=tuple(SECTORS.items()), empty="Choose one, or leave it")
    perspective = SelectField(
        "Which perspective do you bring? (optional)",
        choices=tuple(PERSPECTIVES.items()),
        empty="I would rather not say",
        hint="So that many perspectives are in the room. Only counts of this are looked at.",
    )
    access_needs = TextAreaField("Access needs", [max_length(TEXT_MAX)], rows=3, hint=NEEDS_HINT)
    dietary_needs = TextAreaField("Food needs", [max_length(TEXT_MAX)], rows=2, hint=NEEDS_HINT)
    answer_1 = TextAreaField("Question 1")
    answer_2 = TextAreaField("Question 2")
    answer_3 = TextAreaField("Question 3")
    answer_4 = TextAreaField("Question 4")
    answer_5 = TextAreaField("Question 5")
    asked = HiddenField()
    question = TextAreaField(
        "Is there a question you would like this event to take up?", [max_length(TEXT_MAX)], rows=3
    )

    def fit_to(
        self,
        *,
        mode: str,
        questions: Sequence[Question],
        answers: Mapping[str, Any] | None = None,
        has_shares: bool = False,
    ) -> None:
        """Leave out what this event does not ask; to be called before validate(). answers: given before."""
        if mode != "hybrid":
            del self.attending
        if not has_shares:
            del self.perspective
        self.ask(questions, answers or {})

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

    def fit_to(
        self,
        *,
        mode: str,
        questions: Sequence[Question],
        answers: Mapping[str, Any] | None = None,
        has_shares: bool = False,
    ) -> None:
        """As for everybody; and the fields in the order in which they stand on the page, as errors are listed."""
        super().fit_to(mode=mode, questions=questions, answers=answers, has_shares=has_shares)
        for name in [name for name in self._fields if name not in ("name", "email")]:
            self._fields.move_to_end(name)

    def details(self) -> Details:
        """What was typed, for the service."""
        return Details(
            name=self.name_text(),
            email=self.email.data,
            attending=self.wanted_attending(),
            organisation=self.organisation.data,
            job_title=self.job_title.data,
            sector=self.sector.data or "",
            perspective=(self.perspective.data or "") if "perspective" in self else "",
            access_needs=self.access_needs.data,
            dietary_needs=self.dietary_needs.data,
            question=self.question.data,
            answers=self.answers(),
        )

    def name_text(self) -> str:
        """The name as typed, cleaned."""
        return str(self.name.data)


class SeveralForm(_AboutYou):
    """POST /programmes/<slug>/register: what is told once for all events."""

    email = EmailField(
        "Email address",
        [required("Enter your email address"), max_length(EMAIL_MAX)],
        hint="We send your places and the invitations for your calendar to this address, in one email",
    )
    if_full = RadioField(
        "If all places of an event are taken", [required("Choose what we do when all places of an event are taken")],
        choices=_IF_ONE_IS_FULL,
    )
    form_key = HiddenField()

    def fit_to_all(self, *, has_food: bool, has_shares: bool) -> None:
        """Leave out what none of the events asks; what one alone asks stands in a part of its own."""
        self.fit_to(mode="", questions=(), has_shares=has_shares)
        if not has_food:
            del self.dietary_needs
        for name in [name for name in self._fields if name not in ("name", "email")]:
            self._fields.move_to_end(name)

    def details(self, part: EventPart) -> Details:
        """What was typed, for one of the events."""
        return Details(
            name=str(self.name.data),
            email=self.email.data,
            attending=part.attending.data if "attending" in part else None,
            organisation=self.organisation.data,
            job_title=self.job_title.data,
            sector=self.sector.data or "",
            perspective=(self.perspective.data or "") if "perspective" in self else "",
            access_needs=self.access_needs.data,
            dietary_needs=self.dietary_needs.data if "dietary_needs" in self and part.has_food else "",
            question=self.question.data,
            answers=part.answers(),
        )


class EventPart(_WithQuestions):
    """What one of several events asks beside what is told once. Its fields carry a prefix that names the event."""

    class Meta(_WithQuestions.Meta):
        csrf = False  # the form around it has the token

    attending = RadioField(
        "How will you take part?", [required("Choose how you will take part")], choices=tuple(ATTENDING_WORDS.items())
    )
    answer_1 = TextAreaField("Question 1")
    answer_2 = TextAreaField("Question 2")
    answer_3 = TextAreaField("Question 3")
    answer_4 = TextAreaField("Question 4")
    answer_5 = TextAreaField("Question 5")
    asked = HiddenField()
    has_food = True

    def fit_to(self, *, mode: str, questions: Sequence[Question]) -> None:
        """Leave out what this event does not ask; to be called before validate()."""
        if mode != "hybrid":
            del self.attending
        self.has_food = mode != "online"
        self.ask(questions, {})

    def has_fields(self) -> bool:
        """Whether there is anything to answer."""
        return "attending" in self or bool(self.answer_fields())


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
            perspective=(self.perspective.data or "") if "perspective" in self else None,
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
    another_date = CheckboxField("The date does not suit me. Ask me by email if there is to be another one")


class AnotherDateForm(Form):
    """The days that people are asked about."""

    dates = TextAreaField(
        "Which dates are possible?", [required("Enter the dates, one on each line"), max_length(400)], rows=5,
        hint="Up to five, one on each line, for example 14 November 2026. The times of day stay",
    )


class ChooseDateForm(Form):
    """The day that is taken. The choices are set by the view."""

    day = RadioField("Which date do you take?", [required("Choose a date")], choices=())


class DatePollForm(Form):
    """The days that suit somebody. The choices are set by the view."""

    days = CheckboxesField(
        "Which of these dates suit you?", [required("Tick the dates that suit you, or “None of these”")], choices=(),
        exclusive="none",
    )


class PassOnForm(Form):
    """The colleague who is asked to take a place over."""

    name = TextField("Their full name", [required("Enter your colleague’s name"), max_length(NAME_MAX)])
    email = EmailField(
        "Their email address", [required("Enter your colleague’s email address"), max_length(EMAIL_MAX)],
        hint="We ask them by email. Your place stays yours until they say yes",
    )


class TakeOverForm(_AboutYou):
    """What a colleague tells who takes a place over; the address is the one that was asked."""

    def details(self, email: str) -> Details:
        """What was typed, for the service."""
        return Details(
            name=str(self.name.data),
            email=email,
            organisation=self.organisation.data,
            job_title=self.job_title.data,
            sector=self.sector.data or "",
            perspective=(self.perspective.data or "") if "perspective" in self else "",
            access_needs=self.access_needs.data,
            dietary_needs=self.dietary_needs.data,
            question=self.question.data,
            answers=self.answers(),
        )


class WriteForm(Form):
    """What staff write to the people of an event. The audiences, with their numbers, are set by the view."""

    audience = RadioField("Who gets it?", [required("Choose who gets the message")], choices=())
    subject = TextField("Subject", [required("Enter a subject"), max_length(SUBJECT_MAX)])
    message = TextAreaField(
        "Message", [required("Enter a message"), max_length(MESSAGE_MAX)], rows=10,
        hint="Leave an empty line between paragraphs. You can use "
        + ", ".join(f"{{{field}}} ({words})" for field, words in FIELDS.items()),
    )
    form_key = HiddenField()
    seen = HiddenField()


class CorrectForm(Form):
    """What staff put right about somebody."""

    name = TextField("Full name", [required("Enter their name"), max_length(NAME_MAX)], autocomplete="off")
    email = EmailField(
        "Email address", [required("Enter their email address"), max_length(EMAIL_MAX)], autocomplete="off",
        hint="Another address ends the links that were sent to the old one, and gets an email with a new link",
    )
    attending = RadioField("How do they take part?", choices=tuple(ATTENDING_WORDS.items()))
    organisation = TextField("Organisation", [max_length(ORGANISATION_MAX)], autocomplete="off")
    job_title = TextField("Job title", [max_length(JOB_TITLE_MAX)], autocomplete="off")
    sector = SelectField("Sector", choices=tuple(SECTORS.items()), empty="Not said")


class MovePersonForm(Form):
    """Another event for somebody. The events are set by the view."""

    to = SelectField("Which event do they go to?", [required("Choose an event")], coerce=int, empty="Choose an event")
    if_full = RadioField("If all places there are taken", choices=(
        ("wait", "Put them on its waiting list"), ("leave", "Leave them where they are")))  # fmt: skip


class PeopleListForm(Form):
    """A list of people to look at first."""

    file = FileField("Spreadsheet", mark_optional=False, accept=".xlsx,.csv,text/csv",
                     hint="Excel (.xlsx) or CSV with the columns Name and Email; also Organisation, Job title and, for "
                          "events in a room and online, Taking part. 500 people at most.")  # fmt: skip
    tell = RadioField("Do you want to email them now?", choices=_TELL)


class MergeForm(Form):
    """Which of two addresses stays."""

    keep = RadioField("Which address stays?", [required("Choose which address stays")], choices=(), coerce=int)


class MoveForm(Form):
    """Moving to another date. The dates are set by the view."""

    to = RadioField("Which date suits you?", [required("Choose a date")], coerce=int)
    if_full = RadioField("If all places on that date are taken", choices=_IF_FULL)


class FindMyPlaceForm(Form):
    """The address to send links to."""

    email = EmailField("Email address", [required("Enter your email address"), max_length(EMAIL_MAX)])


class AddPersonForm(_WithQuestions):
    """Staff register somebody."""

    answers_can_be_required = False

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

    answer_1 = TextAreaField("Question 1")
    answer_2 = TextAreaField("Question 2")
    answer_3 = TextAreaField("Question 3")
    answer_4 = TextAreaField("Question 4")
    answer_5 = TextAreaField("Question 5")
    asked = HiddenField()

    def fit_to(self, *, mode: str, questions: Sequence[Question]) -> None:
        """Leave out what this event does not ask; to be called before validate()."""
        if mode != "hybrid":
            del self.attending
        self.ask(questions, {})

    def details(self) -> Details:
        """What was typed, for the service."""
        return Details(
            name=str(self.name.data),
            email=self.email.data,
            attending=self.attending.data if "attending" in self else None,
            organisation=self.organisation.data,
            access_needs=self.access_needs.data,
            dietary_needs=self.dietary_needs.data,
            answers=self.answers(),
        )


class InviteForm(Form):
    """People to invite, pasted; and whether they are emailed, with no preset."""

    people = TextAreaField(
        "People to invite",
        [required("Enter at least one email address")],
        rows=8,
        hint="One address a line, or with commas or semicolons between them. Names may stand with them, like "
        "Ann Example <ann@example.org>",
    )
    tell = RadioField("Email them the invitation now?", choices=_TELL)


class MessageForm(Form):
    """New words of a message that is not sent yet."""

    subject = TextField("Subject", [required("Enter a subject"), max_length(MAX_SUBJECT_LENGTH)])
    text = TextAreaField(
        "Text", [required("Enter the text"), max_length(MESSAGE_TEXT_MAX)], rows=20,
        hint="Leave what stands in [[ ]] as it is: the person’s own link goes there.",
    )
    seen = HiddenField()

    def edit(self) -> Edit:
        """What was typed."""
        return Edit(self.subject.data or "", self.text.data or "", self.seen.data or "")


class SkipForm(Form):
    """Why somebody else goes first. A choice, so that nothing personal gets into the history."""

    reason = RadioField(
        "Why does somebody else go first?",
        [required("Choose why somebody else goes first")],
        choices=[(key, words[0].upper() + words[1:]) for key, words in SKIP_REASONS.items()],
    )


class AnswerForm(Form):
    """Whose requests to answer. The people are set by the view."""

    person = CheckboxesField("People who ask for a place", [required("Choose at least one person")], coerce=int)

"""The forms of the schedule for staff. Limits come from the rules; nothing here knows the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from workshops.schedule.rules.audience import ADMITS, AUDIENCES
from workshops.schedule.rules.events import (
    ADDRESS_MAX,
    AREAS,
    BOOKINGS,
    DESCRIPTION_MAX,
    FACTS,
    MODES,
    NAME_MAX,
    PLACES_MAX,
    POSTCODE_MAX,
    REASON_MAX,
    SUMMARY_MAX,
    TITLE_MAX,
)
from workshops.schedule.rules.questions import KINDS, QUESTION_MAX, QUESTIONS_MAX
from workshops.schedule.rules.questions import REASON_MAX as QUESTION_REASON_MAX
from workshops.web.fields import (
    CheckboxesField,
    CheckboxField,
    DateField,
    FileField,
    Form,
    HiddenField,
    NumberField,
    RadioField,
    SelectField,
    TextAreaField,
    TextField,
    TimeField,
    UrlField,
    max_length,
    required,
)

TELL_CHOICES = [("now", "Tell everyone now"), ("no", "Save without telling")]
FACT_CHOICES = list(FACTS.items())
_DATE_HINT = "For example, 14 11 2017 or 14 Nov 2017. Without times below, it lasts the whole day."
_START_HINT = "For example, 10am"
_END_HINT = "For example, 12 noon or 2:30pm"
#: How long an event lasts; what the form asks for depends on it.
SHAPES = {
    "one": "One day",
    "days": "Several days, with times for each day",
    "bar": "One or more whole days, without times",
    "span": "Without a break from one day to another",
    "month": "Only its month is known",
}
AREA_CHOICES = [(area, area) for area in AREAS]


def _question_fields() -> dict[str, Any]:
    """The fields of an event's own questions: question_1, question_1_kind ... question_5_reason."""
    fields: dict[str, Any] = {}
    for number in range(1, QUESTIONS_MAX + 1):
        name = f"question_{number}"
        fields |= {
            name: TextField(f"Question {number}", [max_length(QUESTION_MAX)]),
            f"{name}_kind": RadioField(
                "How people answer", choices=list(KINDS.items()), default="text"
            ),
            f"{name}_options": TextAreaField("Choices", rows=5, hint="Each on a line of its own."),
            f"{name}_more": CheckboxesField(
                "About this question",
                choices=[("required", "People must answer it"),
                         ("personal", "It asks for something personal, such as health, family or beliefs")],
                small=True,
            ),  # fmt: skip
            f"{name}_reason": TextField(
                "Why you ask", [max_length(QUESTION_REASON_MAX)], hint="People see it beside the question."
            ),
        }
    return fields


class EventForm(Form):
    """An event: what everybody must say first, and what waits under a heading until it is wanted.

    The view fills the choices of kind, venue, room, programme, owner and facilitators. Fields that were not on the
    page that was sent keep what the event has; see event_form.keep_only.
    """

    #: The names in the list of topics, shown beside the field; the view fills them.
    known_topics: Sequence[str] = ()
    #: Which edition of the event was read, and what the fields held then: tells two editors apart.
    edition = HiddenField()
    was = HiddenField()
    #: Of a new event: the same form sent twice makes one.
    form_key = HiddenField()

    title = TextField("Title", [required("Enter a title"), max_length(TITLE_MAX)])
    kind = SelectField("Kind of event", [required("Choose what kind of event it is")], empty="Choose a kind")
    starts_on = DateField("Date", hint=_DATE_HINT, mark_optional=False)
    start_time = TimeField("Start time", hint=_START_HINT, mark_optional=False)
    end_time = TimeField("End time", hint=_END_HINT, mark_optional=False)
    mode = RadioField("How people take part", [required("Choose in person, online or both")],
                      choices=list(MODES.items()))  # fmt: skip
    venue = SelectField("Place", coerce=int, empty="No place, or one that is not in this list yet")
    venue_name = TextField("Name of the place", [max_length(NAME_MAX)])
    venue_address = TextField("Address", [max_length(ADDRESS_MAX)], hint="Street and town.")
    venue_postcode = TextField("Postcode", [max_length(POSTCODE_MAX)], width=10)
    capacity_in_person = NumberField("Places in person", maximum=PLACES_MAX, hint="Leave empty for no limit.")
    capacity_online = NumberField("Places online", maximum=PLACES_MAX, hint="Leave empty for no limit.")

    shape = RadioField("How long does it last?", choices=list(SHAPES.items()), hints={
        "days": "On the next page each day gets its own start and end, and days can be left out.",
        "bar": "It shows as one bar in calendars.",
        "span": "For example overnight, or a residential course.",
        "month": "For past events only.",
    })  # fmt: skip
    ends_on = DateField("Last day", hint="Only when it lasts more than one day.", mark_optional=False)
    month = TextField("Month", width=20, hint="For example, November 2016", mark_optional=False)
    room = SelectField("Room", empty="No room, or one that is not in this list yet")
    room_name = TextField("Name of the room", [max_length(NAME_MAX)])

    summary = TextAreaField("Summary", [max_length(SUMMARY_MAX)], rows=3,
                            hint="One or two sentences. They stand in lists and at the top of the page.")  # fmt: skip
    description = TextAreaField("Description", [max_length(DESCRIPTION_MAX)], rows=12,
                                hint="Markdown: ## for a heading, - for a list, **bold**, [words](https://address) "
                                "for a link.")  # fmt: skip
    programme = SelectField("Programme", coerce=int, empty="None")
    topics = TextField("Topics", hint="From the list of topics. Put a semicolon between them, for example: "
                       "co-production; power")  # fmt: skip

    audience = SelectField("Who it is meant for", choices=list(AUDIENCES.items()), empty="Not said")

    area = SelectField("Area", choices=AREA_CHOICES, empty="Not said")
    joining_link = UrlField("Joining link", hint="Begins with https://. Only people who registered see it, in their "
                            "email and on their own page.")  # fmt: skip
    bsl = RadioField("British Sign Language interpreter", choices=FACT_CHOICES, inline=True)
    captions = RadioField("Captions", choices=FACT_CHOICES, inline=True)

    booking = RadioField(
        "How people register",
        choices=list(BOOKINGS.items()),
        hints={
            "by_approval": "You answer each request.",
            "by_invitation": "Only people on a list of addresses that you make under People.",
            "closed": "Nobody can register at this time.",
        },
    )
    booking_url = UrlField("Address of the page where people register", mark_optional=False)
    admits = RadioField("Who may register", choices=list(ADMITS.items()), hints={
        "domains": "For example everybody in the Scottish Government and at a partner.",
        "invited": "Named people; you write the list on a page of its own.",
    })  # fmt: skip
    admitted_domains = TextAreaField("Mail domains whose people may register", rows=4, mark_optional=False,
                                     hint="What stands behind the @, each on a line of its own, such as gov.scot. "
                                     "Everything below it is let in too. Of an event by invitation, they may "
                                     "register beside the people on the list.")  # fmt: skip
    when_full = RadioField("When all places are taken", choices=[("wait", "Keep a waiting list"),
                                                                 ("close", "Take no more names")])  # fmt: skip
    opens_on = DateField("Registration opens", hint="Leave empty to open it when you publish.")
    opens_time = TimeField("Time it opens")
    closes_on = DateField("Registration closes", hint="Leave empty to close it when the event starts.")
    closes_time = TimeField("Time it closes", hint="Leave empty for 11:59pm.")
    visible = RadioField("Where it shows", choices=[("listed", "In lists, search and calendars"),
                                                    ("unlisted", "Only to people who have its address")])  # fmt: skip

    host = TextField("Organisation that runs it", [max_length(NAME_MAX)])
    owner = SelectField("Who looks after it", coerce=int, empty="Nobody yet")
    facilitators = CheckboxesField("Who runs it too", coerce=int, small=True,
                                   hint="They may do all that you may, and get it in their own calendar.")  # fmt: skip
    reported_registered = NumberField("People who registered, as reported", maximum=PLACES_MAX,
                                      hint="For past events whose registration was kept elsewhere.")  # fmt: skip
    reported_attended = NumberField("People who came, as reported", maximum=PLACES_MAX)
    source_url = UrlField("Page this comes from")

    def validate(self, extra_validators: Any = None) -> bool:
        """Check all fields; a date must be there unless a month stands for it."""
        fits = super().validate(extra_validators)
        by_month = self.month.data if self.shape.data is None else self.shape.data == "month"
        if self.starts_on.is_blank() and not by_month:
            self.add_error("Enter the date", "starts_on")
            return False
        return bool(fits)


for _name, _field in _question_fields().items():
    setattr(EventForm, _name, _field)

QUESTION_FIELDS = tuple(f"question_{number}" for number in range(1, QUESTIONS_MAX + 1))
WHEN_FIELDS = ("starts_on", "start_time", "end_time", "ends_on", "month")

#: What is enough to publish an event, in the order of the page.
FIRST_SCREEN = ("title", "kind", "starts_on", "start_time", "end_time", "mode", "venue", "venue_name", "venue_address",
                "venue_postcode", "capacity_in_person", "capacity_online")  # fmt: skip

#: The fields on the page of each part of an event; "history" is for what was reported about past ones.
PART_FIELDS: dict[str, tuple[str, ...]] = {
    "about": ("title", "kind", "summary", "description", "topics", "programme", "audience"),
    "when": ("shape", *WHEN_FIELDS),
    "where": ("mode", "venue", "venue_name", "venue_address", "venue_postcode", "room", "room_name", "area",
              "joining_link", "bsl", "captions"),
    "registration": ("capacity_in_person", "capacity_online", "booking", "booking_url", "when_full", "admits",
                     "admitted_domains", "opens_on", "opens_time", "closes_on", "closes_time", "visible"),
    "questions": tuple(f"{name}{rest}" for name in QUESTION_FIELDS
                       for rest in ("", "_kind", "_options", "_more", "_reason")),
    "who": ("host", "owner", "facilitators"),
    "history": ("reported_registered", "reported_attended", "source_url"),
}  # fmt: skip

#: Headings of the page with everything on it, with what stands under each beside the first screen.
GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("more-dates", "Several days, or only a month", ("ends_on", "month")),
    ("about", "About the event", ("summary", "description", "topics", "programme", "audience")),
    ("where", "Where, joining and access", ("room", "room_name", "area", "joining_link", "bsl", "captions")),
    (
        "registration",
        "Registration",
        ("booking", "booking_url", "when_full", "admits", "admitted_domains", "opens_on", "opens_time", "closes_on",
         "closes_time", "visible"),
    ),
    ("who", "Who runs it", ("host", "owner", "facilitators")),
    ("history", "Figures reported elsewhere", PART_FIELDS["history"]),
)  # fmt: skip

#: Where the sentence of a rule stands in the form, when its field has another name there.
FIELD_NAMES = {
    "starts": "starts_on",
    "ends": "ends_on",
    "opens_at": "opens_on",
    "closes_at": "closes_on",
    "address": "venue_address",
    "postcode": "venue_postcode",
    "questions": "question_1",
}


def days_form(days: Mapping[date, str]) -> type[Form]:
    """A form with a start and an end for each of these days, named starts_2027-03-01 and ends_2027-03-01.

    days: each with its name in words.
    """
    fields: dict[str, Any] = {"edition": HiddenField()}
    for day, words in days.items():
        for name, label in (("starts", "Starts"), ("ends", "Ends")):
            fields[f"{name}_{day}"] = TimeField(f"{label} on {words}", hint="", mark_optional=False)
    return type("DaysForm", (Form,), fields)


class ReasonForm(Form):
    """Why an event is cancelled or postponed, and whether people are told."""

    reason = TextAreaField("Reason", [required("Enter the reason. It is shown on the event’s page"),
                                      max_length(REASON_MAX)], rows=3,
                           hint="Everybody can read it on the event’s page.")  # fmt: skip
    tell = RadioField("Do you want to tell people?", choices=TELL_CHOICES)


class TellForm(Form):
    """Only whether people are told. Neither answer is chosen beforehand."""

    tell = RadioField("Do you want to tell people?", choices=TELL_CHOICES)


class ImportForm(Form):
    """A file of events to look at first."""

    file = FileField("Spreadsheet or calendar", mark_optional=False, accept=".xlsx,.csv,.ics,text/csv,text/calendar",
                     hint="Excel (.xlsx), CSV or a calendar (.ics): up to 5 MB and 5,000 rows.")  # fmt: skip
    publish = CheckboxField("Publish upcoming events too",
                            hint="Otherwise they stay drafts. Past events are published in any case.")  # fmt: skip

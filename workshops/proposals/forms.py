"""The forms of proposals. Limits come from the rules; nothing here knows the database."""

from __future__ import annotations

from typing import Any

from workshops.proposals.models import Proposal
from workshops.proposals.rules import (
    ACCESS_MAX,
    EMAIL_MAX,
    MESSAGE_MAX,
    NAME_MAX,
    NEED_MAX,
    PLACES_MAX,
    TOPICS_TEXT_MAX,
    WHEN_MAX,
    Details,
    written_time,
)
from workshops.proposals.rules.details import read_time
from workshops.proposals.service import EventFields
from workshops.schedule.rules.audience import AUDIENCES
from workshops.schedule.rules.events import (
    ADDRESS_MAX,
    AREAS,
    DESCRIPTION_MAX,
    MODES,
    POSTCODE_MAX,
    SUMMARY_MAX,
    TITLE_MAX,
)
from workshops.web.fields import (
    CheckboxField,
    DateField,
    EmailField,
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

AREA_CHOICES = [(area, area) for area in AREAS]
AUDIENCE_CHOICES = list(AUDIENCES.items())
_DATE_HINT = "For example, 14 11 2017"
_LETTER_HINT = "It goes to the person in an email. You see the whole email before it goes."

#: Fields that are kept as they are typed, by purpose.
_HOST = ("organisation", "name", "title", "summary", "when_words", "venue_name", "venue_address", "postcode", "topics",
         "message")  # fmt: skip
#: What a host may leave for later: shown when they ask for it.
_MORE = ("ends_on", "when_words", "venue_address", "postcode", "area", "places", "audience", "topics", "message")
_ASK = ("organisation", "name", "title", "summary", "when_words", "venue_name", "access")


def _email_field(whom: str) -> EmailField:
    """Stands after the name, so that the errors above a form come in the order of its questions."""
    checks = [required("Enter your email address"), max_length(EMAIL_MAX)]
    hint = f"We send a link there first: nothing reaches {whom} before you press its button."
    return EmailField("Your email address", checks, hint=hint)


class _Sent(Form):
    """What both public forms share: who sends it, and what tells a program from a person."""

    form_key = HiddenField()
    #: Nobody sees this box; programs that fill in every box fill it in too.
    website = TextField("Leave this box empty", autocomplete="off", mark_optional=False)


class _HostFields(Form):
    """What somebody says about an event that they offer. The view fills the choices of kind.

    Half of it waits behind "More about it": what organisers must know is a short form, and they can ask for the rest.
    """

    organisation = TextField("Organisation", [required("Enter the name of your organisation"), max_length(NAME_MAX)],
                             autocomplete="organization", hint="Shown on the event’s page as its host.")  # fmt: skip
    name = TextField("Your name", [required("Enter your name"), max_length(NAME_MAX)], autocomplete="name")
    email = _email_field("the organisers")
    title = TextField("Title of the event", [required("Enter a title"), max_length(TITLE_MAX)])
    kind = SelectField("What kind of event it is", [required("Choose what kind of event it is")],
                       empty="Choose a kind")  # fmt: skip
    summary = TextAreaField("What it is about", [required("Say what the event is"), max_length(SUMMARY_MAX)], rows=4,
                            hint="One or two sentences, for people who may want to come.")  # fmt: skip
    audience = SelectField("Who it is for", choices=AUDIENCE_CHOICES, empty="Choose one, or leave it")
    topics = TextField("Topics", [max_length(TOPICS_TEXT_MAX)],
                       hint="Put a semicolon between them, for example: co-production; power")  # fmt: skip
    starts_on = DateField("Date", [required("Enter the date")], hint=_DATE_HINT)
    start_time = TimeField("Start time", hint="For example, 10am. Leave both times empty if it lasts the whole day.",
                           mark_optional=False)  # fmt: skip
    end_time = TimeField("End time", hint="For example, 2:30pm", mark_optional=False)
    ends_on = DateField("Last day", hint="Only when it lasts more than one day.")
    when_words = TextAreaField("More about the date", [max_length(WHEN_MAX)], rows=2,
                               hint="For example, other dates that would do as well.")  # fmt: skip
    mode = RadioField("How people take part", [required("Choose in person, online or both")],
                      choices=list(MODES.items()))  # fmt: skip
    venue_name = TextField("Name of the place", [max_length(NAME_MAX)], hint="Leave it empty for an online event.")
    venue_address = TextField("Address", [max_length(NAME_MAX)], hint="Street and town.")
    postcode = TextField("Postcode", [max_length(POSTCODE_MAX)], width=10)
    area = SelectField("Area", choices=AREA_CHOICES, empty="Choose one, or leave it")
    places = NumberField("Places", maximum=PLACES_MAX, hint="How many people can come. Leave empty for no limit.")
    message = TextAreaField("Anything the organisers should know", [max_length(MESSAGE_MAX)], rows=4,
                            hint="Only the organisers read this.")  # fmt: skip

    def says_more(self) -> bool:
        """Whether the part behind "More about it" holds something: an answer, or an error to mend."""
        return any(self[name].data or self[name].errors for name in _MORE)

    def details(self) -> Details:
        """What was typed, for the service."""
        return Details(
            **{name: self[name].data for name in _HOST},
            kind=self.kind.data or "",
            audience=self.audience.data or "",
            area=self.area.data or "",
            mode=self.mode.data or "",
            starts_on=self.starts_on.data,
            ends_on=self.ends_on.data,
            start_time=written_time(self.start_time.data),
            end_time=written_time(self.end_time.data),
            places=self.places.data,
        )


class _AskFields(Form):
    """What somebody says about an event that they need."""

    organisation = TextField("Team or community",
                             [required("Enter the name of your team or community"), max_length(NAME_MAX)],
                             autocomplete="organization")  # fmt: skip
    name = TextField("Your name", [required("Enter your name"), max_length(NAME_MAX)], autocomplete="name")
    email = _email_field("us")
    title = TextField("What you need, in a few words",
                      [required("Enter what you need in a few words"), max_length(TITLE_MAX)],
                      hint="For example, an awareness session for our new staff")  # fmt: skip
    summary = TextAreaField("Tell us more", [required("Say what you need"), max_length(NEED_MAX)], rows=6,
                            hint="What you would like people to take away, and what you have tried.")  # fmt: skip
    mode = RadioField("How people would take part", [required("Choose in person, online or both")],
                      choices=list(MODES.items()))  # fmt: skip
    area = SelectField("Area", choices=AREA_CHOICES, empty="Choose one, or leave it")
    venue_name = TextField("Town or place", [max_length(NAME_MAX)], hint="If you have a room, say so.")
    when_words = TextAreaField("When it would suit you", [max_length(WHEN_MAX)], rows=2, mark_optional=False,
                               hint="For example, a morning in March, not on Fridays.")  # fmt: skip
    starts_on = DateField("Earliest date", hint=_DATE_HINT)
    ends_on = DateField("Latest date", hint="")
    places = NumberField("How many people", maximum=PLACES_MAX, hint="About how many would come.")
    access = TextAreaField("Access", [max_length(ACCESS_MAX)], rows=3,
                           hint="What people will need, for example step-free access or an interpreter. Name "
                           "nobody.")  # fmt: skip

    def details(self) -> Details:
        """What was typed, for the service."""
        return Details(
            **{name: self[name].data for name in _ASK},
            area=self.area.data or "",
            mode=self.mode.data or "",
            starts_on=self.starts_on.data,
            ends_on=self.ends_on.data,
            places=self.places.data,
        )


class HostForm(_HostFields, _Sent):
    """POST /programmes/<slug>/host-an-event."""


class AskForm(_AskFields, _Sent):
    """POST /ask-for-an-event, and that of a programme."""


class EditHostForm(_HostFields):
    """The host changes what they proposed: everything but the address."""

    email = None  # type: ignore[assignment]


class EditAskForm(_AskFields):
    """The same for somebody who asked."""

    email = None  # type: ignore[assignment]


def proposal_values(proposal: Proposal) -> dict[str, Any]:
    """What a form shows of a proposal."""
    values: dict[str, Any] = {name: getattr(proposal, name) for name in Details.__dataclass_fields__}
    return values | {"start_time": read_time(proposal.start_time), "end_time": read_time(proposal.end_time)}


class EventForm(Form):
    """What of the draft its host may change."""

    edition = HiddenField()
    title = TextField("Title", [required("Enter a title"), max_length(TITLE_MAX)])
    summary = TextAreaField("Summary", [max_length(SUMMARY_MAX)], rows=3,
                            hint="One or two sentences. They stand in lists and at the top of the page.")  # fmt: skip
    description = TextAreaField("Description", [max_length(DESCRIPTION_MAX)], rows=10,
                                hint="Markdown: ## for a heading, - for a list, **bold**, [words](https://address) "
                                "for a link.")  # fmt: skip
    starts_on = DateField("Date", [required("Enter the date")], hint=_DATE_HINT)
    start_time = TimeField("Start time", hint="For example, 10am. Leave both times empty if it lasts the whole day.",
                           mark_optional=False)  # fmt: skip
    end_time = TimeField("End time", hint="For example, 2:30pm", mark_optional=False)
    ends_on = DateField("Last day", hint="Only when it lasts more than one day.")
    venue_name = TextField("Name of the place", [max_length(NAME_MAX)])
    venue_address = TextField("Address", [max_length(ADDRESS_MAX)], hint="Street and town.")
    postcode = TextField("Postcode", [max_length(POSTCODE_MAX)], width=10)
    places_in_person = NumberField("Places in person", maximum=PLACES_MAX, hint="Leave empty for no limit.")
    places_online = NumberField("Places online", maximum=PLACES_MAX, hint="Leave empty for no limit.")

    def fit_to(self, *, mode: str, has_times: bool) -> None:
        """Leave out what this event does not have; to be called before validate()."""
        gone = [] if has_times else ["starts_on", "start_time", "end_time", "ends_on"]
        gone += ["venue_name", "venue_address", "postcode", "places_in_person"] if mode == "online" else []
        gone += ["places_online"] if mode == "in_person" else []
        for name in gone:
            del self[name]

    def fields_typed(self) -> EventFields:
        """What was typed, for the service."""

        def value(name: str, otherwise: Any = None) -> Any:
            return self[name].data if name in self else otherwise

        return EventFields(
            title=self.title.data,
            summary=self.summary.data,
            description=self.description.data,
            has_times="starts_on" in self,
            starts_on=value("starts_on"),
            ends_on=value("ends_on"),
            start_time=value("start_time"),
            end_time=value("end_time"),
            venue_name=value("venue_name", ""),
            venue_address=value("venue_address", ""),
            postcode=value("postcode", ""),
            places_in_person=value("places_in_person"),
            places_online=value("places_online"),
        )


class AcceptForm(Form):
    """The draft that is made of a proposal, and the message that tells of it. The view fills the choices."""

    edition = HiddenField()
    title = TextField("Title", [required("Enter a title"), max_length(TITLE_MAX)])
    kind = SelectField("Kind of event", [required("Choose what kind of event it is")], empty="Choose a kind")
    programme = SelectField("Programme", coerce=int, empty="None")
    host = TextField("Organisation that runs it", [max_length(NAME_MAX)])
    summary = TextAreaField("Summary", [max_length(SUMMARY_MAX)], rows=3)
    audience = SelectField("Who it is for", choices=AUDIENCE_CHOICES, empty="Not said")
    topics = TextField("Topics", [max_length(TOPICS_TEXT_MAX)], hint="Put a semicolon between them.")
    starts_on = DateField("Date", [required("Enter the date")], hint=_DATE_HINT)
    start_time = TimeField("Start time", hint="For example, 10am. Leave both times empty if it lasts the whole day.",
                           mark_optional=False)  # fmt: skip
    end_time = TimeField("End time", hint="For example, 2:30pm", mark_optional=False)
    ends_on = DateField("Last day", hint="Only when it lasts more than one day.")
    mode = RadioField("How people take part", [required("Choose in person, online or both")],
                      choices=list(MODES.items()))  # fmt: skip
    venue_name = TextField("Name of the place", [max_length(NAME_MAX)])
    venue_address = TextField("Address", [max_length(ADDRESS_MAX)], hint="Street and town.")
    postcode = TextField("Postcode", [max_length(POSTCODE_MAX)], width=10)
    area = SelectField("Area", choices=AREA_CHOICES, empty="Not said")
    places = NumberField("Places", maximum=PLACES_MAX, hint="Leave empty for no limit.")
    owner = SelectField("Who looks after it", [required("Choose who looks after it")], coerce=int)
    message = TextAreaField("Your message", [max_length(MESSAGE_MAX)], rows=5, hint=_LETTER_HINT)


class AnswerForm(Form):
    """A message that goes with a refusal or with a wish for changes. The view says which."""

    edition = HiddenField()
    message = TextAreaField("Your message", [max_length(MESSAGE_MAX)], rows=8, hint=_LETTER_HINT, mark_optional=False)


class NamesForm(Form):
    """Why a host is shown the names of the people who come."""

    reason = TextAreaField("Why the host needs the names", [required("Write why the host needs the names"),
                                                            max_length(MESSAGE_MAX)], rows=3,
                           hint="It is kept in the history of this proposal.")  # fmt: skip


class AskSettingsForm(Form):
    """The general ask form: open or closed, and what stands above it."""

    is_open = CheckboxField("Anybody may ask us for an event",
                            hint="Public pages link to the form while this is ticked.")  # fmt: skip
    words = TextAreaField("Words above the form", [max_length(MESSAGE_MAX)], rows=5,
                          hint="Who may ask, and what you can offer. Markdown.")  # fmt: skip

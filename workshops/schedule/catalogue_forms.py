"""The forms of what events refer to: programmes, venues and rooms, organisations, topics and kinds."""

from __future__ import annotations

from workshops.schedule.rules.catalogue import (
    HOST_DESCRIPTION_MAX,
    HOW_TO_GET_THERE_MAX,
    PHONE_MAX,
    VENUE_FACT_WORDS,
)
from workshops.schedule.rules.events import (
    AREA_MAX,
    AREAS,
    DESCRIPTION_MAX,
    FACTS,
    NAME_MAX,
    PLACES_MAX,
    POSTCODE_MAX,
    REASON_MAX,
    SUMMARY_MAX,
)
from workshops.web.fields import (
    CheckboxesField,
    DateField,
    EmailField,
    Form,
    HiddenField,
    NumberField,
    RadioField,
    SelectField,
    TextAreaField,
    TextField,
    UrlField,
    max_length,
    required,
)

FACT_CHOICES = list(FACTS.items())


class ProgrammeForm(Form):
    """A programme. The view fills the choices of organisers."""

    title = TextField("Name", [required("Enter the name of the programme"), max_length(NAME_MAX)])
    summary = TextAreaField("Summary", [max_length(SUMMARY_MAX)], rows=3)
    description = TextAreaField("Description", [max_length(DESCRIPTION_MAX)], rows=10,
                                hint="Markdown, as in events.")  # fmt: skip
    starts_on = DateField("First day", hint="Leave both days empty to show those of its events.")
    ends_on = DateField("Last day", hint="")
    visible = RadioField(
        "State",
        choices=[("staff", "Draft"), ("public", "Announced")],
        hints={
            "staff": "Only staff can see its page. Its events show by themselves.",
            "public": "Everybody can see its page. From its first day it is running, after its last day it is past.",
        },
    )
    organisers = CheckboxesField("Organisers", small=True,
                                 hint="They and admins change this programme and run its events. When nobody is "
                                 "chosen, every organiser does.")  # fmt: skip
    forms = CheckboxesField(
        "Forms for everybody",
        choices=[("host", "Host an event"), ("ask", "Ask us for an event")],
        hints={
            "host": "Partners offer an event of their own. It waits until you accept it.",
            "ask": "A team or a community says what it needs. You turn it into an event.",
        },
        hint="Leave both empty to take in nothing.",
    )
    host_form_words = TextAreaField("Words above these forms", [max_length(DESCRIPTION_MAX)], rows=5,
                                    hint="Who may propose, and until when. Markdown.")  # fmt: skip


class VenueForm(Form):
    """A venue with its access facts."""

    name = TextField("Name", [max_length(NAME_MAX)])
    address = TextField("Address", [max_length(NAME_MAX)], hint="Street and town.")
    postcode = TextField("Postcode", [max_length(POSTCODE_MAX)], width=10)
    area = SelectField("Area", choices=[(area, area) for area in AREAS], empty="Not said",
                       hint="The council area, Scotland-wide, or online.")  # fmt: skip
    how_to_get_there = TextAreaField("How to get there", [max_length(HOW_TO_GET_THERE_MAX)], rows=4)
    step_free = RadioField(VENUE_FACT_WORDS["step_free"], choices=FACT_CHOICES, inline=True)
    hearing_loop = RadioField(VENUE_FACT_WORDS["hearing_loop"], choices=FACT_CHOICES, inline=True)
    accessible_toilet = RadioField(VENUE_FACT_WORDS["accessible_toilet"], choices=FACT_CHOICES, inline=True)
    parking = RadioField(VENUE_FACT_WORDS["parking"], choices=FACT_CHOICES, inline=True,
                         hint="With a space for holders of a blue badge.")  # fmt: skip
    quiet_room = RadioField(VENUE_FACT_WORDS["quiet_room"], choices=FACT_CHOICES, inline=True)
    bsl = RadioField(VENUE_FACT_WORDS["bsl"], choices=FACT_CHOICES, inline=True,
                     hint="Whether the venue provides one. What an event says itself goes first.")  # fmt: skip
    captions = RadioField(VENUE_FACT_WORDS["captions"], choices=FACT_CHOICES, inline=True,
                          hint="Whether the venue can show them. What an event says itself goes first.")  # fmt: skip


class RoomForm(Form):
    """A room of a venue."""

    name = TextField("Name of the room", [required("Enter the name of the room"), max_length(NAME_MAX)])
    capacity = NumberField("How many people it holds", minimum=1, maximum=PLACES_MAX,
                           hint="Leave empty when you do not know.")  # fmt: skip


class HostForm(Form):
    """An organisation that runs events, with somebody to ask."""

    name = TextField("Name of the organisation", [required("Enter the name of the organisation"),
                                                  max_length(NAME_MAX)])  # fmt: skip
    contact_name = TextField("Person or team to ask", [max_length(NAME_MAX)], autocomplete="off")
    contact_email = EmailField("Email address", autocomplete="off",
                               hint="Better one of a team than of a person: events@example.org")  # fmt: skip
    contact_phone = TextField("Telephone number", [max_length(PHONE_MAX)], width=20, autocomplete="off")
    website = UrlField("Website", hint="Begins with https://")
    description = TextAreaField("About the organisation", [max_length(HOST_DESCRIPTION_MAX)], rows=4)


class TopicForm(Form):
    """A topic."""

    name = TextField("Name of the topic", [required("Enter the name of the topic"), max_length(NAME_MAX)])


class KindForm(Form):
    """A new kind of event."""

    name = TextField("Name of the new kind", [required("Enter the name of the kind"), max_length(AREA_MAX)],
                     hint="As it stands in a spreadsheet, for example: study visit")  # fmt: skip


class MergeForm(Form):
    """Into which one something is merged; the page before it let somebody choose."""

    into = HiddenField()


class PublishForm(Form):
    """Which drafts of a programme are published: those that the page showed."""

    events = HiddenField()


class CancelEventsForm(Form):
    """Why all remaining events of a programme are cancelled, and whether people are told."""

    events = HiddenField()
    #: What the page foresaw, so that a change in between is noticed.
    checked = HiddenField()
    reason = TextAreaField("Reason", [required("Enter the reason. It is shown on each event’s page"),
                                      max_length(REASON_MAX)], rows=3,
                           hint="Everybody can read it on the page of each event.")  # fmt: skip
    tell = RadioField("Email the people who are registered?",
                      choices=[("now", "Tell everyone now"), ("no", "Save without telling")])  # fmt: skip

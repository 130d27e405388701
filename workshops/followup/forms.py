"""The forms of the time afterwards. Limits and their words come from the rules."""

from __future__ import annotations

from workshops.followup.rules import NOTES_MAX, TITLE_MAX, WITHDRAW_REASONS
from workshops.web.fields import (
    DateField,
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

_STATES = (("to be written", "To be written"), ("drafted", "Drafted"), ("published", "Published"))
_REASONS = (
    ("mistake", "They hold a mistake"),
    ("asked", "Somebody named in them asked for it"),
    ("elsewhere", "They are published elsewhere"),
    ("none", "I would rather not say"),
)


class NotesForm(Form):
    """The notes as Markdown. revision is the one the writer saw, so that two writers notice each other."""

    text = TextAreaField(
        "Notes",
        [max_length(NOTES_MAX)],
        rows=18,
        mark_optional=False,
        hint="Plain text. Start a line with ## for a heading, with - for a list. **Bold**, *italics*, > for a quote, "
        "[words](https://address) for a link.",
    )
    revision = HiddenField()

    def shown_revision(self) -> int:
        """The revision sent back, 0 when there was none or it is no number."""
        sent = self.revision.data or ""
        return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else 0


class WithdrawForm(Form):
    """Taking published notes back."""

    reason = RadioField(
        "Why are the notes removed?",
        choices=_REASONS,
        hint="The event's page says that they were removed, and why.",
        default="none",
    )

    def chosen(self) -> str:
        """A key of WITHDRAW_REASONS."""
        return self.reason.data if self.reason.data in WITHDRAW_REASONS else ""


class HeadcountForm(Form):
    """The number counted in the room."""

    came = NumberField("How many people came", hint="Leave empty to use the attendance you recorded.")


class WriteUpForm(Form):
    """One write-up."""

    title = TextField("Title", [required("Enter a title"), max_length(TITLE_MAX)])
    state = RadioField("State", [required("Choose to be written, drafted or published")], choices=_STATES)
    url = UrlField("Link", hint="Where people can read it. Needed once it is published.")
    owner_id = SelectField("Who writes it", coerce=int, empty="Nobody yet")
    due_on = DateField("Due by")
    published_on = DateField("Published on", hint="Leave empty for today.")


class LinkForm(Form):
    """One pasted link keeps a promise."""

    url = UrlField("Link", [required("Paste the link of the published write-up")], mark_optional=False)

"""The forms of what people need: who arranges it, what came of it, and what there is to arrange."""

from __future__ import annotations

from collections.abc import Sequence

from workshops.registration.rules.needs import ARRANGED, KINDS, MESSAGE_MAX, NOT_POSSIBLE, TODO
from workshops.web.fields import CheckboxesField, Form, RadioField, SelectField, TextAreaField, max_length, required

_STATES = (
    (TODO, "It is still to do"),
    (ARRANGED, "We have arranged this"),
    (NOT_POSSIBLE, "We cannot arrange this"),
)


class OwnerField(SelectField):
    """Its first option is an answer, so it is not marked as optional."""

    marks_optional = False


class AnswerNeedForm(Form):
    """One kind of need at one event."""

    owner = OwnerField("Who arranges this?", coerce=int)
    state = RadioField("How does it stand?", [required("Choose how it stands")], choices=_STATES, hints={
        ARRANGED: "Those ticked below are told by email, and read it on My place.",
        NOT_POSSIBLE: "Those ticked below are told by email, with your words.",
    })  # fmt: skip
    person = CheckboxesField("For whom?", coerce=int)
    message = TextAreaField(
        "Your words to them", [max_length(MESSAGE_MAX)], rows=4,
        hint="Where to find it, whom to ask on the day, or what they can do instead. Name nobody, and not what they "
        "need: the email does not either, it leads to their own page.",
    )

    def fit_to(
        self, *, owners: Sequence[tuple[int, str]], nobody: str, people: Sequence[tuple[int, str]]
    ) -> None:
        """owners, people: (id, words); nobody: words of a first option of the owners that chooses nobody."""
        self.owner.choices, self.owner.empty = list(owners), nobody
        self.person.choices = list(people)

    def validate(self, extra_validators: object = None) -> bool:
        """Whoever is answered must be ticked."""
        fits = super().validate(extra_validators)
        if fits and self.state.data != TODO and not self.person.data:
            self.add_error("Tick at least one person", "person")
            return False
        return fits


class KindsForm(Form):
    """What there is to arrange for one person; several stand on one page, each with a prefix of its own."""

    class Meta(Form.Meta):
        csrf = False  # the token stands beside it under its usual name, which the application checks

    kind = CheckboxesField(
        "What is there to arrange?", choices=[(key, kind.words) for key, kind in KINDS.items()], small=True,
        hint="Suggested from their words. Leave all empty when there is nothing to arrange.",
    )

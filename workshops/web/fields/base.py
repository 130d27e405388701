"""What every question shares: how it is drawn, what it is told to check, when it is blank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import wtforms
from flask import current_app
from markupsafe import Markup
from wtforms.validators import StopValidation


def component(name: str) -> Callable[..., Markup]:
    """The macro of the same name in templates/components."""
    template = current_app.jinja_env.get_template(f"components/{name}.html")
    macro: Callable[..., Markup] = getattr(template.module, name)
    return macro


class Required:
    """See required()."""

    field_flags = {"required": True}

    def __init__(self, message: str) -> None:
        self.message = message

    def __call__(self, form: Any, field: Any) -> None:
        blank = field.is_blank() if isinstance(field, Question) else not field.data
        if blank:
            raise StopValidation(self.message)


class MaxLength:
    """See max_length()."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, form: Any, field: Any) -> None:
        if field.data and len(field.data) > self.limit:
            raise StopValidation(f"{field.label.text} must be {self.limit:,} characters or fewer")


def required(message: str) -> Required:
    """The field must be answered. message: the whole sentence, "Enter your name"."""
    return Required(message)


def max_length(limit: int) -> MaxLength:
    """At most so many characters: "Organisation must be 120 characters or fewer". Text areas count them."""
    return MaxLength(limit)


class _Draw:
    """Draws a field by its macro; the widget of every question."""

    def __call__(self, field: Question, **overrides: Any) -> Markup:
        return field.draw(**overrides)


class Question(wtforms.Field):
    """A field with its label, hint and error. The base of all below.

    hint: a line under the label.   width: of the design system, in characters (2, 3, 4, 5, 10, 20) or
    "one-half" and the like.   autocomplete: the HTML token.   mark_optional: adds "(optional)" to the label
    when the field has no required() validator; off for choices, where an option can say it.
    Anything given in the template, `{{ form.name(hint="...", label_size="h1") }}`, wins over these.
    """

    #: The answer; each kind says of which type.
    data: Any
    errors: Any
    widget = _Draw()
    #: The macro of templates/components that draws it, and what that macro calls the label.
    component = "text_input"
    label_argument = "label"
    marks_optional = True

    def __init__(
        self,
        label: str = "",
        validators: Sequence[Any] | None = None,
        *,
        hint: str = "",
        width: int | str | None = None,
        autocomplete: str | None = None,
        mark_optional: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.hint = hint
        self.width = width
        self.autocomplete = autocomplete
        self.mark_optional = self.marks_optional if mark_optional is None else mark_optional

    @property
    def anchor(self) -> str:
        """The id that a link in the error summary leads to."""
        return str(self.id)

    @property
    def label_words(self) -> str:
        """The label as shown, with "(optional)" where that is so."""
        optional = self.mark_optional and not self.flags.required
        return f"{self.label.text} (optional)" if optional else str(self.label.text)

    def is_blank(self) -> bool:
        """Whether nothing was answered."""
        return self.data is None or self.data == ""

    def validate(self, form: Any, extra_validators: Iterable[Any] = ()) -> bool:
        """Check the answer. One that could not be read at all is not asked further: one error at a time."""
        if self.process_errors:
            self.errors = list(self.process_errors)
            return False
        return bool(super().validate(form, extra_validators))

    def typed_text(self, valuelist: Sequence[Any]) -> str | None:
        """The first value sent that is text; None when nothing was sent (then the default stays)."""
        return next((value for value in valuelist if isinstance(value, str)), None)

    def arguments(self) -> dict[str, Any]:
        """What the macro is given beside id, name, label, hint and error."""
        return {}

    def draw(self, **overrides: Any) -> Markup:
        """The whole question as HTML."""
        label = overrides.pop("label", None) or self.label_words
        given = {
            "id": self.id,
            "name": self.name,
            self.label_argument: label,
            "hint": self.hint,
            "error": str(self.errors[0]) if self.errors else "",
        }
        return component(self.component)(**{**given, **self.arguments(), **overrides})

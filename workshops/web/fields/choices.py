"""Questions answered by choosing: radios, checkboxes, a list, a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from werkzeug.datastructures import FileStorage
from wtforms.validators import StopValidation

from workshops.core.text import clean_text
from workshops.web.fields.base import Question

NOT_A_CHOICE = "Choose one of the answers"
#: (value, words) pairs.
Choices = Sequence[tuple[Any, str]]


class CheckboxField(Question):
    """One box to tick. data: True or False."""

    component = "checkbox"
    marks_optional = False

    def process_data(self, value: Any) -> None:
        self.data = bool(value)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        self.data = (self.typed_text(valuelist) or "").strip().lower() not in ("", "no", "false", "0", "off")

    def is_blank(self) -> bool:
        return not self.data

    def arguments(self) -> dict[str, Any]:
        return {"checked": self.data}


class RadioField(Question):
    """One answer out of several. data: the value chosen (through coerce), or None.

    choices: (value, words) pairs, also settable on the form before it is validated.   hints: a line under an
    option, by its value.   inline: side by side, for two short answers.
    """

    component = "radios"
    label_argument = "legend"
    marks_optional = False

    def __init__(
        self,
        label: str = "",
        validators: Sequence[Any] | None = None,
        *,
        choices: Choices = (),
        hints: dict[Any, str] | None = None,
        coerce: Callable[[str], Any] = str,
        inline: bool = False,
        small: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.choices = choices
        self.hints = hints or {}
        self.coerce = coerce
        self.inline = inline
        self.small = small

    @property
    def anchor(self) -> str:
        return f"{self.id}-0"

    def process_data(self, value: Any) -> None:
        self.data = None if value is None or value == "" else value

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        typed = self.typed_text(valuelist)
        if typed is not None:
            self.data = self._read(typed)

    def _read(self, typed: str) -> Any:
        typed = clean_text(typed)
        if not typed:
            return None
        try:
            return self.coerce(typed)
        except (ValueError, TypeError, KeyError):
            raise ValueError(NOT_A_CHOICE) from None

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and self.data not in [value for value, _ in self.choices]:
            raise StopValidation(NOT_A_CHOICE)

    def is_chosen(self, value: Any) -> bool:
        """Whether this option is the answer."""
        return bool(self.data == value)

    def options(self) -> list[dict[str, Any]]:
        """The options as the macros want them."""
        return [
            {
                "id": f"{self.id}-{number}",
                "value": value,
                "text": words,
                "hint": self.hints.get(value, ""),
                "checked": self.is_chosen(value),
            }
            for number, (value, words) in enumerate(self.choices)
        ]

    def arguments(self) -> dict[str, Any]:
        return {"options": self.options(), "inline": self.inline, "small": self.small}


class CheckboxesField(RadioField):
    """Any of several. data: the values chosen, as a list in the order of the choices. exclusive: a value that
    stands alone ("None of these")."""

    component = "checkboxes"

    def __init__(
        self, label: str = "", validators: Sequence[Any] | None = None, *, exclusive: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.exclusive = exclusive

    def process_data(self, value: Any) -> None:
        self.data = list(value or ())

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        chosen = [self._read(value) for value in valuelist if isinstance(value, str)]
        order = [value for value, _ in self.choices]
        known = [value for value in order if value in chosen]
        self.data = known + [value for value in chosen if value not in order and value is not None]

    def pre_validate(self, form: Any) -> None:
        if any(value not in [known for known, _ in self.choices] for value in self.data):
            raise StopValidation("Choose from the answers shown")
        if self.exclusive is not None and self.exclusive in self.data and len(self.data) > 1:
            alone = dict(self.choices)[self.exclusive]
            raise StopValidation(f"Choose either “{alone}” or the other answers")

    def is_blank(self) -> bool:
        return not self.data

    def is_chosen(self, value: Any) -> bool:
        return value in self.data

    def arguments(self) -> dict[str, Any]:
        options = self.options()
        for option in options:
            option["exclusive"] = self.exclusive is not None and option["value"] == self.exclusive
        return {"options": options, "small": self.small}


class SelectField(RadioField):
    """One answer out of a long list. empty: the words of a first option that chooses nothing."""

    component = "select"
    label_argument = "label"
    marks_optional = True

    def __init__(
        self, label: str = "", validators: Sequence[Any] | None = None, *, empty: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.empty = empty

    @property
    def anchor(self) -> str:
        return str(self.id)

    def arguments(self) -> dict[str, Any]:
        first = [] if self.empty is None else [{"value": "", "text": self.empty, "checked": self.data is None}]
        return {"options": first + self.options(), "autocomplete": self.autocomplete}


class FileField(Question):
    """A file. data: a werkzeug FileStorage or None. The form needs enctype="multipart/form-data"."""

    component = "file_input"

    def __init__(
        self, label: str = "", validators: Sequence[Any] | None = None, *, accept: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.accept = accept

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        self.data = next((value for value in valuelist if isinstance(value, FileStorage) and value.filename), None)

    def arguments(self) -> dict[str, Any]:
        return {"accept": self.accept}

"""Questions answered by typing: text, addresses, passwords, numbers and times of day."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import time
from typing import Any
from urllib.parse import urlsplit

from wtforms.validators import StopValidation

from workshops.core.addresses import clean_email
from workshops.core.london_time import time_words
from workshops.core.text import clean_text
from workshops.core.typed_dates import parse_time
from workshops.web.fields.base import MaxLength, Question

NOT_A_LINK = "Enter a web address that begins with https:// or http://"
#: Longest web address that is kept; browsers and mail programs cut longer ones.
URL_MAX_LENGTH = 2000


class TextField(Question):
    """One line of text, cleaned (see core.text.clean_text). data is "" when nothing was typed."""

    input_type = "text"
    multiline = False

    def process_data(self, value: Any) -> None:
        self.data = "" if value is None else str(value)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        typed = self.typed_text(valuelist)
        if typed is not None:
            self.data = clean_text(typed, multiline=self.multiline)

    def is_blank(self) -> bool:
        # spaces without width and other marks that nobody sees are no answer
        return not any(unicodedata.category(letter)[0] not in "CZ" for letter in self.data or "")

    def arguments(self) -> dict[str, Any]:
        return {
            "value": self.data or "",
            "type": self.input_type,
            "width": self.width,
            "autocomplete": self.autocomplete,
        }


class EmailField(TextField):
    """One email address. Only its form is checked; whether it exists shows when mail is sent."""

    input_type = "email"

    def __init__(self, label: str = "", validators: Sequence[Any] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("autocomplete", "email")
        super().__init__(label, validators, **kwargs)

    def pre_validate(self, form: Any) -> None:
        if self.data:
            try:
                self.data = clean_email(self.data)
            except ValueError as problem:
                raise StopValidation(str(problem)) from None

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "spellcheck": False}


class UrlField(TextField):
    """One web address, http or https only, without a user name in it."""

    input_type = "url"

    def pre_validate(self, form: Any) -> None:
        if self.data and not is_web_address(self.data):
            raise StopValidation(NOT_A_LINK)
        if len(self.data) > URL_MAX_LENGTH:
            raise StopValidation(f"The web address must be {URL_MAX_LENGTH:,} characters or fewer")

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "spellcheck": False, "inputmode": "url", "autocapitalize": "none"}


def is_web_address(text: str) -> bool:
    """Whether a text is an absolute http or https address that is safe to link to."""
    if re.search(r"[\s\\<>\"]", text) or not re.match(r"https?://", text, re.IGNORECASE):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc


class PasswordField(TextField):
    """A password: kept exactly as typed and never shown again. autocomplete says which one it is."""

    input_type = "password"
    marks_optional = False

    def __init__(self, label: str = "", validators: Sequence[Any] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("autocomplete", "current-password")
        super().__init__(label, validators, **kwargs)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        self.data = self.typed_text(valuelist) or ""

    def is_blank(self) -> bool:
        return not self.data

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "value": "", "spellcheck": False, "autocapitalize": "none"}


class TextAreaField(TextField):
    """Several lines of text. With max_length() the characters are counted while typing."""

    component = "text_area"
    multiline = True

    def __init__(
        self, label: str = "", validators: Sequence[Any] | None = None, *, rows: int = 5, **kwargs: Any
    ) -> None:
        super().__init__(label, validators, **kwargs)
        self.rows = rows

    def arguments(self) -> dict[str, Any]:
        limits = [check.limit for check in self.validators if isinstance(check, MaxLength)]
        return {
            "value": self.data or "",
            "rows": self.rows,
            "maximum": min(limits) if limits else None,
            "autocomplete": self.autocomplete,
        }


class _TypedField(TextField):
    """A value typed as text: data is the value or None, and what was typed is shown again on error."""

    def process_data(self, value: Any) -> None:
        self.data = value
        self.typed = "" if value is None else self.write(value)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        typed = self.typed_text(valuelist)
        if typed is not None:
            self.typed, self.data = clean_text(typed), None
            if self.typed:
                self.data = self.read(self.typed)

    def read(self, typed: str) -> Any:
        """The value; raises ValueError with a sentence."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """The value as a person would type it."""
        return str(value)

    def is_blank(self) -> bool:
        return not self.typed

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "value": self.typed}


class NumberField(_TypedField):
    """A whole number, typed as text (type=number loses what was typed and scrolls away). data: int or None."""

    def __init__(
        self,
        label: str = "",
        validators: Sequence[Any] | None = None,
        *,
        minimum: int = 0,
        maximum: int = 1_000_000,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("width", 5)
        self.minimum, self.maximum = minimum, maximum
        super().__init__(label, validators, **kwargs)

    def read(self, typed: str) -> int:
        digits = re.sub(r"(?<=\d)[,\s](?=\d{3})", "", typed)
        if not re.fullmatch(r"[-+]?\d{1,12}", digits, re.ASCII):
            raise ValueError(f"{self.label.text} must be a whole number, like 25")
        number = int(digits)
        if number < self.minimum:
            raise ValueError(f"{self.label.text} must be {self.minimum:,} or more")
        if number > self.maximum:
            raise ValueError(f"{self.label.text} must be {self.maximum:,} or fewer")
        return number

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "inputmode": "numeric"}


class TimeField(_TypedField):
    """A time of day in one box: 10, 10am, 10:00, 14:30, 2:30pm, noon (see core.typed_dates). data: time or None."""

    def __init__(self, label: str = "", validators: Sequence[Any] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("hint", "For example, 10am or 2:30pm")
        kwargs.setdefault("width", 10)
        super().__init__(label, validators, **kwargs)

    def read(self, typed: str) -> time:
        return parse_time(typed)

    def write(self, value: time) -> str:
        return time_words(value)

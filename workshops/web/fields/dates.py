"""A date in three boxes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from workshops.core.text import clean_text
from workshops.core.typed_dates import parse_date, split_date
from workshops.web.fields.base import Question


class DateField(Question):
    """A date in three boxes, sent as name-day, name-month, name-year, or as one text under the name itself.

    data: date or None. typed: the three parts as they were typed.
    """

    component = "date_input"
    label_argument = "legend"

    def __init__(
        self, label: str = "", validators: Sequence[Any] | None = None, *, picker: bool = True, **kwargs: Any
    ) -> None:
        kwargs.setdefault("hint", "For example, 14 11 2017")
        self.picker = picker
        self.typed = ("", "", "")
        super().__init__(label, validators, **kwargs)

    @property
    def anchor(self) -> str:
        return f"{self.id}-day"

    def is_blank(self) -> bool:
        return not any(self.typed)

    def process_data(self, value: date | None) -> None:
        self.data = value
        self.typed = ("", "", "") if value is None else (str(value.day), str(value.month), str(value.year))

    def process(self, formdata: Any, *args: Any, **kwargs: Any) -> None:
        super().process(None, *args, **kwargs)
        if formdata is None:
            return
        names = [f"{self.name}-{part}" for part in ("day", "month", "year")]
        if any(name in formdata for name in names):
            parts = [clean_text(self.typed_text(formdata.getlist(name))) for name in names]
            self.typed = (parts[0], parts[1], parts[2])
        elif self.name in formdata:
            self.typed = split_date(clean_text(self.typed_text(formdata.getlist(self.name))))
        else:
            return
        self.raw_data, self.data = list(self.typed), None
        if any(self.typed):
            try:
                self.data = parse_date(self.typed)
            except ValueError as problem:
                self.process_errors.append(str(problem))

    def arguments(self) -> dict[str, Any]:
        # Empty boxes are the fault when some are filled; otherwise the whole date is.
        some = any(self.typed) and not all(self.typed)
        parts = [
            {"key": key, "label": label, "value": value, "error": bool(self.errors) and not (some and value)}
            for key, label, value in zip(("day", "month", "year"), ("Day", "Month", "Year"), self.typed, strict=True)
        ]
        return {"parts": parts, "picker": self.picker, "autocomplete": self.autocomplete}

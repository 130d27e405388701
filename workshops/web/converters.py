"""What may stand in an address where a name or a number is expected. Anything else is an address that is not there.

Routing answers 404 before any view or query sees the value.
"""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, UnicodeConverter, ValidationError

#: The largest number of a row: PostgreSQL's integer has 31 bits (SQLite's has 63).
LARGEST_NUMBER = 2**31 - 1


class RowNumber(IntegerConverter):
    """<int:...>: a number that a row can have."""

    def to_python(self, value: str) -> Any:
        # int() refuses thousands of digits with an error that routing does not know
        if len(value) > len(str(LARGEST_NUMBER)) or int(value) > LARGEST_NUMBER:
            raise ValidationError
        return super().to_python(value)


class Name(UnicodeConverter):
    """<...>: text without control characters; PostgreSQL refuses NUL, and headers refuse line breaks."""

    def to_python(self, value: str) -> str:
        if not value.isprintable():
            raise ValidationError
        return value


def init_converters(app: Flask) -> None:
    """Use them in every address; to be called before the blueprints are registered."""
    app.url_map.converters.update({"int": RowNumber, "default": Name, "string": Name})

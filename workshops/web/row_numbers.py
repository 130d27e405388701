"""Numbers in addresses: those that a row can have, and no others."""

from __future__ import annotations

from werkzeug.routing import IntegerConverter, ValidationError

#: The largest number of a row: PostgreSQL's integer has 31 bits (SQLite's has 63).
LARGEST = 2**31 - 1


class RowNumber(IntegerConverter):
    """<int:...> in an address. A number that no row can have is an address that is not there: 404, and no query."""

    def to_python(self, value: str) -> int:
        # int() refuses thousands of digits with another error than routing knows
        if len(value) > len(str(LARGEST)) or int(value) > LARGEST:
            raise ValidationError
        return int(super().to_python(value))

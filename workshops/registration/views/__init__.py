"""The pages of registration: for everybody, by personal link, and for staff."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("registration", "workshops.registration.views")

# The modules put their routes on the blueprint, so it must be there before they are read.
from workshops.registration.views import (  # noqa: E402
    another_date,  # noqa: F401
    ledger,  # noqa: F401
    messages,  # noqa: F401
    passes,  # noqa: F401
    place,  # noqa: F401
    public,  # noqa: F401
    several,  # noqa: F401
    staff,  # noqa: F401
    staff_invited,  # noqa: F401
    staff_list,  # noqa: F401
    staff_needs,  # noqa: F401
    staff_people,  # noqa: F401
    staff_place_rules,  # noqa: F401
    staff_waiting,  # noqa: F401
)

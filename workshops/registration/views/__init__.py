"""The pages of registration: for everybody, by personal link, and for staff."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("registration", "workshops.registration.views")

# The modules put their routes on the blueprint, so it must be there before they are read.
from workshops.registration.views import place, public, staff, staff_invited, staff_place_rules  # noqa: E402, F401

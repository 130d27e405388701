"""The pages of proposals: for everybody, by personal link, and for those who answer."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("proposals", "workshops.proposals.views")

# The modules put their routes on the blueprint, so it must be there before they are read.
from workshops.proposals.views import answers, own, public, staff  # noqa: E402, F401

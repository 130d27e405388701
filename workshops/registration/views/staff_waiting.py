"""The waiting list for staff: who is next, what happens if places become free, and letting somebody go first."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.forms import SkipForm
from workshops.registration.queries import (
    counts_of,
    queue_of,
    registrations_of,
    sides_of,
    terms_of,
)
from workshops.registration.rules import ATTENDING_WORDS, RosterView, next_for, offers_go_out
from workshops.registration.rules.reasons import waiting_rule
from workshops.registration.views import blueprint
from workshops.registration.views.staff import _own_event, _own_person, _page
from workshops.registration.views.staff_place_rules import expected_of
from workshops.schedule.models import Event
from workshops.schedule.rules.place_rules import PERSPECTIVES
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: If so many places become free.
FORESEEN = (1, 2, 5)


@blueprint.get("/staff/events/<slug>/waiting-list")
@access(FACILITATOR)
def waiting_list(slug: str) -> ResponseReturnValue:
    """Each queue in its order, with the open offers, and who gets the next places."""
    event = _own_event(slug)
    sides, goes_on = _sides(event), offers_go_out(terms_of(event), now())
    return _page(
        "waiting_list",
        event,
        sides=sides,
        expected=expected_of(event) if sides and goes_on else None,
        rule=waiting_rule(event.gives_places, has_shares=bool(event.shares)),
        goes_on=goes_on,
        perspectives=PERSPECTIVES if event.shares else {},
    )


def _sides(event: Event) -> list[dict[str, Any]]:
    session, terms = db.session(), terms_of(event)
    counts = counts_of(session, event)
    waiting = {one.id: one for one in registrations_of(session, event.id, ("waiting",))}
    offered = registrations_of(session, event.id, ("offered",))
    found = []
    for side in sides_of(event):
        queue = queue_of(session, event.id, side)
        open_offers = [one for one in offered if one.attending == side]
        if not queue and not open_offers:
            continue
        view = RosterView({side: counts.room(event, side, now())}, queue)
        foreseen: list[dict[str, Any]] = []
        for freed in FORESEEN:
            names = [waiting[id].name for id in next_for(view, terms, now(), side, freed)]
            if names and (not foreseen or len(names) > len(foreseen[-1]["names"])):
                foreseen.append({"freed": freed, "names": names})
        found.append({
            "key": side,
            "words": ATTENDING_WORDS[side],
            "queue": [waiting[one.id] for one in queue if one.id in waiting],
            "offers": open_offers,
            "foreseen": foreseen,
        })  # fmt: skip
    return found


@blueprint.route("/staff/events/<slug>/people/<int:registration_id>/skip", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def skip_person(slug: str, registration_id: int) -> ResponseReturnValue:
    """Let the next person go first, with a reason that both can read."""
    event, registration = _own_person(slug, registration_id)
    form = SkipForm()
    if request.method == "POST" and form.validate():
        try:
            with transaction() as session:
                service.skip_person(
                    session, registration_id=registration_id, reason=form.reason.data, now=now(),
                    settings=settings(), actor=staff(current_user.id),
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            return see_other(url_for("registration.waiting_list", slug=slug))
    event, registration = _own_person(slug, registration_id)
    page = _page("skip_person", event, form=form, registration=registration)
    return (page, 422) if request.method == "POST" else page

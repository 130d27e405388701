"""How the places of an event are given: one page, with what saving it does to the waiting list shown before."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.registration import service
from workshops.registration.place_rules_form import PlaceRulesForm, form_values
from workshops.registration.queries import sides_of
from workshops.registration.signals import expectations_composed
from workshops.registration.views import blueprint
from workshops.registration.views.staff import _own_event, _page
from workshops.schedule.models import Event
from workshops.schedule.queries.place_rules import place_rules_of
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.service import change_place_rules
from workshops.web.access import FACILITATOR, access
from workshops.web.filters import plural
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.route("/staff/events/<slug>/place-rules", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def place_rules(slug: str) -> ResponseReturnValue:
    """Offers or places at once, overbooking, asking again, and places kept for some."""
    event = _own_event(slug)
    event_id, before = event.id, place_rules_of(event)
    form = PlaceRulesForm(data=form_values(before))
    form.fit_to(sides_of(event), _capacities(event), before, reads_answers=settings().mailbox is not None)
    if request.method != "POST":
        return _rules_page(event, form=form, getting=0, gives=before.gives)
    if not form.validate():
        return _rules_page(_own_event(slug), form=form, getting=0, gives=before.gives), 422
    wanted = form.rules(before)
    try:
        with transaction() as session:
            getting = service.foresee_place_rules(session, event_id=event_id, rules=wanted, now=now())
        if getting and request.form.get("action") != "save":
            return _rules_page(_own_event(slug), form=form, getting=getting, gives=wanted.gives)
        with transaction() as session:
            changed = change_place_rules(
                session, event_id=event_id, rules=wanted, now=now(), actor=staff(current_user.id), settings=settings()
            )
    except DetailsDoNotFit as unfit:
        form.show_problems(unfit)
    except DomainError as error:
        form.add_error(str(error), error.field)
    else:
        told = f" {plural(getting, 'person', 'people')} on the waiting list {'is' if getting == 1 else 'are'} told."
        flash("Nothing was changed." if not changed else "The changes are saved." + (told if getting else ""))
        return see_other(url_for("registration.people", slug=slug))
    db.session.rollback()
    return _rules_page(_own_event(slug), form=form, getting=0, gives=wanted.gives), 422


def _rules_page(event: Event, **values: Any) -> str:
    return _page("place_rules", event, expected=expected_of(event), **values)


def expected_of(event: Event) -> Any:
    """How many will come, in sentences, as the slice above says it; None when nobody says anything."""
    heard = expectations_composed.send(event, session=db.session(), now=now())
    return next((answer for _, answer in heard if answer is not None), None)


def _capacities(event: Event) -> dict[str, int | None]:
    return {"in_person": event.capacity_in_person, "online": event.capacity_online}

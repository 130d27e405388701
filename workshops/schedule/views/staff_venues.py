"""Venues for staff: the list, one page for each with rooms and events, and merging two that are the same."""

from __future__ import annotations

from functools import partial

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.core.clock import now
from workshops.core.db import db
from workshops.core.errors import NotFound
from workshops.schedule import service
from workshops.schedule.calendar_entry import venue_words
from workshops.schedule.catalogue_forms import MergeForm, RoomForm, VenueForm
from workshops.schedule.models import VENUE_FACTS, Event, Room, Venue
from workshops.schedule.queries.names import alike_venues, count_of, rooms_with_counts, venues_page
from workshops.schedule.queries.staff import events_where, people_to_come
from workshops.schedule.rules.catalogue import VENUE_FACT_WORDS
from workshops.schedule.rules.events import FACTS, Place
from workshops.schedule.service import VenueDetails
from workshops.schedule.views import blueprint
from workshops.schedule.views.staff import asked_page, asked_words, keep, rows_of
from workshops.schedule.views.staff_changes import goes_back
from workshops.schedule.views.staff_places import save_or_check_places
from workshops.web.access import FACILITATOR, ORGANISER, VIEWER, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.get("/staff/venues")
@access(VIEWER)
def staff_venues() -> ResponseReturnValue:
    words = asked_words()
    found = venues_page(db.session(), words, asked_page())
    return render_template(
        "schedule/staff_venues.html",
        found=found,
        words=words,
        known=lambda venue: sum(getattr(venue, fact) != "not_known" for fact in VENUE_FACTS),
        facts=len(VENUE_FACTS),
        page_address=lambda number: url_for("schedule.staff_venues", q=words or None, page=number),
        may_edit=current_user.role != "viewer",
    )


@blueprint.get("/staff/venues/<int:venue_id>")
@access(VIEWER)
def staff_venue(venue_id: int) -> ResponseReturnValue:
    session, venue = db.session(), found_venue(venue_id)
    page = events_where(session, Event.venue_id == venue_id, page=asked_page(), latest_first=True)
    return render_template(
        "schedule/staff_venue.html",
        venue=venue,
        name=venue_name(venue),
        rooms=rooms_with_counts(session, venue_id),
        facts=[(words, FACTS[getattr(venue, fact)]) for fact, words in VENUE_FACT_WORDS.items()],
        page=page,
        event_rows=rows_of(page.events),
        page_address=lambda number: url_for("schedule.staff_venue", venue_id=venue_id, page=number),
        may_edit=current_user.role != "viewer",
        may_merge=current_user.role in ("organiser", "admin"),
    )


@blueprint.route("/staff/venues/new", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def new_venue() -> ResponseReturnValue:
    form = VenueForm(data=dict.fromkeys(VENUE_FACTS, "not_known"))
    if request.method == "POST" and form.validate():
        venue_id = keep(form, lambda session, **by: service.save_venue(
            session, venue_id=None, details=_details(form), settings=settings(), **by).id)  # fmt: skip
        if venue_id is not None:
            flash("The venue is added.")
            return see_other(url_for("schedule.staff_venue", venue_id=venue_id))
    return render_template("schedule/new_venue.html", form=form), 200 if request.method != "POST" else 422


@blueprint.route("/staff/venues/<int:venue_id>/edit", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_venue(venue_id: int) -> ResponseReturnValue:
    venue = found_venue(venue_id)
    form = VenueForm(obj=venue)
    if venue.area and venue.area not in dict(form.area.choices):
        form.area.choices = [*form.area.choices, (venue.area, venue.area)]
    is_back = goes_back()
    if request.method == "POST" and form.validate() and not is_back:
        answer = save_or_check_places(
            form, partial(service.save_venue, venue_id=venue_id, details=_details(form)),
            back_to=url_for("schedule.staff_venue", venue_id=venue_id), label=venue_name(venue),
            words="The venue is saved. The pages and calendar entries of its events follow.",
        )  # fmt: skip
        if answer is not None:
            return answer
    session = db.session()
    coming, people = people_to_come(session, Event.venue_id == venue_id, now())
    page = render_template(
        "schedule/edit_venue.html",
        form=form,
        count=count_of(session, "venue", venue_id),
        coming=coming,
        people=people,
        venue_id=venue_id,
        name=venue_name(found_venue(venue_id)),
    )
    return page, 200 if request.method != "POST" or is_back else 422


def _details(form: VenueForm) -> VenueDetails:
    return VenueDetails(
        place=Place(form.name.data, form.address.data, form.postcode.data),
        area=form.area.data or "",
        how_to_get_there=form.how_to_get_there.data,
        **{fact: form[fact].data or "not_known" for fact in VENUE_FACTS},
    )


@blueprint.post("/staff/venues/<int:venue_id>/delete")
@access(ORGANISER)
def delete_venue(venue_id: int) -> ResponseReturnValue:
    found_venue(venue_id)
    if keep(None, lambda session, **by: service.delete_venue(session, venue_id=venue_id, **by)):
        flash("The venue is deleted.")
        return see_other(url_for("schedule.staff_venues"))
    return see_other(url_for("schedule.staff_venue", venue_id=venue_id))


@blueprint.route("/staff/venues/<int:venue_id>/merge", methods=["GET", "POST"])
@access(ORGANISER, keeps_typed=True)
def merge_venue(venue_id: int) -> ResponseReturnValue:
    """First which one it is the same as, then a page that says what follows, then the merge."""
    form = MergeForm(data={"into": request.args.get("into", "")})
    label = venue_name(found_venue(venue_id))
    other = _other_venue(form.into.data, venue_id)
    if request.method == "POST" and form.validate() and other is None:
        form.add_error("Choose the venue that stays")
    elif request.method == "POST" and form.validate() and other is not None and not goes_back():
        kept_id, name = other.id, venue_name(other)
        answer = save_or_check_places(
            form, partial(service.merge_venues, gone_id=venue_id, kept_id=kept_id),
            back_to=url_for("schedule.staff_venue", venue_id=kept_id), label=label, button="Merge the venues",
            words=f"The two are one venue now: {name}. Its events, pages and calendar entries follow.",
        )  # fmt: skip
        if answer is not None:
            return answer
    shown = request.method != "POST" or (goes_back() and not form.error_list())
    return _merge_page(form, venue_id), 200 if shown else 422


def _merge_page(form: MergeForm, venue_id: int) -> str:
    session, words = db.session(), asked_words()
    venue, other = found_venue(venue_id), _other_venue(form.into.data, venue_id)
    choices = venues_page(session, words).rows[:20] if words else alike_venues(session, venue)
    return render_template(
        "schedule/merge_venue.html",
        form=form,
        venue=venue,
        other=other,
        name=venue_name(venue),
        other_name=venue_name(other) if other else "",
        words=words,
        choices=[(one.id, venue_name(one), one.area) for one in choices if one.id != venue_id],
        compared=_compared(venue, other) if other else [],
        count=count_of(session, "venue", venue_id),
        reads_otherwise=other is not None and venue_words(venue) != venue_words(other),
    )


def _other_venue(typed: str | None, venue_id: int) -> Venue | None:
    if not typed or not typed.isascii() or not typed.isdigit() or len(typed) > 9 or int(typed) == venue_id:
        return None
    return db.session().get(Venue, int(typed))


def _compared(venue: Venue, other: Venue) -> list[tuple[str, str, str, str]]:
    """(what, said of the one that goes, said of the one that stays, what is kept) in words."""
    rows = [("Name", venue.name, other.name, other.name), ("Address", venue.address, other.address, other.address),
            ("Postcode", venue.postcode, other.postcode, other.postcode)]  # fmt: skip
    for words, name in (("Area", "area"), ("How to get there", "how_to_get_there")):
        mine, theirs = getattr(venue, name), getattr(other, name)
        rows.append((words, mine, theirs, theirs or mine))
    for fact, words in VENUE_FACT_WORDS.items():
        mine, theirs = getattr(venue, fact), getattr(other, fact)
        rows.append((words, FACTS[mine], FACTS[theirs], FACTS[mine if theirs == "not_known" else theirs]))
    return rows


# --- rooms ----------------------------------------------------------------------------------------------------


@blueprint.route("/staff/venues/<int:venue_id>/rooms/new", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def new_room(venue_id: int) -> ResponseReturnValue:
    found_venue(venue_id)
    return _room_page(RoomForm(), venue_id, None)


@blueprint.route("/staff/venues/<int:venue_id>/rooms/<int:room_id>/edit", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def edit_room(venue_id: int, room_id: int) -> ResponseReturnValue:
    return _room_page(RoomForm(obj=_found_room(venue_id, room_id)), venue_id, room_id)


def _room_page(form: RoomForm, venue_id: int, room_id: int | None) -> ResponseReturnValue:
    is_back = goes_back()
    if request.method == "POST" and form.validate() and not is_back:
        answer = save_or_check_places(
            form, partial(service.save_room, venue_id=venue_id, room_id=room_id, name=form.name.data,
                          capacity=form.capacity.data),
            back_to=url_for("schedule.staff_venue", venue_id=venue_id, _anchor="rooms"),
            label=venue_name(found_venue(venue_id)), words="The room is saved.",
        )  # fmt: skip
        if answer is not None:
            return answer
    room = _found_room(venue_id, room_id) if room_id is not None else None
    used = dict(rooms_with_counts(db.session(), venue_id)).get(room, 0) if room else 0
    page = render_template(
        "schedule/edit_room.html" if room else "schedule/new_room.html",
        form=form, room=room, used=used, venue_id=venue_id, name=venue_name(found_venue(venue_id)),
    )  # fmt: skip
    return page, 200 if request.method != "POST" or is_back else 422


@blueprint.post("/staff/venues/<int:venue_id>/rooms/<int:room_id>/delete")
@access(FACILITATOR)
def delete_room(venue_id: int, room_id: int) -> ResponseReturnValue:
    _found_room(venue_id, room_id)
    if keep(None, lambda session, **by: service.delete_room(
            session, venue_id=venue_id, room_id=room_id, **by)):  # fmt: skip
        flash("The room is removed.")
    return see_other(url_for("schedule.staff_venue", venue_id=venue_id, _anchor="rooms"))


def found_venue(venue_id: int) -> Venue:
    """The venue, or 404."""
    venue = db.session().get(Venue, venue_id) if venue_id < 2**31 else None
    if venue is None:
        raise NotFound
    return venue


def _found_room(venue_id: int, room_id: int) -> Room:
    room = db.session().get(Room, room_id) if room_id < 2**31 else None
    if room is None or room.venue_id != venue_id:
        raise NotFound
    return room


def venue_name(venue: Venue) -> str:
    """What a venue is called in lists; some have only an address."""
    return venue.name or venue.address

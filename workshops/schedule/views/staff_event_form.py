"""The form of an event for the pages that make and change one: its choices, its saving, two people at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from workshops.accounts.models import Account
from workshops.audit.queries import history_of
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.london_time import instant_words
from workshops.schedule import service
from workshops.schedule.edit_clash import BothChanged, mark_read, read_edition, take_together
from workshops.schedule.event_form import Known, details_from, form_values, keep_only, show_problems
from workshops.schedule.forms import EventForm
from workshops.schedule.models import Event
from workshops.schedule.queries.clashes import clashes_of
from workshops.schedule.queries.names import known_topics
from workshops.schedule.queries.staff import (
    all_programmes,
    all_venues,
    kinds_by_name,
    possible_owners,
    topic_names,
)
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.parts import room_words
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.service.venues import rooms_by_name
from workshops.schedule.views.staff import actor, own_event
from workshops.schedule.views.staff_changes import save_or_check
from workshops.web.guards import settings
from workshops.web.responses import see_other


@dataclass
class Editing:
    """An event on a page that changes it: the form, what its choices stand for, and what is saved."""

    event: Event
    before: EventDetails
    form: EventForm
    known: Known
    names: tuple[str, ...]

    def details(self) -> EventDetails:
        """What the form says. Raises DetailsDoNotFit."""
        return details_from(self.form, self.known, self.before, self.before.owner_id)


def editing(slug: str, names: Sequence[str]) -> Editing:
    """The event at this address with the form for these fields, filled with what was sent or what is saved."""
    event = own_event(slug)
    before = service.details_of(db.session(), event)
    form, known = event_form(event, before, names)
    if not form.edition.data:
        mark_read(form, _fresh(event, before), names, event.edition)
    return Editing(event, before, form, known, tuple(names))


def event_form(
    event: Event | None, values: EventDetails | dict[str, Any], names: Collection[str]
) -> tuple[EventForm, Known]:
    """The form with its choices, filled with what was sent or else with these values.

    names: the fields on the page; see event_form.keep_only.
    """
    session: Session = db.session()
    known = _known(session)
    data = form_values(values, known) if isinstance(values, EventDetails) else values
    form = EventForm(data=data)
    keep_only(form, names, data)
    _offer(session, form, known, event, data)
    return form, known


def _fresh(event: Event, details: EventDetails) -> EventForm:
    """A form that holds what is saved and nothing that was sent."""
    session = db.session()
    known = _known(session)
    data = form_values(details, known)
    form = EventForm(formdata=None, data=data)
    _offer(session, form, known, event, data)
    return form


def _known(session: Session) -> Known:
    return Known(
        kinds={kind.slug: kind.name for kind in kinds_by_name(session)},
        venues={venue.id: Place(venue.name, venue.address, venue.postcode) for venue in all_venues(session)},
        programmes={programme.id: programme.title for programme in all_programmes(session)},
        topics=known_topics(session),
        may_give_away=current_user.role in ("organiser", "admin"),
        may_add_topics=current_user.role in ("organiser", "admin"),
    )


def _offer(session: Session, form: EventForm, known: Known, event: Event | None, data: dict[str, Any]) -> None:
    """Fill the choices; what an event has already stays possible, whoever made it so."""
    form.kind.choices = [(slug, name[:1].upper() + name[1:]) for slug, name in known.kinds.items()]
    form.venue.choices = [(venue_id, place.words) for venue_id, place in known.venues.items()]
    form.programme.choices = list(known.programmes.items())
    form.known_topics = topic_names(session)
    people = {account.id: account.name or account.email for account in possible_owners(session)}
    if event is not None and event.owner is not None:
        people.setdefault(event.owner_id, event.owner.name or event.owner.email)  # type: ignore[arg-type]
    form.owner.choices = list(people.items())
    form.facilitators.choices = [
        (account_id, people.get(account_id, "Somebody who has left"))
        for account_id in dict.fromkeys([*people, *(data.get("facilitators") or ())])
        if event is None or account_id != event.owner_id
    ]
    areas = list(form.area.choices)
    if data.get("area") and data["area"] not in dict(areas):
        # An area that a spreadsheet brought along stays possible.
        areas.append((data["area"], data["area"]))
    form.area.choices = areas
    # What was sent may be any number, also one that no database holds.
    sent: tuple[int | None, ...] = (form.venue.data, event.venue_id if event else None)
    venues = dict.fromkeys(one for one in sent if one is not None and one in known.venues)
    rooms = [room.name for venue_id in venues for room in rooms_by_name(session, venue_id)]
    rooms += [data["room"]] if data.get("room") else []
    form.room.choices = [(name, name) for name in dict.fromkeys(rooms)]


@dataclass(frozen=True)
class Together:
    """Two versions of an event side by side. who: who saved the other one, and when, in words."""

    both: list[BothChanged]
    who: str


@dataclass(frozen=True)
class NotSaved:
    """Why the page is shown again. together: two versions side by side, when somebody else saved meanwhile."""

    together: Together | None = None


def save_page(
    page: Editing, *, address: str, words: Callable[[EventDetails], str], part: str = ""
) -> ResponseReturnValue | NotSaved:
    """Save what a form says that was validated, and go on to `address`; what is wrong is put on the form.

    words: what is said then.   part: of the task list, when it is one.
    """
    # Once more when somebody else saved meanwhile and both versions fit together.
    for _ in range(3):
        try:
            details = page.details()
            return save(page, details, address=address, words=words(details), part=part)
        except service.EditedMeanwhile:
            together = bring_together(page)
            if together is not None:
                page.form.add_error("Somebody else changed this too. Look at both versions, then save again")
                return NotSaved(together=together)
        except DetailsDoNotFit as unfit:
            show_problems(page.form, unfit)
            return NotSaved()
    page.form.add_error("Others are changing this event at the same time. Save again")
    return NotSaved()


def save(
    page: Editing, details: EventDetails, *, address: str, words: str = "The changes are saved.", part: str = ""
) -> ResponseReturnValue:
    """Save these details and go on to `address`; what people must learn of is shown first.

    Raises DetailsDoNotFit or EditedMeanwhile.
    """
    edition = read_edition(page.form)
    if edition is not None and edition != page.event.edition:
        # Said before anybody looks at what would follow; asked again under the lock when it is saved.
        raise service.EditedMeanwhile(page.event.edition)
    # A draft that has other dates is asked which of them are meant too.
    if page.event.state != "draft" or page.event.series_id is not None:
        return save_or_check(
            page.event,
            details,
            back_to=address,
            words=words,
            save=lambda session, planned, tell: change(
                session, planned.event_id, planned.details, tell, edition=edition, part=part
            ),
        )
    with transaction() as session:
        saved = change(session, page.event.id, details, None, edition=edition, part=part)
    flash(words)
    for note in saved.notes:
        flash(note, "info")
    return see_other(address)


def change(
    session: Session, event_id: int, details: EventDetails, tell: bool | None, *, edition: int | None, part: str
) -> service.SavedEvent:
    """Change an event, and note which part of its task list was saved; with a warning when a room is too small."""
    saved = service.change_event(session, event_id=event_id, details=details, tell=tell, now=now(), actor=actor(),
                                 settings=settings(), edition=edition)  # fmt: skip
    if part:
        service.keep_part(session, event_id=event_id, part=part)
    if {"room", "capacity_in_person"} & set(saved.changed):
        return replace(saved, notes=(*saved.notes, *filter(None, [room_warning(saved.event, details)])))
    return saved


def room_warning(event: Event, details: EventDetails) -> str:
    """A sentence when the room holds fewer people than places are offered, or ""."""
    return room_words(details, event.room.capacity if event.room is not None else None)


def clashes_for(event: Event, details: EventDetails) -> list[Clash]:
    """What stands in the way of an event that is still to come: a warning, never a block."""
    if event.state not in ("draft", "published") or event.over_at <= now():
        return []
    return clashes_of(db.session(), details=details, event_id=event.id, now=now())


def bring_together(page: Editing) -> Together | None:
    """After EditedMeanwhile: the other version taken into the form; None when both fit, so that it can be saved.

    Afterwards the form was read at the edition that is saved now.
    """
    event = own_event(page.event.slug)
    page.event, page.before = event, service.details_of(db.session(), event)
    fresh = _fresh(event, page.before)
    both = take_together(page.form, fresh, page.names)
    mark_read(page.form, fresh, page.names, event.edition)
    return Together(both, _who_saved(event)) if both else None


def _who_saved(event: Event) -> str:
    session = db.session()
    history = history_of(session, "event", event.id, limit=20)
    entry = next((one for one in history if one.action == "event_changed"), None)
    if entry is None:
        return "Somebody else saved other words"
    person = session.get(Account, entry.actor_id) if entry.actor_kind == "staff" and entry.actor_id else None
    name = (person.name or person.email) if person is not None else "Somebody else"
    return f"{name} saved other words on {instant_words(entry.at)}"


def move_hidden_errors(form: EventForm, shown: Collection[str]) -> None:
    """Say what is wrong with fields that are not on this page at the page itself: a link to them would lead nowhere."""
    for field in form:
        if field.errors and field.name not in shown and field.name != "csrf_token":
            form.add_error(str(field.errors[0]))
            field.errors = []


def event_address(slug: str) -> str:
    """The page of an event for staff."""
    return url_for("schedule.staff_event", slug=slug)


def asks_to_tell(event: Event) -> int:
    """How many people may have to be told of a change of this event now."""
    people = service.all_counts_of(db.session(), event).people
    return people if event.state in ("published", "postponed") and event.over_at > now() else 0


def wants_list() -> bool:
    """Whether "Save and go back to the list" was pressed."""
    return request.form.get("action") == "list"

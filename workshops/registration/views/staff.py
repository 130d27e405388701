"""People of an event, for those who run it: who comes, one person, what they need."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.queries import history_of
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import london_date
from workshops.messages.queries import refusals_of
from workshops.registration import service
from workshops.registration.forms import AddPersonForm, AnswerForm
from workshops.registration.models import Registration
from workshops.registration.needs_queries import first_day_of
from workshops.registration.queries import (
    by_id,
    has_not_answered,
    invited_count,
    mails_about,
    people_counts,
    queue_positions,
    registrations_of,
    shares_picture,
    sides_of,
)
from workshops.registration.rules import (
    ACTIVE_STATES,
    ATTENDING_WORDS,
    SECTORS,
    STATES,
    answer_words,
    asked_before,
    staff_words,
)
from workshops.registration.rules.needs import staff_lead_sentence
from workshops.registration.views import blueprint
from workshops.registration.views.message_rows import message_row
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries import event_by_slug
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import require_may_run
from workshops.schedule.rules.audience import is_by_invitation
from workshops.schedule.rules.public_state import public_state, when_text
from workshops.schedule.rules.questions import question_texts, read_questions
from workshops.web.access import FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: People on one page of the table.
PAGE_SIZE = 100
_HISTORY_WORDS = {
    "registered": "Registered",
    "person_added": "Added by staff",
    "place_cancelled": "Cancelled by the person",
    "place_declined": "Declined or cancelled by staff",
    "place_offered": "Place offered",
    "place_given": "Place given from the waiting list",
    "offer_taken": "Offer taken",
    "place_freed": "Place freed without an answer",
    "asked_again": "Asked whether they still come",
    "still_coming": "Says that they come",
    "calendar_accepted": "Accepted in their calendar",
    "calendar_tentative": "Answered “maybe” in their calendar",
    "calendar_declined": "Declined in their calendar",
    "calendar_answer_stale": "Answered an older invitation in their calendar, which changes nothing",
    "person_skipped": "Somebody else was let go first",
    "moved_up": "Moved up by one",
    "offer_lapsed": "Offer ran out",
    "offer_taken_back": "Offer taken back, because the event does not take place",
    "details_changed": "Details changed",
    "attending_changed": "Takes part the other way",
    "place_moved": "Moved here from another date",
    "put_on_list": "Put on the list, because they said that this date suits",
    "dates_answered": "Said which other dates suit",
    "request_approved": "Request approved",
    "link_sent_again": "Link sent again",
    "sent_again": "What holds now sent again",
    "address_corrected": "Address corrected, and older links ended",
    "merged": "Put together with a second registration",
    "merged_into_another": "Put together with another registration, which stays",
    "calendar_made": "Personal calendar made",
    "attendance_marked": "Attendance recorded",
}

#: What is kept with these is a reason in words; with others it is a state.
_WITH_REASON = ("place_offered", "place_given", "offer_lapsed", "place_freed", "person_skipped", "attending_changed")

_ACTORS = {"staff": "staff", "person": "the person", "worker": "by itself", "command": "command line"}


def _own_event(slug: str) -> Event:
    """The event, when this account runs it. Raises NotFound, NotAllowed."""
    event = event_by_slug(db.session(), slug)
    if event is None:
        raise NotFound
    require_may_run(db.session(), current_user, event)
    return event


def _own_person(slug: str, registration_id: int) -> tuple[Event, Registration]:
    event = _own_event(slug)
    registration = by_id(db.session(), event.id, registration_id)
    if registration is None:
        raise NotFound
    return event, registration


def _page(name: str, event: Event, **values: Any) -> str:
    return render_template(
        f"registration/{name}.html",
        event=event,
        when=when_text(event_view(event)),
        where=location_words(event),
        staff_words=staff_words,
        attending_words=ATTENDING_WORDS,
        **values,
    )


#: Beside the states, what the list can be narrowed to.
UNANSWERED = "unanswered"


@blueprint.get("/staff/events/<slug>/people")
@access(FACILITATOR)
def people(slug: str) -> ResponseReturnValue:
    """Everybody at an event; first those who come or may come."""
    return _people(_own_event(slug), request.args.get("state", ""), AnswerForm())


def _people(event: Event, chosen: str, form: AnswerForm) -> str:
    counts = people_counts(db.session(), event.id)
    asking = service.asking_at(event)
    is_asked = asking is not None and asking.asked_at <= now() < event.sort_at
    chosen = chosen if chosen in STATES or (is_asked and chosen == UNANSWERED) else ""
    states = ("confirmed",) if chosen == UNANSWERED else (chosen,) if chosen else ACTIVE_STATES
    everybody = registrations_of(db.session(), event.id, states)
    unanswered = [one for one in everybody if has_not_answered(one)] if is_asked else []
    if chosen == UNANSWERED:
        everybody = unanswered
    pages = max(1, -(-len(everybody) // PAGE_SIZE))
    page = min(max(1, request.args.get("page", 1, type=int) or 1), pages)
    shown = everybody[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return _page(
        "people",
        event,
        form=form,
        people=shown,
        refusals=refusals_of(db.session(), [one.email_key for one in shown]),
        answers_requests=chosen == "requested" and event.state == "published" and now() < event.over_at,
        positions=queue_positions(db.session(), event.id) if counts.get("waiting") else {},
        counts=counts,
        states=[state for state in STATES if counts.get(state)],
        is_asked=is_asked and not chosen,
        unanswered=len(unanswered),
        freed_at=asking.freed_at if asking is not None else None,
        shares=shares_picture(db.session(), event, now()),
        chosen=chosen,
        sides=_sides(event),
        page=page,
        pages=pages,
        link=lambda number: url_for("registration.people", slug=event.slug, state=chosen or None, page=number),
        event_state=public_state(event_view(event), now()),
        can_add=event.state in ("published", "postponed") and now() < event.over_at,
        invited=invited_count(db.session(), event.id),
        by_invitation=is_by_invitation(event.booking, event.admits),
    )


@blueprint.post("/staff/events/<slug>/people/answer")
@access(FACILITATOR, keeps_typed=True)
def answer_people(slug: str) -> ResponseReturnValue:
    """Let in, or turn down, all those ticked who asked for a place."""
    event = _own_event(slug)
    form = AnswerForm()
    form.person.choices = [(one.id, one.name) for one in registrations_of(db.session(), event.id)]
    event_id, approve = event.id, request.form.get("answer") != "decline"
    if form.validate():
        try:
            with transaction() as session:
                came = service.answer_people(
                    session, event_id=event_id, ids=form.person.data, approve=approve, now=now(),
                    settings=settings(), actor=staff(current_user.id),
                )
        except DomainError as error:
            form.add_error(str(error))
        else:
            flash(_answered_words(came), "warning" if came.left else "message")
            return see_other(url_for("registration.people", slug=slug, state="requested"))
    return _people(_own_event(slug), "requested", form), 422


def _answered_words(came: service.Answered) -> str:
    """Three people have a place and one is on the waiting list; they are told by email."""
    said = [
        f"{number:,} {'person' if number == 1 else 'people'} {one if number == 1 else many}"
        for number, one, many in (
            (came.places, "has a place", "have a place"),
            (came.waiting, "is on the waiting list", "are on the waiting list"),
            (came.declined, "is turned down", "are turned down"),
        )
        if number
    ]
    words = f"{' and '.join(said)}. Each is told by email." if said else "Nothing was changed."
    if came.gone:
        words += f" {came.gone:,} had been answered already or asked no more."
    if came.left:
        words += f" {came.left:,} could not be let in, because all places are taken and nobody can wait."
    return words


def _sides(event: Event) -> list[dict[str, Any]]:
    return [
        {
            "words": ATTENDING_WORDS[side],
            "capacity": event.capacity_online if side == "online" else event.capacity_in_person,
            "taken": event.taken_online if side == "online" else event.taken_in_person,
            "waiting": event.waiting_online if side == "online" else event.waiting_in_person,
        }
        for side in sides_of(event)
    ]


@blueprint.get("/staff/events/<slug>/people/<int:registration_id>")
@access(FACILITATOR)
def person(slug: str, registration_id: int) -> ResponseReturnValue:
    """One person: what they told, what happened, what they were sent."""
    event, registration = _own_person(slug, registration_id)
    history = [
        {
            "at": entry.at,
            "what": _HISTORY_WORDS.get(entry.action, entry.action.replace("_", " ").capitalize()),
            "who": _ACTORS.get(entry.actor_kind, entry.actor_kind),
            "why": entry.reason if entry.action in _WITH_REASON else "",
            "fields": _fields_shown(entry.fields) if entry.action == "details_changed" else "",
        }
        for entry in history_of(db.session(), "registration", registration.id)
    ]
    return _page(
        "person",
        event,
        registration=registration,
        rows=_person_rows(event, registration),
        history=history,
        messages=[
            message_row(message)
            for message in mails_about(db.session(), registration)
        ],
        is_active=registration.state in ACTIVE_STATES and now() < event.sort_at,
        refusal=refusals_of(db.session(), [registration.email_key]).get(registration.email_key),
    )


def _fields_shown(fields: str) -> str:
    """What somebody changed, in words. That they need something stands with their needs alone."""
    shown = [name for name in fields.split(",") if name not in ("access_needs", "dietary_needs")]
    return ", ".join(shown).replace("_", " ")


def _person_rows(event: Event, registration: Registration) -> list[dict[str, Any]]:
    told = [
        ("Email address", registration.email),
        ("Taking part", ATTENDING_WORDS[registration.attending]),
        ("Organisation", registration.organisation),
        ("Job title", registration.job_title),
        ("Sector", SECTORS.get(registration.sector, "")),
        ("Question for the event", registration.question),
    ]
    questions = question_texts(event)
    told += [(words, answer_words(registration.answers, words)) for words in questions]
    told += [
        (f"{words} (asked before)", answer_words(registration.answers, words))
        for words in asked_before(registration.answers, questions)
    ]
    if registration.state == "cancelled" and registration.cancel_reason:
        told.append(("Why they cannot come", registration.cancel_reason))
    told.append(("Reference", registration.reference))
    return [{"key": key, "value": value, "lines": True} for key, value in told]


def _do(slug: str, registration_id: int, use_case: Any, done: str) -> ResponseReturnValue:
    """One button on the page of a person: done, or why not, and back to the page."""
    _own_person(slug, registration_id)
    try:
        with transaction() as session:
            use_case(
                session, registration_id=registration_id, now=now(), settings=settings(),
                actor=staff(current_user.id),
            )
    except NotFound:
        raise
    except DomainError as error:
        flash(str(error), "warning")
    else:
        flash(done)
    return see_other(url_for("registration.person", slug=slug, registration_id=registration_id))


@blueprint.post("/staff/events/<slug>/people/<int:registration_id>/cancel")
@access(FACILITATOR)
def cancel_person(slug: str, registration_id: int) -> ResponseReturnValue:
    """Take somebody off; the next person is offered the place."""
    return _do(slug, registration_id, service.cancel_for_person, "The place is cancelled, and they are told by email.")


@blueprint.post("/staff/events/<slug>/people/<int:registration_id>/approve")
@access(FACILITATOR)
def approve_person(slug: str, registration_id: int) -> ResponseReturnValue:
    """Let somebody in who asked."""
    return _do(slug, registration_id, service.approve_person, "The request is approved, and they are told by email.")


@blueprint.post("/staff/events/<slug>/people/<int:registration_id>/decline")
@access(FACILITATOR)
def decline_person(slug: str, registration_id: int) -> ResponseReturnValue:
    """Turn down somebody who asked."""
    return _do(slug, registration_id, service.decline_person, "The request is declined, and they are told by email.")


@blueprint.post("/staff/events/<slug>/people/<int:registration_id>/resend-link")
@access(FACILITATOR)
def resend_link(slug: str, registration_id: int) -> ResponseReturnValue:
    """Send somebody the link to their place again."""
    return _do(slug, registration_id, service.resend_link, "Their link is on its way to them.")


def _lead(event: Event) -> str:
    return staff_lead_sentence(first_day_of(event), london_date(now()))


@blueprint.route("/staff/events/<slug>/people/add", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def add_person(slug: str) -> ResponseReturnValue:
    """Register somebody who wrote or rang."""
    event = _own_event(slug)
    form = AddPersonForm()
    form.fit_to(mode=event.mode, questions=read_questions(event.questions))
    if request.method != "POST":
        return _page("add_person", event, form=form, sides=_sides(event), lead=_lead(event))
    event_id = event.id
    if form.validate():
        try:
            with transaction() as session:
                made = service.add_person(
                    session, event_id=event_id, details=form.details(), now=now(), settings=settings(),
                    actor=staff(current_user.id),
                )
                words = "They have a place" if made.state == "confirmed" else "They are on the waiting list"
                made_id = made.id
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash(f"{words}, and they are told by email.")
            return see_other(url_for("registration.person", slug=slug, registration_id=made_id))
    event = _own_event(slug)
    return _page("add_person", event, form=form, sides=_sides(event), lead=_lead(event)), 422

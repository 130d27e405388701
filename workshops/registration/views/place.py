"""My place: everything behind a personal link. Opening a page changes nothing; every change is a button."""

from __future__ import annotations

from flask import abort, make_response, render_template, request, url_for
from flask import session as browser
from flask.typing import ResponseReturnValue

from workshops.audit.queries import history_of
from workshops.audit.rules import person
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import london_date
from workshops.registration import service
from workshops.registration.forms import CancelForm, ChangePlaceForm, MoveForm
from workshops.registration.models import Needs, Registration
from workshops.registration.needs_queries import first_day_of, needs_where
from workshops.registration.queries import admission_of, calendar_of_address, person_by_token, place_in_queue, terms_of
from workshops.registration.rules import (
    ACTIVE_STATES,
    ATTENDING_WORDS,
    SECTORS,
    FullChoice,
    answer_words,
    asked_before,
    check_can_be_passed_on,
    refuse_registration,
    state_words,
)
from workshops.registration.rules.needs import ARRANGED, KINDS, NOT_POSSIBLE, OWN_STANDINGS, lead_sentence
from workshops.registration.rules.reasons import history_sentence, waiting_rule
from workshops.registration.views import blueprint
from workshops.schedule.calendar_entry import location_words
from workshops.schedule.models import Event
from workshops.schedule.queries import other_dates
from workshops.schedule.queries.public import event_view
from workshops.schedule.rules.audience import is_by_invitation
from workshops.schedule.rules.place_rules import PERSPECTIVES
from workshops.schedule.rules.public_state import public_state, when_text
from workshops.schedule.rules.questions import question_texts, read_questions
from workshops.web.access import BY_LINK, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


def _mine(token: str) -> Registration:
    """Whose place a link opens; otherwise the one page that all wrong, ended and revoked links get."""
    found = person_by_token(db.session(), token)
    if found is None:
        abort(make_response(render_template("registration/_link_gone.html"), 404))
    return found


def _page(name: str, token: str, registration: Registration, **values: object) -> str:
    event = registration.event
    return render_template(
        f"registration/{name}.html",
        token=token,
        registration=registration,
        event=event,
        when=when_text(event_view(event)),
        where=location_words(event),
        words=state_words(registration.state, offer_expires_at=registration.offer_expires_at),
        can_change=_can_change(registration),
        **values,
    )


def _can_change(registration: Registration) -> bool:
    event = registration.event
    return registration.state in ACTIVE_STATES and event.state != "cancelled" and now() < event.sort_at


@blueprint.get("/places/<token>")
@access(BY_LINK)
def place(token: str) -> ResponseReturnValue:
    """What is booked, what happens next, and what can be done."""
    registration = _mine(token)
    event = registration.event
    needs = db.session.get(Needs, registration.id)
    offer_ran_out = (
        registration.state == "offered"
        and registration.offer_expires_at is not None
        and now() >= registration.offer_expires_at
    )
    return _page(
        "place",
        token,
        registration,
        event_state=public_state(event_view(event), now()),
        is_over=now() >= event.over_at,
        has_started=now() >= event.sort_at,
        offer_ran_out=offer_ran_out,
        rows=_rows(registration, needs, token),
        joining_link=event.joining_link
        if registration.state == "confirmed" and registration.attending == "online"
        else "",
        queue=place_in_queue(db.session(), registration) if registration.state == "waiting" else None,
        waiting_rule=waiting_rule(event.gives_places, has_shares=bool(event.shares)),
        steps=_steps(registration),
        arranging=_arranging(registration),
        is_asked=_is_asked(registration),
        passing=service.open_pass(db.session(), registration.id, now()),
        can_pass_on=_can_pass_on(registration),
        can_move=_can_change(registration) and bool(_dates(registration)),
        can_register_again=registration.state not in ACTIVE_STATES
        and refuse_registration(terms_of(event), now()) is None
        and admission_of(db.session(), event, registration.email) == "in",
        calendar=calendar_of_address(db.session(), registration.email_key),
        calendar_link=browser.pop(_calendar_key(registration), None),
        saved=request.args.get("saved"),
    )


def _can_pass_on(registration: Registration) -> bool:
    event = registration.event
    try:
        check_can_be_passed_on(registration.state, terms_of(event), now())
    except DomainError:
        return False
    return not is_by_invitation(event.booking, event.admits)


def _is_asked(registration: Registration) -> bool:
    """Whether we wait for their answer to "Are you still coming?"."""
    asking = service.asking_at(registration.event)
    return (
        registration.state == "confirmed"
        and registration.asked_at is not None
        and registration.reconfirmed_at is None
        and asking is not None
        and registration.asked_at >= asking.asked_at
        and _can_change(registration)
    )


def _steps(registration: Registration) -> list[dict[str, object]]:
    """Why they have or have not a place, the first step first."""
    told = [
        (entry.at, history_sentence(entry.action, entry.reason, entry.fields))
        for entry in reversed(history_of(db.session(), "registration", registration.id))
    ]
    return [{"at": at, "sentence": sentence} for at, sentence in told if sentence]


def _rows(registration: Registration, needs: Needs | None, token: str) -> list[dict[str, object]]:
    event = registration.event
    change = url_for("registration.change_place", token=token) if _can_change(registration) else ""
    asked = [("name", "Name", registration.name)]
    if event.mode == "hybrid":
        asked.append(("attending-0", "Taking part", ATTENDING_WORDS[registration.attending]))
    asked += [
        ("organisation", "Organisation", registration.organisation),
        ("job_title", "Job title", registration.job_title),
        ("sector", "Sector", SECTORS.get(registration.sector, "")),
        *([("perspective", "Perspective", PERSPECTIVES.get(registration.perspective, ""))] if event.shares else []),
        ("access_needs", "Access needs", needs.access_needs if needs else ""),
        ("dietary_needs", "Food needs", needs.dietary_needs if needs else ""),
        ("question", "Your question", registration.question),
    ]
    questions = question_texts(event)
    asked += [
        (f"answer_{number}", words, answer_words(registration.answers, words))
        for number, words in enumerate(questions, 1)
    ]
    rows: list[dict[str, object]] = [
        {"key": key, "value": value, "lines": True, "href": f"{change}#{anchor}" if change else None}
        for anchor, key, value in asked
    ]
    rows.insert(1, {"key": "Email address", "value": registration.email})
    rows += [
        {"key": words, "value": answer_words(registration.answers, words), "lines": True}
        for words in asked_before(registration.answers, questions)
    ]
    rows.append({"key": "Reference", "value": registration.reference})
    return rows


def _arranging(registration: Registration) -> list[dict[str, str]]:
    """What is done about their needs, and what staff told them."""
    return [
        {
            "what": KINDS[one.kind].words,
            "state": OWN_STANDINGS[one.standing],
            "message": one.answer.message if one.answer and one.standing in (ARRANGED, NOT_POSSIBLE) else "",
        }
        for one in needs_where(db.session(), Registration.id == registration.id)
        if one.standing in OWN_STANDINGS
    ]


@blueprint.post("/places/<token>/still-coming")
@access(BY_LINK)
def still_coming(token: str) -> ResponseReturnValue:
    """The button: yes, I am coming."""
    registration = _mine(token)
    try:
        with transaction() as session:
            service.say_still_coming(
                session, registration_id=registration.id, now=now(), settings=settings(), actor=person(registration.id)
            )
    except NotFound:
        raise
    except DomainError as error:
        return _page("_too_late", token, _mine(token), sentence=str(error)), 422
    return see_other(url_for("registration.place", token=token, saved="coming"))


@blueprint.route("/places/<token>/change", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def change_place(token: str) -> ResponseReturnValue:
    """Change what one told about oneself."""
    registration = _mine(token)
    if not _can_change(registration):
        return see_other(url_for("registration.place", token=token))
    form = _change_form(registration)
    if request.method != "POST":
        return _page("change_place", token, registration, form=form, lead=_lead(registration))
    if form.validate():
        try:
            with transaction() as session:
                service.change_details(
                    session, registration_id=registration.id, changes=form.changes(), now=now(),
                    settings=settings(), actor=person(registration.id),
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            return see_other(url_for("registration.place", token=token, saved="details"))
    return _page("change_place", token, _mine(token), form=form, lead=_lead(_mine(token))), 422


def _lead(registration: Registration) -> str:
    return lead_sentence(first_day_of(registration.event), london_date(now()))


def _change_form(registration: Registration) -> ChangePlaceForm:
    needs = db.session.get(Needs, registration.id)
    told = {name: getattr(registration, name) for name in (
        "name", "attending", "organisation", "job_title", "sector", "question")}  # fmt: skip
    told["perspective"] = registration.perspective
    told["access_needs"] = needs.access_needs if needs else ""
    told["dietary_needs"] = needs.dietary_needs if needs else ""
    form = ChangePlaceForm(data=told)
    event = registration.event
    form.fit_to(mode=event.mode, questions=read_questions(event.questions), answers=registration.answers,
                has_shares=bool(event.shares))  # fmt: skip
    return form


@blueprint.route("/places/<token>/cancel", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def cancel_place(token: str) -> ResponseReturnValue:
    """Am I sure? The button cancels."""
    registration = _mine(token)
    if not _can_change(registration):
        return see_other(url_for("registration.place", token=token))
    form = CancelForm()
    if request.method != "POST":
        return _page("cancel_place", token, registration, form=form)
    if form.validate():
        try:
            with transaction() as session:
                service.cancel_place(
                    session, registration_id=registration.id, reason=form.reason.data,
                    wants_another_date=form.another_date.data, now=now(),
                    settings=settings(), actor=person(registration.id),
                )
        except DomainError as error:
            form.add_error(str(error))
        else:
            return see_other(url_for("registration.place", token=token))
    return _page("cancel_place", token, _mine(token), form=form), 422


@blueprint.route("/places/<token>/move", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def move_place(token: str) -> ResponseReturnValue:
    """Another date of the same event."""
    registration = _mine(token)
    dates = _dates(registration)
    if not _can_change(registration) or not dates:
        return see_other(url_for("registration.place", token=token))
    form = _move_form(dates)
    if request.method != "POST":
        return _page("move_place", token, registration, form=form)
    if form.validate():
        try:
            with transaction() as session:
                moved = service.move_place(
                    session, registration_id=registration.id, to_event_id=form.to.data,
                    if_full=form.if_full.data or "leave", now=now(), settings=settings(),
                    actor=person(registration.id),
                )
                slug, state = moved.event.slug, moved.state
        except FullChoice as error:
            form.add_error(str(error), "if_full")
        except DomainError as error:
            form.add_error(str(error), error.field or "to")
        else:
            # As after registering: the new link goes by mail alone.
            outcome = {"confirmed": "place", "waiting": "waiting", "requested": "requested"}[state]
            return see_other(url_for("registration.receipt", slug=slug, outcome=outcome))
    registration = _mine(token)
    return _page("move_place", token, registration, form=_with_dates(form, _dates(registration))), 422


def _dates(registration: Registration) -> list[Event]:
    """The other dates that take this person now."""
    return [
        other
        for other in other_dates(db.session(), registration.event, now())
        if public_state(event_view(other), now()).can_register
        and admission_of(db.session(), other, registration.email) == "in"
    ]


def _move_form(dates: list[Event]) -> MoveForm:
    return _with_dates(MoveForm(), dates)


def _with_dates(form: MoveForm, dates: list[Event]) -> MoveForm:
    form.to.choices = [(other.id, when_text(event_view(other))) for other in dates]
    form.to.hints = {
        other.id: f"{location_words(other)}. {public_state(event_view(other), now()).tag_text}" for other in dates
    }
    return form


@blueprint.post("/places/<token>/take")
@access(BY_LINK)
def take_offer(token: str) -> ResponseReturnValue:
    """Take the place that is held."""
    return _answer(token, take=True)


@blueprint.post("/places/<token>/decline")
@access(BY_LINK)
def decline_offer(token: str) -> ResponseReturnValue:
    """Let the place go to the next person."""
    return _answer(token, take=False)


def _answer(token: str, *, take: bool) -> ResponseReturnValue:
    registration = _mine(token)
    use_case = service.take_offer if take else service.decline_offer
    try:
        with transaction() as session:
            use_case(
                session, registration_id=registration.id, now=now(), settings=settings(),
                actor=person(registration.id),
            )
    except NotFound:
        raise
    except DomainError as error:
        registration = _mine(token)
        if registration.state == ("confirmed" if take else "cancelled"):
            return see_other(url_for("registration.place", token=token))  # pressed twice: it is done
        return _page("_too_late", token, registration, sentence=str(error)), 422
    return see_other(url_for("registration.place", token=token))


@blueprint.post("/places/<token>/calendar")
@access(BY_LINK)
def make_calendar(token: str) -> ResponseReturnValue:
    """A personal calendar address; the one made before ends."""
    registration = _mine(token)
    key = _calendar_key(registration)
    with transaction() as session:
        link = service.make_calendar(
            session, registration_id=registration.id, now=now(), settings=settings(), actor=person(registration.id)
        )
    # Only its hash is kept, so it waits in this browser's own cookie until the page that shows it.
    browser[key] = link
    return see_other(url_for("registration.place", token=token) + "#calendar")


def _calendar_key(registration: Registration) -> str:
    return f"calendar_{registration.id}"

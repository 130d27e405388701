"""Registering, the receipt, and finding a lost link. Nothing here tells whether an address is known."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from flask import Response, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import london_date, start_of_day
from workshops.registration import service
from workshops.registration.forms import FindMyPlaceForm, RegistrationForm
from workshops.registration.needs_queries import first_day_of
from workshops.registration.queries import terms_of
from workshops.registration.rules import (
    FullChoice,
    NoPlaces,
    Refusal,
    RegistrationClosed,
    interpreter_may_be_late,
    refuse_registration,
)
from workshops.registration.rules.asking_again import asking_words
from workshops.registration.rules.needs import lead_sentence
from workshops.registration.rules.reasons import shares_words, waiting_rule
from workshops.registration.views import blueprint
from workshops.schedule.calendar_entry import add_links_of, location_words
from workshops.schedule.models import Event
from workshops.schedule.queries import other_dates, published_event
from workshops.schedule.queries.public import event_page_version, event_view
from workshops.schedule.rules.audience import is_by_invitation, who_may_register
from workshops.schedule.rules.public_state import PublicState, places_left, public_state, ways, when_text
from workshops.schedule.rules.questions import read_questions
from workshops.web.access import PUBLIC, access
from workshops.web.guards import settings
from workshops.web.headers import client_address
from workshops.web.rate_limits import Limit, TooMany, count_one, seconds_left
from workshops.web.responses import Built, Keep, Kept, public_answer, see_other

REGISTER_PER_CLIENT = Limit("register from one place", 120, 600)
REGISTER_PER_ADDRESS = Limit("register one address", 10, 3600)
FIND_PER_CLIENT = Limit("find my place from one place", 20, 900)
FIND_PER_ADDRESS = Limit("find my place of one address", 3, 3600)

#: What stands in a kept form in the place of what differs from one browser to the next.
_TOKEN_MARK = secrets.token_hex(16)
_KEY_MARK = secrets.token_hex(16)


@blueprint.route("/events/<slug>/register", methods=["GET", "POST"])
@access(PUBLIC, keeps_typed=True)
def register(slug: str) -> ResponseReturnValue:
    """The form, on one page with one send."""
    if request.method == "POST":
        return _send(slug)
    version = event_page_version(db.session(), slug)
    if version is None:
        raise NotFound
    keep: Keep = current_app.extensions["workshops.keep"]
    key = f"register:{slug}"
    kept = keep.get(key, version, now())
    if kept is None:
        built, status = _build_form(slug)
        if built is None:
            return status
        kept = Kept(built, version, "", None)
        keep.put(key, kept)
    body = kept.built.body.replace(_TOKEN_MARK.encode(), generate_csrf().encode())
    return _private(make_response(body.replace(_KEY_MARK.encode(), service.new_form_key().encode())))


def _build_form(slug: str) -> tuple[Built | None, ResponseReturnValue]:
    """The empty form with marks for the token and the form key; or nothing, and the page that says why not."""
    event = _event(slug)
    state = public_state(event_view(event), now())
    closed = _why_closed(event, state, now())
    if closed is not None:
        return None, _closed_page(event, closed, state)
    form = _form(event, is_full=state.key == "full_list")
    form.form_key.data = _KEY_MARK
    page = _form_page(event, form, state).replace(generate_csrf(), _TOKEN_MARK)
    tomorrow = start_of_day(london_date(now()) + timedelta(days=1))
    until = min(filter(None, (state.changes_at, tomorrow)))
    return Built(page.encode(), "text/html; charset=utf-8", until=until), ""


def _send(slug: str) -> ResponseReturnValue:
    event = _event(slug)
    form = _form(event)
    if not form.validate():
        return _again(event, form)
    too_many = _too_many(form.email.data)
    if too_many is not None:
        form.add_error(str(too_many))
        response = make_response(_again(event, form, status=429))
        response.headers["Retry-After"] = str(too_many.retry_after_s)
        return response
    event_id = event.id
    try:
        outcome = _register(event_id, form)
    except RegistrationClosed as error:
        event = _event(slug)
        return _closed_page(event, error.refusal, public_state(event_view(event), now()), sent=True)
    except NoPlaces as error:
        event = _event(slug)
        refusal = Refusal("full", str(error))
        return _closed_page(event, refusal, public_state(event_view(event), now()), sent=True)
    except DomainError as error:
        form.add_error(str(error), error.field)
        return _again(_event(slug), form, is_full=isinstance(error, FullChoice))
    return see_other(url_for("registration.receipt", slug=slug, outcome=outcome.kind))


def _register(event_id: int, form: RegistrationForm) -> service.Outcome:
    try:
        return _register_once(event_id, form)
    except service.RegisteredMeanwhile:
        # The last guard of the table held; a second look finds the first registration.
        return _register_once(event_id, form)


def _register_once(event_id: int, form: RegistrationForm) -> service.Outcome:
    with transaction() as session:
        return service.register(
            session,
            event_id=event_id,
            details=form.details(),
            if_full=form.if_full.data or "leave",
            form_key=form.form_key.data or None,
            now=now(),
            settings=settings(),
        )


def _too_many(email: str) -> TooMany | None:
    if not settings().rate_limits:
        return None
    with transaction() as session:
        for limit, who in ((REGISTER_PER_CLIENT, client_address()), (REGISTER_PER_ADDRESS, email.lower())):
            if not count_one(session, limit, who, secret_key=settings().secret_key, now=now()):
                return TooMany(seconds_left(limit, now()))
    return None


def _event(slug: str) -> Event:
    event = published_event(db.session(), slug)
    if event is None:
        raise NotFound
    return event


def _form(event: Event, *, is_full: bool = False) -> RegistrationForm:
    form = RegistrationForm()
    form.fit_to(mode=event.mode, questions=read_questions(event.questions), has_shares=bool(event.shares))
    if is_full and not form.is_submitted():
        form.if_full.data = "wait"
    return form


def _again(event: Event, form: RegistrationForm, *, is_full: bool = False, status: int = 422) -> ResponseReturnValue:
    """The form with everything that was typed; or why nobody can register now, which matters more."""
    state = public_state(event_view(event), now())
    closed = _why_closed(event, state, now())
    if closed is not None:
        return _closed_page(event, closed, state, sent=True)
    form.form_key.data = form.form_key.data or service.new_form_key()
    response = make_response(_form_page(event, form, state, is_full=is_full), status)
    return _private(response)


def _why_closed(event: Event, state: PublicState, at: datetime) -> Refusal | None:
    refusal = refuse_registration(terms_of(event), at)
    if refusal is None and not state.can_register:
        refusal = Refusal("full", state.sentence or "All places are taken.")
    return refusal


def _form_page(event: Event, form: RegistrationForm, state: PublicState, *, is_full: bool = False) -> str:
    view = event_view(event)
    invited = is_by_invitation(event.booking, event.admits)
    # Of an event by invitation the page never says by itself whether places are left; see decision 0014.
    is_full = is_full or state.key == "full_list" or (
        state.key in ("changed", "on_now") and not invited and not _has_room(event)
    )
    form.if_full.label.text = (
        "Do you want to go on the waiting list?"
        if is_full
        else "If all places are taken" if invited
        else "If the last place goes while you are filling this in"
    )
    if "attending" in form and not invited:
        form.attending.hints = {
            way: "All places are taken. You can wait for one." if places_left(capacity, taken) == 0 else ""
            for way, capacity, taken in ways(view)
        }
    asking = service.asking_at(event) if event.booking != "by_approval" else None
    return render_template(
        "registration/register.html",
        event=event,
        form=form,
        state=state,
        when=when_text(view),
        where=location_words(event),
        who_may=who_may_register(event.booking, event.admits, event.admitted_domains),
        waits=is_full and event.booking != "by_approval",
        asks_if_full=event.has_waiting_list and event.booking != "by_approval",
        kept=shares_words(event.shares, event.shares_until, event.sort_at, now()),
        asking=asking_words(asking, now()) if asking is not None else "",
        lead=lead_sentence(first_day_of(event), london_date(now())),
        interpreter_late=interpreter_may_be_late(london_date(now()), first_day_of(event)),
    )


def _has_room(event: Event) -> bool:
    return any(places_left(capacity, taken) != 0 for _, capacity, taken in ways(event_view(event)))


def _closed_page(event: Event, refusal: Refusal, state: PublicState, *, sent: bool = False) -> Response:
    """Why nobody can register now: 410 when it stays so, 422 when something was sent, else 200."""
    page = render_template(
        "registration/_closed.html",
        event=event,
        refusal=refusal,
        state=state,
        sent=sent,
        when=when_text(event_view(event)),
        others=[(other, when_text(event_view(other))) for other in other_dates(db.session(), event, now())],
    )
    return _private(make_response(page, 410 if refusal.is_gone else 422 if sent else 200))


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/events/<slug>/registered/<any(place, waiting, requested):outcome>")
@access(PUBLIC)
def receipt(slug: str, outcome: str) -> ResponseReturnValue:
    """What the last send came to: the same for everybody, so it can be reloaded, kept and shared."""
    version = event_page_version(db.session(), slug)
    if version is None:
        raise NotFound
    return public_answer(f"receipt:{slug}:{outcome}", version, lambda: _build_receipt(slug, outcome), now=now())


def _build_receipt(slug: str, outcome: str) -> Built:
    event = _event(slug)
    page = render_template(
        "registration/receipt.html",
        event=event,
        outcome=outcome,
        invited=is_by_invitation(event.booking, event.admits),
        when=when_text(event_view(event)),
        where=location_words(event),
        add_links=add_links_of(event, settings=settings()),
        waiting_rule=waiting_rule(event.gives_places, has_shares=bool(event.shares)),
        contact_email=settings().mail_from,
    )
    return Built(page.encode(), "text/html; charset=utf-8")


@blueprint.route("/find-my-place", methods=["GET", "POST"])
@access(PUBLIC, keeps_typed=True)
def find_my_place() -> ResponseReturnValue:
    """Send the links again. The answer is the same whether the address is known or not."""
    form = FindMyPlaceForm()
    if request.method != "POST":
        is_sent = request.args.get("sent") == "1"
        page = render_template("registration/find_my_place.html", form=form, is_sent=is_sent)
        return _private(make_response(page))
    if not form.validate():
        page = render_template("registration/find_my_place.html", form=form, is_sent=False)
        return _private(make_response(page, 422))
    if _may_send_links(form.email.data):
        with transaction() as session:
            service.find_my_place(session, email=form.email.data, now=now(), settings=settings())
    return see_other(url_for("registration.find_my_place", sent=1))


def _may_send_links(email: str) -> bool:
    """Whether to look and send. Raises TooMany for a client that asks too often; says nothing about the address."""
    if not settings().rate_limits:
        return True
    key = settings().secret_key
    with transaction() as session:
        may_ask = count_one(session, FIND_PER_CLIENT, client_address(), secret_key=key, now=now())
        may_send = count_one(session, FIND_PER_ADDRESS, email.lower(), secret_key=key, now=now())
    if not may_ask:
        raise TooMany(seconds_left(FIND_PER_CLIENT, now()))
    return may_send

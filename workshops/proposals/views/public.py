"""Host an event, ask us for one, and confirm the address. No account; the same answer whoever's address it is."""

from __future__ import annotations

from flask import Response, abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.proposals import service
from workshops.proposals.forms import AskForm, HostForm
from workshops.proposals.models import Proposal
from workshops.proposals.queries import CONFIRM, ask_form, by_token, programme_with_form
from workshops.proposals.rules import UNCONFIRMED_MOST, FormClosed
from workshops.proposals.views import blueprint
from workshops.proposals.views.shown import link_gone, rows_of, show_problems
from workshops.schedule.models import Programme
from workshops.schedule.queries.staff import kinds_by_name
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.web.access import BY_LINK, PUBLIC, access
from workshops.web.guards import settings
from workshops.web.headers import client_address
from workshops.web.rate_limits import Limit, TooMany, count_one, seconds_left
from workshops.web.responses import see_other

PER_CLIENT = Limit("propose from one place", 12, 3600)
PER_ADDRESS = Limit("propose with one address", 4, 3600)
#: Of everybody together: each one mails somebody who may never have come here.
IN_ALL = Limit("propose in all", 200, 3600)

#: The honest answer to a box that only programs see; the box comes back empty, so a person just sends again.
LOOKS_LIKE_A_PROGRAM = "We could not tell whether a person filled this in. Check your answers and send them again"


@blueprint.route("/programmes/<slug>/host-an-event", methods=["GET", "POST"])
@access(PUBLIC, keeps_typed=True)
def host_an_event(slug: str) -> ResponseReturnValue:
    """Offer an event of one's own to a programme."""
    programme = _programme(slug)
    if not programme.host_form_is_open:
        return _closed("host", programme)
    form = HostForm()
    form.kind.choices = [(kind.name, kind.name[0].upper() + kind.name[1:]) for kind in kinds_by_name(db.session())]
    return _answer("host_an_event", "host", form, programme)


@blueprint.route("/ask-for-an-event", methods=["GET", "POST"])
@blueprint.route("/programmes/<slug>/ask-for-an-event", methods=["GET", "POST"])
@access(PUBLIC, keeps_typed=True)
def ask_for_an_event(slug: str | None = None) -> ResponseReturnValue:
    """Ask for an event: within a programme, or at any time."""
    programme = _programme(slug) if slug is not None else None
    is_open = programme.ask_form_is_open if programme is not None else ask_form(db.session()).is_open
    if not is_open:
        return _closed("ask", programme)
    return _answer("ask_for_an_event", "ask", AskForm(), programme)


def _programme(slug: str) -> Programme:
    found = programme_with_form(db.session(), slug)
    if found is None:
        raise NotFound
    return found


def _closed(purpose: str, programme: Programme | None) -> Response:
    """The form is not open: said in words, under the status of an address where nothing is."""
    page = render_template("proposals/_closed.html", purpose=purpose, programme=programme)
    return _private(make_response(page, 404))


def _answer(endpoint: str, purpose: str, form: HostForm | AskForm, programme: Programme | None) -> ResponseReturnValue:
    address = url_for(f"proposals.{endpoint}", slug=programme.slug if programme else None)
    slug = programme.slug if programme else None
    programme_id = programme.id if programme else None
    if request.method != "POST":
        if request.args.get("sent") == "1":
            page = render_template("proposals/_sent.html", purpose=purpose, programme=programme, address=address,
                                   most=UNCONFIRMED_MOST)  # fmt: skip
            return _private(make_response(page))
        return _form_page(endpoint, purpose, form, programme)
    status = 422
    if form.validate():
        if form.website.data:
            form.website.data = ""
            form.add_error(LOOKS_LIKE_A_PROGRAM)
        else:
            too_many = _too_many(form.email.data)
            if too_many is None:
                try:
                    _propose(purpose, programme_id, form)
                except DetailsDoNotFit as unfit:
                    show_problems(form, unfit)
                except FormClosed:
                    return _closed(purpose, _programme(slug) if slug else None)
                else:
                    return see_other(f"{address}?sent=1")
            else:
                form.add_error(str(too_many))
                status = 429
    response = _form_page(endpoint, purpose, form, _programme(slug) if slug else None, status)
    if status == 429:
        response.headers["Retry-After"] = str(seconds_left(PER_CLIENT, now()))
    return response


def _propose(purpose: str, programme_id: int | None, form: HostForm | AskForm) -> None:
    with transaction() as session:
        service.propose(
            session, purpose=purpose, programme_id=programme_id, details=form.details(), email=form.email.data,
            form_key=form.form_key.data or "", now=now(), settings=settings(),
        )  # fmt: skip


def _form_page(
    endpoint: str, purpose: str, form: HostForm | AskForm, programme: Programme | None, status: int = 200
) -> Response:
    form.form_key.data = form.form_key.data or service.new_form_key()
    words = programme.host_form_words if programme else ask_form(db.session()).words
    page = render_template(f"proposals/{endpoint}.html", form=form, programme=programme, words=words)
    return _private(make_response(page, status))


def _too_many(email: str) -> TooMany | None:
    if not settings().rate_limits:
        return None
    limits = ((PER_CLIENT, client_address()), (PER_ADDRESS, email.lower()), (IN_ALL, ""))
    with transaction() as session:
        for limit, who in limits:
            if not count_one(session, limit, who, secret_key=settings().secret_key, now=now()):
                return TooMany(seconds_left(limit, now()))
    return None


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/proposals/confirm/<token>", methods=["GET", "POST"])
@access(BY_LINK)
def confirm(token: str) -> ResponseReturnValue:
    """Looking changes nothing, because mail scanners look at every link; the button confirms."""
    proposal = _to_confirm(token)
    if request.method != "POST":
        return render_template("proposals/confirm.html", token=token, proposal=proposal,
                               is_done=proposal.state != "unconfirmed", rows=rows_of(proposal))  # fmt: skip
    proposal_id = proposal.id
    try:
        with transaction() as session:
            service.confirm(session, proposal_id=proposal_id, now=now(), settings=settings())
    except DomainError:
        return link_gone()
    return see_other(url_for("proposals.confirm", token=token))


def _to_confirm(token: str) -> Proposal:
    found = by_token(db.session(), CONFIRM, token, now=now())
    if found is None:
        abort(link_gone())
    return found


@blueprint.app_template_global("ways_to_propose")
def ways_to_propose() -> list[tuple[str, str]]:
    """(words, address) of the forms that are open whatever the programme; a programme's own stand on its page."""
    is_open = ask_form(db.session()).is_open
    return [("Ask us for an event", url_for("proposals.ask_for_an_event"))] if is_open else []

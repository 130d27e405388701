"""Sign in, sign out, forgotten password, and one-time links."""

from __future__ import annotations

from flask import flash, make_response, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.accounts import forms, queries, rules, service
from workshops.accounts.models import AccountLink
from workshops.accounts.views import SignedIn, blueprint, browser, start_session
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import NotFound
from workshops.web.access import BY_LINK, PUBLIC, access
from workshops.web.guards import settings
from workshops.web.headers import client_address
from workshops.web.responses import see_other


@blueprint.route("/staff/sign-in", methods=["GET", "POST"])
@access(PUBLIC, keeps_typed=True)
def sign_in() -> ResponseReturnValue:
    form = forms.SignInForm()
    onward = rules.own_path(form.next.data if form.is_submitted() else request.args.get("next"))
    form.next.data = onward or ""
    if not form.is_submitted():
        if current_user.is_authenticated:
            return see_other(onward or url_for("schedule.staff_home"))
        return render_template("accounts/sign_in.html", form=form)
    if form.validate():
        token = _sign_in(form.email.data, form.password.data)
        if token is not None:
            start_session(token)
            return see_other(onward or url_for("schedule.staff_home"))
        form.add_error(rules.SIGN_IN_FAILED, "email")
    return render_template("accounts/sign_in.html", form=form), 422


def _sign_in(email: str, password: str) -> str | None:
    """The token of a new sign-in, or None: one answer for every reason."""
    origin, instant = client_address(), now()
    with transaction() as database:
        service.count_try(database, email=email, origin=origin, now=instant, settings=settings())
        credentials = service.credentials_of(database, email=email)
    if not service.is_right(credentials, password):
        return None
    with transaction() as database:
        return service.sign_in(
            database,
            credentials=credentials,
            email=email,
            origin=origin,
            browser=browser(),
            now=instant,
            settings=settings(),
        )


@blueprint.post("/staff/sign-out")
@access(PUBLIC)
def sign_out() -> ResponseReturnValue:
    # public, because somebody whose sign-in ran out meanwhile is signed out too, and wants no error
    user = current_user._get_current_object()
    if isinstance(user, SignedIn):
        with transaction() as database:
            service.end_sign_in(
                database, account_id=user.id, sign_in_id=user.sign_in_id, now=now(), actor=staff(user.id)
            )
    session.clear()
    flash("You are signed out.")
    response = make_response(see_other(url_for("accounts.sign_in")))
    # Not "cookies": that would clear those of every host under the same domain; ours is emptied above.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.route("/staff/forgotten-password", methods=["GET", "POST"])
@access(PUBLIC, keeps_typed=True)
def forgotten_password() -> ResponseReturnValue:
    form = forms.ForgottenPasswordForm()
    if not form.is_submitted():
        return render_template("accounts/forgotten_password.html", form=form, sent="sent" in request.args)
    if not form.validate():
        return render_template("accounts/forgotten_password.html", form=form, sent=False), 422
    with transaction() as database:
        service.count_link_request(
            database, email=form.email.data, origin=client_address(), now=now(), settings=settings()
        )
    with transaction() as database:
        service.send_new_password_link(database, email=form.email.data, now=now(), settings=settings())
    return see_other(url_for("accounts.forgotten_password", sent="yes"))


@blueprint.route("/staff/link/<token>", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def use_link(token: str) -> ResponseReturnValue:
    link = queries.link_by_token(db.session(), token)
    if link is None:
        raise NotFound()
    if not link.account.is_active or not rules.link_works(link.used_at, link.expires_at, now()):
        return render_template("accounts/use_link.html", link=link, form=None, works=False), 410
    form = _form_for(link)
    if not form.is_submitted():
        return render_template("accounts/use_link.html", link=link, form=form, works=True)
    if not form.validate():
        return render_template("accounts/use_link.html", link=link, form=form, works=True), 422
    return _use(link.purpose, token, form)


def _form_for(link: AccountLink) -> forms.Form:
    if link.purpose == "demonstration":
        return forms.ButtonForm()
    if link.purpose == "new_password":
        form: forms._WithNewPassword = forms.NewPasswordForm()
    else:
        form = forms.InvitationForm(data={"name": link.account.name})
    form.email_for_password = link.account.email
    return form


def _use(purpose: str, token: str, form: forms.Form) -> ResponseReturnValue:
    hashed = service.hash_password(form.password.data) if purpose != "demonstration" else ""
    try:
        with transaction() as database:
            if purpose == "invitation":
                signed = service.accept_invitation(
                    database,
                    token=token,
                    name=form.name.data,
                    password_hash=hashed,
                    browser=browser(),
                    now=now(),
                )
            elif purpose == "new_password":
                signed = service.set_password_by_link(
                    database, token=token, password_hash=hashed, browser=browser(), now=now()
                )
            else:
                signed = service.sign_in_by_link(database, token=token, browser=browser(), now=now())
    except rules.LinkGone:  # used in another window while the form was open
        gone = queries.link_by_token(db.session(), token)
        return render_template("accounts/use_link.html", link=gone, form=None, works=False), 410
    start_session(signed)
    if purpose == "new_password":
        flash("Your new password is set. You are signed out everywhere else.")
    return see_other(url_for("schedule.staff_home"))

"""One's own account: name, password, and where one is signed in."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.accounts import forms, queries, role_table, rules, service
from workshops.accounts.views import blueprint, browser, start_session
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.web.access import VIEWER, access
from workshops.web.guards import settings
from workshops.web.headers import client_address
from workshops.web.responses import see_other


@blueprint.route("/staff/account", methods=["GET", "POST"])
@access(VIEWER, keeps_typed=True)
def me() -> ResponseReturnValue:
    # three forms on one page; the button pressed says which one was sent
    sent = request.form.get("change") if request.method == "POST" else None
    name_form = forms.NameForm(data={"name": current_user.name}, formdata=request.form if sent == "name" else None)
    calendar_form = forms.CalendarForm(
        data={"calendar_invitations": current_user.calendar_invitations},
        formdata=request.form if sent == "calendar" else None,
    )
    sends_password = bool(request.form) and sent not in ("name", "calendar")
    password_form = forms.ChangePasswordForm(formdata=request.form if sends_password else None)
    password_form.email_for_password = current_user.email
    if request.method != "POST":
        return _page(name_form, calendar_form, password_form)
    if sent == "name" and name_form.validate():
        return _save(service.change_own_name, "Your name is saved.", name=name_form.name.data)
    if sent == "calendar" and calendar_form.validate():
        wanted = calendar_form.calendar_invitations.data
        return _save(
            service.change_own_calendar,
            "From now on you get the events you run as invitations." if wanted
            else "You no longer get the events you run as invitations.",
            wanted=wanted,
        )
    if sends_password and password_form.validate() and _change_password(password_form):
        flash("Your new password is set. You are signed out everywhere else.")
        return see_other(url_for("accounts.me"))
    return _page(name_form, calendar_form, password_form), 422


def _save(use_case: Callable[..., None], done: str, **values: object) -> ResponseReturnValue:
    user_id = current_user.id
    with transaction() as database:
        use_case(database, account_id=user_id, now=now(), actor=staff(user_id), **values)
    flash(done)
    return see_other(url_for("accounts.me"))


def _page(
    name_form: forms.NameForm, calendar_form: forms.CalendarForm, password_form: forms.ChangePasswordForm
) -> str:
    return render_template(
        "accounts/me.html",
        name_form=name_form,
        calendar_form=calendar_form,
        password_form=password_form,
        failed=next((form for form in (name_form, calendar_form, password_form) if form.errors), None),
        sign_ins=queries.live_sign_ins(db.session(), current_user.id, now()),
        role_words=rules.ROLE_WORDS[current_user.role],
    )


def _change_password(form: forms.ChangePasswordForm) -> bool:
    email, origin, instant = current_user.email, client_address(), now()
    with transaction() as database:
        # guessing the current password here counts like guessing it at the door
        service.count_try(database, email=email, origin=origin, now=instant, settings=settings())
        credentials = service.credentials_of(database, email=email)
    try:
        if not service.is_right(credentials, form.current_password.data):
            raise rules.WrongPassword(field="current_password")
        hashed = service.hash_password(form.password.data)
        with transaction() as database:
            token = service.change_password(
                database,
                credentials=credentials,
                password_hash=hashed,
                origin=origin,
                browser=browser(),
                now=instant,
                settings=settings(),
            )
    except DomainError as error:
        form.add_error(str(error), error.field)
        return False
    start_session(token)
    return True


@blueprint.post("/staff/account/sign-ins/<int:sign_in_id>/end")
@access(VIEWER)
def end_sign_in(sign_in_id: int) -> ResponseReturnValue:
    user_id = current_user.id
    with transaction() as database:
        service.end_sign_in(database, account_id=user_id, sign_in_id=sign_in_id, now=now(), actor=staff(user_id))
    flash("That browser is signed out.")
    return see_other(url_for("accounts.me"))


@blueprint.post("/staff/account/end-other-sign-ins")
@access(VIEWER)
def end_other_sign_ins() -> ResponseReturnValue:
    user_id, this_one = current_user.id, current_user.sign_in_id
    with transaction() as database:
        service.end_all_sign_ins(database, account_id=user_id, except_id=this_one, now=now(), actor=staff(user_id))
    flash("You are signed out everywhere else.")
    return see_other(url_for("accounts.me"))


@blueprint.get("/staff/roles")
@access(VIEWER)
def roles() -> ResponseReturnValue:
    """The table that every route is held to, in words."""
    groups = [
        (heading, [(action.words, role_table.in_words(action)) for action in actions])
        for heading, actions in role_table.TABLE.items()
    ]
    return render_template("accounts/roles.html", groups=groups, columns=role_table.COLUMNS,
                           role_words=rules.ROLE_WORDS)  # fmt: skip

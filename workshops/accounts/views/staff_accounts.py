"""Everybody who works behind sign-in, for admins."""

from __future__ import annotations

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.accounts import forms, queries, rules, service
from workshops.accounts.models import Account
from workshops.accounts.views import blueprint
from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.london_time import london_date
from workshops.web.access import ADMIN, access
from workshops.web.guards import settings
from workshops.web.responses import see_other


@blueprint.get("/staff/accounts")
@access(ADMIN)
def staff_accounts() -> ResponseReturnValue:
    return render_template(
        "accounts/staff_accounts.html",
        accounts=queries.all_accounts(db.session()),
        last_seen={account_id: london_date(at) for account_id, at in queries.last_seen(db.session()).items()},
        role_words=rules.ROLE_WORDS,
    )


@blueprint.route("/staff/accounts/invite", methods=["GET", "POST"])
@access(ADMIN, keeps_typed=True)
def invite() -> ResponseReturnValue:
    form = forms.InviteForm()
    if not form.is_submitted():
        return render_template("accounts/invite.html", form=form)
    if form.validate():
        try:
            with transaction() as database:
                service.invite(
                    database,
                    email=form.email.data,
                    role=form.role.data,
                    name=form.name.data,
                    invited_by=current_user.name,
                    now=now(),
                    actor=staff(current_user.id),
                    settings=settings(),
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash(f"An invitation is on its way to {form.email.data}.")
            return see_other(url_for("accounts.staff_accounts"))
    return render_template("accounts/invite.html", form=form), 422


@blueprint.route("/staff/accounts/<int:account_id>", methods=["GET", "POST"])
@access(ADMIN, keeps_typed=True)
def edit_account(account_id: int) -> ResponseReturnValue:
    account = _account(account_id)
    form = forms.AccountForm(
        data={
            "name": account.name,
            "role": account.role,
            "sees_needs": "yes" if account.sees_needs else "no",
            "is_active": "yes" if account.is_active else "no",
        }
    )
    if not form.is_submitted():
        return _page(account, form)
    if form.validate():
        try:
            with transaction() as database:
                service.change_account(
                    database,
                    account_id=account_id,
                    name=form.name.data,
                    role=form.role.data,
                    is_active=form.is_active.data == "yes",
                    sees_needs=form.sees_needs.data == "yes",
                    now=now(),
                    actor=staff(current_user.id),
                )
        except DomainError as error:
            form.add_error(str(error), error.field)
        else:
            flash("The account is saved.")
            return see_other(url_for("accounts.staff_accounts"))
    return _page(_account(account_id), form), 422


def _account(account_id: int) -> Account:
    account = queries.account_by_id(db.session(), account_id)
    if account is None:
        raise NotFound()
    return account


def _page(account: Account, form: forms.AccountForm) -> str:
    return render_template(
        "accounts/edit_account.html",
        account=account,
        form=form,
        sign_ins=queries.live_sign_ins(db.session(), account.id, now()),
    )


@blueprint.post("/staff/accounts/<int:account_id>/send-link")
@access(ADMIN)
def send_account_link(account_id: int) -> ResponseReturnValue:
    """A new invitation while no password is set, else a link to choose a new one."""
    invited_by = current_user.name
    with transaction() as database:
        account = queries.lock_account(database, account_id)
        if account is None or not account.is_active:
            raise NotFound()
        purpose = "new_password" if account.password_hash else "invitation"
        service.send_link(
            database, account=account, purpose=purpose, invited_by=invited_by, now=now(), settings=settings()
        )
        email = account.email
    flash(f"A link is on its way to {email}.")
    return see_other(url_for("accounts.edit_account", account_id=account_id))


@blueprint.post("/staff/accounts/<int:account_id>/end-sign-ins")
@access(ADMIN)
def end_account_sign_ins(account_id: int) -> ResponseReturnValue:
    with transaction() as database:
        if queries.account_by_id(database, account_id) is None:
            raise NotFound()
        service.end_all_sign_ins(database, account_id=account_id, now=now(), actor=staff(current_user.id))
    flash("They are signed out everywhere.")
    return see_other(url_for("accounts.edit_account", account_id=account_id))

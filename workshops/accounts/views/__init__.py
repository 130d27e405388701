"""Sign-in and staff accounts, as pages. The login manager and the blueprint stand here, the pages beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, g, request, session
from flask_login import LoginManager, login_user

from workshops.accounts import queries, rules, service
from workshops.core.clock import now
from workshops.core.db import db, transaction

blueprint = Blueprint("accounts", "workshops.accounts.views")

login_manager = LoginManager()
# Every sign-in is a row that can be ended, so Flask-Login's guesses from address and browser are not needed.
login_manager.session_protection = None


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in, as pages and checks see them (flask_login.current_user)."""

    id: int
    email: str
    name: str
    role: str
    sign_in_id: int
    token: str
    last_seen_at: datetime
    calendar_invitations: bool = True
    sees_needs: bool = False
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        """What the cookie holds: the sign-in's token, so that ending the row ends the cookie."""
        return self.token


@login_manager.user_loader  # type: ignore[untyped-decorator]
def load_user(token: str) -> SignedIn | None:
    found = queries.live_sign_in(db.session(), token, now())
    if found is None:
        return None
    account = found.account
    return SignedIn(
        account.id, account.email, account.name, account.role, found.id, token, found.last_seen_at,
        account.calendar_invitations, account.sees_needs and account.role != "viewer",
    )


@blueprint.before_app_request
def touch_sign_in() -> None:
    """Note the last use, once a minute at most: the one thing a GET may write, in a short transaction of its own.

    Looks only at a user that a check has loaded already, so public pages never read the cookie for it.
    """
    user = g.get("_login_user")
    if isinstance(user, SignedIn) and now() - user.last_seen_at >= rules.TOUCH_EVERY:
        with transaction() as database:
            service.touch_sign_in(database, sign_in_id=user.sign_in_id, now=now())


def start_session(token: str) -> None:
    """Sign this browser in; nothing of the session before is kept (ASVS 7.2.4, session fixation)."""
    session.clear()
    user = load_user(token)
    if user is not None:
        login_user(user)


def browser() -> str:
    """The browser of this request, in words."""
    return rules.browser_words(request.headers.get("User-Agent", ""))


from workshops.accounts.views import me, sign_in, staff_accounts  # noqa: E402,F401 - they add their pages

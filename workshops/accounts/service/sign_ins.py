"""Signing in and out. Checking a password is slow on purpose, so it happens between two transactions:
count_try and credentials_of in the first, is_right outside, sign_in in the second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from workshops.accounts import queries
from workshops.accounts.models import Account, AccountLink, SignIn
from workshops.audit import service as audit
from workshops.audit.rules import Actor, staff
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.errors import NotFound
from workshops.core.tokens import new_token, token_hash
from workshops.web.rate_limits import Limit, TooMany, count_one, give_back, seconds_left

#: Sign-ins that fail, for one account (whether it exists or not) and from one address of origin.
PER_ACCOUNT = Limit("sign_in_account", 5, 15 * 60)
PER_ORIGIN = Limit("sign_in_origin", 30, 15 * 60)
#: Links for a new password, for one account and from one address of origin.
LINKS_PER_ACCOUNT = Limit("new_password_account", 5, 60 * 60)
LINKS_PER_ORIGIN = Limit("new_password_origin", 30, 60 * 60)

#: Ended sign-ins and used links are kept this long, for questions about what happened.
KEEP_ENDED = timedelta(days=30)


class TooManySignIns(TooMany):
    """A limit on signing in is reached."""

    sentence = "There were too many tries to sign in. Wait a little, then try again."


@dataclass(frozen=True)
class Credentials:
    """What a sign-in is checked against. Both are None for an address without an account that may sign in."""

    account_id: int | None
    password_hash: str | None


def count_try(session: Session, *, email: str, origin: str, now: datetime, settings: Settings) -> None:
    """Count one try before the password is looked at, so that many tries at once cannot slip through.

    A right one is given back by sign_in. Raises TooManySignIns, the same for known and unknown addresses.
    """
    _count(session, PER_ACCOUNT, email_key(email), now, settings)
    _count(session, PER_ORIGIN, origin, now, settings)


def count_link_request(session: Session, *, email: str, origin: str, now: datetime, settings: Settings) -> None:
    """Count one request for a new password. Raises TooManySignIns."""
    _count(session, LINKS_PER_ACCOUNT, email_key(email), now, settings)
    _count(session, LINKS_PER_ORIGIN, origin, now, settings)


def _count(session: Session, limit: Limit, who: str, now: datetime, settings: Settings) -> None:
    if settings.rate_limits and not count_one(session, limit, who, secret_key=settings.secret_key, now=now):
        raise TooManySignIns(seconds_left(limit, now))


def give_try_back(session: Session, *, email: str, origin: str, now: datetime, settings: Settings) -> None:
    """The password was right: this try does not count as a failure."""
    if settings.rate_limits:
        give_back(session, PER_ACCOUNT, email_key(email), secret_key=settings.secret_key, now=now)
        give_back(session, PER_ORIGIN, origin, secret_key=settings.secret_key, now=now)


def credentials_of(session: Session, *, email: str) -> Credentials:
    """What to check a password against."""
    account = queries.account_by_email(session, email)
    if account is None or not account.is_active:
        return Credentials(None, None)
    return Credentials(account.id, account.password_hash)


def sign_in(
    session: Session,
    *,
    credentials: Credentials,
    email: str,
    origin: str,
    browser: str,
    now: datetime,
    settings: Settings,
) -> str | None:
    """Make a sign-in for somebody whose password was right; returns its token for the cookie.

    None when the account was closed, or its password changed, while the password was being checked.
    """
    account = queries.lock_account(session, credentials.account_id) if credentials.account_id is not None else None
    if account is None or not account.is_active or account.password_hash != credentials.password_hash:
        return None
    give_try_back(session, email=email, origin=origin, now=now, settings=settings)
    return begin_sign_in(session, account, browser=browser, now=now)


def begin_sign_in(session: Session, account: Account, *, browser: str, now: datetime) -> str:
    """A new row and its token; the browser's cookie must hold nothing from before (ASVS 7.2.4)."""
    token = new_token()
    session.add(
        SignIn(
            account_id=account.id,
            token_hash=token_hash(queries.SIGN_IN, token),
            created_at=now,
            last_seen_at=now,
            browser=browser,
        )
    )
    audit.record(session, now=now, actor=staff(account.id), action="signed_in", subject=("account", account.id))
    session.flush()
    return token


def touch_sign_in(session: Session, *, sign_in_id: int, now: datetime) -> None:
    """Note that a browser was seen; an older instant never goes over a newer one."""
    session.execute(
        update(SignIn)
        .where(SignIn.id == sign_in_id, SignIn.last_seen_at < now)
        .values(last_seen_at=now)
        .execution_options(synchronize_session=False)
    )


def end_sign_in(session: Session, *, account_id: int, sign_in_id: int, now: datetime, actor: Actor) -> None:
    """End one sign-in of an account; ended twice is ended. Raises NotFound for somebody else's."""
    found = session.get(SignIn, sign_in_id)
    if found is None or found.account_id != account_id:
        raise NotFound()
    if found.ended_at is None:
        found.ended_at = now
        audit.record(session, now=now, actor=actor, action="sign_in_ended", subject=("account", account_id))
    session.flush()


def end_all_sign_ins(
    session: Session, *, account_id: int, except_id: int | None = None, now: datetime, actor: Actor
) -> int:
    """End every sign-in of an account, perhaps but one; returns how many were open."""
    open_ones = (SignIn.account_id == account_id, SignIn.ended_at.is_(None), SignIn.id != (except_id or 0))
    count = session.scalar(select(func.count()).select_from(SignIn).where(*open_ones)) or 0
    if count:
        session.execute(update(SignIn).where(*open_ones).values(ended_at=now))
        audit.record(session, now=now, actor=actor, action="sign_ins_ended", subject=("account", account_id))
        session.flush()
    return count


def forget_old_sign_ins(session: Session, *, now: datetime, dry_run: bool) -> int:
    """Delete sign-ins and one-time links that ended more than 30 days ago; returns how many there are."""
    before = now - KEEP_ENDED
    gone = or_(SignIn.ended_at < before, SignIn.last_seen_at < before)
    links = AccountLink.expires_at < before
    count = session.scalar(select(func.count()).select_from(SignIn).where(gone)) or 0
    count += session.scalar(select(func.count()).select_from(AccountLink).where(links)) or 0
    if not dry_run and count:
        session.execute(delete(SignIn).where(gone).execution_options(synchronize_session=False))
        session.execute(delete(AccountLink).where(links).execution_options(synchronize_session=False))
    return count

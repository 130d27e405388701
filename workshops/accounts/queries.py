"""Reads accounts, sign-ins and one-time links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from workshops.accounts import rules
from workshops.accounts.models import Account, AccountLink, SignIn
from workshops.core.addresses import email_key
from workshops.core.tokens import looks_like_token, token_hash

#: The purposes that tokens of this slice are hashed for.
SIGN_IN = "sign_in"
LINK = "account_link"


def account_by_id(session: Session, account_id: int) -> Account | None:
    return session.get(Account, account_id)


def account_by_email(session: Session, email: str) -> Account | None:
    return session.scalars(select(Account).where(Account.email_key == email_key(email))).one_or_none()


def all_accounts(session: Session) -> Sequence[Account]:
    """Everybody, active ones first, by name, or by address where there is no name yet."""
    shown = func.lower(func.coalesce(func.nullif(Account.name, ""), Account.email))
    return session.scalars(select(Account).order_by(Account.is_active.desc(), shown, Account.id)).all()


def last_seen(session: Session) -> dict[int, datetime]:
    """When each account was last signed in somewhere; accounts that never were are absent."""
    rows = session.execute(select(SignIn.account_id, func.max(SignIn.last_seen_at)).group_by(SignIn.account_id))
    return {account_id: seen for account_id, seen in rows.all()}  # noqa: C416 - dict() of rows has no types


def lock_account(session: Session, account_id: int) -> Account | None:
    """An account, to be changed in this transaction."""
    return session.scalars(
        select(Account).where(Account.id == account_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def lock_account_and_admins(session: Session, account_id: int) -> Sequence[Account]:
    """An account and all active admins, locked in one order, so that two admins cannot take each other away."""
    return session.scalars(
        select(Account)
        .where(or_(Account.id == account_id, (Account.role == "admin") & Account.is_active))
        .order_by(Account.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def live_sign_in(session: Session, token: str, now: datetime) -> SignIn | None:
    """The sign-in that a cookie's token opens, while it holds and its account is active."""
    if not looks_like_token(token):
        return None
    found = session.scalars(select(SignIn).where(SignIn.token_hash == token_hash(SIGN_IN, token))).one_or_none()
    if found is None or not found.account.is_active:
        return None
    return found if rules.is_live(found.created_at, found.last_seen_at, found.ended_at, now) else None


def live_sign_ins(session: Session, account_id: int, now: datetime) -> Sequence[SignIn]:
    """Where somebody is signed in, the latest use first."""
    return session.scalars(
        select(SignIn)
        .where(
            SignIn.account_id == account_id,
            SignIn.ended_at.is_(None),
            SignIn.created_at > now - rules.ABSOLUTE,
            SignIn.last_seen_at > now - rules.IDLE,
        )
        .order_by(SignIn.last_seen_at.desc(), SignIn.id.desc())
    ).all()


def link_by_token(session: Session, token: str) -> AccountLink | None:
    """A one-time link, whether it still works or not."""
    if not looks_like_token(token):
        return None
    return session.scalars(select(AccountLink).where(AccountLink.token_hash == token_hash(LINK, token))).one_or_none()


def lock_link(session: Session, token: str) -> AccountLink | None:
    """A one-time link, to be used in this transaction: of two sends at once only one finds it unused."""
    if not looks_like_token(token):
        return None
    return session.scalars(
        select(AccountLink)
        .where(AccountLink.token_hash == token_hash(LINK, token))
        .with_for_update(of=AccountLink)
        .execution_options(populate_existing=True)
    ).one_or_none()


def names_of(session: Session, account_ids: Iterable[int]) -> dict[int, str]:
    """{id: name, or the address where none is given} of these accounts."""
    rows = session.execute(select(Account.id, Account.name, Account.email).where(Account.id.in_(list(account_ids))))
    return {account_id: name or email for account_id, name, email in rows}

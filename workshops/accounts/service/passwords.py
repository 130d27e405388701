"""Passwords: argon2id, checked in the same time whether there is an account or not (security.md D.2 row 16)."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from workshops.accounts import queries, rules
from workshops.accounts.models import Account
from workshops.accounts.password_rules import MAX_LENGTH
from workshops.accounts.service.sign_ins import (
    Credentials,
    begin_sign_in,
    end_all_sign_ins,
    give_try_back,
)
from workshops.audit import service as audit
from workshops.audit.rules import Actor, staff
from workshops.config import Settings

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 rounds, 1 lane; a handful at once stays small.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def _bytes(password: str) -> bytes:
    # the same password typed on a Mac and on Windows may come in two forms
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def hash_password(password: str) -> str:
    """What is stored instead of a password. Takes tens of milliseconds: call it outside a transaction."""
    return _hasher.hash(_bytes(password))


def is_right(credentials: Credentials, password: str) -> bool:
    """Whether a password fits. Works as long for nobody's password as for somebody's; call it outside a transaction."""
    known = credentials.password_hash
    try:
        fits = _hasher.verify(known or _nobodys_hash(), _bytes(password[: MAX_LENGTH + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return fits and known is not None and len(password) <= MAX_LENGTH


def keep_password(session: Session, account: Account, *, password_hash: str, now: datetime, actor: Actor) -> None:
    """Put a new password in place; every sign-in made with the old one ends (ASVS 7.4.3)."""
    account.password_hash = password_hash
    account.password_set_at = now
    end_all_sign_ins(session, account_id=account.id, now=now, actor=actor)
    audit.record(
        session, now=now, actor=actor, action="password_set", subject=("account", account.id), fields=["password"]
    )
    session.flush()


def change_password(
    session: Session,
    *,
    credentials: Credentials,
    password_hash: str,
    origin: str,
    browser: str,
    now: datetime,
    settings: Settings,
) -> str:
    """Change one's own password, the current one having been right; returns the token of a new sign-in.

    Raises WrongPassword when it was changed elsewhere in between.
    """
    account = queries.lock_account(session, credentials.account_id) if credentials.account_id is not None else None
    if account is None or not account.is_active or account.password_hash != credentials.password_hash:
        raise rules.WrongPassword(field="current_password")
    give_try_back(session, email=account.email, origin=origin, now=now, settings=settings)
    keep_password(session, account, password_hash=password_hash, now=now, actor=staff(account.id))
    return begin_sign_in(session, account, browser=browser, now=now)

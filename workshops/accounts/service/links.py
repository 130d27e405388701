"""One-time links: made and mailed here, used only by POST, each once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from workshops.accounts import queries, rules
from workshops.accounts.models import Account, AccountLink
from workshops.accounts.service.passwords import keep_password
from workshops.accounts.service.sign_ins import begin_sign_in
from workshops.audit import service as audit
from workshops.audit.rules import Actor, staff
from workshops.config import Settings
from workshops.core.errors import NotFound
from workshops.core.london_time import deadline_words
from workshops.core.text import clean_text
from workshops.core.tokens import new_token, token_hash
from workshops.messages import service as messages

SERVICE = "Co-production events"


def make_link(session: Session, *, account: Account, purpose: str, now: datetime, settings: Settings) -> str:
    """A fresh one-time link as an absolute address; only its hash is kept.

    purpose: invitation (7 days), new_password (1 hour) or demonstration (24 hours).
    """
    return _make(session, account, purpose, now, settings)[1]


def _make(
    session: Session, account: Account, purpose: str, now: datetime, settings: Settings
) -> tuple[AccountLink, str]:
    token = new_token()
    link = AccountLink(
        account_id=account.id,
        purpose=purpose,
        token_hash=token_hash(queries.LINK, token),
        created_at=now,
        expires_at=now + rules.LINK_LIFE[purpose],
    )
    session.add(link)
    session.flush()
    return link, f"{settings.base_url}/staff/link/{token}"


def send_link(
    session: Session, *, account: Account, purpose: str, invited_by: str = "", now: datetime, settings: Settings
) -> None:
    """Mail a one-time link to set an account up (invitation) or to choose a new password."""
    link, address = _make(session, account, purpose, now, settings)
    messages.enqueue(
        session,
        kind=f"accounts/{purpose}",
        to_email=account.email,
        to_name=account.name,
        values=_values(account, link.expires_at, invited_by),
        links={"account": address},
        dedupe_key=f"account_link:{link.id}",
        about=("account", account.id),
        now=now,
        drop_after=link.expires_at,
        settings=settings,
    )


def _values(account: Account, expires_at: datetime, invited_by: str) -> dict[str, str]:
    return {
        "invited_by": invited_by or SERVICE,
        "role": account.role,
        "role_words": rules.ROLE_WORDS[account.role],
        "until": deadline_words(expires_at),
    }


def send_new_password_link(session: Session, *, email: str, now: datetime, settings: Settings) -> None:
    """Mail a link to choose a new password, if there is an account that may sign in.

    Without one, nearly the same work is done and thrown away, so that time tells no more than the answer.
    """
    account = queries.account_by_email(session, email)
    if account is not None and account.is_active:
        send_link(session, account=account, purpose="new_password", now=now, settings=settings)
        audit.record(session, now=now, actor=Actor("person"), action="link_sent", subject=("account", account.id))
        session.flush()
        return
    with session.begin_nested() as thrown_away:
        nobody = Account(email=email, name="", role="viewer")
        messages.enqueue(
            session,
            kind="accounts/new_password",
            to_email=email,
            values=_values(nobody, now, ""),
            links={"account": f"{settings.base_url}/staff/link/{new_token()}"},
            dedupe_key=f"account_link:none:{new_token()}",
            now=now,
            settings=settings,
        )
        thrown_away.rollback()


def _use(session: Session, token: str, purpose: str, now: datetime) -> Account:
    """Spend a link. Raises NotFound for an unknown one, LinkGone for one that no longer works."""
    link = queries.lock_link(session, token)
    if link is None or link.purpose != purpose:
        raise NotFound()
    account = queries.lock_account(session, link.account_id)
    if account is None or not account.is_active or not rules.link_works(link.used_at, link.expires_at, now):
        raise rules.LinkGone()
    link.used_at = now
    session.flush()
    return account


def _set_password(session: Session, account: Account, password_hash: str, browser: str, now: datetime) -> str:
    keep_password(session, account, password_hash=password_hash, now=now, actor=staff(account.id))
    void_links(session, account_id=account.id, now=now)
    return begin_sign_in(session, account, browser=browser, now=now)


def void_links(session: Session, *, account_id: int, now: datetime) -> None:
    """Make every link of an account that was not used yet useless."""
    session.execute(
        update(AccountLink)
        .where(AccountLink.account_id == account_id, AccountLink.used_at.is_(None))
        .values(used_at=now)
    )


def accept_invitation(
    session: Session, *, token: str, name: str, password_hash: str, browser: str, now: datetime
) -> str:
    """Set an account up: name and password, and a sign-in, whose token is returned. Raises NotFound, LinkGone."""
    account = _use(session, token, "invitation", now)
    account.name = clean_text(name)
    return _set_password(session, account, password_hash, browser, now)


def set_password_by_link(session: Session, *, token: str, password_hash: str, browser: str, now: datetime) -> str:
    """Choose a new password by link; returns the token of a new sign-in. Raises NotFound, LinkGone."""
    return _set_password(session, _use(session, token, "new_password", now), password_hash, browser, now)


def sign_in_by_link(session: Session, *, token: str, browser: str, now: datetime) -> str:
    """The demonstration's sign-in; returns its token. Raises NotFound, LinkGone."""
    return begin_sign_in(session, _use(session, token, "demonstration", now), browser=browser, now=now)

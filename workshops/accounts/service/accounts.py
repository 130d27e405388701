"""Making and changing accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workshops.accounts import queries, rules
from workshops.accounts.models import Account
from workshops.accounts.service.links import make_link, send_link, void_links
from workshops.accounts.service.sign_ins import end_all_sign_ins
from workshops.audit import service as audit
from workshops.audit.rules import Actor
from workshops.config import Settings
from workshops.core.addresses import clean_email, email_key
from workshops.core.errors import NotFound
from workshops.core.text import clean_text
from workshops.messages.models import OutboxMessage


@dataclass(frozen=True)
class Created:
    """A new account and the one-time link that sets it up."""

    account: Account
    link: str


def _add_account(session: Session, *, email: str, role: str, name: str, now: datetime, actor: Actor) -> Account:
    if role not in rules.ROLES:
        raise ValueError(f"{role!r} is no role")
    if queries.account_by_email(session, email) is not None:
        raise rules.AlreadyThere(field="email")
    address = clean_email(email)
    account = Account(
        email=address,
        email_key=email_key(address),
        name=clean_text(name)[: rules.MAX_NAME],
        role=role,
        is_active=True,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError:  # somebody else made it at the same moment
        raise rules.AlreadyThere(field="email") from None
    audit.record(session, now=now, actor=actor, action="account_created", subject=("account", account.id))
    return account


def create_account(
    session: Session, *, email: str, role: str, name: str = "", now: datetime, actor: Actor, settings: Settings
) -> Created:
    """Make an account without a password; the link to set it up is returned, and nobody is mailed.

    Raises AlreadyThere, and ValueError for a bad address or role.
    """
    account = _add_account(session, email=email, role=role, name=name, now=now, actor=actor)
    return Created(account, make_link(session, account=account, purpose="invitation", now=now, settings=settings))


def invite(
    session: Session,
    *,
    email: str,
    role: str,
    name: str = "",
    invited_by: str,
    now: datetime,
    actor: Actor,
    settings: Settings,
) -> Account:
    """Make an account and mail its owner the link to set it up. Raises AlreadyThere."""
    account = _add_account(session, email=email, role=role, name=name, now=now, actor=actor)
    send_link(session, account=account, purpose="invitation", invited_by=invited_by, now=now, settings=settings)
    return account


def change_account(
    session: Session,
    *,
    account_id: int,
    name: str,
    role: str,
    is_active: bool,
    sees_needs: bool | None = None,
    now: datetime,
    actor: Actor,
) -> Account:
    """Change somebody's name, role, or whether they may sign in or read needs; it takes effect at their next click.

    Raises NotFound, NotYourself, LastAdmin.
    """
    locked = queries.lock_account_and_admins(session, account_id)
    account = next((each for each in locked if each.id == account_id), None)
    if account is None:
        raise NotFound()
    before, after = rules.Standing(account.role, account.is_active), rules.Standing(role, is_active)
    others = sum(1 for each in locked if each.id != account_id and each.role == "admin" and each.is_active)
    actor_id = actor.id if actor.kind == "staff" else None
    rules.check_change(actor_id=actor_id, account_id=account_id, before=before, after=after, other_active_admins=others)
    values = {"name": clean_text(name)[: rules.MAX_NAME], "role": role, "is_active": is_active}
    if sees_needs is not None:
        values["sees_needs"] = sees_needs
    changed = [field for field, value in values.items() if getattr(account, field) != value]
    for field in changed:
        setattr(account, field, values[field])
    if before.is_active and not is_active:
        end_all_sign_ins(session, account_id=account_id, now=now, actor=actor)
        void_links(session, account_id=account_id, now=now)
    if changed:
        audit.record(
            session, now=now, actor=actor, action="account_changed", subject=("account", account_id), fields=changed
        )
    session.flush()
    return account


def change_own_name(session: Session, *, account_id: int, name: str, now: datetime, actor: Actor) -> None:
    """Change one's own name. Raises NotFound."""
    account = queries.lock_account(session, account_id)
    if account is None:
        raise NotFound()
    cleaned = clean_text(name)[: rules.MAX_NAME]
    if account.name != cleaned:
        account.name = cleaned
        audit.record(
            session, now=now, actor=actor, action="account_changed", subject=("account", account_id), fields=["name"]
        )
    session.flush()


def change_own_calendar(session: Session, *, account_id: int, wanted: bool, now: datetime, actor: Actor) -> None:
    """Whether the events somebody runs are sent to their own calendar. Raises NotFound."""
    account = queries.lock_account(session, account_id)
    if account is None:
        raise NotFound()
    if account.calendar_invitations != wanted:
        account.calendar_invitations = wanted
        audit.record(
            session, now=now, actor=actor, action="account_changed", subject=("account", account_id),
            fields=["calendar_invitations"],
        )
    session.flush()


def reason_not_to_send(session: Session, message: OutboxMessage, now: datetime) -> str | None:
    """Why a mail about an account must not go out any more, asked at the moment of sending."""
    account = queries.account_by_id(session, message.about_id) if message.about_id is not None else None
    return None if account is not None and account.is_active else "the account was closed"

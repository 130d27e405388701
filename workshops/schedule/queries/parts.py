"""What the pages that edit an event ask beside its details."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from workshops.accounts.models import Account


def names_of_accounts(session: Session, ids: Collection[int]) -> list[str]:
    """How these accounts are called, by name."""
    if not ids:
        return []
    rows = session.execute(
        select(Account.name, Account.email).where(Account.id.in_(ids)).order_by(Account.name, Account.id)
    )
    return [name or email for name, email in rows]

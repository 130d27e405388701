"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """Who makes a change. kind: staff, person, host, command or worker; id: account, registration or proposal."""

    kind: str
    id: int | None = None


COMMAND = Actor("command")
WORKER = Actor("worker")


def staff(account_id: int) -> Actor:
    """A signed-in account."""
    return Actor("staff", account_id)


def person(registration_id: int | None = None) -> Actor:
    """Somebody with a form or a personal link."""
    return Actor("person", registration_id)


def host(proposal_id: int) -> Actor:
    """Somebody behind the link of a proposal."""
    return Actor("host", proposal_id)

"""The address to which one person answers about one event: ours, with a part of its own (RFC 5233 calls it detail).

A calendar program sends its answer to the ORGANIZER of an invitation. The part in that address says whose answer it is
and cannot be guessed: it holds an HMAC under the instance's secret, so nothing needs to be stored, and who holds one
invitation can make none for anybody else. It is the same for as long as that address is at that event, so a calendar
never sees another organiser. Where no mailbox is read, the plain address stands everywhere.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.tokens import keyed_hash
from workshops.messages.models import OutboxMessage

PURPOSE = "calendar reply"
#: 80 bits in hexadecimal digits: small letters, because servers on the way may change capital ones.
_DIGITS = 20
#: RFC 5321 4.5.3.1.1.
LONGEST_LOCAL_PART = 64

_PART = re.compile(rf"i([1-9][0-9]{{0,9}})-([0-9a-f]{{{_DIGITS}}})")


@dataclass(frozen=True)
class Part:
    """What stands in an address between the plus sign and the @, not yet believed."""

    event_id: int
    proof: str


def reply_address(settings: Settings, *, event_id: int, address: str) -> str:
    """Where this person's answers about this event go; the plain address when no mailbox is read, or it is too long."""
    if settings.mailbox is None:
        return settings.mail_from
    local, _, domain = settings.mail_from.rpartition("@")
    local = f"{local}+i{event_id}-{_proof(settings, event_id, address)}"
    return f"{local}@{domain}" if len(local) <= LONGEST_LOCAL_PART else settings.mail_from


def sender_of(message: OutboxMessage, settings: Settings) -> str:
    """Who a message comes from: mail about a registration from where its answers go, as RFC 6047 wants."""
    if message.about_kind != "registration" or message.event_id is None:
        return settings.mail_from
    return reply_address(settings, event_id=message.event_id, address=message.to_email)


def parts_in(addresses: Iterable[str], settings: Settings) -> Iterator[Part]:
    """The parts of those addresses that are ours."""
    local, _, domain = settings.mail_from.lower().rpartition("@")
    for address in addresses:
        user, _, host = address.strip().lower().rpartition("@")
        if host != domain or not user.startswith(f"{local}+"):
            continue
        found = _PART.fullmatch(user[len(local) + 1 :])
        if found is not None:
            yield Part(int(found[1]), found[2])


def is_from(part: Part, address: str, settings: Settings) -> bool:
    """Whether a part was made for this address."""
    return hmac.compare_digest(part.proof, _proof(settings, part.event_id, address))


def _proof(settings: Settings, event_id: int, address: str) -> str:
    return keyed_hash(settings.secret_key, PURPOSE, f"{event_id}\0{email_key(address)}")[:_DIGITS]

"""Fixtures of the outbox."""

from __future__ import annotations

from tests.messages.outbox import mailbox

__all__ = ["mailbox"]

"""A real SMTP server that answers as it is told to: it refuses, delays, hangs, and goes away."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiosmtpd.controller import Controller


class Moody:
    """A mail server in a mood: what it answers to each recipient, and to the mail; who got a mail, how often."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.ids: dict[str, set[str]] = {}
        self.rcpt: Callable[[str], str] = lambda _: ""
        self.data: Callable[[str], str] = lambda _: ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._controller: Controller | None = None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.rcpt(address)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        (address,) = envelope.rcpt_tos
        answer = self.data(address)
        if answer == "hang":
            await asyncio.sleep(3600)
        if answer and not answer.startswith("250"):
            return answer
        self.got[address] += 1
        head = envelope.content.decode("ascii").partition("\r\n\r\n")[0]
        self.ids.setdefault(address, set()).update(line for line in head.split("\r\n") if "Message-ID" in line)
        return "250 kept"

    def come(self) -> None:
        """Answer at the port."""
        if self._controller is None:
            self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
            self._controller.start()

    def go(self) -> None:
        """Nobody answers any more."""
        controller, self._controller = self._controller, None
        if controller is not None:
            controller.stop(no_assert=True)

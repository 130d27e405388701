"""The connections of the web server: nobody holds a thread by sending slowly, and refusals are in words.

Gunicorn's threads wait for a request without limit, so a few telephones that lose their network in the middle
of a form would stop the service; and what it refuses itself (an address that is too long, say) it answers with
a page of its own. Both are put right here. Knows nothing of the application.
"""

from __future__ import annotations

import logging
import select
import time
from typing import Any

from gunicorn.http.unreader import SocketUnreader
from gunicorn.util import close_graceful
from gunicorn.workers.gthread import _DEFER, ThreadWorker

from workshops.web.headers import ALWAYS

#: How long one piece of a request may be on its way, and how long all of it.
PIECE_S = 20
REQUEST_S = 120
#: How long a new connection without a request keeps a thread before it waits without one.
#: (Browsers open some that they may never use.)
FIRST_BYTE_S = 0.1
#: How long a connection stays open after the last answer, for the other side to read it and close.
LINGER_S = 1.0

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>We could not read what was sent</title></head>
<body>
<h1>We could not read what was sent</h1>
<p>{reason} Nothing was changed.</p>
<p>Go back and try again, or <a href="/">begin at the start page</a>.</p>
</body>
</html>
"""
_REASONS = {
    "414": "The address is too long.",
    "431": "Your browser sent more than can be read, often because of old cookies.",
}
_USUAL_REASON = "Something in the address or in what your browser sent could not be used."


class _TimedReader(SocketUnreader):  # type: ignore[misc]
    """Reads a connection; one that stays silent for too long has gone away."""

    ends_at = 0.0

    def begin(self) -> None:
        """A request begins now."""
        self.ends_at = time.monotonic() + REQUEST_S

    def chunk(self, size_hint: int | None = None) -> bytes:
        waits_s = min(float(PIECE_S), self.ends_at - time.monotonic())
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        if waits_s <= 0 or not poll.poll(waits_s * 1000):
            self.ends_at = 0.0  # whoever asks again need not wait again
            return b""
        return bytes(super().chunk(size_hint))


class _Recorder:
    """Stands for a connection while gunicorn writes a refusal, and keeps what it wrote."""

    def __init__(self) -> None:
        self.written = b""

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, data: bytes) -> None:
        self.written += data


class _NamesNobody(logging.Filter):
    """Keeps addresses of people, and the personal links in what they asked for, out of gunicorn's log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.getMessage().startswith("Invalid request from"):
            return False  # answered in words; whoever sent it is nobody's business
        if str(record.msg).startswith("Error handling request"):
            record.msg, record.args = "Error outside the application", ()
        return True


def _is_closed(graceful: bool = False) -> None:
    """Stands for the closing of a connection that is closed already."""


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's threads, with an end to their patience."""

    def init_process(self) -> None:
        """What a new process does first; runs until it ends."""
        self.log.error_log.addFilter(_NamesNobody())
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """One request of a connection, in a thread."""
        if not conn.initialized:
            if not conn.wait_for_data(FIRST_BYTE_S):
                return _DEFER
            conn.init()
            conn.parser.unreader = _TimedReader(conn.sock)
        conn.parser.unreader.begin()
        goes_on = super().handle(conn)
        if not goes_on:
            # Gunicorn would do this in the one thread that accepts connections, and stand still for two seconds
            # with everybody who does not close theirs.
            close_graceful(conn.sock, timeout=LINGER_S)
            conn.close = _is_closed
        return goes_on

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """What is refused before the application sees it: the same status, in words, with the same headers."""
        record = _Recorder()
        super().handle_error(req, record, addr, exc)
        status = record.written.partition(b"\r\n")[0].decode("latin-1").removeprefix("HTTP/1.1 ")
        try:
            client.settimeout(PIECE_S)
            client.sendall(refusal(status))
        except OSError as error:
            self.log.debug("A refusal could not be sent: %s", type(error).__name__)


def refusal(status: str) -> bytes:
    """The whole answer for a status line such as "414 URI Too Long"."""
    body = _PAGE.format(reason=_REASONS.get(status.partition(" ")[0], _USUAL_REASON)).encode()
    headers = {
        **ALWAYS,
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
        "Connection": "close",
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(body)),
    }
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body

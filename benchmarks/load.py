"""The client: raw HTTP/1.1 over kept connections to this machine alone, from a process of its own.

Reads one job a line (JSON) from standard input and writes one result a line. It is bounded: a fixed number of
connections, each with one request under way, and a fixed number of requests.

A job: port, connections, count, and either `path` (GET it `count` times, with `headers`, expecting `status`) or
`form_path` and `send_path` (`count` people, each: load the form, send it, load the receipt).
A result: seconds, and the latencies of each kind of request in milliseconds.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import sys
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

_HIDDEN = re.compile(rb'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Response:
    """An answer: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Connection:
    """One kept connection; opened again when the server ended it."""

    port: int
    latencies: dict[str, list[float]]
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    host: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.host = f"Host: 127.0.0.1:{self.port}\r\n".encode()

    async def ask(self, kind: str, start: str, headers: bytes = b"", body: bytes = b"") -> Response:
        """One request; its latency is kept under `kind`."""
        request = start.encode() + b" HTTP/1.1\r\n" + self.host + headers + b"\r\n" + body
        began = time.perf_counter()
        for may_try_again in (True, False):
            try:
                response = await self._exchange(request)
                break
            except (ConnectionError, asyncio.IncompleteReadError):
                self.writer = None  # the server ended a connection that had been idle
                if not may_try_again:
                    raise
        self.latencies.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
        return response

    async def _exchange(self, request: bytes) -> Response:
        if self.writer is None or self.reader is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        headers = {}
        for line in head[1:-2]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if status == 304 else int(headers.get("content-length", "0"))
        body = await self.reader.readexactly(length) if length else b""
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Response(status, headers, body)

    def close(self) -> None:
        """End the connection."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None


async def get_page(connection: Connection, job: dict[str, Any]) -> None:
    """One GET."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in job.get("headers", {}).items()).encode()
    response = await connection.ask("page", f"GET {job['path']}", headers)
    _expect(response, job.get("status", 200), job["path"])


async def register_person(connection: Connection, job: dict[str, Any], number: int) -> None:
    """One person: form page, send, receipt."""
    form = await connection.ask("form", f"GET {job['form_path']}")
    _expect(form, 200, job["form_path"])
    fields = {name.decode(): html.unescape(value.decode()) for name, value in _HIDDEN.findall(form.body)}
    fields |= {"name": f"Example Person {number}", "email": f"measured{number}@example.org", "if_full": "wait"}
    fields |= {"organisation": "Example Council", "sector": "council", "question": "What would you do first?"}
    body = urlencode(fields).encode()
    headers = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
    if "set-cookie" in form.headers:
        headers += f"Cookie: {form.headers['set-cookie'].split(';')[0]}\r\n"
    sent = await connection.ask("send", f"POST {job['send_path']}", headers.encode(), body)
    _expect(sent, 303, job["send_path"])
    receipt = urlsplit(sent.headers["location"]).path
    _expect(await connection.ask("receipt", f"GET {receipt}"), 200, receipt)


def _expect(response: Response, status: int, path: str) -> None:
    if response.status != status:
        raise SystemExit(f"{path} answered {response.status}, not {status}")


async def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job with its connections; each takes the next request as soon as it is free."""
    latencies: dict[str, list[float]] = {}
    numbers = iter(range(job.get("first", 0), job.get("first", 0) + job["count"]))

    async def work() -> None:
        connection = Connection(job["port"], latencies)
        for number in numbers:
            if "path" in job:
                await get_page(connection, job)
            else:
                await register_person(connection, job, number)
        connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(job["connections"])))
    return {"seconds": time.perf_counter() - began, "latencies": latencies}


def main() -> None:
    """Jobs in, results out, until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(asyncio.run(run(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()

"""The web server under people who send slowly, too much or nothing that can be read."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from workshops.web.connections import _NamesNobody, refusal
from workshops.web.headers import CONTENT_SECURITY_POLICY

#: A bare application behind our worker, with two threads and little patience.
SERVER = """
import sys
from gunicorn.app.base import BaseApplication
from workshops.web import connections

connections.PIECE_S, connections.REQUEST_S = 0.5, 2

class Server(BaseApplication):
    def load_config(self):
        for name, value in {"bind": sys.argv[1], "threads": 2, "loglevel": "critical", "control_socket_disable": True,
                            "worker_class": "workshops.web.connections.PatientWorker"}.items():
            self.cfg.set(name, value)

    def load(self):
        def app(environ, start_response):
            body = b"%d" % len(environ["wsgi.input"].read())
            start_response("200 OK", [("Content-Length", str(len(body)))])
            return [body]
        return app

Server().run()
"""
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    running = subprocess.Popen([sys.executable, "-c", SERVER, f"127.0.0.1:{number}"])
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", number)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield number
    finally:
        running.terminate()
        running.wait(20)


def asked(port: int, sent: bytes, timeout_s: float = 10) -> bytes:
    """Everything that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(sent)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def test_requests_that_never_end_do_not_stop_the_others(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(6)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    try:
        assert asked(port, GET).startswith(b"HTTP/1.1 200")
    finally:
        for connection in slow:
            connection.close()


def test_people_who_do_not_close_their_connection_hold_up_nobody(port: int) -> None:
    left_open = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(6)]
    begun = time.monotonic()
    for connection in left_open:
        connection.sendall(GET)
    assert asked(port, GET).startswith(b"HTTP/1.1 200")
    # six one after the other in the thread that accepts connections would take twelve seconds
    assert time.monotonic() - begun < 8
    assert all(connection.recv(100).startswith(b"HTTP/1.1 200") for connection in left_open)
    for connection in left_open:
        connection.close()


def test_connections_without_a_request_cost_no_thread(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        begun = time.monotonic()
        assert asked(port, GET).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - begun < 5
    finally:
        for connection in idle:
            connection.close()


def test_a_body_that_stops_coming_is_taken_as_it_is(port: int) -> None:
    answer = asked(port, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\nConnection: close\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"\r\n\r\n3")


def test_a_request_may_come_in_pieces(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for piece in (GET[:10], GET[10:30], GET[30:]):
            connection.sendall(piece)
            time.sleep(0.2)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nCookie: " + b"a" * 9_000 + b"\r\n\r\n", b"431"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    ],
)
def test_what_the_server_refuses_itself_is_said_in_words_with_our_headers(
    port: int, sent: bytes, status: bytes
) -> None:
    head, _, body = asked(port, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert f"Content-Security-Policy: {CONTENT_SECURITY_POLICY}".encode() in head
    assert b"<h1>We could not read what was sent</h1>" in body


@pytest.mark.parametrize(
    ("message", "values", "said"),
    [
        ("Invalid request from ip=192.0.2.1: Invalid HTTP request line: '/places/secret'", (), None),
        ("Error handling request %s %s", ("GET", "/places/secret"), "Error outside the application"),
        ("Worker exiting (pid: %s)", (7,), "Worker exiting (pid: 7)"),
    ],
)
def test_the_log_of_the_server_names_nobody(message: str, values: tuple[object, ...], said: str | None) -> None:
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "", 0, message, values, None)
    assert (record.getMessage() if _NamesNobody().filter(record) else None) == said


def test_a_refusal_holds_nothing_of_what_was_sent() -> None:
    assert b"too long" in refusal("414 URI Too Long")
    assert b"Something in the address" in refusal("400 Bad Request")

"""Connections that send no request are closed in time, and make room for others. Needs the extra demo."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="needs the extra demo")


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request, the one for /slow after a second."""
    await asyncio.sleep(1.0 if scope["path"] == "/slow" else 0.0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server with a deadline of half a second, and three connections at once."""
    from srntt.demo import _connections

    monkeypatch.setattr(_connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(_connections, "_MOST", 3)
    config = uvicorn.Config(answering, port=0, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    _connections.limit_connections(server)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()
    assert not _connections._waiting


def opened(port: int, content: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(content)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server closes the connection without an answer; waits for either."""
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


def status(port: int, path: str = "/") -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    connection.close()
    return answer.status


@pytest.mark.parametrize("content", [b"", b"GET / HTTP/1.1\r\nHost: x"])
def test_a_connection_without_a_request_is_closed(port: int, content: bytes) -> None:
    began = time.monotonic()
    with opened(port, content) as connection:
        assert is_closed(connection)
    assert time.monotonic() - began > 0.4


def test_a_head_that_trickles_is_closed(port: int) -> None:
    def trickle(connection: socket.socket) -> None:
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.1)

    with opened(port, b"GET / HTTP/1.1\r\nX: ") as connection, pytest.raises(ConnectionError):
        trickle(connection)


def test_so_is_the_second_head_on_a_connection(port: int) -> None:
    with opened(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / HTTP/1.1\r\n")
        while received := _received(connection):
            assert b"200" not in received


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1000)
    except ConnectionResetError:
        return b""


def test_an_answer_may_take_longer(port: int) -> None:
    assert status(port, "/slow") == 200


def test_silent_connections_make_room(port: int) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(opened(port)) for _ in range(20)]
        assert status(port) == 200
        assert all(map(is_closed, silent))


def test_the_limit_follows_that_of_the_process(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from srntt.demo import _connections

    monkeypatch.setattr(_connections, "_most_descriptors", lambda: 2)
    monkeypatch.setattr(_connections, "HEAD_SECONDS", 60.0)
    with opened(port) as first, opened(port) as second:
        assert is_closed(first)
        second.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not is_closed(second)

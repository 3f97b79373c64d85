"""Attacks on a running server of the page, over sockets: what a browser or a visitor's program may send."""

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path

import pytest
from load.server import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("gradio") is None, reason="needs the extra demo: gradio is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="reads memory from /proc"),
]
UPLOAD, JOIN = "/gradio_api/upload", "/gradio_api/queue/join"
MIB = 2**20
FORM = "multipart/form-data; boundary=b"
FIELD = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nx\r\n--b--\r\n'
SECONDS = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"), "--model", "lite-rec")
    yield started
    started.stop()
    assert "Traceback" not in started.log()


@pytest.fixture
def ask(server: Server) -> Callable[..., tuple[int, bytes]]:
    def ask(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read()
        finally:
            connection.close()

    return ask


def sent(server: Server, head: str, body: bytes = b"") -> socket.socket:
    """A connection on which a request was sent; the server may close it before it has read everything."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS)
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    return connection


def status_of(connection: socket.socket) -> int | None:
    """The status of the response; None if the server closed the connection without one."""
    with connection:
        try:
            line = connection.recv(100).split()
        except ConnectionResetError:
            return None
    return int(line[1]) if line else None


def mib(server: Server) -> float:
    """Resident memory of the server."""
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) / 1024


def test_a_chunked_body_cannot_hide_behind_a_length(server: Server) -> None:
    chunk = b"100000\r\n" + bytes(MIB) + b"\r\n"
    head = f"POST {UPLOAD} HTTP/1.1\nHost: 127.0.0.1\nContent-Type: {FORM}\nTransfer-Encoding: chunked"
    for more in ("\nContent-Length: 5", ""):
        assert status_of(sent(server, head + more, chunk * 8)) in (400, None)
    assert server.uploads() == []


def test_fields_of_a_form_do_not_stay_in_memory(server: Server, ask: Callable[..., tuple[int, bytes]]) -> None:
    before = mib(server)
    body = FIELD + bytes(64 * MIB) + b"\r\n--b--\r\n"
    head = f"POST {UPLOAD} HTTP/1.1\nHost: 127.0.0.1\nContent-Type: {FORM}\nContent-Length: {len(body)}"
    assert status_of(sent(server, head, body)) in (413, None)
    assert mib(server) - before < 16
    assert ask("POST", UPLOAD, FILE, Content_Type=FORM)[0] == 200


def test_half_sent_requests_hold_little_and_the_page_stays_reachable(
    server: Server, ask: Callable[..., tuple[int, bytes]]
) -> None:
    before = mib(server)
    with ExitStack() as stack:
        for path, kind, begun in ((JOIN, "application/json", bytes(MIB - 10)), (UPLOAD, FORM, FIELD + bytes(8000))):
            head = f"POST {path} HTTP/1.1\nHost: 127.0.0.1\nContent-Type: {kind}\nContent-Length: {MIB - 1}"
            for _ in range(60):
                stack.enter_context(sent(server, head, begun))
        assert ask("GET", "/config")[0] == 200
        assert ask("POST", JOIN, b"{}", Content_Type="application/json")[0] == 503
        assert mib(server) - before < 80
    assert ask("GET", "/config")[0] == 200


@pytest.mark.parametrize("depth", [100, 990, 300_000])
def test_deep_json_is_refused(ask: Callable[..., tuple[int, bytes]], depth: int) -> None:
    body = b'{"data": ' + b"[" * depth + b"]" * depth + b"}"
    assert ask("POST", JOIN, body, Content_Type="application/json")[0] == 400


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}])
def test_other_sites_cannot_upload(
    server: Server, ask: Callable[..., tuple[int, bytes]], headers: dict[str, str]
) -> None:
    there = len(server.uploads())
    assert ask("POST", UPLOAD, FILE, Content_Type=FORM, **headers)[0] == 403
    assert ask("POST", JOIN, b"{}", Content_Type="application/json", **headers)[0] == 403
    assert len(server.uploads()) == there

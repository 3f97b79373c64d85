"""What the guard refuses, and that it passes the rest through unchanged."""

import asyncio
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from srntt.demo._guard import LOOPBACK, Guard
from srntt.demo._uploads import Uploads


class Echo:
    """An application that remembers the body it was sent."""

    body: bytes | None = None

    async def __call__(self, scope, receive, send) -> None:
        self.body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("gone")
            self.body += message["body"]
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"kept")]})
        await send({"type": "http.response.body", "body": b"done"})


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path, 70_000)


@pytest.fixture
def ask(uploads: Uploads):
    def ask(method: str, path: str, *parts: bytes, hosts: tuple[str, ...] = LOOPBACK, **headers: str):
        app, sent = Echo(), []
        guard = Guard(app, hosts, uploads, max_upload=1000)
        given = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
        waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        waiting.append({"type": "http.request", "body": b"", "more_body": False})

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        asyncio.run(guard({"type": "http", "method": method, "path": path, "headers": raw}, receive, send))
        return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}, app.body

    return ask


def test_passes_through_and_says_that_nothing_comes_from_elsewhere(ask) -> None:
    status, headers, _ = ask("GET", "/")
    assert status == 200
    assert headers["x-own"] == "kept"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "://" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:7860", "localhost:1", "LOCALHOST", "[::1]:7860"])
def test_own_names(ask, host: str) -> None:
    assert ask("GET", "/", host=host)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7860", ""])
def test_another_s_name_is_refused_unless_all_are_welcome(ask, host: str) -> None:
    assert ask("GET", "/", host=host)[0] == 421
    assert ask("GET", "/", host=host, hosts=())[0] == 200


@pytest.mark.parametrize("path", ["/gradio_api/file=http://a/b", "/gradio_api/file=https://a", "/gradio_api/proxy=x"])
def test_nothing_is_fetched_for_a_browser(ask, path: str) -> None:
    assert ask("GET", path)[0] == 404


@pytest.mark.parametrize(
    ("length", "status"), [("66536", 200), ("66537", 413), ("", 411), ("-5", 411), ("1e9", 411), ("9" * 30, 413)]
)
def test_size_of_an_upload(ask, length: str, status: int) -> None:
    assert ask("POST", "/gradio_api/upload", b"x", content_length=length)[0] == status


def test_a_full_folder_takes_no_more(ask, uploads: Uploads) -> None:
    assert ask("POST", "/gradio_api/upload", b"x", content_length="60000")[0] == 200
    with uploads.taking(5000):  # another, on its way
        assert ask("POST", "/gradio_api/upload", b"x", content_length="5001")[0] == 507
        assert ask("POST", "/gradio_api/upload", b"x", content_length="5000")[0] == 200
    assert ask("POST", "/gradio_api/upload", b"x", content_length="1")[0] == 507
    assert ask("GET", "/gradio_api/upload_progress")[0] == 200


@pytest.mark.parametrize("gone", [True, False])
def test_an_upload_that_is_broken_off_is_no_error_of_the_server_s(uploads: Uploads, gone: bool) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"} if gone else {"type": "http.request"}  # which is malformed

    async def send(message: Any) -> None:
        pytest.fail(f"nobody listens to {message}")

    headers = [(b"host", b"localhost"), (b"content-length", b"30000")]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": headers}
    requests = Guard(Echo(), LOOPBACK, uploads, max_upload=1000)(scope, receive, send)
    with nullcontext() if gone else pytest.raises(KeyError):
        asyncio.run(requests)
    assert not uploads.has_room(40_001)


def test_other_bodies_arrive_whole_and_are_bounded(ask) -> None:
    assert ask("POST", "/gradio_api/queue/join", b'{"data"', b": []}")[::2] == (200, b'{"data": []}')
    assert ask("POST", "/gradio_api/queue/join", bytes(2**19), bytes(2**19))[0] == 200
    assert ask("POST", "/gradio_api/queue/join", bytes(2**19), bytes(2**19), b"x")[::2] == (413, None)


@pytest.mark.parametrize("address", ["http://a.example/b.png", "https://a.example", "file:///etc/passwd"])
def test_files_by_address_are_refused(ask, address: str) -> None:
    body = json.dumps({"data": [None, [{"path": address, "meta": {"_type": "gradio.FileData"}}]]})
    assert ask("POST", "/gradio_api/queue/join", body.encode())[::2] == (400, None)
    escaped = body.replace("://", ":\\u002f/")
    assert ask("POST", "/gradio_api/queue/join", escaped.encode())[0] == 400


def test_uploaded_files_are_taken(ask) -> None:
    body = b'{"data": [{"path": "/tmp/x/uploads/a/small.png", "url": "http://127.0.0.1:7860/gradio_api/file=x"}]}'
    assert ask("POST", "/gradio_api/queue/join", body)[::2] == (200, body)

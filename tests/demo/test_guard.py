"""What the guard refuses, and that it passes the rest through unchanged."""

# Each refusal here was an attack on the page; tests/attacks/page.py tries the same on a running server.

import asyncio
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from srntt.demo import _bodies, _guard
from srntt.demo._bodies import FORM_BYTES, RefusedError, UploadMeter
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


FORM = "multipart/form-data; boundary=b"


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form: disposition and content of each part."""
    body = b"".join(
        b"--b\r\nContent-Disposition: form-data; " + about.encode() + b"\r\n\r\n" + content + b"\r\n"
        for about, content in parts
    )
    return body + b"--b--\r\n"


FILE = form(('name="files"; filename="a.png"', b"x"))


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path, 70_000)


@pytest.fixture
def ask(uploads: Uploads):
    def ask(method: str, path: str, *parts: bytes, hosts: tuple[str, ...] = LOOPBACK, **headers: str):
        app, sent = Echo(), []
        guard = Guard(app, hosts, uploads, max_upload=1000, functions=range(3))
        given = {
            "host": "127.0.0.1:7860",
            "content-type": FORM,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
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
    ("length", "status"),
    [
        (str(1000 + FORM_BYTES), 200),
        (str(1001 + FORM_BYTES), 413),
        ("", 411),
        ("-5", 411),
        ("1e9", 411),
        ("9" * 30, 413),
    ],
)
def test_size_of_an_upload(ask, length: str, status: int) -> None:
    assert ask("POST", "/gradio_api/upload", FILE, content_length=length)[0] == status


def test_a_full_folder_takes_no_more(ask, uploads: Uploads) -> None:
    uploads._stored = 60_000
    with uploads.taking(5000):  # another, on its way
        assert ask("POST", "/gradio_api/upload", FILE, content_length="5001")[0] == 507
        assert ask("POST", "/gradio_api/upload", FILE, content_length="5000")[0] == 200
    assert ask("POST", "/gradio_api/upload", FILE, content_length="5001")[0] == 507
    assert ask("GET", "/gradio_api/upload_progress")[0] == 200


@pytest.mark.parametrize("gone", [True, False])
def test_an_upload_that_is_broken_off_is_no_error_of_the_server_s(uploads: Uploads, gone: bool) -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"} if gone else {"type": "http.request", "body": b""}  # which is malformed

    async def send(message: Any) -> None:
        pytest.fail(f"nobody listens to {message}")

    headers = [(b"host", b"localhost"), (b"content-length", b"15000"), (b"content-type", FORM.encode())]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": headers}
    requests = Guard(Echo(), LOOPBACK, uploads, max_upload=1000, functions=range(3))(scope, receive, send)
    with nullcontext() if gone else pytest.raises(KeyError):
        asyncio.run(requests)
    assert not uploads.has_room(55_001)


def test_other_bodies_arrive_whole_and_are_bounded(ask) -> None:
    assert ask("POST", "/gradio_api/queue/join", b'{"data"', b": []}")[::2] == (200, b'{"data": []}')
    long = b'"' + b"x" * (2**20 - 2) + b'"'
    assert ask("POST", "/gradio_api/queue/join", long[: 2**19], long[2**19 :])[0] == 200
    assert ask("POST", "/gradio_api/queue/join", long[: 2**19], long[2**19 :], b" ")[::2] == (413, None)
    for length, status in ((str(2**20), 200), (str(2**20 + 1), 413), ("9" * 5000, 413)):
        assert ask("POST", "/gradio_api/queue/join", b"{}", content_length=length)[0] == status


@pytest.mark.parametrize("address", ["http://a.example/b.png", "https://a.example", "file:///etc/passwd"])
def test_files_by_address_are_refused(ask, address: str) -> None:
    body = json.dumps({"data": [None, [{"path": address, "meta": {"_type": "gradio.FileData"}}]]})
    assert ask("POST", "/gradio_api/queue/join", body.encode())[::2] == (400, None)
    escaped = body.replace("://", ":\\u002f/")
    assert ask("POST", "/gradio_api/queue/join", escaped.encode())[0] == 400


def test_uploaded_files_are_taken(ask) -> None:
    body = b'{"data": [{"path": "/tmp/x/uploads/a/small.png", "url": "http://127.0.0.1:7860/gradio_api/file=x"}]}'
    assert ask("POST", "/gradio_api/queue/join", body)[::2] == (200, body)


@pytest.mark.parametrize("body", [b"[" * 30 + b"]" * 30, b"", b'{"data": []}'])
def test_usual_json_is_taken(ask, body: bytes) -> None:
    assert ask("POST", "/gradio_api/queue/join", body)[0] == 200


@pytest.mark.parametrize("depth", [40, 900, 100_000])
def test_deep_json_is_refused(ask, depth: int) -> None:
    for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
        body = opened * depth + b"1" + closed * depth
        assert ask("POST", "/gradio_api/queue/join", body)[::2] == (400, None)


@pytest.mark.parametrize("number", ["0", "2", "null"])
def test_functions_of_the_page_are_called(ask, number: str) -> None:
    assert ask("POST", "/gradio_api/run/predict", f'{{"fn_index": {number}}}'.encode())[0] == 200


@pytest.mark.parametrize("number", ["-1", "3", "1.0", "true", '"1"', "[]"])
def test_other_functions_are_not(ask, number: str) -> None:
    """Gradio raised KeyError, and logged a traceback."""
    assert ask("POST", "/gradio_api/queue/join", f'{{"fn_index": {number}}}'.encode())[::2] == (400, None)


@pytest.mark.parametrize(
    "path", ["/gradio_api/run/x", "/gradio_api/call/x", "/gradio_api/call/v2/x", "/gradio_api/api/x"]
)
def test_functions_have_no_names(ask, path: str) -> None:
    assert ask("POST", path, b"{}")[::2] == (404, None)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"1" * 5000, b"a=1&b=2", b"NaN", b"[1e400]", b"-Infinity"])
def test_what_is_not_json_is_refused(ask, body: bytes) -> None:
    assert ask("POST", "/gradio_api/queue/join", body)[::2] == (400, None)


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join"])
def test_a_transfer_encoding_with_a_length_is_refused(ask, path: str) -> None:
    assert ask("POST", path, FILE, content_length="500", transfer_encoding="chunked")[::2] == (400, None)
    assert ask("POST", "/gradio_api/upload", FILE, transfer_encoding="chunked")[::2] == (400, None)
    assert ask("POST", "/gradio_api/queue/join", b"{}", transfer_encoding="chunked")[0] == 200


def test_more_than_was_declared_is_cut_off(ask) -> None:
    assert ask("POST", "/gradio_api/upload", FILE, b"x" * 100, content_length=str(len(FILE)))[0] == 413
    assert ask("POST", "/gradio_api/upload", FILE, content_length=str(len(FILE)))[::2] == (200, FILE)


def test_what_an_upload_contains_in_addition_to_its_files_is_bounded(ask) -> None:
    large = form(('name="files"; filename="a.png"', bytes(30_000)))
    meter = UploadMeter(FORM, len(large))
    for at in range(0, len(large), 1000):
        meter.count(large[at : at + 1000])
    many = form(*[('name="files"; filename="a.png"', b"")] * 400)
    with pytest.raises(RefusedError, match="in addition to its files") as refused:
        UploadMeter(FORM, len(many)).count(many)
    assert refused.value.status == 413
    assert ask("POST", "/gradio_api/upload", bytes(500), content_length="500")[::2] == (400, b"")


@pytest.mark.parametrize("about", ['name="field"', 'name="filename"', 'name="a"; x-filename=b', ""])
def test_an_upload_contains_files_only(ask, about: str) -> None:
    """With an upload_id, Gradio failed on other fields."""
    body = form(('name="files"; filename="a.png"', b"x"), (about, b""))
    with pytest.raises(RefusedError, match="has no file name") as refused:
        UploadMeter(FORM, len(body)).count(body)
    assert refused.value.status == 400


@pytest.mark.parametrize("charset", ["undefined", "hex", "utf-16", '"undefined"', "idna"])
def test_the_character_set_of_an_upload_is_utf_8(ask, charset: str) -> None:
    """Gradio failed on codecs of Python that are none of text."""
    for kind, status in ((f"{FORM}; charset={charset}", 400), (f"{FORM}; charset=UTF-8", 200)):
        assert ask("POST", "/gradio_api/upload", FILE, content_length=str(len(FILE)), content_type=kind)[0] == status


def test_the_first_of_several_headers_counts(uploads: Uploads) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    kinds = [(b"content-type", kind.encode()) for kind in (f"{FORM}; charset=undefined", FORM)]
    headers = [(b"host", b"localhost"), (b"content-length", b"90"), *kinds]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/upload", "headers": headers}
    asyncio.run(Guard(Echo(), LOOPBACK, uploads, 1000, range(3))(scope, None, send))  # pyright: ignore
    assert sent[0]["status"] == 400


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "text/plain; boundary=b", "", FORM + "b" * 999]
)
def test_an_upload_is_a_form(ask, kind: str) -> None:
    assert ask("POST", "/gradio_api/upload", FILE, content_length="100", content_type=kind)[::2] == (400, None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "same-origin", "origin": "https://proxy.example"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"origin": "http://127.0.0.1:7860"}, 200),
        ({"origin": "http://127.0.0.1:3000"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://[x"}, 403),
        ({"origin": "http://127.0.0.1:7860@evil.example"}, 403),
    ],
)
def test_requests_from_other_sites_are_refused(ask, headers: dict[str, str], status: int) -> None:
    for path, body in (("/gradio_api/upload", FILE), ("/gradio_api/queue/join", b"{}")):
        assert ask("POST", path, body, content_length=str(len(body)), **headers)[0] == status
        assert ask("GET", path, **headers)[0] == 200, "links to the page work"


def _never(guard: Guard, path: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Sends half of a body; returns the status."""
    monkeypatch.setattr(_bodies.next_part, "__defaults__", (0.05,))
    monkeypatch.setattr(_bodies, "SILENT_SECONDS", 0.05)
    sent: list[Any] = []
    parts = [{"type": "http.request", "body": FILE[:10], "more_body": True}]

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", b"90"), (b"content-type", FORM.encode())]
    asyncio.run(guard({"type": "http", "method": "POST", "path": path, "headers": headers}, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join"])
def test_a_body_that_does_not_arrive_is_abandoned(uploads: Uploads, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _never(Guard(Echo(), LOOPBACK, uploads, max_upload=1000, functions=range(3)), path, monkeypatch) == 408


def test_too_many_at_once_are_refused(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_guard, "_MOST_UPLOADS", 0)
    monkeypatch.setattr(_guard, "_MOST_BODIES", 0)
    assert ask("POST", "/gradio_api/upload", FILE, content_length="100")[::2] == (503, None)
    assert ask("POST", "/gradio_api/queue/join", b"{}")[::2] == (503, None)
    assert ask("GET", "/")[0] == 200
    monkeypatch.setattr(_guard, "_MOST_REQUESTS", 0)
    assert ask("GET", "/")[::2] == (503, None)


def test_websockets_are_closed(uploads: Uploads) -> None:
    sent = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Guard(Echo(), LOOPBACK, uploads, 1, ())({"type": "websocket"}, None, send))  # pyright: ignore
    assert sent == [{"type": "websocket.close", "code": 1000}]

"""ASGI middleware that restricts the requests to Gradio and its responses.

It refuses requests for other host names (DNS rebinding), uploads beyond the limits, and anything that would make the
server or the browser fetch from other hosts.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from srntt.demo._uploads import Uploads

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BODY_BYTES = 2**20  #: limit for requests other than uploads: file names and the name of a model
_FORM_BYTES = 2**16  #: limit for an upload without its files
_HEADERS = {
    # Gradio uses inline scripts and styles, and creates templates with Function().
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; media-src 'self' blob:; "
        "worker-src 'self' blob:; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Guard:
    """ASGI middleware.

    Args:
        app: Application to protect.
        hosts: Allowed host names; empty for any.
        uploads: Stored uploads; further ones are refused while there is no space.
        max_upload: Maximum size of an upload in bytes; it may contain several files.
    """

    def __init__(self, app: App, hosts: tuple[str, ...], uploads: Uploads, max_upload: int) -> None:
        self._app, self._hosts, self._uploads = app, hosts, uploads
        self._max_upload = max_upload + _FORM_BYTES

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if refusal := self._refuse(scope, headers):
            return await _answer(send, *refusal)
        if _is_upload(scope):
            with self._uploads.taking(int(headers["content-length"])):
                return await self._upload(scope, receive, send)
        if scope["method"] == "POST":
            body = await _whole_body(receive)
            if body is None:
                return await _answer(send, 413, f"The limit is {_BODY_BYTES} bytes.")
            if _names_an_address(body):
                return await _answer(send, 400, "Upload files; addresses are not accepted.")
            receive = _again(body, receive)
        return await self._app(scope, receive, _with_headers(send))

    async def _upload(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Forward an upload; an upload aborted by the visitor is not an error of the server."""
        gone = False

        async def receiving() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "http.disconnect"
            return message

        try:
            await self._app(scope, receiving, _with_headers(send))
        except Exception:
            if not gone:
                raise

    def _refuse(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> tuple[int, str] | None:
        if self._hosts and _host_of(headers.get("host", "")) not in self._hosts:
            return 421, "This server answers to its own address only."
        if "/file=http" in scope["path"] or "/proxy=" in scope["path"]:
            return 404, "Nothing is fetched from other hosts."
        if not _is_upload(scope):
            return None
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "The length of the upload is required (Content-Length)."
        if int(length) > self._max_upload:
            return 413, f"The upload has {int(length):,} bytes; the limit is {self._max_upload:,}."
        if not self._uploads.has_room(int(length)):
            return 507, "There is no space for more pictures now. Try again later."
        return None


def _is_upload(scope: MutableMapping[str, Any]) -> bool:
    return scope["method"] == "POST" and scope["path"].endswith("/upload")


def _host_of(header: str) -> str:
    """Return the host of ``127.0.0.1:7860`` or ``[::1]:7860``, without brackets and port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


async def _whole_body(receive: Receive) -> bytes | None:
    """Read the body of a request; return None if it is too long."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        if sum(map(len, parts)) > _BODY_BYTES:
            return None
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Replay the body, then pass on further messages (such as a disconnect)."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _names_an_address(body: bytes) -> bool:
    """Return whether a request gives a URL as the path of a file, which Gradio would download."""
    try:
        waiting = [json.loads(body)]
    except ValueError:
        return False
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and "://" in path:
                return True
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return False


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", []), *ours]}
        await send(message)

    return sending


async def _answer(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})

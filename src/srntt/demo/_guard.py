"""ASGI middleware that restricts the requests to Gradio and its responses.

It refuses requests for other host names (DNS rebinding) and from other sites, uploads beyond the limits, too many
requests at once, and anything that would make the server or the browser fetch from other hosts.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Container, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from srntt.demo._bodies import (
    BODY_BYTES,
    FORM_BYTES,
    WHOLE_SECONDS,
    Message,
    Receive,
    RefusedError,
    UploadMeter,
    check_json,
    next_part,
    whole_body,
)
from srntt.demo._uploads import Uploads

Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_REQUESTS = 256  # at once, of which an open page holds two or three
_MOST_UPLOADS = 128  # at once
_MOST_BODIES = 48  # of other requests, held in memory while they arrive
_NAMED_FUNCTION = re.compile("/(run/(?!predict/?$)|api/|call/)")  # the page calls its functions by number
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
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
        functions: Numbers of the functions of the page.
    """

    def __init__(
        self, app: App, hosts: tuple[str, ...], uploads: Uploads, max_upload: int, functions: Container[int]
    ) -> None:
        self._app, self._hosts, self._uploads, self._functions = app, hosts, uploads, functions
        self._max_upload = max_upload + FORM_BYTES
        self._requests = self._sending = self._bodies = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # which the page does not use
            return await send({"type": "websocket.close", "code": 1000})
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        answer = _Answer(send)
        try:
            with self._counted("_requests", _MOST_REQUESTS):
                await self._admitted(scope, receive, answer)
        except RefusedError as refused:
            await answer.refuse(refused.status, refused.text)

    async def _admitted(self, scope: MutableMapping[str, Any], receive: Receive, answer: "_Answer") -> None:
        given = reversed(scope["headers"])  # of several, the first counts, as for Gradio
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in given}
        self._refuse(scope, headers)
        if _is_upload(scope):
            length = int(headers["content-length"])
            meter = UploadMeter(headers.get("content-type", ""), length)
            with self._counted("_sending", _MOST_UPLOADS), self._uploads.taking(length):
                return await self._upload(scope, receive, answer, meter)
        if scope["method"] not in _SAFE_METHODS:
            with self._counted("_bodies", _MOST_BODIES):
                body = await whole_body(receive)
            check_json(body, self._functions)
            receive = _again(body, receive)
        return await self._app(scope, receive, answer)

    @contextmanager
    def _counted(self, name: str, most: int) -> Iterator[None]:
        """Count what is under way; refuse more than the limit."""
        if getattr(self, name) >= most:
            raise RefusedError(503, "Too many requests at once. Try again in a minute.")
        setattr(self, name, getattr(self, name) + 1)
        try:
            yield
        finally:
            setattr(self, name, getattr(self, name) - 1)

    async def _upload(
        self, scope: MutableMapping[str, Any], receive: Receive, answer: "_Answer", meter: UploadMeter
    ) -> None:
        """Forward an upload while it is counted; one that is refused or aborted is not an error of the server."""
        until, gone = asyncio.get_running_loop().time() + WHOLE_SECONDS, False
        refused: RefusedError | None = None

        async def receiving() -> Message:
            nonlocal gone, refused
            try:
                message = await next_part(receive)
                if message["type"] == "http.request":
                    meter.count(message.get("body", b""))
                if asyncio.get_running_loop().time() > until:
                    raise RefusedError(408, "The upload takes too long.")
            except RefusedError as error:
                refused, message = error, {"type": "http.disconnect"}
            gone = gone or message["type"] == "http.disconnect"
            return message

        try:
            await self._app(scope, receiving, answer)
        except Exception:
            if not gone:
                raise
        if refused:
            raise refused

    def _refuse(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> None:
        """Raise RefusedError for a request that is refused by its headers."""
        if self._hosts and _host_of(headers.get("host", "")) not in self._hosts:
            raise RefusedError(421, "This server answers to its own address only.")
        if scope["method"] not in _SAFE_METHODS and _NAMED_FUNCTION.search(scope["path"]):
            raise RefusedError(404, "The page has no functions for other programs.")
        if "/file=http" in scope["path"] or "/proxy=" in scope["path"]:
            raise RefusedError(404, "Nothing is fetched from other hosts.")
        if scope["method"] not in _SAFE_METHODS and _is_from_elsewhere(headers):
            raise RefusedError(403, "Requests from other sites are not accepted.")
        if "transfer-encoding" in headers and ("content-length" in headers or _is_upload(scope)):
            raise RefusedError(400, "Give the length of the body (Content-Length) without a Transfer-Encoding.")
        length = headers.get("content-length", "")
        if not _is_upload(scope):
            if length.isdecimal() and int(length[:20]) > BODY_BYTES:
                raise RefusedError(413, f"The limit is {BODY_BYTES:,} bytes.")
            return
        if not length.isdecimal():
            raise RefusedError(411, "The length of the upload is required (Content-Length).")
        if int(length) > self._max_upload:
            raise RefusedError(413, f"The upload has {int(length):,} bytes; the limit is {self._max_upload:,}.")
        if not self._uploads.has_room(int(length)):
            raise RefusedError(507, "There is no space for more pictures now. Try again later.")


def _is_from_elsewhere(headers: dict[str, str]) -> bool:
    """Return whether a browser sends a request for a page of another site."""
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def _is_upload(scope: MutableMapping[str, Any]) -> bool:
    return scope["method"] == "POST" and scope["path"].endswith("/upload")


def _host_of(header: str) -> str:
    """Return the host of ``127.0.0.1:7860`` or ``[::1]:7860``, without brackets and port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _again(body: bytes, receive: Receive) -> Receive:
    """Replay the body, then pass on further messages (such as a disconnect)."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


class _Answer:
    """Sends a response with the headers of the guard; it can be refused as long as nothing was sent.

    Args:
        send: Sends to the server.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._begun = send, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            ours = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", []), *ours]}
        await self._send(message)

    async def refuse(self, status: int, text: str) -> None:
        """Send a refusal, and close the connection, whose body is not read to its end."""
        if self._begun:
            return
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": text.encode()})

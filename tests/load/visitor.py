"""A visitor of the page without a browser: the requests of Gradio's script over plain HTTP."""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

_API = "/gradio_api"
_SILENT_SECONDS = 90.0  # Gradio sends a heartbeat every 15


class UnexpectedError(Exception):
    """A response that no visitor should get, given in the text."""


@dataclass(frozen=True)
class Address:
    """The address of the page, and the Gradio functions called by its buttons.

    Attributes:
        port: on this machine.
        begin, cancel: numbers of functions.
        settings: values of the controls below the files, as the page offers them first.
    """

    port: int
    begin: int
    cancel: int
    settings: tuple[Any, ...]


def look_up(port: int) -> Address:
    """The configuration that the script of the page reads."""
    config = json.loads(_ask(port, "GET", "/config"))
    components = {each["id"]: each["props"] for each in config["components"]}
    called = {
        components[identity].get("elem_id"): each
        for each in config["dependencies"]
        for identity, _ in each["targets"]
        if identity in components
    }
    begin = called["begin"]
    settings = tuple(components[identity].get("value") for identity in begin["inputs"][2:])
    return Address(port, begin["id"], called["cancel"]["id"], settings)


class Visitor:
    """An open page: a session, held by a connection until the page is closed.

    Use as a context manager, which leaves the page.
    """

    def __init__(self, address: Address) -> None:
        self.address, self.session = address, secrets.token_hex(8)
        self._open: list[HTTPResponse | HTTPConnection] = []

    def __enter__(self) -> "Visitor":
        _ask(self.address.port, "GET", "/")
        alive = self._stream(f"/heartbeat/{self.session}")
        alive.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Close all connections immediately, like a browser tab."""
        while self._open:
            self._open.pop().close()

    @property
    def has_left(self) -> bool:
        """Whether the page is closed."""
        return not self._open

    def upload(self, *files: tuple[str, bytes]) -> list[str]:
        """Upload names and contents; return the paths on the server."""
        kind, body = _form(files)
        return json.loads(_ask(self.address.port, "POST", f"{_API}/upload", body, kind))

    def hang_up_uploading(self, name: str, content: bytes) -> None:
        """Send half of a file and disconnect."""
        kind, body = _form([(name, content)])
        connection = _connect(self.address.port)
        connection.putrequest("POST", f"{_API}/upload")
        connection.putheader("Content-Type", kind)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[: len(body) // 2])
        connection.close()

    def order(self, picture: str, references: list[str]) -> str:
        """Press Upscale; return the number of the job."""
        data = [[_file(picture)], [_file(path) for path in references], *self.address.settings]
        return json.loads(self._post("/queue/join", {"data": data, "fn_index": self.address.begin}))["event_id"]

    def messages(self) -> Iterator[dict[str, Any]]:
        """Gradio's messages about all jobs, until all of them have ended."""
        stream = self._stream(f"/queue/data?session_hash={self.session}")
        while line := stream.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    def cancel(self) -> None:
        """Press Cancel."""
        self._post("/run/predict", {"data": [], "fn_index": self.address.cancel})

    def fetch(self, path: str) -> bytes:
        """A file of a result."""
        return _ask(self.address.port, "GET", f"/{path}")

    def _post(self, path: str, body: dict[str, Any]) -> bytes:
        text = json.dumps({**body, "session_hash": self.session}).encode()
        return _ask(self.address.port, "POST", _API + path, text, "application/json")

    def _stream(self, path: str) -> HTTPResponse:
        connection = _connect(self.address.port)
        self._open.append(connection)
        connection.request("GET", _API + path)
        answer = connection.getresponse()
        self._open.append(answer)
        return _good(answer, path)


def _connect(port: int) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", port, timeout=_SILENT_SECONDS)


def _ask(port: int, method: str, path: str, body: bytes = b"", kind: str = "") -> bytes:
    connection = _connect(port)
    try:
        connection.request(method, path, body or None, {"Content-Type": kind} if kind else {})
        return _good(connection.getresponse(), path).read()
    finally:
        connection.close()


def _good(answer: HTTPResponse, path: str) -> HTTPResponse:
    if answer.status != 200:
        raise UnexpectedError(
            f"{path.partition('?')[0]}: {answer.status} {answer.read()[:200].decode(errors='replace')}"
        )
    return answer


def _form(files: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'.encode()
        + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
        for name, content in files
    ]  # fmt: skip
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _file(path: str) -> dict[str, Any]:
    return {"path": path, "orig_name": path.rpartition("/")[2], "meta": {"_type": "gradio.FileData"}}

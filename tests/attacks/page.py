"""Requests that no browser sends, to a running ``srntt serve``."""

import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from attacks.attack import Attack, Outcome
from attacks.material import harmless, tiny_model
from load.server import Server
from load.visitor import look_up

UPLOAD, JOIN = "/gradio_api/upload", "/gradio_api/queue/join"
_FORM, _JSON = "multipart/form-data; boundary=b", "application/json"
_CLOSED = 0  # in place of a status: the server closed the connection
_MIB = 2**20
_SECONDS = 60.0


@dataclass(frozen=True)
class PageAttack:
    """Requests to the page, and the only permitted answers.

    Attributes:
        name: unique.
        about: what it tries, for people.
        send: sends them, and yields the statuses of the answers; 0 where the connection is closed instead.
        statuses: the permitted ones.
        seconds: of processor time of the server, at most.
        mib: of memory that the server holds meanwhile in addition, at most.
        uploads: the most files that are stored afterwards.
        lines: of the log, at most; None for any number.
    """

    name: str
    about: str
    send: Callable[[Server], Iterator[int]]
    statuses: tuple[int, ...]
    seconds: float = 5.0
    mib: int = 32
    uploads: int = 0
    lines: int | None = None
    slow: bool = True
    known: str = ""

    @property
    def code(self) -> int:
        """0 if the page may serve it, as of a command that succeeds."""
        return 0 if any(0 < status < 400 for status in self.statuses) else 1


def run(attack: PageAttack, server: Server) -> Outcome:
    """Attack a server; its ``code`` is the status of a harmless request afterwards."""
    process, log, stored = psutil.Process(server.process.pid), server.log(), set(server.uploads())
    seconds, held = _seconds(process), process.memory_info().rss / _MIB
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak of its memory begins anew
    statuses = sorted(set(attack.send(server)))
    return Outcome(
        code=ask(server, "GET", "/config"),
        out=" ".join(map(str, statuses)),
        err=server.log().removeprefix(log),
        seconds=_seconds(process) - seconds,
        mib=_peak_mib(process) - held,
        written=tuple(str(path) for path in server.uploads() if path not in stored),
        changed=(),
        misdeeds=(),
    )


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _peak_mib(process: psutil.Process) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def faults(attack: PageAttack, outcome: Outcome) -> list[str]:
    """The effects of the attack; empty if it failed."""
    others = {int(status) for status in outcome.out.split()} - set(attack.statuses)
    checks = {
        f"the page answers {outcome.code} afterwards": outcome.code != 200,
        "no answer": not outcome.out,
        f"it answers {sorted(others)}, not {attack.statuses}": bool(others),
        f"in the log: {outcome.err[-500:]}": "Traceback" in outcome.err
        or (attack.lines is not None and outcome.err.count("\n") > attack.lines),
        f"{outcome.seconds:.1f} s of {attack.seconds}": outcome.seconds > attack.seconds,
        f"{outcome.mib:.0f} MiB of {attack.mib}": outcome.mib > attack.mib,
        f"{len(outcome.written)} uploads, not {attack.uploads}": len(outcome.written) > attack.uploads,
    }
    return [what for what, wrong in checks.items() if wrong]


def ask(server: Server, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    """Send a well-formed request, and return the status of its answer."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=_SECONDS)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body or None, named)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (BrokenPipeError, ConnectionResetError):
        return _CLOSED
    finally:
        connection.close()


def _sent(server: Server, content: bytes) -> socket.socket:
    """A connection on which something was sent; the server may close it before it has read everything."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=_SECONDS)
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(content)
    return connection


def _status_of(connection: socket.socket) -> int:
    with connection:
        try:
            line = connection.recv(100).split()
        except ConnectionResetError:
            return _CLOSED
    return int(line[1]) if line else _CLOSED


def _request(path: str, body: bytes = b"", *headers: str, host: str = "127.0.0.1") -> bytes:
    """A POST as it is written, whose headers may be anything."""
    lines = (f"POST {path} HTTP/1.1", f"Host: {host}", *headers)
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def attacks() -> Iterator[PageAttack | Attack]:
    """All of them, where Gradio is installed."""
    if find_spec("gradio") is None:
        return
    yield from _lengths()
    yield from _forms()
    yield from _unfinished()
    yield from _documents()
    yield from _elsewhere()
    yield _many_results()


def _lengths() -> Iterator[PageAttack]:
    """What a request says about its length."""
    refused = (400, 408, 411, 413, 431, 501, _CLOSED)

    def case(name: str, about: str, request: bytes) -> PageAttack:
        def send(server: Server) -> Iterator[int]:
            yield _status_of(_sent(server, request))

        return PageAttack(f"page-{name}", about, send, refused)

    kind, chunked = f"Content-Type: {_FORM}", "Transfer-Encoding: chunked"
    chunks = (b"100000\r\n" + bytes(_MIB) + b"\r\n") * 8
    yield case(
        "chunks-and-length",
        "8 MiB in chunks, declared as 5 bytes",
        _request(UPLOAD, chunks, kind, "Content-Length: 5", chunked),
    )
    yield case("chunks", "8 MiB in chunks without a length", _request(UPLOAD, chunks, kind, chunked))
    yield case("chunk-of-all", "a chunk of 2^64 - 1 bytes", _request(JOIN, b"F" * 16 + b"\r\nx", chunked))
    yield case("chunk-negative", "a chunk of -1 bytes", _request(JOIN, b"-1\r\nx", chunked))
    yield case("coding", "a transfer coding of its own", _request(UPLOAD, _FILE, kind, "Transfer-Encoding: xchunked"))
    for number, length in enumerate(
        ("-5", "+5", "1e3", "5, 6", "0x5", "5\r\nContent-Length: 6", "9" * 30, "", "\u0665")
    ):
        for path in (UPLOAD, JOIN):
            where, header = path.rpartition("/")[2], f"Content-Length: {length}"
            yield case(f"length-{where}-{number}", f"a length of {length!r}", _request(path, _FILE, kind, header))
    yield case("space", "a space before a colon", _request(UPLOAD, _FILE, kind, "Content-Length : 5"))
    for path in (UPLOAD, JOIN):
        where = path.rpartition("/")[2]
        yield case(f"header-{where}", "a header of a megabyte", _request(path, b"", f"X: {'x' * _MIB}"))
        yield case(f"headers-{where}", "100,000 headers", _request(path, b"", *["X: x"] * 100_000))
        yield case(f"huge-{where}", "a body of a TB", _request(path, bytes(_MIB), kind, f"Content-Length: {10**12}"))
    yield case("larger", "JSON of 10 MiB", _request(JOIN, bytes(10 * _MIB), f"Content-Length: {10 * _MIB}"))


def _part(about: str, content: bytes = b"x", *headers: bytes) -> bytes:
    """A part of a form."""
    lines = b"\r\n".join((b"Content-Disposition: form-data; " + about.encode(), *headers))
    return b"--b\r\n" + lines + b"\r\n\r\n" + content + b"\r\n"


_END = b"--b--\r\n"
_FIELD, _NAMED = 'name="a"', 'name="files"; filename="a.png"'
_FILE = _part(_NAMED) + _END


def _forms() -> Iterator[PageAttack]:
    """Uploads of other things than files."""
    refused = (400, 413, _CLOSED)

    def case(
        name: str,
        about: str,
        body: bytes,
        statuses: Sequence[int] = refused,
        kind: str = _FORM,
        uploads: int = 0,
        path: str = UPLOAD,
    ):
        def send(server: Server) -> Iterator[int]:
            request = _request(path, body, f"Content-Type: {kind}", f"Content-Length: {len(body)}")
            yield _status_of(_sent(server, request))

        return PageAttack(f"page-form-{name}", about, send, tuple(statuses), uploads=uploads)

    yield case("field", "a field of 64 MiB without a file name", _part(_FIELD, bytes(64 * _MIB)) + _END)
    yield case("fields", "20,000 fields", _part(_FIELD) * 20_000 + _END)
    yield case("files", "20,000 empty files", _part(_NAMED, b"") * 20_000 + _END)
    yield case("header", "a part with a header of 8 MiB", _part(_NAMED, b"x", b"X: " + b"x" * 8 * _MIB) + _END)
    yield case("headers", "a part with 20,000 headers", _part(_NAMED, b"x", *[b"X: x"] * 20_000) + _END)
    yield case("name", "a file name of a megabyte", _part(f'name="files"; filename="{"n" * _MIB}"') + _END)
    yield case("noise", "no form at all", os.urandom(10_000))
    yield case("preamble", "8 MiB before the first part", bytes(8 * _MIB) + _FILE)
    yield case("epilogue", "8 MiB after the last part", _FILE + bytes(8 * _MIB))
    yield case("no-end", "a form without an end", _part(_NAMED), (200, *refused), uploads=1)
    yield case("json", "JSON in place of a form", b"{}", kind=_JSON)
    yield case("no-boundary", "a form of an unknown boundary", _FILE, kind="multipart/form-data")
    for charset in ("undefined", "hex", "utf-16"):
        kind = f'{_FORM}; charset="{charset}"'
        yield case(f"charset-{charset}", f"a form in the character set {charset!r}", _FILE, (400,), kind)
        kind += f"\r\nContent-Type: {_FORM}"
        yield case(f"charset-{charset}-twice", "the same, and another content type", _FILE, (400,), kind)
    yield case("field-small", "a field without a file name", _part(_FIELD) + _END, (400,))
    yield case("field-id", "the same, with an upload_id", _part(_FIELD) + _END, (400,), path=f"{UPLOAD}?upload_id=z")
    yield case("boundary", "a boundary of 9,999 letters", _FILE, kind=f"multipart/form-data; boundary={'b' * 9999}")
    for number, name in enumerate(("../" * 20 + "etc/x.png", "/etc/x.png", "..", ".", "a\0b", "CON", "n" * 250)):
        body = _part(f'name="files"; filename="{name}"') + _END
        yield case(f"name-{number}", f"a file called {name[:20]!r}", body, (200, *refused), uploads=1)


def _unfinished() -> Iterator[PageAttack]:
    """Many requests that stop halfway; the page must stay reachable, and hold little."""

    def case(name: str, about: str, begun: bytes, count: int, mib: int, uploads: int = 0) -> PageAttack:
        def send(server: Server) -> Iterator[int]:
            with ExitStack() as stack:
                for _ in range(count):
                    stack.enter_context(_sent(server, begun))
                yield ask(server, "GET", "/config")
            yield ask(server, "GET", "/config")

        return PageAttack(f"page-half-{name}", about, send, (200,), mib=mib, uploads=uploads)

    length = f"Content-Length: {_MIB - 1}"
    body = _request(JOIN, bytes(_MIB - 10), f"Content-Type: {_JSON}", length)
    yield case("bodies", "60 requests that lack the last bytes", body, 60, 80)
    upload = _request(UPLOAD, _part(_NAMED, bytes(8000)), f"Content-Type: {_FORM}", length)
    yield case("uploads", "60 uploads that lack the last bytes", upload, 60, 40, uploads=60)
    yield case("heads", "200 requests without the end of a head", b"GET / HTTP/1.1\r\nX: x", 200, 40)
    yield case("silent", "200 connections that say nothing", b"", 200, 40)
    yield _many_connections()
    stream = b"GET /gradio_api/heartbeat/%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % 7
    yield case("streams", "200 pages that stay open", stream, 200, 80)


def _many_connections() -> PageAttack:
    """More silent connections than the server can have open; others are answered meanwhile."""

    def send(server: Server) -> Iterator[int]:
        process = psutil.Process(server.process.pid)
        before = process.rlimit(psutil.RLIMIT_NOFILE)
        process.rlimit(psutil.RLIMIT_NOFILE, (256, before[1]))
        try:
            with ExitStack() as stack:
                for _ in range(400):
                    stack.enter_context(_sent(server, b""))
                for _ in range(3):
                    yield ask(server, "GET", "/config")
        finally:
            process.rlimit(psutil.RLIMIT_NOFILE, before)

    return PageAttack("page-half-many", "400 silent connections, with ulimit -n 256", send, (200,), mib=40)


def _documents() -> Iterator[PageAttack]:
    """JSON that the page does not send."""

    def case(name: str, about: str, body: bytes, statuses: tuple[int, ...] = (400,)) -> PageAttack:
        def send(server: Server) -> Iterator[int]:
            yield ask(server, "POST", JOIN, body, Content_Type=_JSON)

        return PageAttack(f"page-json-{name}", about, send, statuses)

    for depth in (100, 990, 300_000):
        yield case(f"deep-{depth}", f"{depth} brackets", b'{"data": ' + b"[" * depth + b"]" * depth + b"}")
    for name, body in (("noise", b"\xff\xfe\0{"), ("open", b'{"data": ['), ("nan", b"NaN"), ("digits", b"9" * 900_000)):
        yield case(name, "no JSON", body, (400, 422))
    for name, body in (("null", b"null"), ("list", b"[]"), ("text", b'"x"'), ("empty", b"{}"), ("none", b"")):
        yield case(name, f"JSON that is {body.decode() or 'empty'}", body, (400, 404, 422))
    for name, text in (
        ("number", '"x"'),
        ("negative", "-1"),
        ("large", "1e400"),
        ("far", "99999999999999999999"),
        ("list", "[]"),
    ):
        body = f'{{"data": [], "session_hash": "x", "fn_index": {text}}}'.encode()
        yield case(f"function-{name}", f"the function {text}", body, (400, 404, 422))
    address = b'{"data": [[{"path": "http://192.0.2.1/x.png", "meta": {"_type": "gradio.FileData"}}]], "fn_index": 0}'
    yield case("address", "a picture at an address", address)
    yield from map(_order, range(len(_ORDERED)))


_WISHES = ("lite-rec", 0, 1, "PNG", 95, False, False)
_ORDERED: tuple[Any, ...] = (
    [],
    [1],
    [None] * 8,
    [[], [], *_WISHES, 1],
    [[{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], [], *_WISHES],
    [[{"path": "x\0y", "meta": {"_type": "gradio.FileData"}}], [], *_WISHES],
    [[{"path": 5}], None, [], {}, "x", [], "", None, None],
    [None, None, "../../lite-rec", *_WISHES[1:]],
    [None, None, "lite-rec", 10**300, -1, "EXE", -5, "x", "y"],
    ["x" * 900_000],
)


def _order(number: int) -> PageAttack:
    """An order whose content is refused, by Gradio or by the page: at most one line of the log for each request."""

    def send(server: Server) -> Iterator[int]:
        address = look_up(server.port)
        order = {"data": _ORDERED[number], "fn_index": address.begin, "session_hash": "x"}
        yield ask(server, "POST", JOIN, json.dumps(order).encode(), Content_Type=_JSON)
        yield ask(server, "POST", "/gradio_api/run/predict", json.dumps(order).encode(), Content_Type=_JSON)

    about = f"an order of {str(_ORDERED[number])[:40]}"
    return PageAttack(f"page-order-{number}", about, send, (200, 400, 422, 500), lines=2)


def _elsewhere() -> Iterator[PageAttack]:
    """Requests of other sites, and for other files than those of the page."""

    def case(
        name: str, about: str, statuses: tuple[int, ...], *asked: tuple[str, str], body: bytes = b"", **headers: str
    ):
        def send(server: Server) -> Iterator[int]:
            for method, path in asked:
                yield ask(server, method, path, body, **headers)

        return PageAttack(f"page-{name}", about, send, statuses)

    for name, headers in (
        ("origin", {"Origin": "https://evil.example"}),
        ("origin-null", {"Origin": "null"}),
        ("origin-port", {"Origin": "http://127.0.0.1:1"}),
        ("origin-bracket", {"Origin": "http://[x"}),
        ("origin-letter", {"Origin": "http://a\u00bcb"}),
        ("fetch-site", {"Sec_Fetch_Site": "cross-site"}),
        ("fetch-same-site", {"Sec_Fetch_Site": "same-site"}),
    ):
        about = f"an upload and an order from another site ({', '.join(headers.values())})"
        asked = ("POST", UPLOAD), ("POST", JOIN)
        yield case(name, about, (403,), *asked, body=_FILE, Content_Type=_FORM, **headers)
    for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example"):
        about = f"a name that leads here: {host} (DNS rebinding)"
        yield case(f"host-{host}", about, (421,), ("GET", "/config"), ("POST", JOIN), Host=host)
    files = (
        "/etc/passwd",
        "../../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "C:/x",
    )
    for number, file in enumerate(files):
        asked = [("GET", f"/gradio_api/{route}{file}") for route in ("file=", "file/", "stream/", "custom_component/")]
        yield case(f"file-{number}", f"the file {file}", (403, 404, 405, 500, 422), *asked)
    away = ("file=http://192.0.2.1/x", "proxy=http://192.0.2.1/x", "proxy=https://x.hf.space/x")
    yield case("fetch", "files of other machines", (400, 404), *(("GET", f"/gradio_api/{path}") for path in away))
    named = [("POST", f"/gradio_api/{path}") for path in ("run/x", "api/x", "call/x", "call/v2/x", "call/../run/x")]
    yield case("named", "functions by name", (404,), *named, body=b'{"data": []}', Content_Type=_JSON)
    methods = [(method, path) for method in ("PUT", "DELETE", "PATCH", "TRACE") for path in ("/", JOIN, UPLOAD)]
    yield case("methods", "methods that the page does not use", (400, 404, 405), *methods)
    ranges = "bytes=" + ",".join(["0-"] * 5000)
    yield case(
        "ranges", "5,000 ranges of a file", (200, 206, 400, 403, 404, 416, 431), ("GET", "/theme.css"), Range=ranges
    )


def _many_results() -> Attack:
    def make(folder: Path) -> None:
        tiny_model(folder)
        harmless(folder, "a.png")

    about = "a dozen visitors who never leave: the oldest results make room"
    says = r"12 orders, [1-9]\d* of their results kept, at most 1\.\d+ times what may be stored"
    return Attack("page-results", about, make, ("attacks.page:order_often",), 0, says, seconds=20, mib=300)


def order_often() -> str:
    """Order as a dozen visitors from a service that stores the results of four, and say what it stores."""
    from srntt.demo import OrderLimits, Settings, _service
    from srntt.demo._order import Order

    def order(number: int) -> int:
        ticket = service.order(f"visitor {number}", Order(("a.png",), (), "tiny.safetensors"))
        while not ticket.finished:
            time.sleep(0.01)
        assert ticket.error is None, ticket.error
        return sum(path.stat().st_size for path in folder.rglob("*"))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {"tiny.safetensors": "tiny.safetensors"}
        service = _service.Service(folder, Settings(models=models, limits=OrderLimits(), device="cpu"))
        service.shelf._most = 4 * order(0)
        most = max(map(order, range(1, 12)))
        kept = len(list(folder.iterdir()))
        service.close()
    return f"12 orders, {kept} of their results kept, at most {most / service.shelf._most:.2f} times what may be stored"

"""Bodies of requests: counted while they arrive, within a deadline, and only as deep as they need to be."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Container, MutableMapping
from typing import Any, NoReturn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

BODY_BYTES = 2**20  #: limit for requests other than uploads: file names and options
FORM_BYTES = 2**14  #: limit for what an upload contains in addition to its files
SILENT_SECONDS = 30.0  #: after which a body that does not arrive is abandoned
WHOLE_SECONDS = 3600.0  #: for a whole upload
_DEPTH = 32  # levels of nesting; the requests of the page have six


class RefusedError(Exception):
    """The body is refused; with the status and the text of the response."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


async def next_part(receive: Receive, seconds: float = SILENT_SECONDS) -> Message:
    """Receive the next part of a body.

    Raises:
        RefusedError: It does not arrive in time.
    """
    try:
        return await asyncio.wait_for(receive(), seconds)
    except TimeoutError as error:
        raise RefusedError(408, "The request did not arrive in time.") from error


async def whole_body(receive: Receive) -> bytes:
    """Receive the body of a request other than an upload.

    Raises:
        RefusedError: It is too long, or does not arrive in time.
    """
    parts: list[bytes] = []
    until, more = asyncio.get_running_loop().time() + SILENT_SECONDS, True
    while more:
        message = await next_part(receive, max(0.0, until - asyncio.get_running_loop().time()))
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        if sum(map(len, parts)) > BODY_BYTES:
            raise RefusedError(413, f"The limit is {BODY_BYTES:,} bytes.")
    return b"".join(parts)


def check_json(body: bytes, functions: Container[int]) -> None:
    """Check the body of a request other than an upload, which is JSON or empty.

    Args:
        body: Body.
        functions: Numbers of the functions of the page, one of which a request may call.

    Raises:
        RefusedError: It is not JSON, nested too deeply, calls another function, or gives a URL as the path of a file,
            which Gradio would download.
    """
    try:
        waiting = [(json.loads(body, parse_constant=_refuse, parse_float=_finite), 0)] if body else []
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "The request is not JSON.") from error
    if waiting and isinstance(waiting[0][0], dict):
        number = waiting[0][0].get("fn_index")
        if number is not None and (type(number) is not int or number not in functions):
            raise RefusedError(400, "The page has no such function.")
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEPTH:
            raise RefusedError(400, f"The request is nested more than {_DEPTH} levels deep.")
        if isinstance(value, dict):
            path = value.get("path")
            if isinstance(path, str) and "://" in path:
                raise RefusedError(400, "Upload files; addresses are not accepted.")
            waiting += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity are not JSON, and cannot be sent back


def _finite(digits: str) -> float:
    if math.isinf(number := float(digits)):
        raise ValueError(digits)
    return number


class UploadMeter:
    """Counts the bytes of an upload, in all and outside of its files, which Gradio keeps in memory.

    Args:
        kind: Content type of the upload.
        declared: Bytes that were declared.

    Raises:
        RefusedError: It is not a form with files.
    """

    def __init__(self, kind: str, declared: int) -> None:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser, parse_options_header  # as Gradio reads it

        name, options = parse_options_header(kind)
        if name != b"multipart/form-data" or not options.get(b"boundary"):
            raise RefusedError(400, "An upload is a form with files (multipart/form-data).")
        if options.get(b"charset", b"utf-8").lower() != b"utf-8":
            raise RefusedError(400, "The character set of an upload is UTF-8.")
        self._options = parse_options_header
        self._declared, self._arrived, self._in_files = declared, 0, 0
        self._begin()
        calls: Any = {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], calls)
        except FormParserError as error:
            raise RefusedError(400, "The boundary of the upload is too long.") from error

    def count(self, body: bytes) -> None:
        """Count a part of the body.

        Raises:
            RefusedError: There is more than was declared, or too much outside of files; a part is not a file; or the
                upload is malformed.
        """
        from python_multipart.exceptions import MultipartParseError

        self._arrived += len(body)
        if self._arrived > self._declared:
            raise RefusedError(413, f"More arrived than the {self._declared:,} bytes that were declared.")
        try:
            self._parser.write(body)
        except MultipartParseError as error:
            raise RefusedError(400, "The upload is malformed.") from error
        if self._arrived - self._in_files > FORM_BYTES:
            raise RefusedError(413, f"An upload contains at most {FORM_BYTES:,} bytes in addition to its files.")

    def _begin(self) -> None:
        self._disposition = self._field = self._value = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        if b"filename" not in self._options(self._disposition)[1]:
            raise RefusedError(400, "An upload contains files only; one of its parts has no file name.")

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._in_files += end - start

"""Requests to a hub, with a byte limit, a minimum rate and a deadline."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

from srntt.errors import ModelError

SECONDS = 60.0  # for an answer to begin, and to end or to bring the bytes below, again and again
_LEAST_BYTES = 3_000_000  # 50 kB/s: three minutes for the largest of the shipped models
_LONGEST_SECONDS = 3600.0  # for a file: its maximum, 1 GiB, at 300 kB/s
_LISTING_BYTES = 1 << 20  # about 4,000 files, each of which takes about 250 bytes; parsing takes up to 80 times as many
_REDIRECTS = 5  # of which a hub needs two: to the new name of a repository, and to its storage
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Listed:
    """A file as the hub lists it: its bytes, and its SHA-256 (64 hex digits, large files) or git blob's hash (40)."""

    size: int
    digest: str


def is_commit(text: object) -> bool:
    """Return whether this is a commit: 40 hex digits."""
    return isinstance(text, str) and _COMMIT.fullmatch(text) is not None


def is_digest(text: object) -> bool:
    """Return whether this is the hash of a file: 40 or 64 hex digits."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def new_digest(digest: str, size: int) -> Any:
    """Return an object that hashes a file of ``size`` bytes in the way of ``digest``."""
    if len(digest) == 64:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def list_files(repository: str, revision: str | None) -> tuple[str, dict[str, Listed]]:
    """Ask for the commit of a revision, and its files.

    Raises:
        ModelError: The answer is too long, too slow, or malformed.
    """
    path = f"/api/models/{repository}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
    content = bytearray()
    _Transfer(f"{path}?blobs=true", content.extend, _LISTING_BYTES).finish()
    try:
        listing = json.loads(content)
        files = {entry["rfilename"]: _listed(entry) for entry in listing["siblings"] if _is_whole(entry)}
        commit = listing["sha"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(f"{repository}: the hub's list of files is malformed. Try again later.") from error
    if not is_commit(commit):
        raise ModelError(f"{repository}: the hub states a commit that is not 40 hex digits. Nothing was downloaded.")
    return commit, files


def _is_whole(entry: dict[str, Any]) -> bool:
    return (entry.get("lfs") or entry).get("size") is not None


def _listed(entry: dict[str, Any]) -> Listed:
    large = entry.get("lfs") or {}
    size, digest = large.get("size", entry["size"]), large.get("sha256", entry.get("blobId"))
    if type(size) is not int or size < 0 or not isinstance(entry["rfilename"], str):
        raise ValueError(size)
    return Listed(size, str(digest))


def download(repository: str, commit: str, name: str, listed: Listed, file: BinaryIO) -> str:
    """Download a file of at most the listed size; return its hash, of the kind that is listed.

    Raises:
        ModelError: The file is longer than listed, or the hub is too slow.
        OSError: The file cannot be written.
    """
    digest = new_digest(listed.digest, listed.size)

    def keep(chunk: bytes) -> None:
        digest.update(chunk)
        file.write(chunk)

    _Transfer(f"/{repository}/resolve/{commit}/{name}", keep, listed.size).finish()
    return digest.hexdigest()


class _Transfer:
    """An answer of the hub, received by a thread, since a slow header cannot be interrupted otherwise.

    Args:
        path: What to ask for.
        keep: Called with each piece of the content.
        most: Maximum number of bytes.
    """

    def __init__(self, path: str, keep: Callable[[bytes], object], most: int) -> None:
        self._path, self._keep, self._most = path, keep, most
        self._received, self._stopped = 0, threading.Event()

    def finish(self) -> None:
        """Receive the content until it ends, or abandon it.

        Raises:
            ModelError: It is too long or too slow, or is redirected too often or elsewhere.
        """
        outcome, began, before = Future[None](), time.monotonic(), 0
        threading.Thread(target=self._run, args=(outcome,), daemon=True, name="hub").start()
        try:
            while not wait((outcome,), SECONDS).done:
                received = self._received
                if received - before < _LEAST_BYTES or time.monotonic() - began > _LONGEST_SECONDS:
                    raise ModelError(f"The hub is too slow: {received:,} bytes so far. Try again later.")
                before = received
        finally:
            self._stopped.set()
        outcome.result()

    def _run(self, outcome: Future[None]) -> None:
        try:
            outcome.set_result(self._receive())
        except BaseException as error:
            outcome.set_exception(error)

    def _receive(self) -> None:
        with _opened(self._path) as answer:
            for chunk in answer.iter_raw():
                self._received += len(chunk)
                if self._received > self._most:
                    raise ModelError(f"{self._path}: the hub sends more than {self._most:,} bytes. Nothing was stored.")
                if self._stopped.is_set():
                    return
                self._keep(chunk)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Open the answer to a request, and follow redirects; the client would read their content without a limit.

    The client itself removes the token from a request for another host.
    """
    from huggingface_hub import constants, get_session  # pyright: ignore[reportMissingImports]
    from huggingface_hub.utils import get_token_to_send, hf_raise_for_status  # pyright: ignore[reportMissingImports]

    session, token = get_session(), get_token_to_send(None)
    # The client's own headers would cost another request, without limits. Compressed content could be a bomb.
    headers = {"User-Agent": "srntt", "Accept-Encoding": "identity"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = session.build_request("GET", constants.ENDPOINT + path, headers=headers, timeout=SECONDS)
    for _ in range(_REDIRECTS + 1):
        with closing(session.send(request, stream=True, follow_redirects=False)) as answer:
            if answer.status_code >= 400:  # the client would read a message without a limit
                stated = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-error")}
                without = type(answer)(answer.status_code, headers=stated, request=answer.request, content=b"{}")
                hf_raise_for_status(without)
            if answer.status_code < 300:
                yield answer
                return
            request = answer.next_request
            if request is None or request.url.scheme not in ("http", "https"):
                raise ModelError(f"{path}: the hub redirects, but to no http or https address. Nothing was downloaded.")
    raise ModelError(f"{path}: the hub redirects more than {_REDIRECTS} times. Nothing was downloaded.")

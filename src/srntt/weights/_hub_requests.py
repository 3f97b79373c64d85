"""Requests to a hub: with a byte limit and a deadline, so that no answer can fill the disk or last forever."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

from srntt.errors import ModelError

SECONDS = 60.0  # for an answer without content
_BYTES_PER_SECOND = 50_000  # at the least
_LISTING_BYTES = 16 << 20
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_Made = TypeVar("_Made")


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
    _within(SECONDS, lambda stopped: _stream(f"{path}?blobs=true", content.extend, _LISTING_BYTES, stopped))
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

    seconds = SECONDS + listed.size / _BYTES_PER_SECOND
    path = f"/{repository}/resolve/{commit}/{name}"
    _within(seconds, lambda stopped: _stream(path, keep, listed.size, stopped))
    return digest.hexdigest()


def _stream(path: str, keep: Callable[[bytes], object], most: int, stopped: threading.Event) -> None:
    """Pass the content of an answer on in pieces, until it ends."""
    from huggingface_hub import constants, get_session  # pyright: ignore[reportMissingImports]
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # pyright: ignore[reportMissingImports]

    headers = build_hf_headers(library_name="srntt") | {"Accept-Encoding": "identity"}  # no compressed bombs
    with get_session().stream("GET", constants.ENDPOINT + path, headers=headers, timeout=SECONDS) as answer:
        if answer.status_code >= 400:  # the client would read a message without a limit
            stated = {name: value for name, value in answer.headers.items() if name.lower().startswith("x-error")}
            hf_raise_for_status(type(answer)(answer.status_code, headers=stated, request=answer.request, content=b"{}"))
        received = 0
        for chunk in answer.iter_raw():
            received += len(chunk)
            if received > most:
                raise ModelError(f"{path}: the hub sends more than {most:,} bytes. Nothing was stored.")
            if stopped.is_set():
                return
            keep(chunk)


def _within(seconds: float, work: Callable[[threading.Event], _Made]) -> _Made:
    """Do work in a thread, and abandon it after some seconds: a slow header cannot be interrupted otherwise."""
    stopped, outcome = threading.Event(), Future[_Made]()

    def run() -> None:
        try:
            outcome.set_result(work(stopped))
        except BaseException as error:
            outcome.set_exception(error)

    began = time.monotonic()
    threading.Thread(target=run, daemon=True, name="hub").start()
    try:
        return outcome.result(seconds)
    except TimeoutError as error:
        if time.monotonic() - began < seconds:
            raise
        raise ModelError(f"The hub did not finish an answer within {seconds:.0f} s. Try again later.") from error
    finally:
        stopped.set()

"""Bring a library up to date with its folders: only files that are new or changed are read."""

import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from srntt.data import Failure, list_folder
from srntt.image import Limits
from srntt.library._database import transaction
from srntt.library._read import Photograph, Unreadable, read_photograph

_COMMIT_SECONDS = 1.0  # at most so much work is repeated after a kill
_AHEAD = 2  # files for each thread that are read before the first of them is stored

Progress = Callable[[str, int, int], None]
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


@dataclass
class Update:
    """What an update found.

    Attributes:
        added: Number of new photographs.
        changed: Number of files with new content.
        moved: Number of files found under another name, by the hash of their content.
        removed: Number of files that no longer exist.
        unchanged: Number of files that were not read, since size and time are the same.
        failures: Files and folders that cannot be read.
    """

    added: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True)
class _Known:
    """File in the library."""

    size: int
    modified: int
    photograph: int


@dataclass(frozen=True)
class _Scan:
    """A folder, listed.

    Attributes:
        new: Files to read: new ones, and those whose size or time differs.
        gone: Files that no longer exist.
        known: Files in the library, by path.
    """

    new: list[str]
    gone: list[bytes]
    known: dict[bytes, _Known]


class Updater:
    """Updates the rows of folders.

    Args:
        connection: Open for writing.
        limits: Limits on pictures.
        threads: Number of files read at once.
        progress: Called with ("index", done, total); an exception stops the update, and what was done is kept.
    """

    def __init__(self, connection: sqlite3.Connection, limits: Limits, threads: int, progress: Progress) -> None:
        self._connection, self._limits, self._threads, self._progress = connection, limits, threads, progress
        self._hashes = {bytes(sha256) for (sha256,) in connection.execute("SELECT sha256 FROM photograph")}
        self.update = Update()

    def folders(self, roots: Sequence[str]) -> Update:
        """Update folders with their subfolders. If one cannot be listed, its photographs stay in the library."""
        scans = [scan for scan in map(self._scan, roots) if scan]
        total, done = sum(len(scan.new) for scan in scans), 0
        came: set[int] = set()
        for scan in scans:
            came |= self._store(scan, done, total)
            done += len(scan.new)
        for scan in scans:  # now that files that moved to another folder are known there
            self._forget(scan, came)
        return self.update

    def _scan(self, root: str) -> "_Scan | None":
        """List a folder."""
        try:
            listing = list_folder(Path(root), recursive=True)
        except (OSError, ValueError) as error:
            reason = (
                f"{root}: cannot be listed: {getattr(error, 'strerror', error)}. Its photographs stay in the library."
            )
            self.update.failures.append(Failure(root, reason))
            return None
        self.update.failures += [Failure(os.path.join(root, name), reason) for name, reason in listing.failures]
        unread = [_below(os.path.join(root, failure.name)) for failure in listing.failures]
        known = known_files(self._connection, root)
        paths = [os.path.join(root, name) for name in listing.pictures]
        new = [path for path in paths if not self._is_unchanged(path, known)]
        self.update.unchanged += len(paths) - len(new)
        listed = {os.fsencode(path) for path in paths}
        gone = [path for path in known if path not in listed and not any(map(path.startswith, unread))]
        return _Scan(new, gone, known)

    def _is_unchanged(self, path: str, known: dict[bytes, _Known]) -> bool:
        row = known.get(os.fsencode(path))
        if row is None:
            return False
        try:
            status = os.stat(path)
        except OSError:
            return False
        return (row.size, row.modified) == (status.st_size, status.st_mtime_ns)

    def _store(self, scan: "_Scan", before: int, total: int) -> set[int]:
        """Read and store new files; return the photographs that appeared under new names.

        Args:
            scan: Folder.
            before: Number of files of other folders that were read.
            total: Number of files to read in all folders.
        """
        paths = scan.new
        came: set[int] = set()
        read = partial(read_photograph, limits=self._limits, known=self._hashes)
        waiting: list[tuple[str, Photograph]] = []
        last = time.monotonic()
        for done, (path, found) in enumerate(zip(paths, ahead(read, paths, self._threads), strict=True), 1):
            if isinstance(found, Photograph):
                waiting.append((path, found))
            else:
                self._refuse(path, found)
            if waiting and (done == len(paths) or time.monotonic() - last > _COMMIT_SECONDS):
                came |= self._commit(waiting, scan.known)
                waiting, last = [], time.monotonic()
            self._progress("index", before + done, total)
        return came

    def _refuse(self, path: str, found: Unreadable) -> None:
        if found.is_gone:
            return
        self.update.failures.append(Failure(path, found.reason))
        if not found.is_passing:
            with transaction(self._connection):
                self._connection.execute("DELETE FROM file WHERE path = ?", (os.fsencode(path),))

    def _commit(self, photographs: list[tuple[str, Photograph]], known: dict[bytes, _Known]) -> set[int]:
        came = set()
        with transaction(self._connection):
            for path, photograph in photographs:
                number = self._number_of(path, photograph)
                if number is None:
                    continue
                name = os.fsencode(path)
                values = (name, photograph.size, photograph.modified, number)
                self._connection.execute("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?)", values)
                if name not in known:
                    came.add(number)
                elif known[name].photograph != number:
                    self.update.changed += 1
        return came

    def _number_of(self, path: str, photograph: Photograph) -> int | None:
        """Return the number of a photograph, which is stored if it is new."""
        find = "SELECT id FROM photograph WHERE sha256 = ?"
        row = self._connection.execute(find, (photograph.sha256,)).fetchone()
        if row:
            return int(row[0])
        described = photograph.described
        if described is None:  # another process has removed it since this one began
            again = read_photograph(path, self._limits, ())
            if not isinstance(again, Photograph) or again.described is None or again.sha256 != photograph.sha256:
                return None  # found by the next update
            described = again.described
        cursor = self._connection.execute(
            "INSERT INTO photograph (sha256, height, width, descriptor) VALUES (?, ?, ?, ?)",
            (photograph.sha256, *described.size, described.descriptor.tobytes()),
        )
        number = cursor.lastrowid
        assert number is not None
        self._connection.execute("INSERT OR REPLACE INTO keypoints VALUES (?, ?)", (number, described.keypoints.pack()))
        self._hashes.add(photograph.sha256)
        self.update.added += 1
        return number

    def _forget(self, scan: "_Scan", came: set[int]) -> None:
        """Remove files that are gone, and photographs that no file has."""
        moved = sum(scan.known[path].photograph in came for path in scan.gone)
        self.update.moved += moved
        self.update.removed += len(scan.gone) - moved
        with transaction(self._connection):
            self._connection.executemany("DELETE FROM file WHERE path = ?", [(path,) for path in scan.gone])
            remove_unused(self._connection)


def known_files(connection: sqlite3.Connection, root: str) -> dict[bytes, _Known]:
    """Return the rows of a folder with its subfolders, by path."""
    first = _below(root)
    last = first[:-1] + bytes([first[-1] + 1])
    find = "SELECT path, size, modified, photograph FROM file WHERE path >= ? AND path < ?"
    return {bytes(path): _Known(*rest) for path, *rest in connection.execute(find, (first, last))}


def remove_unused(connection: sqlite3.Connection) -> None:
    """Remove photographs without a file."""
    unused = "NOT IN (SELECT photograph FROM file)"
    connection.execute(f"DELETE FROM keypoints WHERE photograph {unused}")
    connection.execute(f"DELETE FROM photograph WHERE id {unused}")


def ahead(work: Callable[[_Given], _Made], items: Iterable[_Given], threads: int) -> Iterator[_Made]:
    """Results in order, of threads that are a few items ahead."""
    waiting: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(threads, "library") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= _AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _below(folder: str) -> bytes:
    return os.fsencode(os.path.join(folder, ""))

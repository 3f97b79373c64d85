"""Remote folder given by a URL such as ``s3://bucket/photos``, accessed through fsspec; parsing of places."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from srntt._files import exists_error
from srntt.batch._local_folder import STATE_FOLDER, UNFINISHED, LocalFolder, OutputFile, Save, measured
from srntt.data import Listing, in_order
from srntt.errors import InputError, MissingDependencyError, OutputError, PictureError, SrnttError
from srntt.image import Limits, check_output

if TYPE_CHECKING:
    import fsspec


@dataclass(frozen=True)
class RemoteFolder:
    """Folder given by its URL, without trailing slash, with the methods of `LocalFolder`. It can be pickled.

    A file is written locally, uploaded under a temporary name, and then renamed remotely. Object stores write objects
    atomically, and so outputs appear atomically, too.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def files(self) -> "fsspec.AbstractFileSystem":
        """File system of the URL."""
        return _opened(self.url)[0]

    @property
    def root(self) -> str:
        """Path of the folder in the file system."""
        return _opened(self.url)[1]

    def locate(self, name: str) -> str:
        return f"{self.url}/{name}"

    def name_within(self, outer: object) -> str | None:
        if not isinstance(outer, RemoteFolder):
            return None
        if self.url == outer.url:
            return "."
        return self.url[len(outer.url) + 1 :] if self.url.startswith(f"{outer.url}/") else None

    def list_files(self, *, recursive: bool, leave_out: Iterable[Any] = ()) -> Listing:
        """List the files; object stores have neither folders nor links, and return a single list."""
        root = self.root
        with reported(self.url, InputError, "cannot be listed"):
            found: dict = self.files.find(root, maxdepth=None if recursive else 1, detail=True)  # pyright: ignore
        names = [path[len(root) + 1 :] for path, about in found.items() if about.get("type") == "file"]
        within = [name for place in leave_out if (name := place.name_within(self))]
        visible = (name for name in names if name and not any(part.startswith(".") for part in name.split("/")))
        kept = (name for name in visible if not any(name.startswith(f"{folder}/") for folder in within))
        return Listing(in_order(kept))

    def read(self, name: str, limits: Limits) -> bytes:
        url, path = self.locate(name), self._path(name)
        with reported(url, PictureError, "cannot be read"):
            size, most = self.files.size(path), limits.max_bytes
            if size is not None and size > most:
                raise PictureError(f"{url}: {size:,} bytes, the limit is {most:,}. Raise it with --max-bytes.")
            content = bytes(self.files.cat_file(path))  # pyright: ignore
        if not content:
            raise PictureError(f"{url}: is empty (0 bytes). Give a complete picture file.")
        return content

    def is_empty_file(self, name: str) -> bool:
        return bool(self.files.isfile(self._path(name))) and self.files.size(self._path(name)) == 0

    def confines(self, name: str) -> bool:
        return True

    @contextmanager
    def hold(self) -> Iterator[str]:
        yield f"{self.url} cannot be locked: do not start a second run that writes there"

    def has_state(self) -> bool:
        return bool(self.files.exists(self._path(STATE_FOLDER)))

    def check_output(self, name: str, *, width: int, height: int, alpha: bool, bits: int, cicp: bool = False) -> None:
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, os.path.basename(name))
            try:
                check_output(local, width=width, height=height, alpha=alpha, bits=bits, cicp=cicp, overwrite=True)
            except SrnttError as error:
                raise type(error)(str(error).replace(local, self.locate(name))) from error

    def is_free(self, name: str, *, replaceable: bool) -> bool:
        with reported(self.locate(name), OutputError, "cannot be accessed"):
            path = self._path(name)
            return not self.files.exists(path) or (replaceable and self.files.isfile(path))

    def make_parent(self, name: str) -> None:
        folder = os.path.dirname(name)
        with reported(self.locate(folder), OutputError, "the folder cannot be created"):
            self.files.makedirs(self._path(folder), exist_ok=True)

    def stage(self, suffix: str, save: Save) -> tuple[OutputFile, tuple[str, ...]]:
        name = f"{UNFINISHED}/{secrets.token_hex(8)}{suffix}"
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"output{suffix}"
            notes = save(file)
            size, sha256 = measured(file)
            with reported(self.url, OutputError, "cannot be written to"):
                self.files.makedirs(self._path(UNFINISHED), exist_ok=True)
                self.files.put_file(os.fspath(file), self._path(name))
        return OutputFile(name, size, sha256), notes

    def publish(self, staged: str, name: str, *, replace: bool) -> None:
        if not self.is_free(name, replaceable=replace):
            raise exists_error(self.locate(name))
        with reported(self.locate(name), OSError, "cannot be written"):
            self.files.mv(self._path(staged), self._path(name))

    def is_whole(self, file: OutputFile) -> bool:
        path = self._path(file.output)
        try:
            if self.files.size(path) != file.bytes:
                return False
            with self.files.open(path, "rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256  # pyright: ignore
        except Exception:  # missing or inaccessible: writing it again will report the error
            return False

    def discard(self, name: str) -> None:
        with suppress(Exception):
            if self.files.exists(self._path(name)):
                self.files.rm_file(self._path(name))

    def discard_unfinished(self) -> None:
        with suppress(Exception):
            for path in self.files.find(self._path(UNFINISHED)):
                self.files.rm_file(path)

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}" if name else self.root


Place = LocalFolder | RemoteFolder
"""Local folder or URL. Only this file and `open_lines` distinguish the two."""


def place(location: str | os.PathLike | Place) -> Place:
    """Convert a path or URL to a place; ``file://`` is local.

    Raises:
        InputError: The scheme of the URL is unknown.
        MissingDependencyError: A package that opens such URLs is not installed.
    """
    if isinstance(location, LocalFolder | RemoteFolder):
        return location
    text = os.fspath(location)
    if not _is_url(text):
        return LocalFolder(Path(text))
    if text.startswith("file:///"):
        return LocalFolder(Path(unquote(text.removeprefix("file://"))))
    remote = RemoteFolder(text.rstrip("/"))
    _opened(remote.url)
    return remote


def _is_url(text: str) -> bool:
    """Return whether a text has a scheme, such as ``s3://``."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum()


@lru_cache(maxsize=64)
def _opened(url: str) -> "tuple[fsspec.AbstractFileSystem, str]":
    """Return the file system of a URL and the path in it, without caching of listings, which others may change."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingDependencyError.of_extra(f"{url}: URLs need fsspec, alone or with Ray", "ray") from error
    try:
        files, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise MissingDependencyError(f"{url}: {error} (with pip, in addition to fsspec).") from error
    except ValueError as error:
        raise InputError(f"{url}: {error}. Give a folder, or a URL that fsspec knows, such as s3://...") from error
    return files, path.rstrip("/")


@contextmanager
def reported(url: str, kind: type[Exception], trouble: str) -> Iterator[None]:
    """Convert any error of a file system in the block to one type, with the message "URL: trouble: reason." """
    try:
        yield
    except kind:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = "no such file or folder" if isinstance(error, FileNotFoundError) else reason.rstrip(".")
        raise kind(f"{url}: {trouble}: {reason}.") from error

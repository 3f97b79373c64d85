"""Where files lie: a folder of this machine, or one behind a URL such as ``s3://bucket/photos`` that fsspec opens."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from srntt.errors import InputError, MissingDependencyError

if TYPE_CHECKING:
    import fsspec


@dataclass(frozen=True)
class Remote:
    """A folder, or a file, behind a URL. It can be pickled; each process opens it anew.

    Attributes:
        url: without a slash at the end.
    """

    url: str

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.url}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def files(self) -> "fsspec.AbstractFileSystem":
        """The file system; it keeps no listings, which others may make out of date."""
        return _opened(self.url)[0]

    @property
    def path(self) -> str:
        """Within the file system."""
        return _opened(self.url)[1]


Place = Path | Remote
"""A folder on this machine or behind a URL."""


def place(text: str | os.PathLike | Remote) -> Place:
    """The place that a person means; ``file://`` is this machine.

    Raises:
        InputError: a URL of a kind that does not exist.
        MissingDependencyError: a package that opens such URLs is not installed.
    """
    if isinstance(text, Remote):
        return text
    name = os.fspath(text)
    if not is_url(name):
        return Path(name)
    if name.startswith("file:///"):
        return Path(unquote(name.removeprefix("file://")))
    remote = Remote(name.rstrip("/"))
    _opened(remote.url)
    return remote


def is_url(text: str) -> bool:
    """It has a scheme, such as ``s3://``."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.isascii() and scheme.replace("+", "").replace("-", "").isalnum()


def join(where: Place, name: str) -> str:
    """The path or URL of a file in a place, by its name relative to that."""
    return str(where / name) if isinstance(where, Remote) else os.path.join(where, name)


def inside(inner: Place, outer: Place) -> str | None:
    """The name of a place relative to another: ``.`` for the same one, None if it does not lie there."""
    if isinstance(inner, Remote) or isinstance(outer, Remote):
        if str(inner) == str(outer):
            return "."
        within = isinstance(inner, Remote) and isinstance(outer, Remote) and inner.url.startswith(f"{outer.url}/")
        return str(inner)[len(str(outer)) + 1 :] if within else None
    try:
        name = os.path.relpath(os.path.realpath(inner), os.path.realpath(outer)).replace(os.sep, "/")
    except ValueError:  # another drive
        return None
    return None if name.split("/")[0] == ".." else name


@contextmanager
def said_of(where: Remote | str, kind: type[Exception], trouble: str) -> Iterator[None]:
    """Whatever a file system raises in the block becomes one error; they have no common base.

    Raises:
        kind: "URL: trouble: reason."
    """
    try:
        yield
    except kind:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = "no such file or folder" if isinstance(error, FileNotFoundError) else reason.rstrip(".")
        raise kind(f"{where}: {trouble}: {reason}.") from error


@lru_cache(maxsize=4096)
def _opened(url: str) -> "tuple[fsspec.AbstractFileSystem, str]":
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingDependencyError(f"{url}: URLs need fsspec: pip install 'srntt[ray]', or fsspec alone.") from error
    try:
        files, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise MissingDependencyError(f"{url}: {error} (with pip, beside fsspec).") from error
    except ValueError as error:
        raise InputError(f"{url}: {error}. Give a folder, or a URL that fsspec knows, such as s3://...") from error
    return files, path.rstrip("/")

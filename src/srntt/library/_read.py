"""A file to what the library keeps of it."""

import hashlib
import os
from collections.abc import Container
from dataclasses import dataclass

from srntt.errors import MissingPictureError, SrnttError
from srntt.image import Limits, load_content, read_file
from srntt.library._describe import Described, describe


@dataclass(frozen=True)
class Photograph:
    """A file that was read.

    Attributes:
        size: Size of the file in bytes.
        modified: Time of its last change, in nanoseconds.
        sha256: Hash of its content.
        described: What is stored of the content; None if that is stored already.
    """

    size: int
    modified: int
    sha256: bytes
    described: Described | None


@dataclass(frozen=True)
class Unreadable:
    """A file that was not read.

    Attributes:
        reason: Sentence for the user.
        is_gone: Whether the file no longer exists.
        is_passing: Whether it may be readable later, as after it was written to the end.
    """

    reason: str
    is_gone: bool = False
    is_passing: bool = False


def read_photograph(path: str, limits: Limits, known: Container[bytes]) -> Photograph | Unreadable:
    """Read a file once, hash and describe the same bytes.

    Args:
        path: File of a picture.
        limits: Limits on reading.
        known: Hashes of contents that need no description.
    """
    try:
        before = os.stat(path)
        content = read_file(path, limits)
        after = os.stat(path)
        if _version(before) != _version(after):
            return Unreadable(f"{path}: changed while it was read. Add it again later.", is_passing=True)
        sha256 = hashlib.sha256(content).digest()
        described = None if sha256 in known else describe(load_content(content, path, limits=limits))
        return Photograph(after.st_size, after.st_mtime_ns, sha256, described)
    except (MissingPictureError, FileNotFoundError) as error:
        return Unreadable(str(error), is_gone=True)
    except SrnttError as error:
        return Unreadable(str(error))
    except (OSError, MemoryError) as error:
        return Unreadable(f"{path}: cannot be read: {error or 'not enough memory'}.", is_passing=True)


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns

"""Reads regular files only, so that nothing can block or read without end."""

import os
import stat
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from srntt._numbers import as_number
from srntt._system import READING
from srntt.errors import InputError, MemoryBudgetError, MissingPictureError, PictureError

_DECODING = 12  # bytes per pixel while decoding: Pillow's four, our three, and intermediate copies


@dataclass(frozen=True)
class Limits:
    """Maximum sizes of a picture, checked before anything is decoded.

    Attributes:
        max_bytes: size of the file in bytes. Default 512 MiB.
        max_pixels: width times height. Default 200 million (a decoded 8-bit picture of that size is 0.6 GB).
        max_memory: bytes that decoding may take; None for no limit.
    """

    max_bytes: int = 512 * 2**20
    max_pixels: int = 200_000_000
    max_memory: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels", "max_memory"):
            value = getattr(self, name)
            if value is None and name == "max_memory":
                continue
            if (number := as_number(value)) is None or not number >= 1:
                raise InputError(f"Limits({name}={value!r}): must be at least 1.")


def check_limits(limits: object) -> None:
    """Raises InputError for anything but limits."""
    if not isinstance(limits, Limits):
        raise InputError(f"limits are {type(limits).__name__}; give srntt.image.Limits(...).")


@runtime_checkable
class BinaryFile(Protocol):
    """An open file that returns its next bytes, and none at its end."""

    def read(self, amount: int, /) -> bytes: ...


@runtime_checkable
class ByteSink(Protocol):
    """A file to which bytes are written."""

    def write(self, content: bytes, /) -> int: ...


@runtime_checkable
class SeekableSink(ByteSink, Protocol):
    """The same for writers that need to seek."""

    def seek(self, place: int, whence: int = 0, /) -> int: ...

    def tell(self) -> int: ...

    def flush(self) -> None: ...


def refuse(source: str, reason: str) -> PictureError:
    """Makes the error for a file that is refused: its name, the reason, and what to do."""
    return PictureError(f"{source}: {reason}")


def check_pixels(source: str, width: int, height: int, limits: Limits, bytes_per_pixel: int = _DECODING) -> None:
    """Checks the number of pixels in a header.

    Raises:
        PictureError: none, or more than ``limits.max_pixels``.
        MemoryBudgetError: decoding would take more than ``limits.max_memory``.
    """
    if width < 1 or height < 1:
        raise refuse(source, f"its header says {width} x {height} pixels; both must be at least 1.")
    pixels = width * height
    if pixels > limits.max_pixels:
        raise refuse(
            source,
            f"{width} x {height} = {pixels:,} pixels, the limit is {limits.max_pixels:,}. "
            f"If you trust the file, raise it with --max-pixels {pixels}, in Python Limits(max_pixels={pixels}).",
        )
    if limits.max_memory is not None and pixels * bytes_per_pixel > limits.max_memory:
        raise MemoryBudgetError(
            f"{source}: decoding {width} x {height} pixels takes about {-(-pixels * bytes_per_pixel // 10**6):,} MB, "
            f"and {limits.max_memory / 1e6:,.0f} MB are left of the memory allowed. Allow more, or give a smaller "
            "picture."
        )


def check_bytes(source: str, size: int, limits: Limits) -> None:
    """Raises PictureError if ``size`` is 0 or more than ``limits.max_bytes``."""
    if size == 0:
        raise refuse(source, "is empty (0 bytes). Give a whole picture file.")
    if size > limits.max_bytes:
        raise refuse(
            source,
            f"{size:,} bytes, the limit is {limits.max_bytes:,}. "
            f"If you trust the file, raise it with --max-bytes {size}, in Python Limits(max_bytes={size}).",
        )


def read_file(path: str, limits: Limits) -> bytes:
    """Reads a regular file.

    The file is opened once, without blocking, and all checks use the open file: a FIFO, device or folder is refused
    without waiting, and the file cannot be replaced between the checks and the read.

    Raises:
        MissingPictureError: no such file.
        PictureError: not a regular file, empty, or larger than ``limits.max_bytes``.
    """
    try:
        descriptor = os.open(path, READING)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        refused = refuse(ascii(path) if "\0" in path else path, f"cannot be opened: {reason}.")
        missing = isinstance(error, FileNotFoundError)
        raise MissingPictureError(str(refused), path) if missing else refused from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refuse(path, f"is {_kind_of_file(status.st_mode)}, not a regular file. Give a picture file.")
        check_bytes(path, status.st_size, limits)
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(status.st_size + 1)
    except OSError as error:
        raise refuse(path, f"cannot be read: {error.strerror}.") from error
    finally:
        os.close(descriptor)
    if len(data) != status.st_size:
        raise refuse(path, "changed while it was read. Try again when it is complete.")
    return data


def read_open(file: BinaryFile, name: str, limits: Limits) -> bytes:
    """Reads an open file from its current position to its end; it stays open.

    Raises:
        PictureError: empty, larger than ``limits.max_bytes``, or not readable.
        InputError: opened as text.
    """
    parts, size = [], 0
    try:
        while size <= limits.max_bytes and (part := file.read(limits.max_bytes + 1 - size)):
            if not isinstance(part, bytes | bytearray | memoryview):
                raise InputError(f"{name} is open as text. Open it as bytes: open(path, 'rb').")
            parts.append(part)
            size += len(part)
    except (OSError, ValueError) as error:  # ValueError: closed
        if isinstance(error, InputError):
            raise
        raise refuse(name, f"cannot be read: {error}.") from error
    if not size:
        raise refuse(name, "nothing is left to read. If it was just written or read, rewind it: file.seek(0).")
    check_bytes(name, size, limits)
    return b"".join(parts)


def _kind_of_file(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a character device"),
        (stat.S_ISBLK, "a block device"),
    )
    return next((name for test, name in kinds if test(mode)), "something else")

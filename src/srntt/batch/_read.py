"""Files, here or behind URLs, to bytes; and bytes to a picture that bears the name of its file."""

from dataclasses import replace

from srntt.batch._place import Remote, is_url, said_of
from srntt.errors import PictureError, SrnttError
from srntt.image import Limits, Picture, load, read_file


def read(path: str, limits: Limits) -> bytes:
    """Read a file whole.

    Args:
        path: of the file, or its URL.
        limits: on its size.

    Raises:
        PictureError: no such file, no regular one, empty, or too large.
    """
    if not is_url(path):
        return read_file(path, limits)
    remote = Remote(path)
    with said_of(remote, PictureError, "cannot be read"):
        size = remote.files.size(remote.path)
        if size is not None and size > limits.max_bytes:
            raise PictureError(f"{path}: {size:,} bytes, the limit is {limits.max_bytes:,}. Raise it with --max-bytes.")
        content = bytes(remote.files.cat_file(remote.path))  # pyright: ignore
    if not content:
        raise PictureError(f"{path}: is empty (0 bytes). Give a whole picture file.")
    return content


def decode(content: bytes, name: str, limits: Limits) -> Picture:
    """Decode what has been read, and hashed, already; so that the hash is of nothing else.

    Args:
        content: of the file.
        name: for messages, and as the picture's source.
        limits: on what is decoded.

    Raises:
        PictureError: no whole picture.
        MissingDependencyError: HEIF or JPEG XL without the extra that reads it.
        MemoryBudgetError: decoding would take too much.
    """
    try:
        return replace(load(content, limits=limits), source=name)
    except SrnttError as error:
        raise type(error)(str(error).replace("<bytes>", name, 1)) from error

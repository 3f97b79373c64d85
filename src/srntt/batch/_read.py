"""Bytes to a picture that bears the name of its file."""

from dataclasses import replace

from srntt.errors import SrnttError
from srntt.image import Limits, Picture, load


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

"""JSON files that may come from anywhere."""

import json
from pathlib import Path
from typing import Any

from srntt.errors import InputError


def read_json(path: Path, *, what: str, most: int, get: str, repair: str) -> Any:
    """Read a JSON file of a bounded size.

    Args:
        path: the file.
        what: it should be, with its article.
        most: bytes.
        get: a sentence on where to get one when it is missing.
        repair: a sentence on what to do when it is damaged.

    Raises:
        InputError: no such file, unreadable, too large, or not JSON in UTF-8.
    """
    try:
        if not path.is_file():
            raise InputError(f"There is no {path}. {get}")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > most:
        raise InputError(f"{path} is larger than {most:,} bytes: not {what}.")
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON in UTF-8: {str(error)[:200]}. {repair}") from error

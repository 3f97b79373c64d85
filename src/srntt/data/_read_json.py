"""Reading of untrusted JSON files."""

import json
from pathlib import Path
from typing import Any

from srntt.errors import InputError


def read_json(path: Path, *, what: str, most: int, get: str, repair: str) -> Any:
    """Read a JSON file of limited size.

    Args:
        path: File to read.
        what: Description of the file with its article, for error messages.
        most: Maximum size in bytes.
        get: Advice if the file is missing, a sentence.
        repair: Advice if the file is malformed, a sentence.

    Raises:
        InputError: The file is missing, unreadable, too large, or not JSON in UTF-8.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path} does not exist or is not a file. {get}")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > most:
        raise InputError(f"{path} is larger than {most:,} bytes, the limit for {what}.")
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON in UTF-8: {str(error)[:200]}. {repair}") from error

"""PyAV, the extra ``video``, imported where it is used."""

from typing import Any

from srntt.errors import MissingDependencyError


def import_av() -> Any:
    """Import PyAV.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        import av
        import av.error
    except ModuleNotFoundError as error:
        raise MissingDependencyError.of_extra("Films need an extra, folders of frames do not", "video") from error
    return av

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
        raise MissingDependencyError(
            "Films need an extra: in the folder of srntt's source, pip install '.[video]'. Folders of frames do not."
        ) from error
    return av

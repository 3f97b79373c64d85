"""What a figure was made with, so that another can make it again."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import srntt


def environment() -> dict[str, str | int | None]:
    """Versions and machine, without importing what has not been imported."""
    packages = {name: _version(name) for name in ("torch", "numpy", "numba", "pillow")}
    return {
        "srntt": srntt.__version__,
        "python": platform.python_version(),
        **packages,
        "system": platform.platform(),
        "processor": platform.machine(),
        "cpu_count": os.cpu_count(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

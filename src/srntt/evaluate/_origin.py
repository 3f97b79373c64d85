"""Origin of a score: versions, machine, commit, and hashes of pictures and weights."""

import functools
import hashlib
import os
import platform
import subprocess
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import srntt
from srntt._shapes import UInt8

if TYPE_CHECKING:
    import srntt.upscale

_GIT_SECONDS = 5.0


def environment() -> dict[str, str | int | None]:
    """Return versions and machine, without importing further packages."""
    packages = {name: _version(name) for name in ("torch", "numpy", "numba", "pillow")}
    return {
        "srntt": srntt.__version__,
        "python": platform.python_version(),
        **packages,
        "system": platform.platform(),
        "processor": platform.machine(),
        "cpu_count": os.cpu_count(),
    }


def pixels_sha256(picture: UInt8[np.ndarray, "h w 3"]) -> str:
    """Return a hash of the size and samples of a picture, independent of its file format.

    >>> pixels_sha256(np.zeros((2, 3, 3), np.uint8))[:10]
    '6ecdcd2253'
    """
    height, width = picture.shape[:2]
    return hashlib.sha256(f"{height} {width}\n".encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()


def weights_of(upscaler: "srntt.upscale.Upscaler") -> dict[str, Any]:
    """Identify a model by the hash of its weights, its architecture and its config, rather than by name."""
    config = getattr(upscaler.model, "config", None)
    fields = asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}
    fingerprint = upscaler.fingerprint
    return {"sha256": fingerprint, "architecture": type(upscaler.model).__name__, "config": fields}


def folder_name(folder: Path) -> str:
    """Return the last component of a folder's path, printable; the rest of the path is private to the machine."""
    name = folder.resolve().name
    return "".join(letter if letter.isprintable() else "?" for letter in name)


@functools.cache
def commit() -> str | None:
    """Return the commit that the package runs from, with ``-modified`` if tracked files differ from it.

    None if it does not run from a checkout, or git is not available.
    """
    root = Path(srntt.__file__).parents[2]
    if not ((root / ".git").exists() and (root / "pyproject.toml").is_file()):
        return None
    # Without optional locks, git does not write to the user's index.
    command = ["git", "--no-optional-locks", "-C", str(root), "describe", "--always", "--exclude=*", "--abbrev=40"]
    try:
        ran = subprocess.run(
            [*command, "--dirty=-modified"], capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return ran.stdout.strip() or None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

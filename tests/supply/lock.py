"""The lock with hashes, as installed by pip --require-hashes."""

import re
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from supply.closure import ROOT

LOCK = ROOT / "requirements-linux-cpu.txt"
_FIRST = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?:\s|$)")


@dataclass(frozen=True)
class Locked:
    """A package of the lock.

    Attributes:
        version: with the local part.
        hashes: SHA-256 of each of its files.
    """

    version: str
    hashes: tuple[str, ...]


def locked(text: str) -> dict[str, Locked]:
    """Read a lock, by normalised name.

    Raises:
        ValueError: A line is not a pinned version with its hashes.
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    packages: dict[str, Locked] = {}
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        first, hashes = _FIRST.match(entry), tuple(_HASH.findall(entry))
        if first is None or not hashes or len(hashes) != entry.count("--hash"):
            raise ValueError(f"not a version with hashes: {entry[:80]}")
        packages[canonicalize_name(first[1])] = Locked(first[2], hashes)
    return packages

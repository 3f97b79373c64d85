"""Definition of a fault, and of its permitted effects."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Trial:
    """One injection of a fault.

    Attributes:
        outcome: in a few words, the same for all that ended alike.
        lost: what is not as it must be: a half file, an output that differs, words that help nobody. Empty: nothing.
    """

    outcome: str
    lost: tuple[str, ...] = ()


@dataclass(eq=False)
class Ground:
    """The folder where faults are injected.

    Attributes:
        root: a folder for this alone.
        random: draws the moments; seeded, so that a run can be repeated.
    """

    root: Path
    random: Random = field(default_factory=lambda: Random(20))

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A new folder that contains ``out`` and ``home``; deleted afterwards."""
        path = Path(tempfile.mkdtemp(dir=self.root))
        for name in ("out", "home"):
            (path / name).mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Fault:
    """A type of fault, and the number of injections.

    Attributes:
        name: unique.
        about: for people.
        inject: makes it happen about so many times, on a ground.
        quick: how often in `make test`; 0 leaves it to `make faults`.
        full: how often in `make faults`.
    """

    name: str
    about: str
    inject: Callable[[Ground, int], Iterator[Trial]]
    quick: int
    full: int


class CannotError(Exception):
    """This machine does not allow the fault; the text states the reason."""


def spread(count: int, of: int) -> list[int]:
    """At most ``count`` of the numbers 1..``of``, evenly spaced, including the first and the last.

    Example:
        >>> spread(3, 9), spread(9, 2), spread(1, 9)
        ([1, 5, 9], [1, 2], [5])
    """
    if count >= of:
        return list(range(1, of + 1))
    if count == 1:
        return [(of + 1) // 2]
    return sorted({1 + round(index * (of - 1) / (count - 1)) for index in range(count)})

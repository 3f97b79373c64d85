"""Definition of an attack, and of its permitted outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from weights.hub_server import Repository

WRITABLE = "out"  #: the one folder, of those that an attack runs in, where anything may be written


@dataclass(frozen=True)
class Attack:
    """Malicious input to one command, and its only permitted outcome.

    Attributes:
        name: unique.
        about: what it tries, for people.
        make: writes the hostile files into a folder, which the command then runs in.
        command: of ``srntt``; or ``module:function`` and its arguments, for a call of the library.
        code: the exit code.
        says: pattern of stderr (of stdout on success): the file, and its defect.
        writes: files below ``out/`` afterwards, exactly.
        seconds: of processor time, at most.
        mib: of memory beyond what the interpreter with srntt holds anyway, at most.
        slow: skipped in ``make test``.
        known: a known defect that permits it; the test reports when the defect is fixed.
        hub: the repositories of a hub that answers the command, which may open no other connection.
    """

    name: str
    about: str
    make: Callable[[Path], object]
    command: tuple[str, ...]
    code: int
    says: str
    writes: tuple[str, ...] = ()
    seconds: float = 5.0
    mib: int = 100
    slow: bool = False
    known: str = ""
    hub: Callable[[], dict[str, Repository]] | None = None


@dataclass(frozen=True)
class Outcome:
    """The outcome of an attack.

    Attributes:
        code: exit code; below 0 the signal that ended it.
        out, err: what it said.
        seconds: of processor time.
        mib: the most memory it held beyond what its parent did.
        written: files below ``out/`` now.
        changed: files elsewhere that are new, other or gone.
        misdeeds: calls that no input may lead to: unpickling, another program, a connection, a write elsewhere.
    """

    code: int
    out: str
    err: str
    seconds: float
    mib: float
    written: tuple[str, ...]
    changed: tuple[str, ...]
    misdeeds: tuple[str, ...]

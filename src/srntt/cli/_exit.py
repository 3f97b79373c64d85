"""Exit codes, and what is said of an error."""

from enum import IntEnum

from srntt._failures import is_of_device, is_out_of_memory, reason
from srntt.cli._interrupt import Terminated
from srntt.errors import (
    InputError,
    MemoryBudgetError,
    MissingDependencyError,
    ModelError,
    OutputError,
    PictureError,
    SrnttError,
)


class Exit(IntEnum):
    """What the process returns."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    NOTHING_TO_DO = 3
    ENVIRONMENT = 4
    INTERRUPTED = 130
    TERMINATED = 143


class NothingToDoError(SrnttError):
    """Everything asked for is there already, or there is nothing to work on."""


# Most particular first: a PictureError is an InputError, but what must be mended is the file, not the command line.
_CODES: tuple[tuple[type[BaseException], Exit], ...] = (
    (Terminated, Exit.TERMINATED),
    (KeyboardInterrupt, Exit.INTERRUPTED),
    (NothingToDoError, Exit.NOTHING_TO_DO),
    (PictureError, Exit.SOME_FAILED),
    (InputError, Exit.USAGE),
    (OutputError, Exit.USAGE),
    (ModelError, Exit.ENVIRONMENT),
    (MissingDependencyError, Exit.ENVIRONMENT),
    (MemoryBudgetError, Exit.ENVIRONMENT),
    (ImportError, Exit.ENVIRONMENT),
)


def exit_code(error: BaseException) -> Exit:
    """The code for an error; one that nobody foresaw counts as a failed input."""
    if is_out_of_memory(error) or is_of_device(error):
        return Exit.ENVIRONMENT
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.SOME_FAILED)


def explanation(error: BaseException) -> str:
    """What a person is told."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted. Nothing half-written was left."
    if isinstance(error, SrnttError):
        return str(error)
    if is_out_of_memory(error):
        return "Out of memory. Say how much may be used with --memory, or close other programs."
    if is_of_device(error):
        return (
            f"The device failed: {reason(error)}. Try again; if it fails again, use --device cpu, and look at its "
            "driver."
        )
    if isinstance(error, ImportError):
        return f"A part of the installation is missing or broken: {error}. `srntt doctor` says which."
    return (
        f"{type(error).__name__}: {error}\nNobody foresaw this: it is a defect of srntt. "
        "Run the same command with --debug and report what it prints."
    )

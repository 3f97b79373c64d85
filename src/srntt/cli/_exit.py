"""Exit codes, and messages of errors."""

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
    """Exit code of the process."""

    DONE = 0
    SOME_FAILED = 1
    USAGE = 2
    NOTHING_TO_DO = 3
    ENVIRONMENT = 4
    INTERRUPTED = 130
    TERMINATED = 143


class NothingToDoError(SrnttError):
    """Everything requested exists already, or there is no input."""


# Most specific first: a PictureError is an InputError, but the file has to be fixed, not the command line.
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
    """Return the exit code of an error; an unexpected one counts as a failed input."""
    if is_out_of_memory(error) or is_of_device(error):
        return Exit.ENVIRONMENT
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.SOME_FAILED)


def explanation(error: BaseException) -> str:
    """Return the message of an error for the user."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted. No incomplete files were left."
    if isinstance(error, SrnttError):
        return str(error)
    if is_out_of_memory(error):
        return "Out of memory. Set a budget with --memory, or close other programs."
    if is_of_device(error):
        return (
            f"The device failed: {reason(error)}. Try again; if it fails again, use --device cpu, and check the driver."
        )
    if isinstance(error, ImportError):
        return f"A part of the installation is missing or broken: {error}. `srntt doctor` shows which."
    return (
        f"{type(error).__name__}: {error}\nThis is an unexpected error, a bug in srntt. "
        "Run the same command with --debug and report its output."
    )

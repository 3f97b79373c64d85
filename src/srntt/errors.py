"""Exceptions of srntt.

Messages state what was given, what is allowed, and what to do. Each exception is also a standard one, so that
``except ValueError`` works without importing this module.
"""

import errno
import os


class SrnttError(Exception):
    """Base class of all exceptions of srntt; the message is meant for the user."""


class Cancelled(SrnttError):  # noqa: N818 (not an error)
    """Raised by a progress callback to stop the work; nothing is written, and the upscaler can be used again."""


class InputError(SrnttError, ValueError):
    """Invalid picture, array or option."""


class PictureError(InputError):
    """File that is not a complete picture of a supported format and size."""


class MissingPictureError(PictureError, FileNotFoundError):
    """Picture file that does not exist.

    Attributes:
        filename: Path of the file; ``errno`` and ``strerror`` are those of ``FileNotFoundError``.
    """

    def __init__(self, text: str, filename: str | None = None) -> None:
        super().__init__(text)
        self.errno, self.strerror, self.filename = errno.ENOENT, os.strerror(errno.ENOENT), filename

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple:
        return type(self), (*self.args, self.filename)


class OutputError(SrnttError, OSError):
    """Output that cannot be written."""


class ModelError(SrnttError, RuntimeError):
    """Model that is missing, damaged or inconsistent."""


class MissingWeightsError(ModelError):
    """Third-party weights that were not fetched yet."""


class MemoryBudgetError(SrnttError, MemoryError):
    """Work that exceeds the memory budget, even in the smallest tiles."""


class MissingDependencyError(SrnttError, RuntimeError):
    """Package or device that is required but not available."""

    @classmethod
    def of_extra(cls, what: str, extra: str) -> "MissingDependencyError":
        """Return the error for something that needs an extra of srntt, with the way to install it."""
        return cls(f"{what}: in the source folder of srntt, run pip install '.[{extra}]'.")

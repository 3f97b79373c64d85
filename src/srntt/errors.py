"""Every error that srntt raises on purpose.

Each has the text a person needs (what was given, what is allowed, what to do next) and a stdlib twin, so that
``except ValueError`` works for those who have never heard of us.
"""

import errno
import os


class SrnttError(Exception):
    """Base of all errors below; its text is meant for the person at the keyboard."""


class Cancelled(SrnttError):  # noqa: N818 (not an error)
    """Raised by a progress callback to stop the work; nothing is written, and the upscaler can be used again."""


class InputError(SrnttError, ValueError):
    """A picture, array or option that cannot be used as given."""


class PictureError(InputError):
    """A file that is not a whole picture of an allowed format and size."""


class MissingPictureError(PictureError, FileNotFoundError):
    """A picture's file that is not there.

    Attributes:
        filename: of it; ``errno`` and ``strerror`` are those of every ``FileNotFoundError``.
    """

    def __init__(self, text: str, filename: str | None = None) -> None:
        super().__init__(text)
        self.errno, self.strerror, self.filename = errno.ENOENT, os.strerror(errno.ENOENT), filename

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple:
        return type(self), (*self.args, self.filename)


class OutputError(SrnttError, OSError):
    """An output that cannot be written where or as asked."""


class ModelError(SrnttError, RuntimeError):
    """A model that is missing, damaged, or not what it says it is."""


class MissingWeightsError(ModelError):
    """Weights of others that a model works with, and that were not fetched yet."""


class MemoryBudgetError(SrnttError, MemoryError):
    """The work does not fit the memory it was given, in even the smallest pieces."""


class MissingDependencyError(SrnttError, RuntimeError):
    """The machine lacks something the work needs (a package, a device)."""

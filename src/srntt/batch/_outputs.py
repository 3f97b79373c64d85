"""Where outputs are written and get their names: a folder of this machine, or one behind a URL.

Both can be pickled. Any process may write an unfinished output; the one that runs the batch gives it its name.
"""

import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from srntt._files import exists_error, put_in_place
from srntt.batch._manifest import MadeFile
from srntt.batch._place import Remote, join, said_of
from srntt.errors import OutputError, SrnttError
from srntt.image import check_output

STATE_FOLDER = ".srntt-batch"
UNFINISHED = f"{STATE_FOLDER}/unfinished"


@dataclass(frozen=True)
class Written:
    """An output that is whole, but has no name yet.

    Attributes:
        file: path or URL.
        bytes: its size.
        sha256: of its bytes.
        notes: what its format could not hold.
    """

    file: str
    bytes: int
    sha256: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LocalOutputs:
    """Outputs in a folder of this machine, or one that all machines of a cluster see under this path."""

    root: Path

    @property
    def unfinished(self) -> Path:
        """Where an output is written before it gets its name."""
        return self.root / UNFINISHED

    def check(self, name: str, *, width: int, height: int, alpha: bool, bits: int) -> None:
        """Raise OutputError if the format of a name cannot hold such a picture."""
        check_output(self.root / name, width=width, height=height, alpha=alpha, bits=bits, overwrite=True)

    def write(self, suffix: str, save: Callable[[Path], tuple[str, ...]]) -> Written:
        """Have ``save`` write to a file that has no name yet. Raises OutputError."""
        file = self.unfinished / f"{secrets.token_hex(8)}{suffix}"
        notes = save(file)
        return Written(os.fspath(file), *_measured(file), notes)

    def free(self, name: str, *, replaceable: bool) -> bool:
        """Whether an output may get this name: nothing has it, or a file that may be replaced."""
        try:
            mode = os.lstat(self.root / name).st_mode
        except OSError:  # absent, or of a name that writing will refuse
            return True
        return replaceable and (stat.S_ISREG(mode) or stat.S_ISLNK(mode))

    def prepare(self, name: str) -> None:
        """Make the folder of an output. Raises OutputError."""
        output = self.root / name
        root, folder = os.path.realpath(self.root), os.path.realpath(output.parent)
        if os.path.commonpath([root, folder]) != root:
            raise OutputError(f"{output}: the folder is a link that leads out of {self.root}. Remove it.")
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{output.parent}: cannot be made a folder: {error.strerror}.") from error

    def put(self, file: str, name: str, *, replace: bool) -> None:
        """Give an output its name. Raises OutputError where another file has it, OSError where it cannot be."""
        put_in_place(file, os.fspath(self.root / name), overwrite=replace)

    def is_whole(self, made: MadeFile) -> bool:
        """The file is there, and what it was when it was made."""
        path = self.root / made.output
        try:
            status = os.lstat(path)
            return stat.S_ISREG(status.st_mode) and _measured(path) == (made.bytes, made.sha256)
        except OSError:
            return False

    def discard(self, file: str) -> None:
        """Remove an output that has no name, if it is there."""
        with suppress(OSError):
            os.unlink(file)

    def clear(self) -> None:
        """Remove all that have no name: what a killed run left."""
        with suppress(OSError):
            for path in self.unfinished.iterdir():
                path.unlink()


@dataclass(frozen=True)
class RemoteOutputs:
    """Outputs behind a URL. Each is written here, uploaded under another name, and then moved, where it is.

    An object store shows an object whole or not at all, so that this holds of the outputs, too.
    """

    root: Remote

    def check(self, name: str, *, width: int, height: int, alpha: bool, bits: int) -> None:
        """Raise OutputError if the format of a name cannot hold such a picture."""
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, os.path.basename(name))
            try:
                check_output(local, width=width, height=height, alpha=alpha, bits=bits, overwrite=True)
            except SrnttError as error:
                raise type(error)(str(error).replace(local, join(self.root, name))) from error

    def write(self, suffix: str, save: Callable[[Path], tuple[str, ...]]) -> Written:
        """Have ``save`` write to a file that has no name yet. Raises OutputError."""
        target = self.root / f"{UNFINISHED}/{secrets.token_hex(8)}{suffix}"
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"output{suffix}"
            notes = save(file)
            measured = _measured(file)
            with said_of(self.root, OutputError, "cannot be written to"):
                target.files.makedirs(target.path.rpartition("/")[0], exist_ok=True)
                target.files.put_file(os.fspath(file), target.path)
        return Written(target.url, *measured, notes)

    def free(self, name: str, *, replaceable: bool) -> bool:
        """Whether an output may get this name: nothing has it, or a file that may be replaced."""
        target = self.root / name
        with said_of(target, OutputError, "cannot be looked at"):
            return not target.files.exists(target.path) or (replaceable and target.files.isfile(target.path))

    def prepare(self, name: str) -> None:
        """Make the folder of an output. Raises OutputError."""
        folder = Remote((self.root / name).url.rpartition("/")[0])
        with said_of(folder, OutputError, "cannot be made a folder"):
            folder.files.makedirs(folder.path, exist_ok=True)

    def put(self, file: str, name: str, *, replace: bool) -> None:
        """Give an output its name. Raises OutputError where another file has it, OSError where it cannot be."""
        target = self.root / name
        if not self.free(name, replaceable=replace):
            raise exists_error(target.url)
        with said_of(target, OSError, "cannot be written"):
            target.files.mv(Remote(file).path, target.path)

    def is_whole(self, made: MadeFile) -> bool:
        """The file is there, and what it was when it was made."""
        target = self.root / made.output
        try:
            if target.files.size(target.path) != made.bytes:
                return False
            with target.files.open(target.path, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == made.sha256  # pyright: ignore
        except Exception:  # gone, or out of reach: writing it anew will tell
            return False

    def discard(self, file: str) -> None:
        """Remove an output that has no name, if it is there."""
        unwanted = Remote(file)
        with suppress(Exception):
            if unwanted.files.exists(unwanted.path):
                unwanted.files.rm_file(unwanted.path)

    def clear(self) -> None:
        """Remove all that have no name: what a killed run left."""
        unfinished = self.root / UNFINISHED
        with suppress(Exception):
            for path in unfinished.files.find(unfinished.path):
                unfinished.files.rm_file(path)


Outputs = LocalOutputs | RemoteOutputs
"""Where outputs go, and what may be done there. Names are relative to its ``root``."""


def _measured(path: Path) -> tuple[int, str]:
    """Size and hash of a file."""
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()

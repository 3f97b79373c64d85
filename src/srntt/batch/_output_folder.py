"""The folder that outputs go to, and what srntt keeps in it: ``.srntt-batch``.

Outputs are written there first, whole, and then renamed: killed at any moment, a run leaves whole files only.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from srntt._files import put_in_place
from srntt.batch._job import Job
from srntt.batch._lines import Lines
from srntt.batch._lock import locked
from srntt.batch._manifest import Made, Manifest
from srntt.errors import OutputError

STATE_FOLDER = ".srntt-batch"
MANIFEST_FILE = "manifest.jsonl"
DESCRIPTORS_FILE = "descriptors.jsonl"


@dataclass(frozen=True)
class OutputFolder:
    """An output folder that this process alone writes to.

    Attributes:
        root: the folder.
        manifest: what was made in it.
        descriptors: of shared references, by content.
        notes: what a person must know.
    """

    root: Path
    manifest: Manifest
    descriptors: Lines
    notes: tuple[str, ...] = ()

    @property
    def unfinished(self) -> Path:
        """Where an output is written before it gets its name; emptied when a run begins and ends."""
        return self.root / STATE_FOLDER / "unfinished"

    def occupied(self, job: Job, *, overwrite: bool) -> frozenset[str]:
        """Those names of a job that something has that must not be replaced; makes their folder.

        Raises:
            OutputError: the folder cannot be made, or leads out of this one.
        """
        self._make_folder(self.root / job.outputs[0])
        return frozenset(name for name in job.outputs if not self._free(name, overwrite))

    def put(self, made: Made, finished: Path, *, overwrite: bool) -> None:
        """Give an output its name; the manifest knows of it first.

        Args:
            made: what is known of it.
            finished: the file, on the same file system.
            overwrite: replace also what no run made.

        Raises:
            OutputError: cannot be done, or another file has got the name meanwhile.
        """
        target = os.fspath(self.root / made.output)
        replace = overwrite or self.manifest.owns(made.output)
        self.manifest.add_made(made)
        try:
            put_in_place(os.fspath(finished), target, overwrite=replace)
        except OutputError:
            self.manifest.add_foreign(made.output)
            raise
        except OSError as error:
            raise OutputError(f"{target}: cannot be written: {error.strerror}.") from error
        finally:
            with suppress(OSError):
                os.unlink(finished)

    def _free(self, name: str, overwrite: bool) -> bool:
        try:
            mode = os.lstat(self.root / name).st_mode
        except OSError:  # absent, or of a name that writing will refuse
            return True
        return (stat.S_ISREG(mode) or stat.S_ISLNK(mode)) and (overwrite or self.manifest.owns(name))

    def _make_folder(self, output: Path) -> None:
        root, folder = os.path.realpath(self.root), os.path.realpath(output.parent)
        if os.path.commonpath([root, folder]) != root:
            raise OutputError(f"{output}: the folder is a link that leads out of {self.root}. Remove it.")
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{output.parent}: cannot be made a folder: {error.strerror}.") from error


@contextmanager
def open_output_folder(root: Path) -> Iterator[OutputFolder]:
    """Make the folder if need be, lock it, and read what was made in it.

    Raises:
        OutputError: cannot be written to, in use by another process, or holds a manifest that no srntt wrote.
    """
    state = root / STATE_FOLDER
    unfinished = state / "unfinished"
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{root}: cannot be written to: {error.strerror}. Give another folder.") from error
    if state.is_symlink() or unfinished.is_symlink():
        raise OutputError(f"{state}: is a link, where srntt keeps a folder of its own. Remove it.")
    with (
        locked(state / "lock") as note,
        Lines(state / MANIFEST_FILE, "batch manifest") as manifest,
        Lines(state / DESCRIPTORS_FILE, "batch descriptors") as descriptors,
    ):
        _empty(unfinished)
        try:
            yield OutputFolder(root, Manifest(manifest), descriptors, (note,) if note else ())
        finally:
            _empty(unfinished)


def unfinished_name(folder: Path, suffix: str) -> Path:
    """A new name for an output that is being written."""
    return folder / f"{secrets.token_hex(8)}{suffix}"


def _empty(folder: Path) -> None:
    """What a killed run left: nobody else writes here."""
    with suppress(OSError):
        for path in folder.iterdir():
            path.unlink()

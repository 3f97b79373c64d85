"""Output folder of a batch, with its state in ``.srntt-batch``.

Outputs are written there under temporary names and then renamed, so that a killed run leaves complete files only.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from srntt.batch._lines import Lines, open_lines
from srntt.batch._local_folder import STATE_FOLDER
from srntt.batch._record import History, Record
from srntt.batch._remote_folder import Place, place
from srntt.batch._tasks import SIDE_FILES
from srntt.errors import OutputError


@dataclass(frozen=True)
class OutputFolder:
    """Output folder in which only this process assigns final names.

    Attributes:
        place: Folder, to which any process may write.
        history: Outputs of this and earlier runs.
        manifest: Stored form of the history.
        descriptors: Descriptors of shared references by content.
        notes: Notes for the user.
    """

    place: Place
    history: History
    manifest: Lines
    descriptors: Lines
    notes: tuple[str, ...] = ()

    def publish(self, record: Record, *, overwrite: bool) -> None:
        """Give an output and its side files their final names, after recording them in the manifest.

        ``overwrite`` also replaces files that no run wrote. OutputError: renaming failed, or another file took the name
        in the meantime.
        """
        names = [file.output for file in record.files]
        ours = {name for name in names if overwrite or self.history.owns(name)}
        self.append(record.as_json())
        try:
            self._discard_outdated(record)
            for number, (staged, name) in enumerate(zip(record.staged, names, strict=True)):
                later = {other for other in names[number:] if other not in ours}
                self._publish(staged, name, replace=name in ours, before=names[:number], foreign={name, *later})
        finally:
            self.discard(record.staged)

    def append(self, event: dict) -> None:
        """Append an event to the manifest; raise OutputError on failure."""
        self.manifest.append(event)
        self.history.learn(event)

    def discard(self, names: Iterable[str]) -> None:
        """Remove files that exist."""
        for name in names:
            self.place.discard(name)

    def _publish(self, staged: str, name: str, *, replace: bool, before: list[str], foreign: set[str]) -> None:
        """Publish one file of an output; if another file has its name, withdraw those published before it."""
        try:
            self.place.publish(staged, name, replace=replace)
        except OutputError:
            for other in sorted(foreign):
                self.append({"event": "foreign", "output": other})
            self.discard(before)
            raise
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{self.place.locate(name)}: cannot be written: {reason}.") from error

    def _discard_outdated(self, record: Record) -> None:
        """Remove side files of an earlier version of an output, which would not match the new one."""
        for name in {record.output + suffix for suffix in SIDE_FILES.values()} - {file.output for file in record.files}:
            file = self.history.files.get(name)
            if file is not None and self.place.is_whole(file):
                self.place.discard(name)


@contextmanager
def open_output_folder(location: str | os.PathLike | Place) -> Iterator[OutputFolder]:
    """Create the folder if necessary, lock it (unless it is a URL), and read its history.

    Raises:
        OutputError: The folder cannot be written to, is in use by another process, or has an invalid manifest.
    """
    root = place(location)
    with ExitStack() as stack:
        warning = stack.enter_context(root.hold())
        manifest = stack.enter_context(open_lines(root, f"{STATE_FOLDER}/manifest.jsonl", "batch manifest"))
        descriptors = stack.enter_context(open_lines(root, f"{STATE_FOLDER}/descriptors.jsonl", "batch descriptors"))
        root.discard_unfinished()
        stack.callback(root.discard_unfinished)
        notes = (*([warning] if warning else []), *manifest.notes)
        yield OutputFolder(root, History(manifest.items, manifest.path), manifest, descriptors, notes)

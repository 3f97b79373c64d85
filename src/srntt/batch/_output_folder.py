"""The folder that outputs go to, and what srntt keeps in it: ``.srntt-batch``.

Outputs are written there first, whole, and then renamed: killed at any moment, a run leaves whole files only.
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
    """An output folder that this process alone gives names in.

    Attributes:
        place: where outputs are written; any process may.
        history: what was made.
        manifest: the same, as it is stored.
        descriptors: of shared references, by content.
        notes: for the user.
    """

    place: Place
    history: History
    manifest: Lines
    descriptors: Lines
    notes: tuple[str, ...] = ()

    def publish(self, record: Record, *, overwrite: bool) -> None:
        """Give an output and its side files their names; the manifest knows of them first.

        Args:
            record: of what was made.
            overwrite: replace also what no run made.

        Raises:
            OutputError: cannot be done, or another file has got the name meanwhile.
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
        """Enter an event into the manifest. Raises OutputError."""
        self.manifest.append(event)
        self.history.learn(event)

    def discard(self, names: Iterable[str]) -> None:
        """Remove files, as far as they are there."""
        for name in names:
            self.place.discard(name)

    def _publish(self, staged: str, name: str, *, replace: bool, before: list[str], foreign: set[str]) -> None:
        """One of an output's files; if another file has its name, those before it are taken back."""
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
        """Side files that a run left of an output that is remade without them would be of another picture."""
        for name in {record.output + suffix for suffix in SIDE_FILES.values()} - {file.output for file in record.files}:
            file = self.history.files.get(name)
            if file is not None and self.place.is_whole(file):
                self.place.discard(name)


@contextmanager
def open_output_folder(location: str | os.PathLike | Place) -> Iterator[OutputFolder]:
    """Make the folder if need be, lock it, and read what was made in it. Behind a URL there are no locks.

    Raises:
        OutputError: cannot be written to, in use by another process, or holds a manifest that no srntt wrote.
    """
    root = place(location)
    with ExitStack() as stack:
        warning = stack.enter_context(root.hold())
        manifest = stack.enter_context(open_lines(root, f"{STATE_FOLDER}/manifest.jsonl", "batch manifest"))
        descriptors = stack.enter_context(open_lines(root, f"{STATE_FOLDER}/descriptors.jsonl", "batch descriptors"))
        root.discard_unfinished()
        stack.callback(root.discard_unfinished)
        notes = (warning,) if warning else ()
        yield OutputFolder(root, History(manifest.items, manifest.path), manifest, descriptors, notes)

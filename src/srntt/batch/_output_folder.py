"""The folder that outputs go to, and what srntt keeps in it: ``.srntt-batch``.

Outputs are written there first, whole, and then renamed: killed at any moment, a run leaves whole files only.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from srntt._lock import locked
from srntt.batch._beside import BESIDE
from srntt.batch._lines import Lines
from srntt.batch._manifest import Made, Manifest
from srntt.batch._outputs import STATE_FOLDER, UNFINISHED, LocalOutputs, Outputs, RemoteOutputs
from srntt.batch._place import Place, Remote, join
from srntt.batch._remote_lines import RemoteLines
from srntt.errors import OutputError

MANIFEST_FILE = "manifest.jsonl"
DESCRIPTORS_FILE = "descriptors.jsonl"
_KINDS = {MANIFEST_FILE: "batch manifest", DESCRIPTORS_FILE: "batch descriptors"}


@dataclass(frozen=True)
class OutputFolder:
    """An output folder that this process alone gives names in.

    Attributes:
        outputs: where they are written and get their names; for any process.
        manifest: what was made.
        descriptors: of shared references, by content.
        notes: what a person must know.
    """

    outputs: Outputs
    manifest: Manifest
    descriptors: Lines | RemoteLines
    notes: tuple[str, ...] = ()

    @property
    def root(self) -> Place:
        """The folder."""
        return self.outputs.root

    def put(self, made: Made, finished: Sequence[str], *, overwrite: bool) -> None:
        """Give an output, and what is beside it, their names; the manifest knows of them first.

        Args:
            made: what is known of it.
            finished: where ``made.files`` are, as `Outputs.write` told.
            overwrite: replace also what no run made.

        Raises:
            OutputError: cannot be done, or another file has got the name meanwhile.
        """
        names = [file.output for file in made.files]
        ours = set(names) if overwrite else {name for name in names if self.manifest.owns(name)}
        self.manifest.add_made(made)
        try:
            self._remove_untrue(made)
            for number, (file, name) in enumerate(zip(finished, names, strict=True)):
                self._put(file, name, replace=name in ours, before=names[:number], after=set(names[number:]) - ours)
        finally:
            self.discard(finished)

    def discard(self, finished: Sequence[str]) -> None:
        """Remove files that have no names."""
        for file in finished:
            self.outputs.discard(file)

    def _put(self, file: str, name: str, *, replace: bool, before: list[str], after: set[str]) -> None:
        """One of an output's files; if another has its name, what went before it is taken back."""
        try:
            self.outputs.put(file, name, replace=replace)
        except OutputError:
            for foreign in sorted(after | {name}):
                self.manifest.add_foreign(foreign)
            self.discard([join(self.root, other) for other in before])
            raise
        except OSError as error:
            raise OutputError(f"{join(self.root, name)}: cannot be written: {error.strerror or error}.") from error

    def _remove_untrue(self, made: Made) -> None:
        """What a run left beside an output that is made anew without it would be of another picture."""
        for name in {made.output + suffix for suffix in BESIDE.values()} - {file.output for file in made.files}:
            file = self.manifest.file(name)
            if file is not None and self.outputs.is_whole(file):
                self.outputs.discard(join(self.root, name))


@contextmanager
def open_output_folder(root: Place) -> Iterator[OutputFolder]:
    """Make the folder if need be, lock it, and read what was made in it. Behind a URL there are no locks.

    Raises:
        OutputError: cannot be written to, in use by another process, or holds a manifest that no srntt wrote.
    """
    with ExitStack() as stack:
        if isinstance(root, Remote):
            outputs, note = RemoteOutputs(root), f"{root} cannot be locked: let no second run write there meanwhile"
            lines = [RemoteLines(root / f"{STATE_FOLDER}/{name}", kind) for name, kind in _KINDS.items()]
        else:
            outputs, note = LocalOutputs(root), stack.enter_context(_held(root))
            lines = [stack.enter_context(Lines(root / STATE_FOLDER / name, kind)) for name, kind in _KINDS.items()]
        outputs.clear()
        stack.callback(outputs.clear)
        yield OutputFolder(outputs, Manifest(lines[0]), lines[1], (note,) if note else ())


@contextmanager
def _held(root: Path) -> Iterator[str]:
    """A local folder, made and locked."""
    state, unfinished = root / STATE_FOLDER, root / UNFINISHED
    if state.is_symlink() or unfinished.is_symlink():  # before anything is made where it leads
        raise OutputError(f"{state}: is a link, where srntt keeps a folder of its own. Remove it.")
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{root}: cannot be written to: {error.strerror}. Give another folder.") from error
    with locked(state / "lock", root) as note:
        yield note

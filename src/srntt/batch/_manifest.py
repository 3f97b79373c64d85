"""What has been made in an output folder, by which a later run knows what it need not do again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from srntt.batch._job import Job
from srntt.batch._lines import Lines
from srntt.batch._remote_lines import RemoteLines
from srntt.errors import OutputError

_HEX = frozenset("0123456789abcdef")


class MadeFile(NamedTuple):
    """A file that a run made.

    Attributes:
        output: its name, relative to the outputs' folder.
        bytes: its size.
        sha256: of its bytes.
    """

    output: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Made:
    """An output.

    Attributes:
        key: hash of all that it depends on (`Job.key`).
        input: name of the picture that it was made of.
        output: its own name, relative to the outputs' folder.
        bytes: its size.
        sha256: of its bytes.
        about: what else is known of it, for people: references and their shares, seconds, fallbacks, ...
        beside: files that belong to it.
    """

    key: str
    input: str
    output: str
    bytes: int
    sha256: str
    about: dict[str, Any]
    beside: tuple[MadeFile, ...] = ()

    @property
    def files(self) -> tuple[MadeFile, ...]:
        """What is beside it, and itself, last: it gets its name when they have theirs."""
        return (*self.beside, MadeFile(self.output, self.bytes, self.sha256))

    def as_json(self) -> dict[str, Any]:
        """A line of the manifest."""
        facts = {name: getattr(self, name) for name in ("key", "input", "output", "bytes", "sha256")}
        beside = {"beside": [file._asdict() for file in self.beside]} if self.beside else {}
        return {"event": "made", **facts, **beside, "about": self.about}


class Known:
    """Outputs that runs made, by their names; it can be pickled, and knows what was known then."""

    def __init__(self, made: Mapping[str, Made], files: Mapping[str, MadeFile]) -> None:
        self._made, self._files = dict(made), dict(files)

    def __len__(self) -> int:
        return len(self._made)

    def owns(self, output: str) -> bool:
        """A run made the file of this name, or was about to: it may be replaced."""
        return output in self._files

    def file(self, output: str) -> MadeFile | None:
        """What was made under this name last, perhaps beside an output that has been made anew without it."""
        return self._files.get(output)

    def find(self, job: Job) -> Made | None:
        """What was made of the same input, references, model and settings; it may be damaged or gone since."""
        found = (self._made.get(output) for output in job.outputs)
        return next((made for made in found if made and made.key == job.key), None)

    def is_done(self, job: Job, is_whole: Callable[[MadeFile], bool]) -> bool:
        """The output was made, with all that the job asks for beside it, and is whole still."""
        made = self.find(job)
        if made is None:
            return False
        files = {file.output: file for file in made.files}
        return all(name in files and is_whole(files[name]) for name in job.files(made.output))


class Manifest(Known):
    """Events of all runs into a folder, appended, never changed.

    ``made`` is written before the output gets its name: whatever the moment at which a process dies, no output is there
    that the manifest does not know. ``failed`` says why a picture could not be done. ``foreign`` takes a ``made`` back:
    another file had the name.

    Args:
        lines: the file.

    Raises:
        OutputError: it holds events that no srntt wrote.
    """

    def __init__(self, lines: Lines | RemoteLines) -> None:
        super().__init__({}, {})
        self._lines = lines
        for number, item in enumerate(lines.items, 2):
            try:
                self._learn(item)
            except (KeyError, TypeError, ValueError) as error:
                raise OutputError(
                    f"{lines.path}, line {number}: this is not what srntt wrote ({error}). Move the file away (what it "
                    "knew is then done again), or give another output folder."
                ) from error

    def known(self) -> Known:
        """What it knows now, without the file."""
        return Known(self._made, self._files)

    def add_made(self, made: Made) -> None:
        """About to put an output in place."""
        self._append(made.as_json())

    def add_foreign(self, output: str) -> None:
        """Could not: another file has the name."""
        self._append({"event": "foreign", "output": output})

    def add_failed(self, name: str, reason: str) -> None:
        """A picture could not be done."""
        self._append({"event": "failed", "input": name, "reason": reason})

    def _append(self, item: dict[str, Any]) -> None:
        self._lines.append(item)
        self._learn(item)

    def _learn(self, item: dict[str, Any]) -> None:
        event = item["event"]
        if event == "made":
            made = _checked(item)
            self._made[made.output] = made
            self._files |= {file.output: file for file in made.files}
        elif event == "foreign":
            self._made.pop(item["output"], None)
            self._files.pop(item["output"], None)
        elif event != "failed":
            raise ValueError(f"event {event!r}")


def _checked(item: dict[str, Any]) -> Made:
    beside = tuple(MadeFile(**file) for file in item.get("beside", ()))
    made = Made(**{name: item[name] for name in ("key", "input", "output", "bytes", "sha256", "about")}, beside=beside)
    for file in made.files:
        _check(file)
    if not isinstance(made.key, str) or not isinstance(made.input, str) or not isinstance(made.about, dict):
        raise TypeError("a text is none")
    if not _is_hash(made.key):
        raise ValueError("not a hash")
    if not all(file.output.startswith(f"{made.output}.") for file in beside):
        raise ValueError("what is beside an output has another name")
    return made


def _check(file: MadeFile) -> None:
    if not isinstance(file.output, str) or not isinstance(file.sha256, str):
        raise TypeError("a text is none")
    if isinstance(file.bytes, bool) or not isinstance(file.bytes, int) or file.bytes < 0:
        raise TypeError("bytes is no number")
    if not _is_hash(file.sha256):
        raise ValueError("not a hash")
    if "\0" in file.output or file.output.startswith("/") or ".." in file.output.split("/"):
        raise ValueError("output leads out of the folder")


def _is_hash(text: str) -> bool:
    return len(text) == 64 and not set(text) - _HEX

"""What became of a picture, and what has become of all pictures so far: the lines of ``manifest.jsonl``."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from srntt.batch._lines import refused
from srntt.batch._local_folder import OutputFile
from srntt.batch._remote_folder import Place
from srntt.batch._resolve import ResolvedTask
from srntt.errors import SrnttError

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Record:
    """What became of a picture: a worker makes it, the manifest keeps it, the tally counts it. It can be pickled.

    It was made if there are ``files``; it could not be made if there is a ``reason``; else it was done already.

    Attributes:
        input: name of the picture.
        key: hash of all that the output depends on.
        files: what was made: side files, and the output itself, last: it gets its name when they have theirs.
        about: what else is known of the output, for people: references and their shares, seconds, fallbacks, ...
        staged: where each of ``files`` lies until it is published.
        reason: why it could not be done.
        fatal: the kind of error that ends the run, for no other picture can be done, either.
        seconds: that it took.
        counts: how many references were ``encoded`` for it, ``reused``, or ``fetched`` from another worker.
        device: that did the work.
    """

    input: str
    key: str = ""
    files: tuple[OutputFile, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    staged: tuple[str, ...] = ()
    reason: str = ""
    fatal: type[SrnttError] | None = None
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    device: str = ""

    @property
    def output(self) -> str:
        """The output's name."""
        return self.files[-1].output

    def as_json(self) -> dict[str, Any]:
        """A line of the manifest."""
        if self.reason:
            return {"event": "failed", "input": self.input, "reason": self.reason}
        *side, output = self.files
        sidecars = {"beside": [file._asdict() for file in side]} if side else {}
        return {
            "event": "made",
            "key": self.key,
            "input": self.input,
            "about": self.about,
            **output._asdict(),
            **sidecars,
        }

    @classmethod
    def from_json(cls, item: dict[str, Any]) -> "Record":
        """From a line of the manifest. Raises KeyError, TypeError, ValueError if no srntt wrote it."""
        side = tuple(OutputFile(**file) for file in item.get("beside", ()))
        output = OutputFile(item["output"], item["bytes"], item["sha256"])
        record = cls(item["input"], item["key"], (*side, output), item["about"])
        if not _is_hash(record.key) or not isinstance(record.input, str) or not isinstance(record.about, dict):
            raise ValueError("no key, input or facts")
        if not all(map(_is_valid, record.files)):
            raise ValueError("a file that no run can have made")
        if not all(file.output.startswith(f"{output.output}.") for file in side):
            raise ValueError("a side file without the name of its output")
        return record


class History:
    """What runs have made in a folder, by the names of the outputs. It can be pickled.

    Events of all runs are appended, never changed. ``made`` is appended before the output gets its name: whatever the
    moment at which a process dies, no output is there that the history does not know. ``failed`` says why a picture
    could not be done. ``foreign`` takes a ``made`` back: another file had the name.

    Args:
        events: of earlier runs, in order.
        path: of the file that they are from.

    Attributes:
        records: of outputs, by name.
        files: what was made under a name last, perhaps as a side file of an output that was remade without it.

    Raises:
        OutputError: there are events that no srntt wrote.
    """

    def __init__(self, events: Iterable[dict[str, Any]] = (), path: str = "") -> None:
        self.records: dict[str, Record] = {}
        self.files: dict[str, OutputFile] = {}
        for number, event in enumerate(events, 2):
            try:
                self.learn(event)
            except (KeyError, TypeError, ValueError) as error:
                raise refused(f"{path}, line {number}", str(error)) from error

    def learn(self, event: dict[str, Any]) -> None:
        """Take an event into account. Raises KeyError, TypeError, ValueError."""
        kind = event["event"]
        if kind == "made":
            record = Record.from_json(event)
            self.records[record.output] = record
            self.files |= {file.output: file for file in record.files}
        elif kind == "foreign":
            self.records.pop(event["output"], None)
            self.files.pop(event["output"], None)
        elif kind != "failed":
            raise ValueError(f"event {kind!r}")

    def owns(self, output: str) -> bool:
        """A run made the file of this name, or was about to: it may be replaced."""
        return output in self.files

    def find(self, outputs: Iterable[str], key: str) -> Record | None:
        """What was made under one of these names of the same files, model and options; perhaps it is damaged since."""
        found = (self.records.get(output) for output in outputs)
        return next((record for record in found if record and record.key == key), None)

    def is_done(self, resolved: ResolvedTask, key: str, outputs: Place) -> bool:
        """The output was made, with all side files that are asked for, and they are whole still.

        Args:
            resolved: the task.
            key: hash of what its output depends on.
            outputs: where they are.
        """
        record = self.find(resolved.task.outputs, key)
        if record is None:
            return False
        made = {file.output: file for file in record.files}
        return all(name in made and outputs.is_whole(made[name]) for name in resolved.files(record.output))


def _is_valid(file: OutputFile) -> bool:
    name = file.output
    within = isinstance(name, str) and "\0" not in name and not name.startswith("/") and ".." not in name.split("/")
    return within and type(file.bytes) is int and file.bytes >= 0 and _is_hash(file.sha256)


def _is_hash(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and not set(text) - _HEX

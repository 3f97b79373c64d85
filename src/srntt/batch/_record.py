"""Records of processed pictures, and the history of an output folder: the lines of ``manifest.jsonl``."""

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
    """Outcome of a task, returned by a worker, stored in the manifest and counted by the tally. It can be pickled.

    The task succeeded if there are ``files``, failed if there is a ``reason``, and otherwise was done already.

    Attributes:
        input: Name of the picture.
        key: Hash of everything that the output depends on.
        files: Files written: side files first, and the output last, since it is published after them.
        about: Information on the output for the user: references and their shares, seconds, fallbacks, ...
        staged: Temporary name of each of ``files`` until it is published.
        reason: Why the task failed.
        fatal: Type of an error that ends the run, because every other task would fail, too.
        seconds: Time taken.
        counts: Numbers of references ``encoded`` for it, ``reused``, and ``fetched`` from another worker.
        device: Device used.
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
        """Name of the output."""
        return self.files[-1].output

    def as_json(self) -> dict[str, Any]:
        """Return the object of a line of the manifest."""
        if self.reason:
            return {"event": "failed", "input": self.input, "reason": self.reason}
        *side, output = self.files
        sidecars = {"side_files": [file._asdict() for file in side]} if side else {}
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
        """Create a record from a line of the manifest; raise KeyError, TypeError or ValueError if it is invalid."""
        side = tuple(OutputFile(**file) for file in item.get("side_files", ()))
        output = OutputFile(item["output"], item["bytes"], item["sha256"])
        record = cls(item["input"], item["key"], (*side, output), item["about"])
        if not _is_hash(record.key) or not isinstance(record.input, str) or not isinstance(record.about, dict):
            raise ValueError("no key, input or facts")
        if not all(map(_is_valid, record.files)):
            raise ValueError("a file that no run can have written")
        if not all(file.output.startswith(f"{output.output}.") for file in side):
            raise ValueError("a side file without the name of its output")
        return record


class History:
    """Outputs of all runs in a folder, by name. It can be pickled.

    Events are appended and never changed. ``made`` is appended before an output is renamed, so that every output is in
    the history even if the process dies. ``failed`` states why a picture failed. ``foreign`` revokes a ``made``,
    because another file had the name.

    Attributes:
        records: Records of outputs by name.
        files: Latest file written under each name, including side files of outputs remade without them.

    Raises:
        OutputError: There are events that srntt did not write; `path` is the file from which they were read.
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
        """Apply an event; raise KeyError, TypeError or ValueError if it is invalid."""
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
        """Return whether a run wrote the file of this name, or was about to, so that it may be replaced."""
        return output in self.files

    def find(self, outputs: Iterable[str], key: str) -> Record | None:
        """Return the record under one of these names with the same key; its files may have been damaged since."""
        found = (self.records.get(output) for output in outputs)
        return next((record for record in found if record and record.key == key), None)

    def is_done(self, resolved: ResolvedTask, key: str, outputs: Place) -> bool:
        """Return whether the output and all requested side files were written and are unchanged."""
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

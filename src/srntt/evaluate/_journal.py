"""What an evaluation has scored so far, on disk, so that an interrupted one goes on where it stopped.

One line of JSON for each picture, appended and never changed. A line counts only if it is whole: it ends, and carries
the hash of its own text. Its key is the hash of everything that the score depends on: the protocol's definition, the
model's weights, the pictures' bytes, which references and what was done to them, the program itself. Whatever differs
has another key, so that nothing of another model or another picture can be taken for it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import srntt
from srntt.data import Pair, ReferenceKind
from srntt.errors import InputError, OutputError
from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._crops import Crops
from srntt.evaluate._evaluation import Score
from srntt.evaluate._protocols import Protocol

JOURNAL_FILE = "scored.jsonl"


@dataclass
class Journal:
    """Scores by key, in memory and in a file.

    Attributes:
        path: of the file.
        context: what every score depends on besides protocol and pictures: the model's fingerprint and options or the
            peer and what it is made of, the device, the metrics.
        scores: those that the file holds.
    """

    path: Path
    context: Mapping[str, Any]
    scores: dict[str, Score] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, context: Mapping[str, Any]) -> "Journal":
        """Read what a folder's journal holds; there need be none.

        Raises:
            OutputError: it is there and cannot be read.
        """
        path = folder / JOURNAL_FILE
        if os.path.islink(path) or (os.path.exists(path) and not os.path.isfile(path)):  # one leads away, a pipe blocks
            raise OutputError(f"{path} is no regular file. Move it away, or name another folder for the report.")
        try:
            lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        except OSError as error:
            raise OutputError(
                f"{path} cannot be read: {error.strerror}. Name another folder for the report."
            ) from error
        found = [entry for line in lines if (entry := _entry(line))]
        return cls(path, {**context, "program": _program()}, dict(found))

    def with_context(self, context: Mapping[str, Any]) -> "Journal":
        """The same file for another method: more context, and the same scores."""
        return replace(self, context={**self.context, **context})

    def key(self, protocol: Protocol, pair: Pair, kind: ReferenceKind, change: ReferenceChange | None) -> str:
        """The hash of all that a score depends on.

        Raises:
            InputError: a picture that cannot be read.
        """
        about = {
            "protocol": protocol.definition(),
            "context": self.context,
            "name": pair.name,
            "target": _hash(pair.target),
            "low_res": pair.low_res and _hash(pair.low_res),
            "kind": kind,
            "references": [_hash(file) for file in pair.chosen(kind)],
            "change": change and change.as_json(),
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def add(self, key: str, score: Score) -> None:
        """Append a line, whole and on the disk before this returns.

        Raises:
            OutputError: it cannot be written.
        """
        body = json.dumps({"key": key, "score": asdict(score)})  # unsorted: columns keep the order of the metrics
        line = json.dumps({"line": body, "sha256": hashlib.sha256(body.encode()).hexdigest()}) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                whole = file.tell() == 0 or _last_byte(file) == b"\n"
                file.write((line if whole else "\n" + line).encode())  # a torn line stays, and counts for nothing
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror}. Name another folder.") from error
        self.scores[key] = score

    def close(self) -> None:
        """Remove the file: the report holds everything now."""
        self.path.unlink(missing_ok=True)


def _entry(line: bytes) -> tuple[str, Score] | None:
    try:
        outer = json.loads(line)
        if hashlib.sha256(outer["line"].encode()).hexdigest() != outer["sha256"]:
            return None
        inner = json.loads(outer["line"])
        score = inner["score"]
        return inner["key"], Score(
            **{
                **score,
                "fallbacks": tuple(score["fallbacks"]),
                "placed": tuple(score["placed"]),
                "crops": Crops.from_json(score["crops"]),
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # torn, damaged or of another version: scored again


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def _hash(path: Path) -> str:
    try:
        if not path.is_file():  # a pipe would block
            raise InputError(f"{path} is not a file. Fetch the data again.")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _program() -> str:
    """The hash of every source file of srntt: two states of a checkout have the same version number."""
    digest = hashlib.sha256(srntt.__version__.encode())
    root = Path(srntt.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()

"""Journal of the scores of an evaluation, from which an interrupted one resumes.

Each picture appends one line of JSON, which is never changed. A line is valid only if it is terminated and its hash
matches. Its key is the hash of everything the score depends on: the definition of the protocol, the weights, the
content of the pictures, the references and their change, and the source code. Scores of a different model or picture
therefore never match.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import srntt
from srntt._files import file_sha256
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
        path: Path of the file.
        context: What every score depends on besides protocol and pictures: fingerprint and options of the model, or the
            peer and its versions; the device; the metrics.
        scores: Scores in the file.
    """

    path: Path
    context: Mapping[str, Any]
    scores: dict[str, Score] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, context: Mapping[str, Any]) -> "Journal":
        """Open the journal of a folder, and read it if it exists; raise OutputError if it cannot be read."""
        path = folder / JOURNAL_FILE
        if os.path.islink(path) or (os.path.exists(path) and not os.path.isfile(path)):  # pipes block
            raise OutputError(f"{path} is not a regular file. Move it away, or name another folder for the report.")
        try:
            lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        except OSError as error:
            raise OutputError(
                f"{path} cannot be read: {error.strerror}. Name another folder for the report."
            ) from error
        found = [entry for line in lines if (entry := _entry(line))]
        return cls(path, {**context, "program": _program()}, dict(found))

    def with_context(self, context: Mapping[str, Any]) -> "Journal":
        """Return a journal on the same file and scores, with further context."""
        return replace(self, context={**self.context, **context})

    def key(self, protocol: Protocol, pair: Pair, kind: ReferenceKind, change: ReferenceChange | None) -> str:
        """Return the hash of everything that a score depends on; raise InputError if a picture cannot be read."""
        about = {
            "protocol": protocol.definition(),
            "context": self.context,
            "name": pair.name,
            "target": input_sha256(pair.target),
            "low_res": pair.low_res and input_sha256(pair.low_res),
            "kind": kind,
            "references": [input_sha256(file) for file in pair.chosen(kind)],
            "change": change and change.as_json(),
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def add(self, key: str, score: Score) -> None:
        """Append a score, and flush it to disk; raise OutputError if the file cannot be written."""
        body = json.dumps({"key": key, "score": asdict(score)})  # unsorted, to keep the order of the metrics
        line = json.dumps({"line": body, "sha256": hashlib.sha256(body.encode()).hexdigest()}) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                whole = file.tell() == 0 or _last_byte(file) == b"\n"
                file.write((line if whole else "\n" + line).encode())  # an incomplete line is kept and ignored
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written: {error.strerror}. Name another folder.") from error
        self.scores[key] = score

    def close(self) -> None:
        """Remove the file, once the report is written."""
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
        return None  # incomplete, damaged or of another version: scored again


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def input_sha256(path: Path) -> str:
    """Return the hash of a file of the data; raise InputError if it cannot be read."""
    try:
        if not path.is_file():  # a pipe would block
            raise InputError(f"{path} is not a file. Download the data again.")
        return file_sha256(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _program() -> str:
    """Return a hash over the source files of srntt, since states of a checkout share a version number."""
    digest = hashlib.sha256(srntt.__version__.encode())
    root = Path(srntt.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()

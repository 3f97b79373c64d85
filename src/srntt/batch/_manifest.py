"""What has been made in an output folder, by which a later run knows what it need not do again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srntt.batch._job import Job
from srntt.batch._lines import Lines
from srntt.batch._remote_lines import RemoteLines
from srntt.errors import OutputError

_HEX = frozenset("0123456789abcdef")


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
    """

    key: str
    input: str
    output: str
    bytes: int
    sha256: str
    about: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """A line of the manifest."""
        facts = {name: getattr(self, name) for name in ("key", "input", "output", "bytes", "sha256")}
        return {"event": "made", **facts, "about": self.about}


class Known:
    """Outputs that runs made, by their names; it can be pickled, and knows what was known then."""

    def __init__(self, made: Mapping[str, Made]) -> None:
        self._made = dict(made)

    def __len__(self) -> int:
        return len(self._made)

    def owns(self, output: str) -> bool:
        """A run made the file of this name, or was about to: it may be replaced."""
        return output in self._made

    def find(self, job: Job) -> Made | None:
        """What was made of the same input, references, model and settings; it may be damaged or gone since."""
        found = (self._made.get(output) for output in job.outputs)
        return next((made for made in found if made and made.key == job.key), None)


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
        super().__init__({})
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
        return Known(self._made)

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
        elif event == "foreign":
            self._made.pop(item["output"], None)
        elif event != "failed":
            raise ValueError(f"event {event!r}")


def _checked(item: dict[str, Any]) -> Made:
    made = Made(**{name: item[name] for name in ("key", "input", "output", "bytes", "sha256", "about")})
    texts = (made.key, made.input, made.output, made.sha256)
    if not all(isinstance(text, str) for text in texts) or not isinstance(made.about, dict):
        raise TypeError("a text is none")
    if isinstance(made.bytes, bool) or not isinstance(made.bytes, int) or made.bytes < 0:
        raise TypeError("bytes is no number")
    if any(len(text) != 64 or set(text) - _HEX for text in (made.key, made.sha256)):
        raise ValueError("not a hash")
    if "\0" in made.output or made.output.startswith("/") or ".." in made.output.split("/"):
        raise ValueError("output leads out of the folder")
    return made

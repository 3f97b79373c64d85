"""One picture to do, with everything it depends on: small, and to be sent to any process."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

from srntt.batch._beside import BESIDE, Beside
from srntt.batch._pool import ReferenceFile
from srntt.views import PLAIN

_KEY_VERSION = 2  # another one once the same job gives another picture


@dataclass(frozen=True)
class Settings:
    """What an output depends on beside pictures and weights.

    Attributes:
        tile: side of a tile in pixels of the input, or ``auto``.
        views: kinds of views of references that are searched.
        strip: leave out EXIF, colour profile and resolution.
        quality: of lossy formats, 1..100.
        bits: 8 to reduce pictures of 16 bits.
        matcher: how references are searched.
        consistent: make the output's reduction the input.
    """

    tile: Literal["auto"] | int = "auto"
    views: tuple[str, ...] = PLAIN
    strip: bool = False
    quality: int = 95
    bits: Literal[8] | None = None
    matcher: str = "auto"
    consistent: bool = False

    def as_json(self) -> dict[str, Any]:
        """All of them by name."""
        return asdict(self)


@dataclass(frozen=True)
class Job:
    """One picture to do. It can be pickled.

    Attributes:
        name: of the picture, relative to the inputs' folder.
        path: where it is, or its URL.
        sha256: of its bytes.
        references: in order.
        outputs: names that the output may get, relative to the outputs' folder.
        settings: what else it depends on.
        model: fingerprint of the weights.
        also: what is written beside the output, which does not depend on it.
    """

    name: str
    path: str
    sha256: str
    references: tuple[ReferenceFile, ...]
    outputs: tuple[str, ...]
    settings: Settings
    model: str
    also: tuple[Beside, ...] = ()

    def files(self, output: str) -> tuple[str, ...]:
        """Names of all that is written if the output gets this name: what goes beside it, and itself, last."""
        return (*(output + BESIDE[kind] for kind in self.also), output)

    @property
    def key(self) -> str:
        """A hash of everything that the output's pixels depend on: bytes, not names or times."""
        about = {
            "version": _KEY_VERSION,
            "input": self.sha256,
            "references": [file.sha256 for file in self.references],
            "model": self.model,
            "settings": self.settings.as_json(),
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

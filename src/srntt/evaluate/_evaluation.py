"""Results of an evaluation: a score for each picture, and their mean."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from srntt.data import ReferenceKind
from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._crops import Crops
from srntt.evaluate._metrics import mean_scores
from srntt.evaluate._origin import environment


@dataclass(frozen=True)
class Score:
    """Score of one picture.

    Attributes:
        name: Name of the target.
        values: Metrics by name, as in `METRICS`; None for one whose weights were not fetched.
        seconds: Time from the low-res picture and the reference files to the output in memory; None if unknown.
        fallbacks: Deviations from what was requested.
        similarity: Mean similarity of the low-res positions to their matches; None if unknown.
        bicubic: PSNR-Y of bicubic upscaling of the same low-res picture, the baseline.
        crops: Crops for a report; None if not requested.
        target_sha256: `pixels_sha256` of the scored part of the target; None if unknown.
        low_res_sha256: `pixels_sha256` of the low-res picture; None if unknown.
        placed: Result of aligning each reference, a sentence each.
    """

    name: str
    values: Mapping[str, float | None]
    seconds: float | None
    fallbacks: tuple[str, ...] = ()
    similarity: float | None = None
    bicubic: float | None = None
    crops: Crops | None = field(default=None, repr=False)
    target_sha256: str | None = None
    low_res_sha256: str | None = None
    placed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name; infinite values are None, since JSON has no infinity."""
        scores = {name: finite(value) for name, value in self.values.items()}
        texts = {"fallbacks": list(self.fallbacks), "placed": list(self.placed)}
        optional: dict[str, float | str | None] = {
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "similarity": finite(self.similarity),
            "bicubic_psnr_y": finite(self.bicubic),
            "target_sha256": self.target_sha256,
            "low_res_sha256": self.low_res_sha256,
        }
        known = {name: value for name, value in optional.items() if value is not None}
        return {
            "name": self.name,
            **scores,
            **known,
            **{name: given for name, given in texts.items() if given},
        }


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model with one kind of references, or of a peer, on all pictures of a protocol.

    Attributes:
        protocol: Name of the protocol.
        model: Name or path of the model, as requested.
        refs: Kind of references; ``unknown`` for outputs written by another method.
        scores: Score of each target, in the order of the index.
        environment: Versions and machine.
        change: Change applied to the references.
        missing: Number of targets missing from the set, nonzero only for a subset.
        peer: Versions and hashes of a peer or of written outputs; None for a model of srntt.
        data: Name of the folder of the pictures.
        weights: Identity of a model of srntt (`weights_of`).
    """

    protocol: str
    model: str
    refs: ReferenceKind | Literal["unknown"]
    scores: tuple[Score, ...]
    environment: dict[str, Any] = field(default_factory=environment)
    change: ReferenceChange | None = None
    missing: int = 0
    peer: Mapping[str, str] | None = None
    data: str | None = None
    weights: Mapping[str, Any] | None = None

    @property
    def method(self) -> str:
        """Name of the model, or of the peer with a note that it is one, for messages."""
        return self.model if self.peer is None else f"{self.model} (peer)"

    @property
    def references(self) -> str:
        """Kind of references, change applied to them, and missing targets, for messages."""
        kind = f"{self.refs}, {self.change}" if self.change else self.refs
        count = len(self.scores)
        return f"{kind} ({count} of {count + self.missing} targets)" if self.missing else kind

    @property
    def data_sha256(self) -> str | None:
        """Hash of all targets, low-res pictures and names, independent of their order; None if any is unknown."""
        rows = sorted((score.name, score.target_sha256 or "", score.low_res_sha256 or "") for score in self.scores)
        if not all(all(row) for row in rows):
            return None
        return hashlib.sha256("".join(f"{name}\0{a}{b}\n" for name, a, b in rows).encode()).hexdigest()

    def mean(self) -> dict[str, float | None]:
        """Return the mean of each metric over the targets; None if it is missing for any target."""
        return mean_scores([score.values for score in self.scores])

    @property
    def seconds(self) -> float | None:
        """Mean of a picture; None where it is not known."""
        known = [score.seconds for score in self.scores if score.seconds is not None]
        return sum(known) / len(known) if len(known) == len(self.scores) else None

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``srntt evaluate --json`` prints."""
        return {
            "protocol": self.protocol,
            "model": self.model,
            "refs": self.refs,
            "mean": {name: finite(value) for name, value in self.mean().items()},
            "images": [score.as_json() for score in self.scores],
            "environment": self.environment,
            **({"reference_change": self.change.as_json()} if self.change else {}),
            **({"peer": dict(self.peer)} if self.peer is not None else {}),
            **({"data": self._data()} if self.data or self.data_sha256 else {}),
            **({"weights": dict(self.weights)} if self.weights else {}),
            **({"subset": {"scored": len(self.scores), "missing": self.missing}} if self.missing else {}),
        }

    def _data(self) -> dict[str, Any]:
        return {"folder": self.data, "pictures": len(self.scores), "sha256": self.data_sha256}


def finite(value: float | None) -> float | None:
    """Return a value, or None in place of an infinite one."""
    return value if value is not None and math.isfinite(value) else None

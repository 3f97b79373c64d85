"""What an evaluation came to: a score for each picture, and their mean."""

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
    """One picture's figures.

    Attributes:
        name: of the target.
        values: of each metric by its name in `METRICS`; None for one whose weights are not at hand.
        seconds: from the low-res picture and the reference files to the output in memory; None where it is not known.
        fallbacks: what had to be done otherwise than asked.
        similarity: mean cosine of the low-res positions' matches in the references; None where it is not known.
        bicubic: PSNR-Y of plain bicubic of the same low-res picture: the floor.
        crops: what a report shows of it; None where none were asked for.
        target_sha256: `pixels_sha256` of what was scored of the target; None where it is not known.
        low_res_sha256: that of the low-res picture that was given.
        placed: what was found of each reference, a sentence each.
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
        """JSON has no infinity: null stands for it."""
        scores = {name: _finite(value) for name, value in self.values.items()}
        texts = {"fallbacks": list(self.fallbacks), "placed": list(self.placed)}
        optional: dict[str, float | str | None] = {
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "similarity": _finite(self.similarity),
            "bicubic_psnr_y": _finite(self.bicubic),
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
    """All pictures of a protocol with one model and one kind of references, or with a peer.

    Attributes:
        protocol: its name.
        model: name or path as it was asked for.
        refs: which references were given; ``unknown`` for pictures that another method wrote.
        scores: one for each target, in the order of the index.
        environment: versions and machine.
        change: what was done to the references beforehand.
        missing: targets that the set has elsewhere; not 0 only where a subset was asked for.
        peer: what a peer or the written outputs are made of; None for a model of ours.
        data: name of the folder that the pictures are in.
        weights: what a model of ours is made of (`weights_of`).
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
        """Name of the model or peer, and that it is a peer, for people."""
        return self.model if self.peer is None else f"{self.model} (peer)"

    @property
    def references(self) -> str:
        """The kind of references, what was done to them, and that targets are missing, for people."""
        kind = f"{self.refs}, {self.change}" if self.change else self.refs
        count = len(self.scores)
        return f"{kind} ({count} of {count + self.missing} targets)" if self.missing else kind

    @property
    def data_sha256(self) -> str | None:
        """A hash of all targets, low-res pictures and names, whatever their order; None if one is not known."""
        rows = sorted((score.name, score.target_sha256 or "", score.low_res_sha256 or "") for score in self.scores)
        if not all(all(row) for row in rows):
            return None
        return hashlib.sha256("".join(f"{name}\0{a}{b}\n" for name, a, b in rows).encode()).hexdigest()

    def mean(self) -> dict[str, float | None]:
        """Mean of each metric over the targets; None for one that was not taken."""
        return mean_scores([score.values for score in self.scores])

    @property
    def seconds(self) -> float | None:
        """Mean of a picture; None where it is not known."""
        known = [score.seconds for score in self.scores if score.seconds is not None]
        return sum(known) / len(known) if len(known) == len(self.scores) else None

    def as_json(self) -> dict[str, Any]:
        """What ``srntt evaluate --json`` prints."""
        return {
            "protocol": self.protocol,
            "model": self.model,
            "refs": self.refs,
            "mean": {name: _finite(value) for name, value in self.mean().items()},
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


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

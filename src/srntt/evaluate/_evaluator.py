"""Evaluation of models, peers and outputs in one run, by one protocol on the same pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from srntt.data import Pair, ReferenceKind
from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._evaluation import Evaluation
from srntt.evaluate._journal import Journal
from srntt.evaluate._metrics import Metrics
from srntt.evaluate._origin import commit, environment, folder_name, weights_of
from srntt.evaluate._outputs import Outputs
from srntt.evaluate._peers import Peer
from srntt.evaluate._protocols import Protocol
from srntt.evaluate._scoring import Progress, score_pairs
from srntt.evaluate._upscale import Upscale, by_model, warmed
from srntt.upscale import Upscaler

Run = tuple[ReferenceKind, ReferenceChange | None]
"""Kind of references, and the change applied to them."""


@dataclass(frozen=True)
class Evaluator:
    """Evaluator of methods by a protocol.

    Attributes:
        protocol: The protocol.
        pairs: Targets with their references.
        metrics: Metrics to compute.
        data: Folder of the pictures, named in reports.
        progress: Called with (kind and change, or name of the peer; targets done; number of targets).
        folder: Folder for the journal until `done`, from which an interrupted run resumes; None for no journal.
        crops: Number of pictures of which to keep crops for a report.
    """

    protocol: Protocol
    pairs: Sequence[Pair]
    metrics: Metrics
    data: Path
    progress: Progress = field(default=lambda label, done, total: None)
    folder: Path | None = None
    crops: int = 0

    @cached_property
    def journal(self) -> Journal | None:
        """Journal of scores, including those of an interrupted run; raises OutputError if it cannot be read."""
        taken = [name for name, measure in self.metrics.measures.items() if measure]
        return Journal.open(self.folder, {"metrics": taken}) if self.folder else None

    def model(self, upscaler: Upscaler, name: str, runs: Sequence[Run]) -> list[Evaluation]:
        """Evaluate a model under its name or path, as requested, once for each kind of references and its change."""
        weights, device = weights_of(upscaler), str(upscaler.device)
        options = {"matcher": upscaler.matcher, "memory": upscaler.memory, "align": upscaler.align}
        if upscaler.base_model:
            options["base_model"] = upscaler.base_model.sha256
        journal = self._journal_of({"model": weights["sha256"], "device": device, **options})
        evaluations = []
        for kind, change in runs:
            scores = score_pairs(_warmed(upscaler, kind), self.pairs, kind, self.protocol, self.progress, self.metrics,
                                 change, journal, self.crops)  # fmt: skip
            evaluations.append(Evaluation(self.protocol.name, name, kind, scores, change=change, weights=weights,
                                          **self._about(device)))  # fmt: skip
        return evaluations

    def peer(self, peer: Peer) -> Evaluation:
        """Evaluate a peer, which does not use references."""
        return self._other("peer", peer, warmed(peer.upscale), "none")

    def outputs(self, outputs: Outputs) -> Evaluation:
        """Evaluate outputs written by another method, with unknown references."""
        return self._other("outputs", outputs, outputs, "unknown")

    def done(self) -> None:
        """Remove the journal, once the report is written."""
        if self.journal:
            self.journal.close()

    def _other(
        self, what: str, method: Peer | Outputs, upscale: Upscale | Outputs, refs: Literal["none", "unknown"]
    ) -> Evaluation:
        """Evaluate another method, which is given no references; ``refs`` is what the report says of them."""
        journal = self._journal_of({what: method.name, "made_of": dict(method.made_of), "device": "cpu"})

        def progress(_: str, done: int, total: int) -> None:
            self.progress(method.name, done, total)

        scores = score_pairs(upscale, self.pairs, "none", self.protocol, progress, self.metrics, journal=journal,
                             crops=self.crops)  # fmt: skip
        return Evaluation(self.protocol.name, method.name, refs, scores, peer=method.made_of, **self._about("cpu"))

    def _journal_of(self, method: Mapping[str, Any]) -> Journal | None:
        surroundings = {**environment(), "device": method["device"]}
        return self.journal and self.journal.with_context({**method, "environment": surroundings})

    def _about(self, device: str) -> dict[str, Any]:
        """Return common fields, with the commit; scores do not depend on it, as the journal hashes the source files."""
        found = {"commit": commit()} if commit() else {}
        return {
            "environment": {**environment(), "device": device, **found},
            "missing": self.protocol.data.missing(len(self.pairs)),
            "data": folder_name(self.data),
        }


def _warmed(upscaler: Upscaler, kind: ReferenceKind) -> Upscale:
    """Add warm-up of fast matching if larger pictures may use it, since a corner is always matched exactly."""
    may_be_fast = kind != "none" and upscaler.matcher == "auto" and upscaler.device.type == "cpu"
    if not may_be_fast:
        return warmed(by_model(upscaler))
    options = {"device": upscaler.device, "memory": upscaler.memory, "align": upscaler.align}
    return warmed(by_model(upscaler), by_model(Upscaler(upscaler.model, matcher="fast", **options)))

"""Everything that is scored in one run, by one protocol on the same pictures: models, then peers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from srntt.data import Pair, ReferenceKind
from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._evaluation import Evaluation
from srntt.evaluate._journal import Journal
from srntt.evaluate._metrics import Metrics
from srntt.evaluate._origin import commit, environment, folder_name, weights_of
from srntt.evaluate._outputs import Outputs
from srntt.evaluate._peers import Peer
from srntt.evaluate._prepare import check_pictures
from srntt.evaluate._protocols import Protocol
from srntt.evaluate._scoring import Progress, score_pairs
from srntt.evaluate._upscale import Upscale, by_model, warmed
from srntt.upscale import Upscaler

Run = tuple[ReferenceKind, ReferenceChange | None]
"""Which references a model is given, and what is done to them beforehand."""


@dataclass(frozen=True)
class Evaluator:
    """What is scored, and how.

    Attributes:
        protocol: by which.
        pairs: on what.
        metrics: taken of each output.
        data: folder of the pictures, which reports name.
        progress: called with (kind and change, or peer; targets done, targets in all).
        folder: for scores to be kept in until `done`, so that an interrupted run goes on; None keeps none.
        crops: of how many pictures, from the first on, to keep what a report shows.
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
        """What was scored before.

        Raises:
            OutputError: it is there and cannot be read.
        """
        taken = [name for name, measure in self.metrics.measures.items() if measure]
        return Journal.open(self.folder, {"metrics": taken}) if self.folder else None

    def check(self, kinds: Sequence[ReferenceKind]) -> None:
        """Decode everything that will be read, once: a damaged picture is better known now than after hours.

        Raises:
            PictureError: what cannot be read; each of them is named.
        """
        check_pictures(self.pairs, kinds)

    def model(self, upscaler: Upscaler, name: str, runs: Sequence[Run]) -> list[Evaluation]:
        """A model of ours, once for each run.

        Args:
            upscaler: the model.
            name: as it was asked for.
            runs: which references it is given.
        """
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
        """A peer, which takes no references."""
        journal = self._journal_of({"peer": peer.name, "made_of": dict(peer.made_of), "device": "cpu"})

        def progress(_: str, done: int, total: int) -> None:
            self.progress(peer.name, done, total)

        scores = score_pairs(warmed(peer.upscale), self.pairs, "none", self.protocol, progress, self.metrics,
                             journal=journal, crops=self.crops)  # fmt: skip
        return Evaluation(self.protocol.name, peer.name, "none", scores, peer=peer.made_of, **self._about("cpu"))

    def outputs(self, outputs: Outputs) -> Evaluation:
        """Pictures that another method wrote; which references it had is not known."""
        journal = self._journal_of({"outputs": outputs.name, "made_of": dict(outputs.made_of), "device": "cpu"})

        def progress(_: str, done: int, total: int) -> None:
            self.progress(outputs.name, done, total)

        scores = score_pairs(outputs, self.pairs, "none", self.protocol, progress, self.metrics, journal=journal,
                             crops=self.crops)  # fmt: skip
        return Evaluation(self.protocol.name, outputs.name, "unknown", scores, peer=outputs.made_of,
                          **self._about("cpu"))  # fmt: skip

    def done(self) -> None:
        """The report holds everything: what was kept is of no more use."""
        if self.journal:
            self.journal.close()

    def _journal_of(self, method: Mapping[str, Any]) -> Journal | None:
        surroundings = {**environment(), "device": method["device"]}
        return self.journal and self.journal.with_context({**method, "environment": surroundings})

    def _about(self, device: str) -> dict[str, Any]:
        """With the commit, which no score depends on: the journal knows the program by its files."""
        found = {"commit": commit()} if commit() else {}
        return {
            "environment": {**environment(), "device": device, **found},
            "missing": self.protocol.data.missing(len(self.pairs)),
            "data": folder_name(self.data),
        }


def _warmed(upscaler: Upscaler, kind: ReferenceKind) -> Upscale:
    """A corner is always matched exactly: where larger pictures may be matched fast, that runs beforehand, too."""
    may_be_fast = kind != "none" and upscaler.matcher == "auto" and upscaler.device.type == "cpu"
    if not may_be_fast:
        return warmed(by_model(upscaler))
    options = {"device": upscaler.device, "memory": upscaler.memory, "align": upscaler.align}
    return warmed(by_model(upscaler), by_model(Upscaler(upscaler.model, matcher="fast", **options)))

"""What ``srntt evaluate`` does to each method that it scores: progress, and a journal where there will be a report."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srntt.cli._options import ModelOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._reference_options import Run
from srntt.cli._say import printable

if TYPE_CHECKING:
    import srntt.evaluate


@dataclass
class Scoring:
    """What is scored, and how.

    Attributes:
        protocol: by which.
        pairs: on what.
        metrics: taken of each output.
        report: folder that the report will be in; None for none.
    """

    protocol: "srntt.evaluate.Protocol"
    pairs: Sequence["srntt.evaluate.Pair"]
    metrics: "srntt.evaluate.Metrics"
    report: Path | None
    _journal: "srntt.evaluate.Journal | None" = field(default=None, init=False)

    def model(self, options: ModelOptions, runs: Sequence[Run]) -> list["srntt.evaluate.Evaluation"]:
        """A model of ours, with each kind of references.

        Raises:
            ModelError: no such model.
        """
        from srntt.evaluate import Evaluation, model_method

        upscaler = options.open()
        about = {"model": upscaler.encode_references([]).fingerprint, "device": str(upscaler.device)}
        journal = self._journal_for({**about, "matcher": options.matcher, "memory": options.memory})
        surroundings, missing = self._surroundings(about["device"]), self._missing
        evaluations = []
        with ProgressOnStderr("pictures") as progress:
            for kind, change in runs:
                scores = self._scores(model_method(upscaler), (kind, change), journal, progress)
                evaluations.append(
                    Evaluation(self.protocol.name, options.model, kind, scores, surroundings, change, missing)
                )
        return evaluations

    def peer(self, peer: "srntt.evaluate.Peer") -> "srntt.evaluate.Evaluation":
        """A peer, which takes no references."""
        from srntt.evaluate import Evaluation

        journal = self._journal_for({"peer": peer.name, "made_of": dict(peer.made_of), "device": "cpu"})
        with ProgressOnStderr("pictures") as progress:
            told = partial(_named, progress, peer.name)
            scores = self._scores(peer.method, ("none", None), journal, told)
        surroundings = self._surroundings("cpu")
        return Evaluation(
            self.protocol.name, peer.name, "none", scores, surroundings, missing=self._missing, peer=peer.made_of
        )

    def done(self) -> None:
        """The report holds everything: the journal is of no more use."""
        if self._journal:
            self._journal.close()

    def _scores(
        self,
        method: "srntt.evaluate.Method",
        run: Run,
        journal: "srntt.evaluate.Journal | None",
        progress: "ProgressOnStderr | partial[None]",
    ) -> tuple["srntt.evaluate.Score", ...]:
        from srntt.evaluate import VIEWS, score_pairs

        kind, change = run
        views = VIEWS if self.report else 0
        return score_pairs(method, self.pairs, kind, self.protocol, progress, self.metrics, change, journal, views)

    def _journal_for(self, method: Mapping[str, Any]) -> "srntt.evaluate.Journal | None":
        """One file for all methods, told of at most once."""
        if not self.report:
            return None
        from srntt.evaluate import Journal

        if self._journal is None:
            taken = [name for name, measure in self.metrics.measures.items() if measure]
            self._journal = Journal.open(self.report, {"metrics": taken})
            _tell_of(self._journal)
        return self._journal.with_context({**method, "environment": self._surroundings(method["device"])})

    def _surroundings(self, device: str) -> dict[str, Any]:
        from srntt.evaluate import environment

        return {**environment(), "device": device}

    @property
    def _missing(self) -> int:
        return self.protocol.data.missing(len(self.pairs))


def _named(progress: ProgressOnStderr, name: str, _: str, done: int, total: int) -> None:
    """Peers have the same kind of references: what tells them apart is their name."""
    progress(name, done, total)


def _tell_of(journal: "srntt.evaluate.Journal") -> None:
    if journal.scores:
        count = len(journal.scores)
        print(
            printable(
                f"{journal.path} holds {count} scores of an interrupted run; what is the same is not done again."
            ),
            file=sys.stderr,
        )

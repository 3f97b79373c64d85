"""What ``srntt evaluate`` does to each method that it scores: progress, and a journal where there will be a report."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srntt.cli._options import ModelOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._reference_options import Run
from srntt.cli._say import printable

if TYPE_CHECKING:
    import srntt.data
    import srntt.evaluate
    import srntt.upscale


@dataclass
class Scoring:
    """What is scored, and how.

    Attributes:
        protocol: by which.
        pairs: on what.
        metrics: taken of each output.
        report: folder that the report will be in; None for none.
        data: folder of the pictures, which reports name.
    """

    protocol: "srntt.evaluate.Protocol"
    pairs: Sequence["srntt.data.Pair"]
    metrics: "srntt.evaluate.Metrics"
    report: Path | None
    data: Path | None = None
    _journal: "srntt.evaluate.Journal | None" = field(default=None, init=False)

    def model(self, options: ModelOptions, runs: Sequence[Run]) -> list["srntt.evaluate.Evaluation"]:
        """A model of ours, with each kind of references.

        Raises:
            ModelError: no such model.
        """
        from srntt.evaluate import Evaluation, weights_of

        upscaler = options.open()
        weights = weights_of(upscaler)
        about = {"model": weights["sha256"], "device": str(upscaler.device)}
        journal = self._journal_for({**about, "matcher": options.matcher, "memory": options.memory})
        surroundings = self._told_surroundings(about["device"])
        evaluations = []
        with ProgressOnStderr("pictures") as progress:
            for kind, change in runs:
                scores = self._scores(_warmed_model(upscaler, options, kind), (kind, change), journal, progress)
                scored = Evaluation(self.protocol.name, options.model, kind, scores, surroundings, change)
                evaluations.append(replace(scored, missing=self._missing, data=self._data, weights=weights))
        return evaluations

    def peer(self, peer: "srntt.evaluate.Peer") -> "srntt.evaluate.Evaluation":
        """A peer, which takes no references."""
        from srntt.evaluate import Evaluation, warmed

        journal = self._journal_for({"peer": peer.name, "made_of": dict(peer.made_of), "device": "cpu"})
        with ProgressOnStderr("pictures") as progress:
            told = partial(_named, progress, peer.name)
            scores = self._scores(warmed(peer.method), ("none", None), journal, told)
        surroundings = self._told_surroundings("cpu")
        scored = Evaluation(self.protocol.name, peer.name, "none", scores, surroundings, missing=self._missing)
        return replace(scored, data=self._data, peer=peer.made_of)

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
        from srntt.evaluate import score_pairs
        from srntt.report import VIEWS

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

    def _told_surroundings(self, device: str) -> dict[str, Any]:
        """With the commit, which no score depends on: the journal knows the program by its files."""
        from srntt.evaluate import commit

        return {**self._surroundings(device), **({"commit": found} if (found := commit()) else {})}

    @property
    def _data(self) -> str | None:
        from srntt.evaluate import folder_name

        return folder_name(self.data) if self.data else None

    @property
    def _missing(self) -> int:
        return self.protocol.data.missing(len(self.pairs))


def _warmed_model(
    upscaler: "srntt.upscale.Upscaler", options: ModelOptions, kind: "srntt.data.ReferenceKind"
) -> "srntt.evaluate.Method":
    """A corner is always matched exactly: where larger pictures may be matched fast, that is run beforehand, too."""
    from srntt.evaluate import model_method, warmed

    may_be_fast = kind != "none" and options.matcher == "auto" and upscaler.device.type == "cpu"
    beside = [model_method(replace(options, matcher="fast").open())] if may_be_fast else []
    return warmed(model_method(upscaler), *beside)


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

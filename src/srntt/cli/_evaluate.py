"""``srntt evaluate``."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srntt.cli._exit import Exit, NothingToDoError
from srntt.cli._options import Json, ModelOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._reference_options import ReferenceOptions, Run
from srntt.cli._say import printable, say
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.evaluate


def evaluate(
    *,
    data: Path | None = None,
    protocol: str = "pairs",
    refs: str | None = None,
    changes: ReferenceOptions = ReferenceOptions(),  # noqa: B008 (frozen)
    peer: str | None = None,
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    metrics: str | None = None,
    subset: bool = False,
    report: Path | None = None,
    overwrite: bool = False,
    compare: tuple[Path, Path] | None = None,
    json: Json = False,
) -> int:
    """Score a model by a named protocol; `srntt protocols` tells what each one does. Or compare two reports.

    Args:
        data: Folder of the protocol's pictures; for pairs, one with an index.json, or with input/ and ref/.
        protocol: Which one. Default: pairs.
        refs: Which references the model is given: first, all, none, unrelated, self (the low-res picture itself), or
            several of them separated by commas. Default: those that the protocol is published with; for pairs, first.
        peer: Score this method instead of a model: bicubic (Pillow's) or bicubic-matlab. A peer takes no references.
        metrics: Which, separated by commas. Default: psnr_y, ssim_y, lr_psnr and what else is at hand.
        subset: Score what is there of a set that is not whole; the figures say so.
        report: Write report.json, report.csv, report.md and report.html (one page with charts and pictures) into this
            folder. An interrupted run with a report is continued by the same command: pictures that were scored are
            kept in scored.jsonl until the report is whole.
        overwrite: Replace a report that is there.
        compare: Two report.json files of the same pictures: how much better or worse the second is, picture by
            picture, with a 95 % interval of the mean (bootstrap). Nothing is scored; takes only --json beside.
    """
    if compare:
        _refuse_beside_compare(
            {"--data": data, "--refs": refs, "--peer": peer, "--metrics": metrics, "--report": report},
            others=protocol != "pairs"
            or subset
            or overwrite
            or (changes, model) != (ReferenceOptions(), ModelOptions()),
        )
        return _compared(*compare, as_json=json)
    if data is None:
        raise InputError("Nothing says what to score. Give a folder with --data, or two reports with --compare.")
    model.check()
    from srntt.evaluate import as_json, check_report, choose_metrics, protocol_named, table, write_report

    chosen = protocol_named(protocol)
    runs = changes.runs(_kinds(refs or ("none" if peer else chosen.refs)))
    taken = choose_metrics(metrics and [name.strip() for name in metrics.split(",")])
    if report:
        check_report(report, overwrite=overwrite)
    pairs = _pairs(chosen, data, runs, subset)
    scored = _Scored(chosen, pairs, runs, taken, report)
    evaluations = scored.peer(peer) if peer else scored.model(model)
    if report:
        write_report(evaluations, report, overwrite=overwrite)
        scored.done()
    say(*([as_json(evaluations)] if json else table(evaluations)))
    return Exit.DONE


def _refuse_beside_compare(given: dict[str, Any], *, others: bool) -> None:
    beside = [name for name, value in given.items() if value is not None]
    if beside or others:
        named = f"no {' or '.join(beside)}" if beside else "no other option than --json"
        raise InputError(f"--compare scores nothing, so it takes {named}. Leave that out.")


def _compared(first: Path, second: Path, *, as_json: bool) -> int:
    from srntt.evaluate import compare_reports, comparison_json, comparison_table

    differences = compare_reports(first, second)
    say(*([comparison_json(differences)] if as_json else comparison_table(differences)))
    return Exit.DONE


@dataclass
class _Scored:
    """What is scored, and how."""

    protocol: "srntt.evaluate.Protocol"
    pairs: Sequence["srntt.evaluate.Pair"]
    runs: Sequence[Run]
    metrics: "srntt.evaluate.Metrics"
    report: Path | None
    journal: "srntt.evaluate.Journal | None" = None

    def peer(self, name: str) -> list["srntt.evaluate.Evaluation"]:
        from srntt.evaluate import PEERS

        if name not in PEERS:
            raise InputError(f"There is no peer called {name!r}; there are: {', '.join(PEERS)}.")
        if [kind for kind, _ in self.runs] != ["none"]:
            raise InputError(f"{name} takes no references. Leave out --refs, or say --refs none.")
        return self._evaluations(name, PEERS[name], {"peer": name, "device": "cpu"})

    def model(self, options: ModelOptions) -> list["srntt.evaluate.Evaluation"]:
        from srntt.evaluate import model_method

        upscaler = options.open()
        about = {"model": upscaler.encode_references([]).fingerprint, "device": str(upscaler.device)}
        about |= {"matcher": options.matcher, "memory": options.memory}
        return self._evaluations(options.model, model_method(upscaler), about)

    def done(self) -> None:
        """The report holds everything: the journal is of no more use."""
        if self.journal:
            self.journal.close()

    def _evaluations(
        self, name: str, method: Callable[..., Any], about: dict[str, Any]
    ) -> list["srntt.evaluate.Evaluation"]:
        from srntt.evaluate import VIEWS, Evaluation, Journal, environment, score_pairs

        surroundings = {**environment(), "device": about["device"]}
        if self.report:
            context = {**about, "metrics": self._metrics(), "environment": surroundings}
            self.journal = Journal.open(self.report, context)
            _tell_of(self.journal)
        views = VIEWS if self.report else 0
        missing = self.protocol.data.missing(len(self.pairs))
        evaluations = []
        with ProgressOnStderr("pictures") as progress:
            for kind, change in self.runs:
                scores = score_pairs(
                    method, self.pairs, kind, self.protocol, progress, self.metrics, change, self.journal, views
                )
                evaluations.append(Evaluation(self.protocol.name, name, kind, scores, surroundings, change, missing))
        return evaluations

    def _metrics(self) -> list[str]:
        return [name for name, measure in self.metrics.measures.items() if measure]


def _tell_of(journal: "srntt.evaluate.Journal") -> None:
    if journal.scores:
        count = len(journal.scores)
        print(
            printable(
                f"{journal.path} holds {count} scores of an interrupted run; what is the same is not done again."
            ),
            file=sys.stderr,
        )


def _kinds(text: str) -> list["srntt.evaluate.ReferenceKind"]:
    from srntt.evaluate import REFERENCE_KINDS

    asked = [kind.strip() for kind in text.split(",")]
    if unknown := [kind for kind in asked if kind not in REFERENCE_KINDS]:
        raise InputError(f"--refs {', '.join(map(repr, unknown))}: there are {', '.join(REFERENCE_KINDS)}.")
    return [kind for kind in REFERENCE_KINDS if kind in asked]


def _pairs(
    protocol: "srntt.evaluate.Protocol", data: Path, runs: Sequence[Run], subset: bool
) -> tuple["srntt.evaluate.Pair", ...]:
    """Every target must have what is asked for: better known now than after hours of work."""
    pairs = protocol.data.read(data, subset=subset)
    if not pairs:
        raise NothingToDoError(f"{data} lists no targets. There is nothing to score.")
    for kind, _ in runs:
        for pair in pairs:
            pair.chosen(kind)
    return pairs

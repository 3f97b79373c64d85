"""``srntt evaluate``."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from srntt.cli._compiling import compiling_reported
from srntt.cli._exit import Exit, NothingToDoError
from srntt.cli._options import Json, ModelOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._reference_options import ReferenceOptions
from srntt.cli._say import printable, say, say_either
from srntt.errors import InputError

if TYPE_CHECKING:
    import srntt.data
    import srntt.evaluate
    import srntt.upscale

NO_MODEL = "none"


def evaluate(
    *,
    data: Path | None = None,
    protocol: str = "pairs",
    refs: str | None = None,
    changes: ReferenceOptions = ReferenceOptions(),  # noqa: B008 (frozen)
    peer: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    model: ModelOptions = ModelOptions(),  # noqa: B008 (frozen)
    metrics: str | None = None,
    subset: bool = False,
    report: Path | None = None,
    overwrite: bool = False,
    compare: Annotated[tuple[Path, ...], Parameter(consume_multiple=True)] = (),
    baseline: str | None = None,
    json: Json = False,
) -> int:
    """Score a model and other methods by a named protocol; `srntt protocols` describes the protocols.

    Args:
        data: Folder of the protocol's pictures; for pairs, one with an index.json, or with input/ and ref/.
        protocol: Name of the protocol. Default: pairs.
        refs: References given to the model: first, all, none, unrelated, self (the low-res picture itself), or several
            of them separated by commas. Default: as in publications with this protocol; first for pairs.
        peer: Also score this single-image method: bicubic (Pillow's), bicubic-matlab, lanczos (Pillow's), or, after
            `make peers`, dat-light or realesrgan. May be repeated; with --model none, only peers are scored.
        outputs: Also score the pictures in this folder, written by another method: FOLDER or NAME=FOLDER, one picture
            for each target, named like the target (003.png, 003_SRNTT.png). May be repeated; with --model none, only
            these are scored.
        metrics: Metrics, separated by commas. Default: psnr_y, ssim_y, lr_psnr, and lpips if its weights were fetched.
        subset: Accept an incomplete set; the results are marked.
        report: Write report.json, report.csv, report.md and report.tex (tables) and report.html (a page with charts and
            pictures) to this folder. Running the same command again continues an interrupted run from scored.jsonl,
            which is kept until the report is complete.
        overwrite: Replace an existing report.
        compare: Compare two report.json files of the same pictures: the difference on each picture, and a 95%
            confidence interval of the mean (bootstrap). Nothing is scored; only --json and --baseline are allowed.
        baseline: With --compare and one or two reports: compare every evaluation of the last report with this model or
            peer of the first. Use "NAME, REFERENCES" if a model has several, such as "lite-rec, none".
    """
    given, model = model, model.named()
    if compare or baseline:
        _refuse_with_compare(
            {
                "--data": data,
                "--refs": refs,
                "--peer": peer or None,
                "--outputs": outputs or None,
                "--metrics": metrics,
                "--report": report,
            },
            others=protocol != "pairs"
            or subset
            or overwrite
            or (changes, given) != (ReferenceOptions(), ModelOptions()),
        )
        return _compared(compare, baseline, as_json=json)
    if data is None:
        raise InputError("There is nothing to score. Give a folder with --data, or two reports with --compare.")
    with compiling_reported():
        from srntt.evaluate import Evaluator, check_pictures, choose_metrics, protocol_named
        from srntt.report import CROPS, as_json, check_report, not_taken, table, write_report

        methods = _Methods(
            None if model.model == NO_MODEL else model, tuple(dict.fromkeys(peer)), tuple(dict.fromkeys(outputs))
        )
        chosen = protocol_named(protocol)
        runs = methods.runs(changes, refs, chosen)
        taken = choose_metrics(metrics and [name.strip() for name in metrics.split(",")])
        if report:
            check_report(report, overwrite=overwrite)
        pairs = _pairs(chosen, data, runs, subset, kinds=refs is not None)
        with ProgressOnStderr("pictures") as progress:
            evaluator = Evaluator(chosen, pairs, taken, data, progress, report, CROPS if report else 0)
            check_pictures(pairs, [kind for kind, _ in runs])
            evaluations = methods.scored(evaluator, runs)
    if report:
        write_report(evaluations, report, overwrite=overwrite)
        evaluator.done()
    say(*([as_json(evaluations)] if json else table(evaluations)))
    if not json and (note := not_taken(evaluations)):
        print(note, file=sys.stderr)
    return Exit.DONE


def _refuse_with_compare(given: dict[str, Any], *, others: bool) -> None:
    extra = [name for name, value in given.items() if value is not None]
    if extra or others:
        named = f"no {' or '.join(extra)}" if extra else "no other option than --json"
        raise InputError(f"--compare scores nothing, so it takes {named}. Omit them.")


def _compared(reports: tuple[Path, ...], baseline: str | None, *, as_json: bool) -> int:
    from srntt.report import compare_reports, comparison_table

    if len(reports) not in (1, 2) or (len(reports) == 1 and baseline is None):
        raise InputError("--compare takes two reports, or one report and --baseline NAME.")
    differences = compare_reports(reports[0], reports[-1], baseline=baseline)
    say_either(comparison_table(differences), [asdict(each) for each in differences], as_json=as_json)
    return Exit.DONE


@dataclass(frozen=True)
class _Methods:
    """Methods to score: a model, peers, and outputs of other methods."""

    model: ModelOptions | None
    peers: tuple[str, ...]
    outputs: tuple[str, ...] = ()

    def runs(
        self, changes: ReferenceOptions, refs: str | None, protocol: "srntt.evaluate.Protocol"
    ) -> list["srntt.evaluate.Run"]:
        """Return the references and changes with which the model is scored; peers do not use references.

        Raises:
            InputError: There is nothing to score, a kind is unknown, or references are given without a model.
        """
        from srntt.evaluate import PEERS

        if unknown := [name for name in self.peers if name not in PEERS]:
            raise InputError(f"Unknown peer {unknown[0]!r}. Available: {', '.join(PEERS)}.")
        if self.model:
            return changes.runs(_kinds(refs or protocol.refs))
        if not self.peers and not self.outputs:
            raise InputError(
                f"--model {NO_MODEL} without --peer or --outputs leaves nothing to score. Name a model, a peer or a "
                "folder of outputs."
            )
        if refs not in (None, "none"):
            raise InputError("Only a model uses references. Omit --refs, or use --refs none.")
        return changes.runs(["none"])

    def scored(
        self, evaluator: "srntt.evaluate.Evaluator", runs: Sequence["srntt.evaluate.Run"]
    ) -> list["srntt.evaluate.Evaluation"]:
        """The base model alone, the model, then the peers, whose environment is looked for before any work."""
        from srntt.evaluate import base_alone, open_peer

        written = [_found_outputs(text, evaluator.pairs) for text in self.outputs]
        with ExitStack() as open_peers:
            peers = [open_peers.enter_context(open_peer(name, evaluator.protocol.scale)) for name in self.peers]
            upscaler = self._opened(evaluator.protocol) if self.model else None
            _report_kept(evaluator)
            evaluations = []
            if upscaler and upscaler.base_model:
                evaluations.append(evaluator.peer(base_alone(upscaler)))
            if self.model and upscaler:
                base = f" on {upscaler.base_model.name}" if upscaler.base_model else ""
                evaluations += evaluator.model(upscaler, f"{self.model.model}{base}", runs)
            evaluations += [evaluator.peer(peer) for peer in peers]
            return [*evaluations, *(evaluator.outputs(one) for one in written)]

    def _opened(self, protocol: "srntt.evaluate.Protocol") -> "srntt.upscale.Upscaler":
        assert self.model
        upscaler = self.model.open()
        if upscaler.scale != protocol.scale:
            raise InputError(
                f"{self.model.model} enlarges {upscaler.scale} times, protocol {protocol.name} {protocol.scale} times. "
                "Name a protocol of the model's scale (`srntt protocols`)."
            )
        return upscaler


def _found_outputs(text: str, pairs: Sequence["srntt.data.Pair"]) -> "srntt.evaluate.Outputs":
    from srntt.evaluate import Outputs

    name, separator, folder = text.partition("=")
    if separator and not os.path.isdir(text):  # a folder's name may hold "="
        return Outputs.find(Path(folder), pairs, name)
    return Outputs.find(Path(text), pairs)


def _report_kept(evaluator: "srntt.evaluate.Evaluator") -> None:
    journal = evaluator.journal
    if journal and journal.scores:
        count = f"{journal.path} holds {len(journal.scores)} scores of an interrupted run"
        print(printable(f"{count}; what is the same is not done again."), file=sys.stderr)


def _kinds(text: str) -> list["srntt.data.ReferenceKind"]:
    from srntt.data import REFERENCE_KINDS

    kinds = [kind.strip() for kind in text.split(",")]
    if unknown := [kind for kind in kinds if kind not in REFERENCE_KINDS]:
        raise InputError(f"--refs {', '.join(map(repr, unknown))}: there are {', '.join(REFERENCE_KINDS)}.")
    return [kind for kind in REFERENCE_KINDS if kind in kinds]


def _pairs(
    protocol: "srntt.evaluate.Protocol", data: Path, runs: Sequence["srntt.evaluate.Run"], subset: bool, *, kinds: bool
) -> tuple["srntt.data.Pair", ...]:
    """Every target must have what is asked for: better known now than after hours of work."""
    _refuse_no_folder(protocol, data)
    pairs = protocol.data.read(data, subset=subset)
    if not pairs:
        raise NothingToDoError(f"{data} lists no targets. There is nothing to score.")
    for kind, _ in runs:
        for pair in pairs:
            if not kinds and kind in ("first", "all") and not pair.references:
                raise InputError(
                    f"{pair.name} has no references in {data}, and protocol {protocol.name} takes some ({kind}). "
                    "Use --refs none; for single-image sets there are the protocols sisr and sisr-pillow."
                )
            pair.chosen(kind)
    return pairs


def _refuse_no_folder(protocol: "srntt.evaluate.Protocol", data: Path) -> None:
    advice = (
        f"Protocol {protocol.name} expects a folder with {protocol.data.expected}; `srntt protocols` lists what each "
        "protocol expects."
    )
    try:
        if not data.exists():
            raise InputError(f"{data} does not exist. {advice}")
        if not data.is_dir():
            raise InputError(f"{data} is not a folder. {advice}")
        if not any(data.iterdir()):
            raise InputError(f"{data} is empty. {advice}")
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{data} cannot be read: {error.strerror}. {advice}") from error

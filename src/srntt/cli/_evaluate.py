"""``srntt evaluate``."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from srntt.cli._compiling import telling_of_compiling
from srntt.cli._exit import Exit, NothingToDoError
from srntt.cli._options import Json, ModelOptions
from srntt.cli._progress import ProgressOnStderr
from srntt.cli._reference_options import ReferenceOptions
from srntt.cli._say import printable, say, say_json
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
    """Score a model, and others with it, by a named protocol; `srntt protocols` shows what each one does.

    Args:
        data: Folder of the protocol's pictures; for pairs, one with an index.json, or with input/ and ref/.
        protocol: Which one. Default: pairs.
        refs: Which references the model is given: first, all, none, unrelated, self (the low-res picture itself), or
            several of them separated by commas. Default: those that the protocol is published with; for pairs, first.
        peer: Score this method, too: bicubic (Pillow's), bicubic-matlab, lanczos (Pillow's), or, once `make peers` was
            run, dat-light or realesrgan. It takes no references. May be given several times; --model none leaves
            the peers alone.
        outputs: Score the pictures in this folder, which another method wrote, too: FOLDER or NAME=FOLDER, one picture
            for each target, named like the target (003.png, 003_SRNTT.png). May be given several times; with
            --model none, they are scored alone.
        metrics: Which, separated by commas. Default: psnr_y, ssim_y, lr_psnr and what else is at hand.
        subset: Score what is there of a set that is not whole; the figures say so.
        report: Write report.json, report.csv, report.md and report.tex (the same as tables) and report.html (one page
            with charts and pictures) into this folder. An interrupted run with a report is continued by the same
            command: pictures that were scored are kept in scored.jsonl until the report is whole.
        overwrite: Replace a report that is there.
        compare: Two report.json files of the same pictures: how much better or worse the second is, picture by
            picture, with a 95 % interval of the mean (bootstrap). Nothing is scored; takes only --json and --baseline
            with it.
        baseline: With --compare and one or two reports: hold all of the last one against this model or peer of the
            first. "NAME, REFERENCES" where a model was given several, such as "lite-rec, none".
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
        raise InputError("Nothing says what to score. Give a folder with --data, or two reports with --compare.")
    with telling_of_compiling():
        from srntt.evaluate import Evaluator, choose_metrics, protocol_named
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
            evaluator.check([kind for kind, _ in runs])
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
        raise InputError(f"--compare scores nothing, so it takes {named}. Leave that out.")


def _compared(reports: tuple[Path, ...], baseline: str | None, *, as_json: bool) -> int:
    from srntt.report import compare_reports, comparison_table

    if len(reports) not in (1, 2) or (len(reports) == 1 and baseline is None):
        raise InputError("--compare takes two reports, or one and --baseline NAME: what it is compared with.")
    differences = compare_reports(reports[0], reports[-1], baseline=baseline)
    if as_json:
        say_json([asdict(difference) for difference in differences])
    else:
        say(*comparison_table(differences))
    return Exit.DONE


@dataclass(frozen=True)
class _Methods:
    """What to score: a model, peers, and pictures that other methods wrote."""

    model: ModelOptions | None
    peers: tuple[str, ...]
    outputs: tuple[str, ...] = ()

    def runs(
        self, changes: ReferenceOptions, refs: str | None, protocol: "srntt.evaluate.Protocol"
    ) -> list["srntt.evaluate.Run"]:
        """What the model is scored with; peers take no references.

        Raises:
            InputError: nobody to score, unknown kinds, or references and nobody who takes them.
        """
        from srntt.evaluate import PEERS

        if unknown := [name for name in self.peers if name not in PEERS]:
            raise InputError(f"There is no peer called {unknown[0]!r}; there are: {', '.join(PEERS)}.")
        if self.model:
            return changes.runs(_kinds(refs or protocol.refs))
        if not self.peers and not self.outputs:
            raise InputError(
                f"--model {NO_MODEL} without --peer or --outputs leaves nothing to score. Name a model, a peer or a "
                "folder of outputs."
            )
        if refs not in (None, "none"):
            raise InputError("Only a model takes references. Leave out --refs, or say --refs none.")
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
    if separator and not Path(text).is_dir():  # a folder's name may hold "="
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
                    "Say --refs none; sets for a picture alone have protocols of their own: sisr, sisr-pillow."
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
            raise InputError(f"There is no {data}. {advice}")
        if not data.is_dir():
            raise InputError(f"{data} is no folder. {advice}")
        if not any(data.iterdir()):
            raise InputError(f"{data} is empty. {advice}")
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{data} cannot be read: {error.strerror}. {advice}") from error
